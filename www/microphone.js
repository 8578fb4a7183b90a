// @ts-check
/** A few seconds of the microphone as samples. Heard only between a press and its end, and held by nobody else. */

const SILENT_MS = 5_000; // in which a microphone that works has given a first sample
const SILENT = 'No sound comes from the browser. Firefox needs something to play sound on before it records: connect speakers or headphones, then press Record again.';

/** Why there is no sound, by what the browser calls it. @type {Record<string, string>} */
const WHY = {
  NotAllowedError: 'This page may not hear the microphone: it was refused. Allow it in the browser’s settings of this page (beside the address), then press Record again.',
  NotFoundError: 'This device has no microphone that the browser can find. Connect one, then press Record again.',
  NotReadableError: 'The microphone is there but gives no sound: another program may hold it. Close that, then press Record again.',
  SecurityError: 'The browser does not let this page hear the microphone at all.',
};

/**
 * Records `seconds`; `level` is told how loud it is, 0 to 1, and the share that is done. Throws a sentence.
 * @param {number} seconds @param {(level: number, done: number) => void} level
 * @returns {Promise<{samples: Float32Array, rate: number}>}
 */
export async function record(seconds, level) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error('Browsers let a page hear the microphone only over https or on this machine itself.');
  const stream = await navigator.mediaDevices.getUserMedia({audio: {channelCount: 1}}).catch((error) => {
    throw new Error(WHY[error?.name] ?? `The microphone cannot be used: ${error?.message ?? error}.`);
  });
  const context = new AudioContext();
  /** Says that nothing comes, unless something does. @type {(error: Error) => void} */
  let giveUp = () => {};
  const nothing = new Promise((_, reject) => (giveUp = reject));
  nothing.catch(() => {}); // told to those who wait for it
  const silence = setTimeout(() => giveUp(new Error(SILENT)), SILENT_MS);
  try {
    await context.audioWorklet.addModule(new URL('./microphone-worklet.js', import.meta.url));
    await Promise.race([context.resume(), nothing]);
    const samples = new Float32Array(Math.ceil(seconds * context.sampleRate));
    let at = 0;
    const node = new AudioWorkletNode(context, 'peerage-microphone', {numberOfOutputs: 0});
    const full = new Promise((resolve, reject) => {
      node.port.onmessage = ({data}) => {
        clearTimeout(silence);
        if (at === samples.length) return; // a part that was on its way when the last one had come
        const part = /** @type {Float32Array} */ (data).subarray(0, samples.length - at);
        samples.set(part, at);
        at += part.length;
        level(Math.min(1, Math.max(...part.map(Math.abs))), at / samples.length);
        if (at === samples.length) resolve(undefined);
      };
      node.onprocessorerror = () => reject(new Error('The browser stopped handing out sound.'));
      stream.getAudioTracks()[0].onended = () => reject(new Error('The microphone was taken away while it was recorded. Press Record again.'));
    });
    context.createMediaStreamSource(stream).connect(node);
    await Promise.race([full, nothing]);
    return {samples, rate: context.sampleRate};
  } finally {
    clearTimeout(silence);
    stream.getTracks().forEach((track) => track.stop());
    await context.close();
  }
}

// @ts-check
/** Runs on the browser's thread for sound: passes on what comes, some hundredths of a second at a time. */

// The names of that thread are in no library of types.
const {AudioWorkletProcessor, registerProcessor} = /** @type {any} */ (globalThis);

const SAMPLES = 2048; // of a message

class Microphone extends AudioWorkletProcessor {
  held = new Float32Array(SAMPLES);
  at = 0;

  /** @param {Float32Array[][]} inputs */
  process([input]) {
    const channel = input[0];
    if (!channel) return true;
    for (const sample of channel) {
      this.held[this.at] = sample;
      this.at += 1;
      if (this.at < SAMPLES) continue;
      this.port.postMessage(this.held);
      this.held = new Float32Array(SAMPLES);
      this.at = 0;
    }
    return true;
  }
}

registerProcessor('peerage-microphone', Microphone);

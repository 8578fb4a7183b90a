// The asking side of the probe protocols in js-libp2p. Each exercise is given `open`, which opens a stream to the peer.

import {Checksum, Pattern} from './pattern.mjs';
import {ECHO, HALF, PART, RESET, RESETS, SINK} from './protocols.mjs';
import {ask, drain, send, until, within} from './wait.mjs';

/** @typedef {import('@libp2p/interface').Stream} Stream */
/** @typedef {(protocol: string, ms?: number) => Promise<Stream>} Open */

/** Writes `bytes` of the pattern, at most `window` of them unanswered. @param {Open} open @param {number} bytes @param {number} window @param {number} seed */
export async function echo(open, bytes, window, seed) {
  const stream = await open(ECHO);
  const pattern = new Pattern(seed);
  const [sent, received] = [new Checksum(), new Checksum()];
  let [out, back, over] = [0, 0, false];
  let wake = () => {};
  const started = performance.now();
  const reading = drain(stream, (part) => {
    received.add(part);
    back += part.length;
    wake();
  }).finally(() => {
    over = true;
    wake();
  });
  while (out < bytes && !over) {
    const part = pattern.next(Math.min(PART, bytes - out));
    while (out + part.length > back + window && !over) await new Promise((resolve) => (wake = () => resolve(undefined)));
    if (over) break;
    sent.add(part);
    out += part.length;
    await send(stream, part);
  }
  const closing = stream.close().catch(() => {}); // how it ends is what reading says
  await reading;
  await closing;
  if (back !== bytes) throw new Error(`${back} of ${bytes} bytes came back`);
  return {ms: performance.now() - started, crcSent: sent.value, crcReceived: received.value};
}

/** As many echoes at once. @param {Open} open @param {number} n @param {number} bytes */
export const streams = (open, n, bytes) => Promise.all(Array.from({length: n}, (_, i) => echo(open, bytes, PART, i + 1)));

/** Short streams, `parallel` at once, each with a deadline and a second try. @param {Open} open @param {number} n @param {number} bytes @param {number} parallel */
export async function requests(open, n, bytes, parallel) {
  const [again, failed] = [/** @type {string[]} */ ([]), /** @type {string[]} */ ([])];
  let [next, ok] = [0, 0];
  const started = performance.now();
  const request = async (/** @type {number} */ i) => {
    const {crcSent, crcReceived} = await within(15_000, `request ${i}`, echo(open, bytes, PART, i));
    if (crcSent !== crcReceived) throw new Error(`${i}: bytes changed on the way`);
  };
  const worker = async () => {
    while (next < n) {
      const i = (next += 1);
      await request(i)
        .catch((error) => request(i).then(() => again.push(`${i}: ${error}`)))
        .then(() => (ok += 1), (error) => failed.push(`${i}: ${error}`));
    }
  };
  await Promise.all(Array.from({length: parallel}, worker));
  return {ok, again, failed, ms: performance.now() - started};
}

/** Writes, closes its side, and then reads the answer to its end. @param {Open} open @param {number} bytes */
export async function halfClose(open, bytes) {
  const stream = await open(HALF);
  const [pattern, sum] = [new Pattern(1), new Checksum()];
  const answer = /** @type {number[]} */ ([]);
  const reading = drain(stream, (part) => answer.push(...part));
  for (let left = bytes; left > 0; left -= PART) {
    const part = pattern.next(Math.min(PART, left));
    sum.add(part);
    await send(stream, part);
  }
  await stream.close();
  await reading;
  const [length, crc] = words(Uint8Array.from(answer));
  return {bytes, length, crcSent: sum.value, crcReceived: crc, answer: answer.length};
}

/** `local`: we abort and ask what the other side saw; `remote`: the other side aborts. @param {Open} open @param {'local'|'remote'} kind */
export async function reset(open, kind) {
  const before = await resets(open);
  const stream = await open(RESET);
  if (kind === 'remote') {
    const started = performance.now();
    const seen = drain(stream, () => {}).then(() => 'end', () => 'reset');
    await send(stream, Uint8Array.of(RESETS.abort));
    return {seen: await within(5000, 'the end of the stream', seen), ms: performance.now() - started};
  }
  await ask(stream, Uint8Array.of(RESETS.watch), 1);
  const started = performance.now();
  stream.abort(new Error('as it should'));
  const seen = await until(5000, 'the other side noticing the abort', async () => {
    const after = await resets(open);
    return after.reset > before.reset ? 'reset' : after.inOrder > before.inOrder && 'end';
  });
  return {seen, ms: performance.now() - started};
}

/** @param {Open} open */
async function resets(open) {
  const stream = await open(RESET);
  const [reset, inOrder] = words(await ask(stream, Uint8Array.of(RESETS.query), 8));
  stream.close().catch(() => {});
  return {reset, inOrder};
}

/** Round trips of 32 bytes on one open stream, in ms. @param {Open} open @param {number} n */
export async function rtt(open, n) {
  const stream = await open(ECHO);
  const question = new Uint8Array(32);
  const trips = [];
  for (let i = 0; i < n; i += 1) {
    const started = performance.now();
    await ask(stream, question, question.length);
    trips.push(performance.now() - started);
  }
  stream.close().catch(() => {});
  trips.sort((a, b) => a - b);
  return {median: trips[n >> 1], p95: trips[Math.floor(n * 0.95)]};
}

/** One way, in writes of `part` bytes, until the other side says how many came. @param {Open} open @param {number} bytes @param {number} part */
export async function sink(open, bytes, part) {
  const stream = await open(SINK);
  const buffer = new Pattern(1).next(part);
  const started = performance.now();
  const answer = ask(stream, new Uint8Array(0), 8);
  for (let left = bytes; left > 0; left -= part) await send(stream, left < part ? buffer.subarray(0, left) : buffer);
  const closing = stream.close();
  const [low, high] = words(await answer);
  const ms = performance.now() - started;
  await closing;
  if (low + high * 2 ** 32 !== bytes) throw new Error(`${low + high * 2 ** 32} of ${bytes} bytes came`);
  return {ms};
}

/** Little-endian u32 numbers. @param {Uint8Array} bytes */
const words = (bytes) => [...new Uint32Array(bytes.slice().buffer)];

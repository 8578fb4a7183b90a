// Waiting in a page: for something to become true, for a stream to take or give bytes. Everything has a deadline.

/** @typedef {import('@libp2p/interface').Stream} Stream */

/**
 * Asks `probe` until it gives something true, and gives that.
 * @template T
 * @param {number} ms @param {string} what @param {() => T|Promise<T>} probe
 * @returns {Promise<NonNullable<Exclude<T, false>>>}
 */
export async function until(ms, what, probe) {
  for (const end = performance.now() + ms; ; await new Promise((next) => setTimeout(next, 10))) {
    const found = await probe();
    if (found) return /** @type {any} */ (found);
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms`);
  }
}

/**
 * The promise's value, or an error after `ms`.
 * @template T
 * @param {number} ms @param {string} what @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
export function within(ms, what, promise) {
  const {promise: late, reject} = Promise.withResolvers();
  const timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  return /** @type {Promise<T>} */ (Promise.race([promise, late])).finally(() => clearTimeout(timer));
}

/** Sends, and waits while the stream is full or until it is over. @param {Stream} stream @param {Uint8Array|import('uint8arraylist').Uint8ArrayList} bytes */
export async function send(stream, bytes) {
  if (stream.send(bytes) || stream.status !== 'open') return;
  await new Promise((resolve) => {
    const done = () => {
      for (const event of ['drain', 'close']) stream.removeEventListener(/** @type {any} */ (event), done);
      resolve(undefined);
    };
    for (const event of ['drain', 'close']) stream.addEventListener(/** @type {any} */ (event), done);
  });
}

/** The bytes of one message of a stream. @param {Uint8Array|import('uint8arraylist').Uint8ArrayList} part */
export const flat = (part) => (part instanceof Uint8Array ? part : part.subarray());

/** Sends a question and gives the `length` bytes that answer it. @param {Stream} stream @param {Uint8Array} question @param {number} length */
export async function ask(stream, question, length) {
  const answer = new Uint8Array(length);
  let have = 0;
  const parts = stream[Symbol.asyncIterator]();
  if (question.length > 0) await send(stream, question);
  while (have < length) {
    const {value, done} = await parts.next();
    if (done) throw new Error(`the stream ended after ${have} of ${length} bytes`);
    answer.set(flat(value), have);
    have += value.byteLength;
  }
  await parts.return?.(undefined);
  return answer;
}

/** Reads to the end. @param {Stream} stream @param {(part: Uint8Array) => void} take */
export async function drain(stream, take) {
  for await (const part of stream) take(flat(part));
  // The iterator ends in the same way when the stream was over before it began.
  if (stream.status === 'reset' || stream.status === 'aborted') throw new Error(`the stream was ${stream.status}`);
}

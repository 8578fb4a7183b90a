// The serving side of the probe protocols in js-libp2p.

import {Checksum} from './pattern.mjs';
import {ECHO, HALF, RESET, RESETS, SINK} from './protocols.mjs';
import {ask, drain, flat, send} from './wait.mjs';

/** @typedef {import('@libp2p/interface').Stream} Stream */

/** How the watched streams of `RESET` ended. */
const ended = {reset: 0, inOrder: 0};

/** @type {Record<string, (stream: Stream) => Promise<void>>} */
const handlers = {
  async [ECHO](stream) {
    for await (const part of stream) await send(stream, flat(part));
    await stream.close();
  },

  async [HALF](stream) {
    let [length, sum] = [0, new Checksum()];
    await drain(stream, (part) => {
      length += part.length;
      sum.add(part);
    });
    await answer(stream, [length, sum.value]);
  },

  async [SINK](stream) {
    let count = 0;
    await drain(stream, (part) => {
      count += part.length;
    });
    await answer(stream, [count, Math.floor(count / 2 ** 32)]);
  },

  async [RESET](stream) {
    const [letter] = await ask(stream, new Uint8Array(0), 1);
    if (letter === RESETS.abort) stream.abort(new Error('as it was asked for'));
    if (letter === RESETS.query) await answer(stream, [ended.reset, ended.inOrder]);
    if (letter === RESETS.watch) {
      await send(stream, Uint8Array.of(letter));
      await drain(stream, () => {}).then(() => (ended.inOrder += 1), () => (ended.reset += 1));
    }
  },
};

/** Sends words and ends. @param {Stream} stream @param {number[]} words */
async function answer(stream, words) {
  await send(stream, new Uint8Array(Uint32Array.from(words).buffer));
  await stream.close();
}

/** Serves all of them on `node`. @param {import('libp2p').Libp2p} node */
export async function serve(node) {
  for (const [protocol, handler] of Object.entries(handlers)) {
    const quietly = async (/** @type {Stream} */ stream) => handler(stream).catch((error) => stream.abort(error));
    await node.handle(protocol, quietly, {maxInboundStreams: 1024, maxOutboundStreams: 1024});
  }
}

// What can be done to a peer over a direct connection: too many channels, frames that are none, bytes that nobody reads.

import {RESET, decoder, encode, join, varint} from './frames.mjs';
import {STALL} from './protocols.mjs';
import {until, within} from './wait.mjs';

const HIGH = 1 << 20;
const LOW = 1 << 18;

/** @type {RTCPeerConnection|null} */
let connection = null;

/** Takes over a connection; the one before is closed. @param {RTCPeerConnection|null} pc */
export function use(pc) {
  connection?.close();
  connection = pc;
}

/** Opens `n` channels, or as many as the browser has ids for. @param {number} n */
export async function many(n) {
  let made = 0;
  try {
    for (; made < n; made += 1) /** @type {RTCPeerConnection} */ (connection).createDataChannel('');
  } catch {
    // That was the last id.
  }
  return made;
}

/** What may be in a channel instead of a frame. @type {Record<string, () => Uint8Array[]>} */
const nonsense = {
  junk: () => Array.from({length: 20}, () => crypto.getRandomValues(new Uint8Array(1000))),
  oversized: () => [join(varint(10 << 20)), ...Array.from({length: 40}, () => new Uint8Array(64 << 10))],
  'length without end': () => [new Uint8Array(64).fill(0xff)],
  'wrong protobuf': () => [Uint8Array.of(6, 18, 200, 1, 1, 2, 3)],
  'no multistream': () => [encode(null, new Uint8Array(100).fill(65))],
  'empty frames': () => Array.from({length: 20_000}, () => Uint8Array.of(0)),
};

/** How each of those ends within `ms`. @param {number} ms @returns {Promise<Record<string, string>>} */
export async function frames(ms) {
  const ends = /** @type {Record<string, string>} */ ({});
  for (const [name, make] of Object.entries(nonsense)) {
    const {channel, over} = await open();
    try {
      for (const message of make()) channel.send(/** @type {Uint8Array<ArrayBuffer>} */ (message));
    } catch {
      // Closed by the other side before all was said.
    }
    ends[name] = await within(ms, name, over).catch(() => 'open');
    channel.close();
  }
  return ends;
}

/** Sends `bytes` to a protocol that never reads them; says how far it came. @param {number} bytes @param {number} ms */
export async function unread(bytes, ms) {
  const {channel, over} = await open();
  channel.bufferedAmountLowThreshold = LOW;
  let end = '';
  over.then((how) => (end = how));
  const line = (/** @type {string} */ text) => join(varint(text.length + 1), new TextEncoder().encode(`${text}\n`));
  channel.send(encode(null, join(line('/multistream/1.0.0'), line(STALL))));
  const frame = encode(null, new Uint8Array(16_000));
  let sent = 0;
  for (const deadline = performance.now() + ms; sent < bytes && !end && performance.now() < deadline; sent += frame.length) {
    if (channel.bufferedAmount > HIGH) {
      const low = new Promise((resolve) => (channel.onbufferedamountlow = () => resolve('')));
      await within(ms, 'room', Promise.race([low, over])).catch(() => {});
    }
    if (channel.readyState !== 'open') break;
    channel.send(frame);
  }
  end = await within(5000, 'the end', over).catch(() => 'open');
  channel.close();
  return {sent, end};
}

/** An open channel, and how the other side ends it. */
async function open() {
  const channel = /** @type {RTCPeerConnection} */ (connection).createDataChannel('');
  channel.binaryType = 'arraybuffer';
  const decode = decoder();
  const over = new Promise((/** @type {(how: string) => void} */ resolve) => {
    channel.onmessage = ({data}) => decode(new Uint8Array(data)).some(({number}) => number === RESET) && resolve('reset');
    channel.onclose = () => resolve('closed');
  });
  await until(5000, 'an open channel', () => channel.readyState === 'open');
  return {channel, over};
}

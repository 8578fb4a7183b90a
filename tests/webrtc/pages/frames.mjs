// The two wire formats of /webrtc by hand, for those who want to send what no library would: signalling messages and
// the frames of a data channel. Both are a length and a protobuf of at most two fields: a number (1) and bytes (2).

export const OFFER = 0;
export const ANSWER = 1;
export const CANDIDATE = 2;
/** Flag of a data channel's frame. */
export const RESET = 2;

/** @param {number} n */
export function varint(n) {
  const bytes = [];
  for (; n >= 0x80; n = Math.floor(n / 0x80)) bytes.push((n % 0x80) | 0x80);
  return [...bytes, n];
}

/** @param {...(number[]|Uint8Array)} parts */
export function join(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

/** A message with its length before it. @param {number|null} number @param {Uint8Array|string|null} bytes */
export function encode(number, bytes) {
  const data = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  const body = join(number === null ? [] : [8, ...varint(number)], data === null ? [] : [18, ...varint(data.length)], data ?? []);
  return join(varint(body.length), body);
}

/** Puts arriving bytes together to messages. @returns {(bytes: Uint8Array) => {number: number|null, data: Uint8Array|null}[]} */
export function decoder() {
  let rest = new Uint8Array(0);
  return (bytes) => {
    rest = join(rest, bytes);
    const found = [];
    for (;;) {
      const length = read(rest, 0);
      if (!length || rest.length < length.end + length.value) return found;
      found.push(fields(rest.subarray(length.end, length.end + length.value)));
      rest = rest.slice(length.end + length.value);
    }
  };
}

/** @param {Uint8Array} body */
function fields(body) {
  const message = {number: /** @type {number|null} */ (null), data: /** @type {Uint8Array|null} */ (null)};
  for (let at = 0; at < body.length; ) {
    const key = body[at];
    const {value, end} = read(body, at + 1) ?? {value: 0, end: body.length};
    if (key === 8) message.number = value;
    if (key === 18) message.data = body.subarray(end, end + value);
    at = key === 18 ? end + value : end;
  }
  return message;
}

/** @param {Uint8Array} bytes @param {number} at */
function read(bytes, at) {
  let value = 0;
  for (let i = at; i < bytes.length; i += 1) {
    value += (bytes[i] & 0x7f) * 2 ** (7 * (i - at));
    if (bytes[i] < 0x80) return {value, end: i + 1};
  }
  return null;
}

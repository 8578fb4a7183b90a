// Bytes that nobody can guess and everybody can repeat, and their checksum: the same in Rust (crates/lib/webrtc/tests/probe/pattern.rs).

/** Bytes of a seed: the states of a 32-bit xorshift, little-endian. Each part but the last is a whole number of words long. */
export class Pattern {
  /** @param {number} seed not 0 */
  constructor(seed) {
    this.state = seed >>> 0;
  }

  /** The next bytes. @param {number} length */
  next(length) {
    const words = new Uint32Array(Math.ceil(length / 4));
    let x = this.state;
    for (let i = 0; i < words.length; i += 1) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      words[i] = x;
    }
    this.state = x;
    return new Uint8Array(words.buffer, 0, length);
  }
}

const TABLE = Uint32Array.from({length: 256}, (_, byte) => {
  let x = byte;
  for (let bit = 0; bit < 8; bit += 1) x = x & 1 ? (x >>> 1) ^ 0xedb88320 : x >>> 1;
  return x;
});

/** CRC-32 as in zip and Ethernet. */
export class Checksum {
  state = ~0;

  /** @param {Uint8Array} bytes */
  add(bytes) {
    let x = this.state;
    for (let i = 0; i < bytes.length; i += 1) x = TABLE[(x ^ bytes[i]) & 0xff] ^ (x >>> 8);
    this.state = x;
    return this;
  }

  get value() {
    return ~this.state >>> 0;
  }
}

/** The checksum of the first `bytes` bytes of `seed`, in parts of 64 KiB. @param {number} seed @param {number} bytes */
export function checksum(seed, bytes) {
  const [pattern, sum] = [new Pattern(seed), new Checksum()];
  for (let left = bytes; left > 0; left -= 1 << 16) sum.add(pattern.next(Math.min(left, 1 << 16)));
  return sum.value;
}

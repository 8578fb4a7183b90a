// What the probe pages say to each other, in JavaScript as in Rust (crates/lib/webrtc/tests/probe/serve.rs).

/** Sends back what comes, and ends when the other side has ended. */
export const ECHO = '/probe/echo/1';
/** Reads to the end, then answers length and CRC-32 of it: two u32, little-endian. */
export const HALF = '/probe/half/1';
/** One letter: see `RESETS`. */
export const RESET = '/probe/reset/1';
/** Counts to the end, then answers the count: u64, little-endian. */
export const SINK = '/probe/sink/1';
/** Never reads. */
export const STALL = '/probe/stall/1';

/** What the first byte of `RESET` asks for. */
export const RESETS = {
  /** The server aborts. */
  abort: 97,
  /** The server says the same letter, then counts how the stream ends: in order or by a reset. */
  watch: 119,
  /** The server answers what it has counted, two u32, little-endian: reset, ended in order. */
  query: 113,
};

/** Bytes written at once. */
export const PART = 1 << 16;

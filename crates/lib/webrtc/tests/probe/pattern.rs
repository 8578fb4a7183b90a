//! Bytes that nobody can guess and everybody can repeat; the same in JavaScript (`tests/webrtc/pages/pattern.mjs`).

/// Bytes of a seed: the states of a 32-bit xorshift, little-endian.
pub struct Pattern(u32);

impl Pattern {
    /// `seed` is not 0.
    pub fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// The next bytes, in the place of those in `buffer`. What is left of the last word is never seen.
    pub fn next<'a>(&mut self, buffer: &'a mut [u8]) -> &'a [u8] {
        let mut x = self.0;
        for word in buffer.chunks_mut(4) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            word.copy_from_slice(&x.to_le_bytes()[..word.len()]);
        }
        self.0 = x;
        buffer
    }
}

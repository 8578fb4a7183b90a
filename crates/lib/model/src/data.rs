//! Byte windows from the own shard of a text: the dataset D_i (paper, "Running the Network", step 1).
//!
//! The shard is a contiguous part of the text that the peer's key chooses, so that every D_i is its own. The text comes
//! from the operator of a node: any bytes do, only their number is checked.

use crate::{Error, Preset, Random};

/// The text of one peer.
#[derive(Clone, Debug)]
pub struct Dataset {
    bytes: Vec<u8>,
    offset: usize,
    seq: usize,
}

/// Examples of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// [batch, seq] bytes, row by row.
    pub inputs: Vec<u8>,
    /// [batch, seq]: the byte that follows each.
    pub targets: Vec<u8>,
    /// Examples.
    pub batch: usize,
    /// Bytes an example.
    pub seq: usize,
}

impl Dataset {
    /// Fewest bytes of a text.
    pub const LEAST: usize = 1024;
    /// Most bytes of a shard.
    pub const MOST: usize = 1 << 20;

    /// The shard of `key` in `text`: a quarter of it, but at least 64 KiB where there is as much, and at most
    /// [`Self::MOST`].
    ///
    /// # Errors
    /// [`Error::TooShort`] where the text has fewer than [`Self::LEAST`] bytes, or than two windows.
    pub fn shard(text: &[u8], key: &str, preset: &Preset) -> Result<Self, Error> {
        let least = Self::LEAST.max(2 * (preset.seq + 1));
        if text.len() < least {
            return Err(Error::TooShort { bytes: text.len(), least });
        }
        let length = (text.len() / 4).clamp(1 << 16, Self::MOST).min(text.len());
        let offset = Random::new(hash(key), 0).below(text.len() - length + 1);
        Ok(Self { bytes: text[offset..offset + length].to_vec(), offset, seq: preset.seq })
    }

    /// Bytes in the shard.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a shard is never empty")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Where the shard starts in the whole text.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// `batch` windows at places that `random` chooses.
    pub fn batch(&self, batch: usize, random: &mut Random) -> Batch {
        let mut inputs = Vec::with_capacity(batch * self.seq);
        let mut targets = Vec::with_capacity(batch * self.seq);
        for _ in 0..batch {
            let start = random.below(self.bytes.len() - self.seq);
            inputs.extend_from_slice(&self.bytes[start..start + self.seq]);
            targets.extend_from_slice(&self.bytes[start + 1..=start + self.seq]);
        }
        Batch { inputs, targets, batch, seq: self.seq }
    }
}

/// FNV-1a: spreads keys over the text; nothing rests on its being hard to invert.
fn hash(key: &str) -> u64 {
    key.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRESET: Preset = Preset::small();

    #[test]
    fn a_short_text_is_refused() {
        for bytes in [0, 1, 1023] {
            let refused = Dataset::shard(&vec![b'a'; bytes], "k", &PRESET);
            assert!(matches!(refused, Err(Error::TooShort { least: 1024, bytes: got }) if got == bytes));
        }
        assert!(Dataset::shard(&[b'a'; 1024], "k", &PRESET).is_ok());
    }

    #[test]
    fn keys_choose_different_parts_of_a_long_text() {
        let text = vec![b'a'; 1 << 20];
        let one = Dataset::shard(&text, "00ff", &PRESET).unwrap();
        let two = Dataset::shard(&text, "00fe", &PRESET).unwrap();
        assert_eq!(one.len(), 1 << 18);
        assert_ne!(one.offset(), two.offset());
        assert_eq!(one.offset(), Dataset::shard(&text, "00ff", &PRESET).unwrap().offset());
    }

    #[test]
    fn targets_are_the_inputs_one_byte_on() {
        let text: Vec<u8> = (0..2000u32).map(|i| (i % 251) as u8).collect();
        let batch = Dataset::shard(&text, "k", &PRESET).unwrap().batch(3, &mut Random::new(1, 1));
        assert_eq!(batch.inputs.len(), 3 * PRESET.seq);
        for (input, target) in batch.inputs.iter().zip(&batch.targets) {
            assert_eq!((u32::from(*input) + 1) % 251, u32::from(*target));
        }
    }
}

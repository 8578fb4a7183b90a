//! Byte windows of a text, or of the own shard of a shared one.
//!
//! The shard is a contiguous part of the text that the peer's key chooses, so that every D_i is its own. The last tenth
//! of the whole text is held out, for all peers the same, so that their validation can be compared. The text comes from
//! the operator of a node or from the person at the tab: any bytes do, only their number is checked.

use crate::{Error, Part, Random, Spec, batch::Examples, dataset::Source, limits};
use protocol::exchange::Modality;

/// A text, or the shard of one peer.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    spec: Spec,
    /// What is trained on, then what is held out.
    bytes: Vec<u8>,
    /// Where the held-out part starts.
    train: usize,
    /// Where the shard starts in the whole text.
    offset: usize,
    /// Whether it is one of many shards.
    shared: bool,
}

impl Text {
    /// The windows of `seq` bytes of `text`, or of the shard of key `shard` in it.
    pub fn new(text: &[u8], shard: Option<&str>, seq: usize) -> Result<Self, Error> {
        let window = seq + 1;
        let least = limits::TEXT_LEAST.max(4 * window);
        if text.len() < least {
            return Err(Error::TooShort { bytes: text.len(), least });
        }
        let train = text.len() - (text.len() / 10).max(window);
        let (offset, length) = match shard {
            None => (0, train),
            Some(key) => {
                let length = (text.len() / 4).clamp(limits::SHARD_LEAST, limits::SHARD_MOST).min(train);
                (Random::new(hash(key), 0).below(train - length + 1), length)
            }
        };
        let held = text.len().min(train + limits::HELD_OUT_BYTES.max(window));
        let bytes = [&text[offset..offset + length], &text[train..held]].concat();
        let own = Part { modality: Modality::Text, seq, item: [1; 3] };
        let spec = Spec { parts: vec![own], classes: 256, each: true };
        Ok(Self { spec, bytes, train: length, offset, shared: shard.is_some() })
    }

    fn window(&self) -> usize {
        self.spec.targets() + 1
    }
}

impl Source for Text {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn pick(&self, random: &mut Random) -> u64 {
        random.below(self.train - self.window() + 1) as u64
    }

    fn held_out(&self) -> usize {
        (self.bytes.len() - self.train) / self.window()
    }

    fn held(&self, index: usize) -> u64 {
        (self.train + index * self.window()) as u64
    }

    fn write(&self, example: u64, into: &mut Examples) {
        let start = usize::try_from(example).unwrap_or(usize::MAX);
        let window = &self.bytes[start..start + self.window()];
        into.bytes(0, window[..window.len() - 1].iter().copied());
        into.targets(window[1..].iter().map(|byte| u16::from(*byte)));
    }

    fn describe(&self) -> String {
        let held = self.bytes.len() - self.train;
        if self.shared {
            format!("{} bytes of text from byte {} of the shared text; {held} for validation", self.train, self.offset)
        } else {
            format!("{} bytes of text; {held} for validation", self.train)
        }
    }

    fn bytes(&self) -> usize {
        self.train
    }

    fn offset(&self) -> usize {
        self.offset
    }
}

/// FNV-1a: spreads keys over the text; nothing rests on its being hard to invert.
fn hash(key: &str) -> u64 {
    key.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;
    use protocol::exchange::Values;

    const SEQ: usize = 64;

    fn bytes(dataset: &Dataset, n: usize) -> Vec<u8> {
        match dataset.batch(n, &mut Random::new(1, 1)).parts[0].values() {
            Values::Bytes(bytes) => bytes.clone(),
            Values::Reals(_) => panic!("a text has bytes"),
        }
    }

    #[test]
    fn a_short_text_is_refused() {
        for bytes in [0, 1, 1023] {
            let refused = Dataset::text(&vec![b'a'; bytes], Some("k"), SEQ);
            assert!(matches!(refused, Err(Error::TooShort { least: 1024, bytes: got }) if got == bytes));
        }
        assert!(Dataset::text(&[b'a'; 1024], Some("k"), SEQ).is_ok());
    }

    #[test]
    fn keys_choose_different_parts_of_a_long_text() {
        let text = vec![b'a'; 1 << 20];
        let one = Dataset::text(&text, Some("00ff"), SEQ).unwrap();
        let two = Dataset::text(&text, Some("00fe"), SEQ).unwrap();
        assert_eq!(one.bytes(), 1 << 18);
        assert_ne!(one.offset(), two.offset());
        assert_eq!(one.offset(), Dataset::text(&text, Some("00ff"), SEQ).unwrap().offset());
    }

    #[test]
    fn targets_are_the_inputs_one_byte_on() {
        let text: Vec<u8> = (0..2000u32).map(|i| (i % 251) as u8).collect();
        let dataset = Dataset::text(&text, Some("k"), SEQ).unwrap();
        let inputs = bytes(&dataset, 3);
        let targets = dataset.batch(3, &mut Random::new(1, 1)).targets;
        assert_eq!((inputs.len(), targets.len()), (3 * SEQ, 3 * SEQ));
        for (input, target) in inputs.iter().zip(&targets) {
            assert_eq!((u16::from(*input) + 1) % 251, *target);
        }
    }

    #[test]
    fn the_last_tenth_is_everyones_validation_and_nobodys_shard() {
        let text: Vec<u8> = (0..200_000u32).map(|i| if i < 180_000 { b'a' } else { b'b' }).collect();
        for key in ["0", "1", "2", "3"] {
            let dataset = Dataset::text(&text, Some(key), SEQ).unwrap();
            assert!(dataset.offset() + dataset.bytes() <= 180_000);
            assert!(bytes(&dataset, 64).iter().all(|byte| *byte == b'a'));
            for index in 0..dataset.validation_batches(64) {
                assert!(dataset.validation(64, index).targets.iter().all(|target| *target == u16::from(b'b')));
            }
        }
    }

    #[test]
    fn a_window_too_long_for_a_message_is_refused() {
        assert!(matches!(Dataset::text(&[b'a'; 1 << 16], None, 4096), Err(Error::Shape(_))));
    }
}

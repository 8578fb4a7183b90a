//! How contents lie in a file: frames of `u32` length (little endian), SHA-256 of the content, content. What is replaced
//! is one frame, what grows has a frame for each piece.
//!
//! What a crash leaves behind is known by its length or its hash and is cut off. Whoever can write the files can write
//! frames that fit: what they hold is for the caller to verify.

use commonware_cryptography::{Hasher as _, Sha256};

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The contents of its whole frames, one after the other.
    pub content: Vec<u8>,
    /// Bytes of these frames; what comes after them is to be cut off.
    pub whole: usize,
    /// Why the rest is of no use, unless it is what an interrupted write leaves.
    pub damage: Option<Damage>,
}

/// A frame that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("from byte {at} on it is not what was written")]
pub struct Damage {
    /// Where the frame begins.
    at: usize,
}

/// A frame around `content`; `None`: it is longer than a frame can be.
#[must_use]
pub fn frame(content: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(content.len()).ok()?;
    let mut frame = Vec::with_capacity(HEAD + content.len());
    frame.extend(length.to_le_bytes());
    frame.extend_from_slice(&Sha256::hash(&[content]));
    frame.extend_from_slice(content);
    Some(frame)
}

/// The whole frames at the start of `file`.
#[must_use]
pub fn read(file: &[u8]) -> Held {
    let mut held = Held::default();
    let mut rest = file;
    while let Some((head, after)) = rest.split_first_chunk::<HEAD>() {
        let (length, hash) = head.split_at(LENGTH);
        let length = length.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let Some(content) = after.get(..length) else { break };
        if Sha256::hash(&[content]).as_ref() != hash {
            held.damage = Some(Damage { at: held.whole });
            break;
        }
        held.content.extend_from_slice(content);
        held.whole += HEAD + length;
        rest = after.get(length..).unwrap_or_default();
    }
    held
}

/// Bytes of a length.
const LENGTH: usize = 4;
/// Bytes before the content.
const HEAD: usize = LENGTH + 32;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn file(contents: &[&[u8]]) -> Vec<u8> {
        contents.iter().flat_map(|content| frame(content).unwrap()).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = file(&[b"one", b"", b"two"]);
        assert_eq!(read(&bytes), Held { content: b"onetwo".into(), whole: bytes.len(), damage: None });
        assert_eq!(read(&[]), Held::default());
    }

    #[test]
    fn a_torn_tail_is_cut_wherever_it_tears() {
        let first = frame(b"first").unwrap();
        let bytes = file(&[b"first", b"second"]);
        for end in first.len()..bytes.len() {
            assert_eq!(read(&bytes[..end]), Held { content: b"first".into(), whole: first.len(), damage: None });
        }
    }

    #[test]
    fn any_changed_byte_ends_what_is_taken() {
        let first = frame(b"first").unwrap();
        let bytes = file(&[b"first", b"second"]);
        for at in first.len()..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            let held = read(&bad);
            assert_eq!((held.content.as_slice(), held.whole), (&b"first"[..], first.len()), "byte {at}");
            // A length that grew looks torn.
            assert!(held.damage == Some(Damage { at: first.len() }) || at < first.len() + LENGTH, "byte {at}");
        }
    }
}

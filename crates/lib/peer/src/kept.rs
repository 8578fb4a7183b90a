//! All that a peer needs to go on later, as bytes: the model as it keeps itself, and beside it where the data stood, who held
//! which slot, and what each neighbour was worth.
//!
//! The bytes come back from a disk: a file that was cut off or changed is refused by its digest before any of it is
//! believed. A file of another version is refused by name.

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, RangeCfg, Read, ReadExt, Write};
use commonware_cryptography::{Hasher, Sha256};
use protocol::wire;

use crate::tally::Kept as Worth;

/// What is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    /// Fixes batches and noise, with the position.
    pub(crate) seed: u64,
    /// Batches drawn and used.
    pub(crate) position: u64,
    /// Number of the last ask.
    pub(crate) asks: u64,
    /// Hot key of each slot of the gate; empty where nobody has it.
    pub(crate) slots: Vec<String>,
    /// What each neighbour was worth.
    pub(crate) worth: Vec<Worth>,
    /// The model, as it keeps itself.
    pub(crate) model: Vec<u8>,
}

/// Why kept bytes cannot be gone on from.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// They were cut off or changed.
    #[error("what was kept of the model is damaged: {bytes} bytes whose digest does not match")]
    Damaged {
        /// How many there are.
        bytes: usize,
    },
    /// They were written by another version of this program, or are something else.
    #[error("what was kept of the model cannot be read by this version: {0}")]
    Unreadable(#[from] wire::Error),
    /// They belong to a model of another shape.
    #[error("what was kept does not fit this data or this device: {0}")]
    Model(#[from] model::Error),
}

/// First byte.
const VERSION: u8 = 2;
/// Bytes of the digest at the end.
const DIGEST: usize = 32;
/// Most slots and neighbours that are read, and the longest key.
const MOST: usize = 1 << 16;
const KEY: usize = 256;

impl Kept {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = wire::encode(self);
        let digest = Sha256::hash(&[&bytes]);
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// # Errors
    /// [`KeptError::Damaged`], [`KeptError::Unreadable`].
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, KeptError> {
        let damaged = || KeptError::Damaged { bytes: bytes.len() };
        let (body, digest) = bytes.split_last_chunk::<DIGEST>().ok_or_else(damaged)?;
        if *Sha256::hash(&[body]) != digest[..] {
            return Err(damaged());
        }
        Ok(wire::decode(body, usize::MAX)?)
    }
}

impl Write for Kept {
    fn write(&self, buf: &mut impl BufMut) {
        VERSION.write(buf);
        [self.seed, self.position, self.asks].write(buf);
        self.slots.len().write(buf);
        self.slots.iter().for_each(|key| key.as_bytes().write(buf));
        self.worth.write(buf);
        self.model.as_slice().write(buf);
    }
}

impl EncodeSize for Kept {
    fn encode_size(&self) -> usize {
        let slots: usize = self.slots.iter().map(|key| key.as_bytes().encode_size()).sum();
        1 + 24 + self.slots.len().encode_size() + slots + self.worth.encode_size() + self.model.as_slice().encode_size()
    }
}

impl Read for Kept {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        if u8::read(buf)? != VERSION {
            return Err(CodecError::Invalid("kept", "of another version"));
        }
        let [seed, position, asks] = <[u64; 3]>::read(buf)?;
        let count = usize::read_cfg(buf, &RangeCfg::new(0..=MOST))?;
        let mut slots = Vec::new();
        for _ in 0..count {
            slots.push(text(buf)?);
        }
        let worth = Vec::<Worth>::read_cfg(buf, &(RangeCfg::new(0..=MOST), ()))?;
        let model = Vec::<u8>::read_cfg(buf, &(RangeCfg::from(..), ()))?;
        Ok(Self { seed, position, asks, slots, worth, model })
    }
}

pub(crate) fn text(buf: &mut impl Buf) -> Result<String, CodecError> {
    let bytes = Vec::<u8>::read_cfg(buf, &(RangeCfg::new(0..=KEY), ()))?;
    String::from_utf8(bytes).map_err(|_| CodecError::Invalid("kept", "a key that is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        Kept {
            seed: 7,
            position: 1 << 40,
            asks: 9,
            slots: vec!["ab".into(), String::new()],
            worth: vec![Worth::default()],
            model: vec![1, 2, 3],
        }
    }

    #[test]
    fn what_was_kept_comes_back() {
        assert_eq!(Kept::from_bytes(&kept().to_bytes()).unwrap(), kept());
    }

    #[test]
    fn what_was_cut_off_or_changed_is_refused() {
        let bytes = kept().to_bytes();
        for end in 0..bytes.len() {
            assert!(matches!(Kept::from_bytes(&bytes[..end]), Err(KeptError::Damaged { .. })), "{end}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            assert!(matches!(Kept::from_bytes(&changed), Err(KeptError::Damaged { .. })), "{at}");
        }
    }

    #[test]
    fn another_version_is_named() {
        let mut body = wire::encode(&kept());
        body[0] = VERSION + 1;
        let digest = Sha256::hash(&[&body]);
        body.extend_from_slice(&digest);
        let error = Kept::from_bytes(&body).unwrap_err().to_string();
        assert!(error.contains("of another version"), "{error}");
    }
}

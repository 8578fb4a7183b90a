//! No, and why, so that the asker knows what to do next.

use super::{Modalities, Modality, Unpaid};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, Read, ReadExt, Write};
use commonware_cryptography::sha256::Digest;

/// Why a peer does not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refuse {
    /// Its queue is full.
    #[error("busy, ask again in {retry_ms} ms")]
    Busy {
        /// When to come back, ms.
        retry_ms: u32,
    },
    /// It represents something else.
    #[error("represents {own}, was asked for {asked}")]
    WrongModality {
        /// What it represents.
        own: Modalities,
        /// What it was asked for.
        asked: Modality,
    },
    /// The shape is not one it can use, [batch, seq, dim].
    #[error("shape {got:?} where at most {expected:?} fits")]
    WrongShape {
        /// What it can use.
        expected: [u32; 3],
        /// What it got.
        got: [u32; 3],
    },
    /// The gradient belongs to no answer it remembers.
    #[error("remembers no answer {id}")]
    Forgotten {
        /// Id of the gradient.
        id: u64,
    },
    /// Its model is not running.
    #[error("is not training now")]
    NotTraining,
    /// The deadline passed before its turn came.
    #[error("had no time before the deadline")]
    TooLate,
    /// It could not parse the request.
    #[error("could not read the request")]
    Unreadable,
    /// The asker belongs to another chain.
    #[error("belongs to chain {own}")]
    WrongChain {
        /// Its chain.
        own: Digest,
    },
    /// The asker speaks another version.
    #[error("speaks version {own} of the protocol")]
    WrongVersion {
        /// Its version.
        own: u16,
    },
    /// The claim gives no credit.
    #[error("{0}")]
    Unpaid(Unpaid),
}

impl Write for Refuse {
    fn write(&self, buf: &mut impl BufMut) {
        match self {
            Self::Busy { retry_ms } => (0u8, *retry_ms).write(buf),
            Self::WrongModality { own, asked } => (1u8, *own, *asked).write(buf),
            Self::WrongShape { expected, got } => (2u8, *expected, *got).write(buf),
            Self::Forgotten { id } => (3u8, *id).write(buf),
            Self::NotTraining => 4u8.write(buf),
            Self::TooLate => 5u8.write(buf),
            Self::Unreadable => 6u8.write(buf),
            Self::WrongChain { own } => (7u8, *own).write(buf),
            Self::WrongVersion { own } => (8u8, *own).write(buf),
            Self::Unpaid(unpaid) => {
                9u8.write(buf);
                unpaid.write(buf);
            }
        }
    }
}

impl EncodeSize for Refuse {
    fn encode_size(&self) -> usize {
        u8::SIZE
            + match self {
                Self::Busy { .. } => u32::SIZE,
                Self::WrongModality { .. } => Modalities::SIZE + Modality::SIZE,
                Self::WrongShape { .. } => 6 * u32::SIZE,
                Self::Forgotten { .. } => u64::SIZE,
                Self::NotTraining | Self::TooLate | Self::Unreadable => 0,
                Self::WrongChain { .. } => Digest::SIZE,
                Self::WrongVersion { .. } => u16::SIZE,
                Self::Unpaid(unpaid) => unpaid.encode_size(),
            }
    }
}

impl Read for Refuse {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(match u8::read(buf)? {
            0 => Self::Busy { retry_ms: u32::read(buf)? },
            1 => Self::WrongModality { own: Modalities::read(buf)?, asked: Modality::read(buf)? },
            2 => Self::WrongShape { expected: <[u32; 3]>::read(buf)?, got: <[u32; 3]>::read(buf)? },
            3 => Self::Forgotten { id: u64::read(buf)? },
            4 => Self::NotTraining,
            5 => Self::TooLate,
            6 => Self::Unreadable,
            7 => Self::WrongChain { own: Digest::read(buf)? },
            8 => Self::WrongVersion { own: u16::read(buf)? },
            9 => Self::Unpaid(Unpaid::read(buf)?),
            other => return Err(CodecError::InvalidEnum(other)),
        })
    }
}

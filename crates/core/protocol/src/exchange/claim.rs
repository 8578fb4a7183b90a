//! "This Purchase on the ledger paid you": what a buyer shows a seller, and why it may not count (decisions.md 15).
//!
//! A hostile buyer could show another's purchase, one for another seller, one that never became final, one of long ago, or the
//! same one again. Nothing of that is checked here: the parts are opaque bytes within bounds, and the seller's light client
//! verifies them against headers it has verified itself.

use crate::{limits, wire};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, Read, ReadExt, Write};

/// A Purchase, the proof that it is in a block that is final, and what its order was made of. Unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The signed transaction, as the ledger encodes it.
    pub transaction: Vec<u8>,
    /// Its place among the transactions of its block.
    pub index: u32,
    /// Proof of that place, as the ledger encodes it.
    pub proof: Vec<u8>,
    /// The header of its block, those that follow up to one with a certificate, and that: an encoded `Reply::Headers` of the
    /// ledger crate.
    pub headers: Vec<u8>,
    /// Chosen by the buyer: with the chain and the peer id of the buyer's connection it makes the order of the purchase.
    pub nonce: [u8; 32],
}

/// Why a claim gives no credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unpaid {
    /// The seller sells nothing.
    #[error("sells nothing")]
    NotForSale,
    /// It is no purchase, or not one of this chain.
    #[error("saw no purchase of this chain")]
    NoPurchase,
    /// It pays another peer, or one that had this place before.
    #[error("was not the one who was paid")]
    OtherSeller,
    /// Its order names another buyer.
    #[error("saw an order of another peer")]
    OtherBuyer,
    /// The validators of its block, or the seller's own place, are not known to the seller yet.
    #[error("does not know the validators of that block yet, claim again in some seconds")]
    NotYet,
    /// Its block is too long ago.
    #[error("credits purchases of the last {seconds} s only, and none from before it started")]
    TooOld {
        /// Time that a claim may be late, s.
        seconds: u64,
    },
    /// The proof does not lead to the header, or the header to a certificate.
    #[error("saw no proof that the purchase is in a block that is final")]
    Proof,
    /// It was credited before.
    #[error("has credited this purchase before")]
    Again,
    /// It pays for less than one position.
    #[error("asks at least {least} base units")]
    TooLittle {
        /// Base units for one position.
        least: u64,
    },
    /// It pays for less than what each of the buyers whose credit is kept has left.
    #[error("keeps the credit of {} buyers, and all of them have more", limits::BUYERS)]
    Full,
}

impl Claim {
    /// The encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Parses and bounds; verifies nothing.
    ///
    /// # Errors
    /// [`wire::Error`] for anything but exactly one claim.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, wire::Error> {
        wire::decode(bytes, limits::MESSAGE_BYTES)
    }
}

impl Write for Claim {
    fn write(&self, buf: &mut impl BufMut) {
        self.transaction.write(buf);
        self.index.write(buf);
        self.proof.write(buf);
        self.headers.write(buf);
        self.nonce.write(buf);
    }
}

impl EncodeSize for Claim {
    fn encode_size(&self) -> usize {
        let bytes = [&self.transaction, &self.proof, &self.headers].map(|bytes| bytes.encode_size());
        bytes.iter().sum::<usize>() + u32::SIZE + self.nonce.len()
    }
}

impl Read for Claim {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            transaction: wire::read_bytes(buf, limits::CLAIM_BYTES)?,
            index: u32::read(buf)?,
            proof: wire::read_bytes(buf, limits::CLAIM_BYTES)?,
            headers: wire::read_bytes(buf, limits::CLAIM_BYTES)?,
            nonce: <[u8; 32]>::read(buf)?,
        })
    }
}

impl Write for Unpaid {
    fn write(&self, buf: &mut impl BufMut) {
        match self {
            Self::NotForSale => 0u8.write(buf),
            Self::NoPurchase => 1u8.write(buf),
            Self::OtherSeller => 2u8.write(buf),
            Self::OtherBuyer => 3u8.write(buf),
            Self::NotYet => 4u8.write(buf),
            Self::TooOld { seconds } => (5u8, *seconds).write(buf),
            Self::Proof => 6u8.write(buf),
            Self::Again => 7u8.write(buf),
            Self::TooLittle { least } => (8u8, *least).write(buf),
            Self::Full => 9u8.write(buf),
        }
    }
}

impl EncodeSize for Unpaid {
    fn encode_size(&self) -> usize {
        u8::SIZE
            + match self {
                Self::TooOld { .. } | Self::TooLittle { .. } => u64::SIZE,
                _ => 0,
            }
    }
}

impl Read for Unpaid {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(match u8::read(buf)? {
            0 => Self::NotForSale,
            1 => Self::NoPurchase,
            2 => Self::OtherSeller,
            3 => Self::OtherBuyer,
            4 => Self::NotYet,
            5 => Self::TooOld { seconds: u64::read(buf)? },
            6 => Self::Proof,
            7 => Self::Again,
            8 => Self::TooLittle { least: u64::read(buf)? },
            9 => Self::Full,
            other => return Err(CodecError::InvalidEnum(other)),
        })
    }
}

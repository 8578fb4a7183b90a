//! Who a peer says it is. Only chain and version are checked here; the key counts once the [`Record`] verified.
//!
//! A hostile peer could claim another's record: [`crate::record::Verified::names`] compares the peer id of the connection.

use super::Modalities;
use crate::{record::Record, wire};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, Read, ReadExt, Write};
use commonware_cryptography::sha256::Digest;

/// Version of the words and their meaning; peers of different versions do not talk.
pub const PROTOCOL: u16 = 1;

/// Who the sender is and what it can represent.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello {
    /// [`PROTOCOL`] of the sender.
    pub version: u16,
    /// Hash of its genesis.
    pub chain: Digest,
    /// What it runs in.
    pub kind: Kind,
    /// What it represents: more than one for a bridge.
    pub modalities: Modalities,
    /// Width of its representations.
    pub dim: u16,
    /// Size of its model.
    pub preset: Preset,
    /// Base units for 1,024 positions, paid by a purchase on the ledger; 0 where it sells nothing.
    pub price: u64,
    /// Binds its peer id to its hot key; none before it has a key: such a peer counts as without stake.
    pub record: Option<Record>,
}

/// What a peer runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A process beside a node.
    Resident,
    /// A tab of a browser.
    Tab,
}

/// Size of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// Width 64.
    Small,
    /// Width 128.
    Medium,
    /// Width 256.
    Large,
}

/// Why a hello is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// It speaks another version.
    #[error("speaks version {theirs} of the protocol, this peer speaks {own}")]
    Version {
        /// Version here.
        own: u16,
        /// Version there.
        theirs: u16,
    },
    /// It belongs to another chain.
    #[error("belongs to chain {theirs}, this peer to {own}")]
    Chain {
        /// Chain here.
        own: Digest,
        /// Chain there.
        theirs: Digest,
    },
}

impl Hello {
    /// Whether a peer of the chain `own` can talk with the sender.
    ///
    /// # Errors
    /// [`HelloError`], naming both sides.
    pub fn check(&self, own: Digest) -> Result<(), HelloError> {
        if self.version != PROTOCOL {
            Err(HelloError::Version { own: PROTOCOL, theirs: self.version })
        } else if self.chain != own {
            Err(HelloError::Chain { own, theirs: self.chain })
        } else {
            Ok(())
        }
    }
}

impl Write for Kind {
    fn write(&self, buf: &mut impl BufMut) {
        u8::from(*self == Self::Tab).write(buf);
    }
}

impl FixedSize for Kind {
    const SIZE: usize = u8::SIZE;
}

impl Read for Kind {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        match u8::read(buf)? {
            0 => Ok(Self::Resident),
            1 => Ok(Self::Tab),
            other => Err(CodecError::InvalidEnum(other)),
        }
    }
}

impl Write for Preset {
    fn write(&self, buf: &mut impl BufMut) {
        let tag: u8 = match self {
            Self::Small => 0,
            Self::Medium => 1,
            Self::Large => 2,
        };
        tag.write(buf);
    }
}

impl FixedSize for Preset {
    const SIZE: usize = u8::SIZE;
}

impl Read for Preset {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        match u8::read(buf)? {
            0 => Ok(Self::Small),
            1 => Ok(Self::Medium),
            2 => Ok(Self::Large),
            other => Err(CodecError::InvalidEnum(other)),
        }
    }
}

impl Write for Hello {
    fn write(&self, buf: &mut impl BufMut) {
        self.version.write(buf);
        self.chain.write(buf);
        self.kind.write(buf);
        self.modalities.write(buf);
        self.dim.write(buf);
        self.preset.write(buf);
        self.price.write(buf);
        self.record.write(buf);
    }
}

impl EncodeSize for Hello {
    fn encode_size(&self) -> usize {
        2 * u16::SIZE
            + Digest::SIZE
            + Kind::SIZE
            + Modalities::SIZE
            + Preset::SIZE
            + u64::SIZE
            + self.record.encode_size()
    }
}

impl Read for Hello {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let hello = Self {
            version: u16::read(buf)?,
            chain: Digest::read(buf)?,
            kind: Kind::read(buf)?,
            modalities: Modalities::read(buf)?,
            dim: u16::read(buf)?,
            preset: Preset::read(buf)?,
            price: u64::read(buf)?,
            record: Option::<Record>::read(buf)?,
        };
        if hello.dim == 0 {
            return Err(wire::invalid("hello", super::RepresentationError::Width { dim: 0 }));
        }
        Ok(hello)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Modality;
    use commonware_cryptography::{Hasher, Sha256};

    fn hello() -> Hello {
        Hello {
            version: PROTOCOL,
            chain: Sha256::hash(&[b"one"]),
            kind: Kind::Tab,
            modalities: Modality::Text.into(),
            dim: 64,
            preset: Preset::Small,
            price: 0,
            record: None,
        }
    }

    #[test]
    fn foreign_chain_and_version_are_refused() {
        let hello = hello();
        let other = Sha256::hash(&[b"two"]);
        assert_eq!(hello.check(hello.chain), Ok(()));
        assert_eq!(hello.check(other), Err(HelloError::Chain { own: other, theirs: hello.chain }));
        let newer = Hello { version: 9, ..hello };
        assert_eq!(newer.check(newer.chain), Err(HelloError::Version { own: PROTOCOL, theirs: 9 }));
    }

    #[test]
    fn no_width_is_refused() {
        let bytes = wire::encode(&Hello { dim: 0, ..hello() });
        assert!(wire::decode::<Hello>(&bytes, 1_000).is_err());
    }
}

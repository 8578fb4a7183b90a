//! The header: what a block's digest commits to, and all that a light client reads of a block.
//!
//! The digest of a block is the hash of its header, so a certificate over the digest certifies the roots of every table.
//! The encoding has a fixed size.

use crate::codec::{Item, message, plain_fields, take_version};
use crate::hash::{Domain, tagged};
use crate::table::Table;
use crate::types::{ChainId, Height};
use crate::{Digest, PublicKey};
use bytes::BufMut;
use commonware_codec::{Buf, Encode, Error as CodecError, FixedSize, Read, ReadExt, Write};

/// Version of the protocol: of every encoding and of the transition function.
pub const VERSION: u8 = 5;

/// What a block commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Version of the protocol.
    pub version: u8,
    /// Hash of the engine's context of the block (round, leader, parent); zeros at genesis.
    pub context: Digest,
    /// Digest of the parent; the chain id at genesis.
    pub parent: Digest,
    /// Height.
    pub height: Height,
    /// When it was proposed, ms since the Unix epoch; grows from block to block.
    pub time: u64,
    /// Root over the transactions of the block.
    pub transactions: Digest,
    /// The roots of all tables after the block.
    pub roots: Roots,
    /// Commitment to the validators of the next block, see [`validators_digest`].
    pub validators: Digest,
}

/// The roots of all tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Root of the accounts.
    pub accounts: Digest,
    /// Root of the neurons.
    pub neurons: Digest,
    /// Root of the rows.
    pub weights: Digest,
    /// Root of the bonds.
    pub bonds: Digest,
    /// Root of the epoch table.
    pub epoch: Digest,
    /// Root of the candidates.
    pub candidates: Digest,
}

impl Roots {
    /// The root of a table.
    pub const fn of(&self, table: Table) -> Digest {
        match table {
            Table::Accounts => self.accounts,
            Table::Neurons => self.neurons,
            Table::Weights => self.weights,
            Table::Bonds => self.bonds,
            Table::Epoch => self.epoch,
            Table::Candidates => self.candidates,
        }
    }
}

message!(Roots { accounts, neurons, weights, bonds, epoch, candidates });

impl Header {
    /// The digest of the block.
    pub fn digest(&self) -> Digest {
        tagged(Domain::Header, [&self.encode(), &[], &[]])
    }

    /// The root of a table.
    pub const fn root(&self, table: Table) -> Digest {
        self.roots.of(table)
    }
}

/// The commitment to a set of validators, in ascending order of their keys.
pub fn validators_digest(validators: &[PublicKey]) -> Digest {
    let mut sorted: Vec<&PublicKey> = validators.iter().collect();
    tiny_sort::stable::sort(&mut sorted);
    let bytes: Vec<u8> = sorted.into_iter().flat_map(|key| key.iter().copied()).collect();
    tagged(Domain::Validators, [&bytes, &[], &[]])
}

/// The namespace of every vote and certificate of a chain.
pub fn namespace(chain: &ChainId) -> Vec<u8> {
    [b"PEERAGE", chain.as_ref()].concat()
}

impl Write for Header {
    fn write(&self, buf: &mut impl BufMut) {
        self.version.write(buf);
        self.context.write(buf);
        self.parent.write(buf);
        self.height.write(buf);
        self.time.write(buf);
        self.transactions.write(buf);
        self.roots.write(buf);
        self.validators.write(buf);
    }
}

impl FixedSize for Header {
    const SIZE: usize = 1 + 2 * 32 + 2 * 8 + 8 * 32;
}

impl Read for Header {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        take_version(buf, VERSION, "header")?;
        Ok(Self {
            version: VERSION,
            context: Digest::read(buf)?,
            parent: Digest::read(buf)?,
            height: Height::read(buf)?,
            time: u64::read(buf)?,
            transactions: Digest::read(buf)?,
            roots: Roots::read(buf)?,
            validators: Digest::read(buf)?,
        })
    }
}

plain_fields!(Header);

impl Item for Header {
    const MOST: usize = crate::query::MAX_HEADERS;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PrivateKey;
    use commonware_codec::DecodeExt;
    use commonware_cryptography::Signer;

    #[test]
    fn every_byte_of_a_header_is_in_its_digest() {
        let header = crate::Genesis::example().header().unwrap();
        let bytes = header.encode().to_vec();
        assert_eq!(bytes.len(), Header::SIZE);
        assert_eq!(Header::decode(bytes.clone()).unwrap(), header);
        for index in 1..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert_ne!(Header::decode(changed).unwrap().digest(), header.digest(), "byte {index}");
        }
        let mut newer = bytes;
        newer[0] = VERSION + 1;
        assert!(matches!(Header::decode(newer), Err(CodecError::Invalid("header", _))));
    }

    #[test]
    fn validators_are_a_set() {
        let [a, b] = [1, 2].map(|seed| PrivateKey::from_seed(seed).public_key());
        assert_eq!(validators_digest(&[a.clone(), b.clone()]), validators_digest(&[b, a.clone()]));
        assert_ne!(validators_digest(&[a]), validators_digest(&[]));
    }
}

//! A signed statement: on this chain, the holder of this hot key is reached at this libp2p peer id (decisions.md, Keys).
//!
//! A hostile peer could replay a record of another chain, an ended one, or another peer's. [`Record::verify`] refuses the first two;
//! [`Verified::names`] tells the third, given the peer id that the transport has authenticated. It could sign a record for a peer id
//! that is not its own: that only sends traffic to the other, who says Hello with its own record. Whether the key is on the ledger
//! is not checked here.

use crate::{limits, wire};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, Read, ReadExt, Write};
use commonware_cryptography::{
    Signer, Verifier,
    ed25519::{PrivateKey, PublicKey, Signature},
    sha256::Digest,
};

/// A record as received: its signature is not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    chain: Digest,
    key: PublicKey,
    peer: Vec<u8>,
    addresses: Vec<String>,
    expires: u64,
    signature: Signature,
}

/// A record whose chain, time and signature are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified(Record);

/// Why a record is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Signed for another chain.
    #[error("record of chain {theirs}, this is chain {own}")]
    Chain {
        /// Chain here.
        own: Digest,
        /// Chain of the record.
        theirs: Digest,
    },
    /// Its time is over.
    #[error("record ended at {expires} ms, it is {now} ms")]
    Expired {
        /// End of the record.
        expires: u64,
        /// The time here.
        now: u64,
    },
    /// It would be valid for longer than a record may be.
    #[error("record valid until {expires} ms, at most {latest} ms is allowed")]
    TooLong {
        /// End of the record.
        expires: u64,
        /// Latest end allowed.
        latest: u64,
    },
    /// Not signed by the key it names.
    #[error("record not signed by {key}")]
    Signature {
        /// The key it names.
        key: PublicKey,
    },
    /// Peer id or addresses are too long or too many.
    #[error("record with a peer id of {peer} bytes and {addresses} addresses, the longest of {longest} bytes")]
    Bounds {
        /// Bytes of the peer id.
        peer: usize,
        /// Number of addresses.
        addresses: usize,
        /// Bytes of the longest.
        longest: usize,
    },
}

impl Record {
    /// Binds `peer` (bytes of a libp2p peer id) and `addresses` to `key` until `expires` (ms).
    ///
    /// # Errors
    /// [`RecordError::Bounds`].
    pub fn sign(
        key: &PrivateKey,
        chain: Digest,
        peer: Vec<u8>,
        addresses: Vec<String>,
        expires: u64,
    ) -> Result<Self, RecordError> {
        let longest = addresses.iter().map(String::len).max().unwrap_or(0);
        if peer.len() > limits::PEER_BYTES || addresses.len() > limits::ADDRESSES || longest > limits::ADDRESS_BYTES {
            return Err(RecordError::Bounds { peer: peer.len(), addresses: addresses.len(), longest });
        }
        let public = key.public_key();
        let signature = key.sign(NAMESPACE, &message(&chain, &public, &peer, &addresses, expires));
        Ok(Self { chain, key: public, peer, addresses, expires, signature })
    }

    /// Whether it holds on `chain` at `now` (ms).
    ///
    /// # Errors
    /// [`RecordError::Chain`], [`RecordError::Expired`], [`RecordError::TooLong`], [`RecordError::Signature`].
    pub fn verify(&self, chain: Digest, now: u64) -> Result<Verified, RecordError> {
        if self.chain != chain {
            return Err(RecordError::Chain { own: chain, theirs: self.chain });
        }
        if self.expires <= now {
            return Err(RecordError::Expired { expires: self.expires, now });
        }
        let latest = now.saturating_add(limits::RECORD_LIFETIME_MS);
        if self.expires > latest {
            return Err(RecordError::TooLong { expires: self.expires, latest });
        }
        let message = message(&self.chain, &self.key, &self.peer, &self.addresses, self.expires);
        if self.key.verify(NAMESPACE, &message, &self.signature) {
            Ok(Verified(self.clone()))
        } else {
            Err(RecordError::Signature { key: self.key.clone() })
        }
    }

    /// The encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Parses and bounds; verifies nothing.
    ///
    /// # Errors
    /// [`wire::Error`] for anything but exactly one record.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, wire::Error> {
        wire::decode(bytes, limits::DIRECTORY_BYTES)
    }
}

impl Verified {
    /// The hot key.
    pub fn key(&self) -> &PublicKey {
        &self.0.key
    }

    /// Bytes of the peer id it speaks for.
    pub fn peer(&self) -> &[u8] {
        &self.0.peer
    }

    /// Where that peer can be reached, as multiaddresses; may be empty.
    pub fn addresses(&self) -> &[String] {
        &self.0.addresses
    }

    /// End of its validity, ms.
    pub fn expires(&self) -> u64 {
        self.0.expires
    }

    /// Whether it speaks for `peer`, whom the transport has authenticated.
    pub fn names(&self, peer: &[u8]) -> bool {
        self.0.peer == peer
    }
}

/// Domain of the signature.
const NAMESPACE: &[u8] = b"PEERAGE_RECORD";

/// What is signed: everything but the signature.
fn message(chain: &Digest, key: &PublicKey, peer: &[u8], addresses: &[String], expires: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    chain.write(&mut bytes);
    key.write(&mut bytes);
    peer.write(&mut bytes);
    wire::write_texts(addresses, &mut bytes);
    expires.write(&mut bytes);
    bytes
}

impl Write for Record {
    fn write(&self, buf: &mut impl BufMut) {
        buf.put_slice(&message(&self.chain, &self.key, &self.peer, &self.addresses, self.expires));
        self.signature.write(buf);
    }
}

impl EncodeSize for Record {
    fn encode_size(&self) -> usize {
        let fixed = Digest::SIZE + PublicKey::SIZE + u64::SIZE + Signature::SIZE;
        fixed + self.peer.encode_size() + wire::texts_size(&self.addresses)
    }
}

impl Read for Record {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            chain: Digest::read(buf)?,
            key: PublicKey::read(buf)?,
            peer: wire::read_bytes(buf, limits::PEER_BYTES)?,
            addresses: wire::read_texts(buf, limits::ADDRESSES, limits::ADDRESS_BYTES)?,
            expires: u64::read(buf)?,
            signature: Signature::read(buf)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_cryptography::{Hasher, Sha256};
    use proptest::prelude::*;

    const NOW: u64 = 1_000_000;

    fn chain() -> Digest {
        Sha256::hash(&[b"chain"])
    }

    fn record(expires: u64) -> Record {
        Record::sign(&PrivateKey::from_seed(1), chain(), vec![9; 38], vec!["/ip4/127.0.0.1/tcp/1/ws".into()], expires)
            .unwrap()
    }

    #[test]
    fn a_good_record_names_its_peer() {
        let verified = record(NOW + 1).verify(chain(), NOW).unwrap();
        assert_eq!(verified.key(), &PrivateKey::from_seed(1).public_key());
        assert!(verified.names(&[9; 38]));
        assert!(!verified.names(&[8; 38]));
    }

    #[test]
    fn foreign_ended_and_endless_records_are_refused() {
        let other = Sha256::hash(&[b"other"]);
        assert_eq!(record(NOW + 1).verify(other, NOW), Err(RecordError::Chain { own: other, theirs: chain() }));
        assert_eq!(record(NOW).verify(chain(), NOW), Err(RecordError::Expired { expires: NOW, now: NOW }));
        let latest = NOW + limits::RECORD_LIFETIME_MS;
        assert_eq!(record(latest + 1).verify(chain(), NOW), Err(RecordError::TooLong { expires: latest + 1, latest }));
        assert!(record(latest).verify(chain(), NOW).is_ok());
    }

    #[test]
    fn bounds_are_named() {
        let error = Record::sign(&PrivateKey::from_seed(1), chain(), vec![0; 65], vec![], NOW).unwrap_err();
        assert_eq!(error, RecordError::Bounds { peer: 65, addresses: 0, longest: 0 });
    }

    proptest! {
        #[test]
        fn records_come_back(peer in prop::collection::vec(any::<u8>(), 0..=64), addresses in prop::collection::vec("[a-z0-9/]{0,40}", 0..=8), expires in any::<u64>()) {
            let record = Record::sign(&PrivateKey::from_seed(3), chain(), peer, addresses, expires).unwrap();
            let bytes = record.to_bytes();
            prop_assert_eq!(bytes.len(), record.encode_size());
            prop_assert_eq!(Record::from_bytes(&bytes).unwrap(), record);
        }

        #[test]
        fn one_changed_bit_is_refused(at in any::<prop::sample::Index>(), bit in 0..8u32) {
            let mut bytes = record(NOW + 1).to_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = Record::from_bytes(&bytes) {
                prop_assert!(changed.verify(chain(), NOW).is_err());
            }
        }
    }

    #[test]
    fn a_changed_signature_is_named() {
        let mut bytes = record(NOW + 1).to_bytes();
        let at = Digest::SIZE + PublicKey::SIZE + 5; // inside the peer id
        bytes[at] ^= 1;
        let error = Record::from_bytes(&bytes).unwrap().verify(chain(), NOW).unwrap_err();
        assert_eq!(error, RecordError::Signature { key: PrivateKey::from_seed(1).public_key() });
    }
}

//! Who else is there: what a peer tells a node about itself and gets back (protocol `/peerage/directory/1`).
//!
//! The node lists the peer id that the transport has authenticated, never one that is claimed. A peer without addresses is reached
//! through the node that lists it. A hostile peer could announce addresses of others to make tabs dial them: it is at most
//! [`limits::ADDRESSES`] dials a tab, which end where no peer of that id answers. Its record is passed on as it is: whoever reads it
//! verifies it. A hostile node could hide peers: a tab can ask several.

use crate::{exchange::Kind, limits, record::Record, wire};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, RangeCfg, Read, ReadExt, Write};

/// First byte of every message of the directory.
pub const VERSION: u8 = 1;

/// A peer is here; it wants to know of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announce(pub Presence);

/// What a peer says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// What it runs in.
    pub kind: Kind,
    /// Where it listens, as multiaddresses; none: through the node.
    pub addresses: Vec<String>,
    /// Whose it is, so that others can choose before they connect; none where it has no key yet.
    pub record: Option<Record>,
}

/// The others, those seen last first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// At most [`limits::DIRECTORY_ENTRIES`].
    pub entries: Vec<Entry>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Bytes of its peer id.
    pub peer: Vec<u8>,
    /// What it said; nothing of it is verified.
    pub presence: Presence,
}

impl Write for Announce {
    fn write(&self, buf: &mut impl BufMut) {
        VERSION.write(buf);
        self.0.write(buf);
    }
}

impl EncodeSize for Announce {
    fn encode_size(&self) -> usize {
        VERSION.encode_size() + self.0.encode_size()
    }
}

impl Read for Announce {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        wire::version(buf, VERSION, "announcement")?;
        Ok(Self(Presence::read(buf)?))
    }
}

impl Write for Presence {
    fn write(&self, buf: &mut impl BufMut) {
        self.kind.write(buf);
        wire::write_texts(&self.addresses, buf);
        self.record.write(buf);
    }
}

impl EncodeSize for Presence {
    fn encode_size(&self) -> usize {
        Kind::SIZE + wire::texts_size(&self.addresses) + self.record.encode_size()
    }
}

impl Read for Presence {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            kind: Kind::read(buf)?,
            addresses: wire::read_texts(buf, limits::ADDRESSES, limits::ADDRESS_BYTES)?,
            record: Option::<Record>::read_cfg(buf, &())?,
        })
    }
}

impl Write for Entry {
    fn write(&self, buf: &mut impl BufMut) {
        self.peer.write(buf);
        self.presence.write(buf);
    }
}

impl EncodeSize for Entry {
    fn encode_size(&self) -> usize {
        self.peer.encode_size() + self.presence.encode_size()
    }
}

impl Read for Entry {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self { peer: wire::read_bytes(buf, limits::PEER_BYTES)?, presence: Presence::read(buf)? })
    }
}

impl Write for Listing {
    fn write(&self, buf: &mut impl BufMut) {
        VERSION.write(buf);
        self.entries.write(buf);
    }
}

impl EncodeSize for Listing {
    fn encode_size(&self) -> usize {
        VERSION.encode_size() + self.entries.encode_size()
    }
}

impl Read for Listing {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        wire::version(buf, VERSION, "listing")?;
        Ok(Self { entries: Vec::<Entry>::read_cfg(buf, &(RangeCfg::new(0..=limits::DIRECTORY_ENTRIES), ()))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_cryptography::{Hasher, Sha256, Signer, ed25519::PrivateKey};
    use proptest::prelude::*;

    fn kinds() -> impl Strategy<Value = Kind> {
        prop_oneof![Just(Kind::Resident), Just(Kind::Tab)]
    }

    fn entries() -> impl Strategy<Value = Entry> {
        let texts = || prop::collection::vec("[a-z0-9/]{0,40}", 0..=8);
        let record = prop::option::of((any::<u64>(), texts()).prop_map(|(seed, addresses)| {
            Record::sign(&PrivateKey::from_seed(seed), Sha256::hash(&[b"chain"]), vec![1; 38], addresses, seed).unwrap()
        }));
        (prop::collection::vec(any::<u8>(), 0..=64), kinds(), texts(), record)
            .prop_map(|(peer, kind, addresses, record)| Entry { peer, presence: Presence { kind, addresses, record } })
    }

    proptest! {
        #[test]
        fn announcements_and_listings_come_back(entries in prop::collection::vec(entries(), 0..8)) {
            for entry in &entries {
                let announce = Announce(entry.presence.clone());
                let bytes = wire::encode(&announce);
                prop_assert_eq!(bytes.len(), announce.encode_size());
                prop_assert_eq!(wire::decode::<Announce>(&bytes, limits::DIRECTORY_BYTES).unwrap(), announce);
            }
            let listing = Listing { entries };
            let bytes = wire::encode(&listing);
            prop_assert_eq!(bytes.len(), listing.encode_size());
            prop_assert_eq!(wire::decode::<Listing>(&bytes, limits::DIRECTORY_BYTES).unwrap(), listing);
        }
    }

    #[test]
    fn too_many_addresses_are_refused() {
        let addresses = vec![String::new(); limits::ADDRESSES + 1];
        let announce = Announce(Presence { kind: Kind::Tab, addresses, record: None });
        assert!(wire::decode::<Announce>(&wire::encode(&announce), limits::DIRECTORY_BYTES).is_err());
    }

    #[test]
    fn too_many_entries_are_refused() {
        let entry = Entry { peer: vec![], presence: Presence { kind: Kind::Tab, addresses: vec![], record: None } };
        let listing = Listing { entries: vec![entry; limits::DIRECTORY_ENTRIES + 1] };
        assert!(wire::decode::<Listing>(&wire::encode(&listing), limits::DIRECTORY_BYTES).is_err());
    }
}

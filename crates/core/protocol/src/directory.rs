//! Who else is there: what a peer tells a node about itself and gets back (protocol `/peerage/directory/1`).
//!
//! The node lists the peer id that the transport has authenticated, never one that is claimed. A peer without addresses is reached
//! through the node that lists it. A hostile peer could announce addresses of others to make tabs dial them: it is at most
//! [`limits::ADDRESSES`] dials a tab, which end where no peer of that id answers. A hostile node could hide peers: a tab can ask several.

use crate::{exchange::Kind, limits, wire};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, RangeCfg, Read, ReadExt, Write};

/// First byte of every message of the directory.
pub const VERSION: u8 = 1;

/// A peer is here; it wants to know of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announce {
    /// What it runs in.
    pub kind: Kind,
    /// Where it listens, as multiaddresses; none: through the node.
    pub addresses: Vec<String>,
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
    /// What it runs in.
    pub kind: Kind,
    /// Where it listens, as multiaddresses; none: through the node.
    pub addresses: Vec<String>,
}

impl Write for Announce {
    fn write(&self, buf: &mut impl BufMut) {
        VERSION.write(buf);
        self.kind.write(buf);
        wire::write_texts(&self.addresses, buf);
    }
}

impl EncodeSize for Announce {
    fn encode_size(&self) -> usize {
        VERSION.encode_size() + Kind::SIZE + wire::texts_size(&self.addresses)
    }
}

impl Read for Announce {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        wire::version(buf, VERSION, "announcement")?;
        Ok(Self { kind: Kind::read(buf)?, addresses: wire::read_texts(buf, limits::ADDRESSES, limits::ADDRESS_BYTES)? })
    }
}

impl Write for Entry {
    fn write(&self, buf: &mut impl BufMut) {
        self.peer.write(buf);
        self.kind.write(buf);
        wire::write_texts(&self.addresses, buf);
    }
}

impl EncodeSize for Entry {
    fn encode_size(&self) -> usize {
        self.peer.encode_size() + Kind::SIZE + wire::texts_size(&self.addresses)
    }
}

impl Read for Entry {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            peer: wire::read_bytes(buf, limits::PEER_BYTES)?,
            kind: Kind::read(buf)?,
            addresses: wire::read_texts(buf, limits::ADDRESSES, limits::ADDRESS_BYTES)?,
        })
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
    use proptest::prelude::*;

    fn kinds() -> impl Strategy<Value = Kind> {
        prop_oneof![Just(Kind::Resident), Just(Kind::Tab)]
    }

    fn entries() -> impl Strategy<Value = Entry> {
        (prop::collection::vec(any::<u8>(), 0..=64), kinds(), prop::collection::vec("[a-z0-9/]{0,40}", 0..=8))
            .prop_map(|(peer, kind, addresses)| Entry { peer, kind, addresses })
    }

    proptest! {
        #[test]
        fn announcements_and_listings_come_back(entries in prop::collection::vec(entries(), 0..8)) {
            for entry in &entries {
                let announce = Announce { kind: entry.kind, addresses: entry.addresses.clone() };
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
        let announce = Announce { kind: Kind::Tab, addresses: vec![String::new(); limits::ADDRESSES + 1] };
        assert!(wire::decode::<Announce>(&wire::encode(&announce), limits::DIRECTORY_BYTES).is_err());
    }

    #[test]
    fn too_many_entries_are_refused() {
        let entry = Entry { peer: vec![], kind: Kind::Tab, addresses: vec![] };
        let listing = Listing { entries: vec![entry; limits::DIRECTORY_ENTRIES + 1] };
        assert!(wire::decode::<Listing>(&wire::encode(&listing), limits::DIRECTORY_BYTES).is_err());
    }
}

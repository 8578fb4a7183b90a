//! The node's list of who is there: bounded, forgotten after a while without an announcement.
//!
//! A hostile peer could announce under many identities to push others out; each needs a connection, of which the node's limits allow
//! a bounded number, and the oldest entry goes first.

use commonware_codec::EncodeSize;
use libp2p::PeerId;
use protocol::{
    directory::{Entry, Listing, Presence},
    limits,
};
use std::{collections::BTreeMap, time::Duration};
use web_time::Instant;

/// Who announced itself, and when last.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    seen: BTreeMap<PeerId, (Instant, Presence)>,
}

impl Directory {
    /// `peer` announces itself.
    pub(crate) fn insert(&mut self, peer: PeerId, presence: Presence, now: Instant) {
        self.seen.retain(|_, (seen, _)| now.saturating_duration_since(*seen) < LIFETIME);
        if self.seen.len() >= ENTRIES && !self.seen.contains_key(&peer) {
            let oldest = self.seen.iter().min_by_key(|(_, (seen, _))| *seen).map(|(peer, _)| *peer);
            if let Some(oldest) = oldest {
                self.seen.remove(&oldest);
            }
        }
        self.seen.insert(peer, (now, presence));
    }

    /// `peer` is gone.
    pub(crate) fn remove(&mut self, peer: &PeerId) {
        self.seen.remove(peer);
    }

    /// What `asker` gets: the others, those seen last first.
    pub(crate) fn list(&self, asker: &PeerId, now: Instant) -> Listing {
        let fresh = |(peer, (seen, _)): &(&PeerId, &(Instant, Presence))| {
            *peer != asker && now.saturating_duration_since(*seen) < LIFETIME
        };
        let mut others: Vec<_> = self.seen.iter().filter(fresh).collect();
        others.sort_by_key(|(_, (seen, _))| std::cmp::Reverse(*seen));
        let entry = |(peer, (_, presence)): (&PeerId, &(Instant, Presence))| Entry {
            peer: peer.to_bytes(),
            presence: presence.clone(),
        };
        let mut entries: Vec<Entry> = others.into_iter().take(limits::DIRECTORY_ENTRIES).map(entry).collect();
        // The addresses of many residents could be longer than a reply may be.
        let mut bytes = 0;
        entries.retain(|entry| {
            bytes += entry.encode_size();
            bytes < limits::DIRECTORY_BYTES - FRAMING
        });
        Listing { entries }
    }
}

/// Most peers listed.
const ENTRIES: usize = 4_096;
/// Bytes of a listing besides its entries.
const FRAMING: usize = 16;
/// How long an announcement lasts: three are missed.
const LIFETIME: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::exchange::Kind;

    fn presence() -> Presence {
        Presence { kind: Kind::Tab, addresses: vec![], record: None }
    }

    #[test]
    fn others_are_listed_newest_first_until_they_are_silent() {
        let mut directory = Directory::default();
        let [a, b, c] = [(); 3].map(|()| PeerId::random());
        let start = Instant::now();
        for (index, peer) in [a, b, c].into_iter().enumerate() {
            directory.insert(peer, presence(), start + Duration::from_secs(index as u64));
        }
        let names = |now| directory.list(&b, now).entries.into_iter().map(|entry| entry.peer).collect::<Vec<_>>();
        assert_eq!(names(start + Duration::from_secs(3)), [c.to_bytes(), a.to_bytes()]);
        assert_eq!(names(start + LIFETIME), [c.to_bytes()]);
        assert_eq!(names(start + LIFETIME * 2), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn it_is_bounded_and_forgets_the_oldest() {
        let mut directory = Directory::default();
        let start = Instant::now();
        let first = PeerId::random();
        directory.insert(first, presence(), start);
        for step in 1..=ENTRIES as u64 {
            directory.insert(PeerId::random(), presence(), start + Duration::from_micros(step));
        }
        assert_eq!(directory.seen.len(), ENTRIES);
        assert!(!directory.seen.contains_key(&first));
    }

    #[test]
    fn a_reply_fits_its_bound() {
        let mut directory = Directory::default();
        let start = Instant::now();
        let addresses = vec!["x".repeat(limits::ADDRESS_BYTES); limits::ADDRESSES];
        let long = Presence { kind: Kind::Resident, addresses, record: None };
        for _ in 0..limits::DIRECTORY_ENTRIES {
            directory.insert(PeerId::random(), long.clone(), start);
        }
        let bytes = protocol::wire::encode(&directory.list(&PeerId::random(), start));
        assert!(bytes.len() <= limits::DIRECTORY_BYTES, "{}", bytes.len());
        assert!(protocol::wire::decode::<Listing>(&bytes, limits::DIRECTORY_BYTES).is_ok());
    }
}

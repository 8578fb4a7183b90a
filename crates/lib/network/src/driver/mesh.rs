//! Whom to connect with: residents from the bootstrap, everyone in the directories of the own nodes.
//!
//! A peer with addresses is dialled there. One without is dialled by WebRTC through the node that listed it; where that fails the
//! circuit which was made for it is used, and a direct connection is tried again over it with growing pauses. Of two tabs, and of two
//! residents, the lower peer id dials. A hostile directory could list peers that do not exist: each costs a failed dial with growing
//! pauses, and the number known is bounded.

use super::{
    Driver,
    choice::{Standing, Worth, parting},
    links::{Peer, epoch_ms},
};
use crate::{Config, Path, Role, StartError, backoff::Backoff, config::peer_of};
use commonware_cryptography::{ed25519::PublicKey, sha256::Digest};
use libp2p::{
    Multiaddr, PeerId,
    multiaddr::Protocol,
    request_response,
    swarm::dial_opts::{DialOpts, PeerCondition},
};
use protocol::{
    directory::{Announce, Entry, Listing, Presence},
    exchange::Kind,
    limits,
    record::Record,
    wire,
};
use std::{collections::BTreeMap, time::Duration};
use web_time::Instant;

/// Peers that were heard of, and what they are worth.
#[derive(Debug)]
pub(super) struct Mesh {
    known: BTreeMap<PeerId, Known>,
    worth: BTreeMap<PublicKey, f64>,
    /// When someone last made room for another.
    replaced: Instant,
}

/// How a connection was that ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    /// Something was asked over it lately.
    pub(super) used: bool,
    /// It was there for a while.
    pub(super) lasted: bool,
    /// There are enough neighbours without it.
    pub(super) enough: bool,
}

/// One of them.
#[derive(Debug)]
struct Known {
    kind: Kind,
    addresses: Vec<Multiaddr>,
    /// What it is listed with, and the hot key in it once that was verified.
    record: Option<Record>,
    key: Option<PublicKey>,
    /// The node that listed it last; none for those of the bootstrap.
    via: Option<PeerId>,
    seen: Instant,
    retry_at: Instant,
    /// Until when it is left alone, whatever happens: turned away, or parted with.
    alone_until: Instant,
    backoff: Backoff,
    dialling: Option<Dial>,
    /// When a direct connection is tried next, while a circuit serves.
    direct_at: Instant,
    direct_backoff: Backoff,
}

/// A dial under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dial {
    /// To its addresses, or through a circuit that will be used itself.
    Plain,
    /// By WebRTC.
    Direct,
}

impl Known {
    fn new(kind: Kind, addresses: Vec<Multiaddr>, via: Option<PeerId>, now: Instant) -> Self {
        Self {
            kind,
            addresses,
            record: None,
            key: None,
            via,
            seen: now,
            retry_at: now,
            alone_until: now,
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            dialling: None,
            direct_at: now,
            direct_backoff: Backoff::new(FIRST_DIRECT_PAUSE, LONGEST_DIRECT_PAUSE),
        }
    }

    /// Whether `own` in `role` is the one to dial `peer`.
    fn ours_to_dial(&self, role: Role, own: &PeerId, peer: &PeerId) -> bool {
        match (role, self.kind) {
            (Role::Node, _) | (Role::Resident, Kind::Tab) => false,
            (Role::Tab, Kind::Resident) => true,
            (Role::Tab, Kind::Tab) | (Role::Resident, Kind::Resident) => own < peer,
        }
    }
}

impl Mesh {
    /// The residents at `addresses`, which end in their peer ids.
    pub(super) fn new(addresses: &[Multiaddr], now: Instant) -> Result<Self, StartError> {
        let mut known = BTreeMap::new();
        for address in addresses {
            let resident =
                known.entry(peer_of(address)?).or_insert_with(|| Known::new(Kind::Resident, Vec::new(), None, now));
            resident.addresses.push(address.clone());
        }
        Ok(Self { known, worth: BTreeMap::new(), replaced: now })
    }

    /// A node lists `entry`.
    fn heard(&mut self, entry: &Entry, via: PeerId, chain: Digest, now: Instant) {
        let Ok(peer) = PeerId::from_bytes(&entry.peer) else { return };
        let Presence { kind, addresses, record } = &entry.presence;
        let addresses: Vec<Multiaddr> = addresses.iter().filter_map(|text| text.parse().ok()).collect();
        if self.known.len() >= KNOWN && !self.known.contains_key(&peer) {
            return;
        }
        let known = self.known.entry(peer).or_insert_with(|| Known::new(*kind, Vec::new(), Some(via), now));
        known.seen = now;
        if known.via.is_some() {
            (known.kind, known.addresses, known.via) = (*kind, addresses, Some(via));
        }
        // The same record is verified once.
        if known.record != *record {
            let verified = record.as_ref().and_then(|record| record.verify(chain, epoch_ms()).ok());
            known.key = verified.filter(|record| record.names(&entry.peer)).map(|record| record.key().clone());
            known.record.clone_from(record);
        }
    }

    /// What each hot key is worth from now on.
    pub(super) fn prefer(&mut self, worth: BTreeMap<PublicKey, f64>) {
        self.worth = worth.into_iter().filter(|(_, worth)| worth.is_finite() && *worth >= 0.0).take(KNOWN).collect();
    }

    /// What `key` is worth; none where nothing is known of it.
    fn worth(&self, key: Option<&PublicKey>) -> Worth {
        key.and_then(|key| self.worth.get(key)).copied()
    }

    /// Ends the pauses between attempts; those who are left alone stay so.
    fn refresh(&mut self, now: Instant) {
        for known in self.known.values_mut() {
            (known.retry_at, known.direct_at) = (now, now);
            known.backoff.reset();
            known.direct_backoff.reset();
        }
    }

    /// `peer` was parted with.
    pub(super) fn set_aside(&mut self, peer: &PeerId, now: Instant) {
        if let Some(known) = self.known.get_mut(peer) {
            known.alone_until = now + ASIDE;
        }
    }

    /// A connection to `peer` was made. A circuit does not end a dial that is to become direct.
    pub(super) fn connected(&mut self, peer: &PeerId, path: Path, now: Instant) {
        if let Some(known) = self.known.get_mut(peer)
            && (path != Path::Relayed || known.dialling == Some(Dial::Plain))
        {
            known.dialling = None;
            if path == Path::Direct {
                known.direct_backoff.reset();
                known.direct_at = now + FIRST_DIRECT_PAUSE;
            }
        }
    }

    /// Whether a connection to `peer` is being made by WebRTC.
    pub(super) fn is_dialling_directly(&self, peer: &PeerId) -> bool {
        self.known.get(peer).is_some_and(|known| known.dialling == Some(Dial::Direct))
    }

    /// A direct connection to `peer` was not made, and a circuit serves instead.
    fn fall_back(&mut self, peer: &PeerId, now: Instant) {
        if let Some(known) = self.known.get_mut(peer) {
            known.dialling = None;
            known.direct_at = now + known.direct_backoff.fail();
        }
    }

    /// `peer` became a neighbour.
    pub(super) fn met(&mut self, peer: &PeerId, kind: Kind, now: Instant) {
        if let Some(known) = self.known.get_mut(peer) {
            (known.kind, known.seen) = (kind, now);
        }
    }

    /// The last connection to `peer` ended. One that lasted and was used lately is dialled again at once: its circuit may only have run
    /// out, or the network changed. Another may have parted with us: where there are others it waits.
    pub(super) fn lost(&mut self, peer: &PeerId, loss: Loss, now: Instant) {
        let Some(known) = self.known.get_mut(peer) else { return };
        known.dialling = None;
        if loss.lasted {
            known.backoff.reset();
        }
        let pause = match loss {
            Loss { used: true, lasted: true, .. } => return,
            Loss { used: false, lasted: true, enough: true } => ASIDE,
            _ => known.backoff.fail(),
        };
        known.retry_at = known.retry_at.max(now + pause);
    }

    /// A dial to `peer` failed.
    pub(super) fn failed(&mut self, peer: &PeerId, now: Instant) {
        if let Some(known) = self.known.get_mut(peer) {
            known.dialling = None;
            known.retry_at = now + known.backoff.fail();
        }
    }

    /// `peer` was turned away.
    pub(super) fn avoid(&mut self, peer: &PeerId, now: Instant) {
        if let Some(known) = self.known.get_mut(peer) {
            known.alone_until = now + AVOIDED;
        }
    }
}

impl Driver {
    /// Announces itself where that is due, and dials whom it should.
    pub(super) fn tend_mesh(&mut self, now: Instant) {
        if self.config.role == Role::Node {
            return;
        }
        let alone = self.neighbours() == 0;
        for node in self.nodes.due(now, if alone { ANNOUNCE_ALONE } else { ANNOUNCE }) {
            self.announce(node);
        }
        let peers = &self.peers;
        self.mesh.known.retain(|peer, known| {
            known.via.is_none() || peers.contains_key(peer) || now.saturating_duration_since(known.seen) < FORGOTTEN
        });
        let most = if self.config.role == Role::Tab { limits::CONNECTIONS } else { RESIDENT_NEIGHBOURS };
        let under_way = self.mesh.known.values().filter(|known| known.dialling.is_some()).count();
        let room = most.saturating_sub(self.neighbours() + under_way);
        let own = *self.swarm.local_peer_id();
        let role = self.config.role;
        let wanted = |(peer, known): &(&PeerId, &Known)| {
            known.dialling.is_none()
                && known.retry_at <= now
                && known.alone_until <= now
                && !self.peers.contains_key(peer)
                && known.ours_to_dial(role, &own, peer)
        };
        let mut wanted: Vec<(Worth, Instant, PeerId)> = (self.mesh.known.iter().filter(wanted))
            .map(|(peer, known)| (self.mesh.worth(known.key.as_ref()), known.seen, *peer))
            .collect();
        // The worthiest first, then those listed last.
        wanted.sort_by(|a, b| b.0.unwrap_or(0.0).total_cmp(&a.0.unwrap_or(0.0)).then(b.1.cmp(&a.1)));
        if role == Role::Tab {
            let candidates: Vec<Worth> = wanted.iter().map(|(worth, ..)| *worth).collect();
            self.part_with_some(&candidates, most, now);
        }
        for (_, _, peer) in wanted.into_iter().take(room) {
            self.dial(peer, now);
        }
        self.straighten(now);
    }

    /// Parts with neighbours of little use, now and then.
    fn part_with_some(&mut self, candidates: &[Worth], most: usize, now: Instant) {
        if now.saturating_duration_since(self.mesh.replaced) < REPLACING {
            return;
        }
        self.mesh.replaced = now;
        let standing = |(peer, state): (&PeerId, &Peer)| Standing {
            peer: *peer,
            worth: self.mesh.worth(state.key.as_ref()).unwrap_or(0.0),
            idle: now.saturating_duration_since(state.used.unwrap_or(state.since)),
        };
        let neighbours = self.peers.iter().filter(|(_, state)| state.hello.is_some()).map(standing).collect();
        for peer in parting(neighbours, candidates, most) {
            tracing::debug!(%peer, "parted with");
            self.part(peer, now);
        }
    }

    /// Ends all pauses and has the nodes prove that they are there: the machine may have another address now. Direct connections
    /// find out by themselves, within seconds.
    pub(super) fn refresh(&mut self, now: Instant) {
        self.mesh.refresh(now);
        self.nodes.refresh(now);
    }

    fn dial(&mut self, peer: PeerId, now: Instant) {
        let Some(known) = self.mesh.known.get_mut(&peer) else { return };
        let (dial, addresses) = match (&known.addresses[..], known.via) {
            // One is enough: each address would make a connection of its own.
            ([], Some(via)) if webrtc::is_available() => {
                let direct = self.nodes.circuit(&via, &peer, true).into_iter().take(1);
                (Dial::Direct, direct.collect())
            }
            ([], Some(via)) => (Dial::Plain, self.nodes.circuit(&via, &peer, false)),
            (addresses, _) => (Dial::Plain, addresses.to_vec()),
        };
        if addresses.is_empty() {
            return;
        }
        known.dialling = Some(dial);
        let options =
            DialOpts::peer_id(peer).condition(PeerCondition::DisconnectedAndNotDialing).addresses(addresses).build();
        if let Err(error) = self.swarm.dial(options) {
            tracing::debug!(%peer, %error, "dial refused");
            self.mesh.failed(&peer, now);
        }
    }

    /// Tries again to reach directly whom a circuit serves.
    fn straighten(&mut self, now: Instant) {
        if !webrtc::is_available() {
            return;
        }
        let crooked = |(peer, state): &(&PeerId, &Peer)| {
            let due = self.mesh.known.get(peer).is_some_and(|known| known.dialling.is_none() && known.direct_at <= now);
            due && state.hello.is_some() && state.path() == Path::Relayed && state.dialled()
        };
        let crooked: Vec<PeerId> = self.peers.iter().filter(crooked).map(|(peer, _)| *peer).collect();
        for peer in crooked {
            let over = Multiaddr::empty().with(Protocol::WebRTC).with(Protocol::P2p(peer));
            let options = DialOpts::peer_id(peer).condition(PeerCondition::Always).addresses(vec![over]).build();
            if let Some(known) = self.mesh.known.get_mut(&peer) {
                known.dialling = Some(Dial::Direct);
            }
            if let Err(error) = self.swarm.dial(options) {
                tracing::debug!(%peer, %error, "dial refused");
                self.mesh.fall_back(&peer, now);
            }
        }
    }

    /// A dial to a peer that is no node failed: the circuit that was made for it serves, if there is one.
    pub(super) fn on_peer_dial_failed(&mut self, peer: PeerId, now: Instant) {
        let direct = self.mesh.is_dialling_directly(&peer);
        match self.peers.get(&peer) {
            Some(state) if direct => {
                let strange = state.hello.is_none() && state.dialled();
                self.mesh.fall_back(&peer, now);
                if strange {
                    self.say_hello(peer);
                }
            }
            _ => self.mesh.failed(&peer, now),
        }
    }

    fn announce(&mut self, node: PeerId) {
        let kind = if self.config.role == Role::Tab { Kind::Tab } else { Kind::Resident };
        let websocket = |address: &&Multiaddr| {
            address.iter().any(|part| matches!(part, Protocol::Ws(_) | Protocol::Wss(_)))
                && !address.iter().any(|part| part == Protocol::P2pCircuit)
        };
        let listeners = self.config.external.iter().chain(self.swarm.listeners()).filter(websocket);
        let addresses = listeners
            .map(ToString::to_string)
            .filter(|text| text.len() <= limits::ADDRESS_BYTES)
            .take(limits::ADDRESSES)
            .collect();
        let record = self.hello.as_ref().and_then(|hello| hello.record.clone());
        let bytes = wire::encode(&Announce(Presence { kind, addresses, record }));
        self.traffic.bytes_out += bytes.len() as u64;
        self.swarm.behaviour_mut().directory.send_request(&node, bytes);
    }

    pub(super) fn on_directory(&mut self, event: request_response::Event<Vec<u8>, Vec<u8>>, now: Instant) {
        let request_response::Event::Message { peer, message, .. } = event else { return };
        match message {
            request_response::Message::Request { request, channel, .. } => {
                self.traffic.bytes_in += request.len() as u64;
                match wire::decode::<Announce>(&request, limits::DIRECTORY_BYTES) {
                    Ok(Announce(presence)) => {
                        self.directory.insert(peer, presence, now);
                        let listing = wire::encode(&self.directory.list(&peer, now));
                        self.traffic.bytes_out += listing.len() as u64;
                        // The asker may be gone meanwhile.
                        let _ = self.swarm.behaviour_mut().directory.send_response(channel, listing);
                    }
                    Err(error) => tracing::debug!(%peer, %error, "announcement refused"),
                }
            }
            request_response::Message::Response { response, .. } => {
                self.nodes.answered(&peer);
                self.traffic.bytes_in += response.len() as u64;
                match wire::decode::<Listing>(&response, limits::DIRECTORY_BYTES) {
                    Ok(listing) => {
                        let own = self.swarm.local_peer_id().to_bytes();
                        for entry in listing.entries.iter().filter(|entry| entry.peer != own) {
                            self.mesh.heard(entry, peer, self.config.chain, now);
                        }
                    }
                    Err(error) => tracing::debug!(%peer, %error, "listing refused"),
                }
            }
        }
    }
}

/// How long a neighbour that was parted with is left alone.
const ASIDE: Duration = Duration::from_secs(300);
/// Between looks at who is of little use.
const REPLACING: Duration = Duration::from_secs(10);
/// Between announcements.
const ANNOUNCE: Duration = Duration::from_secs(5);
/// Between announcements while there is no neighbour.
const ANNOUNCE_ALONE: Duration = Duration::from_secs(1);
/// Peers remembered from directories.
const KNOWN: usize = 1_024;
/// Neighbours a resident seeks; more may come to it.
const RESIDENT_NEIGHBOURS: usize = 64;
/// When a peer that no directory lists any more is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(30);
/// What a direct connection of a tab may cost.
pub(super) fn direct(config: &Config) -> webrtc::Config {
    webrtc::Config { ice_servers: config.ice_servers.clone(), timeout: DIRECT, ..webrtc::Config::default() }
}

/// Longest a direct connection may take to be made, as in js-libp2p; then a circuit serves.
const DIRECT: Duration = Duration::from_secs(10);
/// First pause after a direct connection could not be made.
const FIRST_DIRECT_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause between attempts to make one.
const LONGEST_DIRECT_PAUSE: Duration = Duration::from_secs(300);
/// First pause after a failed dial.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause after failed dials.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long a peer that was turned away is left alone.
const AVOIDED: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_cryptography::{Hasher, Sha256};

    #[test]
    fn of_two_tabs_one_dials_and_tabs_dial_residents() {
        let now = Instant::now();
        let (a, b) = (PeerId::random(), PeerId::random());
        let tab = Known::new(Kind::Tab, vec![], None, now);
        let resident = Known::new(Kind::Resident, vec![], None, now);
        for (known, role) in [(&tab, Role::Tab), (&resident, Role::Resident)] {
            assert_ne!(known.ours_to_dial(role, &a, &b), known.ours_to_dial(role, &b, &a));
        }
        assert!(resident.ours_to_dial(Role::Tab, &a, &b) && resident.ours_to_dial(Role::Tab, &b, &a));
        assert!(!tab.ours_to_dial(Role::Resident, &a, &b) && !tab.ours_to_dial(Role::Resident, &b, &a));
    }

    #[test]
    fn whoever_parts_with_us_is_not_dialled_again_at_once() {
        let (now, peer) = (Instant::now(), PeerId::random());
        let after = |losses: &[Loss]| {
            let mut mesh = Mesh::new(&[], now).unwrap();
            mesh.known.insert(peer, Known::new(Kind::Tab, vec![], None, now));
            losses.iter().for_each(|loss| mesh.lost(&peer, *loss, now));
            mesh.known[&peer].retry_at - now
        };
        let loss = |used, lasted, enough| Loss { used, lasted, enough };
        assert_eq!(after(&[loss(true, true, true)]), Duration::ZERO, "a circuit that ran out");
        assert_eq!(after(&[loss(false, true, true)]), ASIDE, "an idle one, and there are others");
        assert_eq!(after(&[loss(false, true, false)]), FIRST_PAUSE);
        // Parted with as soon as it is connected: each time it waits longer.
        assert_eq!(after(&[loss(true, false, true); 5]), FIRST_PAUSE * 16);
    }

    #[test]
    fn a_refresh_does_not_bring_back_whom_we_left_alone() {
        let (now, peer) = (Instant::now(), PeerId::random());
        let mut mesh = Mesh::new(&[], now).unwrap();
        mesh.known.insert(peer, Known::new(Kind::Tab, vec![], None, now));
        mesh.avoid(&peer, now);
        mesh.failed(&peer, now);
        mesh.refresh(now);
        assert_eq!((mesh.known[&peer].retry_at, mesh.known[&peer].alone_until), (now, now + AVOIDED));
    }

    #[test]
    fn what_a_directory_can_make_known_is_bounded() {
        let now = Instant::now();
        let mut mesh = Mesh::new(&[], now).unwrap();
        let (via, chain) = (PeerId::random(), Sha256::hash(&[b"chain"]));
        let presence = Presence { kind: Kind::Tab, addresses: vec![], record: None };
        for _ in 0..KNOWN + 5 {
            let peer = PeerId::random().to_bytes();
            mesh.heard(&Entry { peer, presence: presence.clone() }, via, chain, now);
        }
        mesh.heard(&Entry { peer: vec![1, 2], presence }, via, chain, now);
        assert_eq!(mesh.known.len(), KNOWN);
    }
}

//! Connections made and ended, who is at the other end, and doubled connections.
//!
//! Whoever dials says hello; the other answers with its own. A peer that says nothing, or the wrong thing, is disconnected and not
//! dialled for a while. A circuit that is there only to agree on a direct connection carries no hello until that has failed: then it is
//! used itself. Of two connections that were dialled at the same time one stays ([`webrtc::surplus`]); the other is closed after a
//! moment, so that nothing under way is lost. Direct ones, and circuits that they replace, are closed by the `webrtc` crate.

use super::{Driver, choice, mesh::Loss};
use crate::{Event, Path, Role, config::source_at};
use commonware_cryptography::ed25519::PublicKey;
use libp2p::{
    PeerId,
    core::ConnectedPoint,
    swarm::{ConnectionId, DialError},
};
use protocol::exchange::{Hello, HelloError, Refuse};
use std::{net::IpAddr, time::Duration};
use web_time::{Instant, SystemTime, UNIX_EPOCH};
use webrtc::{Initiator, surplus};

/// A connected peer.
#[derive(Debug)]
pub(super) struct Peer {
    links: Vec<Link>,
    /// The address of its machine; none where it comes through something else, or from this machine.
    pub(super) source: Option<IpAddr>,
    pub(super) since: Instant,
    /// When it last asked or was asked.
    pub(super) used: Option<Instant>,
    /// Since when its hellos are counted, and how many came.
    hellos: (Instant, u32),
    /// It was turned away, and is about to be disconnected.
    pub(super) leaving: bool,
    /// What it said; only of peers that are neighbours.
    pub(super) hello: Option<Hello>,
    /// Its hot key, from a verified record.
    pub(super) key: Option<PublicKey>,
    /// Of the last ping.
    pub(super) round_trip: Option<Duration>,
}

/// One connection.
#[derive(Clone, Copy, Debug)]
struct Link {
    id: ConnectionId,
    path: Path,
    dialled: bool,
}

impl Peer {
    /// The best path there is.
    pub(super) fn path(&self) -> Path {
        self.links.iter().map(|link| link.path).min_by_key(|path| path.rank()).unwrap_or(Path::Relayed)
    }

    /// Whether this side dialled a connection that is still there.
    pub(super) fn dialled(&self) -> bool {
        self.links.iter().any(|link| link.dialled)
    }

    /// Connections of which one is enough, and who made them.
    fn alike(&self) -> Vec<(ConnectionId, Initiator)> {
        let initiator = |link: &Link| if link.dialled { Initiator::Local } else { Initiator::Remote };
        let alike = self.links.iter().filter(|link| link.path != Path::Direct);
        alike.map(|link| (link.id, initiator(link))).collect()
    }
}

impl Driver {
    pub(super) fn on_connected(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint, now: Instant) {
        let link = Link { id, path: Path::of(endpoint), dialled: endpoint.is_dialer() };
        let state = self.peers.entry(peer).or_insert_with(|| Peer {
            links: Vec::new(),
            source: if endpoint.is_dialer() { None } else { source_at(endpoint.get_remote_address()) },
            since: now,
            used: None,
            hellos: (now, 0),
            leaving: false,
            hello: None,
            key: None,
            round_trip: None,
        });
        state.links.push(link);
        let strange = state.hello.is_none();
        let own = *self.swarm.local_peer_id();
        let doubled = surplus(&state.alike(), own < peer);
        self.closing.extend(doubled.into_iter().map(|id| (now + GRACE, id)));
        if self.nodes.contains(&peer) {
            self.on_node_connected(peer, now);
        } else {
            self.mesh.connected(&peer, link.path, now);
            if strange && link.dialled && !self.mesh.is_dialling_directly(&peer) {
                self.say_hello(peer);
            }
        }
        self.events.offer(Event::Connections);
    }

    pub(super) fn on_closed(&mut self, peer: PeerId, id: ConnectionId, reason: &str, now: Instant) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        state.links.retain(|link| link.id != id);
        if state.links.is_empty() {
            let neighbour = state.hello.is_some();
            let used = state.used.is_some_and(|used| now.saturating_duration_since(used) < choice::IDLE);
            let lasted = now.saturating_duration_since(state.since) >= LASTING;
            self.peers.remove(&peer);
            self.directory.remove(&peer);
            let enough = self.neighbours() >= choice::KEPT;
            self.mesh.lost(&peer, Loss { used, lasted, enough }, now);
            if neighbour {
                self.events.tell(Event::NeighbourGone { peer });
            }
            if self.nodes.contains(&peer) {
                self.on_node_lost(peer, &format!("the connection to the node ended: {reason}"), now);
            }
        }
        self.events.offer(Event::Connections);
    }

    pub(super) fn on_dial_failed(&mut self, peer: PeerId, error: &DialError, now: Instant) {
        if matches!(error, DialError::DialPeerConditionFalse(_)) {
            return;
        }
        if self.nodes.contains(&peer) {
            self.on_node_lost(peer, &format!("the node cannot be reached: {error}"), now);
        } else {
            tracing::debug!(%peer, %error, "dial failed");
            self.on_peer_dial_failed(peer, now);
        }
    }

    /// Takes what a peer says of itself: a neighbour, or the reason why not.
    pub(super) fn meet(&mut self, peer: PeerId, hello: Hello, now: Instant) -> Result<(), Refuse> {
        // The same words again change nothing; a peer that repeats them costs no check and no event.
        let Some(state) = self.peers.get_mut(&peer) else { return Ok(()) };
        if state.hello.as_ref() == Some(&hello) {
            return Ok(());
        }
        if now.saturating_duration_since(state.hellos.0) >= MINUTE {
            state.hellos = (now, 0);
        }
        state.hellos.1 += 1;
        if state.hellos.1 > HELLOS {
            self.turn_away(peer, "says hello again and again", now);
            return Err(Refuse::Busy { retry_ms: MINUTE.as_millis() as u32 });
        }
        let own = self.config.chain;
        let verdict = hello.check(own).map_err(|error| {
            let refuse = match error {
                HelloError::Chain { .. } => Refuse::WrongChain { own },
                HelloError::Version { own, .. } => Refuse::WrongVersion { own },
            };
            (refuse, error.to_string())
        });
        let verdict = verdict.and_then(|()| match &hello.record {
            None => Ok(None),
            Some(record) => match record.verify(own, epoch_ms()) {
                Ok(verified) if verified.names(&peer.to_bytes()) => Ok(Some(verified.key().clone())),
                Ok(_) => Err((Refuse::Unreadable, "its record names another peer".into())),
                Err(error) => Err((Refuse::Unreadable, error.to_string())),
            },
        });
        match verdict {
            Ok(key) => {
                let Some(state) = self.peers.get_mut(&peer) else { return Ok(()) };
                state.hello = Some(hello.clone());
                state.key.clone_from(&key);
                let path = state.path();
                self.mesh.met(&peer, hello.kind, now);
                self.events.tell(Event::Neighbour { peer, hello, key, path });
                self.events.offer(Event::Connections);
                Ok(())
            }
            Err((refuse, reason)) => {
                self.turn_away(peer, &reason, now);
                Err(refuse)
            }
        }
    }

    /// Disconnects a peer after a moment and leaves it alone for a while.
    pub(super) fn turn_away(&mut self, peer: PeerId, reason: &str, now: Instant) {
        self.mesh.avoid(&peer, now);
        if let Some(state) = self.peers.get_mut(&peer) {
            if std::mem::replace(&mut state.leaving, true) {
                return;
            }
            self.closing.extend(state.links.iter().map(|link| (now + FAREWELL, link.id)));
            if state.hello.take().is_some() {
                state.key = None;
                self.events.tell(Event::NeighbourGone { peer });
            }
        }
        self.events.offer(Event::Refused { peer, reason: super::shorten(reason) });
    }

    /// Ends the connections with a neighbour that is of little use, and leaves it alone for a while.
    pub(super) fn part(&mut self, peer: PeerId, now: Instant) {
        self.mesh.set_aside(&peer, now);
        let _ = self.swarm.disconnect_peer_id(peer);
    }

    /// Closes connections whose time of grace is over.
    pub(super) fn close_doubled(&mut self, now: Instant) {
        let due: Vec<ConnectionId> = self.closing.iter().filter(|(at, _)| *at <= now).map(|(_, id)| *id).collect();
        self.closing.retain(|(at, _)| *at > now);
        for id in due {
            self.swarm.close_connection(id);
        }
    }

    /// Turns away peers that said no hello in time. A node waits for none: it says none.
    pub(super) fn drop_silent(&mut self, now: Instant) {
        if self.config.role == Role::Node {
            return;
        }
        let silent = |(peer, state): &(&PeerId, &Peer)| {
            state.hello.is_none()
                && now.saturating_duration_since(state.since) > SILENCE
                && !self.nodes.contains(peer)
                && !state.links.iter().any(|link| self.closing.iter().any(|(_, id)| *id == link.id))
        };
        let silent: Vec<PeerId> = self.peers.iter().filter(silent).map(|(peer, _)| *peer).collect();
        for peer in silent {
            self.turn_away(peer, &format!("said no hello within {} s", SILENCE.as_secs()), now);
        }
    }

    /// Peers connected that are not nodes.
    pub(super) fn neighbours(&self) -> usize {
        self.peers.keys().filter(|peer| !self.nodes.contains(peer)).count()
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn epoch_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as u64)
}

/// A connection that lasted this long was no failure.
const LASTING: Duration = Duration::from_secs(60);
/// Different hellos of one peer in a minute: one without a record, one with it, and a few that renew it.
const HELLOS: u32 = 12;
const MINUTE: Duration = Duration::from_secs(60);
/// What may still be under way on a doubled connection ends within this.
const GRACE: Duration = Duration::from_secs(2);
/// A refusal reaches its reader before its connection is closed.
const FAREWELL: Duration = Duration::from_millis(500);
/// Time for a hello after the connection is made: that of a direct one first, then of the hello.
const SILENCE: Duration = Duration::from_secs(20);

//! Staying connected with the own nodes: dial, reserve a circuit (a tab), and again for ever with growing pauses when it ends.

use super::{Driver, shorten};
use crate::{Event, NodeState, Role, StartError, backoff::Backoff, config::peer_of};
use libp2p::{
    Multiaddr, PeerId,
    core::transport::ListenerId,
    multiaddr::Protocol,
    swarm::dial_opts::{DialOpts, PeerCondition},
};
use std::time::Duration;
use web_time::Instant;

/// The nodes from the bootstrap.
#[derive(Debug)]
pub(super) struct Nodes(Vec<Node>);

/// One of them.
#[derive(Debug)]
struct Node {
    peer: PeerId,
    addresses: Vec<Multiaddr>,
    state: State,
    backoff: Backoff,
    announce_at: Instant,
    /// Since when it owes an answer after a change of the network.
    doubted: Option<Instant>,
}

/// How far the connection to a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting { until: Instant },
    Dialling,
    Reserving { since: Instant, listener: Option<ListenerId> },
    Up { listener: Option<ListenerId> },
}

impl Nodes {
    /// Those at `addresses`, which end in their peer ids.
    pub(super) fn new(addresses: &[Multiaddr], now: Instant) -> Result<Self, StartError> {
        let mut nodes: Vec<Node> = Vec::new();
        for address in addresses {
            let peer = peer_of(address)?;
            match nodes.iter_mut().find(|node| node.peer == peer) {
                Some(node) => node.addresses.push(address.clone()),
                None => nodes.push(Node {
                    peer,
                    addresses: vec![address.clone()],
                    state: State::Waiting { until: now },
                    backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
                    announce_at: now,
                    doubted: None,
                }),
            }
        }
        Ok(Self(nodes))
    }

    /// Whether `peer` is one of them.
    pub(super) fn contains(&self, peer: &PeerId) -> bool {
        self.0.iter().any(|node| node.peer == *peer)
    }

    /// One that is connected.
    pub(super) fn any(&self) -> Option<PeerId> {
        let connected = |node: &&Node| matches!(node.state, State::Up { .. } | State::Reserving { .. });
        self.0.iter().find(connected).map(|node| node.peer)
    }

    /// Where each stands.
    pub(super) fn states(&self) -> Vec<NodeState> {
        self.0.iter().map(|node| NodeState { peer: node.peer, up: matches!(node.state, State::Up { .. }) }).collect()
    }

    /// The addresses of `peer` through a circuit of the node `via`, if that is up; `direct`: by WebRTC agreed on there.
    pub(super) fn circuit(&self, via: &PeerId, peer: &PeerId, direct: bool) -> Vec<Multiaddr> {
        let up = |node: &&Node| node.peer == *via && matches!(node.state, State::Up { .. });
        let through = |address: &Multiaddr| {
            let circuit = address.clone().with(Protocol::P2pCircuit);
            let circuit = if direct { circuit.with(Protocol::WebRTC) } else { circuit };
            circuit.with(Protocol::P2p(*peer))
        };
        self.0.iter().find(up).map_or_else(Vec::new, |node| node.addresses.iter().map(through).collect())
    }

    /// Those that are up and due for an announcement, after which they are due again in `pause`.
    pub(super) fn due(&mut self, now: Instant, pause: Duration) -> Vec<PeerId> {
        let due = |node: &&mut Node| matches!(node.state, State::Up { .. }) && node.announce_at <= now;
        let announce = |node: &mut Node| {
            node.announce_at = now + pause;
            node.peer
        };
        self.0.iter_mut().filter(due).map(announce).collect()
    }

    /// Ends the pauses between attempts, and has those that are up prove it.
    pub(super) fn refresh(&mut self, now: Instant) {
        for node in &mut self.0 {
            node.backoff.reset();
            match &mut node.state {
                State::Waiting { until } => *until = now,
                State::Up { .. } => (node.doubted, node.announce_at) = (Some(now), now),
                State::Dialling | State::Reserving { .. } => {}
            }
        }
    }

    /// `peer` has answered.
    pub(super) fn answered(&mut self, peer: &PeerId) {
        if let Some(node) = self.get(peer) {
            node.doubted = None;
        }
    }

    fn get(&mut self, peer: &PeerId) -> Option<&mut Node> {
        self.0.iter_mut().find(|node| node.peer == *peer)
    }
}

impl Driver {
    /// Dials nodes whose pause is over, and gives up reservations that do not come.
    pub(super) fn tend_nodes(&mut self, now: Instant) {
        let mut failed = Vec::new();
        for node in &mut self.nodes.0 {
            match node.state {
                State::Waiting { until } if until <= now => {
                    let dial = DialOpts::peer_id(node.peer)
                        .condition(PeerCondition::DisconnectedAndNotDialing)
                        .addresses(node.addresses.clone())
                        .build();
                    node.state = State::Dialling;
                    if let Err(error) = self.swarm.dial(dial) {
                        failed.push((node.peer, format!("the node cannot be reached: {error}")));
                    }
                }
                State::Reserving { since, .. } if now.saturating_duration_since(since) > RESERVING => {
                    failed.push((node.peer, format!("the node reserved no circuit within {} s", RESERVING.as_secs())));
                }
                State::Up { .. } if node.doubted.is_some_and(|since| now.saturating_duration_since(since) > DOUBT) => {
                    failed.push((node.peer, "the node does not answer since the network changed".into()));
                }
                _ => {}
            }
        }
        for (peer, reason) in failed {
            self.on_node_lost(peer, &reason, now);
        }
    }

    pub(super) fn on_node_connected(&mut self, peer: PeerId, now: Instant) {
        let tab = self.config.role == Role::Tab;
        let Some(node) = self.nodes.get(&peer) else { return };
        if matches!(node.state, State::Reserving { .. } | State::Up { .. }) {
            return;
        }
        if !tab {
            node.state = State::Up { listener: None };
            node.backoff.reset();
            node.announce_at = now;
            self.events.tell(Event::NodeUp { peer });
            return;
        }
        node.state = State::Reserving { since: now, listener: None };
        let Some(address) = node.addresses.first() else { return };
        match self.swarm.listen_on(address.clone().with(Protocol::P2pCircuit)) {
            Ok(listener) => node.state = State::Reserving { since: now, listener: Some(listener) },
            Err(error) => self.on_node_lost(peer, &format!("the node reserved no circuit: {error}"), now),
        }
    }

    pub(super) fn on_reserved(&mut self, peer: PeerId, now: Instant) {
        let Some(node) = self.nodes.get(&peer) else { return };
        if let State::Reserving { listener, .. } = node.state {
            node.state = State::Up { listener };
            node.backoff.reset();
            node.announce_at = now;
            self.events.tell(Event::NodeUp { peer });
        }
    }

    pub(super) fn on_listener_closed(&mut self, closed: ListenerId, reason: &str, now: Instant) {
        let held = |node: &&Node| match node.state {
            State::Reserving { listener, .. } | State::Up { listener } => listener == Some(closed),
            State::Waiting { .. } | State::Dialling => false,
        };
        if let Some(peer) = self.nodes.0.iter().find(held).map(|node| node.peer) {
            self.on_node_lost(peer, &format!("the node ended the circuit: {reason}"), now);
        }
    }

    /// Starts over with a node after a pause, from the beginning.
    pub(super) fn on_node_lost(&mut self, peer: PeerId, reason: &str, now: Instant) {
        let Some(node) = self.nodes.get(&peer) else { return };
        let listener = match node.state {
            // Said already; the attempt to come tells more.
            State::Waiting { .. } => return,
            State::Dialling => None,
            State::Reserving { listener, .. } | State::Up { listener } => listener,
        };
        node.doubted = None;
        let pause = node.backoff.fail();
        node.state = State::Waiting { until: now + pause };
        if let Some(listener) = listener {
            self.swarm.remove_listener(listener);
        }
        if self.peers.contains_key(&peer) {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        self.events.tell(Event::NodeDown { peer, reason: shorten(reason), retry_ms: pause.as_millis() as u64 });
    }
}

/// First pause after a node is gone.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Longest wait for an answer after a change of the network.
const DOUBT: Duration = Duration::from_secs(3);
/// Longest wait for a reservation.
const RESERVING: Duration = Duration::from_secs(10);

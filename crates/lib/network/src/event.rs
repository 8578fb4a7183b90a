//! What a swarm tells its owner, and what it looks like at one moment.

use crate::Traffic;
use commonware_cryptography::ed25519::PublicKey;
use futures::channel::oneshot;
use libp2p::{Multiaddr, PeerId, core::ConnectedPoint};
use protocol::exchange::{Hello, Kind};
use std::time::Duration;

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// A peer of the same chain said hello, for the first time or anew: replaces what was known of it.
    Neighbour {
        /// Who the transport says it is.
        peer: PeerId,
        /// Who it says it is.
        hello: Hello,
        /// Its hot key, if its record verified for this peer id and chain.
        key: Option<PublicKey>,
        /// How it is connected.
        path: Path,
    },
    /// A neighbour is gone.
    NeighbourGone {
        /// Who.
        peer: PeerId,
    },
    /// A peer was turned away.
    Refused {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: String,
    },
    /// A neighbour asks or sends a gradient.
    Request {
        /// Who.
        peer: PeerId,
        /// An encoded [`protocol::exchange::Request`]; neither parsed nor checked but for its length.
        bytes: Vec<u8>,
        /// For an encoded [`protocol::exchange::Response`]; dropped, the neighbour is refused.
        respond: oneshot::Sender<Vec<u8>>,
    },
    /// To a node: someone queries the ledger.
    LedgerQuery {
        /// Who.
        peer: PeerId,
        /// The query.
        bytes: Vec<u8>,
        /// For the reply; dropped, the asker gets none.
        respond: oneshot::Sender<Vec<u8>>,
    },
    /// A node says that there is a newer final block.
    Head {
        /// What it published.
        bytes: Vec<u8>,
    },
    /// A node is connected and, for a tab, has reserved a circuit.
    NodeUp {
        /// Which.
        peer: PeerId,
    },
    /// A node is gone or still away; the next attempt comes by itself.
    NodeDown {
        /// Which.
        peer: PeerId,
        /// What happened.
        reason: String,
        /// Milliseconds to the next attempt.
        retry_ms: u64,
    },
    /// The list of connections changed: look at [`crate::Network::snapshot`].
    Connections,
}

/// How bytes reach a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// A websocket to it.
    Websocket,
    /// A circuit through a node.
    Relayed,
    /// WebRTC, browser to browser.
    Direct,
}

/// One connected peer.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Who.
    pub peer: PeerId,
    /// How.
    pub path: Path,
    /// Whether it is one of the own nodes.
    pub node: bool,
    /// What it runs in, once it said hello.
    pub kind: Option<Kind>,
    /// Its hot key, once its record verified.
    pub key: Option<PublicKey>,
    /// Round trip of the last ping.
    pub round_trip: Option<Duration>,
}

/// Where the connection to one node stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeState {
    /// Which.
    pub peer: PeerId,
    /// Whether it is connected and, for a tab, has reserved a circuit.
    pub up: bool,
}

/// The swarm at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Its nodes.
    pub nodes: Vec<NodeState>,
    /// Everyone connected.
    pub connections: Vec<Connection>,
    /// What went over them since the start.
    pub traffic: Traffic,
    /// Where it listens.
    pub listeners: Vec<Multiaddr>,
}

impl Path {
    /// The path of a connection.
    pub(crate) fn of(endpoint: &ConnectedPoint) -> Self {
        if endpoint.is_relayed() { Self::Relayed } else { Self::Websocket }
    }
}

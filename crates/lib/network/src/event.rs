//! What a swarm tells its owner, and what it looks like at one moment.

use crate::Traffic;
use commonware_cryptography::{ed25519::PublicKey, sha256::Digest};
use futures::channel::oneshot;
use libp2p::{Multiaddr, PeerId, core::ConnectedPoint, gossipsub::IdentTopic};
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
    /// To a node or a tab: someone queries the ledger.
    LedgerQuery {
        /// Who.
        peer: PeerId,
        /// The query.
        bytes: Vec<u8>,
        /// For the reply; dropped, the asker gets none.
        respond: oneshot::Sender<Vec<u8>>,
    },
    /// Something new on the ledger is said to be there. Judge it by [`crate::Network::judge`]: only then is it passed on.
    Gossip {
        /// What about.
        topic: Topic,
        /// Not looked at.
        bytes: Vec<u8>,
        /// For the verdict.
        id: GossipId,
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

/// What gossip is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A newer final block: an encoded `Reply::Head` of the ledger crate.
    Heads,
    /// A transaction that waits for a block.
    Transactions,
}

/// Number of a gossiped message that waits for a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GossipId(pub(crate) u64);

/// What a gossiped message is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is new and verified: pass it on.
    Accept,
    /// It is of no use, or cannot be judged: do not pass it on, blame nobody.
    Ignore,
    /// It is false: do not pass it on, and count it against whoever did.
    Reject,
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

impl Topic {
    /// All there are.
    pub(crate) const ALL: [Self; 2] = [Self::Heads, Self::Transactions];

    /// Its name on `chain`.
    pub(crate) fn of(self, chain: Digest) -> IdentTopic {
        let name = match self {
            Self::Heads => "heads",
            Self::Transactions => "transactions",
        };
        IdentTopic::new(format!("/peerage/{chain}/{name}"))
    }
}

impl Path {
    /// The path of a connection.
    pub(crate) fn of(endpoint: &ConnectedPoint) -> Self {
        // The address of a direct connection names the circuit that it was made over.
        if webrtc::is_webrtc(endpoint.get_remote_address()) {
            Self::Direct
        } else if endpoint.is_relayed() {
            Self::Relayed
        } else {
            Self::Websocket
        }
    }

    /// Its place among the paths to one peer; the lowest is used.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Direct => 0,
            Self::Websocket => 1,
            Self::Relayed => 2,
        }
    }
}

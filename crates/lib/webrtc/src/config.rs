//! What can be set: servers that help through NATs, deadlines and bounds.

use std::time::Duration;

/// Deadlines and bounds of one host, and its ICE servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// STUN and TURN servers; none by default, which is enough on one machine and in most local networks.
    pub ice_servers: Vec<IceServer>,
    /// Longest a dial may take in all: circuit, signalling and ICE together. js-libp2p gives up after 10 s.
    pub timeout: Duration,
    /// Most connections being made at once, both directions together. A browser allows 500 `RTCPeerConnection`s, and closed ones count
    /// until they are collected. A quarter of them is kept for own dials.
    pub most_negotiating: usize,
    /// Most connections one peer may be making with us at once.
    pub most_negotiating_per_peer: usize,
    /// Most streams of one connection that the remote has opened and that are not closed yet; more are closed at once.
    pub most_inbound_streams: usize,
    /// Most bytes of one stream that wait to be read; a data channel cannot hold its sender back, so beyond this it is reset.
    pub most_unread: usize,
    /// The same for all streams of a connection together.
    pub most_unread_in_all: usize,
    /// Most sessions of one peer, and of all peers, that are begun in a minute without becoming a connection.
    pub most_failures_a_minute: (u32, u32),
    /// How long the browser may call a connection disconnected before it counts as lost. ICE can recover from a short silence.
    pub disconnected: Duration,
    /// How long after a direct connection a relayed or doubled one is kept, so that what is under way on it can end.
    pub grace: Duration,
}

/// A STUN or TURN server, as in `RTCIceServer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:host:port`, `turn:host:port?transport=udp`, …
    pub urls: Vec<String>,
    /// For TURN.
    pub username: Option<String>,
    /// For TURN.
    pub credential: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ice_servers: Vec::new(),
            timeout: Duration::from_secs(20),
            most_negotiating: 16,
            most_negotiating_per_peer: 2,
            most_inbound_streams: 512,
            most_unread: 16 << 20,
            most_unread_in_all: 64 << 20,
            most_failures_a_minute: (20, 120),
            disconnected: Duration::from_secs(5),
            grace: Duration::from_secs(2),
        }
    }
}

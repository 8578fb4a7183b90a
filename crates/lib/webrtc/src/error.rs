//! Why a direct connection was not made, or ended.

use crate::signaling::Violation;
use std::time::Duration;

/// What went wrong with a connection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no `RTCPeerConnection` here: not a browser, or one in which it is switched off.
    #[error("there is no WebRTC here")]
    Unsupported,
    /// No connection with the peer exists, and the address names no circuit to make one.
    #[error("not connected with the peer, and the address names no relay")]
    NotConnected,
    /// The circuit over which signalling would go was not made.
    #[error("the relayed connection was not made: {reason}")]
    Relay {
        /// What the transport said.
        reason: String,
    },
    /// The peer does not speak the signalling protocol.
    #[error("the peer does not speak {}", crate::signaling::PROTOCOL)]
    SignalingUnsupported,
    /// The peer broke the signalling protocol.
    #[error("signalling: {0}")]
    Signaling(#[from] Violation),
    /// The stream of the signalling ended before the connection was made.
    #[error("signalling ended early: {reason}")]
    SignalingEnded {
        /// What the stream said.
        reason: String,
    },
    /// Not a single pair of candidates worked.
    #[error("no direct path was found (ICE failed)")]
    IceFailed,
    /// It took too long.
    #[error("no direct connection within {} s", .after.as_secs())]
    Timeout {
        /// The deadline.
        after: Duration,
    },
    /// As many are being made already as may be at once.
    #[error("too many connections are being made already")]
    Busy,
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The browser lost the peer and did not find it again.
    #[error("the peer has been silent for too long")]
    Silent,
    /// Data channels that were closed do not close.
    #[error("data channels do not close")]
    Stuck,
    /// The swarm has been dropped.
    #[error("the swarm is gone")]
    Cancelled,
    /// The browser refused something.
    #[error("the browser refused: {reason}")]
    Js {
        /// What it said.
        reason: String,
    },
}

impl Error {
    /// Whether the peer broke the protocol, rather than the network or this side failing.
    pub fn blames_peer(&self) -> bool {
        matches!(self, Self::Signaling(_))
    }
}

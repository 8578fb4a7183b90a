//! What went over the connections: bytes of our messages (without the transport's own) and exchanges by path and kind of neighbour.

use crate::Path;
use protocol::exchange::Kind;

/// Counters since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of messages received.
    pub bytes_in: u64,
    /// Bytes of messages sent.
    pub bytes_out: u64,
    /// Own asks answered and own gradients applied by others.
    pub asked: Tally,
    /// Asks of others answered and gradients of others applied here.
    pub served: Tally,
    /// Own asks and gradients that were refused, lost or late.
    pub failed: u64,
}

/// Exchanges by path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Over a websocket.
    pub websocket: ByKind,
    /// Over a circuit.
    pub relayed: ByKind,
    /// Over WebRTC.
    pub direct: ByKind,
}

/// Exchanges by kind of neighbour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByKind {
    /// With residents.
    pub residents: u64,
    /// With tabs.
    pub tabs: u64,
}

impl Tally {
    /// One more.
    pub(crate) fn count(&mut self, path: Path, kind: Kind) {
        let by_kind = match path {
            Path::Websocket => &mut self.websocket,
            Path::Relayed => &mut self.relayed,
            Path::Direct => &mut self.direct,
        };
        match kind {
            Kind::Resident => by_kind.residents += 1,
            Kind::Tab => by_kind.tabs += 1,
        }
    }
}

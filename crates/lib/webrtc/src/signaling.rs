//! `/webrtc-signaling/0.0.1` (libp2p specs, webrtc/webrtc.md): how two peers that share a relayed connection agree on a direct one.
//! Pure: neither a browser nor a stream is needed to run a session to its end.

mod message;
mod session;

use libp2p_swarm::StreamProtocol;
pub use message::{Decoder, MAX_MESSAGE, Message, MessageError};
pub use session::{Description, Failure, Input, MAX_CANDIDATES, Output, Role, Session, Violation};

/// The protocol of the stream.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/webrtc-signaling/0.0.1");

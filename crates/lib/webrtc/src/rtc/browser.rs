//! WebRTC of a browser, on the thread that has it: the page's, for workers have no `RTCPeerConnection`.
//!
//! | file | its part |
//! |---|---|
//! | `peer` | one `RTCPeerConnection` and what it tells |
//! | `negotiate` | runs a session of signalling against it |
//! | `connection` | the connection made of it: streams in and out, its end |
//! | `channel` | one `RTCDataChannel` and the stream over it |

mod channel;
mod connection;
mod negotiate;
mod peer;

pub use channel::Stream;
pub use connection::Connection;
pub(crate) use negotiate::{Negotiation, negotiate};
pub use peer::is_available;

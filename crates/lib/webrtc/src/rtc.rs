//! The one thing that differs between platforms: whether there is an `RTCPeerConnection`, and what a connection over it is.
//!
//! Everywhere else than in a browser every negotiation fails with [`crate::Error::Unsupported`], so that the same swarm runs there over
//! relayed connections.

#[cfg(not(target_arch = "wasm32"))]
mod absent;
#[cfg(target_arch = "wasm32")]
mod browser;

#[cfg(not(target_arch = "wasm32"))]
pub use absent::{Connection, Stream, is_available};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use absent::{Negotiation, negotiate};
#[cfg(target_arch = "wasm32")]
pub use browser::{Connection, Stream, is_available};
#[cfg(target_arch = "wasm32")]
pub(crate) use browser::{Negotiation, negotiate};

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether the remote has sent anything over a connection, known to the connection and to the behaviour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<AtomicBool>);

impl Heard {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    #[cfg(target_arch = "wasm32")]
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

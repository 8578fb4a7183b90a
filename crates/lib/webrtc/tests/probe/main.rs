//! A page for tests: a peer whose streams can be put through their paces by hand, from JavaScript.
//!
//! `tests/webrtc` opens it in a browser, beside another one or a page of js-libp2p that offers the same methods, and has them dial, exchange
//! and misbehave. It is also the shortest complete example of how a tab composes its swarm with this transport.
#![cfg(target_arch = "wasm32")]

mod direct;
mod exercises;
mod page;
mod pattern;
mod serve;
mod swarm;

//! The light client alone, for other people's pages: the WebAssembly module of the npm package `pkg/light`.
//!
//! [`Core`] is [`light::Follower`] behind functions of numbers, bytes and plain objects: what to do comes out of `poll`,
//! what was seen out of `event`, and a driver in JavaScript (`pkg/light/index.js`) carries the bytes, keeps the time and writes what
//! is to be kept. No network, no store, no clock, no key and no randomness in here, and nothing that a browser gives a page alone:
//! it runs in a page, in a worker and in Node.js.
//!
//! Built small before all: one profile of its own (`client` in the workspace's `Cargo.toml`), no serde, no hook for panics. A panic is a
//! trap, after which the driver gives the module up.
//!
//! What comes in through [`Core::reply`] and [`Core::restore`] is a stranger's: it is bounded and parsed here, and judged by `light`.
//! What comes in through the others is the caller's, and refused with a code where it is malformed.

mod core;
mod market;
mod object;
mod words;

pub use crate::core::Core;

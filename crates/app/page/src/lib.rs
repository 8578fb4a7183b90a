//! The main thread of a tab: the network, and a typed interface for scripts.
//!
//! A script makes one [`Tab`], gives it the text to learn from, and draws the events it gets. Everything between is here: two
//! workers (`trainer`: the model, `auditor`: ledger and keys) and the swarm, and the words that go from one to the other.
//!
//! - `tab`: the class, its options and types.
//! - `session`: one tab that runs: who hears what.
//! - `port`: a worker and its words.
//! - `keys`: what this browser keeps, one identity for one tab at a time.
//! - `cold`, `vault`: the key that owns the stake, and where the browser holds it.
//! - `words`: what only the page says.
//!
//! The page checks nothing of the ledger and learns nothing: it moves bytes. The seed of the hot key passes through it on the way to
//! and from the browser's storage and is never part of an event.

mod cold;
mod keys;
mod port;
mod session;
mod tab;
mod vault;
mod words;

pub use tab::Tab;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

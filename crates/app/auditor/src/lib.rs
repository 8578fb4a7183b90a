//! The small worker of a tab: light client, proof of work, signatures.
//!
//! Started in a worker, the module says `Loaded` and then follows [`protocol::port::auditor`] over `postMessage`: the page
//! carries queries to sources and replies back, and shows what was verified here. The page never sees more of the hot key
//! than the seed that it keeps for the next visit.
//!
//! - [`Session`]: one key on one chain, without a browser: commands and the time in, events out.
//! - [`Store`]: what was verified, kept for the next visit.
//! - `worker`: the thread of control around it, the only part that knows the browser.
//! - [`parse`], [`plain`]: words of the port as plain objects.
//!
//! The audit itself is [`light`]'s; nothing here decides what is true.

mod port;
mod session;
mod settings;
mod store;
mod trade;
mod worker;

pub use port::{parse, plain};
pub use session::Session;
pub use settings::{Settings, StartError};
pub use store::{Fault, Kept, Store};

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

//! What the three threads of a tab say to each other, as plain values.
//!
//! The page (main thread) holds the network; the `trainer` and the `auditor` are workers. Each worker is driven by one
//! enum of commands and answers with one enum of events; both cross `postMessage` through `serde-wasm-bindgen`, so a
//! script sees ordinary objects tagged by `type`. Keys and digests are lower-case hex, peer ids base58, times are
//! milliseconds since the Unix epoch, bytes are `Uint8Array`s. Values that come from other peers stay encoded here and
//! are parsed by the thread that uses them.

#![expect(missing_docs, reason = "fields of a variant are told in its own line")]

pub mod auditor;
pub mod trainer;

//! The engine: proposes, verifies, finalises, keeps and serves blocks on commonware's Simplex.
//!
//! Blocks are agreed by `commonware-consensus`; what they mean is the ledger crate's pure transition function. This crate
//! is the wiring and what belongs to the machine. One embedded validator, many on several machines, and nodes that only follow: the
//! code is the same.
//!
//! - [`validator`]: starts a validator or a follower on a machine.
//! - [`node`]: opens what is kept, then validates or follows, on any runtime and network.
//! - [`engine`]: the wiring of commonware's Simplex, epoch by epoch.
//! - [`application`]: what the engine asks of the ledger.
//! - [`block`]: header, body and the engine's context as one message.
//! - [`evidence`]: from what the engine observes to what convicts.
//! - [`folder`], [`snapshot`], [`records`]: the data folder, states on disk, and what is asked for later.
//! - [`mempool`]: transactions that wait; refusals come before.
//! - [`service`]: [`LedgerHandle`], answers to queries and the stream of final heads.
//! - [`source`] and [`sync`]: following others without trusting them, from the middle of a chain on.

mod chain;
mod duty;
mod gossip;
mod keeper;
mod network;
mod witness;

pub mod application;
pub mod block;
pub mod engine;
pub mod evidence;
pub mod folder;
pub mod mempool;
pub mod node;
pub mod records;
pub mod service;
pub mod snapshot;
pub mod source;
pub mod sync;
pub mod validator;

pub use block::Block;
pub use commonware_runtime::{Runner, Spawner, Supervisor, tokio as runtime};
pub use folder::{Folder, FolderError};
pub use node::{Node, OpenError};
pub use service::{Checkpoint, Halt, Head, LedgerHandle};
pub use snapshot::SnapshotError;
pub use source::Source;
pub use validator::{Config, Follower, Place, StartError, Validator};

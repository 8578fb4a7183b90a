//! The engine: proposes, verifies, finalises, keeps and serves blocks on commonware's Simplex.
//!
//! Blocks are agreed by `commonware-consensus`; what they mean is the ledger crate's pure transition function. This crate
//! is the wiring and what belongs to the machine: the data folder, snapshots, the queue of transactions, and the service
//! that answers queries of light clients. One embedded validator or several: the code is the same.
//!
//! - [`folder`]: the data folder, its version, lock, keys and genesis.
//! - [`block`]: header, body and the engine's context as one message.
//! - [`application`]: what the engine asks of the ledger.
//! - [`evidence`]: what the engine reports of a validator that breaks its word, for the ledger.
//! - [`snapshot`]: states on disk, one an epoch, written so that a crash leaves the one before.
//! - [`mempool`]: transactions that wait; refusals come before.
//! - [`service`]: [`LedgerHandle`], answers to queries and the stream of final heads.
//! - [`validator`]: starts all of it.

mod chain;
mod engine;

pub mod application;
pub mod block;
pub mod evidence;
pub mod folder;
pub mod mempool;
pub mod service;
pub mod snapshot;
pub mod validator;

pub use block::Block;
pub use commonware_runtime::{Runner, Spawner, Supervisor, tokio as runtime};
pub use folder::{Folder, FolderError};
pub use service::{Head, LedgerHandle};
pub use snapshot::SnapshotError;
pub use validator::{Config, StartError, Validator};

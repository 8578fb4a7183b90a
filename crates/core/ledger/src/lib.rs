//! The ledger: what is written down, what may change it, and how a part of it is proven.
//!
//! - [`types`], [`key`], [`row`], [`transaction`], [`work`], [`header`], [`block`], [`table`]: the values and their one codec.
//! - [`evidence`]: two votes of one validator that contradict each other.
//! - [`genesis`] and [`parameters`]: how a chain begins, and the numbers that rule it.
//! - [`mod@column`]: lists that states share.
//! - [`state`]: the transition function. `apply(state, block)` has no clock, no randomness and no I/O, and it is total:
//!   whatever a block holds, the outcome is a new state or a typed error.
//! - [`economy`]: from the tables to the mechanism's matrices, shared by the epoch and by the light client.
//! - [`query`]: what a client asks a source, and what a source replies; nothing in a reply is believed without proof.
//!
//! The crate knows nothing of engines, networks or disks. Every value has one encoding; changing it changes the protocol
//! version ([`header::VERSION`]).

mod codec;
mod merkle;

pub mod block;
pub mod column;
pub mod economy;
pub mod evidence;
pub mod genesis;
pub mod hash;
pub mod header;
pub mod key;
pub mod parameters;
pub mod query;
pub mod refusal;
pub mod row;
pub mod state;
pub mod table;
pub mod text;
pub mod transaction;
pub mod types;
pub mod work;

pub use block::Body;
pub use column::Column;
pub use commonware_cryptography::ed25519::{PrivateKey, PublicKey, Signature};
pub use commonware_cryptography::sha256::Digest;
pub use evidence::{Evidence, EvidenceError, Proposal, Vote};
pub use genesis::{Founder, Genesis, GenesisError, Seat};
pub use header::{Header, namespace};
pub use key::Key;
pub use parameters::{Kind, Parameters};
pub use query::{Link, Query, Reply, TransactionStatus};
pub use refusal::Refusal;
pub use row::{Row, RowError};
pub use state::{ApplyError, At, Event, State};
pub use table::{AccountLeaf, CandidateLeaf, EpochLeaf, NeuronLeaf, Standing, Table, Totals, WeightsLeaf};
pub use transaction::{Action, Checked, Transaction, Unsigned};
pub use types::{Amount, ChainId, Height, Nonce, Score, Uid};
pub use work::Puzzle;

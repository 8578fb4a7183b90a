//! The light client: bytes and the time in, verdicts and signed transactions out.
//!
//! - [`Committee`]: judges a certificate; [`Client`]: follows the heads of one chain from a [`Checkpoint`], and its
//!   validators from epoch to epoch ([`epochs`]).
//! - [`tables`] and [`Tables`]: leaves and whole tables against the roots of a verified header; [`audit`]: an epoch computed again from
//!   them.
//! - [`Follower`]: all of that as one state machine over several [`Source`]s, with what it keeps ([`Shelf`]) and serves.
//! - [`market`]: what an epoch came to, the newest or a past one, as tables.
//! - [`own`]: the own figures and gradients at a verified state; [`policy`] and [`proposal`]: the row that a peer sets, and what
//!   that would do.
//! - [`gossip`]: heads and transactions that strangers pass around.
//! - [`Participant`]: a follower with keys, for a tab's worker and for residents of a node.
//!
//! No I/O, no clock, no randomness, no threads: time is an argument, a caller carries the bytes. Whoever carries them
//! is not trusted; everything refused is an [`Error`] with a name.

pub mod audit;
mod certificate;
mod client;
pub mod epochs;
mod error;
mod event;
mod follower;
pub mod gossip;
pub mod market;
pub mod own;
mod participant;
pub mod policy;
pub mod proposal;
mod sale;
mod shelf;
mod source;
mod standing;
pub mod tables;

pub use certificate::{BlockFinalization, Committee, Verdict};
pub use client::{Accepted, Checkpoint, Client, Evidence, MAX_GENESIS, Verified, genesis};
pub use error::Error;
pub use event::{Alarm, Deed, Event, Seen, Signer, Step, TransactionState};
pub use follower::{CLAIM_MS, Follower, Goods, Inclusion, Leaf, Options, SKEW_MS, Subject};
pub use market::Market;
pub use participant::{Intent, Participant};
pub use policy::Policy;
pub use proposal::Proposal;
pub use sale::order;
pub use shelf::Shelf;
pub use source::Source;
pub use standing::Own;
pub use tables::Tables;

//! The light client: bytes and the time in, verdicts and signed transactions out.
//!
//! - [`Committee`]: judges a certificate; [`Client`]: follows the heads of one chain from a [`Checkpoint`], and its
//!   validators from epoch to epoch ([`epochs`]).
//! - [`tables`] and [`Tables`]: leaves and whole tables against the roots of a [`Verified`] header, and the own
//!   standing ([`Own`]) that they imply.
//! - [`own`]: the own figures and gradients at a verified state; [`policy`] and [`proposal`]: the row that a peer sets, and what
//!   that would do.
//! - [`gossip`]: heads and transactions that strangers pass around.
//! - [`Participant`]: all of it as one state machine, for a tab's worker and for residents of a node.
//!
//! No I/O, no clock, no randomness, no threads: time is an argument, a caller carries the bytes. Whoever carries them
//! is not trusted; everything refused is an [`Error`] with a name.

mod certificate;
mod client;
pub mod epochs;
mod error;
mod event;
pub mod gossip;
pub mod own;
mod participant;
pub mod policy;
pub mod proposal;
pub mod tables;

pub use certificate::{BlockFinalization, Committee, Verdict};
pub use client::{Accepted, Checkpoint, Client, Evidence, MAX_GENESIS, Verified, genesis};
pub use error::Error;
pub use event::{Alarm, Deed, Event, Own, TransactionState};
pub use own::Tables;
pub use participant::{Participant, Step};
pub use policy::Policy;
pub use proposal::Proposal;

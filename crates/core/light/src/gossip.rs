//! What strangers pass around: heads and transactions as bytes, parsed here, and what each is worth.
//!
//! Gossip comes from anyone, and what is accepted goes on to everyone. So only what a light client could check itself is
//! passed on, and only what no honest peer would have passed on is blamed on the one who did: that peer may be a few
//! blocks ahead or behind, and its tables older or newer. [`crate::Participant`] judges by what it has verified, a node
//! by its own ledger.
//!
//! A hostile sender could try rubbish, another chain, forged or short certificates: refused, and counted against it. Old
//! heads and transactions that are over cost a look-up. What it cannot be blamed for, and what it could send without end,
//! is bounded where it is judged.

use crate::{Committee, Error, epochs};
use bytes::Bytes;
use commonware_codec::{Copying, DecodeExt as _};
use ledger::{Header, Refusal, Reply, Transaction, query::MAX_QUERY_BYTES};

/// What a gossiped message is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// New and verified: pass it on.
    Accept,
    /// Old, known, or not to be judged here: keep it, blame nobody.
    Ignore,
    /// False: keep it, and blame whoever passed it on.
    Reject,
}

/// Parses a gossiped head: an encoded [`Reply::Head`].
///
/// # Errors
/// [`Error::Oversized`], [`Error::Truncated`], [`Error::Trailing`], [`Error::Malformed`], [`Error::WrongReply`].
pub fn head(bytes: &[u8]) -> Result<(Header, Bytes), Error> {
    let what = "gossiped head";
    bounded(what, bytes)?;
    match Reply::decode(Copying(bytes)).map_err(|error| Error::codec(what, bytes.len(), &error))? {
        Reply::Head { header, finalization } => Ok((header, finalization)),
        _ => Err(Error::WrongReply),
    }
}

/// What a gossiped head is worth to one who is on the chain itself, whose newest block is `own`, and who knows the
/// `committee` of the next. Blocks of other epochs it cannot judge.
///
/// A second block at the own height is passed on: a quorum signed it, and light clients keep both as evidence.
pub fn compare_head(committee: &Committee, tempo: u64, own: Option<&Header>, bytes: &[u8]) -> Judgement {
    let Ok((header, finalization)) = head(bytes) else { return Judgement::Reject };
    let digest = header.digest();
    let old = |own: &Header| header.height < own.height || header.height == own.height && digest == own.digest();
    if own.is_some_and(old) || epochs::of(header.height, tempo) != committee.epoch() {
        return Judgement::Ignore;
    }
    committee.verify(digest, &finalization).map_or_else(|error| Judgement::of_head(&error), |_| Judgement::Accept)
}

/// Parses a gossiped transaction. Its signature is not looked at.
///
/// # Errors
/// [`Error::Oversized`], [`Error::Truncated`], [`Error::Trailing`], [`Error::Malformed`].
pub fn transaction(bytes: &[u8]) -> Result<Transaction, Error> {
    let what = "gossiped transaction";
    bounded(what, bytes)?;
    Transaction::decode(Copying(bytes)).map_err(|error| Error::codec(what, bytes.len(), &error))
}

impl Judgement {
    /// Of a head that the client refused with `error`.
    ///
    /// What a quorum signed is not the fault of whoever passes it on, even where it is a second history; everyone should
    /// see that. Who signs in an epoch to come is not known here yet.
    pub const fn of_head(error: &Error) -> Self {
        match error {
            Error::Conflict { .. } => Self::Accept,
            Error::UnknownValidators { .. }
            | Error::NeedsLinks { .. }
            | Error::NonMonotonicHeight { .. }
            | Error::NonMonotonicTime { .. }
            | Error::StaleCheckpoint { .. }
            | Error::NotTheCheckpoint { .. } => Self::Ignore,
            _ => Self::Reject,
        }
    }

    /// Of a transaction that the ledger refuses: false where it would be on any state of the chain.
    pub const fn of_transaction(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Unsigned
            | Refusal::ForeignChain
            | Refusal::TooManyWeights { .. }
            | Refusal::Nothing
            | Refusal::NoEvidence { .. } => Self::Reject,
            _ => Self::Ignore,
        }
    }
}

fn bounded(what: &'static str, bytes: &[u8]) -> Result<(), Error> {
    let (bytes, limit) = (bytes.len(), MAX_BYTES);
    if bytes > limit { Err(Error::Oversized { what, bytes, limit }) } else { Ok(()) }
}

/// Longest message: a head with the signatures of 64 validators has some 5 KiB, a row of 1,024 entries some 6 KiB.
pub const MAX_BYTES: usize = MAX_QUERY_BYTES;

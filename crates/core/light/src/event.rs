//! What a follower and a participant ask of their owner, and what they tell it: everything told was verified, but for what says so.

use crate::Proposal;
use crate::audit::{Audit, Difference};
use crate::follower::{Inclusion, Leaf, Subject};
use crate::standing::Own;
use crate::{Error, Market, Shelf, Source, Verified};
use bytes::Bytes;
use commonware_cryptography::{ed25519::PublicKey, sha256::Digest};
use ledger::{Action, Amount, Height, Key, Puzzle, Query, Refusal, Transaction, Uid};
use protocol::exchange::Claim;

/// What the owner is to do.
#[derive(Clone, Debug)]
pub enum Step {
    /// Put a query to a source; then `handle_reply`, `handle_failed` or `handle_malformed` with its id.
    Query {
        /// Id, never used twice.
        id: u32,
        /// Whom to ask.
        source: Source,
        /// The query.
        query: Query,
    },
    /// Write to a shelf of the store, so that it lasts before any later step is done; without a store this is nothing.
    Keep {
        /// Which.
        shelf: Shelf,
        /// What.
        bytes: Bytes,
        /// Behind what is there, or in its place.
        append: bool,
    },
    /// Try proofs of work `start..start + count` of `puzzle`; then [`crate::Participant::handle_search`].
    Search {
        /// The puzzle.
        puzzle: Puzzle,
        /// First to try.
        start: u64,
        /// Number to try: sized so that a slice takes about 25 ms.
        count: u64,
    },
    /// Tell the neighbours of an own transaction; nothing comes back.
    Publish {
        /// The transaction.
        transaction: Transaction,
    },
    /// Have the cold key sign; then [`crate::Participant::handle_signature`] or [`crate::Participant::handle_unsigned`] with the id.
    Sign {
        /// Id, never used twice.
        id: u32,
        /// The exact bytes that ed25519 signs.
        message: Bytes,
        /// What it does.
        deed: Deed,
    },
}

/// What a follower saw.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A head was verified at this time, ms since 1970.
    Head {
        /// The block.
        head: Box<Verified>,
        /// When it was verified.
        now: u64,
    },
    /// An audit is over.
    Audit(Box<Audit>),
    /// A leaf was asked for and came, as it stands after the block at this height.
    Proven {
        /// What was asked about.
        subject: Subject,
        /// Height of the block.
        at: Height,
        /// Who gave it.
        source: Source,
        /// The leaf; `None`: the source says that there is none, which nothing proves.
        leaf: Option<Leaf>,
    },
    /// A source took a transaction or refused it, by its word.
    Submitted {
        /// The transaction.
        digest: Digest,
        /// Who said so.
        source: Source,
        /// What it said.
        outcome: Result<(), Refusal>,
    },
    /// A source did not take a transaction, or there is none.
    NotSubmitted {
        /// The transaction.
        digest: Digest,
    },
    /// A transaction is proven to be in a block that a quorum signed.
    Included {
        /// The transaction.
        digest: Digest,
        /// The proof.
        inclusion: Box<Inclusion>,
    },
    /// What was kept at the last visit was verified again.
    Restored {
        /// The newest block of it.
        height: Height,
        /// Epochs whose links it holds.
        epochs: u64,
        /// Whether the tables of the last epoch were among it.
        tables: bool,
    },
    /// An epoch was asked for and came.
    Market(Box<Market>),
    /// An epoch was asked for and is not to be had.
    NoMarket {
        /// Which.
        epoch: u64,
        /// Why.
        reason: String,
    },
    /// Something is wrong.
    Alarm(Alarm),
}

/// What a participant tells: what its follower saw, and what it makes of it.
#[derive(Clone, Debug)]
pub enum Event {
    /// A head was verified at this time, ms since 1970.
    Head {
        /// The block.
        head: Box<Verified>,
        /// When it was verified.
        now: u64,
    },
    /// An audit is over.
    Audit(Box<Audit>),
    /// Own standing; after each epoch and each own transaction.
    Own(Box<Own>),
    /// Everyone on the ledger by the verified neuron table: uid, hot key, stake.
    Neurons(Vec<(Uid, Key, Amount)>),
    /// What asks of others weigh at the own key by the same tables: [`crate::Tables::askers`].
    Askers(Vec<(Key, f64)>),
    /// What the own model is to multiply the answers of others with by the same tables, on a chain with masks:
    /// [`crate::Tables::masks`].
    Masks(Vec<(Key, f64)>),
    /// The search of a registration's proof of work.
    Working {
        /// Hashes tried so far.
        tried: u64,
        /// Hashes it takes on average.
        expected: f64,
        /// Hashes a second.
        rate: f64,
        /// Whether it is held.
        paused: bool,
    },
    /// A row that could be set, and what it would do; signed where the policy says so.
    Proposal {
        /// The row and its effect.
        proposal: Box<Proposal>,
        /// Whether it is signed.
        signed: bool,
    },
    /// What was asked for cannot be signed, and why.
    Unsigned(String),
    /// Where an own transaction stands.
    Transaction {
        /// Its digest.
        digest: Digest,
        /// What it does.
        action: Deed,
        /// Which own key signed it.
        signer: Signer,
        /// Where it stands.
        state: TransactionState,
    },
    /// An own purchase is final: what to show the seller, while it lasts.
    Bought {
        /// Digest of the transaction.
        digest: Digest,
        /// Hot key of the seller.
        seller: PublicKey,
        /// What to show.
        claim: Box<Claim>,
    },
    /// What was kept at the last visit was verified again.
    Restored {
        /// The newest block of it.
        height: Height,
        /// Epochs whose links it holds.
        epochs: u64,
        /// Whether the tables of the last epoch were among it.
        tables: bool,
    },
    /// Something is wrong.
    Alarm(Alarm),
}

/// An own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signer {
    /// The one that signs rows.
    Hot,
    /// The one that owns the stake.
    Cold,
}

/// What an own transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed(&'static str);

impl Deed {
    /// Registers the own key by proof of work.
    pub const REGISTER: Self = Self("Register");
    /// Sets the own row.
    pub const SET_WEIGHTS: Self = Self("SetWeights");

    /// What this action does.
    pub const fn of(action: &Action) -> Self {
        Self(action.name())
    }
}

impl core::fmt::Display for Deed {
    /// The name of the action in words: `set weights`.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (index, letter) in self.0.char_indices() {
            if index > 0 && letter.is_ascii_uppercase() {
                f.write_str(" ")?;
            }
            write!(f, "{}", letter.to_ascii_lowercase())?;
        }
        Ok(())
    }
}

/// Where an own transaction stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionState {
    /// Signed and handed to a source.
    Pending,
    /// Its effect was seen in a verified table; it happened at this height, or before it.
    Included(Height),
    /// Proven to be in a block that a quorum signed: at this height, at this place.
    Final(Height, u32),
    /// Not on the ledger, and why. What a source says is its word; the absence was seen in a verified table.
    Refused(String),
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Alarm {
    /// A source sent what no honest one would have sent. It is not asked any more while there are others.
    #[error("{who} lied and is not asked any more: {error}")]
    Lied {
        /// Who.
        who: Source,
        /// What was wrong with it.
        error: Error,
    },
    /// Something was refused, and nobody is to blame.
    #[error("refused: {0}")]
    Reply(Error),
    /// No new block for a while: the chain stands still, or the sources hold it back.
    #[error("no new block since {silent_ms} ms, the last is {height}")]
    Stalled {
        /// Time without a new head, ms.
        silent_ms: u64,
        /// The last verified block.
        height: Height,
    },
    /// What was kept cannot be used: it is fetched again.
    #[error("what was kept on the shelf {shelf} is damaged and is fetched again: {error}")]
    Damaged {
        /// Which shelf.
        shelf: Shelf,
        /// What is wrong with it.
        error: Error,
    },
    /// The validators signed figures that do not follow from the tables. Nothing more is signed here.
    #[error("the validators of this chain signed wrong figures, and nothing more is signed here: {0}")]
    WrongEconomics(Difference),
    /// Nothing more can be believed.
    #[error("stopped: {0}")]
    Stopped(Error),
}

impl Alarm {
    /// Whether nothing more will come.
    pub const fn fatal(&self) -> bool {
        matches!(self, Self::Stopped(_))
    }

    /// Whether it takes a new checkpoint to go on.
    pub const fn stale(&self) -> bool {
        matches!(self, Self::Stopped(Error::StaleCheckpoint { .. }))
    }
}

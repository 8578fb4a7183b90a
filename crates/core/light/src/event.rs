//! What a participant tells its owner: everything here was verified, but for what says so.

use crate::{Error, Verified};
use commonware_cryptography::sha256::Digest;
use ledger::{Amount, Height, Key, Row, Uid};

/// Something that the owner may want to know.
#[derive(Clone, Debug)]
pub enum Event {
    /// A head was verified at this time, ms since 1970.
    Head {
        /// The block.
        head: Box<Verified>,
        /// When it was verified.
        now: u64,
    },
    /// Own standing, from tables verified at one block; after each epoch and each own transaction.
    Own(Box<Own>),
    /// Everyone on the ledger by the verified neuron table: uid, hot key, stake.
    Neurons(Vec<(Uid, Key, Amount)>),
    /// What asks of others weigh at the own key by the same tables: [`crate::Tables::askers`].
    Askers(Vec<(Key, f64)>),
    /// The search of a registration's proof of work.
    Working {
        /// Hashes tried so far.
        tried: u64,
        /// Hashes it takes on average.
        expected: f64,
        /// Hashes a second.
        rate: f64,
    },
    /// Where an own transaction stands.
    Transaction {
        /// Its digest.
        digest: Digest,
        /// What it does.
        action: Deed,
        /// Where it stands.
        state: TransactionState,
    },
    /// Something is wrong.
    Alarm(Alarm),
}

/// What an own transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Registers the own key.
    Register,
    /// Sets the own row.
    SetWeights,
}

impl core::fmt::Display for Deed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Register => "register",
            Self::SetWeights => "set weights",
        })
    }
}

/// Where an own transaction stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionState {
    /// Signed and handed to a source.
    Pending,
    /// Its effect was seen in a verified table; it happened at this height.
    Included(Height),
    /// Not on the ledger, and why. What a source says is its word; the absence was seen in a verified table.
    Refused(String),
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Alarm {
    /// A source sent what was refused. Others may do better: the query is put again.
    #[error("a reply was refused: {0}")]
    Reply(Error),
    /// No new block for a while: the chain stands still, or the sources hold it back.
    #[error("no new block since {silent_ms} ms, the last is {height}")]
    Stalled {
        /// Time without a new head, ms.
        silent_ms: u64,
        /// The last verified block.
        height: Height,
    },
    /// The participant stopped.
    #[error("stopped: {0}")]
    Stopped(Error),
}

impl Alarm {
    /// Whether nothing more will come.
    pub const fn fatal(&self) -> bool {
        matches!(self, Self::Stopped(_))
    }
}

/// Own standing at one verified block.
#[derive(Clone, Debug, PartialEq)]
pub struct Own {
    /// Own uid; `None` while not registered.
    pub uid: Option<Uid>,
    /// Height of the tables this was computed from.
    pub height: Height,
    /// Stake.
    pub stake: Amount,
    /// Balance of the account.
    pub balance: Amount,
    /// Place by stake, 1 is the largest, ties by uid; 0 while not registered.
    pub place: u32,
    /// Number of peers.
    pub peers: u32,
    /// Rank R_i, share of 1.
    pub rank: f64,
    /// Trust before the logistic, t_i.
    pub trust: f64,
    /// Scaling a_i.
    pub scaling: f64,
    /// Loss of the chain, L.
    pub loss: f64,
    /// ∂L/∂a_i, or why there is none.
    pub scaling_gradient: Result<f64, String>,
    /// ∂s*_i/∂w_ib of the soft stake clipping by uid b, or why there is none. Advisory: this chain does not clip.
    pub clipping_gradient: Result<Vec<(Uid, f64)>, String>,
    /// Own row; `None` while not registered. Version 0 is the self-loop that a new uid starts with.
    pub row: Option<Row>,
    /// Own updates of the row so far.
    pub version: u64,
}

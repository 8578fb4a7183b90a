//! Why a figure or a gradient does not exist, or no row is proposed. A zero is never given in its place.

use ledger::economy::EconomyError;
use ledger::{Key, Uid};
use mechanism::fault::NotDefined;

/// Why what was asked does not exist.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    /// The mechanism says so.
    #[error(transparent)]
    NotDefined(#[from] NotDefined),
    /// The tables make no economy.
    #[error(transparent)]
    Economy(#[from] EconomyError),
    /// The own hot key is that of no peer.
    #[error("this peer is not registered yet: once it is there will be a row and a stake")]
    NotRegistered,
    /// No present peer has this uid.
    #[error("no peer has uid {uid}")]
    Unregistered {
        /// The uid.
        uid: Uid,
    },
    /// The place of the own hot key is owned by a key that is not held here.
    #[error(
        "the place of this hot key belongs to {cold}, whose key is not held here and which would earn what it earns: begin with a new identity"
    )]
    Foreign {
        /// The key that owns the place.
        cold: Key,
    },
    /// The mechanism of the chain has no trust, or none that follows paths.
    #[error("the mechanism of this chain has no trust that follows paths")]
    NoTrust,
    /// With a loss that is not negative nothing is paid.
    #[error("nothing is paid while the loss is not negative (it is {loss}): the pool is carried over")]
    CarriedOver {
        /// L.
        loss: f64,
    },
    /// The chain has no masks through which a row could move the own loss.
    #[error(
        "this chain has no masks: a row does not change what a peer sees, and its payoff alone would lead to voting for oneself"
    )]
    NoMasks,
    /// A peer without stake bids nothing.
    #[error("this peer holds no stake: its row bids nothing")]
    NoStake,
    /// Nothing above zero was learned about anyone who has a uid.
    #[error("nothing was learned yet about a peer with a uid: train for a while")]
    NoScores,
    /// α is no number from 0 up.
    #[error("α is {alpha}, but must be a number from 0 up")]
    Alpha {
        /// α.
        alpha: f64,
    },
    /// The policy is to set rows by hand, and none was given.
    #[error("rows are set by hand, and there is none yet: give the shares")]
    NoShares,
    /// A share of a row by hand is no number from 0 up.
    #[error("the share {share} of uid {uid} must be a number from 0 up")]
    Share {
        /// Whose.
        uid: Uid,
        /// The share.
        share: f64,
    },
    /// A row by hand names somebody who is not there.
    #[error("no peer has uid {uid}: leave it out of the row")]
    Stranger {
        /// Whom.
        uid: Uid,
    },
    /// The chain demands more entries than a step of this length can add.
    #[error(
        "a row needs {least} entries here, and no step shorter than ε leads from the present one to more than {entries}"
    )]
    TooFew {
        /// Entries of the best row.
        entries: usize,
        /// Entries demanded.
        least: usize,
    },
    /// The policy is to set no row.
    #[error("rows are never set: choose another policy")]
    Never,
}

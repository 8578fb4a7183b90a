//! Where a waiting transaction stands among the others.

use ledger::transaction::Checked;
use ledger::{Action, Digest, Height, PublicKey, Transaction};
use std::sync::Arc;

/// How much the chain wants a transaction, the most wanted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Keeps the chain alive: evidence, and that a validator still runs.
    Vital,
    /// Pays, from the balance or from the self-loop's share of what it releases.
    Paid,
    /// Pays nothing: a registration by work, the free update of an epoch.
    Free,
}

impl Class {
    /// The class of a transaction, which `pays` or not.
    pub(super) const fn of(transaction: &Transaction, pays: bool) -> Self {
        match &transaction.action {
            Action::Evidence { .. } => Self::Vital,
            // Only keys that could take a seat say so, once an epoch.
            Action::Ready { .. } => Self::Vital,
            _ if pays => Self::Paid,
            _ => Self::Free,
        }
    }
}

/// A place in the queue. One signer's places ascend with their nonces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The worst class of this transaction and of the signer's before it.
    pub class: Class,
    /// Number of its arrival, from 1; who replaces another has that one's.
    pub arrival: u64,
}

impl Place {
    /// Before all others; nobody stands there.
    pub const BEGIN: Self = Self { class: Class::Vital, arrival: 0 };
}

/// A waiting transaction.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub digest: Digest,
    pub checked: Arc<Checked>,
    /// Encoded size.
    pub bytes: usize,
    /// How many of this nonce stood here before.
    pub replaced: u8,
    /// Height of the state on top of which it fitted last.
    pub tried: Height,
}

impl Waiting {
    pub fn transaction(&self) -> &Transaction {
        self.checked.transaction()
    }

    /// Whom it accuses.
    pub fn accused(&self) -> Option<&PublicKey> {
        accused(self.transaction())
    }
}

/// Whom a transaction accuses.
pub(super) fn accused(transaction: &Transaction) -> Option<&PublicKey> {
    match &transaction.action {
        Action::Evidence { evidence } => Some(&evidence.key),
        _ => None,
    }
}

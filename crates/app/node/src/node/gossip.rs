//! Gossip at a node, which is on the chain itself: heads are compared with its own, transactions are let wait for a block.
//!
//! A hostile peer could try heads that this node has (a look-up), forged ones above (one certificate to check each), and
//! transactions: they enter by the door that queries use, which is bounded in all and a key, refuses what cannot be
//! included now, and checks the signature last. A head above its own changes nothing here, where the engine decides.

use consensus::LedgerHandle;
use ledger::{Genesis, TransactionStatus};
use light::{
    Committee, Error,
    gossip::{self, Judgement},
};
use network::{Topic, Verdict};

/// What it takes to judge.
#[derive(Clone)]
pub struct Judge {
    ledger: LedgerHandle,
    committee: Committee,
}

impl Judge {
    /// By this ledger of the chain of `genesis`.
    pub fn new(ledger: LedgerHandle, genesis: &Genesis) -> Result<Self, Error> {
        Ok(Self { ledger, committee: Committee::new(genesis.chain(), &genesis.validator_keys())? })
    }

    /// What `bytes` are worth. A transaction that can be included waits for that from now on.
    pub fn judge(&self, topic: Topic, bytes: &[u8]) -> Verdict {
        verdict(match topic {
            Topic::Heads => {
                gossip::compare_head(&self.committee, self.ledger.head().map(|head| head.header).as_ref(), bytes)
            }
            Topic::Transactions => self.transaction(bytes),
        })
    }

    fn transaction(&self, bytes: &[u8]) -> Judgement {
        let Ok(transaction) = gossip::transaction(bytes) else { return Judgement::Reject };
        match self.ledger.status(&transaction.digest()) {
            TransactionStatus::Pending | TransactionStatus::Included { .. } => Judgement::Ignore,
            TransactionStatus::Unknown | TransactionStatus::Refused { .. } => match self.ledger.submit(transaction) {
                Ok(digest) => {
                    tracing::debug!(%digest, "a transaction came by gossip");
                    Judgement::Accept
                }
                Err(refusal) => Judgement::of_transaction(&refusal),
            },
        }
    }
}

/// A judgement in the network's words.
pub const fn verdict(judgement: Judgement) -> Verdict {
    match judgement {
        Judgement::Accept => Verdict::Accept,
        Judgement::Ignore => Verdict::Ignore,
        Judgement::Reject => Verdict::Reject,
    }
}

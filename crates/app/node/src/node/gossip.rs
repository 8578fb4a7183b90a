//! Gossip at a node, which is on the chain itself: heads are compared with its own, transactions are let wait for a block.
//!
//! A hostile peer could try heads that this node has (a look-up), forged ones above (one certificate to check each), and
//! transactions: they enter by the door that queries use, which is bounded in all and a key, refuses what cannot be
//! included now, and checks the signature last. A head above its own changes nothing here, where the engine decides; those
//! of another epoch than that of the next block are left to the engine altogether.

use consensus::LedgerHandle;
use ledger::TransactionStatus;
use light::{
    Committee, epochs,
    gossip::{self, Judgement},
};
use network::{Topic, Verdict};

/// Judges by this ledger.
#[derive(Clone)]
pub struct Judge(pub LedgerHandle);

impl Judge {
    /// What `bytes` are worth. A transaction that can be included waits for that from now on.
    pub fn judge(&self, topic: Topic, bytes: &[u8]) -> Verdict {
        verdict(match topic {
            Topic::Heads => self.head(bytes),
            Topic::Transactions => self.transaction(bytes),
        })
    }

    fn head(&self, bytes: &[u8]) -> Judgement {
        let Some(state) = self.0.state() else { return Judgement::Ignore };
        let tempo = state.parameters().tempo;
        let epoch = epochs::after(state.height(), tempo);
        let Ok(committee) = Committee::new(state.chain(), epoch, state.validators()) else { return Judgement::Ignore };
        gossip::compare_head(&committee, tempo, self.0.head().map(|head| head.header).as_ref(), bytes)
    }

    fn transaction(&self, bytes: &[u8]) -> Judgement {
        let Ok(transaction) = gossip::transaction(bytes) else { return Judgement::Reject };
        match self.0.status(&transaction.digest()) {
            TransactionStatus::Pending | TransactionStatus::Included { .. } => Judgement::Ignore,
            TransactionStatus::Unknown | TransactionStatus::Refused { .. } => match self.0.submit(transaction) {
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

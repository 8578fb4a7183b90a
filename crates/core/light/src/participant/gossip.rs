//! Transactions that strangers pass around, judged by what is verified here.
//!
//! A transaction is judged by what is cheap: its own bytes, the time it may wait, and the tables of the last epoch. Keys
//! cost nothing, so a signature alone is no reason to carry it to everyone: its signer must stand on the verified neuron
//! table, or have done the proof of work of a registration on a block that was verified here. Of one key only so many are
//! passed on as a node would let wait. Whether it can be included now is for nodes to say.
//!
//! A hostile sender could try: transactions of keys it made up, of others without their signature, over and over again, or without end from one registered key.

use super::Participant;
use crate::Tables;
use crate::gossip::{self, Judgement};
use commonware_cryptography::{ed25519::PublicKey, sha256::Digest};
use ledger::{Action, Amount, Height, Puzzle, Transaction, work::RECENT};
use std::collections::BTreeMap;

/// What was passed on, as far as it still matters.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// Of each key: transactions that may still be included, and until when.
    transactions: BTreeMap<PublicKey, Vec<(Digest, Height)>>,
}

impl Passed {
    /// Whether one more of `signer` may be passed on at `head`, and this one was not yet.
    fn admits(&mut self, signer: &PublicKey, digest: &Digest, head: Height) -> bool {
        self.transactions.retain(|_, of| {
            of.retain(|(_, expires)| *expires > head);
            !of.is_empty()
        });
        let of = self.transactions.get(signer).map_or(&[][..], Vec::as_slice);
        let all: usize = self.transactions.values().map(Vec::len).sum();
        all < TRANSACTIONS && of.len() < A_SIGNER && of.iter().all(|(known, _)| known != digest)
    }
}

impl Participant {
    /// Somebody says that `bytes` are a transaction that waits: says what it is worth.
    pub fn handle_gossiped_transaction(&mut self, bytes: &[u8], now: u64) -> Judgement {
        self.now = now;
        if self.follower.stopped() {
            return Judgement::Ignore;
        }
        let Ok(transaction) = gossip::transaction(bytes) else { return Judgement::Reject };
        if transaction.chain != self.follower.chain() {
            return Judgement::Reject;
        }
        let head = self.follower.client().height();
        // Whoever is ahead may sign for later than is allowed from here.
        let latest = head.after(self.parameters().expiry.saturating_mul(2));
        let digest = transaction.digest();
        if transaction.expires <= head
            || transaction.expires > latest
            || !self.passed.admits(&transaction.signer, &digest, head)
        {
            return Judgement::Ignore;
        }
        let Some(tables) = self.follower.tables() else { return Judgement::Ignore };
        match self.vouch(&transaction, tables) {
            Judgement::Accept if !transaction.verify_signature() => Judgement::Reject,
            Judgement::Accept => {
                let of = self.passed.transactions.entry(transaction.signer).or_default();
                of.push((digest, transaction.expires));
                Judgement::Accept
            }
            other => other,
        }
    }

    /// Whether its signer has a name to lose, or did the work for one. Cheap; the signature comes after.
    fn vouch(&self, transaction: &Transaction, tables: &Tables) -> Judgement {
        let signer = &transaction.signer;
        let registered = tables.uid(signer);
        match &transaction.action {
            Action::Register { recent, work, .. } => {
                let next = self.follower.client().height().next();
                let Some(block) = self.follower.client().verified_at(*recent) else { return Judgement::Ignore };
                if registered.is_some() || next.since(*recent) > RECENT {
                    return Judgement::Ignore;
                }
                let meets = |difficulty| {
                    Puzzle { chain: self.follower.chain(), key: signer.clone(), recent: block, difficulty }.check(*work)
                };
                // The difficulty may have halved since the last epoch, but never below that of the genesis.
                if !meets(self.parameters().difficulty) {
                    Judgement::Reject
                } else if meets(tables.state().totals().difficulty / 2) {
                    Judgement::Accept
                } else {
                    Judgement::Ignore
                }
            }
            Action::SetWeights { row, .. }
                if row.len() > usize::try_from(self.parameters().max_weights).unwrap_or(usize::MAX) =>
            {
                Judgement::Reject
            }
            Action::SetWeights { uid, .. } if registered != Some(*uid) => Judgement::Ignore,
            Action::Transfer { amount: Amount::ZERO, .. } | Action::Purchase { amount: Amount::ZERO, .. } => {
                Judgement::Reject
            }
            _ if registered.is_none() => Judgement::Ignore,
            Action::Evidence { evidence } if evidence.check(&self.follower.chain()).is_err() => Judgement::Reject,
            _ => Judgement::Accept,
        }
    }
}

/// Transactions of one key that are passed on before the first of them is over: as many as a node lets wait.
const A_SIGNER: usize = 16;

/// Transactions of all keys likewise.
const TRANSACTIONS: usize = 4_096;

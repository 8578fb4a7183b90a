//! Heads and transactions that strangers pass around, judged by what is verified here.
//!
//! A head is taken exactly as if it had come as a reply, so it needs no source to follow the chain while others pass
//! heads on. It is passed on once a height, also where the own question was answered before: whoever has no source waits
//! for it.
//!
//! A transaction is judged by what is cheap: its own bytes, the time it may wait, and the tables of the last survey. Keys
//! cost nothing, so a signature alone is no reason to carry it to everyone: its signer must stand on the verified neuron
//! table, or have done the proof of work of a registration on a block that was verified here. Of one key only so many are
//! passed on as a node would let wait. Whether it can be included now is for nodes to say.
//!
//! A hostile sender could try: a head at every height that was ever final (a look-up), forged certificates (64 signature
//! checks at most each; the network bounds how many come in a second), one header under many certificates (one is passed
//! on), heads of epochs to come (ignored; at most they bring a question for links), transactions of keys it
//! made up, of others without their signature, over and over again, or without end from one registered key.

use super::{Known, Participant};
use crate::Accepted;
use crate::gossip::{self, Judgement};
use commonware_cryptography::{ed25519::PublicKey, sha256::Digest};
use ledger::{Action, Amount, Height, Puzzle, Transaction, work::RECENT};
use std::collections::BTreeMap;

/// What was passed on, as far as it still matters.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// Height of the newest head.
    head: Option<Height>,
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
    /// Somebody says that `bytes` are a newer head: takes it over where it is, and says what it is worth.
    pub fn handle_gossiped_head(&mut self, bytes: &[u8], now: u64) -> Judgement {
        self.now = now;
        if self.stopped {
            return Judgement::Ignore;
        }
        let Ok((header, finalization)) = gossip::head(bytes) else { return Judgement::Reject };
        let height = header.height;
        let heard = self.passed.head >= Some(height) || height < self.client.height();
        let known = || self.client.verified_at(height) == Some(header.digest());
        if self.client.is_past(height) || heard && known() {
            return Judgement::Ignore;
        }
        match self.take_head(header, &finalization) {
            Ok(Accepted::Known) if heard => Judgement::Ignore,
            Ok(_) => {
                self.passed.head = Some(height);
                Judgement::Accept
            }
            Err(error) => {
                let judgement = Judgement::of_head(&error);
                // A person is told where it ends things; what else strangers say is not worth a word each.
                if error.fatal() {
                    self.refuse(error);
                }
                judgement
            }
        }
    }

    /// Somebody says that `bytes` are a transaction that waits: says what it is worth.
    pub fn handle_gossiped_transaction(&mut self, bytes: &[u8], now: u64) -> Judgement {
        self.now = now;
        if self.stopped {
            return Judgement::Ignore;
        }
        let Ok(transaction) = gossip::transaction(bytes) else { return Judgement::Reject };
        if transaction.chain != self.chain {
            return Judgement::Reject;
        }
        let head = self.client.height();
        // Whoever is ahead may sign for later than is allowed from here.
        let latest = head.after(self.parameters.expiry.saturating_mul(2));
        let digest = transaction.digest();
        if transaction.expires <= head
            || transaction.expires > latest
            || !self.passed.admits(&transaction.signer, &digest, head)
        {
            return Judgement::Ignore;
        }
        let Some(known) = &self.known else { return Judgement::Ignore };
        match self.vouch(&transaction, known) {
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
    fn vouch(&self, transaction: &Transaction, known: &Known) -> Judgement {
        let signer = &transaction.signer;
        let registered = known.tables.uid(signer);
        match &transaction.action {
            Action::Register { recent, work, .. } => {
                let next = self.client.height().next();
                let Some(block) = self.client.verified_at(*recent) else { return Judgement::Ignore };
                if registered.is_some() || next.since(*recent) > RECENT {
                    return Judgement::Ignore;
                }
                let meets = |difficulty| {
                    Puzzle { chain: self.chain, key: signer.clone(), recent: block, difficulty }.check(*work)
                };
                // The difficulty may have halved since the last survey, but never below that of the genesis.
                if !meets(self.parameters.difficulty) {
                    Judgement::Reject
                } else if meets(known.totals.difficulty / 2) {
                    Judgement::Accept
                } else {
                    Judgement::Ignore
                }
            }
            Action::SetWeights { row, .. }
                if row.len() > usize::try_from(self.parameters.max_weights).unwrap_or(usize::MAX) =>
            {
                Judgement::Reject
            }
            Action::SetWeights { uid, .. } if registered != Some(*uid) => Judgement::Ignore,
            Action::Transfer { amount: Amount::ZERO, .. } | Action::Purchase { amount: Amount::ZERO, .. } => {
                Judgement::Reject
            }
            _ if registered.is_none() => Judgement::Ignore,
            Action::Evidence { evidence } if evidence.check(&self.chain).is_err() => Judgement::Reject,
            _ => Judgement::Accept,
        }
    }
}

/// Transactions of one key that are passed on before the first of them is over: as many as a node lets wait.
const A_SIGNER: usize = 16;

/// Transactions of all keys likewise.
const TRANSACTIONS: usize = 4_096;

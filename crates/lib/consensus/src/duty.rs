//! What a validator signs by itself: that it runs, and what convicts others.
//!
//! A seat goes only to candidates that said lately that they run. So the node says it as often as the ledger lets it lapse,
//! with the validator's own key, also before it has a seat.

use crate::service::LedgerHandle;
use commonware_cryptography::Signer;
use futures::channel::mpsc;
use ledger::query::TransactionStatus;
use ledger::{Action, Digest, Evidence, PrivateKey, PublicKey, State, Transaction};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Parts of the time after which a candidate lapses, of which one may pass before it says again that it runs.
const PARTS: u64 = 3;

/// Most pieces of evidence that wait.
const WAITING: usize = 64;

/// How often a piece of evidence is tried.
const TRIES: u32 = 5;

/// Signs for one validator.
pub(crate) struct Duty {
    pub key: PrivateKey,
    pub address: SocketAddr,
    pub ledger: LedgerHandle,
    pub evidence: mpsc::Receiver<Evidence>,
}

impl Duty {
    /// Signs what is due with each new head, one transaction after the other.
    pub async fn run(mut self) {
        let mut heads = self.ledger.heads();
        let mut evidence = VecDeque::new();
        let mut under_way: Option<Digest> = None;
        while heads.changed().await.is_ok() {
            while evidence.len() < WAITING
                && let Ok(found) = self.evidence.try_recv()
            {
                evidence.push_back((found, 0));
            }
            if under_way.is_some_and(|digest| self.ledger.status(&digest) == TransactionStatus::Pending) {
                continue;
            }
            let Some(state) = self.ledger.state() else { continue };
            under_way = self.due(&state, &mut evidence).and_then(|action| self.submit(&state, action));
        }
    }

    /// The next action, if there is one.
    fn due(&self, state: &State, evidence: &mut VecDeque<(Evidence, u32)>) -> Option<Action> {
        let candidate = |key: &PublicKey| state.candidates().iter().find(|leaf| leaf.key == *key);
        evidence.retain(|(found, tries)| *tries < TRIES && candidate(&found.key).is_some_and(|leaf| !leaf.struck));
        if let Some((found, tries)) = evidence.front_mut() {
            *tries += 1;
            return Some(Action::Evidence { evidence: Box::new(found.clone()) });
        }
        let own = candidate(&self.key.public_key()).filter(|leaf| !leaf.struck && leaf.until.is_none())?;
        let lapses = state.parameters().vigil / PARTS;
        let due = own.ready < own.since || state.height().since(own.ready) >= lapses || own.address != self.address;
        due.then_some(Action::Ready { address: self.address })
    }

    fn submit(&self, state: &State, action: Action) -> Option<Digest> {
        let nonce = state.account(&self.key.public_key()).map(|(_, account)| account.nonce).unwrap_or_default();
        let expires = state.height().after(state.parameters().expiry.min(20));
        let name = action.name();
        let transaction = Transaction::sign(&self.key, state.chain(), nonce, expires, action);
        match self.ledger.submit(transaction) {
            Ok(digest) => Some(digest),
            Err(refusal) => {
                tracing::debug!(%refusal, "{name} of this validator");
                None
            }
        }
    }
}

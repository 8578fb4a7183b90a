//! Transactions that wait to be included.
//!
//! A transaction is refused before it enters: it is tried on top of the newest final state and of all that wait before it.
//! With each final block the rest is tried again, and what no longer fits is dropped with its reason. A sender can fill at
//! most [`PER_SIGNER`] places a key, and all senders together [`CAPACITY`].

use ledger::state::Draft;
use ledger::{At, Digest, Header, Height, PublicKey, Refusal, State, Transaction, TransactionStatus};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Most transactions that wait.
pub const CAPACITY: usize = 2_048;

/// Most transactions of one key that wait.
pub const PER_SIGNER: usize = 16;

/// Most transactions whose end is remembered.
const REMEMBERED: usize = 16_384;

/// The queue.
#[derive(Debug)]
pub struct Mempool {
    /// The next block, if it held all that wait.
    draft: Draft,
    waiting: Vec<Waiting>,
    ends: HashMap<Digest, TransactionStatus>,
    order: VecDeque<Digest>,
}

#[derive(Debug)]
struct Waiting {
    digest: Digest,
    transaction: Arc<Transaction>,
}

impl Mempool {
    /// An empty queue on top of a final state.
    pub fn new(header: &Header, state: &State) -> Option<Self> {
        let draft = next_draft(header, state)?;
        Some(Self { draft, waiting: Vec::new(), ends: HashMap::new(), order: VecDeque::new() })
    }

    /// Lets a transaction wait, or refuses it. One that waits already is accepted again.
    pub fn submit(&mut self, transaction: Transaction) -> Result<Digest, Refusal> {
        let digest = transaction.digest();
        if self.waiting.iter().any(|waiting| waiting.digest == digest) {
            return Ok(digest);
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        if self.waiting.len() >= CAPACITY {
            return Err(Refusal::Busy { open: count(self.waiting.len()) });
        }
        let open = self.of(&transaction.signer);
        if open >= PER_SIGNER {
            return Err(Refusal::Queued { open: count(open) });
        }
        self.draft.offer(&transaction)?;
        self.ends.remove(&digest);
        self.waiting.push(Waiting { digest, transaction: Arc::new(transaction) });
        Ok(digest)
    }

    /// All that wait, oldest first.
    pub fn waiting(&self) -> Vec<Arc<Transaction>> {
        self.waiting.iter().map(|waiting| Arc::clone(&waiting.transaction)).collect()
    }

    /// A block is final: what it includes waits no longer, the rest is tried again.
    pub fn settle(&mut self, header: &Header, state: &State, included: &[Transaction]) {
        for transaction in included {
            self.end(transaction.digest(), TransactionStatus::Included { height: header.height });
        }
        let Some(draft) = next_draft(header, state) else { return };
        self.draft = draft;
        for waiting in std::mem::take(&mut self.waiting) {
            if matches!(self.ends.get(&waiting.digest), Some(TransactionStatus::Included { .. })) {
                continue;
            }
            match self.draft.offer(&waiting.transaction) {
                Ok(()) => self.waiting.push(waiting),
                Err(refusal) => self.end(waiting.digest, TransactionStatus::Refused { refusal }),
            }
        }
    }

    /// Where a transaction stands, as far as is remembered.
    pub fn status(&self, digest: &Digest) -> TransactionStatus {
        if self.waiting.iter().any(|waiting| waiting.digest == *digest) {
            return TransactionStatus::Pending;
        }
        self.ends.get(digest).cloned().unwrap_or(TransactionStatus::Unknown)
    }

    fn of(&self, signer: &PublicKey) -> usize {
        self.waiting.iter().filter(|waiting| waiting.transaction.signer == *signer).count()
    }

    fn end(&mut self, digest: Digest, status: TransactionStatus) {
        if self.ends.insert(digest, status).is_none() {
            self.order.push_back(digest);
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.ends.remove(&oldest);
            }
        }
    }
}

/// The block after `header`, at the earliest time.
fn next_draft(header: &Header, state: &State) -> Option<Draft> {
    let time = state.time().saturating_add(state.parameters().block_time);
    state.draft(At { height: Height(header.height.get()).next(), time, parent: header.digest() }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_cryptography::Signer;
    use ledger::{Action, Amount, Genesis, Nonce, PrivateKey};

    fn transfer(seed: u64, nonce: u64, amount: u64) -> Transaction {
        let to = PrivateKey::from_seed(9).public_key();
        let chain = Genesis::example().chain();
        let action = Action::Transfer { to, amount: Amount(amount) };
        Transaction::sign(&PrivateKey::from_seed(seed), chain, Nonce(nonce), Height(50), action)
    }

    fn begin() -> (Header, State, Mempool) {
        let genesis = Genesis::example();
        let (header, state) = (genesis.header().unwrap(), genesis.state().unwrap());
        let mempool = Mempool::new(&header, &state).unwrap();
        (header, state, mempool)
    }

    #[test]
    fn refused_before_it_enters_and_included_once() {
        let (header, state, mut mempool) = begin();
        let foreign = transfer(4, 0, 1);
        assert_eq!(mempool.submit(foreign.clone()), Err(Refusal::Overdrawn { balance: Amount(0), wanted: Amount(1) }));
        assert_eq!(mempool.status(&foreign.digest()), TransactionStatus::Unknown);
        let first = transfer(1, 0, 2_000_000);
        let digest = mempool.submit(first.clone()).unwrap();
        assert_eq!(mempool.submit(first.clone()), Ok(digest));
        let again = mempool.submit(transfer(1, 0, 3_000_000));
        assert_eq!(again, Err(Refusal::Replayed { given: Nonce(0), next: Nonce(1) }));
        let second = mempool.submit(transfer(1, 1, 3_000_000)).unwrap();
        assert_eq!(mempool.waiting().len(), 2);
        assert_eq!(mempool.status(&second), TransactionStatus::Pending);

        let at = At { height: Height(1), time: state.time() + 1000, parent: header.digest() };
        let (after, _) = state.apply(&at, std::slice::from_ref(&first)).unwrap();
        let header = Header { height: at.height, time: at.time, parent: at.parent, ..header };
        mempool.settle(&header, &after, &[first]);
        assert_eq!(mempool.status(&digest), TransactionStatus::Included { height: Height(1) });
        assert_eq!(mempool.status(&second), TransactionStatus::Pending);
    }

    #[test]
    fn another_block_can_push_a_waiting_one_out() {
        let (header, state, mut mempool) = begin();
        let waiting = mempool.submit(transfer(1, 0, 2_000_000)).unwrap();
        let other = transfer(1, 0, 5_000_000);
        let at = At { height: Height(1), time: state.time() + 1000, parent: header.digest() };
        let (after, _) = state.apply(&at, std::slice::from_ref(&other)).unwrap();
        let header = Header { height: at.height, time: at.time, parent: at.parent, ..header };
        mempool.settle(&header, &after, &[other]);
        let refusal = Refusal::Replayed { given: Nonce(0), next: Nonce(1) };
        assert_eq!(mempool.status(&waiting), TransactionStatus::Refused { refusal });
        assert!(mempool.waiting().is_empty());
    }

    #[test]
    fn one_key_cannot_fill_the_queue() {
        let (_, _, mut mempool) = begin();
        for nonce in 0..PER_SIGNER as u64 {
            mempool.submit(transfer(1, nonce, 1_000_000)).unwrap();
        }
        let refused = mempool.submit(transfer(1, PER_SIGNER as u64, 1_000_000));
        assert_eq!(refused, Err(Refusal::Queued { open: PER_SIGNER as u32 }));
    }
}

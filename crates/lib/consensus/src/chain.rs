//! States by the digest of their block: the newest final one and those of forks that are not final yet.

use crate::block::Block;
use crate::mempool::Mempool;
use commonware_cryptography::Digestible;
use ledger::{ApplyError, Digest, State};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shared by the application and the service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain(Arc<Mutex<HashMap<Digest, Arc<State>>>>);

/// Why a block does not follow.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Invalid {
    /// The transition function refuses it.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// It leads to another state than its header says.
    #[error("the header's roots are not those of the state it leads to")]
    Roots,
    /// Too soon after its parent.
    #[error("{gap} ms after its parent, but the block time is {least} ms")]
    TooSoon { gap: u64, least: u64 },
}

impl Chain {
    /// The state after a block, where it is known.
    pub fn state(&self, digest: &Digest) -> Option<Arc<State>> {
        self.lock().get(digest).cloned()
    }

    /// The state after `block` on top of `parent`, remembered. A signature that was verified when its transaction came is not
    /// verified again.
    pub fn follow(&self, parent: &State, block: &Block, known: &Mutex<Mempool>) -> Result<Arc<State>, Invalid> {
        let digest = block.digest();
        if let Some(known) = self.state(&digest) {
            return Ok(known);
        }
        let (gap, least) = (block.header().time.saturating_sub(parent.time()), parent.parameters().block_time);
        if gap < least {
            return Err(Invalid::TooSoon { gap, least });
        }
        let transactions = &block.body().transactions;
        let known: Vec<_> = {
            let mempool = known.lock().unwrap_or_else(PoisonError::into_inner);
            transactions.iter().map(|transaction| mempool.checked(&transaction.digest())).collect()
        };
        let mut draft = parent.draft(block.at())?;
        for (index, (transaction, checked)) in transactions.iter().zip(known).enumerate() {
            let included = match checked {
                Some(checked) => draft.offer_checked(&checked),
                None => draft.offer(transaction),
            };
            included.map_err(|refusal| ApplyError::Transaction { index, refusal })?;
        }
        let (state, _) = draft.finish();
        if !block.leads_to(&state) {
            return Err(Invalid::Roots);
        }
        let state = Arc::new(state);
        self.insert(digest, Arc::clone(&state));
        Ok(state)
    }

    /// Remembers a state that is known to be right.
    pub fn insert(&self, digest: Digest, state: Arc<State>) {
        self.lock().insert(digest, state);
    }

    /// Forgets the states below that of a final block, and those beside it.
    pub fn settle(&self, digest: &Digest, state: &State) {
        self.lock().retain(|key, kept| kept.height() > state.height() || key == digest);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Arc<State>>> {
        // A panic elsewhere leaves the map whole: every change is one insert or one retain.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

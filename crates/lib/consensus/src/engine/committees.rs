//! Who may sign in which epoch.
//!
//! The set of an epoch is known once the block before it is final. A node that is in the set signs, every other verifies.

use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::types::Epoch;
use commonware_cryptography::certificate::{Provider, Scoped};
use commonware_utils::ordered::Set;
use ledger::{PrivateKey, PublicKey};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Epochs whose sets stay known.
const KEPT: usize = 64;

/// The sets by epoch. Clones share them.
#[derive(Clone)]
pub struct Committees {
    namespace: Arc<Vec<u8>>,
    key: Option<PrivateKey>,
    schemes: Arc<Mutex<BTreeMap<Epoch, Scoped<Scheme>>>>,
}

/// What a node is in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// It votes.
    Voter,
    /// It watches.
    Watcher,
}

impl Committees {
    /// None yet; `key` is the node's own, where it would validate.
    pub fn new(namespace: Vec<u8>, key: Option<PrivateKey>) -> Self {
        Self { namespace: Arc::new(namespace), key, schemes: Arc::default() }
    }

    /// The set of an epoch is known from now on. The oldest are forgotten.
    pub fn insert(&self, epoch: Epoch, validators: &[PublicKey]) -> Member {
        let keys = Set::from_iter_dedup(validators.iter().cloned());
        let signer = self.key.clone().and_then(|key| Scheme::signer(&self.namespace, keys.clone(), key));
        let member = if signer.is_some() { Member::Voter } else { Member::Watcher };
        let scoped = match signer {
            Some(scheme) => Scoped::scheme(Arc::new(scheme)),
            None => Scoped::verifier(Arc::new(Scheme::verifier(&self.namespace, keys))),
        };
        let mut schemes = self.lock();
        schemes.insert(epoch, scoped);
        while schemes.len() > KEPT {
            schemes.pop_first();
        }
        member
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Epoch, Scoped<Scheme>>> {
        // Every change is one insert or one removal.
        self.schemes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Provider for Committees {
    type Scope = Epoch;
    type Scheme = Scheme;

    fn scoped(&self, epoch: Epoch) -> Option<Scoped<Scheme>> {
        self.lock().get(&epoch).cloned()
    }
}

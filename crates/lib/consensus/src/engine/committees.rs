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
    sets: Arc<Mutex<Sets>>,
}

/// Keys and scheme of each epoch.
type Sets = BTreeMap<Epoch, (Vec<PublicKey>, Scoped<Scheme>)>;

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
        Self { namespace: Arc::new(namespace), key, sets: Arc::default() }
    }

    /// The set of an epoch is known from now on, in which this node may vote if it is there. The oldest are forgotten.
    pub fn insert(&self, epoch: Epoch, validators: &[PublicKey], may_vote: bool) -> Member {
        let keys = Set::from_iter_dedup(validators.iter().cloned());
        let signer =
            self.key.clone().filter(|_| may_vote).and_then(|key| Scheme::signer(&self.namespace, keys.clone(), key));
        let member = if signer.is_some() { Member::Voter } else { Member::Watcher };
        let scoped = match signer {
            Some(scheme) => Scoped::scheme(Arc::new(scheme)),
            None => Scoped::verifier(Arc::new(Scheme::verifier(&self.namespace, keys))),
        };
        let mut sets = self.lock();
        sets.insert(epoch, (validators.to_vec(), scoped));
        while sets.len() > KEPT {
            sets.pop_first();
        }
        member
    }

    /// The keys of an epoch; none where it is not known.
    pub fn validators(&self, epoch: Epoch) -> Vec<PublicKey> {
        self.lock().get(&epoch).map(|(validators, _)| validators.clone()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Sets> {
        // Every change is one insert or one removal.
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Provider for Committees {
    type Scope = Epoch;
    type Scheme = Scheme;

    fn scoped(&self, epoch: Epoch) -> Option<Scoped<Scheme>> {
        self.lock().get(&epoch).map(|(_, scoped)| scoped.clone())
    }
}

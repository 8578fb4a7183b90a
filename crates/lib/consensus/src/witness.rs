//! Hears of validators who sign two histories, and hands on what convicts them.

use commonware_actor::Feedback;
use commonware_consensus::Reporter;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Activity;
use commonware_utils::ordered::Set;
use futures::channel::mpsc;
use ledger::{ChainId, Digest, Evidence, PublicKey};

/// Reports what the engine of an epoch observes.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    chain: ChainId,
    validators: Set<PublicKey>,
    found: mpsc::Sender<Evidence>,
}

impl Witness {
    /// A witness of an epoch with these validators.
    pub const fn new(chain: ChainId, validators: Set<PublicKey>, found: mpsc::Sender<Evidence>) -> Self {
        Self { chain, validators, found }
    }
}

impl Reporter for Witness {
    type Activity = Activity<Scheme, Digest>;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        // The engine reports before it has looked at the signatures.
        if let Some(evidence) = crate::evidence::evidence(&activity, &self.validators)
            && evidence.check(&self.chain).is_ok()
        {
            tracing::warn!(validator = %evidence.key, "a validator signed two histories");
            // Where too much waits, the same validator will be heard of again.
            let _ = self.found.try_send(evidence);
        }
        Feedback::Ok
    }
}

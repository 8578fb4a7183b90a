//! Hears of validators who sign two histories, and hands on what convicts them.

use commonware_actor::Feedback;
use commonware_consensus::Reporter;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Activity;
use futures::channel::mpsc;
use ledger::{Digest, Evidence};

/// Reports what the engine observes. Clones share where it goes.
#[derive(Clone, Debug)]
pub struct Witness(mpsc::Sender<Evidence>);

/// Pieces of evidence that wait to be signed into a transaction.
const WAITING: usize = 64;

impl Witness {
    /// A witness, and what it finds.
    pub fn new() -> (Self, mpsc::Receiver<Evidence>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }
}

impl Reporter for Witness {
    type Activity = Activity<Scheme, Digest>;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        if let Some(evidence) = crate::evidence::evidence(&activity) {
            tracing::warn!(validator = %evidence.key, "a validator signed two histories");
            // Where too much waits, the same validator will be heard of again.
            let _ = self.0.try_send(evidence);
        }
        Feedback::Ok
    }
}

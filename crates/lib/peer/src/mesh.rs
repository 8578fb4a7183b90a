//! The other peers, as the loop sees them, and the time it lives in.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use protocol::exchange::{Answer, Ask, Claim, Gradient, Modalities, Modality, Refuse};
use web_time::Instant;

/// A peer that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Name of the connection: a libp2p peer id as text.
    pub peer: String,
    /// Its hot key, lower-case hex: what scores are kept by.
    pub key: String,
    /// What it represents.
    pub modalities: Modalities,
    /// What it takes for 1,024 positions, in base units; 0 where it does not sell.
    pub price: u64,
}

impl Neighbour {
    /// A neighbour that represents TEXT and does not sell.
    pub fn new(peer: impl Into<String>, key: impl Into<String>) -> Self {
        Self { peer: peer.into(), key: key.into(), modalities: Modality::Text.into(), price: 0 }
    }
}

/// Why an ask, a gradient or a claim had no use.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unanswered {
    /// The neighbour said no.
    #[error("refused: {0}")]
    Refused(Refuse),
    /// What came back cannot be parsed, holds what is no number, or is no reply to this.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// Nothing came back, and why.
    #[error("no reply: {0}")]
    Gone(String),
}

/// Ways to other peers. A future that is dropped gives up on its reply.
#[async_trait(?Send)]
pub trait Mesh {
    /// Who can be asked now, best first.
    fn neighbours(&self) -> Vec<Neighbour>;

    /// Asks `peer` for its representation.
    async fn ask(&self, peer: &str, ask: Ask) -> Result<Answer, Unanswered>;

    /// Sends `peer` the gradient of an answer it gave.
    async fn gradient(&self, peer: &str, gradient: Gradient) -> Result<(), Unanswered>;

    /// Shows `peer` that it was paid; gives the positions it owes from then on.
    async fn claim(&self, peer: &str, claim: Claim) -> Result<u64, Unanswered> {
        drop((peer, claim));
        Err(Unanswered::Gone("nothing is bought here".into()))
    }

    /// Time since a fixed moment.
    fn now(&self) -> Duration {
        now()
    }

    /// Waits.
    async fn sleep(&self, time: Duration) {
        futures_timer::Delay::new(time).await;
    }

    /// Lets the rest of the thread run. In a browser this must give the event loop a turn.
    async fn breathe(&self) {
        let mut given = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut given, true) {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }
}

/// Time since the first look at this clock.
pub(crate) fn now() -> Duration {
    BEGINNING.elapsed()
}

static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

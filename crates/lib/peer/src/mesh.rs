//! The other peers, as the loop sees them.

use async_trait::async_trait;
use protocol::exchange::{Answer, Ask, Gradient, Refuse};

/// A peer that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Name of the connection: a libp2p peer id as text.
    pub peer: String,
    /// Its hot key, lower-case hex: what scores are kept by.
    pub key: String,
}

/// Why an ask or a gradient had no use.
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

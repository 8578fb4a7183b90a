//! The handle of a running swarm: requests go in by a bounded channel, each answer comes back by its own.

use crate::{GossipId, Snapshot, Topic, Verdict};
use commonware_cryptography::ed25519::PublicKey;
use futures::{
    FutureExt, SinkExt,
    channel::{mpsc, oneshot},
    pin_mut, select_biased,
};
use futures_timer::Delay;
use libp2p::PeerId;
use protocol::{
    exchange::{Hello, Request, Response},
    limits, wire,
};
use std::{collections::BTreeMap, time::Duration};

/// Speaks for its owner with the [`Driver`](crate::Driver); cheap to clone.
#[derive(Clone, Debug)]
pub struct Network {
    peer: PeerId,
    commands: mpsc::Sender<Command>,
}

/// The driver has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the network has stopped")]
pub struct Stopped;

/// Why an ask or a gradient got no response.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The driver has ended.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// There is no connection to the peer.
    #[error("{peer} is not connected")]
    NotConnected {
        /// Who.
        peer: PeerId,
    },
    /// The request is longer than others accept.
    #[error("request of {bytes} bytes, at most {limit} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Too many requests to the peer are open.
    #[error("{open} requests to {peer} are open already")]
    Crowded {
        /// Who.
        peer: PeerId,
        /// How many.
        open: usize,
    },
    /// No response in time.
    #[error("no response within {ms} ms")]
    Deadline {
        /// The time given.
        ms: u64,
    },
    /// The connection ended or the peer does not follow the protocol.
    #[error("the request was lost: {reason}")]
    Lost {
        /// What happened.
        reason: String,
    },
    /// The response cannot be parsed.
    #[error(transparent)]
    Unreadable(#[from] wire::Error),
}

/// Why a ledger query got no reply.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The driver has ended.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// No source is connected.
    #[error("no node is connected")]
    NoNode,
    /// There is no connection to the source that was named.
    #[error("{peer} is not connected")]
    NotConnected {
        /// Who.
        peer: PeerId,
    },
    /// The query is longer than sources accept.
    #[error("query of {bytes} bytes, at most {limit} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// No reply in time.
    #[error("no reply within {ms} ms")]
    Deadline {
        /// The time given.
        ms: u64,
    },
    /// The connection ended or the source refused.
    #[error("the query was lost: {reason}")]
    Lost {
        /// What happened.
        reason: String,
    },
}

/// From the handle to the driver.
#[derive(Debug)]
pub(crate) enum Command {
    Exchange { peer: PeerId, bytes: Vec<u8>, respond: oneshot::Sender<Result<Vec<u8>, ExchangeError>> },
    Ledger { to: Option<PeerId>, bytes: Vec<u8>, respond: oneshot::Sender<Result<Vec<u8>, LedgerError>> },
    Hello(Box<Hello>),
    Publish { topic: Topic, bytes: Vec<u8> },
    Judge { id: GossipId, verdict: Verdict },
    Prefer(BTreeMap<PublicKey, f64>),
    Refresh,
    Snapshot(oneshot::Sender<Snapshot>),
    Shutdown(oneshot::Sender<()>),
}

impl Network {
    /// A handle and where its commands come out.
    pub(crate) fn new(peer: PeerId) -> (Self, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(COMMANDS);
        (Self { peer, commands }, receiver)
    }

    /// The own peer id.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// Puts an encoded [`Request`] to a connected peer and waits at most `deadline` for the encoded [`Response`].
    ///
    /// # Errors
    /// All of [`ExchangeError`] but `Unreadable`.
    pub async fn exchange(&self, peer: PeerId, bytes: Vec<u8>, deadline: Duration) -> Result<Vec<u8>, ExchangeError> {
        if bytes.len() > limits::MESSAGE_BYTES {
            return Err(ExchangeError::TooLong { bytes: bytes.len(), limit: limits::MESSAGE_BYTES });
        }
        let call = self.call(|respond| Command::Exchange { peer, bytes, respond });
        let late = ExchangeError::Deadline { ms: deadline.as_millis() as u64 };
        within(call, deadline).await.unwrap_or(Ok(Err(late)))?
    }

    /// Like [`Network::exchange`], typed.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub async fn request(
        &self,
        peer: PeerId,
        request: &Request,
        deadline: Duration,
    ) -> Result<Response, ExchangeError> {
        Ok(Response::from_bytes(&self.exchange(peer, request.to_bytes(), deadline).await?)?)
    }

    /// Puts a ledger query to `to`, a node or a tab, or to any node that is connected.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn ledger(&self, bytes: Vec<u8>, to: Option<PeerId>) -> Result<Vec<u8>, LedgerError> {
        if bytes.len() > limits::LEDGER_QUERY_BYTES {
            return Err(LedgerError::TooLong { bytes: bytes.len(), limit: limits::LEDGER_QUERY_BYTES });
        }
        let call = self.call(|respond| Command::Ledger { to, bytes, respond });
        let late = LedgerError::Deadline { ms: LEDGER_DEADLINE.as_millis() as u64 };
        within(call, LEDGER_DEADLINE).await.unwrap_or(Ok(Err(late)))?
    }

    /// Says from now on, and now to every neighbour, that it is this.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn set_hello(&self, hello: Hello) -> Result<(), Stopped> {
        self.send(Command::Hello(Box::new(hello))).await
    }

    /// Tells everyone something new, at most [`limits::GOSSIP_BYTES`] long.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn publish(&self, topic: Topic, bytes: Vec<u8>) -> Result<(), Stopped> {
        self.send(Command::Publish { topic, bytes }).await
    }

    /// Says what a message of [`crate::Event::Gossip`] is worth. One that is not judged within seconds is not passed on.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn judge(&self, id: GossipId, verdict: Verdict) -> Result<(), Stopped> {
        self.send(Command::Judge { id, verdict }).await
    }

    /// Says what each hot key is worth as a neighbour (≥ 0; those not named: nothing): the best are connected with first and kept, a
    /// tab's [`limits::CONNECTIONS`] at most.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn prefer(&self, worth: BTreeMap<PublicKey, f64>) -> Result<(), Stopped> {
        self.send(Command::Prefer(worth)).await
    }

    /// The machine's own network may have changed: nodes that do not answer within seconds are dialled anew, and all pauses end.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn refresh(&self) -> Result<(), Stopped> {
        self.send(Command::Refresh).await
    }

    /// Connections, nodes and counters now.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn snapshot(&self) -> Result<Snapshot, Stopped> {
        self.call(Command::Snapshot).await
    }

    /// Closes every connection and ends the driver.
    ///
    /// # Errors
    /// [`Stopped`], if it had ended before.
    pub async fn shutdown(&self) -> Result<(), Stopped> {
        self.call(Command::Shutdown).await
    }

    async fn send(&self, command: Command) -> Result<(), Stopped> {
        self.commands.clone().send(command).await.map_err(|_| Stopped)
    }

    async fn call<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Stopped> {
        let (respond, response) = oneshot::channel();
        self.send(command(respond)).await?;
        response.await.map_err(|_| Stopped)
    }
}

/// What `future` gives, unless it takes longer than `limit`.
async fn within<T>(future: impl Future<Output = T>, limit: Duration) -> Option<T> {
    let future = future.fuse();
    pin_mut!(future);
    select_biased! {
        output = future => Some(output),
        () = Delay::new(limit).fuse() => None,
    }
}

/// Commands that wait for the driver, besides one a handle.
const COMMANDS: usize = 64;
/// How long a source may take for a reply.
const LEDGER_DEADLINE: Duration = Duration::from_secs(10);

// The driver crosses threads natively; in a tab nothing does.
#[cfg(not(target_arch = "wasm32"))]
const _: fn() = || {
    fn sent<T: Send + 'static>() {}
    sent::<crate::Driver>();
    sent::<Network>();
};

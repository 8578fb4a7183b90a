//! Serving others while the own step waits: answers to asks in the order of their [`Queue`], and gradients laid by for a later
//! step. Laying by costs next to nothing, so gradients do not queue.
//!
//! A hostile peer could ask without end, ask for what this model has not, or send gradients for answers never given. Each
//! has its own refusal; asks that wait are bounded a peer and in all, an ask past its deadline costs nothing, and no request
//! can end the loop.

use std::pin::pin;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::future::{Either, LocalBoxFuture, pending, ready};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use model::{Error, Learner};
use protocol::exchange::{Answer, Ask, Gradient, Modality, Refuse, Representation, Request, Response};
use protocol::limits;
use protocol::queue::Queue;
use web_time::Instant;

use crate::memory::{Memory, Remembered};

/// A request of another peer.
#[derive(Debug)]
pub struct Inbound {
    peer: String,
    weight: f64,
    request: Request,
    respond: oneshot::Sender<Response>,
    arrived: Instant,
}

impl Inbound {
    /// A request of `peer` that arrived now, and where its response will come from. `weight` is the peer's stake times the
    /// weight it gives to this one, as a share of the largest such product, from 0 to 1; 0 where there is none.
    pub fn new(peer: String, weight: f64, request: Request) -> (Self, oneshot::Receiver<Response>) {
        let (respond, response) = oneshot::channel();
        (Self { peer, weight, request, respond, arrived: Instant::now() }, response)
    }
}

/// What is being done for others.
pub(crate) struct Desk {
    inbound: mpsc::Receiver<Inbound>,
    queue: Queue<String, Waiting>,
    /// What the queue counts its time from.
    opened: Instant,
    answers: FuturesUnordered<LocalBoxFuture<'static, Answering>>,
    outgoing: FuturesUnordered<LocalBoxFuture<'static, ()>>,
    pub(crate) memory: Memory,
    /// Asks answered since the last step.
    pub(crate) served: u32,
}

/// An ask that waits for its turn.
struct Waiting {
    ask: Ask,
    respond: oneshot::Sender<Response>,
    arrived: Instant,
}

struct Answering {
    response: Response,
    respond: oneshot::Sender<Response>,
    remember: Option<Remembered>,
}

impl Desk {
    /// Most gradients on their way out; more are not sent.
    const OUTGOING: usize = 16;
    /// Most answers begun between two steps.
    const TURN: usize = 8;
    /// Most answers on their way from the device: one is computed while others are read back. What comes now can still
    /// overtake all but these.
    const ANSWERS: usize = 4;

    pub(crate) fn new(inbound: mpsc::Receiver<Inbound>) -> Self {
        Self {
            inbound,
            queue: Queue::new(),
            opened: Instant::now(),
            answers: FuturesUnordered::new(),
            outgoing: FuturesUnordered::new(),
            memory: Memory::default(),
            served: 0,
        }
    }

    /// Waits for `future`, and serves others meanwhile.
    pub(crate) async fn attend<F: Future>(&mut self, learner: &Learner, future: F) -> F::Output {
        let mut future = pin!(future.fuse());
        loop {
            let free = !self.queue.is_empty() && self.answers.len() < Self::ANSWERS;
            let mut next = if free { Either::Left(ready(())) } else { Either::Right(pending()) };
            futures::select_biased! {
                output = future => return output,
                answering = self.answers.select_next_some() => self.deliver(answering),
                () = self.outgoing.select_next_some() => {}
                () = next => self.answer_next(learner),
                inbound = self.inbound.select_next_some() => self.take(learner, inbound),
            }
        }
    }

    /// Serves what has arrived already, a bounded number.
    pub(crate) fn turn(&mut self, learner: &Learner) {
        for _ in 0..Self::TURN {
            self.answer_next(learner);
            while let Some(Some(answering)) = self.answers.next().now_or_never() {
                self.deliver(answering);
            }
        }
        while let Some(Some(())) = self.outgoing.next().now_or_never() {}
    }

    /// Sends something in the background, unless too much is on its way.
    pub(crate) fn send(&mut self, sending: LocalBoxFuture<'static, ()>) {
        if self.outgoing.len() < Self::OUTGOING {
            self.outgoing.push(sending);
        }
    }

    /// Begins the answer whose turn it is, after all that has arrived found its place in the queue.
    fn answer_next(&mut self, learner: &Learner) {
        for _ in 0..limits::OPEN {
            let Ok(inbound) = self.inbound.try_recv() else { break };
            self.take(learner, inbound);
        }
        while self.answers.len() < Self::ANSWERS {
            let Some((peer, Waiting { ask, respond, arrived })) = self.queue.take(self.opened.elapsed()) else {
                return;
            };
            let late = arrived.elapsed() >= Duration::from_millis(ask.deadline_ms().into());
            match if late { Err(Refuse::TooLate) } else { answer(learner, peer, &ask) } {
                Ok(started) => return self.answers.push(async move { started.finish(respond).await }.boxed_local()),
                Err(refuse) => drop(respond.send(Response::Refuse(refuse))),
            }
        }
    }

    fn take(&mut self, learner: &Learner, inbound: Inbound) {
        let Inbound { peer, weight, request, respond, arrived } = inbound;
        match request {
            Request::Ask(ask) => {
                let came = arrived.saturating_duration_since(self.opened);
                let waiting = Waiting { ask, respond, arrived };
                if let Some((_, Waiting { respond, .. })) = self.queue.enter(peer, weight, waiting, came) {
                    drop(respond.send(Response::Refuse(self.queue.busy())));
                }
            }
            Request::Gradient(gradient) => {
                let response = match self.gradient(learner, peer, gradient) {
                    Ok(()) => Response::Applied,
                    Err(refuse) => Response::Refuse(refuse),
                };
                drop(respond.send(response));
            }
            Request::Hello(_) => drop(respond.send(Response::Refuse(Refuse::Unreadable))),
        }
    }

    fn gradient(&mut self, learner: &Learner, peer: String, gradient: Gradient) -> Result<(), Refuse> {
        let id = gradient.id;
        if !self.memory.has_room(&peer) {
            return Err(Refuse::Busy { retry_ms: 1_000 });
        }
        let remembered = self.memory.recall(&peer, id).ok_or(Refuse::Forgotten { id })?;
        let [batch, seq] = remembered.shape;
        let expected = [batch as u32, seq as u32, learner.preset().dim as u32];
        let got = gradient.representation.dims();
        if got != expected {
            return Err(Refuse::WrongShape { expected, got });
        }
        let shape = [batch, seq, learner.preset().dim];
        let values = gradient.representation.into_values();
        let foreign = learner.budget().admit(remembered.inputs, shape, values).map_err(|_| Refuse::Unreadable)?;
        self.memory.wait(peer, foreign);
        Ok(())
    }

    fn deliver(&mut self, answering: Answering) {
        let Answering { response, respond, remember } = answering;
        if let (Response::Answer(_), Some(remember)) = (&response, remember) {
            self.memory.remember(remember);
            self.served += 1;
        }
        drop(respond.send(response));
    }
}

/// Begins an answer to `peer`.
fn answer(learner: &Learner, peer: String, ask: &Ask) -> Result<Started, Refuse> {
    if ask.modality() != Modality::Text {
        return Err(Refuse::WrongModality { own: Modality::Text, asked: ask.modality() });
    }
    let preset = learner.preset();
    let (batch, seq) = (ask.shape().batch() as usize, ask.shape().seq() as usize);
    let served = learner.answer(ask.inputs(), [batch, seq]).map_err(|error| match error {
        Error::TooLarge { most_batch, most_seq, .. } => Refuse::WrongShape {
            expected: [most_batch as u32, most_seq as u32, preset.dim as u32],
            got: [batch as u32, seq as u32, preset.dim as u32],
        },
        _ => Refuse::NotTraining,
    })?;
    // Only what has the own step's shape can join it later.
    let fits = seq == preset.seq && batch <= preset.batch;
    let remember = fits.then(|| Remembered { peer, id: ask.id(), inputs: ask.inputs().to_vec(), shape: [batch, seq] });
    Ok(Started { id: ask.id(), shape: ask.shape(), dim: preset.dim as u32, served, remember })
}

struct Started {
    id: u64,
    shape: protocol::exchange::Shape,
    dim: u32,
    served: model::Served,
    remember: Option<Remembered>,
}

impl Started {
    async fn finish(self, respond: oneshot::Sender<Response>) -> Answering {
        let Self { id, shape, dim, served, remember } = self;
        let representation = served.read().await.ok().and_then(|values| Representation::new(shape, dim, values).ok());
        let response = match representation {
            Some(representation) => Response::Answer(Answer { id, representation }),
            None => Response::Refuse(Refuse::NotTraining),
        };
        Answering { response, respond, remember }
    }
}

//! Serving others while the own step waits: answers to asks, and gradients laid by for a later step.
//!
//! A hostile peer could ask without end, ask for what this model has not, or send gradients for answers never given. Each
//! has its own refusal; open asks are bounded a peer and in all, an ask past its deadline costs nothing, and no request
//! can end the loop.

use std::pin::pin;

use futures::channel::{mpsc, oneshot};
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use model::{Error, Learner};
use protocol::exchange::{Answer, Ask, Gradient, Modality, Refuse, Representation, Request, Response};
use protocol::queue::OpenRequests;
use web_time::Instant;

use crate::memory::{Memory, Remembered};

/// A request of another peer.
#[derive(Debug)]
pub struct Inbound {
    peer: String,
    request: Request,
    respond: oneshot::Sender<Response>,
    arrived: Instant,
}

impl Inbound {
    /// A request of `peer` that arrived now, and where its response will come from.
    pub fn new(peer: String, request: Request) -> (Self, oneshot::Receiver<Response>) {
        let (respond, response) = oneshot::channel();
        (Self { peer, request, respond, arrived: Instant::now() }, response)
    }
}

/// What is being done for others.
pub(crate) struct Desk {
    inbound: mpsc::Receiver<Inbound>,
    open: OpenRequests<String>,
    answers: FuturesUnordered<LocalBoxFuture<'static, Answering>>,
    outgoing: FuturesUnordered<LocalBoxFuture<'static, ()>>,
    pub(crate) memory: Memory,
    /// Asks answered since the last step.
    pub(crate) served: u32,
}

struct Answering {
    peer: String,
    response: Response,
    respond: oneshot::Sender<Response>,
    remember: Option<Remembered>,
}

impl Desk {
    /// Most gradients on their way out; more are not sent.
    const OUTGOING: usize = 16;
    /// Most requests taken between two steps.
    const TURN: usize = 8;

    pub(crate) fn new(inbound: mpsc::Receiver<Inbound>) -> Self {
        Self {
            inbound,
            open: OpenRequests::new(),
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
            futures::select_biased! {
                output = future => return output,
                answering = self.answers.select_next_some() => self.deliver(answering),
                () = self.outgoing.select_next_some() => {}
                inbound = self.inbound.select_next_some() => self.take(learner, inbound),
            }
        }
    }

    /// Serves what has arrived already, a bounded number.
    pub(crate) fn turn(&mut self, learner: &Learner) {
        for _ in 0..Self::TURN {
            let Ok(inbound) = self.inbound.try_recv() else { break };
            self.take(learner, inbound);
        }
        while let Some(Some(answering)) = self.answers.next().now_or_never() {
            self.deliver(answering);
        }
        while let Some(Some(())) = self.outgoing.next().now_or_never() {}
    }

    /// Sends something in the background, unless too much is on its way.
    pub(crate) fn send(&mut self, sending: LocalBoxFuture<'static, ()>) {
        if self.outgoing.len() < Self::OUTGOING {
            self.outgoing.push(sending);
        }
    }

    fn take(&mut self, learner: &Learner, inbound: Inbound) {
        let Inbound { peer, request, respond, arrived } = inbound;
        match request {
            Request::Ask(ask) => {
                let late = arrived.elapsed().as_millis() >= u128::from(ask.deadline_ms());
                let answer = if late { Err(Refuse::TooLate) } else { self.answer(learner, peer, &ask) };
                match answer {
                    Ok(answer) => self.answers.push(async move { answer.finish(respond).await }.boxed_local()),
                    Err(refuse) => drop(respond.send(Response::Refuse(refuse))),
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

    fn answer(&mut self, learner: &Learner, peer: String, ask: &Ask) -> Result<Started, Refuse> {
        if ask.modality() != Modality::TEXT {
            return Err(Refuse::WrongModality { own: Modality::TEXT, asked: ask.modality() });
        }
        let preset = learner.preset();
        let (batch, seq) = (ask.shape().batch() as usize, ask.shape().seq() as usize);
        self.open.enter(&peer)?;
        let served = learner.answer(ask.inputs(), [batch, seq]).map_err(|error| {
            self.open.leave(&peer);
            match error {
                Error::TooLarge { most_batch, most_seq, .. } => Refuse::WrongShape {
                    expected: [most_batch as u32, most_seq as u32, preset.dim as u32],
                    got: [batch as u32, seq as u32, preset.dim as u32],
                },
                _ => Refuse::NotTraining,
            }
        })?;
        // Only what has the own step's shape can join it later.
        let fits = seq == preset.seq && batch <= preset.batch;
        let remember = fits.then(|| Remembered {
            peer: peer.clone(),
            id: ask.id(),
            inputs: ask.inputs().to_vec(),
            shape: [batch, seq],
        });
        Ok(Started { peer, id: ask.id(), shape: ask.shape(), dim: preset.dim as u32, served, remember })
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
        let Answering { peer, response, respond, remember } = answering;
        self.open.leave(&peer);
        if let (Response::Answer(_), Some(remember)) = (&response, remember) {
            self.memory.remember(remember);
            self.served += 1;
        }
        drop(respond.send(response));
    }
}

struct Started {
    peer: String,
    id: u64,
    shape: protocol::exchange::Shape,
    dim: u32,
    served: model::Served,
    remember: Option<Remembered>,
}

impl Started {
    async fn finish(self, respond: oneshot::Sender<Response>) -> Answering {
        let Self { peer, id, shape, dim, served, remember } = self;
        let representation = served.read().await.ok().and_then(|values| Representation::new(shape, dim, values).ok());
        let response = match representation {
            Some(representation) => Response::Answer(Answer { id, representation }),
            None => Response::Refuse(Refuse::NotTraining),
        };
        Answering { peer, response, respond, remember }
    }
}

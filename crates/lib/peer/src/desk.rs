//! Serving others while the own step waits: answers to asks in the order of their [`Queue`], and gradients laid by for a later
//! step. Laying by costs next to nothing, so gradients do not queue. What the peer itself has under way, asks and gradients
//! of its own, is driven from here too, so that it goes on while anything is waited for.
//!
//! A hostile peer could ask without end, ask for what this model has not, or send gradients for answers never given. Each
//! has its own refusal; asks that wait are bounded a peer and in all, an ask past its deadline costs nothing, and no request
//! can end the loop. Who paid is let in as if it had stake, for as many positions as it paid for; claims are verified
//! elsewhere, and one that comes here unverified is refused.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use crate::flight::Landed;
use crate::memory::{Memory, Remembered};
use crate::mesh::{self, Mesh};
use futures::channel::{mpsc, oneshot};
use futures::future::{Either, LocalBoxFuture, pending, ready};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use model::{Error, Learner, Served};
use protocol::exchange::{Answer, Ask, Gradient, Refuse, Representation, Request, Response, Shape, Unpaid, Want};
use protocol::limits;
use protocol::queue::{Credits, PAYING, Queue, amount};

/// A request of another peer.
#[derive(Debug)]
pub struct Inbound {
    peer: String,
    weight: f64,
    what: What,
    respond: oneshot::Sender<Response>,
    arrived: Duration,
}

#[derive(Debug)]
enum What {
    Request(Request),
    Paid { positions: u64 },
}

impl Inbound {
    /// A request of `peer` that arrived now, and where its response will come from. `weight` is the peer's stake times the
    /// weight it gives to this one, as a share of the largest such product, from 0 to 1; 0 where there is none.
    pub fn new(peer: String, weight: f64, request: Request) -> (Self, oneshot::Receiver<Response>) {
        Self::at(mesh::now(), peer, weight, request)
    }

    /// A request that arrived at `time` by the clock of the own mesh ([`Mesh::now`]).
    pub fn at(time: Duration, peer: String, weight: f64, request: Request) -> (Self, oneshot::Receiver<Response>) {
        Self::of(time, peer, weight, What::Request(request))
    }

    /// `peer` has paid for so many `positions`, as the light client verified; the response is what it has open then.
    pub fn paid(peer: String, positions: u64) -> (Self, oneshot::Receiver<Response>) {
        Self::of(mesh::now(), peer, 0.0, What::Paid { positions })
    }

    fn of(arrived: Duration, peer: String, weight: f64, what: What) -> (Self, oneshot::Receiver<Response>) {
        let (respond, response) = oneshot::channel();
        (Self { peer, weight, what, respond, arrived }, response)
    }
}

/// What is being done for others, and what others do for this peer.
pub(crate) struct Desk {
    inbound: mpsc::Receiver<Inbound>,
    queue: Queue<String, Waiting>,
    credits: Credits<String>,
    /// Base units for 1,024 positions of logits to who has no stake; 0 where they are free.
    pub(crate) price: u64,
    mesh: Rc<dyn Mesh>,
    answers: FuturesUnordered<LocalBoxFuture<'static, Answering>>,
    outgoing: FuturesUnordered<LocalBoxFuture<'static, ()>>,
    flights: FuturesUnordered<LocalBoxFuture<'static, Landed>>,
    landed: HashMap<u64, Landed>,
    /// Asks that nobody waits for any more.
    forgotten: HashSet<u64>,
    pub(crate) memory: Memory,
    /// Asks answered since the last step, and positions of them that were paid for.
    pub(crate) served: u32,
    pub(crate) sold: u64,
}

/// An ask that waits for its turn.
struct Waiting {
    ask: Ask,
    /// Positions of its credit that are held for it.
    held: u64,
    respond: oneshot::Sender<Response>,
    arrived: Duration,
}

struct Answering {
    peer: String,
    response: Response,
    respond: oneshot::Sender<Response>,
    ask: Ask,
    held: u64,
}

impl Desk {
    /// Most gradients on their way out; more are not sent.
    const OUTGOING: usize = 16;
    /// Most answers begun between two steps.
    const TURN: usize = 8;
    /// Most answers on their way from the device: one is computed while others are read back. What comes now can still
    /// overtake all but these.
    const ANSWERS: usize = 4;
    /// Weight of a gradient whose sender has none: a twentieth of the heaviest's, so that a network in which nobody has
    /// given weights yet learns together, and many keys without stake together move nothing when somebody with stake sends.
    const STRANGER: f64 = 0.05;

    pub(crate) fn new(mesh: Rc<dyn Mesh>, inbound: mpsc::Receiver<Inbound>) -> Self {
        Self {
            inbound,
            queue: Queue::new(),
            credits: Credits::new(),
            price: 0,
            mesh,
            answers: FuturesUnordered::new(),
            outgoing: FuturesUnordered::new(),
            flights: FuturesUnordered::new(),
            landed: HashMap::new(),
            forgotten: HashSet::new(),
            memory: Memory::default(),
            served: 0,
            sold: 0,
        }
    }

    /// Waits for `future`; serves others and drives what is under way meanwhile.
    pub(crate) async fn attend<F: Future>(&mut self, learner: &Learner, future: F) -> F::Output {
        let mut future = pin!(future.fuse());
        loop {
            futures::select_biased! {
                output = future => return output,
                () = self.happen(learner).fuse() => {}
            }
        }
    }

    /// Waits until the asks `ids` have come to something; each does at its deadline.
    pub(crate) async fn land(&mut self, learner: &Learner, ids: &[u64]) -> Vec<Landed> {
        while ids.iter().any(|id| !self.landed.contains_key(id)) && !self.flights.is_empty() {
            self.happen(learner).await;
        }
        ids.iter().filter_map(|id| self.landed.remove(id)).collect()
    }

    /// What the ask `id` came to, if it did; if not, nobody waits for it any more.
    pub(crate) fn forget(&mut self, id: u64) -> Option<Landed> {
        let landed = self.landed.remove(&id);
        if landed.is_none() {
            self.forgotten.insert(id);
        }
        landed
    }

    fn arrived(&mut self, landed: Landed) {
        if !self.forgotten.remove(&landed.id) {
            self.landed.insert(landed.id, landed);
        }
    }

    /// Sends asks.
    pub(crate) fn depart(&mut self, flights: Vec<LocalBoxFuture<'static, Landed>>) {
        self.flights.extend(flights);
        self.look();
    }

    /// Serves what has arrived already, a bounded number.
    pub(crate) fn turn(&mut self, learner: &Learner) {
        for _ in 0..Self::TURN {
            self.answer_next(learner);
            while let Some(Some(answering)) = self.answers.next().now_or_never() {
                self.deliver(learner, answering);
            }
        }
        self.look();
    }

    /// Sends something in the background, unless too much is on its way.
    pub(crate) fn send(&mut self, sending: LocalBoxFuture<'static, ()>) {
        if self.outgoing.len() < Self::OUTGOING {
            self.outgoing.push(sending);
        }
    }

    /// Moves on what is under way, as far as it goes without waiting.
    fn look(&mut self) {
        while let Some(Some(())) = self.outgoing.next().now_or_never() {}
        while let Some(Some(landed)) = self.flights.next().now_or_never() {
            self.arrived(landed);
        }
    }

    /// The next thing that happens. Nothing is lost when this is dropped.
    async fn happen(&mut self, learner: &Learner) {
        let free = !self.queue.is_empty() && self.answers.len() < Self::ANSWERS;
        let mut next = if free { Either::Left(ready(())) } else { Either::Right(pending()) };
        futures::select_biased! {
            landed = self.flights.select_next_some() => self.arrived(landed),
            answering = self.answers.select_next_some() => self.deliver(learner, answering),
            () = self.outgoing.select_next_some() => {}
            () = next => self.answer_next(learner),
            inbound = self.inbound.select_next_some() => self.take(learner, inbound),
            // Nobody asks any more, and nothing is under way.
            complete => pending().await,
        }
    }

    /// Begins the answer whose turn it is, after all that has arrived found its place in the queue.
    fn answer_next(&mut self, learner: &Learner) {
        for _ in 0..limits::OPEN {
            let Ok(inbound) = self.inbound.try_recv() else { break };
            self.take(learner, inbound);
        }
        while self.answers.len() < Self::ANSWERS {
            let now = self.mesh.now();
            let Some((peer, Waiting { ask, held, respond, arrived })) = self.queue.take(now) else { return };
            let late = now.saturating_sub(arrived) >= Duration::from_millis(ask.deadline_ms().into());
            match if late { Err(Refuse::TooLate) } else { answer(learner, &ask) } {
                Ok(begun) => return self.answers.push(begun.finish(peer, ask, held, respond).boxed_local()),
                Err(refuse) => {
                    self.credits.give_back(&peer, held);
                    drop(respond.send(Response::Refuse(refuse)));
                }
            }
        }
    }

    fn take(&mut self, learner: &Learner, inbound: Inbound) {
        let Inbound { peer, weight, what, respond, arrived } = inbound;
        match what {
            What::Request(Request::Ask(ask)) => {
                self.enter(peer, weight, ask, respond, arrived);
            }
            What::Request(Request::Gradient(gradient)) => {
                let response = match self.gradient(learner, peer, weight, gradient) {
                    Ok(()) => Response::Applied,
                    Err(refuse) => Response::Refuse(refuse),
                };
                drop(respond.send(response));
            }
            What::Request(Request::Hello(_) | Request::Claim(_)) => {
                drop(respond.send(Response::Refuse(Refuse::Unreadable)));
            }
            What::Paid { positions } => {
                drop(respond.send(match self.credits.take(&peer, positions) {
                    0 => Response::Refuse(Refuse::Unpaid(Unpaid::Full)),
                    positions => Response::Credit { positions },
                }));
            }
        }
    }

    /// Lets an ask wait for its turn; what has no place is refused.
    fn enter(&mut self, peer: String, weight: f64, ask: Ask, respond: oneshot::Sender<Response>, arrived: Duration) {
        let positions = ask.inputs().shape().tokens() as u64;
        let held = if self.credits.hold(&peer, positions) { positions } else { 0 };
        if ask.want() == Want::Logits
            && held == 0
            && weight <= 0.0
            && let Some(least) = amount(positions, self.price)
        {
            return drop(respond.send(Response::Refuse(Refuse::Unpaid(Unpaid::TooLittle { least }))));
        }
        let weight = if held > 0 { weight.max(PAYING) } else { weight };
        let waiting = Waiting { ask, held, respond, arrived };
        if let Some((peer, Waiting { held, respond, .. })) = self.queue.enter(peer, weight, waiting, arrived) {
            self.credits.give_back(&peer, held);
            drop(respond.send(Response::Refuse(self.queue.busy())));
        }
    }

    fn gradient(&mut self, learner: &Learner, peer: String, weight: f64, gradient: Gradient) -> Result<(), Refuse> {
        let id = gradient.id;
        let weight = weight.max(Self::STRANGER);
        if !self.memory.has_room(&peer, weight) {
            return Err(Refuse::Busy { retry_ms: 1_000 });
        }
        let remembered = self.memory.recall(&peer, id).ok_or(Refuse::Forgotten { id })?;
        let (shape, dim) = (remembered.inputs.shape(), learner.preset().dim);
        let expected = [shape.batch(), shape.seq(), dim as u32];
        let got = gradient.representation.dims();
        if got != expected {
            return Err(Refuse::WrongShape { expected, got });
        }
        let values = gradient.representation.into_values();
        let foreign = learner.budget().admit(remembered.inputs, remembered.want, dim, values, weight);
        let foreign = foreign.map_err(|_| Refuse::Unreadable)?;
        learner.fits(&foreign).map_err(|_| Refuse::Unreadable)?;
        self.memory.wait(peer, weight, foreign);
        Ok(())
    }

    fn deliver(&mut self, learner: &Learner, answering: Answering) {
        let Answering { peer, response, respond, ask, held } = answering;
        if let Response::Answer(answer) = &response {
            self.credits.spend(&peer, held);
            self.sold += held;
            self.served += 1;
            // Nobody learns from logits, nor from a part of the positions.
            if ask.want() != Want::Logits && learner.learns_from(ask.inputs()) {
                let (id, want) = (answer.id, ask.want());
                self.memory.remember(Remembered { peer, id, want, inputs: ask.into_inputs() });
            }
        } else {
            self.credits.give_back(&peer, held);
        }
        drop(respond.send(response));
    }
}

/// Begins the answer to an ask.
fn answer(learner: &Learner, ask: &Ask) -> Result<Begun, Refuse> {
    let (shape, dim) = (ask.inputs().shape(), learner.preset().dim as u32);
    let served = learner.answer(ask.inputs(), ask.want()).map_err(|error| match error {
        Error::WrongModality { own, asked } => Refuse::WrongModality { own: own.into_iter().collect(), asked },
        Error::TooLarge { most_batch, most_seq, .. } => Refuse::WrongShape {
            expected: [most_batch as u32, most_seq as u32, dim],
            got: [shape.batch(), shape.seq(), dim],
        },
        Error::WrongItem { expected, got } => {
            Refuse::WrongShape { expected: expected.map(|side| side as u32), got: got.map(|side| side as u32) }
        }
        _ => Refuse::NotTraining,
    })?;
    let spec = learner.spec();
    let (seq, width) = match ask.want() {
        Want::Encoding | Want::Joined => (shape.seq(), dim),
        Want::Logits if spec.each => (shape.seq(), spec.classes as u32),
        Want::Logits => (1, spec.classes as u32),
    };
    let shape = Shape::new(shape.batch(), seq).map_err(|_| Refuse::Unreadable)?;
    Ok(Begun { served, shape, width })
}

/// An answer on its way from the device, and what it will be.
struct Begun {
    served: Served,
    shape: Shape,
    width: u32,
}

impl Begun {
    /// Reads it back and writes it as its asker wants it.
    async fn finish(self, peer: String, ask: Ask, held: u64, respond: oneshot::Sender<Response>) -> Answering {
        let Self { served, shape, width } = self;
        let (id, encoding) = (ask.id(), ask.encoding());
        let values = served.read().await.ok();
        let representation = values.and_then(|v| Representation::encoded(shape, width, &v, encoding, None).ok());
        let response = match representation {
            Some(representation) => Response::Answer(Answer { id, representation }),
            None => Response::Refuse(Refuse::NotTraining),
        };
        Answering { peer, response, respond, ask, held }
    }
}

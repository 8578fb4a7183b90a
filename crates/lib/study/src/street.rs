//! A street of peers in one process, on a clock of its own: calls between them are channels, time passes only when nobody
//! has anything to do. So a run repeats, whatever else the machine does.
//!
//! Honest residents run the loop of [`peer::Peer`]. The others answer as their sin says, and know of the market only what
//! a stranger would.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use data::Random;
use futures::channel::{mpsc, oneshot};
use futures::executor::LocalPool;
use futures::{FutureExt, SinkExt};
use model::Learner;
use peer::{Inbound, Mesh, Neighbour, Unanswered};
use protocol::exchange::{
    Answer, Ask, Encoding, Gradient, Inputs, Modality, Refuse, Representation, Request, Response, Want,
};
use protocol::limits;

/// Everyone on it, and what time it is.
#[derive(Default)]
pub struct Street {
    doors: RefCell<BTreeMap<String, Door>>,
    now: Cell<Duration>,
    timers: RefCell<BTreeMap<(Duration, u64), oneshot::Sender<()>>>,
    set: Cell<u64>,
    /// Time from an ask to its answer, beside the time it waits at the other's desk.
    pub delay: Cell<Duration>,
    /// Bytes of every message.
    pub bytes: Cell<u64>,
    /// What all of them represent.
    modality: Option<Modality>,
}

/// Who opens.
pub enum Door {
    /// A peer that runs.
    Peer(mpsc::Sender<Inbound>),
    /// A model that answers and never learns.
    Frozen(Box<Learner>),
    /// Numbers of the right size that have nothing to do with the inputs.
    Noise(Box<Random>),
    /// Passes on what this other one answers.
    Copier(String),
    /// Answers as large as one may, of changing sign.
    Poisoner(Box<Random>),
}

/// One resident's view of the street.
#[derive(Clone)]
pub struct View {
    street: Rc<Street>,
    own: String,
}

impl Street {
    /// An empty one for peers of `modality`.
    #[must_use]
    pub fn of(modality: Modality) -> Self {
        Self { modality: Some(modality), ..Self::default() }
    }

    /// Lets `name` be asked.
    pub fn open(&self, name: &str, door: Door) {
        self.doors.borrow_mut().insert(name.into(), door);
    }

    /// `name` is gone; who asks it hears that at once.
    pub fn close(&self, name: &str) -> Option<Door> {
        self.doors.borrow_mut().remove(name)
    }

    /// The street as `own` sees it.
    #[must_use]
    pub fn view(self: &Rc<Self>, own: &str) -> View {
        View { street: self.clone(), own: own.into() }
    }

    /// Runs all that was spawned on `pool` until `done`, or until nothing can ever happen any more.
    pub fn run(&self, pool: &mut LocalPool, done: impl Fn() -> bool) {
        while !done() {
            if pool.try_run_one() {
                continue;
            }
            let Some(((at, _), timer)) = self.timers.borrow_mut().pop_first() else { return };
            self.now.set(self.now.get().max(at));
            // Whoever set it may not wait any more.
            let _ = timer.send(());
        }
    }

    /// What a poisoner does to `victim`: asks, and sends back what would undo most of it if nobody bounded it.
    pub async fn poison(self: Rc<Self>, own: String, victim: String, inputs: Inputs, id: u64) {
        let Ok(ask) = Ask::new(id, inputs, Want::Encoding, Encoding::F32, limits::DEADLINE_MS) else { return };
        let Ok(Response::Answer(answer)) = self.call(&own, &victim, Request::Ask(ask)).await else { return };
        let shape = answer.representation.shape();
        // Across the answer, since an encoding has a fixed size and what points along it moves nothing.
        let signs = answer.representation.values().iter().enumerate().map(|(i, value)| (i % 2 == 0) == (*value > 0.0));
        let values = signs.map(|same| if same { 1e6 } else { -1e6 }).collect();
        if let Ok(representation) = Representation::new(shape, DIM as u32, values) {
            drop(self.call(&own, &victim, Request::Gradient(Gradient { id, representation })).await);
        }
    }

    async fn sleep(&self, time: Duration) {
        let (timer, rings) = oneshot::channel();
        self.set.set(self.set.get() + 1);
        self.timers.borrow_mut().insert((self.now.get() + time, self.set.get()), timer);
        // It is kept until it rings.
        let _ = rings.await;
    }

    async fn call(&self, from: &str, to: &str, request: Request) -> Result<Response, Unanswered> {
        let gone = || Unanswered::Gone(format!("{to} is away"));
        self.bytes.set(self.bytes.get() + request.to_bytes().len() as u64);
        if !self.delay.get().is_zero() {
            self.sleep(self.delay.get()).await;
        }
        let waiting = {
            let mut doors = self.doors.borrow_mut();
            match doors.get_mut(to).ok_or_else(gone)? {
                Door::Peer(letters) => {
                    let (inbound, response) = Inbound::at(self.now.get(), from.into(), WEIGHT, request);
                    Waiting::Letter(letters.clone(), inbound, response)
                }
                Door::Frozen(learner) => Waiting::Computed(match request {
                    Request::Ask(ask) => {
                        let served = learner.answer(ask.inputs(), ask.want());
                        Some((ask, served.map_err(|error| Unanswered::Unreadable(error.to_string()))?))
                    }
                    _ => None,
                }),
                Door::Noise(random) => Waiting::Said(match request {
                    Request::Ask(ask) => noise(&ask, random),
                    _ => Response::Applied,
                }),
                Door::Poisoner(random) => Waiting::Said(match request {
                    Request::Ask(ask) => {
                        let sign = if random.unit() < 0.5 { -1.0 } else { 1.0 };
                        let values = vec![sign; ask.inputs().shape().tokens() * DIM];
                        answer(&ask, &values)
                    }
                    _ => Response::Applied,
                }),
                Door::Copier(original) => Waiting::Passed(original.clone(), request),
            }
        };
        let response = match waiting {
            Waiting::Letter(mut letters, inbound, response) => {
                letters.send(inbound).await.map_err(|_| gone())?;
                response.await.map_err(|_| gone())?
            }
            Waiting::Said(response) => response,
            Waiting::Computed(None) => Response::Applied,
            Waiting::Computed(Some((ask, served))) => {
                let values = served.read().await.map_err(|error| Unanswered::Gone(error.to_string()))?;
                answer(&ask, &values)
            }
            Waiting::Passed(_, Request::Gradient(_)) => Response::Applied,
            Waiting::Passed(original, request) => self.call(to, &original, request).boxed_local().await?,
        };
        self.bytes.set(self.bytes.get() + response.to_bytes().len() as u64);
        Ok(response)
    }
}

impl View {
    /// What `peer` answers to these inputs, or nothing.
    pub(crate) async fn fetch(&self, peer: &str, inputs: Inputs) -> Option<Vec<f32>> {
        let ask = Ask::new(0, inputs, Want::Joined, Encoding::F32, limits::DEADLINE_MS).ok()?;
        Some(self.ask(peer, ask).await.ok()?.representation.into_values())
    }
}

enum Waiting {
    Letter(mpsc::Sender<Inbound>, Inbound, oneshot::Receiver<Response>),
    Said(Response),
    Computed(Option<(Ask, model::Served)>),
    Passed(String, Request),
}

fn answer(ask: &Ask, values: &[f32]) -> Response {
    let dim = (values.len() / ask.inputs().shape().tokens()) as u32;
    match Representation::encoded(ask.inputs().shape(), dim, values, ask.encoding(), None) {
        Ok(representation) => Response::Answer(Answer { id: ask.id(), representation }),
        Err(_) => Response::Refuse(Refuse::NotTraining),
    }
}

/// Vectors of root mean square 1 in random directions.
fn noise(ask: &Ask, random: &mut Random) -> Response {
    let values: Vec<f32> = (0..ask.inputs().shape().tokens() * DIM).map(|_| random.normal()).collect();
    let scaled = values.chunks_exact(DIM).flat_map(|vector| {
        let square = vector.iter().map(|value| value * value).sum::<f32>() / DIM as f32;
        vector.iter().map(move |value| value / square.sqrt().max(1e-6))
    });
    answer(ask, &scaled.collect::<Vec<_>>())
}

/// Weight of everyone with everyone, 0 to 1: a poisoner with as much stake as the honest.
const WEIGHT: f64 = 1.0;

/// Width of the representations on every street.
pub(crate) const DIM: usize = 64;

#[async_trait(?Send)]
impl Mesh for View {
    fn neighbours(&self) -> Vec<Neighbour> {
        let doors = self.street.doors.borrow();
        let modalities = self.street.modality.unwrap_or(Modality::Text).into();
        let others = doors.keys().filter(|name| **name != self.own);
        others.map(|name| Neighbour { modalities, ..Neighbour::new(name.clone(), name.clone()) }).collect()
    }

    async fn ask(&self, peer: &str, ask: Ask) -> Result<Answer, Unanswered> {
        match self.street.call(&self.own, peer, Request::Ask(ask)).await? {
            Response::Answer(answer) => Ok(answer),
            Response::Refuse(refuse) => Err(Unanswered::Refused(refuse)),
            _ => Err(Unanswered::Unreadable("no reply to an ask".into())),
        }
    }

    async fn gradient(&self, peer: &str, gradient: Gradient) -> Result<(), Unanswered> {
        match self.street.call(&self.own, peer, Request::Gradient(gradient)).await? {
            Response::Applied => Ok(()),
            Response::Refuse(refuse) => Err(Unanswered::Refused(refuse)),
            _ => Err(Unanswered::Unreadable("no reply to a gradient".into())),
        }
    }

    fn now(&self) -> Duration {
        self.street.now.get()
    }

    async fn sleep(&self, time: Duration) {
        self.street.sleep(time).await;
    }
}

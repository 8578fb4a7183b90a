//! A world of peers in one process and in virtual time: a mesh of channels with latencies and faults, honest peers, and
//! others named by their sin. Nothing in it depends on how fast this machine is.

#![allow(dead_code, reason = "each test file uses its part")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use data::{Dataset, Random};
use futures::channel::mpsc;
use futures::executor::LocalPool;
use futures::future::{LocalBoxFuture, pending};
use futures::task::LocalSpawnExt;
use futures::{FutureExt, SinkExt};
use model::{Learner, Preset, cpu};
use peerage_peer::{Control, Event, Inbound, Manners, Mesh, Neighbour, Peer, Scored, Setup, Unanswered, Validation};
use protocol::exchange::{Answer, Ask, Gradient, Refuse, Representation, Request, Response, Shape};
use protocol::port::trainer::Step;
use protocol::queue::Credits;

/// One that does not change with the project, since figures hang on it.
pub const TEXT: &[u8] = include_bytes!("../../../../../LICENSE-APACHE");

/// Time that passes only when everybody waits.
#[derive(Clone, Default)]
pub struct Clock(Rc<Inner>);

#[derive(Default)]
struct Inner {
    now: Cell<Duration>,
    timers: RefCell<BTreeMap<(Duration, u64), Waker>>,
    next: Cell<u64>,
}

impl Clock {
    pub fn now(&self) -> Duration {
        self.0.now.get()
    }

    pub fn sleep(&self, time: Duration) -> Sleep {
        let id = self.0.next.get();
        self.0.next.set(id + 1);
        Sleep { clock: self.clone(), timer: (self.now() + time, id) }
    }

    /// Runs `futures` to their ends.
    pub fn run(&self, futures: Vec<LocalBoxFuture<'static, ()>>) {
        let mut pool = LocalPool::new();
        let left = Rc::new(Cell::new(futures.len()));
        for future in futures {
            let left = left.clone();
            pool.spawner().spawn_local(future.map(move |()| left.set(left.get() - 1))).unwrap();
        }
        loop {
            pool.run_until_stalled();
            if left.get() == 0 {
                return;
            }
            let first = self.0.timers.borrow_mut().pop_first();
            let ((time, _), waker) = first.expect("somebody waits for ever");
            self.0.now.set(time);
            waker.wake();
        }
    }
}

pub struct Sleep {
    clock: Clock,
    timer: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.timer.0 {
            return Poll::Ready(());
        }
        self.clock.0.timers.borrow_mut().insert(self.timer, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.0.timers.borrow_mut().remove(&self.timer);
    }
}

/// Everyone's letterbox, who lies how, and who cannot be reached.
#[derive(Default)]
pub struct World {
    pub clock: Clock,
    pub boxes: RefCell<BTreeMap<String, mpsc::Sender<Inbound>>>,
    pub sins: RefCell<BTreeMap<String, Sin>>,
    pub down: RefCell<BTreeSet<String>>,
    /// Weight of a peer's requests with all others.
    pub weights: RefCell<BTreeMap<String, f64>>,
    /// Time there and time back.
    pub latency: Cell<Duration>,
    /// Time that a step takes.
    pub step: Cell<Duration>,
    /// Asks heard by all sinners and honest ones, by name.
    pub asked: RefCell<BTreeMap<String, Vec<Ask>>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sin {
    Silent,
    NotANumber,
    WrongShape,
    OtherAsk,
    Huge,
    Refusing,
    /// Random numbers, others each time.
    Noise,
    /// The largest values that pass, with the signs of a fixed pattern.
    Poison,
}

pub const DIM: u32 = 64;

#[derive(Clone)]
pub struct Street {
    pub world: Rc<World>,
    pub own: String,
}

impl Street {
    pub async fn send(&self, peer: &str, request: Request) -> Result<Response, Unanswered> {
        let gone = |reason: &str| Unanswered::Gone(reason.into());
        let World { clock, boxes, latency, weights, .. } = &*self.world;
        clock.sleep(latency.get()).await;
        if self.is_cut(peer) {
            return pending().await;
        }
        let letterbox = boxes.borrow().get(peer).cloned();
        let mut letterbox = letterbox.ok_or_else(|| gone("unknown"))?;
        let weight = weights.borrow().get(&self.own).copied().unwrap_or(0.0);
        let (inbound, response) = Inbound::at(clock.now(), self.own.clone(), weight, request);
        letterbox.send(inbound).await.map_err(|_| gone("left"))?;
        let response = response.await.map_err(|_| gone("left"))?;
        clock.sleep(latency.get()).await;
        if self.is_cut(peer) { pending().await } else { Ok(response) }
    }

    fn is_cut(&self, peer: &str) -> bool {
        let down = self.world.down.borrow();
        down.contains(peer) || down.contains(&self.own)
    }

    fn random(&self, id: u64) -> Random {
        Random::new(id, 77)
    }
}

#[async_trait(?Send)]
impl Mesh for Street {
    fn neighbours(&self) -> Vec<Neighbour> {
        let (boxes, sins) = (self.world.boxes.borrow(), self.world.sins.borrow());
        let names = boxes.keys().chain(sins.keys()).filter(|name| **name != self.own && !self.is_cut(name));
        names.map(|name| Neighbour::new(name, format!("key-{name}"))).collect()
    }

    async fn ask(&self, peer: &str, ask: Ask) -> Result<Answer, Unanswered> {
        self.world.asked.borrow_mut().entry(peer.into()).or_default().push(ask.clone());
        let sin = self.world.sins.borrow().get(peer).copied();
        let Some(sin) = sin else {
            return match self.send(peer, Request::Ask(ask)).await? {
                Response::Answer(answer) => Ok(answer),
                Response::Refuse(refuse) => Err(Unanswered::Refused(refuse)),
                other => Err(Unanswered::Unreadable(format!("{other:?}"))),
            };
        };
        self.world.clock.sleep(2 * self.world.latency.get()).await;
        let (id, shape) = (ask.id(), ask.inputs().shape());
        let of = |shape: Shape, value: &mut dyn FnMut(usize) -> f32| {
            let values = (0..shape.tokens() * DIM as usize).map(value).collect();
            let representation = Representation::new(shape, DIM, values);
            representation.map_err(|error| Unanswered::Unreadable(error.to_string()))
        };
        let mut random = self.random(id);
        let representation = match sin {
            Sin::Silent => pending().await,
            Sin::NotANumber => of(shape, &mut |_| f32::NAN)?,
            Sin::WrongShape => of(Shape::new(1, 1).unwrap(), &mut |_| 1.0)?,
            Sin::OtherAsk => return Ok(Answer { id: id ^ 1, representation: of(shape, &mut |_| 1.0)? }),
            Sin::Huge => of(shape, &mut |_| f32::MAX)?,
            Sin::Refusing => return Err(Unanswered::Refused(Refuse::Busy { retry_ms: 5 })),
            Sin::Noise => of(shape, &mut |_| random.normal())?,
            Sin::Poison => of(shape, &mut |i| if (i * 7) % 3 == 0 { -8.0 } else { 8.0 })?,
        };
        Ok(Answer { id, representation })
    }

    async fn gradient(&self, peer: &str, gradient: Gradient) -> Result<(), Unanswered> {
        match self.send(peer, Request::Gradient(gradient)).await? {
            Response::Applied => Ok(()),
            Response::Refuse(refuse) => Err(Unanswered::Refused(refuse)),
            other => Err(Unanswered::Unreadable(format!("{other:?}"))),
        }
    }

    fn now(&self) -> Duration {
        self.world.clock.now()
    }

    async fn sleep(&self, time: Duration) {
        self.world.clock.sleep(time).await;
    }

    /// A step breathes three times: that is when its time passes.
    async fn breathe(&self) {
        self.world.clock.sleep(self.world.step.get() / 3).await;
    }
}

/// What one peer told.
#[derive(Default)]
pub struct Told {
    pub steps: Vec<Step>,
    /// When each step ended.
    pub times: Vec<Duration>,
    pub blamed: BTreeMap<String, String>,
    pub scores: BTreeMap<String, Scored>,
    pub kept: Vec<Vec<u8>>,
    pub validations: Vec<Validation>,
    pub troubles: Vec<String>,
}

impl Told {
    pub fn mean(&self, range: std::ops::Range<usize>, loss: impl Fn(&Step) -> f64) -> f64 {
        let part = &self.steps[range];
        part.iter().map(loss).sum::<f64>() / part.len() as f64
    }

    /// The losses alone, bit by bit.
    pub fn curve(&self) -> Vec<u64> {
        self.steps.iter().map(|step| step.alone.to_bits()).collect()
    }
}

pub type Telling = Rc<RefCell<Told>>;
pub type Watch = Box<dyn FnMut(&World, &Step) -> Vec<Control>>;

/// An honest peer to be.
pub struct Honest {
    pub world: Rc<World>,
    pub name: String,
    pub steps: u64,
    pub seed: u64,
    pub preset: Preset,
    pub manners: Manners,
    /// What buyers paid.
    pub credits: Rc<RefCell<Credits<String>>>,
    pub kept: Option<Vec<u8>>,
    pub dataset: Dataset,
    /// Looks at each step; what it returns is told to the peer.
    pub watch: Watch,
}

impl World {
    pub fn new(latency: u64, step: u64) -> Rc<Self> {
        let world = Self::default();
        world.latency.set(Duration::from_millis(latency));
        world.step.set(Duration::from_millis(step));
        Rc::new(world)
    }

    pub fn honest(self: &Rc<Self>, name: &str, steps: u64) -> Honest {
        let preset = Preset::small();
        Honest {
            world: self.clone(),
            name: name.into(),
            steps,
            seed: u64::from(name.as_bytes()[0]),
            dataset: Dataset::text(TEXT, Some(name), preset.seq).unwrap(),
            preset,
            manners: Manners::default(),
            credits: Rc::default(),
            kept: None,
            watch: Box::new(|_, _| Vec::new()),
        }
    }
}

impl Honest {
    /// The peer, and what it will have told. It leaves the world after its last step.
    pub fn begin(self) -> (LocalBoxFuture<'static, ()>, Telling) {
        let (running, told) = self.lend();
        (running.map(drop).boxed_local(), told)
    }

    /// The same, with the model that comes of it.
    pub fn lend(self) -> (LocalBoxFuture<'static, Learner>, Telling) {
        let Self { world, name, steps, seed, preset, manners, credits, kept, dataset, mut watch } = self;
        let (letterbox, inbound) = mpsc::channel(64);
        world.boxes.borrow_mut().insert(name.clone(), letterbox);
        let mesh = Rc::new(Street { world: world.clone(), own: name.clone() });
        let (device, key) = (cpu(), format!("key-{name}"));
        let peer = Peer::new(Setup { preset, device, dataset, key, seed, mesh, inbound, kept, manners });
        let peer = peer.with_credits(credits);
        assert!(peer.refused().is_none(), "{:?}", peer.refused());
        let (control, controls) = mpsc::unbounded();
        let told = Telling::default();
        let telling = told.clone();
        let running = async move {
            let learner = peer.run(controls, |event| {
                let mut telling = telling.borrow_mut();
                match event {
                    Event::Step(step) => {
                        for word in watch(&world, &step) {
                            control.unbounded_send(word).unwrap();
                        }
                        if step.step >= steps {
                            control.unbounded_send(Control::Stop).unwrap();
                        }
                        telling.times.push(world.clock.now());
                        telling.steps.push(step);
                    }
                    Event::Blamed { peer, blame } => drop(telling.blamed.insert(peer, blame.to_string())),
                    Event::Scores(scores) => {
                        telling.scores = scores.into_iter().map(|scored| (scored.key.clone(), scored)).collect();
                    }
                    Event::Kept(bytes) => telling.kept.push(bytes),
                    Event::Validation(validation) => telling.validations.push(validation),
                    Event::Trouble(trouble) => telling.troubles.push(trouble),
                    Event::Exported(_) | Event::Imported | Event::Moved(_) => {}
                }
            });
            let learner = learner.await.unwrap();
            world.boxes.borrow_mut().remove(&name);
            learner
        };
        (running.boxed_local(), told)
    }
}

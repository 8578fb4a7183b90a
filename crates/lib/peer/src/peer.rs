//! The loop itself: what it is made of, what it is told, and how it goes on elsewhere or later.

mod step;
mod validate;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use data::{Batch, Dataset, Random};
use futures::channel::mpsc;
use futures::{FutureExt, StreamExt};
use model::{Chosen, Learner, Preset};
use protocol::exchange::{Carry, Encoding, ShapeError};
use protocol::queue::Credits;

use crate::desk::{Desk, Inbound};
use crate::event::{Control, Event};
use crate::flight::Flight;
use crate::kept::{Kept, KeptError};
use crate::mesh::Mesh;
use crate::roster::Roster;
use crate::tally::Tally;

/// What a peer is made of.
pub struct Setup {
    /// Sizes and rates of its model.
    pub preset: Preset,
    /// Where the model lives.
    pub device: Chosen,
    /// What it learns.
    pub dataset: Dataset,
    /// Own hot key, lower-case hex.
    pub key: String,
    /// Fixes the weights, the batches and the gate's noise.
    pub seed: u64,
    /// The other peers.
    pub mesh: Rc<dyn Mesh>,
    /// What they ask.
    pub inbound: mpsc::Receiver<Inbound>,
    /// What a peer told with [`Event::Kept`], to go on from there; its seed then counts.
    pub kept: Option<Vec<u8>>,
    /// How it deals with others.
    pub manners: Manners,
}

/// How a peer deals with others, and how often it does what is not done every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manners {
    /// How answers are to be written.
    pub answers: Encoding,
    /// How gradients are written.
    pub gradients: Encoding,
    /// Most steps that asks are out ahead; 0 to wait for each at once.
    pub ahead: usize,
    /// Steps between two [`Event::Kept`]; 0 for never but on demand.
    pub keep: u64,
    /// Steps between two looks at the loss without one neighbour; 0 for never.
    pub exact: u64,
    /// Ask nobody from the start ([`Control::Private`]).
    pub private: bool,
    /// Base units for 1,024 positions of logits to who has no stake; 0 where they are free.
    pub price: u64,
}

impl Default for Manners {
    fn default() -> Self {
        Self { answers: ANSWERS, gradients: GRADIENTS, ahead: AHEAD, keep: 0, exact: 8, private: false, price: 0 }
    }
}

/// How answers travel. Measured (three peers, 150 steps of preset S; `the_encodings_chosen_cost_no_loss_…`): with these and
/// [`GRADIENTS`] the loss is 2.2000 nats where it is 2.1989 with everything as `F32`, at 38 % of the bytes.
pub const ANSWERS: Encoding = Encoding::F16;
/// How gradients travel: the errors of rounding are carried on, so that the sums which weights learn from keep their value.
pub const GRADIENTS: Encoding = Encoding::Int8;
/// Most steps that asks are out ahead: a peer keeps four asks of another in its queue, and an answer is no older than that.
pub const AHEAD: usize = 3;

/// A peer, ready to run.
pub struct Peer {
    learner: Learner,
    device: Chosen,
    dataset: Dataset,
    mesh: Rc<dyn Mesh>,
    key: String,
    desk: Desk,
    roster: Roster,
    tally: Tally,
    manners: Manners,
    /// By hot key; empty where the chain has none.
    masks: BTreeMap<String, f64>,
    seed: u64,
    /// Number of the first batch of `coming`: batches used.
    position: u64,
    coming: VecDeque<Coming>,
    /// Steps that asks are out ahead.
    ahead: usize,
    /// Smoothed milliseconds of a step without its wait.
    pace: Option<f64>,
    /// Rounding errors that wait, by hot key.
    carries: HashMap<String, Carry>,
    asks: u64,
    /// The newest copy, where the device can be lost.
    copy: Option<Vec<u8>>,
    /// Whether the model has become another since then, so that the next step makes a copy.
    changed: bool,
    drops: u32,
    refused: Option<KeptError>,
}

/// A batch on its way: drawn, then routed by its scores, then asked about, then learned from.
struct Coming {
    batch: Batch,
    /// The gate's, [batch, slots].
    scores: Option<Vec<f32>>,
    flight: Option<Flight>,
    /// Step in which it was asked about.
    asked: u64,
}

/// Why a peer ended without having been told to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model failed, and not only its GPU.
    #[error("training ended: {0}")]
    Model(#[from] model::Error),
    /// A batch of this data cannot be asked about.
    #[error("the batch of this model cannot be asked for: {0}")]
    Shape(#[from] ShapeError),
    /// Steps were dropped one after the other.
    #[error("{0} steps in a row had a loss that is no number")]
    Diverged(u32),
}

/// Steps between two copies of the model to the host, where the device can be lost.
const COPY: u64 = 50;
/// Dropped steps in a row that end the loop.
const DROPS: u32 = 16;
/// What the streams of random numbers are for: one a batch, so that a batch depends on its number alone.
const BATCHES: u64 = 3;
const NOISE: u64 = 4;
const ASKS: u64 = 5;
/// Mask of who is not on the ledger: σ(0), no bid against a mean of none.
const UNKNOWN: f32 = 0.5;

impl Peer {
    /// A peer that goes on from what was kept, or begins anew where nothing was or it is no use ([`Self::refused`]).
    pub fn new(setup: Setup) -> Self {
        let Setup { preset, device, dataset, key, seed, mesh, inbound, kept, manners } = setup;
        let load = |bytes: Vec<u8>| {
            let kept = Kept::from_bytes(&bytes)?;
            let learner = Learner::load(&kept.model, preset.clone(), dataset.spec(), &device.device)?;
            Ok::<_, KeptError>((kept, learner))
        };
        let (kept, refused) = match kept.map(load) {
            None => (None, None),
            Some(Ok(kept)) => (Some(kept), None),
            Some(Err(error)) => (None, Some(error)),
        };
        let (kept, learner) = match kept {
            Some((kept, learner)) => (Some(kept), learner),
            None => (None, Learner::new(preset, dataset.spec(), seed, &device.device)),
        };
        let slots = learner.preset().slots;
        let mut peer = Self {
            roster: Roster::new(slots),
            desk: Desk::new(mesh.clone(), inbound),
            tally: Tally::default(),
            // Asks of an earlier life of this key are not mistaken for these.
            asks: Random::new(seed, ASKS).next() >> 16,
            ahead: manners.ahead.min(1),
            masks: BTreeMap::new(),
            position: 0,
            coming: VecDeque::new(),
            pace: None,
            carries: HashMap::new(),
            copy: None,
            changed: true,
            drops: 0,
            refused,
            learner,
            device,
            dataset,
            mesh,
            key,
            manners,
            seed,
        };
        peer.desk.price = manners.price;
        if let Some(kept) = kept {
            let step = peer.learner.step();
            peer.roster.restore(kept.slots.into_iter().map(|key| (!key.is_empty()).then_some(key)), step);
            peer.tally.restore(kept.worth);
            (peer.seed, peer.position, peer.asks) = (kept.seed, kept.position, kept.asks);
        }
        peer
    }

    /// Counts what buyers paid in `credits`, which outlives this peer: whoever goes on after it owes what is left.
    #[must_use]
    pub fn with_credits(mut self, credits: Rc<RefCell<Credits<String>>>) -> Self {
        self.desk.credits = credits;
        self
    }

    /// Why what was kept was no use.
    #[must_use]
    pub fn refused(&self) -> Option<&KeptError> {
        self.refused.as_ref()
    }

    /// Steps done.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.learner.step()
    }

    /// Trains and serves until [`Control::Stop`], or until nobody can say it any more. Gives the model back.
    ///
    /// # Errors
    /// [`Error`], where training cannot go on.
    pub async fn run(
        mut self,
        mut control: mpsc::UnboundedReceiver<Control>,
        mut events: impl FnMut(Event),
    ) -> Result<Learner, Error> {
        let mut paused = false;
        loop {
            loop {
                let next = if paused {
                    self.desk.attend(&self.learner, control.next()).await
                } else {
                    match control.next().now_or_never() {
                        Some(next) => next,
                        None => break,
                    }
                };
                match next {
                    Some(Control::Pause(pause)) => paused = pause,
                    Some(Control::Stop) | None => return Ok(self.learner),
                    Some(other) => self.told(other, &mut events).await?,
                }
            }
            match self.step(&mut events).await {
                Ok(()) => self.drops = 0,
                Err(Error::Model(model::Error::NotFinite)) if self.drops < DROPS => {
                    self.drops += 1;
                    events(Event::Trouble("the loss of a step was no number; the step was dropped".into()));
                }
                Err(Error::Model(model::Error::NotFinite)) => return Err(Error::Diverged(self.drops + 1)),
                Err(Error::Model(error)) if self.device_is_lost(&error) => self.move_to_cpu(&error, &mut events)?,
                Err(error) => return Err(error),
            }
        }
    }

    async fn told(&mut self, control: Control, events: &mut impl FnMut(Event)) -> Result<(), Error> {
        match control {
            Control::Pause(_) | Control::Stop => {}
            Control::Private(private) => {
                self.manners.private = private;
                // What is out already was asked before; nothing more goes out.
            }
            Control::KeepEvery(steps) => self.manners.keep = steps,
            Control::Price(price) => self.desk.price = price,
            Control::Masks(masks) => {
                self.masks = masks;
                self.mask()?;
            }
            Control::Keep => {
                let kept = self.keep().await;
                self.or_trouble(kept.map(Event::Kept), events)?;
            }
            Control::Export => {
                let exporting = self.learner.safetensors();
                let exported = self.desk.attend(&self.learner, exporting).await;
                self.or_trouble(exported.map(Event::Exported), events)?;
            }
            Control::Import(weights) => match self.import(&weights).await {
                Ok(()) => events(Event::Imported),
                Err(Error::Model(error)) if self.device_is_lost(&error) => self.move_to_cpu(&error, events)?,
                Err(error) => events(Event::Trouble(format!("the file was not taken: {error}"))),
            },
            Control::Validate { batches } => {
                let validation = self.validate(batches).await;
                match validation {
                    Err(Error::Model(error)) => self.or_trouble(Err(error), events)?,
                    other => events(Event::Validation(other?)),
                }
            }
        }
        Ok(())
    }

    /// Goes on with other weights, unless their loss on the held-out part is no number.
    async fn import(&mut self, weights: &[u8]) -> Result<(), Error> {
        let saving = self.learner.save();
        let before = self.desk.attend(&self.learner, saving).await?;
        self.learner.import(weights)?;
        if !self.alone(0).await.is_ok_and(|measured| measured.loss.is_finite()) {
            let (preset, spec) = (self.learner.preset().clone(), self.dataset.spec());
            self.learner = Learner::load(&before, preset, spec, &self.device.device)?;
            self.mask()?;
            return Err(model::Error::NotFinite.into());
        }
        self.changed = true;
        self.mask()?;
        Ok(())
    }

    /// Tells an event, or why there is none; goes on elsewhere where the device is lost.
    fn or_trouble(&mut self, event: Result<Event, model::Error>, events: &mut impl FnMut(Event)) -> Result<(), Error> {
        match event {
            Ok(event) => events(event),
            Err(error) if self.device_is_lost(&error) => self.move_to_cpu(&error, events)?,
            Err(error) => events(Event::Trouble(error.to_string())),
        }
        Ok(())
    }

    /// All that is needed to go on from here.
    async fn keep(&mut self) -> Result<Vec<u8>, model::Error> {
        let saving = self.learner.save();
        let model = self.desk.attend(&self.learner, saving).await?;
        let slots = self.roster.keys().map(|key| key.unwrap_or_default().to_owned()).collect();
        let (seed, position, asks) = (self.seed, self.position, self.asks);
        Ok(Kept { seed, position, asks, slots, worth: self.tally.keep(), model }.to_bytes())
    }

    fn device_is_lost(&self, error: &model::Error) -> bool {
        error.blames_device() && self.device.kind != model::Kind::Cpu
    }

    /// Goes on from the newest copy.
    fn move_to_cpu(&mut self, error: &model::Error, events: &mut impl FnMut(Event)) -> Result<(), Error> {
        let chosen = model::cpu();
        let (preset, spec) = (self.learner.preset().clone(), self.dataset.spec());
        self.learner = match &self.copy {
            Some(copy) => Learner::load(copy, preset, spec, &chosen.device)?,
            None => Learner::new(preset, spec, self.seed, &chosen.device),
        };
        events(Event::Trouble(format!("{error}; going on with the CPU from step {}", self.learner.step())));
        self.mask()?;
        self.device = chosen.clone();
        events(Event::Moved(chosen));
        Ok(())
    }

    /// Tells the model the mask of each slot.
    fn mask(&mut self) -> Result<(), model::Error> {
        let of = |key: Option<&str>| key.and_then(|key| self.masks.get(key)).map_or(UNKNOWN, |mask| *mask as f32);
        let masks = self.roster.keys().map(of).collect();
        self.learner.set_masks((!self.masks.is_empty()).then_some(masks))
    }

    /// Draws batches until so many are on their way.
    fn draw(&mut self, most: usize) {
        while self.coming.len() < most {
            let number = self.position.wrapping_add(self.coming.len() as u64);
            let batch = self.dataset.batch(self.learner.preset().batch, &mut self.stream(BATCHES, number));
            self.coming.push_back(Coming { batch, scores: None, flight: None, asked: 0 });
        }
    }

    /// Random numbers for `purpose` that belong to batch `number` alone.
    fn stream(&self, purpose: u64, number: u64) -> Random {
        Random::new(self.seed, (number << 3) | purpose)
    }

    async fn breathe(&mut self) {
        let mesh = self.mesh.clone();
        self.desk.attend(&self.learner, mesh.breathe()).await;
        self.desk.turn(&self.learner);
    }

    /// Milliseconds since `then`.
    fn since(&self, then: Duration) -> f64 {
        self.mesh.now().saturating_sub(then).as_secs_f64() * 1e3
    }
}

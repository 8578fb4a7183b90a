//! One peer among residents: what it was worth to have them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use data::{Batch, Dataset, Random};
use futures::channel::mpsc;
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use model::{Answers, Learner, Preset, Routing, cpu};
use peer::{Control, Event, Manners, Peer, Scored, Setup, Validation};
use protocol::limits;
use protocol::port::trainer::Step;

use crate::probe::{Probe, probe};
use crate::street::{Door, Street, View};

/// Who stands beside the peer that is watched.
#[derive(Clone, Debug)]
pub enum Resident {
    /// Learns this, asks and answers like the peer that is watched.
    Honest(Dataset),
    /// A model like its own with weights as they were drawn: the same number of parameters, and nothing learned.
    Untrained,
    /// Numbers that have nothing to do with what was asked.
    Noise,
    /// Passes on the answers of the resident of this number.
    Copier(usize),
    /// Answers to mislead, and sends gradients that would undo what was learned.
    Poisoner,
}

/// An experiment with one peer.
#[derive(Clone, Debug)]
pub struct Market {
    /// Sizes and rates of every model.
    pub preset: Preset,
    /// What the watched peer learns.
    pub own: Dataset,
    /// The others, in the order of their slots.
    pub residents: Vec<Resident>,
    /// Steps of the watched peer; honest residents keep step with it.
    pub steps: u64,
    /// How everyone deals with others.
    pub manners: Manners,
    /// Batches of the validation.
    pub batches: usize,
    /// Time from an ask to its answer.
    pub delay: Duration,
    /// After this step the residents of these numbers are away until that one.
    pub away: Option<Away>,
    /// Sets of residents, by number, whose worth together is measured at the end.
    pub removed: Vec<Vec<usize>>,
    /// Held-out parts, and batches of them, on which the residents are looked at one by one at the end.
    pub probes: Vec<(Dataset, usize)>,
}

/// Residents that leave and return.
#[derive(Clone, Debug)]
pub struct Away {
    /// Their numbers.
    pub who: Vec<usize>,
    /// Steps of the watched peer between which they are away.
    pub between: [u64; 2],
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Every step.
    pub steps: Vec<Step>,
    /// At the end, on the held-out part.
    pub validation: Validation,
    /// What each resident was worth in the end, by its number.
    pub scores: Vec<Option<Scored>>,
    /// Bytes of all messages.
    pub bytes: u64,
    /// For each set of [`Market::removed`]: nats by which the held-out loss is higher when nobody of it can be asked.
    pub removals: Vec<f64>,
    /// For each of [`Market::probes`], the residents at the end, by number.
    pub probes: Vec<Vec<Probe>>,
}

/// An experiment that came to no end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A peer could not begin or go on.
    #[error("{0}")]
    Peer(#[from] peer::Error),
    /// A model could not be made.
    #[error("{0}")]
    Model(#[from] model::Error),
    /// The data cannot be used.
    #[error("{0}")]
    Data(#[from] data::Error),
    /// Fewer peers than the experiment has parts for.
    #[error("give at least three datasets: for the watched peer, and for two residents")]
    TooFew,
    /// Everyone waits for someone.
    #[error("nothing happens any more after step {0}")]
    Stuck(u64),
}

/// [`Outcome::removals`] and [`Outcome::probes`].
type Looks = (Vec<f64>, Vec<Vec<Probe>>);

/// What the watched peer told so far.
#[derive(Default)]
struct Told {
    steps: Vec<Step>,
    scores: Vec<Scored>,
    validation: Option<Validation>,
    looks: Option<Looks>,
    trouble: Option<Error>,
}

impl Market {
    /// Nobody but the watched peer, for 100 steps.
    #[must_use]
    pub fn alone(preset: Preset, own: Dataset) -> Self {
        let manners = Manners::default();
        Self {
            preset,
            own,
            residents: Vec::new(),
            steps: 100,
            manners,
            batches: 8,
            delay: Duration::ZERO,
            away: None,
            removed: Vec::new(),
            probes: Vec::new(),
        }
    }

    /// Runs it; the same `seed` gives the same outcome.
    ///
    /// # Errors
    /// [`Error`], where it came to no end.
    pub fn run(&self, seed: u64) -> Result<Outcome, Error> {
        let street = Rc::new(Street::of(self.own.spec().parts[0].modality));
        street.delay.set(self.delay);
        let mut pool = LocalPool::new();
        let mut paces = Vec::new();
        for (number, resident) in self.residents.iter().enumerate() {
            if let Some(pace) = self.settle(&street, &pool, number, resident, seed)? {
                paces.push(pace);
            }
        }
        let told = Rc::new(RefCell::new(Told::default()));
        let (peer, control, controls) = self.peer(&street, OWN, &self.own, seed)?;
        let (telling, steps, batches) = (told.clone(), self.steps, self.batches);
        let hear = {
            let (street, away, spawner) = (street.clone(), self.away.clone(), pool.spawner());
            let poisoners = self.residents.iter().enumerate().filter(|(_, one)| matches!(one, Resident::Poisoner));
            let poisoners: Vec<String> = poisoners.map(|(number, _)| name(number)).collect();
            let inputs = self.own.validation(self.preset.batch, 0).parts.swap_remove(0);
            let mut gone = Vec::new();
            move |event| match event {
                Event::Step(step) => {
                    for poisoner in &poisoners {
                        let poison = street.clone().poison(poisoner.clone(), OWN.into(), inputs.clone(), step.step);
                        drop(spawner.spawn_local(poison));
                    }
                    for pace in &paces {
                        drop(pace.unbounded_send(Control::Pause(false)));
                    }
                    if let Some(away) = &away {
                        away.apply(step.step, &street, &mut gone);
                    }
                    if step.step == steps {
                        drop(control.unbounded_send(Control::Validate { batches }));
                    }
                    telling.borrow_mut().steps.push(step);
                }
                Event::Scores(scores) => telling.borrow_mut().scores = scores,
                Event::Validation(validation) => {
                    telling.borrow_mut().validation = Some(validation);
                    drop(control.unbounded_send(Control::Stop));
                }
                _ => {}
            }
        };
        let (telling, view, market) = (told.clone(), street.view(OWN), self.clone());
        let running = async move {
            let looks = match peer.run(controls, hear).await {
                Ok(learner) => market.looks(&learner, &view).await,
                Err(error) => Err(error.into()),
            };
            let mut telling = telling.borrow_mut();
            match looks {
                Ok(looks) => telling.looks = Some(looks),
                Err(error) => telling.trouble = Some(error),
            }
        };
        let stuck = || Error::Stuck(told.borrow().steps.last().map_or(0, |step| step.step));
        pool.spawner().spawn_local(running).map_err(|_| stuck())?;
        street.run(&mut pool, || {
            let told = told.borrow();
            told.looks.is_some() || told.trouble.is_some()
        });
        let Told { steps, scores, validation, looks, trouble } = told.take();
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        let last = steps.last().map_or(0, |step| step.step);
        let validation = validation.ok_or(Error::Stuck(last))?;
        let names = (0..self.residents.len()).map(name);
        let scores = names.map(|name| scores.iter().find(|scored| scored.key == name).cloned()).collect();
        let (removals, probes) = looks.unwrap_or_default();
        Ok(Outcome { steps, validation, scores, bytes: street.bytes.get(), removals, probes })
    }

    /// What is looked at when all has been learned.
    async fn looks(&self, learner: &Learner, view: &View) -> Result<Looks, Error> {
        let mut probes = Vec::new();
        for part in &self.probes {
            probes.push(probe(self, part, learner, view).await?);
        }
        Ok((self.removals(learner, view).await?, probes))
    }

    /// What the held-out loss rises by without each of the sets.
    async fn removals(&self, learner: &Learner, view: &View) -> Result<Vec<f64>, Error> {
        if self.removed.is_empty() {
            return Ok(Vec::new());
        }
        let everyone = self.without(learner, view, &[]).await?;
        let mut removals = Vec::new();
        for set in &self.removed {
            removals.push(self.without(learner, view, set).await? - everyone);
        }
        Ok(removals)
    }

    /// The held-out loss when the residents of these numbers cannot be asked. A resident has the slot of its number, since
    /// all were there from the start.
    async fn without(&self, learner: &Learner, view: &View, removed: &[usize]) -> Result<f64, Error> {
        let known: Vec<usize> = (0..self.residents.len()).filter(|number| !removed.contains(number)).collect();
        let (mut sum, mut examples) = (0.0, 0);
        for index in 0..self.batches {
            let batch = self.own.validation(self.preset.batch, index);
            let (routing, answers) = ask(learner, view, &batch, &known).await?;
            let measured = learner.evaluate(&batch, &routing, &Answers::Given(answers))?.read().await?;
            sum += measured.loss * batch.batch() as f64;
            examples += batch.batch();
        }
        Ok(sum / examples as f64)
    }

    /// Lets a resident in; gives the reins of one that runs.
    fn settle(
        &self,
        street: &Rc<Street>,
        pool: &LocalPool,
        number: usize,
        resident: &Resident,
        seed: u64,
    ) -> Result<Option<mpsc::UnboundedSender<Control>>, Error> {
        let seed = Random::new(seed, 100 + number as u64).next();
        let door = match resident {
            Resident::Honest(dataset) => {
                let (peer, control, controls) = self.peer(street, &name(number), dataset, seed)?;
                let pace = control.clone();
                let running = async move {
                    let hear = move |event| {
                        if let Event::Step(_) = event {
                            drop(pace.unbounded_send(Control::Pause(true)));
                        }
                    };
                    drop(peer.run(controls, hear).await);
                };
                pool.spawner().spawn_local(running).map_err(|_| Error::Stuck(0))?;
                return Ok(Some(control));
            }
            Resident::Untrained => {
                let learner = Learner::new(self.preset.clone(), self.own.spec(), seed, &cpu().device);
                Door::Frozen(Box::new(learner))
            }
            Resident::Noise => Door::Noise(Box::new(Random::new(seed, 0))),
            Resident::Copier(original) => Door::Copier(name(*original)),
            Resident::Poisoner => Door::Poisoner(Box::new(Random::new(seed, 0))),
        };
        street.open(&name(number), door);
        Ok(None)
    }

    fn peer(&self, street: &Rc<Street>, name: &str, dataset: &Dataset, seed: u64) -> Result<Reins, Error> {
        let (letters, inbound) = mpsc::channel(limits::OPEN);
        street.open(name, Door::Peer(letters));
        let (control, controls) = mpsc::unbounded();
        let peer = Peer::new(Setup {
            preset: self.preset.clone(),
            device: cpu(),
            dataset: dataset.clone(),
            key: name.into(),
            seed,
            mesh: Rc::new(street.view(name)),
            inbound,
            kept: None,
            manners: self.manners,
        });
        Ok((peer, control, controls))
    }
}

/// A peer that is ready, and what drives it.
type Reins = (Peer, mpsc::UnboundedSender<Control>, mpsc::UnboundedReceiver<Control>);

impl Away {
    /// Closes the doors of those that leave with `step`, and opens them again.
    fn apply(&self, step: u64, street: &Street, gone: &mut Vec<(String, Door)>) {
        if step == self.between[0] {
            let names = self.who.iter().map(|number| name(*number));
            gone.extend(names.filter_map(|name| Some((name.clone(), street.close(&name)?))));
        }
        if step == self.between[1] {
            for (name, door) in gone.drain(..) {
                street.open(&name, door);
            }
        }
    }
}

/// The watched peer.
const OWN: &str = "own";

/// Asks the best of `known` about a batch: where its examples go, and what came back.
pub(crate) async fn ask(
    learner: &Learner,
    view: &View,
    batch: &Batch,
    known: &[usize],
) -> Result<(Routing, Vec<Option<Vec<f32>>>), Error> {
    let scores = learner.scores(batch)?.read().await?;
    let routing = learner.route_best(&scores, known);
    let mut answers = Vec::new();
    for (chosen, slot) in routing.slots.iter().enumerate() {
        answers.push(view.fetch(&name(*slot), routing.inputs(chosen, batch)?).await);
    }
    Ok((routing, answers))
}

/// A resident's name, which is its key too.
fn name(number: usize) -> String {
    format!("resident-{number}")
}

//! The loop itself.

use std::rc::Rc;

use futures::channel::mpsc;
use futures::{FutureExt, StreamExt};
use model::{Answered, Checkpoint, Dataset, Kind, Learner, Outcome, Random, Scores};
use protocol::exchange::{Gradient, Representation, Shape};
use protocol::port::trainer::Step;
use web_time::Instant;

use crate::desk::{Desk, Inbound};
use crate::event::{Control, Event};
use crate::mesh::Mesh;
use crate::roster::{Candidate, Roster};
use crate::round::{Missing, Reply, millis, round};

/// A peer, ready to run.
pub struct Peer<M> {
    learner: Learner,
    kind: Kind,
    dataset: Dataset,
    mesh: Rc<M>,
    /// Own hot key, lower-case hex.
    key: String,
    desk: Desk,
    roster: Roster,
    scores: Scores,
    batches: Random,
    noise: Random,
    asks: u64,
    checkpoint: Option<Checkpoint>,
    drops: u32,
}

/// Why a peer ended without having been told to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model failed, and not only its GPU.
    #[error("training ended: {0}")]
    Model(#[from] model::Error),
    /// The preset's batch cannot be asked for.
    #[error("the batch of this model cannot be asked for: {0}")]
    Shape(#[from] protocol::exchange::ShapeError),
    /// Steps were dropped one after the other.
    #[error("{0} steps in a row had a loss that is no number")]
    Diverged(u32),
}

/// Steps between two copies of the weights to the host, where the device can be lost.
const CHECKPOINT: u64 = 50;
/// Steps between two lists of scores.
const TELL: u64 = 4;
/// Steps between two gradients of others: the rate they are held to.
const FOREIGN: u64 = 2;
/// Dropped steps in a row that end the loop.
const DROPS: u32 = 16;

struct Exchanged {
    answers: Vec<Answered>,
    answered: Vec<Candidate>,
    missed: Vec<String>,
    id: u64,
    waited: f64,
}

impl<M: Mesh + 'static> Peer<M> {
    /// A peer with the hot key `key` (lower-case hex) that learns `dataset` with `learner`, on a device of `kind`. `seed`
    /// fixes its batches and its gate's noise.
    pub fn new(
        learner: Learner,
        kind: Kind,
        dataset: Dataset,
        key: String,
        seed: u64,
        mesh: M,
        inbound: mpsc::Receiver<Inbound>,
    ) -> Self {
        Self {
            roster: Roster::new(learner.preset().slots),
            desk: Desk::new(inbound),
            batches: Random::new(seed, 3),
            noise: Random::new(seed, 4),
            // Asks of an earlier life of this key are not mistaken for these.
            asks: Random::new(seed, 5).next() >> 16,
            scores: Scores::default(),
            mesh: Rc::new(mesh),
            checkpoint: None,
            drops: 0,
            learner,
            kind,
            dataset,
            key,
        }
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
                }
            }
            match self.step(&mut events).await {
                Ok(()) => self.drops = 0,
                Err(Error::Model(model::Error::NotFinite)) if self.drops < DROPS => {
                    self.drops += 1;
                    events(Event::Trouble("the loss of a step was no number; the step was dropped".into()));
                }
                Err(Error::Model(model::Error::NotFinite)) => return Err(Error::Diverged(self.drops + 1)),
                Err(Error::Model(error)) if error.blames_device() && self.kind != Kind::Cpu => {
                    self.move_to_cpu(&error, &mut events)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Steps 1 to 5 of the seven.
    async fn step(&mut self, events: &mut impl FnMut(Event)) -> Result<(), Error> {
        let started = Instant::now();
        if self.kind != Kind::Cpu && self.learner.step().is_multiple_of(CHECKPOINT) {
            let copying = self.learner.checkpoint();
            self.checkpoint = Some(self.desk.attend(&self.learner, copying).await?);
        }
        let batch = self.dataset.batch(self.learner.preset().batch, &mut self.batches);
        let foreign = self.learner.step().is_multiple_of(FOREIGN).then(|| self.desk.memory.next()).flatten();
        let applied = u32::from(foreign.is_some());
        let begun = self.learner.begin(&batch, foreign.as_ref())?;
        self.breathe().await;

        let neighbours = self.mesh.neighbours();
        let candidates = self.roster.candidates(&neighbours, self.learner.step());
        let chosen = self.choose(&begun, candidates).await?;
        let Exchanged { answers, answered, missed, id, waited } = self.exchange(chosen, &batch, events).await?;
        let pending = self.learner.finish(begun, answers)?;
        self.breathe().await;

        let outcome = self.desk.attend(&self.learner, pending.read()).await?;
        if !outcome.is_finite() {
            return Err(model::Error::NotFinite.into());
        }
        self.score(&outcome, &answered, neighbours.iter().map(|neighbour| neighbour.key.as_str()));
        self.send_gradients(&outcome, &answered, id);
        let losses = outcome.losses;
        self.learner.apply(outcome)?;
        self.breathe().await;

        let step = self.learner.step();
        events(Event::Step(Step {
            step,
            with_peers: losses.with_peers,
            alone: losses.alone,
            student: losses.student,
            distillation: losses.distillation,
            tokens: self.learner.preset().tokens() as u32,
            millis: millis(started),
            waited,
            answered: answered.into_iter().map(|candidate| candidate.neighbour.peer).collect(),
            missed,
            applied,
            served: std::mem::take(&mut self.desk.served),
        }));
        if step.is_multiple_of(TELL) {
            events(Event::Scores(self.scores.list()));
        }
        Ok(())
    }

    /// The gate's choice. Where all can be asked, nothing has to be read back.
    async fn choose(&mut self, begun: &model::Begun, candidates: Vec<Candidate>) -> Result<Vec<Candidate>, Error> {
        let preset = self.learner.preset();
        let (slots, most, noise) = (preset.slots, preset.chosen, preset.noise);
        if candidates.len() <= most {
            return Ok(candidates);
        }
        let scores = self.desk.attend(&self.learner, begun.scores()).await?;
        let known: Vec<usize> = candidates.iter().map(|candidate| candidate.slot).collect();
        let chosen = model::choose(&scores, slots, &known, most, noise, &mut self.noise);
        Ok(candidates.into_iter().filter(|candidate| chosen.contains(&candidate.slot)).collect())
    }

    async fn exchange(
        &mut self,
        chosen: Vec<Candidate>,
        batch: &model::Batch,
        events: &mut impl FnMut(Event),
    ) -> Result<Exchanged, Error> {
        self.asks = self.asks.wrapping_add(1);
        let id = self.asks;
        let mut exchanged =
            Exchanged { answers: Vec::new(), answered: Vec::new(), missed: Vec::new(), id, waited: 0.0 };
        if chosen.is_empty() {
            return Ok(exchanged);
        }
        let started = Instant::now();
        let deadline = self.roster.deadline(chosen.iter().map(|candidate| candidate.neighbour.key.as_str()));
        let asking = round(&*self.mesh, chosen, batch, self.learner.preset().dim, id, deadline);
        let replies = self.desk.attend(&self.learner, asking).await?;
        exchanged.waited = millis(started);
        let step = self.learner.step();
        for Reply { candidate, millis, result } in replies {
            match result {
                Ok(answer) => {
                    self.roster.answered(&candidate.neighbour.key, millis);
                    exchanged.answers.push(answer);
                    exchanged.answered.push(candidate);
                }
                Err(missing) => {
                    let peer = candidate.neighbour.peer;
                    exchanged.missed.push(peer.clone());
                    match missing {
                        Missing::Silent => self.roster.missed(&candidate.neighbour.key, step),
                        Missing::Blamed(blame) => {
                            self.roster.blamed(&candidate.neighbour.key, step);
                            events(Event::Blamed { peer, blame });
                        }
                    }
                }
            }
        }
        Ok(exchanged)
    }

    /// Fisher scores of the step: 0 for a neighbour that was not routed to (decisions 11).
    fn score<'a>(&mut self, outcome: &Outcome, answered: &[Candidate], known: impl Iterator<Item = &'a str>) {
        self.scores.take(&self.key, outcome.own);
        for (candidate, score) in answered.iter().zip(&outcome.scores) {
            self.scores.take(&candidate.neighbour.key, *score);
        }
        for key in known.filter(|key| !answered.iter().any(|candidate| candidate.neighbour.key == *key)) {
            self.scores.take(key, 0.0);
        }
    }

    /// Sends ∂L/∂f_j to those that answered, without waiting for them.
    fn send_gradients(&mut self, outcome: &Outcome, answered: &[Candidate], id: u64) {
        let preset = self.learner.preset();
        for (candidate, values) in answered.iter().zip(&outcome.gradients) {
            let shape = Shape::new(preset.batch as u32, preset.seq as u32).ok();
            let representation = shape.and_then(|s| Representation::new(s, preset.dim as u32, values.clone()).ok());
            let Some(representation) = representation else { continue };
            let (mesh, peer) = (self.mesh.clone(), candidate.neighbour.peer.clone());
            self.desk.send(
                async move {
                    if let Err(error) = mesh.gradient(&peer, Gradient { id, representation }).await {
                        tracing::debug!(%peer, %error, "gradient not taken");
                    }
                }
                .boxed_local(),
            );
        }
    }

    async fn breathe(&mut self) {
        let mesh = self.mesh.clone();
        self.desk.attend(&self.learner, mesh.breathe()).await;
        self.desk.turn(&self.learner);
    }

    /// Goes on from the newest copy of the weights.
    fn move_to_cpu(&mut self, error: &model::Error, events: &mut impl FnMut(Event)) -> Result<(), Error> {
        let chosen = model::cpu();
        let preset = self.learner.preset().clone();
        let from = self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.step);
        events(Event::Trouble(format!("{error}; going on with the CPU from step {from}")));
        self.learner = match &self.checkpoint {
            Some(checkpoint) => Learner::restore(preset, checkpoint, &chosen.device)?,
            None => Learner::new(preset, self.batches.next(), &chosen.device),
        };
        self.kind = chosen.kind;
        events(Event::Moved(chosen));
        Ok(())
    }
}

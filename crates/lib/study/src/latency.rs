//! What waiting costs: the share of its speed alone that a peer keeps when its neighbours are far away.
//!
//! The neighbours replay answers that were recorded before, after a delay, so that they take no part of the processor.
//! Time is the machine's; runs alone and with neighbours alternate, so that a mood of the machine meets both.

use std::rc::Rc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use data::Dataset;
use futures::channel::mpsc;
use futures::executor::block_on;
use model::{Learner, Preset, cpu};
use peer::{Control, Event, Manners, Mesh, Neighbour, Peer, Setup, Unanswered};
use protocol::exchange::{Answer, Ask, Gradient, Representation, Want};
use serde::Serialize;

use crate::market::Error;

/// Neighbours that replay.
struct Replay {
    peers: usize,
    delay: Duration,
    /// One sequence's answer, [seq, dim], repeated for as many as are asked for.
    recorded: Vec<f32>,
    dim: usize,
}

/// The experiment.
#[derive(Clone, Debug)]
pub struct Latency {
    /// What is learned.
    pub dataset: Dataset,
    /// Sizes of the model.
    pub preset: Preset,
    /// Steps of a run, after ten that are not counted.
    pub steps: u64,
    /// Runs of each sort.
    pub rounds: usize,
}

/// Speed with neighbours, beside speed alone in the same round.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Row {
    /// Neighbours.
    pub peers: usize,
    /// Time from an ask to its answer, ms.
    pub delay_ms: u64,
    /// Steps a second alone, median of the rounds.
    pub alone: f64,
    /// Steps a second with neighbours, median.
    pub with_peers: f64,
    /// The second as a share of the first, median of the rounds' own shares.
    pub kept: f64,
    /// Share of those asked that answered in time.
    pub answered: f64,
}

impl Latency {
    /// One row for each number of neighbours and delay.
    ///
    /// # Errors
    /// [`Error`] where a run cannot begin or go on.
    pub fn run(&self, peers: &[usize], delays: &[Duration]) -> Result<Vec<Row>, Error> {
        let learner = Learner::new(self.preset.clone(), self.dataset.spec(), 7, &cpu().device);
        let inputs = self.dataset.validation(1, 0).parts.swap_remove(0);
        let recorded = block_on(learner.answer(&inputs, Want::Joined)?.read())?;
        let mut rows = Vec::new();
        for count in peers {
            for delay in delays {
                rows.push(self.row(*count, *delay, &recorded)?);
            }
        }
        Ok(rows)
    }

    fn row(&self, peers: usize, delay: Duration, recorded: &[f32]) -> Result<Row, Error> {
        let replay = |peers| Replay { peers, delay, recorded: recorded.to_vec(), dim: self.preset.dim };
        let (mut alone, mut with, mut kept, mut answered) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let (solo, _) = self.speed(replay(0))?;
            let (met, share) = self.speed(replay(peers))?;
            alone.push(solo);
            with.push(met);
            kept.push(met / solo);
            answered.push(share);
        }
        let delay_ms = delay.as_millis() as u64;
        let [alone, with_peers, kept, answered] = [alone, with, kept, answered].map(median);
        Ok(Row { peers, delay_ms, alone, with_peers, kept, answered })
    }

    /// Steps a second, and the share of answers that came in time.
    fn speed(&self, mesh: Replay) -> Result<(f64, f64), Error> {
        let (_letters, inbound) = mpsc::channel(1);
        let (control, controls) = mpsc::unbounded();
        let peer = Peer::new(Setup {
            preset: self.preset.clone(),
            device: cpu(),
            dataset: self.dataset.clone(),
            key: "own".into(),
            seed: 1,
            mesh: Rc::new(mesh),
            inbound,
            kept: None,
            manners: Manners::default(),
        });
        let (last, mut began, mut ended) = (WARM + self.steps, None, None);
        let (mut answered, mut missed) = (0, 0);
        block_on(peer.run(controls, |event| {
            let Event::Step(step) = event else { return };
            if step.step == WARM {
                began = Some(Instant::now());
            } else if step.step > WARM {
                answered += step.answered.len();
                missed += step.missed.len();
            }
            if step.step == last {
                ended = Some(Instant::now());
                drop(control.unbounded_send(Control::Stop));
            }
        }))?;
        let took = began.zip(ended).map_or(f64::NAN, |(from, to)| (to - from).as_secs_f64());
        let asked = answered + missed;
        let share = if asked == 0 { 1.0 } else { f64::from(answered as u32) / f64::from(asked as u32) };
        Ok((self.steps as f64 / took, share))
    }
}

/// Steps that are not counted: until deadlines are learned and asks are out ahead.
const WARM: u64 = 10;

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[async_trait(?Send)]
impl Mesh for Replay {
    fn neighbours(&self) -> Vec<Neighbour> {
        (0..self.peers).map(|number| Neighbour::new(format!("remote {number}"), format!("{number:064x}"))).collect()
    }

    async fn ask(&self, _: &str, ask: Ask) -> Result<Answer, Unanswered> {
        self.sleep(self.delay).await;
        let shape = ask.inputs().shape();
        let values = self.recorded.repeat(shape.batch() as usize);
        let representation = Representation::encoded(shape, self.dim as u32, &values, ask.encoding(), None)
            .map_err(|error| Unanswered::Unreadable(error.to_string()))?;
        Ok(Answer { id: ask.id(), representation })
    }

    async fn gradient(&self, _: &str, _: Gradient) -> Result<(), Unanswered> {
        self.sleep(self.delay).await;
        Ok(())
    }
}

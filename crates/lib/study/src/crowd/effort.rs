//! What a tab computes, in units of one training step alone: measured on the real model of preset S, so that the crowd's
//! virtual tabs take as long for a step with neighbours, for an answer and for a gradient of another as real ones.
//!
//! Shares of a step carry over from one machine to another better than milliseconds do: all of it is products of matrices.

use std::time::Instant;

use data::Dataset;
use futures::executor::block_on;
use model::{Extra, Learner, Preset, Routing, cpu};
use peer::{EXPLORE, Listed, Places, shortlist};
use protocol::exchange::{Encoding, Modality, Representation, Want};
use protocol::limits;
use serde::Serialize;

use crate::market::Error;

/// Times as shares of one step alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Effort {
    /// A step with answers of neighbours.
    pub with_peers: f64,
    /// An answer: whatever its size, and for each example.
    pub answer: [f64; 2],
    /// A gradient of another in a step: whatever its size, and for each example.
    pub foreign: [f64; 2],
}

impl Effort {
    /// Of preset S: `with_peers` is 1/.43, the share of its speed that a peer keeps beside two neighbours that answer at once
    /// (docs/performance.md, "What a wait costs"); the others are [`Self::measure`]'s, rounded.
    pub const SMALL: Self = Self { with_peers: 1.0 / 0.43, answer: [0.012, 0.022], foreign: [0.05, 0.07] };
    /// Nothing costs anything but a step.
    pub const FREE: Self = Self { with_peers: 1.0, answer: [0.0, 0.0], foreign: [0.0, 0.0] };

    /// Measures them here: each the median of `rounds` rounds of `steps`, beside steps alone of the same round.
    ///
    /// # Errors
    /// [`Error`], where the model or the data cannot be used.
    pub fn measure(rounds: usize, steps: usize) -> Result<Self, Error> {
        let preset = Preset::small();
        let dataset = Dataset::text(TEXT, Some("own"), preset.seq)?;
        let mut bench = Bench { learner: Learner::new(preset, dataset.spec(), 7, &cpu().device), dataset, steps };
        // What is compiled or drawn once is not counted.
        bench.steps(Asked::Nobody)?;
        let mut shares: [Vec<f64>; 5] = Default::default();
        for _ in 0..rounds {
            let alone = bench.steps(Asked::Nobody)?;
            let measured = [
                bench.steps(Asked::Two)?,
                bench.answers(1)?,
                bench.answers(8)?,
                bench.steps(Asked::By(1))?,
                bench.steps(Asked::By(8))?,
            ];
            shares.iter_mut().zip(measured).for_each(|(shares, took)| shares.push(took / alone));
        }
        let [with_peers, one, eight, small, large] = shares.map(median);
        let line = |at_one: f64, at_eight: f64| {
            let each = ((at_eight - at_one) / 7.0).max(0.0);
            [(at_one - each).max(0.0), each]
        };
        Ok(Self { with_peers, answer: line(one, eight), foreign: line(small - 1.0, large - 1.0) })
    }
}

/// Milliseconds that the shortlist takes for so many peers, median of five.
#[must_use]
pub fn shortlist_ms(peers: usize) -> f64 {
    let listed: Vec<Listed> = (0..peers)
        .map(|at| Listed {
            modalities: Modality::Text.into(),
            stake: 1.0 / peers as f64,
            rank: 1.0,
            score: (at % 1_000 == 0).then_some((1.0, 0.1)),
            masked: false,
        })
        .collect();
    let places = Places { most: limits::CONNECTIONS, modality: Modality::Text, explore: EXPLORE };
    let mut random = data::Random::new(1, 1);
    let mut took = || {
        let began = Instant::now();
        std::hint::black_box(shortlist(&listed, places, &mut random));
        began.elapsed().as_secs_f64() * 1e3
    };
    median((0..5).map(|_| took()).collect())
}

/// What a step has to do with others.
#[derive(Clone, Copy)]
enum Asked {
    Nobody,
    /// Two neighbours answer about every example.
    Two,
    /// Another's gradient about so many examples.
    By(u32),
}

struct Bench {
    learner: Learner,
    dataset: Dataset,
    steps: usize,
}

impl Bench {
    /// Seconds of a step.
    fn steps(&mut self, asked: Asked) -> Result<f64, Error> {
        let preset = self.learner.preset().clone();
        let mut random = data::Random::new(3, 3);
        let mut took = 0.0;
        for index in 0..self.steps {
            let batch = self.dataset.batch(preset.batch, &mut random);
            let inputs = self.dataset.validation(1, index).parts.swap_remove(0);
            let one = block_on(self.learner.answer(&inputs, Want::Joined)?.read())?;
            let (routing, answers) = match asked {
                Asked::Two => {
                    let routing = self.learner.route(&vec![0.0; preset.batch * preset.slots], &[0, 1], &mut random);
                    let answers = routing.routed.iter().map(|rows| Some(one.repeat(rows.len()))).collect();
                    (routing, answers)
                }
                _ => (Routing::nobody(), Vec::new()),
            };
            let foreign = match asked {
                Asked::By(rows) => {
                    let inputs = self.dataset.validation(rows as usize, index).parts.swap_remove(0);
                    let values = one.repeat(inputs.shape().batch() as usize);
                    Some(self.learner.budget().admit(inputs, Want::Joined, preset.dim, values, 1.0)?)
                }
                _ => None,
            };
            let began = Instant::now();
            let extra = Extra { foreign: foreign.as_ref(), ..Extra::default() };
            let outcome = block_on(self.learner.start(&batch, &routing, answers, extra)?.read())?;
            self.learner.apply(outcome)?;
            took += began.elapsed().as_secs_f64();
        }
        Ok(took / self.steps as f64)
    }

    /// Seconds of an answer about `rows` examples, written as it travels.
    fn answers(&self, rows: usize) -> Result<f64, Error> {
        let mut took = 0.0;
        for index in 0..self.steps {
            let inputs = self.dataset.validation(rows, index).parts.swap_remove(0);
            let began = Instant::now();
            let values = block_on(self.learner.answer(&inputs, Want::Joined)?.read())?;
            let dim = self.learner.preset().dim as u32;
            let written = Representation::encoded(inputs.shape(), dim, &values, Encoding::F16, None);
            std::hint::black_box(written.is_ok());
            took += began.elapsed().as_secs_f64();
        }
        Ok(took / self.steps as f64)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What is learned while it is measured: how fast does not depend on what.
const TEXT: &[u8] = include_bytes!("../../../../../docs/performance.md");

//! How many bytes what travels is worth: the same market with answers and gradients in each encoding.

use data::Dataset;
use model::Preset;
use peer::Manners;
use protocol::exchange::Encoding;
use serde::Serialize;

use crate::market::{Error, Market, Resident};
use crate::{Interval, seeds};

/// The experiment.
#[derive(Clone, Debug)]
pub struct Wire {
    /// One a peer, that of the watched one first.
    pub datasets: Vec<Dataset>,
    /// Steps of everyone.
    pub steps: u64,
    /// Batches of the validation.
    pub batches: usize,
    /// Sizes of every model.
    pub preset: Preset,
    /// Seeds.
    pub seeds: u64,
}

/// What came of one pair of encodings.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Of answers and of gradients.
    pub encoding: String,
    /// Bytes sent and received by the watched peer, a step.
    pub bytes_a_step: Interval,
    /// Nats on the held-out part with neighbours.
    pub with_peers: Interval,
    /// The same less that of the first row, seed by seed.
    pub worse: Interval,
}

/// Answers and gradients; the first is what the others are held against.
const PAIRS: [(Encoding, Encoding); 4] = [
    (Encoding::F32, Encoding::F32),
    (Encoding::F16, Encoding::F16),
    (Encoding::F16, Encoding::Int8),
    (Encoding::Int8, Encoding::Int8),
];

impl Wire {
    /// One row a pair.
    ///
    /// # Errors
    /// [`Error`] of the first run that came to no end.
    pub fn run(&self) -> Result<Vec<Row>, Error> {
        let mut first: Option<Vec<f64>> = None;
        let mut rows = Vec::new();
        for (answers, gradients) in PAIRS {
            let outcomes = seeds(self.seeds, |seed| self.market(answers, gradients)?.run(seed))?;
            let losses: Vec<f64> =
                outcomes.iter().map(|o| o.validation.peers.as_ref().unwrap_or(&o.validation.alone).loss).collect();
            let bytes: Vec<f64> = outcomes
                .iter()
                .map(|o| {
                    o.steps.iter().map(|step| (step.sent + step.received) as f64).sum::<f64>() / o.steps.len() as f64
                })
                .collect();
            rows.push(Row {
                encoding: format!("answers {answers:?}, gradients {gradients:?}"),
                bytes_a_step: Interval::of(&bytes),
                with_peers: Interval::of(&losses),
                worse: Interval::of_differences(&losses, first.get_or_insert_with(|| losses.clone())),
            });
        }
        Ok(rows)
    }

    fn market(&self, answers: Encoding, gradients: Encoding) -> Result<Market, Error> {
        let (own, others) = self.datasets.split_first().filter(|(_, others)| others.len() > 1).ok_or(Error::TooFew)?;
        Ok(Market {
            residents: others.iter().cloned().map(Resident::Honest).collect(),
            steps: self.steps,
            batches: self.batches,
            manners: Manners { answers, gradients, ..Manners::default() },
            ..Market::alone(self.preset.clone(), own.clone())
        })
    }
}

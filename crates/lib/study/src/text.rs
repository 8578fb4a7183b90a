//! Is it worth having neighbours? Bits a byte on a held-out text, for one peer among residents on shards of their own,
//! beside the same peer alone and among neighbours that have learned nothing.

use data::Dataset;
use model::Preset;
use serde::Serialize;

use crate::market::{Error, Market, Outcome, Resident};
use crate::{Interval, seeds};

/// Who the neighbours were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// Residents that learn, each its own shard.
    Peers,
    /// Nobody.
    Alone,
    /// Nobody, for `LONGER` times the steps: as much compute of its own as with peers.
    Longer,
    /// Models of the same size whose weights are as they were drawn.
    Untrained,
    /// Numbers that have nothing to do with the inputs.
    Noise,
}

/// Bits a byte of one arm, on the held-out tenth of the text.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Who the neighbours were.
    pub arm: Arm,
    /// As the peer runs: with answers where there are neighbours, else alone.
    pub whole: Interval,
    /// Of its own encoding.
    pub own: Interval,
    /// With the students in the neighbours' place; none where it never had any.
    pub student: Option<Interval>,
    /// `whole` of every seed, for differences.
    pub seeds: Vec<f64>,
}

/// The experiment.
#[derive(Clone, Debug)]
pub struct Text<'a> {
    /// The text that everyone's shard is of.
    pub text: &'a [u8],
    /// Residents.
    pub residents: usize,
    /// Steps of everyone.
    pub steps: u64,
    /// Batches of the validation.
    pub batches: usize,
    /// Sizes of every model.
    pub preset: Preset,
    /// Seeds.
    pub seeds: u64,
}

impl Text<'_> {
    /// One row an arm.
    ///
    /// # Errors
    /// [`Error`] of the first run that came to no end.
    pub fn run(&self, arms: &[Arm]) -> Result<Vec<Row>, Error> {
        let row = |arm: &Arm| {
            let outcomes = seeds(self.seeds, |seed| self.market(*arm)?.run(seed))?;
            let of = |value: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(value).collect::<Vec<f64>>();
            let whole =
                of(&|outcome| bits(outcome.validation.peers.as_ref().unwrap_or(&outcome.validation.alone).loss));
            let met = outcomes.iter().all(|outcome| outcome.validation.peers.is_some());
            Ok(Row {
                arm: *arm,
                whole: Interval::of(&whole),
                own: Interval::of(&of(&|outcome| bits(outcome.validation.alone.loss))),
                student: met.then(|| Interval::of(&of(&|outcome| bits(outcome.validation.student.loss)))),
                seeds: whole,
            })
        };
        arms.iter().map(row).collect()
    }

    /// What one seed of `arm` runs.
    ///
    /// # Errors
    /// [`Error::Data`] where the text is too short.
    pub fn market(&self, arm: Arm) -> Result<Market, Error> {
        let mut shards = shards(self.text, self.residents + 1, self.preset.seq)?;
        let own = shards.remove(0);
        let resident = |number: usize| {
            Ok(match arm {
                Arm::Peers => Resident::Honest(shards[number].clone()),
                Arm::Alone | Arm::Longer | Arm::Untrained => Resident::Untrained,
                Arm::Noise => Resident::Noise,
            })
        };
        let residents = if matches!(arm, Arm::Alone | Arm::Longer) { 0 } else { self.residents };
        Ok(Market {
            residents: (0..residents).map(resident).collect::<Result<_, Error>>()?,
            steps: if arm == Arm::Longer { LONGER * self.steps } else { self.steps },
            batches: self.batches,
            ..Market::alone(self.preset.clone(), own)
        })
    }
}

/// `count` parts of `text` that have no byte in common, with the same held-out part, which is of the last tenth.
///
/// # Errors
/// [`data::Error`] where the text is too short for them.
pub fn shards(text: &[u8], count: usize, seq: usize) -> Result<Vec<Dataset>, data::Error> {
    let (train, held) = text.split_at(text.len() - text.len() / 10);
    let length = train.len() / count.max(1);
    // Of a text, its last tenth is held out: a ninth of what stands before.
    let held = &held[..held.len().min(length / 9)];
    let shard = |part: &[u8]| Dataset::text(&[part, held].concat(), None, seq);
    train.chunks_exact(length.max(1)).take(count).map(shard).collect()
}

/// What a step with peers costs in steps alone: 1.9 by multiplications, 2.3 by the clock (docs/performance.md).
const LONGER: u64 = 2;

/// Nats as bits.
fn bits(nats: f64) -> f64 {
    nats / std::f64::consts::LN_2
}

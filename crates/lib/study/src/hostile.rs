//! What becomes of neighbours that are worth nothing, that copy, and that poison; and what they cost.

use data::Dataset;
use model::Preset;
use serde::Serialize;

use crate::market::{Error, Market, Outcome, Resident};
use crate::{Interval, seeds};

/// The experiment: `honest` residents, then one of each other sort.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// One a resident, after that of the watched peer.
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

/// Scores are shares of the largest.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Of the honest residents, the copied one aside.
    pub honest: Interval,
    /// Of the honest resident that is copied.
    pub copied: Interval,
    /// Of its copier.
    pub copier: Interval,
    /// Of one that answers noise.
    pub noise: Interval,
    /// Of one that answers to mislead and sends poisoned gradients.
    pub poisoner: Interval,
    /// Exact removal of the copier alone, nats.
    pub single_removal: Interval,
    /// Exact removal of the copier and the copied one together, nats.
    pub joint_removal: Interval,
    /// Nats on the held-out part among all of them.
    pub among_all: Interval,
    /// Nats among the honest alone.
    pub among_honest: Interval,
}

impl Hostile {
    /// Runs all seeds, each among all and among the honest alone.
    ///
    /// # Errors
    /// [`Error`] of the first run that came to no end.
    pub fn run(&self) -> Result<Report, Error> {
        let all = seeds(self.seeds, |seed| self.market(true)?.run(seed))?;
        let honest = seeds(self.seeds, |seed| self.market(false)?.run(seed))?;
        let count = self.datasets.len() - 1;
        let share = |outcome: &Outcome, numbers: &[usize]| {
            let of = |number: usize| outcome.scores[number].as_ref().map_or(0.0, |scored| scored.score);
            let largest = (0..outcome.scores.len()).map(of).fold(f64::MIN_POSITIVE, f64::max);
            numbers.iter().map(|number| of(*number)).sum::<f64>() / numbers.len() as f64 / largest
        };
        let shares = |numbers: &[usize]| Interval::of(&all.iter().map(|o| share(o, numbers)).collect::<Vec<_>>());
        let removal = |which: usize| Interval::of(&all.iter().map(|o| o.removals[which]).collect::<Vec<_>>());
        let nats = |outcomes: &[Outcome]| {
            let of = |o: &Outcome| o.validation.peers.as_ref().unwrap_or(&o.validation.alone).loss;
            Interval::of(&outcomes.iter().map(of).collect::<Vec<_>>())
        };
        Ok(Report {
            honest: shares(&(1..count).collect::<Vec<_>>()),
            copied: shares(&[0]),
            copier: shares(&[count]),
            noise: shares(&[count + 1]),
            poisoner: shares(&[count + 2]),
            single_removal: removal(0),
            joint_removal: removal(1),
            among_all: nats(&all),
            among_honest: nats(&honest),
        })
    }

    /// What one seed runs: the honest residents, and then a copier of the first, noise and a poisoner.
    ///
    /// # Errors
    /// [`Error::TooFew`] for fewer than three datasets.
    pub fn market(&self, hostile: bool) -> Result<Market, Error> {
        let (own, others) = self.datasets.split_first().filter(|(_, others)| others.len() > 1).ok_or(Error::TooFew)?;
        let mut residents: Vec<Resident> = others.iter().cloned().map(Resident::Honest).collect();
        let copier = residents.len();
        if hostile {
            residents.extend([Resident::Copier(0), Resident::Noise, Resident::Poisoner]);
        }
        let removed = if hostile { vec![vec![copier], vec![0, copier]] } else { Vec::new() };
        let (steps, batches) = (self.steps, self.batches);
        Ok(Market { residents, steps, batches, removed, ..Market::alone(self.preset.clone(), own.clone()) })
    }
}

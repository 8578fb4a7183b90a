//! Is a neighbour worth most to those that lack what it knows? Peers that each hold some labels and see little of the
//! others, scored by each other.

use data::Dataset;
use model::Preset;
use serde::Serialize;

use crate::market::{Error, Market, Outcome, Resident};
use crate::probe::{Probe, agreement};
use crate::{Interval, seeds, spearman};

/// The experiment.
#[derive(Clone, Debug)]
pub struct Digits {
    /// All labels, and the validation.
    pub all: Dataset,
    /// Labels: numbers 0 to this.
    pub labels: u16,
    /// Peers in all, the watched one among them; each holds as many labels as the others, its own the first of them.
    pub peers: usize,
    /// Labels that each holds.
    pub held: u16,
    /// Share of a peer's examples that are of any label.
    pub others: f32,
    /// Steps of everyone.
    pub steps: u64,
    /// Batches of the validation.
    pub batches: usize,
    /// Sizes of every model.
    pub preset: Preset,
    /// Seeds.
    pub seeds: u64,
}

/// What came of it, over seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Share of the held-out examples of all labels that is named right, with neighbours.
    pub with_peers: Interval,
    /// The same peer, trained alone.
    pub alone: Interval,
    /// With the students in the neighbours' place.
    pub student: Interval,
    /// `with_peers` less `alone`, seed by seed.
    pub gain: Interval,
    /// Mean score of neighbours by how many of the labels that the watched peer lacks they hold, as a share of the largest.
    pub by_missing: Vec<(u16, f64)>,
    /// Spearman between the labels that a neighbour brings and its score, over all seeds.
    pub missing_against_score: f64,
    /// Spearman of Fisher scores against exact removal with the gates as they were, on the held-out part, over all neighbours of all
    /// seeds.
    pub fisher_against_exact: f64,
    /// The same of the parts in what the loss falls by.
    pub gain_against_exact: f64,
    /// The same of the gate's mass.
    pub mass_against_exact: f64,
    /// Gain by neighbours that hold a label on held-out examples of it, nats, mean over the labels that the watched peer lacks.
    pub holders: Interval,
    /// The same of neighbours that do not hold the label.
    pub strangers: Interval,
    /// The first less the second, seed by seed.
    pub holders_less_strangers: Interval,
    /// Exact removal in the place of the gain.
    pub holders_exact: Interval,
    /// The same of neighbours that do not hold the label.
    pub strangers_exact: Interval,
}

impl Digits {
    /// Runs all seeds.
    ///
    /// # Errors
    /// [`Error`] of the first run that came to no end.
    pub fn run(&self) -> Result<Report, Error> {
        let met = seeds(self.seeds, |seed| self.market(true)?.run(seed))?;
        let alone = seeds(self.seeds, |seed| self.market(false)?.run(seed))?;
        let accuracy = |outcomes: &[Outcome], of: fn(&Outcome) -> Option<f64>| -> Vec<f64> {
            outcomes.iter().map(|outcome| of(outcome).unwrap_or(f64::NAN)).collect()
        };
        let peers = accuracy(&met, |outcome| outcome.validation.peers.as_ref().map(|measured| measured.accuracy));
        let solo = accuracy(&alone, |outcome| Some(outcome.validation.alone.accuracy));
        let student = accuracy(&met, |outcome| Some(outcome.validation.student.accuracy));
        let (mut brought, mut scores) = (Vec::new(), Vec::new());
        for outcome in &met {
            let largest = outcome.scores.iter().flatten().map(|one| one.score).fold(f64::MIN_POSITIVE, f64::max);
            for (number, scored) in outcome.scores.iter().enumerate() {
                let Some(scored) = scored else { continue };
                brought.push(f64::from(self.brings(number)));
                scores.push(scored.score / largest);
            }
        }
        let probes: Vec<&[Probe]> = met.iter().map(|outcome| &outcome.probes[0][..]).collect();
        let lacking = |held: bool, of: fn(&Probe) -> f64| -> Vec<f64> {
            met.iter().map(|outcome| self.lacking(outcome, held, of)).collect()
        };
        let (holders, strangers) = (lacking(true, |probe| probe.gain), lacking(false, |probe| probe.gain));
        let by_missing = (0..=self.labels).filter_map(|count| {
            let of: Vec<f64> =
                brought.iter().zip(&scores).filter(|(b, _)| **b == f64::from(count)).map(|(_, s)| *s).collect();
            (!of.is_empty()).then(|| (count, of.iter().sum::<f64>() / of.len() as f64))
        });
        Ok(Report {
            with_peers: Interval::of(&peers),
            alone: Interval::of(&solo),
            student: Interval::of(&student),
            gain: Interval::of_differences(&peers, &solo),
            by_missing: by_missing.collect(),
            missing_against_score: spearman(&brought, &scores),
            fisher_against_exact: agreement(&probes, |probe| probe.fisher),
            gain_against_exact: agreement(&probes, |probe| probe.gain),
            mass_against_exact: agreement(&probes, |probe| probe.mass),
            holders: Interval::of(&holders),
            strangers: Interval::of(&strangers),
            holders_less_strangers: Interval::of_differences(&holders, &strangers),
            holders_exact: Interval::of(&lacking(true, |probe| probe.masked)),
            strangers_exact: Interval::of(&lacking(false, |probe| probe.masked)),
        })
    }

    /// What one seed runs.
    ///
    /// # Errors
    /// [`Error::Data`] where the labels do not suffice.
    pub fn market(&self, with_peers: bool) -> Result<Market, Error> {
        let part = |peer: usize| -> Result<Dataset, Error> {
            Ok(self.all.mixed(&self.all.restrict(&self.holds(peer))?, 1.0 - self.others)?)
        };
        let residents = if with_peers { 1..self.peers } else { 0..0 };
        Ok(Market {
            residents: residents.map(|peer| Ok(Resident::Honest(part(peer)?))).collect::<Result<_, Error>>()?,
            steps: self.steps,
            batches: self.batches,
            probes: if with_peers { self.probes()? } else { Vec::new() },
            ..Market::alone(self.preset.clone(), part(0)?)
        })
    }

    /// The held-out examples of all labels, and those of each label that the watched peer lacks.
    fn probes(&self) -> Result<Vec<(Dataset, usize)>, Error> {
        let mut probes = vec![(self.all.clone(), self.batches)];
        for label in self.lacked() {
            probes.push((self.all.restrict(&[label])?, self.batches.div_ceil(usize::from(self.labels))));
        }
        Ok(probes)
    }

    /// A figure on examples of labels that the watched peer lacks, mean over the labels and the neighbours that hold them, or do not.
    fn lacking(&self, outcome: &Outcome, held: bool, of: fn(&Probe) -> f64) -> f64 {
        let looks = self.lacked().into_iter().zip(&outcome.probes[1..]).flat_map(|(label, probes)| {
            let who = probes.iter().enumerate();
            who.filter(move |(number, _)| self.holds(number + 1).contains(&label) == held).map(|(_, probe)| of(probe))
        });
        let values: Vec<f64> = looks.collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    /// Labels that the watched peer does not hold.
    fn lacked(&self) -> Vec<u16> {
        let own = self.holds(0);
        (0..self.labels).filter(|label| !own.contains(label)).collect()
    }

    /// Labels of peer `peer`, 0 the watched one.
    fn holds(&self, peer: usize) -> Vec<u16> {
        let first = (peer * usize::from(self.labels) / self.peers) as u16;
        (0..self.held).map(|i| (first + i) % self.labels).collect()
    }

    /// How many labels that the watched peer lacks the resident of this number holds.
    fn brings(&self, number: usize) -> u16 {
        let own = self.holds(0);
        self.holds(number + 1).iter().filter(|label| !own.contains(label)).count() as u16
    }
}

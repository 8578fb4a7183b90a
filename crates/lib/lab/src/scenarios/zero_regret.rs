//! Zero regret: among steps of equal norm none beats the gradient to first order.
//!
//! At random rows of a market game, P_i changes by δ g·d along a direction d of the simplex's tangent with ‖d‖₂ = 1, and by
//! δ ‖g‖ along the gradient projected on the tangent: no d has g·d > ‖g‖. What a real step gains differs by a remainder of
//! order δ². Directions are drawn around the gradient at several distances, since those far from it are no rivals in many
//! dimensions. Rows keep every entry above the largest δ, so that no step leaves the simplex.

use crate::formulas::market;
use crate::market::law::{COMMON, FEATURES, LAW, Law, NEED, PEERS, SIZE, SPREAD, TEMPERATURE, share};
use crate::market::{Market, terms};
use crate::random::Random;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::{dot, mean};
use mechanism::competitive::payoff::Terms;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "zero-regret",
    title: "No step of equal length beats the gradient",
    about: "At random rows of a market game, the gain of a step along the gradient stands beside those along many other \
            directions of the simplex, of the same length. To first order none gains more; long steps may, by the \
            curvature of the payoff, and ever less as they shorten.",
    settings: &[
        Setting { name: "states", about: "random markets", range: Range::Whole { default: 40, least: 1, most: 1000 } },
        Setting {
            name: "directions",
            about: "directions at each",
            range: Range::Whole { default: 200, least: 1, most: 10_000 },
        },
        Setting { name: "ratio", about: "α/τ", range: Range::Number { default: 10.0, least: 0.0, most: 1e6 } },
        LAW,
        PEERS,
        TEMPERATURE,
        FEATURES,
        SIZE,
        SPREAD,
        COMMON,
        NEED,
    ],
    random: true,
    run,
    formulas: market::zero_regret,
};

/// Norms, each half of the one before.
const NORMS: usize = 8;

/// How near to the gradient directions are drawn: noise of length 1/2, 1/4, … is added to its own 1; the farthest are noise.
const NEARNESS: usize = 12;

/// What steps of one norm gained, in units of what the gradient gains to first order.
#[derive(Default)]
struct Gains {
    norm: f64,
    /// By the gradient, summed over states.
    gradient: f64,
    /// The most by which another gained more, or the least by which all gained less.
    excess: f64,
    /// Directions that gained more.
    better: f64,
    /// Largest difference from the first order, over the norm.
    remainder: f64,
}

/// A peer in a market, and its gradient.
struct Place<'a> {
    market: &'a Market,
    rows: Vec<Vec<f64>>,
    own: usize,
    terms: &'a Terms,
    value: f64,
    gradient: Vec<f64>,
    slope: f64,
}

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let (peers, states) = (settings.whole(PEERS.name)?, settings.whole("states")?);
    let directions = settings.whole("directions")?;
    let terms = terms(settings.number("ratio")?, settings.number(TEMPERATURE.name)?);
    let law = Law::of(settings)?;
    let mut random = Random::new(settings.seed());
    // Entries of the rows are above 1/(2n).
    let mut norm = share(2 * peers);
    let mut gains = Vec::with_capacity(NORMS);
    for _ in 0..NORMS {
        gains.push(Gains { norm, excess: f64::NEG_INFINITY, ..Gains::default() });
        norm *= 0.5;
    }
    let mut alignment = f64::NEG_INFINITY;
    for state in 0..states {
        let market = Market::new(law.hessians(&mut random))?;
        let place = Place::new(&market, rows(peers, &mut random), state % peers, &terms)?;
        let best: Vec<f64> = place.gradient.iter().map(|g| g / place.slope).collect();
        let mut along = Vec::with_capacity(NORMS);
        for gains in &mut gains {
            let gain = place.gain(&best, gains.norm)?;
            gains.gradient += gain;
            along.push(gain);
        }
        for index in 0..directions {
            let direction = place.direction(&best, index % NEARNESS, &mut random);
            let first = dot(&place.gradient, &direction) / place.slope;
            alignment = alignment.max(first);
            for (gains, along) in gains.iter_mut().zip(&along) {
                gains.compare(place.gain(&direction, gains.norm)?, first, *along);
            }
        }
    }
    report.fact("largest first-order gain of another direction over the gradient's", alignment, "");
    show(&gains, share(states), share(states * directions), report);
    Ok(())
}

impl<'a> Place<'a> {
    fn new(market: &'a Market, rows: Vec<Vec<f64>>, own: usize, terms: &'a Terms) -> Result<Self, LabError> {
        let payoff = market.payoff(&rows, own, terms)?;
        let gradient = tangent(&payoff.gradient);
        let slope = dot(&gradient, &gradient).sqrt();
        if slope > 0.0 {
            Ok(Self { market, rows, own, terms, value: payoff.value, gradient, slope })
        } else {
            Err(LabError::Settings("the payoff is flat, and has no gradient to compare with".into()))
        }
    }

    /// A direction of length 1: the gradient's, and noise of length 2^−`halvings`.
    fn direction(&self, best: &[f64], halvings: usize, random: &mut Random) -> Vec<f64> {
        let noise = tangent(&best.iter().map(|_| random.normal()).collect::<Vec<f64>>());
        let mut scale = 1.0 / dot(&noise, &noise).sqrt();
        (0..halvings).for_each(|_| scale *= 0.5);
        // The farthest are drawn without the gradient.
        let kept = if halvings == 0 { 0.0 } else { 1.0 };
        let mixed: Vec<f64> = best.iter().zip(&noise).map(|(best, noise)| kept * best + scale * noise).collect();
        let length = dot(&mixed, &mixed).sqrt();
        mixed.iter().map(|entry| entry / length).collect()
    }

    /// P(w + δd) − P(w), over δ‖g‖.
    fn gain(&self, direction: &[f64], norm: f64) -> Result<f64, LabError> {
        let mut rows = self.rows.clone();
        for (weight, entry) in rows[self.own].iter_mut().zip(direction) {
            *weight += norm * entry;
        }
        let value = self.market.payoff(&rows, self.own, self.terms)?.value;
        Ok((value - self.value) / (norm * self.slope))
    }
}

impl Gains {
    /// `gain` of a direction whose first order is `first`, beside that of the gradient, `best`, whose first order is 1.
    fn compare(&mut self, gain: f64, first: f64, best: f64) {
        self.excess = self.excess.max(gain - best);
        self.better += if gain > best { 1.0 } else { 0.0 };
        self.remainder = self.remainder.max((gain - first).abs() / self.norm).max((best - 1.0).abs() / self.norm);
    }
}

fn show(gains: &[Gains], by_state: f64, by_direction: f64, report: &mut Report) {
    let each = |one: &dyn Fn(&Gains) -> f64| gains.iter().map(one).collect::<Vec<f64>>();
    if let [.., last] = gains {
        report.fact("largest true gain over the gradient's at the shortest step", last.excess, "of its first order");
    }
    report.tables.push(Table::new(
        "norms",
        vec![
            Column::new("norm", each(&|g| g.norm)),
            Column::new("gradient", each(&|g| g.gradient * by_state)),
            Column::new("excess of the best other", each(&|g| g.excess)),
            Column::new("share that gained more", each(&|g| g.better * by_direction)),
            Column::new("largest remainder over the norm", each(&|g| g.remainder)),
        ],
    ));
    for (title, series, y) in [
        ("Gain along the gradient, over its first order", &["gradient"][..], "gain"),
        ("What the best other direction gains more", &["excess of the best other"], "gain"),
        ("Directions that gain more than the gradient", &["share that gained more"], "share of directions"),
    ] {
        report.figures.push(Figure {
            title,
            table: "norms",
            x: "norm".into(),
            series: series.iter().map(|&name| name.into()).collect(),
            y,
            unit: "",
            mark: Mark::Line,
        });
    }
}

/// Rows with entries between 1/(2n) and 2/n.
fn rows(peers: usize, random: &mut Random) -> Vec<Vec<f64>> {
    let mut row = || {
        let weights: Vec<f64> = (0..peers).map(|_| random.between(1.0, 2.0)).collect();
        let mut sum = 0.0;
        weights.iter().for_each(|weight| sum += weight);
        weights.iter().map(|weight| weight / sum).collect()
    };
    (0..peers).map(|_| row()).collect()
}

/// The part of `vector` along which rows keep their sum.
fn tangent(vector: &[f64]) -> Vec<f64> {
    let mean = mean(vector);
    vector.iter().map(|entry| entry - mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seed: u64, given: &[(&'static str, &'static str)]) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, given.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn no_direction_beats_the_gradient_beyond_the_remainder() {
        for (seed, ratio) in [(0, "10"), (1, "0.1"), (2, "50")] {
            let report = report(seed, &[("ratio", ratio)]);
            println!("{}", report.csv());
            assert!(report.facts[0].value <= 1.0 + 1e-12, "{:?}", report.facts);
            let column = |name: &str| report.table("norms").unwrap().column(name).unwrap().values.clone();
            let (norm, excess) = (column("norm"), column("excess of the best other"));
            let (better, remainder) = (column("share that gained more"), column("largest remainder over the norm"));
            for index in 0..NORMS {
                // Two remainders, the gradient's and the other's, of at most M δ each.
                assert!(excess[index] <= 2.0 * remainder[index] * norm[index], "{excess:?} {remainder:?}");
            }
            // The remainder is of second order: over the norm it does not grow.
            assert!(remainder[NORMS - 1] <= 2.0 * remainder[0], "{remainder:?}");
            assert!(excess[NORMS - 1] < 1e-3 && better[NORMS - 1] <= better[0], "{excess:?} {better:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        let short = [("states", "2"), ("directions", "3"), ("peers", "4")];
        assert_eq!(report(1, &short), report(1, &short));
        assert_ne!(report(1, &short).tables, report(2, &short).tables);
    }
}

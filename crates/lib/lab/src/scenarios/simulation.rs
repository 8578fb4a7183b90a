//! The simulation in the paper's appendix 12.7: an honest graph of few peers, a cabal of many, random weights and stakes.
//!
//! Three runs on one seed. As printed, the program measures the wrong peers (it sums `S[nB:]`, the last few of the cabal,
//! for `S[nA:]`), mints τ I/‖I‖ whatever the stake has grown to, and takes trust from the stake as it grows. Corrected, it
//! measures the cabal. Normalised, stake is a share again after each block, so that τ and the temperature keep their
//! meaning. While the loss is not negative A moves by equation 6 as printed.

use crate::formulas::groups;
use crate::random::Random;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use mechanism::arithmetic::sum;
use mechanism::rows::Rows;
use mechanism::scaling;
use mechanism::stake;
use mechanism::trust::readings::{Unit, printed};
use mechanism::trust::{Parameters, evaluate};
use mechanism::world::World;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "simulation",
    title: "The paper's simulation, as printed and as it should be",
    about: "Five honest peers hold 51 % of the stake, a hundred dishonest ones the rest, with random weights in each graph. \
            The printed program measures the wrong peers and forgets that stake grows; beside it stand the corrected one \
            and the one in which stake is a share of the whole.",
    settings: &[
        Setting { name: "honest", about: "honest peers", range: Range::Whole { default: 5, least: 1, most: 120 } },
        Setting { name: "cabal", about: "dishonest peers", range: Range::Whole { default: 100, least: 1, most: 120 } },
        Setting {
            name: "share",
            about: "the cabal's share of the stake at first",
            range: Range::Number { default: 0.49, least: 0.0, most: 1.0 },
        },
        Setting { name: "blocks", about: "blocks", range: Range::Whole { default: 2_000, least: 1, most: 5_000 } },
        Setting {
            name: "tau",
            about: "stake minted a block",
            range: Range::Number { default: 0.01, least: 0.0, most: 1.0 },
        },
        Setting {
            name: "temperature",
            about: "slope of trust",
            range: Range::Number { default: 1.0, least: 0.01, most: 100.0 },
        },
        Setting {
            name: "rate",
            about: "step of the scaling while the loss is not negative",
            range: Range::Number { default: 0.05, least: 0.0, most: 10.0 },
        },
        Setting {
            name: "density",
            about: "share of weights in each graph that are not 0",
            range: Range::Number { default: 0.9, least: 0.05, most: 1.0 },
        },
    ],
    random: true,
    run,
    formulas: groups::simulation,
};

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let market = Market::new(settings)?;
    let constants = Constants {
        blocks: settings.whole("blocks")?,
        tau: settings.number("tau")?,
        temperature: settings.number("temperature")?,
        rate: settings.number("rate")?,
    };
    let printed = market.run(&constants, false)?;
    let normalised = market.run(&constants, true)?;
    let mut columns = vec![Column::index("block", constants.blocks)];
    for (name, values) in
        [("as printed", printed.sliced), ("corrected", printed.cabal), ("corrected and normalised", normalised.cabal)]
    {
        if let Some(last) = values.last() {
            report.fact(format!("share at the end, {name}"), *last, "");
        }
        columns.push(Column::new(name, values));
    }
    report.figures.push(Figure {
        title: "Share of the cabal after each block",
        table: "cabal",
        x: "block".into(),
        series: columns[1..].iter().map(|column| column.name.clone()).collect(),
        y: "share of all stake",
        unit: "",
        mark: Mark::Line,
    });
    report.tables.push(Table::new("cabal", columns));
    Ok(())
}

struct Constants {
    blocks: usize,
    tau: f64,
    temperature: f64,
    rate: f64,
}

/// The honest peers first, then the cabal.
struct Market {
    weights: Rows,
    stake: Vec<f64>,
    honest: usize,
    cabal: usize,
}

/// What was measured after each block: as the printed slice does, and the whole cabal.
struct Shares {
    sliced: Vec<f64>,
    cabal: Vec<f64>,
}

impl Market {
    fn new(settings: &Settings) -> Result<Self, LabError> {
        let (honest, cabal) = (settings.whole("honest")?, settings.whole("cabal")?);
        let (share, density) = (settings.number("share")?, settings.number("density")?);
        let mut random = Random::new(settings.seed());
        let mut rows = Vec::new();
        let mut stake = Vec::new();
        for (first, count, share) in [(0, honest, 1.0 - share), (honest, cabal, share)] {
            for i in 0..count {
                rows.push(row(&mut random, first, i, count, density));
            }
            let raw: Vec<f64> = (0..count).map(|_| random.uniform()).collect();
            let total = sum(&raw);
            stake.extend(raw.iter().map(|s| s / total * share));
        }
        Ok(Self { weights: Rows::new(honest + cabal, rows)?, stake, honest, cabal })
    }

    /// All blocks; `normalised` makes stake a share after each.
    fn run(&self, constants: &Constants, normalised: bool) -> Result<Shares, LabError> {
        let n = self.stake.len();
        let (mut stake, mut scaling) = (self.stake.clone(), vec![1.0; n]);
        let mut shares = Shares { sliced: Vec::new(), cabal: Vec::new() };
        for _ in 0..constants.blocks {
            let world = World { stake: &stake, scaling: &scaling, weights: &self.weights };
            // The program takes t from the stake itself, not from shares: the slope grows with it.
            let slope = constants.temperature * sum(&world.scaled());
            let parameters =
                Parameters { beta: slope, kappa: 0.0, depth: DEPTH, temperature: 0.0, sources: usize::MAX, seed: 0 };
            let outcome = evaluate(&world, &parameters)?;
            if outcome.loss < 0.0 {
                let total = sum(&stake);
                stake = stake::next(&stake, &outcome.incentive, constants.tau / total);
                if normalised {
                    let total = sum(&stake);
                    stake.iter_mut().for_each(|s| *s /= total);
                }
            } else {
                let ascent =
                    printed(&world, &Parameters { beta: constants.temperature, ..parameters }, Unit::One)?.literal;
                let descent: Vec<f64> = ascent.iter().map(|g| -g).collect();
                scaling = scaling::descend(&world, &descent, constants.rate);
            }
            let (honest, all) = (sum(&stake[..self.honest]), sum(&stake));
            let tail = sum(&stake[self.cabal.min(n)..]);
            shares.sliced.push(tail / (honest + tail));
            shares.cabal.push((all - honest) / all);
        }
        Ok(shares)
    }
}

/// A random row among `count` peers from `first` on; whoever draws nothing scores itself.
fn row(random: &mut Random, first: usize, own: usize, count: usize, density: f64) -> Vec<(u32, f64)> {
    let mut entries = Vec::new();
    for j in 0..count {
        let (weight, kept) = (random.uniform(), random.uniform() < density);
        if kept && weight > 0.0 {
            entries.push((first + j, weight));
        }
    }
    if entries.is_empty() {
        entries.push((first + own, 1.0));
    }
    let total = entries.iter().fold(0.0, |total, (_, weight)| total + weight);
    #[expect(clippy::cast_possible_truncation, reason = "at most 240 peers")]
    entries.into_iter().map(|(j, weight)| (j as u32, weight / total)).collect()
}

/// Steps along rows: enough for everyone in a graph of this density to be reached.
const DEPTH: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{golden, vector};

    fn report(seed: u64, given: &[(&str, &str)]) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, given.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn the_known_trajectories_are_met_whatever_the_seed() {
        for (key, column, temperature) in [
            ("literal_noscale_temp1", "corrected", "1"),
            ("renorm_temp1", "corrected and normalised", "1"),
            ("renorm_temp10", "corrected and normalised", "10"),
        ] {
            let report = report(3, &[("temperature", temperature), ("cabal", "20")]);
            let found = vector(&report, "cabal", column);
            for (block, expected) in golden("sim12_7_fixed_slice")[key].as_object().unwrap() {
                let (found, expected) = (found[block.parse::<usize>().unwrap()], expected.as_f64().unwrap());
                assert!((found - expected).abs() < 1e-12, "{key}, block {block}: {found:?}, not {expected:?}");
            }
        }
    }

    #[test]
    fn the_printed_slice_measures_a_few_of_the_cabal() {
        let report = report(1, &[("blocks", "10")]);
        let (sliced, cabal) = (vector(&report, "cabal", "as printed"), vector(&report, "cabal", "corrected"));
        assert!(sliced.iter().zip(cabal).all(|(sliced, cabal)| *sliced < 0.2 && *cabal > 0.4));
    }

    #[test]
    fn a_seed_says_everything() {
        let short = [("blocks", "5")];
        assert_eq!(report(1, &short), report(1, &short));
        assert_ne!(report(1, &short), report(2, &short));
    }
}

//! How a cabal fares by the share of the stake that it starts with: one half is the watershed.
//!
//! The paper's two-group program in shares, s ← (s + τ I/‖I‖)/(1 + τ) with I = s σ(T (s − ½)), and the stake that the
//! group has after so many blocks. The curve is mirrored: what the one group loses, the other wins.

use crate::formulas::groups;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::real;
use mechanism::arithmetic::logistic;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "cabal-share",
    title: "One half is the watershed",
    about: "Two disjoint groups again, for every share that the cabal may start with. Below one half it ends with next to \
            nothing, above it with next to everything, and at one half nothing moves.",
    settings: &[
        Setting { name: "blocks", about: "blocks", range: Range::Whole { default: 100, least: 1, most: 10_000 } },
        Setting { name: "points", about: "shares tried", range: Range::Whole { default: 101, least: 2, most: 2_001 } },
        Setting {
            name: "tau",
            about: "stake minted a block, as a share of all",
            range: Range::Number { default: 0.1, least: 0.0, most: 10.0 },
        },
        Setting {
            name: "temperature",
            about: "slope of trust, in shares of the stake",
            range: Range::Number { default: 10.0, least: 0.001, most: 1000.0 },
        },
    ],
    random: false,
    run,
    formulas: groups::cabal_share,
};

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let (blocks, points) = (settings.whole("blocks")?, settings.whole("points")?);
    let (tau, temperature) = (settings.number("tau")?, settings.number("temperature")?);
    let starts: Vec<f64> = (0..points).map(|point| real(point) / real(points - 1)).collect();
    let ends = starts.iter().map(|share| after(blocks, *share, tau, temperature)).collect();
    report.fact("share after all blocks, from 0.49", after(blocks, 0.49, tau, temperature), "");
    report.fact("share after all blocks, from 0.51", after(blocks, 0.51, tau, temperature), "");
    report.tables.push(Table::new("sweep", vec![Column::new("at first", starts), Column::new("at the end", ends)]));
    report.figures.push(Figure {
        title: "Share of the cabal at the end, by its share at first",
        table: "sweep",
        x: "at first".into(),
        series: vec!["at the end".into()],
        y: "share of all stake at the end",
        unit: "",
        mark: Mark::Line,
    });
    Ok(())
}

/// The share of a group that starts with `share`, after so many blocks.
fn after(blocks: usize, share: f64, tau: f64, temperature: f64) -> f64 {
    let mut cabal = share;
    for _ in 0..blocks {
        let honest = 1.0 - cabal;
        let incentive = [honest, cabal].map(|share| share * logistic((share - 0.5) * temperature));
        cabal = (cabal + tau * incentive[1] / (incentive[0] + incentive[1])) / (1.0 + tau);
    }
    cabal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{golden, vector};

    #[test]
    fn the_known_shares_are_met_bit_for_bit() {
        for (share, expected) in golden("collusion_sweep_100_blocks").as_object().unwrap() {
            let found = after(100, share.parse().unwrap(), 0.1, 10.0);
            assert_eq!(found.to_bits(), expected.as_f64().unwrap().to_bits(), "{share}: {found:?}");
        }
    }

    #[test]
    fn the_curve_is_mirrored_and_rises() {
        let report = SCENARIO.report(&SCENARIO.settings(0, []).unwrap()).unwrap();
        let ends = vector(&report, "sweep", "at the end");
        assert!(ends.iter().zip(ends.iter().rev()).all(|(a, b)| (a + b - 1.0).abs() < 1e-12));
        assert!(ends.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(ends[50], 0.5);
    }
}

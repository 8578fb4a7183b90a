//! Emission compounds with how often it is released, and a pool is split to the last unit.
//!
//! A stake that releases what it accrued m times in one unit of time, and is paid all of it, is (1 + τ/m)^m afterwards:
//! the drafts' series at τ = .1, below its limit e^τ. Beside it the same in integers, as a ledger accrues, and a pool that
//! is split by random shares.

use crate::formulas::pay;
use crate::random::Random;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use mechanism::arithmetic::{exp, sum};
use mechanism::emission::{accrued, split};
use mechanism::stake;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "emission",
    title: "Who emits more often compounds",
    about: "The stake after one unit of time by how many times its emission was released, in real numbers and in a ledger's \
            integers. And a pool split by random shares: the parts sum to the pool, each within a unit of its quota.",
    settings: &[
        Setting {
            name: "tau",
            about: "τ, emission a unit of time as a share of the stake",
            range: Range::Number { default: 0.1, least: 0.0, most: 2.0 },
        },
        Setting {
            name: "tokens",
            about: "stake at first in tokens of 10⁹ base units",
            range: Range::Whole { default: 1_000_000, least: 1, most: 1_000_000_000 },
        },
        Setting {
            name: "peers",
            about: "peers that split a pool",
            range: Range::Whole { default: 32, least: 1, most: 4096 },
        },
        Setting {
            name: "pool",
            about: "the pool in base units",
            range: Range::Whole { default: 1_000_000_007, least: 0, most: 4_000_000_000 },
        },
    ],
    random: true,
    run,
    formulas: pay::emission,
};

/// Base units of a token.
const TOKEN: u64 = 1_000_000_000;

/// How many times the emission is released.
const TIMES: &[u32] = &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    compound(settings, report)?;
    let pool = settings.whole("pool")? as u64; // at most 4 · 10⁹
    let mut random = Random::new(settings.seed());
    let shares: Vec<f64> = (0..settings.whole("peers")?).map(|_| random.uniform()).collect();
    let parts = split(pool, &shares);
    let given: u64 = parts.iter().sum();
    let total = sum(&shares);
    let quotas: Vec<f64> = shares.iter().map(|share| real(pool) * share / total).collect();
    let errors: Vec<f64> = parts.iter().zip(&quotas).map(|(part, quota)| real(*part) - quota).collect();
    report.fact("units of the pool that were not split", real(pool - given), "base units");
    report.fact(
        "largest distance of a part from its quota",
        errors.iter().fold(0.0, |a, e| a.max(e.abs())),
        "base units",
    );
    report.tables.push(Table::new(
        "split",
        vec![
            Column::index("peer", parts.len()),
            Column::new("share", shares.iter().map(|share| share / total).collect()),
            Column::with_unit("part", "base units", parts.iter().map(|&part| real(part)).collect()),
            Column::with_unit("part less quota", "base units", errors),
        ],
    ));
    Ok(())
}

fn compound(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let tau = settings.number("tau")?;
    let units = settings.whole("tokens")? as u64 * TOKEN; // at most 10¹⁸
    let mut reals = Vec::new();
    let mut integers = Vec::new();
    for &times in TIMES {
        let step = tau / f64::from(times);
        let mut held = vec![1.0];
        let mut balance = units;
        for _ in 0..times {
            held = stake::next(&held, &[1.0], step);
            balance = balance.saturating_add(accrued(balance, 1.0, tau, 1.0 / f64::from(times)));
        }
        report.fact(format!("stake when emitted {times} times"), held[0], "");
        reals.push(held[0]);
        integers.push(real(balance) / real(units));
    }
    report.fact("limit", exp(tau), "");
    let column = |name, values| Column::new(name, values);
    let difference = reals.iter().zip(&integers).map(|(a, b)| a - b).collect();
    report.tables.push(Table::new(
        "compounding",
        vec![
            column("times", TIMES.iter().map(|&times| f64::from(times)).collect()),
            column("stake", reals),
            column("stake in integers", integers),
            column("reals less integers", difference),
            column("limit", vec![exp(tau); TIMES.len()]),
        ],
    ));
    report.figures.push(Figure {
        title: "Stake after one unit of time by the number of releases",
        table: "compounding",
        x: "times".into(),
        series: vec!["stake".into(), "limit".into()],
        y: "stake over stake at first",
        unit: "",
        mark: Mark::Line,
    });
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "amounts are shown, not paid")]
fn real(units: u64) -> f64 {
    units as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seed: u64) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, []).unwrap()).unwrap()
    }

    #[test]
    fn the_series_of_the_drafts() {
        let report = report(0);
        for (times, stake) in [(1, 1.1), (2, 1.1025), (10, 1.104_622_125_411_204_5), (100, 1.105_115_697_720_756)] {
            let found = report.value(&format!("stake when emitted {times} times")).unwrap();
            assert!((found - stake).abs() < 1e-12, "{times} {found}");
        }
        let table = report.table("compounding").unwrap();
        assert!(table.column("reals less integers").unwrap().values.iter().all(|error| error.abs() < 1e-9));
        let stake = &table.column("stake").unwrap().values;
        assert!(stake.windows(2).all(|pair| pair[0] < pair[1]) && stake.iter().all(|s| *s < exp(0.1)));
    }

    #[test]
    fn the_pool_is_split_to_the_last_unit() {
        for seed in 0..20 {
            let report = report(seed);
            assert_eq!(report.value("units of the pool that were not split"), Some(0.0));
            assert!(report.value("largest distance of a part from its quota").unwrap() < 1.001);
        }
        assert_eq!(report(3), report(3));
        assert_ne!(report(3).table("split"), report(4).table("split"));
    }
}

//! Resistance under `Connectivity`: ‖R‖ against ρ + ρ²/2, without and with stake clipping, for groups that ignore each other.
//!
//! A group is one peer that scores itself: with hard connectivity it reaches its own stake and no other, as every member of a
//! larger group reaches its group. Then ‖R‖ = ρ + Σ s_g², and with clipping s*_g = s_g min(2 s_g/ρ, 1) stands for s_g.
//! Three thirds stay below the level in both readings: clipping does not guarantee a connected majority. With clipping the
//! level is passed where one group passes a half of the stake; without, among three groups with equal rest, at two thirds.

use crate::formulas::groups;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::real;
use mechanism::connectivity::Connectivity;
use mechanism::rows::Rows;
use mechanism::world::World;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "three-thirds",
    title: "Three disjoint thirds stay below resistance",
    about: "Groups that score only among themselves, by their shares of the stake. Resistance asks ‖R‖ > ρ + ρ²/2. Clipping \
            stake by what it reaches moves the crossing from two thirds to one half, and still leaves three thirds below.",
    settings: &[
        Setting {
            name: "rho",
            about: "ρ, sum of the stake",
            range: Range::Number { default: 1.0, least: 0.001, most: 1000.0 },
        },
        Setting {
            name: "steps",
            about: "steps of the sweep",
            range: Range::Whole { default: 60, least: 6, most: 400 },
        },
    ],
    random: false,
    run,
    formulas: groups::three_thirds,
};

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let rho = settings.number("rho")?;
    let third = 1.0 / 3.0;
    for (name, shares) in [
        ("three thirds", &[third; 3][..]),
        ("two groups of .6 and .4", &[0.6, 0.4]),
        (".55, .25 and .2", &[0.55, 0.25, 0.2]),
        ("one group", &[1.0]),
    ] {
        for (clip, how) in [(false, "without clipping"), (true, "with clipping")] {
            let (norm, level) = resistance(shares, rho, clip)?;
            report.fact(format!("‖R‖ of {name}, {how}"), norm, "");
            report.fact(format!("level of {name}, {how}"), level, "");
        }
    }
    by_largest(settings.whole("steps")?, rho, report)?;
    by_two_shares(settings.whole("steps")?, rho, report)
}

/// The largest group from a third to all, the rest in two equal groups, or in one.
fn by_largest(steps: usize, rho: f64, report: &mut Report) -> Result<(), LabError> {
    let mut columns: [Vec<f64>; 5] = Default::default();
    for step in 0..=steps {
        let largest = 1.0 / 3.0 + 2.0 / 3.0 * part(step, steps);
        let rest = 1.0 - largest;
        let split = [largest, 0.5 * rest, 0.5 * rest];
        columns[0].push(largest);
        for (column, (shares, clip)) in columns[1..].iter_mut().zip([
            (&split[..], false),
            (&split, true),
            (&[largest, rest], false),
            (&[largest, rest], true),
        ]) {
            column.push(margin(shares, rho, clip)?);
        }
    }
    for (how, margins) in NAMES.iter().zip(&columns[1..]) {
        if let Some((share, _)) = columns[0].iter().zip(margins).find(|&(_, margin)| *margin > 1e-12) {
            report.fact(format!("share of the largest of three from which resistance holds, {how}"), *share, "");
        }
    }
    let names = ["largest", NAMES[0], NAMES[1], "two groups", "two groups, clipped"];
    let columns: Vec<Column> = names.into_iter().zip(columns).map(|(name, values)| Column::new(name, values)).collect();
    report.tables.push(Table::new("by largest", columns));
    report.figures.push(Figure {
        title: "Margin of resistance by the largest share, the rest in two equal groups",
        table: "by largest",
        x: "largest".into(),
        series: NAMES.iter().map(|&name| name.into()).collect(),
        y: "(‖R‖ − level) / ρ²",
        unit: "",
        mark: Mark::Line,
    });
    Ok(())
}

/// All divisions into three.
fn by_two_shares(steps: usize, rho: f64, report: &mut Report) -> Result<(), LabError> {
    let steps = steps.min(MOST_STEPS);
    let mut columns: [Vec<f64>; 4] = Default::default();
    for first in 0..=steps {
        for second in 0..=steps - first {
            let shares = [part(first, steps), part(second, steps), part(steps - first - second, steps)];
            columns[0].push(shares[0]);
            columns[1].push(shares[1]);
            columns[2].push(margin(&shares, rho, false)?);
            columns[3].push(margin(&shares, rho, true)?);
        }
    }
    let names = ["first", "second", NAMES[0], NAMES[1]];
    let columns: Vec<Column> = names.into_iter().zip(columns).map(|(name, values)| Column::new(name, values)).collect();
    report.tables.push(Table::new("by two shares", columns));
    report.figures.push(Figure {
        title: "Margin of resistance with clipping, by the shares of the first and the second of three groups",
        table: "by two shares",
        x: "first".into(),
        series: vec!["second".into(), NAMES[1].into()],
        y: "share of the second",
        unit: "",
        mark: Mark::Heat,
    });
    Ok(())
}

/// (‖R‖ − level)/ρ² of groups of these shares.
fn margin(shares: &[f64], rho: f64, clip: bool) -> Result<f64, LabError> {
    let (norm, level) = resistance(shares, rho, clip)?;
    Ok((norm - level) / (rho * rho))
}

/// ‖R‖ and the level of the stake that is ranked.
fn resistance(shares: &[f64], rho: f64, clip: bool) -> Result<(f64, f64), LabError> {
    let weights = Rows::new(shares.len(), (0u32..).zip(shares).map(|(own, _)| [(own, 1.0)]))?;
    let stake: Vec<f64> = shares.iter().map(|share| share * rho).collect();
    let scaling = vec![1.0; shares.len()];
    let world = World { stake: &stake, scaling: &scaling, weights: &weights };
    let mechanism = Connectivity { kappa: 0.5, temperature: 0.0, clip, self_loop: 0.0 };
    let outcome = mechanism.outcome(&world)?;
    Ok((mechanism::arithmetic::sum(&outcome.rank), outcome.level))
}

fn part(step: usize, of: usize) -> f64 {
    real(step) / real(of)
}

const NAMES: [&str; 2] = ["without clipping", "with clipping"];

/// Most steps a side of the heat.
const MOST_STEPS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn report(given: &[(&'static str, &'static str)]) -> Report {
        SCENARIO.report(&SCENARIO.settings(0, given.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn thirds_are_below_and_a_majority_is_above() {
        for rho in ["1", "100"] {
            let report = report(&[("rho", rho)]);
            let above = |name: &str, how: &str| {
                let norm = report.value(&format!("‖R‖ of {name}, {how}")).unwrap();
                norm > report.value(&format!("level of {name}, {how}")).unwrap()
            };
            for how in NAMES {
                assert!(!above("three thirds", how));
                assert!(above("two groups of .6 and .4", how) && above("one group", how));
            }
            assert!(!above(".55, .25 and .2", NAMES[0]) && above(".55, .25 and .2", NAMES[1]));
        }
        // ρ + ρ²/3 against ρ + ρ²/2; clipped, ρ* = 2ρ/3.
        let report = report(&[]);
        assert!((report.value("‖R‖ of three thirds, without clipping").unwrap() - 4.0 / 3.0).abs() < 1e-15);
        assert!((report.value("level of three thirds, without clipping").unwrap() - 1.5).abs() < 1e-15);
        assert!((report.value("‖R‖ of three thirds, with clipping").unwrap() - (2.0 / 3.0 + 4.0 / 27.0)).abs() < 1e-15);
        assert!(
            (report.value("level of three thirds, with clipping").unwrap() - (2.0 / 3.0 + 2.0 / 9.0)).abs() < 1e-15
        );
    }

    #[test]
    fn clipping_moves_the_crossing_from_two_thirds_to_a_half() {
        let report = report(&[("steps", "400")]);
        let from =
            |how| report.value(&format!("share of the largest of three from which resistance holds, {how}")).unwrap();
        let step = 1.01 * 2.0 / 1200.0;
        assert!((from(NAMES[0]) - 2.0 / 3.0).abs() <= step, "{}", from(NAMES[0]));
        assert!((from(NAMES[1]) - 0.5).abs() <= step, "{}", from(NAMES[1]));
        let grid = report.table("by two shares").unwrap();
        let column = |name: &str| &grid.column(name).unwrap().values;
        for ((first, second), margin) in column("first").iter().zip(column("second")).zip(column(NAMES[1])) {
            let largest = first.max(*second).max(1.0 - first - second);
            assert!((largest - 0.5).abs() < 1e-9 || (*margin > 0.0) == (largest > 0.5), "{first} {second} {margin}");
        }
    }
}

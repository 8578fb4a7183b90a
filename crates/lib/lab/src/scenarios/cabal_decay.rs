//! Two disjoint groups, the larger honest: the papers' printed tables, and the same through the mechanisms themselves.
//!
//! The papers' programs know two numbers, the stake of each group, and are repeated here in their order of operations, so
//! that every digit they print appears. Beside them each group stands as one peer that scores itself alone, and the
//! mechanism of that name runs on the two; where both exist they agree to rounding.

use crate::chain;
use crate::formulas::groups;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use mechanism::arithmetic::exp;
use mechanism::competitive::Competitive;
use mechanism::connectivity::Connectivity;
use mechanism::consensus::Consensus;
use mechanism::epoch::{Mechanism, Memory};
use mechanism::rows::Rows;
use mechanism::trust::{Parameters, Trust};
use mechanism::world::World;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "cabal-decay",
    title: "A cabal below half the stake decays",
    about: "An honest group and a cabal score only among themselves. Each block mints stake by incentive. Below one half \
            the cabal's share of the stake falls, at first slowly, then faster and faster; above it, it would win.",
    settings: &[
        Setting { name: "mechanism", about: "which draft", range: Range::Choice(chain::MECHANISMS) },
        Setting { name: "blocks", about: "blocks", range: Range::Whole { default: 100, least: 1, most: 100_000 } },
        Setting {
            name: "share",
            about: "the cabal's share of the stake at first",
            range: Range::Number { default: 0.49, least: 0.0, most: 1.0 },
        },
        Setting {
            name: "tau",
            about: "stake minted a block, as a share of all",
            range: Range::Number { default: 0.1, least: 0.0, most: 10.0 },
        },
        Setting {
            name: "temperature",
            about: "slope of trust and of the consensus, in shares of the stake",
            range: Range::Number { default: 10.0, least: 0.001, most: 1000.0 },
        },
        Setting {
            name: "rho",
            about: "sum of the stake as connectivity sees it",
            range: Range::Number { default: 100.0, least: 0.001, most: 1e6 },
        },
    ],
    random: false,
    run,
    formulas: groups::cabal_decay,
};

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let (blocks, share, tau) = (settings.whole("blocks")?, settings.number("share")?, settings.number("tau")?);
    let (temperature, rho) = (settings.number("temperature")?, settings.number("rho")?);
    let name = settings.choice("mechanism")?;
    let mut columns = vec![Column::index("block", blocks)];
    let mut series = Vec::new();
    let mut add = |name: &str, values| {
        columns.push(Column::new(name, values));
        series.push(name.to_owned());
    };
    let unit = if name == "connectivity" { rho } else { 1.0 };
    match name {
        "trust" => add("cabal", trust_program(blocks, share, tau, temperature)),
        "connectivity" => add("cabal", connectivity_program(blocks, share, tau, rho)),
        _ => {}
    }
    let mechanism: &dyn Mechanism = match name {
        "trust" => &Trust { parameters: hard(0.5 * temperature), descent: 0.0, recovery: 0.0 },
        "connectivity" => &Connectivity { kappa: 0.5, temperature: 0.0, clip: false, self_loop: 0.0 },
        "consensus" => &Consensus { slope: temperature, direct: 0.0, ..Consensus::default() },
        _ => &Competitive::default(),
    };
    add("cabal by the mechanism", by_mechanism(mechanism, blocks, share, tau, unit)?);
    if let [.., last] = columns.as_slice()
        && let Some(value) = last.values.last()
    {
        report.fact("share of the cabal at the end", *value, "");
    }
    report.tables.push(Table::new("decay", columns));
    report.figures.push(Figure {
        title: "Share of the cabal after each block",
        table: "decay",
        x: "block".into(),
        series,
        y: "share of all stake",
        unit: "",
        mark: Mark::Line,
    });
    Ok(())
}

/// The program of the paper's section on collusion: trust from the group's share, σ(T (s − ½)).
///
/// Its stakes grow without end. Where their sum passes 2⁴⁰⁰ both are divided by that, which changes no share.
fn trust_program(blocks: usize, share: f64, tau: f64, temperature: f64) -> Vec<f64> {
    let (mut honest, mut cabal) = (1.0 - share, share);
    let trust = |stake: f64, total: f64| 1.0 / (1.0 + exp(-(stake / total - 0.5) * temperature));
    let block = |_| {
        let total = honest + cabal;
        let incentive = [honest * trust(honest, total), cabal * trust(cabal, total)];
        let all = incentive[0] + incentive[1];
        honest += tau * total * incentive[0] / all;
        cabal += tau * total * incentive[1] / all;
        let share = cabal / (honest + cabal);
        if honest + cabal > chain::LARGE {
            (honest, cabal) = (honest / chain::LARGE, cabal / chain::LARGE);
        }
        share
    };
    (0..blocks).map(block).collect()
}

/// The program of the draft on connectivity: a group's rank is its stake and the square of it; the stake sums to ρ again
/// after each block.
///
/// The draft prints the table and not every operation. Of the orders tried, this one is nearest: no printed row is further
/// off than one unit in the last place.
fn connectivity_program(blocks: usize, share: f64, tau: f64, rho: f64) -> Vec<f64> {
    let (mut cabal, mut honest) = (share * rho, (1.0 - share) * rho);
    let rank = |stake: f64| {
        let part = stake / rho;
        stake + part * rho * part * rho
    };
    let block = |_| {
        let all = cabal * cabal + cabal + honest * honest + honest;
        let total = cabal + honest;
        let (more, for_honest) = (tau * rank(cabal) / all * total, tau * rank(honest) / all * total);
        let sum = cabal + more + honest + for_honest;
        (cabal, honest) = (cabal + more, honest + for_honest);
        let share = cabal / sum;
        (cabal, honest) = (cabal * rho / sum, honest * rho / sum);
        share
    };
    (0..blocks).map(block).collect()
}

/// The cabal's share after each block when the mechanism runs on two peers that score themselves; stakes sum to `unit`.
fn by_mechanism(
    mechanism: &dyn Mechanism,
    blocks: usize,
    share: f64,
    tau: f64,
    unit: f64,
) -> Result<Vec<f64>, LabError> {
    let weights = Rows::new(2, [[(0, 1.0)], [(1, 1.0)]])?;
    let mut stake = vec![(1.0 - share) * unit, share * unit];
    let mut memory = Memory::new(2);
    let mut shares = Vec::with_capacity(blocks);
    for _ in 0..blocks {
        let world = World { stake: &stake, scaling: &[1.0; 2], weights: &weights };
        let epoch = mechanism.evaluate(&world, &memory)?;
        let next = mechanism.stake(&stake, &epoch, tau);
        let total = next[0] + next[1];
        shares.push(next[1] / total);
        stake = next.iter().map(|s| s / total * unit).collect();
        memory = epoch.memory;
    }
    Ok(shares)
}

/// Hard connectivity: two loners know themselves, and not each other.
fn hard(beta: f64) -> Parameters {
    Parameters { beta, kappa: 0.5, depth: 3, temperature: 0.0, sources: 256, seed: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{golden, vector};

    fn decay(name: &str, blocks: &str) -> Report {
        SCENARIO.report(&SCENARIO.settings(0, [("mechanism", name), ("blocks", blocks)]).unwrap()).unwrap()
    }

    fn column<'a>(report: &'a Report, name: &str) -> &'a [f64] {
        &report.table("decay").unwrap().column(name).unwrap().values
    }

    #[test]
    fn the_table_of_trust_is_met_bit_for_bit() {
        let report = decay("trust", "100");
        for (block, expected) in golden("cabal_decay_trust_printed_rows")["rows"].as_object().unwrap() {
            let found = column(&report, "cabal")[block.parse::<usize>().unwrap()];
            assert_eq!(found.to_bits(), expected.as_f64().unwrap().to_bits(), "block {block}");
        }
    }

    #[test]
    fn the_table_of_connectivity_is_met_to_a_unit_in_the_last_place() {
        let report = decay("connectivity", "50");
        let mut exact = 0;
        for (block, expected) in golden("cabal_decay_connectivity_printed_rows")["rows"].as_object().unwrap() {
            let (found, expected) =
                (column(&report, "cabal")[block.parse::<usize>().unwrap()], expected.as_f64().unwrap());
            assert!(found.to_bits().abs_diff(expected.to_bits()) <= 1, "block {block}: {found:?}, not {expected:?}");
            exact += u32::from(found.to_bits() == expected.to_bits());
        }
        assert_eq!(exact, 11);
    }

    #[test]
    fn the_mechanisms_say_what_the_programs_say() {
        for name in ["trust", "connectivity"] {
            let report = decay(name, "100");
            let pairs = column(&report, "cabal").iter().zip(column(&report, "cabal by the mechanism"));
            assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-12), "{name}");
        }
        // For two disjoint groups the consensus is the paper's σ(10 (s − ½)).
        let (trust, consensus) = (decay("trust", "100"), decay("consensus", "100"));
        let pairs = column(&trust, "cabal").iter().zip(column(&consensus, "cabal by the mechanism"));
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn stakes_beyond_all_doubles_are_no_trouble() {
        for given in [[("tau", "10"), ("blocks", "3000")], [("tau", "0.1"), ("blocks", "20000")]] {
            let report = SCENARIO.report(&SCENARIO.settings(0, given).unwrap()).unwrap();
            let pairs = column(&report, "cabal").iter().zip(column(&report, "cabal by the mechanism"));
            assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-12), "{given:?}");
        }
    }

    #[test]
    fn without_trust_a_cabal_keeps_its_share() {
        let report = decay("competitive", "100");
        assert!(vector(&report, "decay", "cabal by the mechanism").iter().all(|share| (share - 0.49).abs() < 0.02));
    }

    #[test]
    fn nobody_s_stake_is_no_trouble() {
        for &name in chain::MECHANISMS {
            for share in ["0", "1", "0.5"] {
                let settings = SCENARIO.settings(0, [("mechanism", name), ("share", share)]).unwrap();
                let report = SCENARIO.report(&settings).unwrap();
                let found = vector(&report, "decay", "cabal by the mechanism");
                assert!(found.iter().all(|value| value.to_string() == share), "{name} {share}: {found:?}");
            }
        }
    }
}

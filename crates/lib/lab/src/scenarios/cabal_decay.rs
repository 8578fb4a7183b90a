//! Two disjoint groups, the larger honest: the papers' printed tables, and the same through the mechanisms themselves.
//!
//! The papers' programs know two numbers, the stake of each group, and are repeated here in their order of operations, so
//! that every digit they print appears. Beside them each group stands as one peer that scores itself alone, and the
//! mechanism of that name runs on the two; where both exist they agree to rounding.

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
        Setting {
            name: "mechanism",
            about: "which draft",
            range: Range::Choice(&["trust", "connectivity", "consensus", "competitive"]),
        },
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
fn trust_program(blocks: usize, share: f64, tau: f64, temperature: f64) -> Vec<f64> {
    let (mut honest, mut cabal) = (1.0 - share, share);
    let trust = |stake: f64, total: f64| 1.0 / (1.0 + exp(-(stake / total - 0.5) * temperature));
    let block = |_| {
        let total = honest + cabal;
        let incentive = [honest * trust(honest, total), cabal * trust(cabal, total)];
        let all = incentive[0] + incentive[1];
        honest += tau * total * incentive[0] / all;
        cabal += tau * total * incentive[1] / all;
        cabal / (honest + cabal)
    };
    (0..blocks).map(block).collect()
}

/// The program of the draft on connectivity: a group's rank is its stake and the square of it.
fn connectivity_program(blocks: usize, share: f64, tau: f64, rho: f64) -> Vec<f64> {
    let mut share = share;
    let block = |_| {
        let (cabal, honest) = (share * rho, (1.0 - share) * rho);
        let rank = [honest + honest * honest, cabal + cabal * cabal];
        let part = rank[1] / (rank[0] + rank[1]);
        share = (share + tau * part) / (1.0 + tau);
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
    Parameters { beta, kappa: 0.5, depth: 3, temperature: 0.0, sources: 256 }
}

//! The limit of `Consensus`: a majority that must be set directly, weight by weight.
//!
//! Among n equal peers a peer is trusted by as many as score it. With 64 weights a row that is 64/n of the stake, so that
//! the majority is out of reach from about 128 peers on: rows are random, and some peers are scored by more than others.
//! Longer rows help only as far as an entry has the least weight that counts. A chain takes 1/2,048; the default of this
//! lesson is 1/128, so that the end is seen among few peers. A row then has at most 128 entries that count (127 in integer
//! scores, where 128 · 512 is one more than 65,535), and from about 256 equal peers on no row is enough; a row that scores
//! all of more than 128 peers alike trusts nobody. While L ≥ 0 the chain demands one weight more of every row each block;
//! rows that cannot follow count as self-loops, and then nobody trusts anybody else.

use crate::formulas::trust;
use crate::random::Random;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::real;
use mechanism::consensus::Consensus;
use mechanism::epoch::{Epoch, Mechanism, Memory};
use mechanism::rows::Rows;
use mechanism::world::World;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "direct-trust",
    title: "How many peers a direct majority can reach",
    about: "Equal peers that score others at random, under Consensus: the loss by their number, for rows of 64 weights, for \
            the longest whose entries count as direct trust, and for rows of all. Then the number of weights that the chain \
            demands while nothing is paid.",
    settings: &[
        Setting {
            name: "weights",
            about: "entries of a short row",
            range: Range::Whole { default: 64, least: 1, most: 1024 },
        },
        Setting {
            name: "direct",
            about: "least weight that counts as direct trust (a chain takes 1/2,048)",
            range: Range::Number { default: 0.0078125, least: 0.0, most: 1.0 },
        },
        Setting {
            name: "peers",
            about: "peers of the chain that demands more weights",
            range: Range::Whole { default: 200, least: 2, most: 1024 },
        },
        Setting {
            name: "blocks",
            about: "blocks of the chain that demands more weights",
            range: Range::Whole { default: 160, least: 1, most: 2000 },
        },
    ],
    random: true,
    run,
    formulas: trust::direct_trust,
};

/// Numbers of peers of the sweep.
const PEERS: &[usize] = &[16, 32, 64, 96, 112, 127, 128, 160, 192, 224, 255, 256, 320, 384, 512, 768, 1024];

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let weights = settings.whole("weights")?;
    let direct = settings.number("direct")?;
    let mut random = Random::new(settings.seed());
    let mut columns = vec![Column::new("peers", PEERS.iter().map(|&peers| real(peers)).collect())];
    for reading in READINGS {
        let (mut losses, mut paid) = (Vec::new(), Vec::new());
        for &peers in PEERS {
            let (length, direct) = (reading.length)(weights, direct);
            let rows = rows(peers, length.min(peers), &mut random)?;
            let epoch = epoch(&rows, direct, &Memory::new(peers))?;
            losses.push(epoch.loss.unwrap_or_default());
            paid.push(f64::from(u8::from(epoch.pays)));
        }
        let most = PEERS.iter().zip(&paid).filter(|&(_, paid)| *paid > 0.0).map(|(&peers, _)| peers).max().unwrap_or(0);
        report.fact(format!("most peers that were paid with {}", reading.name), real(most), "peers");
        columns.push(Column::new(reading.name, losses));
        columns.push(Column::new(format!("paid with {}", reading.name), paid));
    }
    report.tables.push(Table::new("by peers", columns));
    report.figures.push(Figure {
        title: "Loss of equal peers by their number; below 0 a majority is trusted",
        table: "by peers",
        x: "peers".into(),
        series: READINGS.iter().map(|reading| reading.name.into()).collect(),
        y: "L",
        unit: "",
        mark: Mark::Line,
    });
    demand(settings, &mut random, report)
}

/// How long rows are, and from which weight on an entry counts, given both settings.
struct Reading {
    name: &'static str,
    length: fn(usize, f64) -> (usize, f64),
}

const READINGS: &[Reading] = &[
    Reading { name: "short rows", length: |weights, direct| (weights, direct) },
    Reading { name: "the longest rows that count", length: |_, direct| (longest(direct), direct) },
    Reading { name: "rows of all", length: |_, direct| (LIMIT, direct) },
    Reading { name: "rows of all, every entry counted", length: |_, _| (LIMIT, 0.0) },
];

/// Most weights that a chain lets a row have.
const LIMIT: usize = 1024;

/// Most equal weights that are all at least `direct`.
fn longest(direct: f64) -> usize {
    (1..=LIMIT).rev().find(|&length| 1.0 / real(length) >= direct).unwrap_or(1)
}

/// Peers that follow the demand of the chain as far as it goes, beside peers that stay with short rows.
fn demand(settings: &Settings, random: &mut Random, report: &mut Report) -> Result<(), LabError> {
    let (peers, blocks) = (settings.whole("peers")?, settings.whole("blocks")?);
    let (short, direct) = (settings.whole("weights")?.min(peers), settings.number("direct")?);
    let mut columns = vec![Column::index("block", blocks)];
    for (follow, who) in [(true, "who follow"), (false, "who stay")] {
        let fixed = rows(peers, short, random)?;
        let mut memory = Memory::new(peers);
        let (mut demanded, mut losses, mut paid) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..blocks {
            let least = usize::try_from(memory.min_weights).unwrap_or(usize::MAX);
            demanded.push(f64::from(memory.min_weights));
            let grown = if follow && least > short { Some(rows(peers, least.min(peers), random)?) } else { None };
            let epoch = epoch(grown.as_ref().unwrap_or(&fixed), direct, &memory)?;
            losses.push(epoch.loss.unwrap_or_default());
            paid.push(f64::from(u8::from(epoch.pays)));
            memory = Memory { bonds: Memory::new(peers).bonds, ..epoch.memory };
        }
        if let Some(first) = paid.iter().position(|paid| *paid > 0.0) {
            report.fact(format!("first block that paid those {who}"), real(first), "blocks");
        }
        report.fact(
            format!("weights demanded at the end of those {who}"),
            demanded.last().copied().unwrap_or(0.0),
            "weights",
        );
        columns.push(Column::with_unit(format!("demanded of those {who}"), "weights", demanded));
        columns.push(Column::new(format!("loss of those {who}"), losses));
        columns.push(Column::new(format!("paid to those {who}"), paid));
    }
    report.tables.push(Table::new("demand", columns));
    report.figures.push(Figure {
        title: "Loss while the chain demands one weight more a block",
        table: "demand",
        x: "block".into(),
        series: vec!["loss of those who follow".into(), "loss of those who stay".into()],
        y: "L",
        unit: "",
        mark: Mark::Line,
    });
    Ok(())
}

/// Rows of `length` equal weights: the own one and others at random.
fn rows(peers: usize, length: usize, random: &mut Random) -> Result<Rows, LabError> {
    let mut all = Vec::with_capacity(peers);
    let weight = 1.0 / real(length.max(1));
    for own in 0..peers {
        let others = if length < peers { random.order(peers) } else { (0..peers).collect() };
        let mut row: Vec<usize> =
            others.into_iter().filter(|&other| other != own).take(length.saturating_sub(1)).collect();
        row.push(own);
        row.sort_unstable();
        let entry = |peer: usize| u32::try_from(peer).ok().map(|peer| (peer, weight));
        all.push(row.into_iter().filter_map(entry).collect::<Vec<_>>());
    }
    Ok(Rows::new(peers, all)?)
}

fn epoch(weights: &Rows, direct: f64, memory: &Memory) -> Result<Epoch, LabError> {
    let peers = weights.peers();
    let stake = vec![1.0 / real(peers); peers];
    let world = World { stake: &stake, scaling: &vec![1.0; peers], weights };
    Ok(Consensus { direct, ..Consensus::default() }.evaluate(&world, memory)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seed: u64, given: &[(&'static str, &'static str)]) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, given.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn a_direct_majority_ends_at_some_hundred_peers() {
        let report = report(1, &[("blocks", "1")]);
        let most = |name: &str| report.value(&format!("most peers that were paid with {name}")).unwrap();
        assert!((127.0..160.0).contains(&most("short rows")));
        assert!((255.0..320.0).contains(&most("the longest rows that count")));
        // Beyond 128 peers a row of all gives each too little to count.
        assert_eq!(most("rows of all"), 128.0);
        assert_eq!(most("rows of all, every entry counted"), 1024.0);
    }

    #[test]
    fn demanding_more_weights_helps_up_to_the_least_that_counts() {
        let first = |peers, who: &str| {
            let report = report(1, &[("peers", peers), ("blocks", "320")]);
            report.value(&format!("first block that paid those {who}"))
        };
        // 100 of 200 is about a majority; 150 of 300 would be, and 1/150 does not count.
        assert!((95.0..=101.0).contains(&first("200", "who follow").unwrap()));
        assert_eq!((first("300", "who follow"), first("200", "who stay")), (None, None));
        assert_eq!(first("100", "who stay"), Some(0.0));
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        let short = [("blocks", "2"), ("peers", "100")];
        assert_eq!(report(1, &short), report(1, &short));
        assert_ne!(report(1, &short).tables, report(2, &short).tables);
    }
}

//! Bonds under `Consensus`: who weighed a growing peer early earns more of it than who came late or copied.
//!
//! Established peers score each other and, as its worth grows, a new peer. Four more peers hold the same stake and differ
//! only in their rows: the early bonder gives the newcomer a fixed weight from the first block, the late one from a later
//! block, the lazy copier repeats the others' mean row one block late, and the shadow repeats the early one's row one block
//! late. A bond is w_ij s_i added up over blocks, so who came first holds more of the newcomer when its incentive grows.
//!
//! What bonds do not stop is the shadow: a public row can be copied as soon as it is seen, and one block costs little.

use crate::adversary::lazy_copier::LazyCopier;
use crate::chain::{Behaviour, Chain, Honest, Rules, Truth, View};
use crate::formulas::pay;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::real;
use mechanism::arithmetic::{logistic, sum};
use mechanism::consensus::Consensus;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "bonders",
    title: "An early bonder earns more than a late one",
    about: "Peers of equal stake weigh a newcomer that grows: early, late, by copying the consensus of others, and by \
            copying the early one. Dividends a block, and added up.",
    settings: &[
        Setting { name: "peers", about: "established peers", range: Range::Whole { default: 12, least: 3, most: 48 } },
        Setting { name: "blocks", about: "blocks", range: Range::Whole { default: 200, least: 2, most: 1000 } },
        Setting {
            name: "middle",
            about: "block in which the newcomer has half of its worth",
            range: Range::Whole { default: 60, least: 0, most: 5000 },
        },
        Setting {
            name: "late",
            about: "block in which the late bonder comes",
            range: Range::Whole { default: 80, least: 0, most: 5000 },
        },
        Setting {
            name: "weight",
            about: "what the early and the late one give the newcomer",
            range: Range::Number { default: 0.3, least: 0.01, most: 1.0 },
        },
        Setting {
            name: "top",
            about: "worth of the newcomer at the end, in peers",
            range: Range::Number { default: 4.0, least: 0.0, most: 100.0 },
        },
        Setting {
            name: "tau",
            about: "stake minted a block, as a share of all",
            range: Range::Number { default: 0.002, least: 0.0, most: 1.0 },
        },
    ],
    random: true,
    run,
    formulas: pay::bonders,
};

/// Who is watched, in the order of their places after the established peers and the newcomer.
const WHO: [&str; 4] = ["early", "late", "lazy copier", "shadow of the early one"];

/// Gives the newcomer a fixed weight from a block on, and the rest to others by true worth.
struct Bonder {
    newcomer: usize,
    from: usize,
    weight: f64,
}

/// Repeats the row of another, one block late.
struct Shadow {
    of: usize,
}

impl Behaviour for Bonder {
    fn row(&mut self, view: &View<'_>) -> Vec<f64> {
        let others = sum(view.scores) - view.scores.get(self.newcomer).copied().unwrap_or_default();
        let weight = if view.block < self.from { 0.0 } else { self.weight };
        let entry = |(peer, score): (usize, &f64)| {
            if peer == self.newcomer {
                weight
            } else if others > 0.0 {
                (1.0 - weight) * score / others
            } else {
                0.0
            }
        };
        let target: Vec<f64> = view.scores.iter().enumerate().map(entry).collect();
        view.towards(&target)
    }
}

impl Behaviour for Shadow {
    fn row(&mut self, view: &View<'_>) -> Vec<f64> {
        match view.rows.get(self.of) {
            Some(row) if view.block > 0 => view.towards(row),
            _ => view.held().to_vec(),
        }
    }
}

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let (established, blocks, weight) =
        (settings.whole("peers")?, settings.whole("blocks")?, settings.number("weight")?);
    let newcomer = established;
    let peers = established + 1 + WHO.len();
    let mut truth = Truth::new(peers, settings.seed());
    // The watched differ in their rows alone: nobody scores them.
    let watched: Vec<usize> = (newcomer + 1..peers).collect();
    truth.devalue(&watched, 0.0);
    let base = truth.scores();

    let mut acting: Vec<Box<dyn Behaviour>> = (0..=newcomer).map(|_| Box::new(Honest) as Box<dyn Behaviour>).collect();
    acting.push(Box::new(Bonder { newcomer, from: 0, weight }));
    acting.push(Box::new(Bonder { newcomer, from: settings.whole("late")?, weight }));
    acting.push(Box::new(LazyCopier));
    acting.push(Box::new(Shadow { of: newcomer + 1 }));

    let mechanism = Consensus::default();
    let mut chain =
        Chain::new(&mechanism, Rules { tau: settings.number("tau")?, ..Rules::default() }, vec![1.0; peers]);
    let mut dividends: [Vec<f64>; 4] = Default::default();
    let (mut worths, mut incentives) = (Vec::new(), Vec::new());
    for block in 0..blocks {
        let worth = settings.number("top")? * grown(block, settings.whole("middle")?);
        let scores: Vec<Vec<f64>> = base.iter().map(|row| with_newcomer(row, newcomer, worth)).collect();
        let epoch = chain.block(&scores, &mut acting)?;
        for (dividends, &peer) in dividends.iter_mut().zip(&watched) {
            dividends.push(if epoch.pays { 0.5 * epoch.dividend[peer] } else { 0.0 });
        }
        worths.push(worth);
        let all = sum(&epoch.incentive);
        incentives.push(if all > 0.0 { epoch.incentive[newcomer] / all } else { 0.0 });
    }

    let mut columns = vec![Column::index("block", blocks), Column::with_unit("worth", "peers", worths)];
    columns.push(Column::new("incentive of the newcomer", incentives));
    let (mut rates, mut sums) = (Vec::new(), Vec::new());
    for ((name, dividends), &peer) in WHO.iter().zip(&dividends).zip(&watched) {
        let mut total = 0.0;
        let added: Vec<f64> = dividends
            .iter()
            .map(|dividend| {
                total += dividend;
                total
            })
            .collect();
        report.fact(format!("dividends of the {name}"), total, "pools");
        report.fact(format!("stake of the {name} at the end, over its stake at first"), chain.tokens(peer), "");
        columns.push(Column::with_unit(format!("dividend of the {name}"), "share of a pool", dividends.clone()));
        columns.push(Column::with_unit(format!("added up by the {name}"), "pools", added));
        rates.push(format!("dividend of the {name}"));
        sums.push(format!("added up by the {name}"));
    }
    report.tables.push(Table::new("dividends", columns));
    let figure = |title, series, y, unit| Figure {
        title,
        table: "dividends",
        x: "block".into(),
        series,
        y,
        unit,
        mark: Mark::Line,
    };
    report.figures.push(figure("Dividends a block", rates, "dividend", "share of a pool"));
    report.figures.push(figure("Dividends added up", sums, "dividends", "pools"));
    Ok(())
}

/// Growth of the newcomer, from 0 to 1.
fn grown(block: usize, middle: usize) -> f64 {
    const WIDTH: f64 = 8.0;
    let after = real(block) - real(middle);
    logistic(after / WIDTH)
}

fn with_newcomer(row: &[f64], newcomer: usize, worth: f64) -> Vec<f64> {
    row.iter().enumerate().map(|(peer, score)| if peer == newcomer { worth } else { *score }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seed: u64) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, []).unwrap()).unwrap()
    }

    #[test]
    fn the_early_one_earns_more_than_the_late_one_and_the_copier() {
        for seed in 0..5 {
            let report = report(seed);
            let earned = |who: &str| report.value(&format!("dividends of the {who}")).unwrap();
            assert!(earned("early") > 1.1 * earned("late"), "{seed}");
            assert!(earned("early") > 1.1 * earned("lazy copier"), "{seed}");
            // What bonds do not stop.
            assert!(earned("shadow of the early one") > 0.95 * earned("early"), "{seed}");
            assert!(earned("shadow of the early one") < earned("early"), "{seed}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        assert_eq!(report(1), report(1));
        assert_ne!(report(1).tables, report(2).tables);
    }
}

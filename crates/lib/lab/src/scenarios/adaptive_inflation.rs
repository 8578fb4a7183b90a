//! Adaptive inflation: τ rises from 0 until Σ w_ii / Σ_{j≠i} w_ij reaches its target. Figure 5 of the `Competitive` drafts.
//!
//! Every block each peer of the market game takes one step on P_i = −α L_i + τ R_i at the τ of the moment; then
//! [`Competitive::inflation`] says the next τ. Rows lag behind τ, so that the ratio ends above its target, and more so the
//! faster τ rises. τ never falls.

use crate::chain::sparse;
use crate::formulas::market;
use crate::market::law::{
    COMMON, EPSILON, FEATURES, LAW, Law, NEED, PEERS, RATE, SIZE, SPREAD, START, TEMPERATURE, start,
};
use crate::market::{Market, Moves};
use crate::random::Random;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::spearman;
use mechanism::competitive::payoff::Terms;
use mechanism::competitive::{Competitive, Reading, diagonal};

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "adaptive-inflation",
    title: "Inflation rises until peers hold weight on themselves",
    about: "Without inflation rank earns nothing and peers give all their weight away. Each block τ rises a little while \
            the diagonal's weight over the rest is below its target, and peers answer by one gradient step. τ finds its \
            level by itself, whatever the losses are worth.",
    settings: &[
        Setting {
            name: "target",
            about: "weight on the diagonal over the rest, at which τ stops",
            range: Range::Number { default: 0.2, least: 0.0, most: 100.0 },
        },
        Setting {
            name: "rise",
            about: "by how much τ rises a block",
            range: Range::Number { default: 0.002, least: 0.0, most: 10.0 },
        },
        Setting { name: "blocks", about: "blocks", range: Range::Whole { default: 2500, least: 1, most: 100_000 } },
        Setting {
            name: "alpha",
            about: "α, worth of the loss",
            range: Range::Number { default: 1.0, least: 0.0, most: 1e3 },
        },
        LAW,
        PEERS,
        TEMPERATURE,
        RATE,
        EPSILON,
        START,
        FEATURES,
        SIZE,
        SPREAD,
        COMMON,
        NEED,
    ],
    random: true,
    run,
    formulas: market::adaptive_inflation,
};

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let (peers, blocks) = (settings.whole(PEERS.name)?, settings.whole("blocks")?);
    let mechanism = Competitive { target: settings.number("target")?, rise: settings.number("rise")? };
    let (alpha, temperature) = (settings.number("alpha")?, settings.number(TEMPERATURE.name)?);
    let moves = Moves { rate: settings.number(RATE.name)?, epsilon: settings.number(EPSILON.name)? };
    let mut random = Random::new(settings.seed());
    let market = Market::new(Law::of(settings)?.hessians(&mut random))?;
    let mut rows = start(peers, settings.number(START.name)?, &mut random);
    let coordinated = market.ranks(market.ideal())?;
    let mut tau = 0.0;
    let (mut taus, mut ratios, mut correlations, mut reached) = (vec![], vec![], vec![], None);
    for block in Column::index("", blocks).values {
        taus.push(tau);
        rows = market.step(&rows, &Terms { alpha, tau, temperature, reading: Reading::Right }, moves, |loss| loss)?;
        let (own, others) = diagonal(&sparse(&rows)?);
        // Nobody else is scored: no number says how much more that is.
        ratios.push(if others > 0.0 { own / others } else { f64::MAX });
        correlations.push(spearman(&coordinated, &market.ranks(&rows)?));
        tau = mechanism.inflation(&sparse(&rows)?, tau);
        // At first the rows are random: what counts is the target being reached by inflation.
        if reached.is_none() && tau > 0.0 && own >= mechanism.target * others {
            reached = Some(block + 1.0);
        }
    }
    report.fact("τ at the end", tau, "");
    report.fact("weight on the diagonal over the rest at the end", ratios.last().copied().unwrap_or_default(), "");
    if let Some(block) = reached {
        report.fact("block at which the target is reached", block, "blocks");
    }
    report.tables.push(Table::new(
        "course",
        vec![
            Column::index("block", blocks),
            Column::new("τ", taus),
            Column::new("diagonal over the rest", ratios),
            Column::new("target", vec![mechanism.target; blocks]),
            Column::new("Spearman(R*, R)", correlations),
        ],
    ));
    figures(report);
    Ok(())
}

fn figures(report: &mut Report) {
    for (title, series, y) in [
        ("τ by block", &["τ"][..], "τ"),
        ("Weight on the diagonal over the rest", &["diagonal over the rest", "target"], "ratio"),
        ("Correlation of ranks with the coordinated ones", &["Spearman(R*, R)"], "Spearman"),
    ] {
        report.figures.push(Figure {
            title,
            table: "course",
            x: "block".into(),
            series: series.iter().map(|&name| name.into()).collect(),
            y,
            unit: "",
            mark: Mark::Line,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seed: u64, given: &[(&'static str, &'static str)]) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, given.iter().copied()).unwrap()).unwrap()
    }

    fn column(report: &Report, name: &str) -> Vec<f64> {
        report.table("course").unwrap().column(name).unwrap().values.clone()
    }

    #[test]
    fn tau_rises_while_the_ratio_is_short_and_then_stays() {
        for seed in 0..5 {
            let report = report(seed, &[]);
            let (tau, ratio) = (column(&report, "τ"), column(&report, "diagonal over the rest"));
            println!("{seed}: {:?} {} {}", report.facts, ratio[0], ratio[2499]);
            for block in 1..2500 {
                let rises = if ratio[block - 1] < 0.2 { 0.002 } else { 0.0 };
                assert!((tau[block] - tau[block - 1] - rises).abs() < 1e-12, "{block}");
            }
            assert!(ratio[2499] >= 0.2 && tau[2499] > 0.0 && tau[2499] == tau[2450], "{}", ratio[2499]);
            assert!(report.value("block at which the target is reached").is_some());
        }
    }

    #[test]
    fn without_a_target_there_is_no_inflation() {
        let report = report(0, &[("target", "0")]);
        assert_eq!(report.value("τ at the end"), Some(0.0));
        assert!(report.value("weight on the diagonal over the rest at the end").unwrap() < 0.1);
    }

    #[test]
    fn a_higher_worth_of_the_loss_takes_more_inflation() {
        let level =
            |alpha: &'static str| report(0, &[("alpha", alpha), ("blocks", "2000")]).value("τ at the end").unwrap();
        let (less, more) = (level("1"), level("4"));
        println!("{less} {more}");
        assert!(more > 1.5 * less, "{less} {more}");
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        let short = [("blocks", "5"), ("peers", "4")];
        assert_eq!(report(1, &short), report(1, &short));
        assert_ne!(report(1, &short).tables, report(2, &short).tables);
    }
}

//! The payoff without masks leads everyone to vote for itself; with masks and enough α it does not.
//!
//! L_i depends on the own row through the masks alone. Without them every neighbour is seen whatever the row says, the loss
//! is that of full sight, 0, and ∂P_i/∂w_ij is τ s_i/n for j = i and 0 else. The market game of `market-game`, with the
//! same losses and starts.

use crate::formulas::market;
use crate::market::law::{
    COMMON, EPSILON, FEATURES, LAW, Law, NEED, PEERS, RATE, SIZE, SPREAD, START, TEMPERATURE, start,
};
use crate::market::{Market, Moves, own_share, terms};
use crate::random::Random;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use mechanism::competitive::payoff::Loss;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "self-vote",
    title: "Without masks everyone votes for itself",
    about: "Peers ascend their payoff by gradient steps on their rows. Without competitive masks the loss does not depend \
            on the row, and all that is left to gain is the own rank. Masks make the row cost something: with enough \
            worth of the loss, α, the weight goes to others.",
    settings: &[
        Setting {
            name: "little",
            about: "α/τ that is too little",
            range: Range::Number { default: 0.01, least: 0.0, most: 1e6 },
        },
        Setting {
            name: "enough",
            about: "α/τ that is enough",
            range: Range::Number { default: 10.0, least: 0.0, most: 1e6 },
        },
        Setting {
            name: "steps",
            about: "gradient steps",
            range: Range::Whole { default: 600, least: 1, most: 10_000 },
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
    formulas: market::self_vote,
};

/// The loss of a model that sees everyone: 0, whatever the row.
struct FullSight;

impl Loss for FullSight {
    fn at(&self, _: &[f64]) -> f64 {
        0.0
    }

    fn gradient(&self, masks: &[f64]) -> Vec<f64> {
        vec![0.0; masks.len()]
    }
}

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let (peers, steps) = (settings.whole(PEERS.name)?, settings.whole("steps")?);
    let (little, enough) = (settings.number("little")?, settings.number("enough")?);
    let moves = Moves { rate: settings.number(RATE.name)?, epsilon: settings.number(EPSILON.name)? };
    let mut random = Random::new(settings.seed());
    let market = Market::new(Law::of(settings)?.hessians(&mut random))?;
    let first = start(peers, settings.number(START.name)?, &mut random);
    let mut columns = vec![Column::index("step", steps + 1)];
    for (name, ratio, masked) in [
        ("without masks".to_owned(), enough, false),
        (format!("masks, α/τ = {little}"), little, true),
        (format!("masks, α/τ = {enough}, which is enough"), enough, true),
    ] {
        let terms = terms(ratio, settings.number(TEMPERATURE.name)?);
        let mut rows = first.clone();
        let mut shares = vec![own_share(&rows)?];
        for _ in 0..steps {
            rows = market.step(&rows, &terms, moves, |loss| if masked { loss } else { &FullSight })?;
            shares.push(own_share(&rows)?);
        }
        report.fact(format!("weight on oneself {name}"), shares.last().copied().unwrap_or_default(), "");
        columns.push(Column::new(name, shares));
    }
    let series = columns.iter().skip(1).map(|column| column.name.clone()).collect();
    report.tables.push(Table::new("shares", columns));
    report.figures.push(Figure {
        title: "Share of the weight that peers give to themselves",
        table: "shares",
        x: "step".into(),
        series,
        y: "share of all weight",
        unit: "",
        mark: Mark::Line,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seed: u64, given: &[(&'static str, &'static str)]) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, given.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn only_masks_with_enough_alpha_turn_weight_to_others() {
        for seed in 0..5 {
            let shares: Vec<f64> = report(seed, &[]).facts.iter().map(|fact| fact.value).collect();
            println!("{seed}: {shares:.3?}");
            assert!(shares[0] > 1.0 - 1e-9 && shares[1] > 0.8 && shares[2] < 0.2, "{shares:?}");
        }
    }

    #[test]
    fn no_alpha_is_enough_without_masks() {
        let report = report(0, &[("enough", "1000"), ("rate", "100")]);
        assert!(report.facts[0].value > 1.0 - 1e-9, "{:?}", report.facts);
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        let short = [("steps", "3"), ("peers", "4")];
        assert_eq!(report(1, &short), report(1, &short));
        assert_ne!(report(1, &short).tables, report(2, &short).tables);
    }
}

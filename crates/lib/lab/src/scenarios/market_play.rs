//! One market game step by step: figure 4 of the `Competitive` drafts.
//!
//! Shows how weights, ranks and payoffs converge at one α/τ from random rows, and where they end beside the coordinated
//! weights. Laws and constants are those of `market-game`.

use crate::formulas::market;
use crate::market::law::{
    COMMON, EPSILON, FEATURES, LAW, Law, NEED, PEERS, RATE, SIZE, SPREAD, START, TEMPERATURE, start,
};
use crate::market::{Market, Moves, distance, heat, own_share, terms};
use crate::random::Random;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::{mean, spearman};
use mechanism::competitive::payoff::Terms;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "market-play",
    title: "A market game converges",
    about: "One market of the game, step by step: the rank of every peer, the share of the weight on oneself, the mean \
            payoff and the length of the longest step. The weights at the end stand beside the coordinated ones.",
    settings: &[
        Setting {
            name: "ratio",
            about: "α/τ, worth of the loss over worth of the rank",
            range: Range::Number { default: 10.0, least: 0.0, most: 1e6 },
        },
        LAW,
        PEERS,
        Setting {
            name: "steps",
            about: "gradient steps",
            range: Range::Whole { default: 300, least: 1, most: 10_000 },
        },
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
    formulas: market::market_play,
};

/// What is noted of each step.
#[derive(Default)]
struct Course {
    ranks: Vec<Vec<f64>>,
    own: Vec<f64>,
    correlation: Vec<f64>,
    payoff: Vec<f64>,
    length: Vec<f64>,
}

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let (peers, steps) = (settings.whole(PEERS.name)?, settings.whole("steps")?);
    let terms = terms(settings.number("ratio")?, settings.number(TEMPERATURE.name)?);
    let moves = Moves { rate: settings.number(RATE.name)?, epsilon: settings.number(EPSILON.name)? };
    let mut random = Random::new(settings.seed());
    let market = Market::new(Law::of(settings)?.hessians(&mut random))?;
    let mut rows = start(peers, settings.number(START.name)?, &mut random);
    let coordinated = market.ranks(market.ideal())?;
    let mut course = Course { ranks: vec![Vec::new(); peers], ..Course::default() };
    for _ in 0..steps {
        let next = market.step(&rows, &terms, moves, |loss| loss)?;
        course.note(&market, &coordinated, &next, distance(&rows, &next), &terms)?;
        rows = next;
    }
    for (name, values) in [
        ("share of the diagonal", &course.own),
        ("Spearman(R*, R)", &course.correlation),
        ("last step", &course.length),
    ] {
        report.fact(name, values.last().copied().unwrap_or_default(), "");
    }
    course.show(steps, report);
    weights(&market, &rows, report);
    Ok(())
}

impl Course {
    fn note(
        &mut self,
        market: &Market,
        coordinated: &[f64],
        rows: &[Vec<f64>],
        length: f64,
        terms: &Terms,
    ) -> Result<(), LabError> {
        let ranks = market.ranks(rows)?;
        self.own.push(own_share(rows)?);
        self.correlation.push(spearman(coordinated, &ranks));
        let payoffs = (0..market.peers()).map(|own| market.payoff(rows, own, terms).map(|payoff| payoff.value));
        self.payoff.push(mean(&payoffs.collect::<Result<Vec<f64>, _>>()?));
        self.length.push(length);
        for (course, rank) in self.ranks.iter_mut().zip(ranks) {
            course.push(rank);
        }
        Ok(())
    }

    fn show(self, steps: usize, report: &mut Report) {
        let index = || Column::new("step", Column::index("", steps).values.iter().map(|step| step + 1.0).collect());
        let figure = |title, table, series, y, unit| Figure {
            title,
            table,
            x: "step".into(),
            series,
            y,
            unit,
            mark: Mark::Line,
        };
        let mut columns = vec![index()];
        columns
            .extend(self.ranks.into_iter().enumerate().map(|(peer, ranks)| Column::new(format!("peer {peer}"), ranks)));
        let series = columns.iter().skip(1).map(|column| column.name.clone()).collect();
        report.tables.push(Table::new("ranks", columns));
        report.figures.push(figure("Ranks by step", "ranks", series, "rank", "stake"));
        report.tables.push(Table::new(
            "course",
            vec![
                index(),
                Column::new("share of the diagonal", self.own),
                Column::new("Spearman(R*, R)", self.correlation),
                Column::new("mean payoff", self.payoff),
                Column::new("longest step", self.length),
            ],
        ));
        let shares = vec!["share of the diagonal".into(), "Spearman(R*, R)".into()];
        report.figures.push(figure("Share of the diagonal and correlation by step", "course", shares, "ratio", ""));
        report.figures.push(figure("Mean payoff by step", "course", vec!["mean payoff".into()], "payoff", ""));
        report.figures.push(figure("Longest step of a row", "course", vec!["longest step".into()], "length", ""));
    }
}

fn weights(market: &Market, rows: &[Vec<f64>], report: &mut Report) {
    let matrices = [("competitive".to_owned(), rows), ("coordinated".to_owned(), market.ideal())];
    report.tables.push(Table::new("weights", heat(&matrices)));
    for (title, name) in [("Weights at the end", "competitive"), ("Coordinated weights", "coordinated")] {
        report.figures.push(Figure {
            title,
            table: "weights",
            x: "column".into(),
            series: vec!["row".into(), name.into()],
            y: "row",
            unit: "",
            mark: Mark::Heat,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seed: u64, given: &[(&'static str, &'static str)]) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, given.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn payoffs_rise_and_steps_shorten() {
        let report = report(0, &[]);
        let course = |name: &str| report.table("course").unwrap().column(name).unwrap().values.clone();
        let (payoff, length) = (course("mean payoff"), course("longest step"));
        assert!(payoff[299] > payoff[0], "{payoff:?}");
        assert!(length[299] < 0.2 * length[0] && length.iter().all(|length| *length <= 0.1 + 1e-12), "{length:?}");
    }

    #[test]
    fn only_what_rank_is_worth_makes_an_identity() {
        let own = |ratio: &'static str| report(0, &[("ratio", ratio)]).value("share of the diagonal").unwrap();
        assert!(own("0.01") > 0.99 && own("1e5") < 0.1, "{} {}", own("0.01"), own("1e5"));
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        let short = [("steps", "4"), ("peers", "5")];
        assert_eq!(report(1, &short), report(1, &short));
        assert_ne!(report(1, &short).tables, report(2, &short).tables);
    }
}

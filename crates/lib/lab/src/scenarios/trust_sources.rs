//! What the number of trust sources M and the threshold κ do under `Trust` (many peers, sparse rows).
//!
//! An honest majority and a cabal score among themselves alone, each peer sixteen others at random. Trust is measured over M
//! samples of the stake, and counts who is visited more than κ times within d steps; κ is in units of d/n, the mean visits. A
//! cabal has the voice of its stake, whether it spreads it evenly or puts it on a few heads.
//!
//! Were the M largest peers the sources instead, the heads would be among them, and of honest stake, which is spread over n
//! peers, only what M of them hold: about M/n of all stake would have half the voice. "Capture" shows that share by n, and
//! the voice of a cabal with that much stake where samples are drawn, at its mean and at its largest over many draws.
//!
//! With rows of sixteen among some hundred peers, half of the pairs are visited less than ½·d/n times in three steps: at the
//! default κ an honest majority of .7 is not paid, at half of it, or with rows of 64, it is.

use crate::formulas::trust;
use crate::random::Random;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::{mean, real};
use mechanism::arithmetic::{exp, sum};
use mechanism::rows::Rows;
use mechanism::trust::{Parameters, evaluate};
use mechanism::world::World;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "trust-sources",
    title: "How many trust sources, and which threshold",
    about: "An honest majority and a cabal with sparse rows, under Trust. Mean trust of both and the loss by the number of \
            trust sources and by κ in units of d/n, for a cabal of even stake and for one whose stake sits on a few heads.",
    settings: &[
        Setting { name: "peers", about: "all peers", range: Range::Whole { default: 512, least: 64, most: 4096 } },
        Setting {
            name: "share",
            about: "the cabal's share of stake and peers",
            range: Range::Number { default: 0.3, least: 0.05, most: 0.95 },
        },
        Setting {
            name: "heads",
            about: "peers that hold the stake of a cabal with heads",
            range: Range::Whole { default: 16, least: 1, most: 1024 },
        },
        Setting {
            name: "kappa",
            about: "κ in units of d/n where numbers of sources are compared",
            range: Range::Number { default: 0.25, least: 0.001, most: 16.0 },
        },
        Setting { name: "weights", about: "entries of a row", range: Range::Whole { default: 16, least: 1, most: 64 } },
        Setting {
            name: "spread",
            about: "deviation of the logarithm of stake",
            range: Range::Number { default: 0.5, least: 0.0, most: 2.0 },
        },
    ],
    random: true,
    run,
    formulas: trust::trust_sources,
};

/// κ in units of d/n.
const KAPPAS: &[f64] = &[0.03125, 0.0625, 0.125, 0.25, 0.5, 1.0, 1.5, 2.0, 4.0];

/// The default M.
const SOURCES: usize = 256;

struct Sides {
    honest: usize,
    weights: Rows,
    even: Vec<f64>,
    headed: Vec<f64>,
}

/// What a world looks like to the mechanism.
struct Look {
    honest: f64,
    cabal: f64,
    loss: f64,
    incentive: f64,
}

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let sides = Sides::new(settings)?;
    let (peers, kappa) = (settings.whole("peers")?, settings.number("kappa")?);
    let mut counts: Vec<usize> = [16, 64, SOURCES].into_iter().filter(|&count| count < peers).collect();
    counts.push(peers);

    let mut by_sources = vec![Column::new("sources", counts.iter().map(|&count| real(count)).collect())];
    let mut by_kappa = vec![Column::with_unit("kappa", "d/n", KAPPAS.to_vec())];
    let mut grid: [Vec<f64>; 5] = Default::default();
    for (stake, how) in [(&sides.even, "even"), (&sides.headed, "heads")] {
        let looks = counts.iter().map(|&count| sides.look(stake, count, kappa)).collect::<Result<Vec<_>, _>>()?;
        for (look, count) in looks.iter().zip(&counts) {
            report.fact(format!("trust of honest peers at {count} sources, {how}"), look.honest, "");
            report.fact(format!("trust of the cabal at {count} sources, {how}"), look.cabal, "");
            report.fact(format!("loss at {count} sources, {how}"), look.loss, "");
        }
        columns(&looks, how, &mut by_sources);
        let looks = KAPPAS.iter().map(|&kappa| sides.look(stake, SOURCES, kappa)).collect::<Result<Vec<_>, _>>()?;
        for (look, kappa) in looks.iter().zip(KAPPAS) {
            report.fact(format!("loss at κ = {kappa} d/n, {how}"), look.loss, "");
        }
        columns(&looks, how, &mut by_kappa);
    }
    for &count in &counts {
        for &kappa in KAPPAS {
            let [sources, kappas, even, headed, margins] = &mut grid;
            sources.push(real(count));
            kappas.push(kappa);
            even.push(sides.look(&sides.even, count, kappa)?.loss);
            let loss = sides.look(&sides.headed, count, kappa)?.loss;
            headed.push(loss);
            margins.push(0.0 - loss);
        }
    }
    let names = ["sources", "kappa", "loss, even", "loss, heads", "−L, heads"];
    let grid = names.into_iter().zip(grid).map(|(name, values)| Column::new(name, values)).collect();
    report.tables.push(Table::new("by sources", by_sources));
    report.tables.push(Table::new("by kappa", by_kappa));
    report.tables.push(Table::new("grid", grid));
    for (title, table, x) in [
        ("Mean trust by the number of trust sources", "by sources", "sources"),
        ("Mean trust by κ, with 256 trust sources", "by kappa", "kappa"),
    ] {
        let series = ["honest, even", "cabal, even", "honest, heads", "cabal, heads"].map(String::from).to_vec();
        report.figures.push(Figure { title, table, x: x.into(), series, y: "trust T", unit: "", mark: Mark::Line });
    }
    report.figures.push(Figure {
        title: "Margin −L by trust sources and κ, stake on heads; it pays above 0",
        table: "grid",
        x: "sources".into(),
        series: vec!["kappa".into(), "−L, heads".into()],
        y: "κ in units of d/n",
        unit: "",
        mark: Mark::Heat,
    });
    capture(settings, report)
}

/// The share of the stake that, on 128 heads, would have half the voice if the 256 largest spoke, and its voice by samples.
fn capture(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let spread = settings.number("spread")?;
    let mut random = Random::new(settings.seed());
    let (mut peers, mut least, mut mean, mut largest) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for n in [256, 512, 1024, 2048, 4096, 8192] {
        let mut honest: Vec<f64> = (0..n).map(|_| exp(spread * random.normal())).collect();
        honest.sort_by(|a, b| b.total_cmp(a));
        let total = sum(&honest);
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..40 {
            let share: f64 = 0.5 * (low + high);
            let each = share / real(HEADS);
            // Heads are all of one size, and sources where they are larger than the honest peers after them.
            let mut held: Vec<f64> = honest.iter().map(|stake| stake / total * (1.0 - share)).collect();
            held.truncate(SOURCES);
            let larger = held.iter().filter(|stake| **stake > each).count();
            let places = SOURCES.saturating_sub(larger).min(HEADS);
            held.truncate(SOURCES - places);
            if real(places) * each > sum(&held) { high = share } else { low = share }
        }
        let mut stake: Vec<f64> = honest.iter().map(|stake| stake / total * (1.0 - high)).collect();
        stake.extend([high / real(HEADS); HEADS]);
        let voices = (0..DRAWS).map(|seed| voice(&stake, n, seed)).collect::<Result<Vec<_>, _>>()?;
        let most = voices.iter().copied().fold(0.0, f64::max);
        report.fact(
            format!("share of stake on {HEADS} heads that has half the voice of the largest, of {n}"),
            high,
            "",
        );
        report.fact(format!("its largest voice by samples, of {n}"), most, "");
        peers.push(real(n));
        least.push(high);
        mean.push(sum(&voices) / real(voices.len()));
        largest.push(most);
    }
    report.tables.push(Table::new(
        "capture",
        vec![
            Column::new("peers", peers),
            Column::new("share", least),
            Column::new("voice", mean),
            Column::new("largest voice", largest),
        ],
    ));
    report.figures.push(Figure {
        title: "Stake on 128 heads that would have half the voice of the 256 largest peers, and its voice by samples",
        table: "capture",
        x: "peers".into(),
        series: ["share", "voice", "largest voice"].map(String::from).to_vec(),
        y: "share of all stake, and of the voice",
        unit: "",
        mark: Mark::Line,
    });
    Ok(())
}

/// The part of the voice that peers from `first` on have.
fn voice(stake: &[f64], first: usize, seed: u64) -> Result<f64, LabError> {
    let peers = u32::try_from(stake.len()).unwrap_or(u32::MAX);
    // Who is scored does not matter to who speaks.
    let weights = Rows::new(stake.len(), (0..peers).map(|own| [(own, 1.0)]))?;
    let world = World { stake, scaling: &vec![1.0; stake.len()], weights: &weights };
    let parameters = Parameters { sources: SOURCES, seed, depth: 1, ..Parameters::for_peers(peers) };
    let outcome = evaluate(&world, &parameters)?;
    let own = outcome.sources.iter().zip(&outcome.voices).filter(|&(&source, _)| source as usize >= first);
    Ok(sum(&own.map(|(_, voice)| *voice).collect::<Vec<_>>()) / sum(&outcome.voices))
}

/// Draws whose largest voice is shown.
const DRAWS: u64 = 32;

/// Heads of the cabal that captures the sources.
const HEADS: usize = SOURCES / 2;

fn columns(looks: &[Look], how: &str, into: &mut Vec<Column>) {
    let mut add = |name: &str, value: fn(&Look) -> f64| {
        into.push(Column::new(format!("{name}, {how}"), looks.iter().map(value).collect()));
    };
    add("honest", |look| look.honest);
    add("cabal", |look| look.cabal);
    add("loss", |look| look.loss);
    add("incentive of the cabal", |look| look.incentive);
}

impl Sides {
    /// Honest peers come first.
    fn new(settings: &Settings) -> Result<Self, LabError> {
        let (peers, share) = (settings.whole("peers")?, settings.number("share")?);
        let (length, heads, spread) =
            (settings.whole("weights")?, settings.whole("heads")?, settings.number("spread")?);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the peers")]
        let honest = ((1.0 - share) * real(peers)) as usize;
        let mut random = Random::new(settings.seed());
        let mut rows = Vec::with_capacity(peers);
        for own in 0..peers {
            let (first, count) = if own < honest { (0, honest) } else { (honest, peers - honest) };
            rows.push(row(first, count, length, &mut random));
        }
        let raw: Vec<f64> = (0..peers).map(|_| exp(spread * random.normal())).collect();
        let held: Vec<f64> = scaled(&raw[..honest], 1.0 - share);
        let even = [held.clone(), scaled(&raw[honest..], share)].concat();
        let heads = heads.min(peers - honest);
        let mut headed = held;
        headed.extend((0..peers - honest).map(|place| if place < heads { share / real(heads) } else { 0.0 }));
        Ok(Self { honest, weights: Rows::new(peers, rows)?, even, headed })
    }

    fn look(&self, stake: &[f64], sources: usize, kappa: f64) -> Result<Look, LabError> {
        let peers = stake.len();
        let parameters = Parameters::for_peers(u32::try_from(peers).unwrap_or(u32::MAX));
        let kappa = kappa * f64::from(parameters.depth) / real(peers);
        let parameters = Parameters { kappa, temperature: 0.25 * kappa, sources, ..parameters };
        let world = World { stake, scaling: &vec![1.0; peers], weights: &self.weights };
        let outcome = evaluate(&world, &parameters)?;
        let (honest, cabal) = outcome.trusted.split_at(self.honest);
        let all = sum(&outcome.incentive);
        let incentive = sum(&outcome.incentive[self.honest..]) / if all > 0.0 { all } else { 1.0 };
        Ok(Look { honest: mean(honest), cabal: mean(cabal), loss: outcome.loss, incentive })
    }
}

/// Random weights on `length` of the `count` peers from `first` on.
fn row(first: usize, count: usize, length: usize, random: &mut Random) -> Vec<(u32, f64)> {
    let mut chosen: Vec<usize> = random.order(count).into_iter().take(length).collect();
    chosen.sort_unstable();
    let raw: Vec<f64> = chosen.iter().map(|_| random.between(0.5, 1.5)).collect();
    let entry = |(place, w): (usize, f64)| u32::try_from(first + place).ok().map(|peer| (peer, w));
    chosen.into_iter().zip(scaled(&raw, 1.0)).filter_map(entry).collect()
}

/// `values` times what makes them sum to `total`.
fn scaled(values: &[f64], total: f64) -> Vec<f64> {
    let all = sum(values);
    values.iter().map(|value| value / all * total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seed: u64, given: &[(&'static str, &'static str)]) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, given.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn heads_give_a_cabal_nothing() {
        let report = report(1, &[]);
        let value = |name: &str| report.value(name).unwrap();
        for count in ["16", "64", "256", "512"] {
            for how in ["even", "heads"] {
                assert!(value(&format!("loss at {count} sources, {how}")) < 0.0, "{count}, {how}");
                assert!(value(&format!("trust of the cabal at {count} sources, {how}")) < 0.1, "{count}, {how}");
            }
        }
    }

    #[test]
    fn a_high_threshold_disconnects_an_honest_majority() {
        let report = report(1, &[]);
        let loss = |kappa: &str| report.value(&format!("loss at κ = {kappa} d/n, even")).unwrap();
        assert!(loss("0.0625") < -0.15 && loss("0.25") < -0.1);
        assert!(loss("0.5") > 0.0 && loss("1") > 0.4);
        // Longer rows connect more pairs.
        let longer = self::report(1, &[("weights", "64")]);
        assert!(longer.value("loss at κ = 0.5 d/n, even").unwrap() < -0.15);
    }

    #[test]
    fn stake_that_would_own_the_largest_has_its_own_voice() {
        let report = report(1, &[]);
        let column = |name: &str| &report.table("capture").unwrap().column(name).unwrap().values;
        let shares = column("share");
        assert!(shares.windows(2).all(|pair| pair[1] < pair[0]));
        assert!(shares[4] < 0.1);
        // Equal heads stand next to each other: at most two slots more.
        for ((share, mean), largest) in shares.iter().zip(column("voice")).zip(column("largest voice")) {
            assert!((mean - share).abs() < 1.0 / real(SOURCES) && largest - share < 2.0 / real(SOURCES));
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        let small = [("peers", "64")];
        assert_eq!(report(1, &small), report(1, &small));
        assert_ne!(report(1, &small).tables, report(2, &small).tables);
    }
}

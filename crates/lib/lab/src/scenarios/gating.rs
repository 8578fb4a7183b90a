//! A gate learns whom to ask: noisy top-k, and what it costs in bytes.
//!
//! Every example is of one kind, and every neighbour knows some kinds: its answer is the target and noise, little where it
//! knows the kind and much where it does not. The gate has a number s_tj for each kind t and neighbour j. It adds noise, asks
//! the k largest, and joins their answers by g = softmax over those asked. The loss is ½ (Σ g_j a_j − y)², whose slope in s_tj
//! is g_j (a_j − Σ g a)(Σ g a − y); a term for the squared coefficient of variation of the gates summed over a batch keeps a
//! few from being asked for everything (Shazeer et al., "Outrageously Large Neural Networks", 2017, section 4). An answer has
//! the bytes that a tab's has: 16 bits for each of 64 positions of 128 numbers.
//!
//! The peers of the product are more than this: their gates read what an encoder makes of an example, not its kind.

use crate::formulas::learning;
use crate::market::law::share;
use crate::random::Random;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::real;
use mechanism::arithmetic::exp;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "gating",
    title: "Whom to ask, and how many",
    about: "Examples are of several kinds, and each neighbour knows some of them. A gate that starts without a notion asks k \
            neighbours for each example and learns from what their answers were worth. Beside it stand asking k at \
            random and asking everyone, with the bytes that each costs.",
    settings: &[
        Setting { name: "neighbours", about: "neighbours", range: Range::Whole { default: 12, least: 1, most: 64 } },
        Setting { name: "kinds", about: "kinds of examples", range: Range::Whole { default: 4, least: 1, most: 16 } },
        Setting {
            name: "asked",
            about: "k: neighbours asked for an example",
            range: Range::Whole { default: 2, least: 1, most: 64 },
        },
        Setting {
            name: "steps",
            about: "batches to learn from",
            range: Range::Whole { default: 400, least: 1, most: 5000 },
        },
        Setting {
            name: "noise",
            about: "deviation of what is added to the gate, so that others are tried",
            range: Range::Number { default: 1.0, least: 0.0, most: 10.0 },
        },
        Setting {
            name: "balance",
            about: "weight of the term that spreads the asking",
            range: Range::Number { default: 0.02, least: 0.0, most: 1.0 },
        },
        Setting {
            name: "rate",
            about: "length of a step of the gate",
            range: Range::Number { default: 0.5, least: 0.0, most: 10.0 },
        },
    ],
    random: true,
    run,
    formulas: learning::gating,
};

/// Examples in a batch.
pub(crate) const BATCH: usize = 32;
/// Bytes of the answer for one example: 64 positions of 128 numbers of 16 bits.
pub(crate) const ANSWER: usize = 64 * 128 * 2;
/// Deviation of the noise in an answer about a kind that the neighbour knows, and about another.
const KNOWN: f64 = 0.3;
const UNKNOWN: f64 = 2.0;
/// How many there are to a kind, counted from where each neighbour's begin.
const SPAN: usize = 3;
/// Steps that the curves average over.
const WINDOW: usize = 20;
/// Sizes of k whose losses are compared.
const SIZES: [usize; 7] = [1, 2, 3, 4, 6, 8, 12];

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let (neighbours, asked) = (settings.whole("neighbours")?, settings.whole("asked")?);
    if asked > neighbours {
        return Err(LabError::Settings(format!(
            "asked is {asked}, but there are only {neighbours} neighbours: ask fewer, or have more of them"
        )));
    }
    let course = Course::run(settings, asked)?;
    report.fact("loss once learned", course.last(&course.gate), "nats");
    report.fact("loss where k are asked at random", course.last(&course.random), "nats");
    report.fact("loss where everyone is asked alike", course.last(&course.everyone), "nats");
    report.fact("bytes asked for an example", real(asked * ANSWER), "bytes");
    report.fact("bytes where everyone is asked", real(neighbours * ANSWER), "bytes");
    report.fact("share of asks at neighbours that know the kind", course.known, "");
    report.tables.push(Table::new(
        "course",
        vec![
            Column::index("step", course.gate.len()),
            Column::with_unit("learned gate", "nats", course.gate),
            Column::with_unit("k at random", "nats", course.random),
            Column::with_unit("everyone alike", "nats", course.everyone),
            Column::new("asks that hit", course.hits),
        ],
    ));
    let sizes: Vec<usize> = SIZES.into_iter().filter(|size| *size <= neighbours).collect();
    let mut losses = Vec::with_capacity(sizes.len());
    for size in &sizes {
        let course = Course::run(settings, *size)?;
        losses.push(course.last(&course.gate));
    }
    report.tables.push(Table::new(
        "bandwidth",
        vec![
            Column::new("k", sizes.iter().map(|size| real(*size)).collect()),
            Column::with_unit(
                "bytes an example",
                "KiB",
                sizes.iter().map(|size| real(size * ANSWER) / 1024.0).collect(),
            ),
            Column::with_unit("loss once learned", "nats", losses),
        ],
    ));
    let (mut kinds, mut peers, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for (place, share) in course.asked.iter().enumerate() {
        kinds.push(real(place / neighbours));
        peers.push(real(place % neighbours));
        shares.push(*share);
    }
    report.tables.push(Table::new(
        "asks",
        vec![
            Column::new("neighbour", peers),
            Column::new("kind", kinds),
            Column::new("share of the kind’s asks", shares),
        ],
    ));
    let figure = |title, table, x: &str, series: &[&str], y, unit, mark| Figure {
        title,
        table,
        x: x.into(),
        series: series.iter().map(|&name| name.into()).collect(),
        y,
        unit,
        mark,
    };
    report.figures.push(figure(
        "What asking is worth",
        "course",
        "step",
        &["learned gate", "k at random", "everyone alike"],
        "loss",
        "nats",
        Mark::Line,
    ));
    report.figures.push(figure(
        "Asks that hit who knows",
        "course",
        "step",
        &["asks that hit"],
        "share",
        "",
        Mark::Line,
    ));
    report.figures.push(figure(
        "Who is asked about what, once learned",
        "asks",
        "neighbour",
        &["kind", "share of the kind’s asks"],
        "share",
        "",
        Mark::Heat,
    ));
    report.figures.push(figure(
        "Loss by the bytes that it costs",
        "bandwidth",
        "bytes an example",
        &["loss once learned"],
        "loss",
        "nats",
        Mark::Line,
    ));
    Ok(())
}

/// What a gate with one k went through.
struct Course {
    gate: Vec<f64>,
    random: Vec<f64>,
    everyone: Vec<f64>,
    /// Share of asks at neighbours that know the kind, by step.
    hits: Vec<f64>,
    /// The same over the last quarter.
    known: f64,
    /// Kind by neighbour, over the last quarter: share of the kind's asks.
    asked: Vec<f64>,
}

impl Course {
    fn run(settings: &Settings, size: usize) -> Result<Self, LabError> {
        let (neighbours, kinds) = (settings.whole("neighbours")?, settings.whole("kinds")?);
        let (steps, noise) = (settings.whole("steps")?, settings.number("noise")?);
        let (balance, rate) = (settings.number("balance")?, settings.number("rate")?);
        let mut random = Random::new(settings.seed());
        let mut gate = vec![0.0; kinds * neighbours];
        let mut course = Self {
            gate: vec![],
            random: vec![],
            everyone: vec![],
            hits: vec![],
            known: 0.0,
            asked: vec![0.0; kinds * neighbours],
        };
        let mut late = (0.0, 0.0);
        for step in 0..steps {
            let mut slope = vec![0.0; kinds * neighbours];
            let (mut losses, mut hits) = ([0.0; 3], 0.0);
            let mut batch = Vec::with_capacity(BATCH);
            for _ in 0..BATCH {
                let kind = random.below(kinds);
                let target = random.normal();
                let answers: Vec<f64> =
                    (0..neighbours).map(|j| target + deviation(j, kind, kinds) * random.normal()).collect();
                let tried: Vec<f64> =
                    (0..neighbours).map(|j| gate[kind * neighbours + j] + noise * random.normal()).collect();
                let picked = largest(&tried, size);
                let gates = softmax(&picked.iter().map(|&j| gate[kind * neighbours + j]).collect::<Vec<f64>>());
                let mut joined = 0.0;
                picked.iter().zip(&gates).for_each(|(&j, g)| joined += g * answers[j]);
                let residual = joined - target;
                for (&j, g) in picked.iter().zip(&gates) {
                    slope[kind * neighbours + j] += share(BATCH) * g * (answers[j] - joined) * residual;
                }
                let drawn = random.order(neighbours);
                let any = mean_at(&answers, &drawn[..size]) - target;
                let all = mean_at(&answers, &drawn) - target;
                for (loss, r) in losses.iter_mut().zip([residual, any, all]) {
                    *loss += share(BATCH) * 0.5 * r * r;
                }
                let hit = picked.iter().filter(|&&j| knows(j, kind, kinds)).count();
                hits += share(BATCH * size) * real(hit);
                if step >= steps - steps.div_ceil(4) {
                    late = (late.0 + real(hit), late.1 + real(size));
                    picked.iter().for_each(|&j| course.asked[kind * neighbours + j] += 1.0);
                }
                batch.push((kind, picked, gates));
            }
            spread(&batch, neighbours, balance, &mut slope);
            gate.iter_mut().zip(&slope).for_each(|(s, d)| *s -= rate * d);
            course.gate.push(losses[0]);
            course.random.push(losses[1]);
            course.everyone.push(losses[2]);
            course.hits.push(hits);
        }
        for curve in [&mut course.gate, &mut course.random, &mut course.everyone, &mut course.hits] {
            *curve = smooth(curve);
        }
        course.known = late.0 / late.1;
        for row in course.asked.chunks_exact_mut(neighbours) {
            let mut sum = 0.0;
            row.iter().for_each(|count| sum += count);
            row.iter_mut().for_each(|count| *count /= if sum > 0.0 { sum } else { 1.0 });
        }
        Ok(course)
    }

    /// At the end of a curve.
    fn last(&self, curve: &[f64]) -> f64 {
        curve.last().copied().unwrap_or_default()
    }
}

/// The slope of `weight` · CV²(I), I_j the sum of the gates of j over the batch: ∂CV²/∂I_j = 2n (I_j/S² − ΣI²/S³).
fn spread(batch: &[(usize, Vec<usize>, Vec<f64>)], neighbours: usize, weight: f64, slope: &mut [f64]) {
    let mut importance = vec![0.0; neighbours];
    for (_, picked, gates) in batch {
        picked.iter().zip(gates).for_each(|(&j, g)| importance[j] += g);
    }
    let (mut sum, mut squares) = (0.0, 0.0);
    importance.iter().for_each(|i| (sum, squares) = (sum + i, squares + i * i));
    let of = |j: usize| 2.0 * real(neighbours) * (importance[j] / (sum * sum) - squares / (sum * sum * sum));
    for (kind, picked, gates) in batch {
        let mut mean = 0.0;
        picked.iter().zip(gates).for_each(|(&j, g)| mean += g * of(j));
        for (&j, g) in picked.iter().zip(gates) {
            slope[kind * neighbours + j] += weight * g * (of(j) - mean);
        }
    }
}

/// Whether the neighbour knows examples of this kind: a third of all, each another stretch of them.
fn knows(neighbour: usize, kind: usize, kinds: usize) -> bool {
    (neighbour + kinds - kind % kinds) % kinds.max(SPAN) == 0 || kinds == 1
}

fn deviation(neighbour: usize, kind: usize, kinds: usize) -> f64 {
    if knows(neighbour, kind, kinds) { KNOWN } else { UNKNOWN }
}

/// The places of the `size` largest, largest first.
fn largest(values: &[f64], size: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
    order.truncate(size);
    order
}

fn softmax(values: &[f64]) -> Vec<f64> {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raised: Vec<f64> = values.iter().map(|value| exp(value - most)).collect();
    let mut sum = 0.0;
    raised.iter().for_each(|value| sum += value);
    raised.iter().map(|value| value / sum).collect()
}

fn mean_at(values: &[f64], places: &[usize]) -> f64 {
    let mut sum = 0.0;
    places.iter().for_each(|&place| sum += values[place]);
    sum * share(places.len())
}

/// The mean of each value and those before it, as far as [`WINDOW`] reaches.
fn smooth(values: &[f64]) -> Vec<f64> {
    let at = |end: usize| crate::statistics::mean(&values[(end + 1).saturating_sub(WINDOW)..=end]);
    (0..values.len()).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seed: u64, given: &[(&'static str, &'static str)]) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, given.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn a_gate_finds_who_knows_and_beats_asking_everyone() {
        for seed in 0..4 {
            let report = report(seed, &[]);
            let fact = |name: &str| report.value(name).unwrap();
            println!("{:?}", report.facts);
            assert!(fact("loss once learned") < 0.5 * fact("loss where everyone is asked alike"));
            assert!(fact("loss where everyone is asked alike") < 0.5 * fact("loss where k are asked at random"));
            assert!(fact("share of asks at neighbours that know the kind") > 0.8);
            assert_eq!(fact("bytes where everyone is asked") / fact("bytes asked for an example"), 6.0);
        }
    }

    #[test]
    fn a_gate_that_does_not_learn_is_no_better_than_chance() {
        let report = report(1, &[("rate", "0")]);
        let fact = |name: &str| report.value(name).unwrap();
        let ratio = fact("loss once learned") / fact("loss where k are asked at random");
        assert!((0.6..1.6).contains(&ratio), "{ratio}");
    }

    #[test]
    fn without_noise_those_asked_first_are_asked_for_ever() {
        let hits = |noise: &'static str| {
            report(2, &[("noise", noise), ("balance", "0")])
                .value("share of asks at neighbours that know the kind")
                .unwrap()
        };
        assert!(hits("1") > hits("0") + 0.2, "{} {}", hits("1"), hits("0"));
    }

    /// The slope of the spreading term against central differences in the numbers of the gate.
    #[test]
    fn the_slope_of_the_spreading_term_is_that_of_differences() {
        let gate = [0.3, -0.2, 0.5, 0.1, 0.0, -0.4];
        let picked = [(0, vec![0, 2]), (1, vec![1, 2]), (1, vec![0, 1]), (0, vec![2, 1])];
        let batch = |gate: &[f64]| -> Vec<(usize, Vec<usize>, Vec<f64>)> {
            let gates = |kind: usize, at: &[usize]| softmax(&at.iter().map(|j| gate[kind * 3 + j]).collect::<Vec<_>>());
            picked.iter().map(|(kind, at)| (*kind, at.clone(), gates(*kind, at))).collect()
        };
        let value = |gate: &[f64]| {
            let mut importance = [0.0; 3];
            for (_, at, gates) in batch(gate) {
                at.iter().zip(&gates).for_each(|(&j, g)| importance[j] += g);
            }
            let (sum, squares) = importance.iter().fold((0.0, 0.0), |(s, q), i| (s + i, q + i * i));
            3.0 * squares / (sum * sum) - 1.0
        };
        let mut slope = [0.0; 6];
        spread(&batch(&gate), 3, 1.0, &mut slope);
        for place in 0..6 {
            let moved = |by: f64| {
                let mut gate = gate;
                gate[place] += by;
                value(&gate)
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope[place] - difference).abs() < 1e-8, "{place}: {} {difference}", slope[place]);
        }
    }

    #[test]
    fn more_asked_than_there_are_is_refused_with_words() {
        let settings = SCENARIO.settings(0, [("neighbours", "3"), ("asked", "4")]).unwrap();
        let refused = SCENARIO.report(&settings).unwrap_err().to_string();
        assert!(refused.contains("only 3 neighbours"), "{refused}");
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        let short = [("steps", "9"), ("neighbours", "4")];
        assert_eq!(report(1, &short), report(1, &short));
        assert_ne!(report(1, &short).tables, report(2, &short).tables);
    }
}

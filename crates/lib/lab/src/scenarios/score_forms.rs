//! Forms of the score of a neighbour, beside what masking it really costs.
//!
//! A model sums what a gate lets through of its neighbours' answers, f_j(x) = g_j(x) a_j(x), and predicts a target with
//! Gaussian noise of deviation 1: the loss ½ (Σ_j f_j − y)² is a negative log-likelihood in nats up to a constant, its
//! Hessian in the slots is all ones, and its gradient in each slot is the residual r. Fisher information and Hessian
//! agree there, up to sampling: E\[(r f_j)²\] ≈ E\[f_j²\]. Exact removal costs ½ E\[f_j²\] − E\[r f_j\].
//!
//! The last neighbour copies the first, answer and gate. Alone each scores as if the other were not there; only removing
//! both shows what they carry together. Nothing else is claimed of copiers.

use crate::formulas::market;
use crate::market::law::share;
use crate::random::Random;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::{mean, spearman};
use mechanism::arithmetic::exp;
use mechanism::pruning::{Form, exact, fisher, gate_mass, joint, quadratic};

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "score-forms",
    title: "Which score of a neighbour is right",
    about: "A small model joins gated answers of its neighbours. Each neighbour is scored by the Fisher information and \
            by the Hessian, with and without the half of the expansion, by the mass of its gate, and by removing it. A \
            copier scores like the original; only removing both shows what they carry.",
    settings: &[
        Setting {
            name: "neighbours",
            about: "neighbours, beside the copier",
            range: Range::Whole { default: 12, least: 3, most: 64 },
        },
        Setting {
            name: "examples",
            about: "examples",
            range: Range::Whole { default: 2000, least: 10, most: 100_000 },
        },
        Setting { name: "models", about: "random models", range: Range::Whole { default: 20, least: 1, most: 200 } },
        Setting {
            name: "common",
            about: "how much of every answer is the same, in deviations",
            range: Range::Number { default: 0.2, least: 0.0, most: 10.0 },
        },
        Setting {
            name: "spread",
            about: "deviation of the logarithm of the answers' sizes, and of the gates",
            range: Range::Number { default: 0.7, least: 0.0, most: 3.0 },
        },
        Setting {
            name: "noise",
            about: "deviation of the target; off 1 the Fisher information is not the Hessian",
            range: Range::Number { default: 1.0, least: 0.0, most: 10.0 },
        },
    ],
    random: true,
    run,
    formulas: market::score_forms,
};

/// Answers have this size where their logarithm is 0, so that the sum of gated ones is of the order of the noise.
const SIZE: f64 = 4.0;

/// What a model says on all examples.
struct Model {
    /// f_j for every neighbour j.
    answers: Vec<Vec<f64>>,
    /// Gates, one example after the other.
    gates: Vec<f64>,
    /// r = Σ_j f_j − y.
    residual: Vec<f64>,
}

/// The scores of all neighbours.
struct Scores {
    exact: Vec<f64>,
    fisher: Vec<f64>,
    hessian: Vec<f64>,
    half: Vec<f64>,
    gate: Vec<f64>,
}

/// What two neighbours cost when they are removed, summed over models, in nats.
#[derive(Clone, Copy, Default)]
struct Pair {
    alone: f64,
    both: f64,
    form: f64,
}

/// Pairs that are looked at.
const PAIRS: usize = 3;

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let models = settings.whole("models")?;
    let mut random = Random::new(settings.seed());
    let mut ratios: [Vec<f64>; 4] = Default::default();
    let mut correlations: [Vec<f64>; 3] = Default::default();
    let mut pairs = [Pair::default(); PAIRS];
    for index in 0..models {
        let model = Model::random(settings, &mut random)?;
        let scores = model.scores()?;
        for (list, form) in correlations.iter_mut().zip([&scores.fisher, &scores.hessian, &scores.gate]) {
            list.push(spearman(&scores.exact, form));
        }
        let halved: Vec<f64> = scores.fisher.iter().map(|score| 0.5 * score).collect();
        for (list, form) in ratios.iter_mut().zip([&scores.fisher, &halved, &scores.hessian, &scores.half]) {
            list.push(mean(form) / mean(&scores.exact));
        }
        model.pairs(&scores, &mut pairs)?;
        if index == 0 {
            let last = scores.exact.len() - 1;
            report.fact("copier's score over the original's", scores.exact[last] / scores.exact[0], "");
            scores.show(halved, report);
        }
    }
    for (name, list) in ["Fisher", "half of Fisher", "Hessian", "half of Hessian"].iter().zip(&ratios) {
        report.fact(format!("{name} over exact removal"), mean(list), "");
    }
    for (name, list) in ["Fisher", "Hessian", "gate mass"].iter().zip(&correlations) {
        report.fact(format!("Spearman with exact removal: {name}"), mean(list), "");
    }
    show_pairs(&pairs, share(models), report);
    let [fisher, hessian, gate] = correlations;
    report.tables.push(Table::new(
        "correlations",
        vec![
            Column::index("model", models),
            Column::new("Fisher", fisher),
            Column::new("Hessian", hessian),
            Column::new("gate mass", gate),
        ],
    ));
    let series = ["Fisher", "Hessian", "gate mass"];
    report.figures.push(figure("Correlation with exact removal", "correlations", "model", &series, "Spearman", ""));
    Ok(())
}

impl Model {
    fn random(settings: &Settings, random: &mut Random) -> Result<Self, LabError> {
        let (neighbours, examples) = (settings.whole("neighbours")?, settings.whole("examples")?);
        let (common, spread) = (settings.number("common")?, settings.number("spread")?);
        let noise = settings.number("noise")?;
        let sizes: Vec<f64> = (0..neighbours).map(|_| SIZE * exp(spread * random.normal())).collect();
        let biases: Vec<f64> = (0..neighbours).map(|_| spread * random.normal()).collect();
        let mut answers = vec![Vec::with_capacity(examples); neighbours + 1];
        let (mut gates, mut residual) = (Vec::new(), Vec::with_capacity(examples));
        for _ in 0..examples {
            let shared = common * random.normal();
            let mut said: Vec<f64> = sizes.iter().map(|size| size * (shared + random.normal())).collect();
            let mut gate: Vec<f64> = biases.iter().map(|bias| exp(bias + 0.5 * random.normal())).collect();
            said.push(said[0]);
            gate.push(gate[0]);
            let mut sum = 0.0;
            gate.iter().for_each(|one| sum += one);
            for ((answer, said), gate) in answers.iter_mut().zip(said).zip(&mut gate) {
                *gate /= sum;
                answer.push(*gate * said);
            }
            gates.extend(gate);
            // The target is what the model says, and noise: a model that is trained.
            residual.push(noise * random.normal());
        }
        Ok(Self { answers, gates, residual })
    }

    fn scores(&self) -> Result<Scores, LabError> {
        let count = self.answers.len();
        let (hessian, ones) = (self.hessian(), vec![1.0; count]);
        let without: Vec<f64> = (0..count).map(|j| self.loss(&[j])).collect();
        let fisher = |answer: &Vec<f64>| fisher(&self.residual, answer, answer.len());
        Ok(Scores {
            exact: exact(&without, self.loss(&[]))?,
            fisher: self.answers.iter().map(fisher).collect::<Result<_, _>>()?,
            hessian: quadratic(&hessian, &ones, Form::Whole)?,
            half: quadratic(&hessian, &ones, Form::Half)?,
            gate: gate_mass(&self.gates, count)?,
        })
    }

    /// The copier with the original, the original with another, two others: removed one by one, and together.
    fn pairs(&self, scores: &Scores, sums: &mut [Pair; PAIRS]) -> Result<(), LabError> {
        let copier = self.answers.len() - 1;
        let (hessian, ones) = (self.hessian(), vec![1.0; copier + 1]);
        for (sum, pair) in sums.iter_mut().zip([[0, copier], [0, 1], [1, 2]]) {
            sum.alone += scores.exact[pair[0]] + scores.exact[pair[1]];
            sum.both += self.loss(&pair) - self.loss(&[]);
            sum.form += joint(&hessian, &ones, &pair, Form::Half)?;
        }
        Ok(())
    }

    /// E\[f_j f_k\]: the Hessian of the mean loss in masks.
    fn hessian(&self) -> Vec<f64> {
        let moment = |(a, b): (&Vec<f64>, &Vec<f64>)| {
            let mut total = 0.0;
            for (a, b) in a.iter().zip(b) {
                total += a * b;
            }
            total * share(self.residual.len())
        };
        self.answers.iter().flat_map(|a| self.answers.iter().map(move |b| (a, b))).map(moment).collect()
    }

    /// The mean loss without the neighbours `removed`, in nats.
    fn loss(&self, removed: &[usize]) -> f64 {
        let mut total = 0.0;
        for (example, residual) in self.residual.iter().enumerate() {
            let mut left = *residual;
            for &j in removed {
                left -= self.answers[j][example];
            }
            total += 0.5 * left * left;
        }
        total * share(self.residual.len())
    }
}

impl Scores {
    fn show(self, halved: Vec<f64>, report: &mut Report) {
        report.tables.push(Table::new(
            "scores",
            vec![
                Column::index("neighbour", self.exact.len()),
                Column::with_unit("exact removal", "nats", self.exact),
                Column::with_unit("half of Fisher", "nats", halved),
                Column::with_unit("half of Hessian", "nats", self.half),
                Column::with_unit("Fisher", "nats", self.fisher),
                Column::with_unit("Hessian", "nats", self.hessian),
                Column::new("gate mass", self.gate),
            ],
        ));
        let series = ["exact removal", "half of Fisher", "half of Hessian", "Fisher", "Hessian"];
        let title = "Scores of the neighbours of one model; the last copies the first";
        report.figures.push(figure(title, "scores", "neighbour", &series, "score", "nats"));
        let title = "Mass of the gate of the same neighbours";
        report.figures.push(figure(title, "scores", "neighbour", &["gate mass"], "share", ""));
    }
}

fn show_pairs(pairs: &[Pair; PAIRS], by_model: f64, report: &mut Report) {
    let [copied, _, others] = pairs;
    report.fact("original and copier removed together, over the sum of each alone", copied.both / copied.alone, "");
    report.fact("two others removed together, over the sum of each alone", others.both / others.alone, "");
    let each = |one: &dyn Fn(&Pair) -> f64| pairs.iter().map(|pair| one(pair) * by_model).collect::<Vec<f64>>();
    report.tables.push(Table::new(
        "pairs",
        vec![
            Column::named("pair", &["original and copier", "original and another", "two others"]),
            Column::with_unit("sum of each alone", "nats", each(&|pair| pair.alone)),
            Column::with_unit("both", "nats", each(&|pair| pair.both)),
            Column::with_unit("half of the Hessian's form", "nats", each(&|pair| pair.form)),
        ],
    ));
    let title = "What removing two together costs";
    let series = ["sum of each alone", "both", "half of the Hessian's form"];
    report.figures.push(figure(title, "pairs", "pair", &series, "loss", "nats"));
}

fn figure(
    title: &'static str,
    table: &'static str,
    x: &str,
    series: &[&str],
    y: &'static str,
    unit: &'static str,
) -> Figure {
    let series = series.iter().map(|&name| name.into()).collect();
    Figure { title, table, x: x.into(), series, y, unit, mark: Mark::Bar }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seed: u64, given: &[(&'static str, &'static str)]) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, given.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn the_half_makes_scores_equal_to_removal() {
        for seed in 0..3 {
            let report = report(seed, &[]);
            let value = |name: &str| report.value(name).unwrap();
            println!("{:#?}", report.facts);
            for form in ["Fisher", "Hessian"] {
                let (half, whole) =
                    (format!("half of {form} over exact removal"), format!("{form} over exact removal"));
                assert!((value(&half) - 1.0).abs() < 0.1 && (value(&whole) - 2.0).abs() < 0.2, "{form}");
                assert!(value(&format!("Spearman with exact removal: {form}")) > 0.9, "{form}");
            }
            let gate = value("Spearman with exact removal: gate mass");
            assert!(gate > 0.2 && gate < value("Spearman with exact removal: Fisher"), "{gate}");
        }
    }

    #[test]
    fn only_removing_both_shows_what_a_copier_and_the_original_carry() {
        for seed in 0..3 {
            let report = report(seed, &[]);
            let value = |name: &str| report.value(name).unwrap();
            assert_eq!(value("copier's score over the original's"), 1.0);
            let copied = value("original and copier removed together, over the sum of each alone");
            let others = value("two others removed together, over the sum of each alone");
            assert!((1.7..2.4).contains(&copied) && (0.8..1.3).contains(&others), "{copied} {others}");
            for form in ["Fisher", "Hessian", "gate mass", "half of Fisher", "half of Hessian"] {
                let scores = &report.table("scores").unwrap().column(form).unwrap().values;
                assert_eq!(scores[0], scores[12], "{form}");
            }
        }
    }

    #[test]
    fn noise_of_another_deviation_scales_fisher_alone() {
        let report = report(0, &[("noise", "2")]);
        assert!((report.value("half of Fisher over exact removal").unwrap() - 4.0).abs() < 1.0, "{:?}", report.facts);
        assert!((report.value("half of Hessian over exact removal").unwrap() - 1.0).abs() < 0.3, "{:?}", report.facts);
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        let short = [("models", "2"), ("examples", "20")];
        assert_eq!(report(1, &short), report(1, &short));
        assert_ne!(report(1, &short).tables, report(2, &short).tables);
    }
}

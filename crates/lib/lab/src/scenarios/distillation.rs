//! A student learns what the network says, and stands in for it.
//!
//! The target is y = u·x + f(x) + noise, of which a peer by itself can learn the linear part; f, a sum of tanh units, is what
//! its neighbours know. While they are there the peer learns to join their answer, and its student s, linear in m random tanh
//! features, learns to say the same, by the loss ½ (s − f)² (Hinton et al., "Distilling the Knowledge in a Neural Network",
//! 2015). When the network is cut the student takes their place, as it is. Each learns by normalised steps, so that no rate
//! makes it grow beyond bounds. Losses are over examples that nobody learns from; ½ (ŷ − y)² counts the noise too.
//!
//! Neighbours go on learning: their f drifts, and a student that was cut off does not hear of it.

use crate::formulas::learning;
use crate::market::law::share;
use crate::random::Random;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::{dot, real};
use mechanism::arithmetic::tanh;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "distillation",
    title: "What stays when the others are gone",
    about: "A peer learns with the answers of its neighbours, and a small student learns to give the same answers. After some \
            steps the network is cut, and the student stands in. Beside it stand the peer that keeps its neighbours, and \
            one that never had any.",
    settings: &[
        Setting {
            name: "steps",
            about: "examples to learn from",
            range: Range::Whole { default: 3000, least: 10, most: 20_000 },
        },
        Setting {
            name: "cut",
            about: "when the network is cut, in parts of all steps",
            range: Range::Number { default: 0.6, least: 0.0, most: 1.0 },
        },
        Setting {
            name: "size",
            about: "m: units of the student",
            range: Range::Whole { default: 64, least: 1, most: 256 },
        },
        Setting {
            name: "drift",
            about: "how much the neighbours change while all steps pass, in parts of what they know",
            range: Range::Number { default: 0.1, least: 0.0, most: 2.0 },
        },
        Setting {
            name: "noise",
            about: "deviation of the target’s noise",
            range: Range::Number { default: 0.3, least: 0.0, most: 3.0 },
        },
        Setting {
            name: "rate",
            about: "length of a step",
            range: Range::Number { default: 0.1, least: 0.0, most: 1.0 },
        },
    ],
    random: true,
    run,
    formulas: learning::distillation,
};

/// Numbers in an example.
const DIM: usize = 6;
/// Units of what the neighbours know.
const UNITS: usize = 8;
/// Examples that losses are over.
const HELD_OUT: usize = 200;
/// Points of the curves.
pub(crate) const POINTS: usize = 60;
/// Sizes of students that are compared.
const SIZES: [usize; 7] = [1, 4, 16, 32, 64, 128, 256];

/// Σ_k c_k tanh(w_k·x) with weights by unit.
#[derive(Clone)]
struct Units {
    weights: Vec<f64>,
    heights: Vec<f64>,
}

/// A linear predictor that learns by normalised steps.
#[derive(Clone)]
struct Linear(Vec<f64>);

/// The world: what is to be predicted, and what neighbours say.
struct World {
    own: Vec<f64>,
    neighbours: Units,
    drifted: Vec<f64>,
    noise: f64,
}

/// The three peers and the student, with their losses.
#[derive(Default)]
struct Course {
    step: Vec<f64>,
    peers: Vec<f64>,
    student: Vec<f64>,
    alone: Vec<f64>,
    gap: Vec<f64>,
}

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let size = settings.whole("size")?;
    let course = course(settings, size)?;
    let last = course.step.len() - 1;
    let (peers, student, alone) = (course.peers[last], course.student[last], course.alone[last]);
    report.fact("loss with peers to the end", peers, "");
    report.fact("loss with the student since the cut", student, "");
    report.fact("loss of one that was always alone", alone, "");
    report.fact("share of the peers’ worth that the student keeps", kept(peers, student, alone), "");
    let mut sizes = Vec::new();
    for size in SIZES {
        let course = self::course(settings, size)?;
        sizes.push((real(size), course.gap[last], kept(course.peers[last], course.student[last], course.alone[last])));
    }
    report.tables.push(Table::new(
        "course",
        vec![
            Column::new("step", course.step),
            Column::new("with peers", course.peers),
            Column::new("with the student since the cut", course.student),
            Column::new("always alone", course.alone),
            Column::new("student’s distance", course.gap),
        ],
    ));
    report.tables.push(Table::new(
        "sizes",
        vec![
            Column::new("units", sizes.iter().map(|one| one.0).collect()),
            Column::new("student’s distance", sizes.iter().map(|one| one.1).collect()),
            Column::new("worth that it keeps", sizes.iter().map(|one| one.2).collect()),
        ],
    ));
    for (title, table, x, series, y) in [
        (
            "With the network, cut off, and alone",
            "course",
            "step",
            &["with peers", "with the student since the cut", "always alone"][..],
            "loss",
        ),
        ("How far the student is from what it is taught", "course", "step", &["student’s distance"], "½ (s − f)²"),
        ("What a student of each size keeps", "sizes", "units", &["worth that it keeps"], "share"),
    ] {
        report.figures.push(Figure {
            title,
            table,
            x: x.into(),
            series: series.iter().map(|&name| name.into()).collect(),
            y,
            unit: "",
            mark: Mark::Line,
        });
    }
    Ok(())
}

/// What of the way from alone to peers the student goes; 0 where there is no way.
fn kept(peers: f64, student: f64, alone: f64) -> f64 {
    if alone > peers { (alone - student) / (alone - peers) } else { 0.0 }
}

fn course(settings: &Settings, size: usize) -> Result<Course, LabError> {
    let (steps, cut) = (settings.whole("steps")?, settings.number("cut")?);
    let (drift, rate) = (settings.number("drift")?, settings.number("rate")?);
    let mut random = Random::new(settings.seed());
    let world = World::new(settings.number("noise")?, &mut random);
    let held_out: Vec<(Vec<f64>, f64)> = (0..HELD_OUT).map(|_| world.example(&mut random)).collect();
    let features = Units::random(size, &mut Random::new(settings.seed() ^ 0x5eed));
    let cut = cut * real(steps);
    let (mut alone, mut joined) = (Linear(vec![0.0; DIM]), Linear(vec![0.0; DIM + 1]));
    let (mut student, mut alongside) = (Linear(vec![0.0; size]), joined.clone());
    let mut course = Course::default();
    for step in 0..steps {
        let passed = real(step) / real(steps);
        let (x, y) = world.example(&mut random);
        let said = world.neighbours_say(&x, drift * passed);
        let online = real(step) < cut;
        let shown = features.each(&x);
        alone.learn(&x, y, rate);
        joined.learn(&with(&x, said), y, rate);
        if online {
            student.learn(&shown, said, rate);
        }
        let heard = if online { said } else { dot(&student.0, &shown) };
        alongside.learn(&with(&x, heard), y, rate);
        if point(step + 1, steps) {
            let mut losses = [0.0; 4];
            for (x, y) in &held_out {
                let said = world.neighbours_say(x, drift * passed);
                let instead = dot(&student.0, &features.each(x));
                let heard = if online { said } else { instead };
                let of = [
                    joined.residual(&with(x, said), *y),
                    alongside.residual(&with(x, heard), *y),
                    alone.residual(x, *y),
                    instead - said,
                ];
                losses.iter_mut().zip(of).for_each(|(loss, r)| *loss += share(HELD_OUT) * 0.5 * r * r);
            }
            course.step.push(real(step + 1));
            course.peers.push(losses[0]);
            course.student.push(losses[1]);
            course.alone.push(losses[2]);
            course.gap.push(losses[3]);
        }
    }
    Ok(course)
}

/// Whether the curves have a point here: [`POINTS`] of them, evenly, the last step among them.
fn point(step: usize, steps: usize) -> bool {
    step * POINTS / steps != (step - 1) * POINTS / steps
}

fn with(x: &[f64], heard: f64) -> Vec<f64> {
    x.iter().copied().chain([heard]).collect()
}

impl Units {
    fn random(count: usize, random: &mut Random) -> Self {
        Self {
            weights: (0..count * DIM).map(|_| random.normal()).collect(),
            heights: (0..count).map(|_| random.normal()).collect(),
        }
    }

    /// tanh(w_k·x) of every unit.
    fn each(&self, x: &[f64]) -> Vec<f64> {
        self.weights.chunks_exact(DIM).map(|weights| tanh(dot(weights, x))).collect()
    }
}

impl World {
    fn new(noise: f64, random: &mut Random) -> Self {
        let own = (0..DIM).map(|_| 0.4 * random.normal()).collect();
        let neighbours = Units::random(UNITS, random);
        let drifted = (0..UNITS).map(|_| random.normal()).collect();
        Self { own, neighbours, drifted, noise }
    }

    fn knowledge(&self, x: &[f64]) -> f64 {
        dot(&self.neighbours.heights, &self.neighbours.each(x)) * 0.5
    }

    /// What is answered once the neighbours have changed by this much.
    fn neighbours_say(&self, x: &[f64], drift: f64) -> f64 {
        self.knowledge(x) + drift * 0.5 * dot(&self.drifted, &self.neighbours.each(x))
    }

    fn example(&self, random: &mut Random) -> (Vec<f64>, f64) {
        let x: Vec<f64> = (0..DIM).map(|_| random.normal()).collect();
        let y = dot(&self.own, &x) + self.knowledge(&x) + self.noise * random.normal();
        (x, y)
    }
}

impl Linear {
    /// One step of normalised least squares (Nagumo and Noda 1967).
    fn learn(&mut self, x: &[f64], y: f64, rate: f64) {
        let by = rate * self.residual(x, y) / (1.0 + dot(x, x));
        self.0.iter_mut().zip(x).for_each(|(weight, x)| *weight -= by * x);
    }

    /// ŷ − y.
    fn residual(&self, x: &[f64], y: f64) -> f64 {
        dot(&self.0, x) - y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seed: u64, given: &[(&'static str, &'static str)]) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, given.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn a_student_keeps_most_of_what_the_network_was_worth() {
        for seed in 0..4 {
            let report = report(seed, &[]);
            println!("{:?}", report.facts);
            let fact = |name: &str| report.value(name).unwrap();
            assert!(fact("loss with peers to the end") < 0.6 * fact("loss of one that was always alone"));
            assert!(fact("share of the peers’ worth that the student keeps") > 0.6);
        }
    }

    #[test]
    fn cut_off_at_once_it_has_nothing_to_keep() {
        let report = report(1, &[("cut", "0")]);
        let kept = report.value("share of the peers’ worth that the student keeps").unwrap();
        assert!(kept.abs() < 1e-9, "{kept}");
    }

    #[test]
    fn never_cut_off_it_loses_nothing() {
        let report = report(1, &[("cut", "1")]);
        let kept = report.value("share of the peers’ worth that the student keeps").unwrap();
        assert!((kept - 1.0).abs() < 1e-9, "{kept}");
    }

    #[test]
    fn a_larger_student_comes_nearer() {
        let report = report(3, &[("drift", "0"), ("steps", "6000")]);
        let gaps = &report.table("sizes").unwrap().column("student’s distance").unwrap().values;
        assert!(gaps[4] < 0.5 * gaps[1], "{gaps:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        let short = [("steps", "60"), ("size", "4")];
        assert_eq!(report(1, &short), report(1, &short));
        assert_ne!(report(1, &short).tables, report(2, &short).tables);
    }
}

//! The Fisher score and the gain against what they stand for: the loss change when a neighbour is left out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![recursion_limit = "256"]

mod common;

use common::{noisy, run};
use peerage_model::{Batch, Extra, Join, Learner, Part, Preset, Random, Routing, Spec, cpu};
use protocol::exchange::{Inputs, Modality, Shape};

const PRESET: Preset = Preset {
    dim: 8,
    heads: 2,
    hidden: 16,
    layers: 1,
    seq: 4,
    batch: 16,
    slots: 8,
    chosen: 3,
    student: 4,
    rate: 1e-2,
    balance: 0.01,
    ..Preset::small()
};
const CLASSES: usize = 6;
const CLEAREST: f32 = 0.8;

fn spec() -> Spec {
    Spec {
        parts: vec![Part { modality: Modality::Text, seq: PRESET.seq, item: [1, 1, 1] }],
        classes: CLASSES,
        each: true,
    }
}

/// Inputs that say nothing about the targets: only the peers know them.
fn batch(random: &mut Random) -> Batch {
    let count = PRESET.batch * PRESET.seq;
    let shape = Shape::new(PRESET.batch as u32, PRESET.seq as u32).unwrap();
    let bytes = (0..count).map(|_| random.below(256) as u8).collect();
    let targets = (0..count).map(|_| random.below(CLASSES) as u16).collect();
    Batch { parts: vec![Inputs::text(shape, bytes).unwrap()], targets }
}

/// What peers know.
#[derive(Clone, Copy, Debug)]
enum World {
    /// Peer j sees the target of a position through noise, the less of it the higher j; the first sees noise alone.
    Noisy,
    /// Peer j names the target outright, with a chance of j in 7, or else another class.
    Outright,
}

fn answers(world: World, routing: &Routing, batch: &Batch, random: &mut Random) -> Vec<Option<Vec<f32>>> {
    let answer = |(slot, rows): (&usize, &Vec<usize>)| {
        let mut values = Vec::new();
        for position in rows.iter().flat_map(|row| row * PRESET.seq..(row + 1) * PRESET.seq) {
            let knows = *slot as f32 / 7.0;
            let target = usize::from(batch.targets[position]);
            let (class, told, noise) = match world {
                World::Noisy => (target, CLEAREST * knows, 1.0),
                World::Outright if random.unit() < knows => (target, 1.0, 0.0),
                World::Outright => ((target + 1 + random.below(CLASSES - 1)) % CLASSES, 1.0, 0.0),
            };
            let mut word = Random::new(class as u64, 77);
            values.extend((0..PRESET.dim).map(|_| told * word.normal() + noise * random.normal()));
        }
        Some(values)
    };
    routing.slots.iter().zip(&routing.routed).map(answer).collect()
}

/// Spearman's rank correlation of values without ties.
fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let ranks = |values: &[f64]| -> Vec<f64> {
        values.iter().map(|value| values.iter().filter(|other| *other < value).count() as f64).collect()
    };
    let n = a.len() as f64;
    let distance: f64 = ranks(a).iter().zip(ranks(b)).map(|(a, b)| (a - b).powi(2)).sum();
    1.0 - 6.0 * distance / (n * (n * n - 1.0))
}

#[test]
fn spearman_is_one_zero_and_minus_one_where_it_should() {
    assert_eq!(spearman(&[1.0, 5.0, 9.0], &[0.1, 0.2, 7.0]), 1.0);
    assert_eq!(spearman(&[1.0, 5.0, 9.0], &[3.0, 2.0, 1.0]), -1.0);
    assert_eq!(spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[4.0, 1.0, 3.0, 5.0, 2.0]), 0.0);
}

/// Rank correlations of a run from `seed` with removal by mask and with gates shared anew: of the Fisher score, of the gain.
fn correlations(world: World, join: Join, seed: u64) -> [[f64; 2]; 2] {
    let mut learner = Learner::new(Preset { join, ..PRESET }, &spec(), seed, &cpu().device);
    let slots: Vec<usize> = (0..PRESET.slots).collect();
    let mut random = Random::new(seed + 2, 0);
    for _ in 0..300 {
        let batch = batch(&mut random);
        let routing = noisy(&learner, &batch, &slots, &mut random);
        let answers = answers(world, &routing, &batch, &mut random);
        let outcome = run(&learner, &batch, &routing, answers, Extra::default());
        learner.apply(outcome).unwrap();
    }
    let (mut fisher, mut gain, mut masked, mut renormalised) = ([0.0; 8], [0.0; 8], [0.0; 8], [0.0; 8]);
    for _ in 0..25 {
        let batch = batch(&mut random);
        let routing = noisy(&learner, &batch, &slots, &mut random);
        let answers = answers(world, &routing, &batch, &mut random);
        for (exact, slot) in routing.slots.iter().enumerate() {
            let extra = Extra { exact: Some(exact), ..Extra::default() };
            let outcome = run(&learner, &batch, &routing, answers.clone(), extra);
            fisher[*slot] += outcome.fisher[exact];
            gain[*slot] += outcome.gain[exact].unwrap();
            masked[*slot] += outcome.removal.unwrap().masked;
            renormalised[*slot] += outcome.removal.unwrap().renormalised;
        }
    }
    [fisher, gain].map(|figure| [spearman(&figure, &masked), spearman(&figure, &renormalised)])
}

#[test]
fn figures_rank_neighbours_as_exact_removal_does() {
    for (world, join) in [(World::Noisy, Join::Sum), (World::Noisy, Join::Beside), (World::Outright, Join::Sum)] {
        let runs = [1, 2, 3].map(|seed| correlations(world, join, seed));
        let mean = |figure: usize, by: usize| runs.iter().map(|run| run[figure][by]).sum::<f64>() / 3.0;
        eprintln!(
            "{world:?} {join:?}: Fisher {:.2} {:.2}, gain {:.2} {:.2}",
            mean(0, 0),
            mean(0, 1),
            mean(1, 0),
            mean(1, 1)
        );
        assert!(mean(1, 0) >= 0.8, "{world:?} {join:?}: {runs:?}");
        if let World::Noisy = world {
            assert!(
                [(0, 0), (0, 1), (1, 1)].into_iter().all(|(figure, by)| mean(figure, by) >= 0.8),
                "{join:?}: {runs:?}"
            );
        }
    }
}

/// Small answers, so that what is beyond the second order is small too.
#[test]
fn gains_sum_to_what_the_loss_falls_by_with_all() {
    for join in [Join::Sum, Join::Beside] {
        let learner = Learner::new(Preset { join, ..PRESET }, &spec(), 3, &cpu().device);
        let mut random = Random::new(5, 0);
        let batch = batch(&mut random);
        let routing = noisy(&learner, &batch, &[0, 3, 7], &mut random);
        let mut answers = answers(World::Noisy, &routing, &batch, &mut random);
        answers.iter_mut().flatten().flatten().for_each(|value| *value *= 0.2);
        // Whoever is away has no part in it.
        answers[1] = None;
        let outcome = run(&learner, &batch, &routing, answers, Extra::default());
        let fall = outcome.losses.alone - outcome.losses.with_peers.unwrap();
        let sum: f64 = outcome.gain.iter().flatten().sum();
        assert!(outcome.gain[1].is_none() && fall.abs() > 1e-4, "{fall} {:?}", outcome.gain);
        assert!((sum - fall).abs() < 0.05 * fall.abs(), "{join:?}: {sum} of {fall}");
    }
}

//! The Fisher score against what it stands for: the loss change when a neighbour is left out.

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

/// Peer j sees the target of a position through noise, the less of it the higher j; the first sees noise alone.
fn answers(routing: &Routing, batch: &Batch, random: &mut Random) -> Vec<Option<Vec<f32>>> {
    let answer = |(slot, rows): (&usize, &Vec<usize>)| {
        let (told, noise) = (CLEAREST * *slot as f32 / 7.0, 1.0);
        let mut values = Vec::new();
        for position in rows.iter().flat_map(|row| row * PRESET.seq..(row + 1) * PRESET.seq) {
            let mut word = Random::new(u64::from(batch.targets[position]), 77);
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

/// Ranks the Fisher score against removal by mask and with gates shared anew, of a run from `seed`.
fn correlations(join: Join, seed: u64) -> [f64; 2] {
    let mut learner = Learner::new(Preset { join, ..PRESET }, &spec(), seed, &cpu().device);
    let slots: Vec<usize> = (0..PRESET.slots).collect();
    let mut random = Random::new(seed + 2, 0);
    for _ in 0..300 {
        let batch = batch(&mut random);
        let routing = noisy(&learner, &batch, &slots, &mut random);
        let answers = answers(&routing, &batch, &mut random);
        let outcome = run(&learner, &batch, &routing, answers, Extra::default());
        learner.apply(outcome).unwrap();
    }
    let (mut fisher, mut masked, mut renormalised) = ([0.0; 8], [0.0; 8], [0.0; 8]);
    for _ in 0..25 {
        let batch = batch(&mut random);
        let routing = noisy(&learner, &batch, &slots, &mut random);
        let answers = answers(&routing, &batch, &mut random);
        for (exact, slot) in routing.slots.iter().enumerate() {
            let extra = Extra { exact: Some(exact), ..Extra::default() };
            let outcome = run(&learner, &batch, &routing, answers.clone(), extra);
            fisher[*slot] += outcome.fisher[exact];
            masked[*slot] += outcome.removal.unwrap().masked;
            renormalised[*slot] += outcome.removal.unwrap().renormalised;
        }
    }
    [spearman(&fisher, &masked), spearman(&fisher, &renormalised)]
}

#[test]
fn fisher_ranks_neighbours_as_exact_removal_does() {
    for join in [Join::Sum, Join::Beside] {
        let runs = [1, 2, 3].map(|seed| correlations(join, seed));
        for by in 0..2 {
            let mean = runs.iter().map(|run| run[by]).sum::<f64>() / 3.0;
            assert!(mean >= 0.8, "{join:?}: {runs:?}");
        }
    }
}

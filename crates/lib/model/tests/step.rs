//! The training step as a whole, on the CPU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![recursion_limit = "256"]

use std::time::Instant;

use futures::executor::block_on;
use peerage_model::{Answered, Batch, Dataset, Error, Foreign, Learner, Outcome, Preset, Random, cpu, fisher};

const TEXT: &[u8] = include_bytes!("../../../../ARCHITECTURE.md");

fn learner(preset: Preset, seed: u64) -> Learner {
    Learner::new(preset, seed, &cpu().device)
}

fn run(learner: &Learner, batch: &Batch, answers: Vec<Answered>, foreign: Option<&Foreign>) -> Outcome {
    let begun = learner.begin(batch, foreign).unwrap();
    block_on(learner.finish(begun, answers).unwrap().read()).unwrap()
}

fn answer_of(other: &Learner, batch: &Batch, slot: usize) -> Answered {
    let served = other.answer(&batch.inputs, [batch.batch, batch.seq]).unwrap();
    Answered { slot, values: block_on(served.read()).unwrap() }
}

fn batch(preset: &Preset, seed: u64) -> Batch {
    Dataset::shard(TEXT, "key", preset).unwrap().batch(preset.batch, &mut Random::new(seed, 3))
}

#[test]
fn answers_have_the_shape_and_the_size_of_a_representation() {
    let preset = Preset::small();
    let learner = learner(preset.clone(), 1);
    let values = answer_of(&learner, &batch(&preset, 1), 0).values;
    assert_eq!(values.len(), preset.values());
    for vector in values.chunks_exact(preset.dim) {
        let square: f32 = vector.iter().map(|value| value * value).sum::<f32>() / preset.dim as f32;
        assert!((square - 1.0).abs() < 1e-2, "{square}");
        assert!(vector.iter().all(|value| value.abs() <= peerage_model::largest(preset.dim)));
    }
    let short = learner.answer(&[1, 2, 3, 4, 5, 6], [2, 3]).unwrap();
    assert_eq!(block_on(short.read()).unwrap().len(), 6 * preset.dim);
}

#[test]
fn encoding_is_causal() {
    let preset = Preset::tiny();
    let learner = learner(preset.clone(), 1);
    let one = block_on(learner.answer(b"abcde", [1, 5]).unwrap().read()).unwrap();
    let two = block_on(learner.answer(b"abcxy", [1, 5]).unwrap().read()).unwrap();
    let (seen, rest) = (3 * preset.dim, 5 * preset.dim);
    assert!(one[..seen].iter().zip(&two[..seen]).all(|(a, b)| (a - b).abs() < 1e-6));
    assert!(one[seen..rest].iter().zip(&two[seen..rest]).any(|(a, b)| (a - b).abs() > 1e-3));
}

#[test]
fn what_does_not_fit_is_refused() {
    let preset = Preset::small();
    let learner = learner(preset.clone(), 1);
    assert!(matches!(learner.answer(&[0; 65], [1, 65]), Err(Error::TooLarge { most_seq: 64, .. })));
    assert!(matches!(learner.answer(&[0; 33], [33, 1]), Err(Error::TooLarge { most_batch: 32, .. })));
    assert!(matches!(learner.answer(&[], [0, 1]), Err(Error::TooLarge { .. })));
    assert!(matches!(learner.answer(&[0; 3], [2, 2]), Err(Error::WrongSize { expected: 4, got: 3 })));
    let batch = batch(&preset, 1);
    let finish = |answer| learner.finish(learner.begin(&batch, None).unwrap(), vec![answer]).map(drop);
    let short = finish(Answered { slot: 0, values: vec![0.0; 5] });
    assert!(matches!(short, Err(Error::WrongSize { got: 5, .. })));
    let outside = finish(Answered { slot: 16, values: vec![0.0; preset.values()] });
    assert!(matches!(outside, Err(Error::NoSuchSlot { slot: 16, slots: 16 })));
}

/// Central differences of the loss with peers against ∂L/∂f_j, and both against the score's definition.
#[test]
fn gradients_and_scores_meet_their_definition() {
    let preset = Preset { alone: 0.0, distillation: 0.0, ..Preset::tiny() };
    let learner = learner(preset.clone(), 3);
    let batch = batch(&preset, 2);
    let answers: Vec<Answered> = [5, 6]
        .iter()
        .zip([2, 7])
        .map(|(seed, slot)| answer_of(&self::learner(preset.clone(), *seed), &batch, slot))
        .collect();
    let outcome = run(&learner, &batch, answers.clone(), None);
    let loss = |answers: Vec<Answered>| run(&learner, &batch, answers, None).losses.with_peers.unwrap();
    for which in 0..2 {
        for i in (0..preset.values()).step_by(3) {
            let (mut up, mut down) = (answers.clone(), answers.clone());
            up[which].values[i] += 0.05;
            down[which].values[i] -= 0.05;
            let numeric = (loss(up) - loss(down)) / 0.1;
            let exact = f64::from(outcome.gradients[which][i]);
            assert!((numeric - exact).abs() < 1e-3 * (1.0 + exact.abs()), "{which} {i}: {numeric} {exact}");
        }
    }
    // Each sequence alone: the gradient of its own mean loss, squared along its answer.
    let row = preset.seq * preset.dim;
    let mut mean = [0.0; 2];
    for b in 0..preset.batch {
        let part = |values: &[u8]| values[b * preset.seq..(b + 1) * preset.seq].to_vec();
        let one = Batch { inputs: part(&batch.inputs), targets: part(&batch.targets), batch: 1, seq: preset.seq };
        let own: Vec<Answered> = answers
            .iter()
            .map(|a| Answered { slot: a.slot, values: a.values[b * row..(b + 1) * row].to_vec() })
            .collect();
        let alone = run(&learner, &one, own.clone(), None);
        for ((mean, answer), gradient) in mean.iter_mut().zip(&own).zip(&alone.gradients) {
            *mean += fisher(&answer.values, gradient, 1) / preset.batch as f64;
        }
    }
    for (score, mean) in outcome.scores.iter().zip(mean) {
        assert!(*score > 0.0 && (score - mean).abs() < 1e-3 * mean, "{score} {mean}");
    }
    assert!(outcome.own > 0.0);
}

#[test]
fn the_loss_falls_and_repeats_with_its_seed() {
    let preset = Preset::small();
    let curve = |seed: u64| -> Vec<f64> {
        let mut learner = learner(preset.clone(), seed);
        let dataset = Dataset::shard(TEXT, "key", &preset).unwrap();
        let mut random = Random::new(seed, 3);
        (0..30)
            .map(|_| {
                let outcome = run(&learner, &dataset.batch(preset.batch, &mut random), Vec::new(), None);
                let loss = outcome.losses.alone;
                assert!(outcome.losses.with_peers.is_none() && outcome.losses.distillation.is_none());
                learner.apply(outcome).unwrap();
                loss
            })
            .collect()
    };
    let started = Instant::now();
    let one = curve(1);
    eprintln!("{:.1} ms a step", started.elapsed().as_secs_f64() * 1e3 / 30.0);
    assert!((one[0] - 256f64.ln()).abs() < 0.2, "{}", one[0]);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    assert!(mean(&one[25..]) < mean(&one[..5]) - 1.5, "{one:?}");
    assert_eq!(one, curve(1));
    assert_ne!(one, curve(2));
}

#[test]
fn with_peers_every_loss_falls_and_the_student_follows() {
    let preset = Preset::small();
    let mut learner = learner(preset.clone(), 1);
    let others = [self::learner(preset.clone(), 8), self::learner(preset.clone(), 9)];
    let dataset = Dataset::shard(TEXT, "key", &preset).unwrap();
    let mut random = Random::new(1, 3);
    let mut first = None;
    let mut last = None;
    for _ in 0..40 {
        let batch = dataset.batch(preset.batch, &mut random);
        let answers = vec![answer_of(&others[0], &batch, 0), answer_of(&others[1], &batch, 1)];
        let outcome = run(&learner, &batch, answers, None);
        first.get_or_insert(outcome.losses);
        last = Some(outcome.losses);
        assert!(outcome.scores.iter().all(|score| *score >= 0.0 && score.is_finite()));
        learner.apply(outcome).unwrap();
    }
    let (first, last) = (first.unwrap(), last.unwrap());
    assert!(last.with_peers.unwrap() < first.with_peers.unwrap() - 1.5, "{first:?} {last:?}");
    assert!(last.alone < first.alone - 1.5 && last.student < first.student - 1.5, "{first:?} {last:?}");
    assert!(last.distillation.unwrap() < 0.5, "{last:?}");
}

/// A neighbour sends poison each step: huge, or the opposite of its true gradient. The honest peer still learns.
#[test]
fn poison_moves_an_honest_peer_no_further_than_its_budget() {
    let preset = Preset::small();
    let end = |poison: Option<f32>| -> f64 {
        let mut learner = learner(preset.clone(), 1);
        let dataset = Dataset::shard(TEXT, "key", &preset).unwrap();
        let mut random = Random::new(1, 3);
        let mut late = 0.0;
        for step in 0..40 {
            let batch = dataset.batch(preset.batch, &mut random);
            let foreign = poison.map(|value| {
                let asked = dataset.batch(preset.batch, &mut Random::new(step, 9));
                let gradient = (0..preset.values()).map(|i| if i % 3 == 0 { value } else { -value }).collect();
                learner.budget().admit(asked.inputs, [preset.batch, preset.seq, preset.dim], gradient).unwrap()
            });
            let outcome = run(&learner, &batch, Vec::new(), foreign.as_ref());
            if step >= 35 {
                late += outcome.losses.alone / 5.0;
            }
            learner.apply(outcome).unwrap();
        }
        late
    };
    let clean = end(None);
    for poison in [1e30, -1e30, 1e-3] {
        let poisoned = end(Some(poison));
        assert!(poisoned < clean + 0.4, "{poisoned} against {clean} without");
    }
}

/// A true gradient of a neighbour's loss lowers that neighbour's loss.
#[test]
fn a_true_gradient_helps_its_sender() {
    let preset = Preset { alone: 0.0, ..Preset::small() };
    let sender = learner(preset.clone(), 1);
    let mut receiver = learner(Preset { rate: 1e-3, warmup: 1, ..preset }, 2);
    let batch = batch(&preset, 4);
    // One own step, so that the budget knows the own gradient's size.
    let own = self::batch(&preset, 5);
    let outcome = run(&receiver, &own, Vec::new(), None);
    receiver.apply(outcome).unwrap();
    let loss = |receiver: &Learner| {
        let outcome = run(&sender, &batch, vec![answer_of(receiver, &batch, 0)], None);
        (outcome.losses.with_peers.unwrap(), outcome.gradients.into_iter().next().unwrap())
    };
    let mut silent =
        Learner::restore(receiver.preset().clone(), &block_on(receiver.checkpoint()).unwrap(), &cpu().device).unwrap();
    let mut heard =
        Learner::restore(receiver.preset().clone(), &block_on(receiver.checkpoint()).unwrap(), &cpu().device).unwrap();
    for _ in 0..5 {
        let (_, gradient) = loss(&heard);
        let foreign =
            receiver.budget().admit(batch.inputs.clone(), [preset.batch, preset.seq, preset.dim], gradient).unwrap();
        let outcome = run(&heard, &own, Vec::new(), Some(&foreign));
        heard.apply(outcome).unwrap();
        let outcome = run(&silent, &own, Vec::new(), None);
        silent.apply(outcome).unwrap();
    }
    assert!(loss(&heard).0 < loss(&silent).0, "{} {}", loss(&heard).0, loss(&silent).0);
}

#[test]
fn a_checkpoint_goes_on_where_it_was_taken() {
    let preset = Preset::tiny();
    let mut learner = learner(preset.clone(), 1);
    let batch = batch(&preset, 1);
    let outcome = run(&learner, &batch, Vec::new(), None);
    learner.apply(outcome).unwrap();
    let checkpoint = block_on(learner.checkpoint()).unwrap();
    let restored = Learner::restore(preset.clone(), &checkpoint, &cpu().device).unwrap();
    assert_eq!(restored.step(), 1);
    let losses = |learner: &Learner| run(learner, &batch, Vec::new(), None).losses;
    assert_eq!(losses(&learner), losses(&restored));
    let other = Preset { hidden: 9, ..preset };
    assert!(matches!(Learner::restore(other, &checkpoint, &cpu().device), Err(Error::ForeignCheckpoint { .. })));
}

#[test]
fn a_step_without_a_number_leaves_the_weights() {
    let preset = Preset::tiny();
    let mut learner = learner(preset.clone(), 1);
    let batch = batch(&preset, 1);
    let before = block_on(learner.checkpoint()).unwrap();
    let answer = Answered { slot: 0, values: vec![f32::INFINITY; preset.values()] };
    let outcome = run(&learner, &batch, vec![answer], None);
    assert!(!outcome.is_finite());
    assert!(matches!(learner.apply(outcome), Err(Error::NotFinite)));
    assert_eq!(before, block_on(learner.checkpoint()).unwrap());
}

//! The training step as a whole, on the CPU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![recursion_limit = "256"]

mod common;

use common::{alone, answer, ask, batch, bytes, close, learner, measure, noisy, routing, run, text};
use futures::executor::block_on;
use peerage_model::{Answers, Error, Extra, Learner, Preset, Random, Routing, bits, fisher};
use protocol::exchange::{Inputs, Shape, Want};

#[test]
fn answers_have_the_shape_and_the_size_of_a_representation() {
    let preset = Preset::small();
    let learner = learner(preset.clone(), 1);
    let batch = batch(&preset, 1);
    for want in [Want::Encoding, Want::Joined] {
        let values = block_on(learner.answer(&batch.parts[0], want).unwrap().read()).unwrap();
        assert_eq!(values.len(), preset.values());
        for vector in values.chunks_exact(preset.dim) {
            let square: f32 = vector.iter().map(|value| value * value).sum::<f32>() / preset.dim as f32;
            assert!((square - 1.0).abs() < 1e-2, "{square}");
            assert!(vector.iter().all(|value| value.abs() <= peerage_model::largest(preset.dim)));
        }
    }
    let short = bytes(2, 3, &[1, 2, 3, 4, 5, 6]);
    assert_eq!(answer(&learner, &short).len(), 6 * preset.dim);
    let logits = block_on(learner.answer(&short, Want::Logits).unwrap().read()).unwrap();
    assert_eq!(logits.len(), 6 * 256);
}

#[test]
fn encoding_is_causal() {
    let preset = Preset::tiny();
    let learner = learner(preset.clone(), 1);
    let (one, two) = (answer(&learner, &bytes(1, 5, b"abcde")), answer(&learner, &bytes(1, 5, b"abcxy")));
    let (seen, rest) = (3 * preset.dim, 5 * preset.dim);
    assert!(one[..seen].iter().zip(&two[..seen]).all(|(a, b)| (a - b).abs() < 1e-6));
    assert!(one[seen..rest].iter().zip(&two[seen..rest]).any(|(a, b)| (a - b).abs() > 1e-3));
}

#[test]
fn what_does_not_fit_is_refused() {
    let preset = Preset::small();
    let learner = learner(preset.clone(), 1);
    let asked = |inputs: &Inputs| learner.answer(inputs, Want::Encoding).map(drop);
    assert!(matches!(asked(&bytes(1, 65, &[0; 65])), Err(Error::TooLarge { most_seq: 64, .. })));
    let image = Inputs::image(Shape::new(1, 1).unwrap(), [1, 2, 2], vec![0; 4]).unwrap();
    assert!(matches!(asked(&image), Err(Error::WrongModality { .. })));
    let batch = batch(&preset, 1);
    let routing = routing(&learner, &batch, &[0, 1]);
    let start = |routing: &Routing, answers| learner.start(&batch, routing, answers, Extra::default()).map(drop);
    assert!(matches!(start(&routing, vec![Some(vec![0.0; 5]), None]), Err(Error::WrongSize { got: 5, .. })));
    assert!(matches!(start(&routing, vec![None]), Err(Error::Unfit(_))));
    let mut outside = routing.clone();
    outside.slots[0] = 16;
    assert!(matches!(start(&outside, vec![None, None]), Err(Error::NoSuchSlot { slot: 16, slots: 16 })));
    let mut elsewhere = routing.clone();
    elsewhere.parts[0] = 1;
    assert!(matches!(start(&elsewhere, vec![None, None]), Err(Error::Unfit(_))));
    let short = batch.rows(&[0, 1]).unwrap();
    assert!(learner.start(&short, &routing, vec![None, None], Extra::default()).is_err());
    let mut targets = batch.clone();
    targets.targets[3] = 256;
    assert!(matches!(learner.scores(&targets), Err(Error::Unfit(_))));
    assert!(learner.scores(&batch).is_ok());
}

/// Central differences of the loss with peers against ∂L/∂f_j, and both against the score's definition, where each
/// example has its own peers.
#[test]
fn gradients_and_scores_meet_their_definition() {
    let preset = Preset { batch: 3, ..Preset::tiny() };
    let learner = learner(preset.clone(), 3);
    let batch = batch(&preset, 2);
    let others = [5, 6, 7].map(|seed| self::learner(preset.clone(), seed));
    let known: Vec<(usize, Option<&Learner>)> = [2, 7, 9].into_iter().zip(others.iter().map(Some)).collect();
    let routing = noisy(&learner, &batch, &[2, 7, 9], &mut Random::new(11, 0));
    assert!(routing.routed.iter().any(|rows| rows.len() < 3), "{:?}", routing.routed);
    let answers = ask(&routing, &batch, &known);
    let outcome = run(&learner, &batch, &routing, answers.clone(), Extra::default());
    let loss = |answers| run(&learner, &batch, &routing, answers, Extra::default()).losses.with_peers.unwrap();
    let row = preset.seq * preset.dim;
    for chosen in 0..routing.slots.len() {
        let gradient = outcome.gradients[chosen].as_ref().unwrap();
        assert_eq!(gradient.len(), routing.routed[chosen].len() * row);
        for i in (0..gradient.len()).step_by(3) {
            let moved = |by: f32| {
                let mut answers = answers.clone();
                answers[chosen].as_mut().unwrap()[i] += by;
                loss(answers)
            };
            let (numeric, exact) = ((moved(0.05) - moved(-0.05)) / 0.1, f64::from(gradient[i]));
            close(numeric, exact, 1e-3 * (1.0 + exact.abs()));
        }
        // The gradient of an example's own loss is three times that of the mean; an example that was not sent counts 0.
        let rows = answers[chosen].as_ref().unwrap().chunks(row).zip(gradient.chunks(row));
        let own = rows.map(|(f, g)| fisher(f, &g.iter().map(|g| g * 3.0).collect::<Vec<_>>(), 1));
        let expected = own.sum::<f64>() / 3.0;
        assert!(expected > 0.0);
        close(outcome.fisher[chosen], expected, 1e-4 * expected);
    }
    close(outcome.mass.iter().sum(), 1.0, 1e-5);
    assert!(outcome.own > 0.0);
}

#[test]
fn the_loss_falls_and_repeats_with_its_seed_bit_for_bit() {
    let preset = Preset::small();
    let curve = |seed: u64| -> Vec<f64> {
        let mut learner = learner(preset.clone(), seed);
        let (dataset, mut random) = (text(&preset), Random::new(seed, 3));
        (0..30)
            .map(|_| {
                let outcome = alone(&learner, &dataset.batch(preset.batch, &mut random), None);
                let losses = outcome.losses;
                assert!(losses.with_peers.is_none() && losses.distillation.is_none() && losses.student.is_none());
                learner.apply(outcome).unwrap();
                losses.alone
            })
            .collect()
    };
    let one = curve(1);
    close(one[0], 256f64.ln(), 0.2);
    close(bits(one[0]), 8.0, 0.3);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    assert!(mean(&one[25..]) < mean(&one[..5]) - 1.5, "{one:?}");
    let bits = |curve: &[f64]| curve.iter().map(|loss| loss.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&one), bits(&curve(1)));
    assert_ne!(one, curve(2));
}

/// Three peers, of which each example asks two; then one leaves, then all.
#[test]
fn with_peers_every_loss_falls_and_the_student_stands_in_for_those_that_leave() {
    let preset = Preset { taught: 10, ..Preset::small() };
    let mut learner = learner(preset.clone(), 1);
    let others = [8, 9, 10].map(|seed| self::learner(preset.clone(), seed));
    let known: Vec<(usize, Option<&Learner>)> = others.iter().map(Some).enumerate().collect();
    let (dataset, mut random) = (text(&preset), Random::new(1, 3));
    let (mut first, mut last) = (None, None);
    for _ in 0..50 {
        let batch = dataset.batch(preset.batch, &mut random);
        let routing = noisy(&learner, &batch, &[0, 1, 2], &mut random);
        let outcome = run(&learner, &batch, &routing, ask(&routing, &batch, &known), Extra::default());
        first.get_or_insert(outcome.losses);
        last = Some(outcome.losses);
        assert!(outcome.fisher.iter().all(|score| *score >= 0.0 && score.is_finite()));
        learner.apply(outcome).unwrap();
    }
    let (first, last) = (first.unwrap(), last.unwrap());
    assert!(last.with_peers.unwrap() < first.with_peers.unwrap() - 1.5, "{first:?} {last:?}");
    assert!(
        last.alone < first.alone - 1.5 && last.student.unwrap() < first.student.unwrap() - 1.5,
        "{first:?} {last:?}"
    );
    assert!(last.distillation.unwrap() < 0.5, "{last:?}");
    assert_eq!(learner.taught(), [0, 1, 2]);

    // Its student is nearer to an absent peer than nothing is: the loss moves less than with the slot cut out.
    let batch = dataset.validation(preset.batch, 0);
    let routing = routing(&learner, &batch, &[0, 1, 2]);
    let answers = ask(&routing, &batch, &known);
    let with = measure(&learner, &batch, &routing, &Answers::Given(answers.clone()));
    let mut missing = answers;
    missing[0] = None;
    let stood = measure(&learner, &batch, &routing, &Answers::Given(missing.clone()));
    let outcome = run(&learner, &batch, &routing, missing.clone(), Extra::default());
    assert!(outcome.gradients[0].is_none() && outcome.fisher[0] == 0.0 && outcome.mass[0] == 0.0);
    let nobody = vec![None; routing.slots.len()];
    let gone = run(&learner, &batch, &routing, nobody, Extra::default());
    assert!(gone.losses.with_peers.is_none() && gone.losses.student.is_some());
    let students = measure(&learner, &batch, &Routing::nobody(), &Answers::Students);
    let own = measure(&learner, &batch, &Routing::nobody(), &Answers::None);
    close(gone.losses.student.unwrap(), students.loss, 1e-4);
    close(gone.losses.alone, own.loss, 1e-4);
    assert!((stood.loss - with.loss).abs() < 0.2 && (students.loss - with.loss).abs() < 0.3, "{with:?} {stood:?}");

    // The slot's next peer is not stood in for by what was learned of the last.
    let slot = routing.slots[0];
    learner.reset(slot).unwrap();
    assert!(!learner.taught().contains(&slot));
    let masked = measure(&learner, &batch, &routing, &Answers::Given(missing));
    assert_ne!(masked, stood);
    assert!(matches!(learner.reset(16), Err(Error::NoSuchSlot { slot: 16, slots: 16 })));
}

#[test]
fn leaving_one_out_is_measured_with_the_step_and_changes_nothing_else() {
    let preset = Preset { noise: 0.0, ..Preset::tiny() };
    let learner = learner(preset.clone(), 1);
    let others = [8, 9].map(|seed| self::learner(preset.clone(), seed));
    let known: Vec<(usize, Option<&Learner>)> = others.iter().map(Some).enumerate().collect();
    let batch = batch(&preset, 1);
    let routing = routing(&learner, &batch, &[0, 1]);
    let answers = ask(&routing, &batch, &known);
    let step = |answers: &[Option<Vec<f32>>], exact| {
        run(&learner, &batch, &routing, answers.to_vec(), Extra { exact, ..Extra::default() })
    };
    let (plain, exact) = (step(&answers, None), step(&answers, Some(1)));
    assert!(plain.removal.is_none());
    close(plain.losses.with_peers.unwrap(), exact.losses.with_peers.unwrap(), 1e-6);
    for (plain, exact) in plain.gradients.iter().flatten().flatten().zip(exact.gradients.iter().flatten().flatten()) {
        close(f64::from(*plain), f64::from(*exact), 1e-6);
    }
    let with = exact.losses.with_peers.unwrap();
    let removal = exact.removal.unwrap();
    // Left out and renormalised is what a step without its answer does; masked is an answer of zeros.
    let mut absent = answers.clone();
    absent[1] = None;
    close(removal.renormalised, step(&absent, None).losses.with_peers.unwrap() - with, 1e-5);
    let mut zeros = answers;
    zeros[1].as_mut().unwrap().fill(0.0);
    close(removal.masked, step(&zeros, None).losses.with_peers.unwrap() - with, 1e-5);
    assert!(removal.masked != removal.renormalised);
}

#[test]
fn scores_of_a_later_batch_come_back_with_a_step() {
    let preset = Preset::tiny();
    let learner = learner(preset.clone(), 1);
    let (now, later) = (batch(&preset, 1), batch(&preset, 2));
    let extra = Extra { ahead: Some(&later), ..Extra::default() };
    let outcome = run(&learner, &now, &Routing::nobody(), Vec::new(), extra);
    let expected = block_on(learner.scores(&later).unwrap().read()).unwrap();
    assert_eq!(outcome.ahead.unwrap(), expected);
    assert_ne!(expected, block_on(learner.scores(&now).unwrap().read()).unwrap());
}

#[test]
fn masks_weigh_the_answers_of_their_slots() {
    let preset = Preset { noise: 0.0, ..Preset::tiny() };
    let mut learner = learner(preset.clone(), 1);
    let others = [8, 9].map(|seed| self::learner(preset.clone(), seed));
    let known: Vec<(usize, Option<&Learner>)> = others.iter().map(Some).enumerate().collect();
    let batch = batch(&preset, 1);
    let routing = routing(&learner, &batch, &[0, 1]);
    let answers = ask(&routing, &batch, &known);
    let loss = |learner: &Learner, answers: &[Option<Vec<f32>>]| {
        let step = run(learner, &batch, &routing, answers.to_vec(), Extra::default()).losses.with_peers.unwrap();
        let measured = measure(learner, &batch, &routing, &Answers::Given(answers.to_vec()));
        close(step, measured.loss, 1e-5);
        step
    };
    let chosen = routing.slots.iter().position(|slot| *slot == 1).unwrap();
    let mut halved = answers.clone();
    halved[chosen].as_mut().unwrap().iter_mut().for_each(|value| *value *= 0.5);
    let expected = loss(&learner, &halved);
    let mut masks = vec![1.0; 16];
    masks[1] = 0.5;
    assert!((loss(&learner, &answers) - expected).abs() > 1e-6);
    learner.set_masks(Some(masks)).unwrap();
    close(loss(&learner, &answers), expected, 1e-5);
    assert!(matches!(learner.set_masks(Some(vec![1.0; 3])), Err(Error::Unfit(_))));
    assert!(matches!(learner.set_masks(Some(vec![f32::NAN; 16])), Err(Error::Unfit(_))));
}

#[test]
fn a_step_without_a_number_leaves_the_weights() {
    let preset = Preset::tiny();
    let mut learner = learner(preset.clone(), 1);
    let batch = batch(&preset, 1);
    let before = block_on(learner.save()).unwrap();
    let routing = routing(&learner, &batch, &[0]);
    let answer = vec![f32::INFINITY; preset.values()];
    let outcome = run(&learner, &batch, &routing, vec![Some(answer)], Extra::default());
    assert!(!outcome.is_finite());
    assert!(matches!(learner.apply(outcome), Err(Error::NotFinite)));
    assert_eq!(before, block_on(learner.save()).unwrap());
}

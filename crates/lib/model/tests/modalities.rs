//! Models of pictures, sound and tables, and a bridge between two graphs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![recursion_limit = "256"]

mod common;

use common::{alone, answer, ask, close, measure, routing, run};
use peerage_model::{Answers, Batch, Error, Extra, Gate, Join, Learner, Part, Preset, Random, Spec, cpu};
use protocol::exchange::{Inputs, Modality, Shape, Want};

const PRESET: Preset = Preset { batch: 6, rate: 1e-2, warmup: 1, ..Preset::tiny() };

fn spec(modality: Modality, seq: usize, item: [usize; 3], classes: usize, each: bool) -> Spec {
    Spec { parts: vec![Part { modality, seq, item }], classes, each }
}

/// Inputs whose values are all near the class of their example.
fn inputs(part: &Part, labels: &[u16], random: &mut Random) -> Inputs {
    let shape = Shape::new(labels.len() as u32, part.seq as u32).unwrap();
    let item = part.item.map(|side| side as u32);
    let labels = labels.iter().flat_map(|label| std::iter::repeat_n(*label, part.values()));
    match part.modality {
        Modality::Text => {
            Inputs::text(shape, labels.map(|l| (l * 20) as u8 + random.below(3) as u8).collect()).unwrap()
        }
        Modality::Image => {
            Inputs::image(shape, item, labels.map(|l| (l * 60) as u8 + random.below(9) as u8).collect()).unwrap()
        }
        Modality::Speech => {
            Inputs::speech(shape, item[0], labels.map(|l| f32::from(l) - 1.0 + 0.1 * random.normal()).collect())
                .unwrap()
        }
        Modality::Tensor => {
            Inputs::tensor(shape, item[0], labels.map(|l| f32::from(l) - 1.0 + 0.1 * random.normal()).collect())
                .unwrap()
        }
    }
}

/// A batch in which the class shows in every part.
fn batch(spec: &Spec, random: &mut Random) -> Batch {
    let labels: Vec<u16> = (0..PRESET.batch).map(|_| random.below(3) as u16).collect();
    let parts = spec.parts.iter().map(|part| inputs(part, &labels, random)).collect();
    let each = spec.targets();
    Batch { parts, targets: labels.iter().flat_map(|label| std::iter::repeat_n(*label, each)).collect() }
}

fn kinds() -> [Spec; 5] {
    [
        spec(Modality::Image, 4, [1, 2, 3], 3, false),
        spec(Modality::Speech, 5, [7, 1, 1], 3, true),
        spec(Modality::Tensor, 1, [6, 1, 1], 3, false),
        spec(Modality::Tensor, 3, [2, 1, 1], 3, false),
        spec(Modality::Text, 5, [1, 1, 1], 3, false),
    ]
}

#[test]
fn every_modality_learns_its_classes_alone_and_with_peers() {
    for spec in kinds() {
        for (gate, join) in [(Gate::Flat, Join::Sum), (Gate::Product, Join::Beside)] {
            let preset = Preset { dim: 8, hidden: 32, gate, join, ..PRESET };
            let mut learner = Learner::new(preset.clone(), &spec, 1, &cpu().device);
            let other = Learner::new(preset, &spec, 2, &cpu().device);
            let mut random = Random::new(5, 0);
            for step in 0..150 {
                let batch = batch(&spec, &mut random);
                let outcome = if step % 2 == 0 {
                    alone(&learner, &batch, None)
                } else {
                    let routing = routing(&learner, &batch, &[3]);
                    run(&learner, &batch, &routing, ask(&routing, &batch, &[(3, Some(&other))]), Extra::default())
                };
                learner.apply(outcome).unwrap();
            }
            for peers in [false, true] {
                let (mut loss, mut accuracy) = (0.0, 0.0);
                for _ in 0..5 {
                    let batch = batch(&spec, &mut random);
                    let routing = routing(&learner, &batch, &[3]);
                    let given = Answers::Given(ask(&routing, &batch, &[(3, Some(&other))]));
                    let measured = measure(&learner, &batch, &routing, if peers { &given } else { &Answers::None });
                    loss += measured.loss / 5.0;
                    accuracy += measured.accuracy / 5.0;
                }
                assert!(loss < 0.5 && accuracy > 0.8, "{spec:?} {gate:?}, peers {peers}: {loss} {accuracy}");
            }
        }
    }
}

/// Where positions may look at later ones they do; where each has its own target they may not.
#[test]
fn only_targets_at_each_position_forbid_looking_ahead() {
    for spec in kinds().into_iter().filter(|spec| spec.parts[0].seq > 1) {
        let learner = Learner::new(PRESET, &spec, 1, &cpu().device);
        let part = &spec.parts[0];
        let changed_after = |at: usize| {
            let mut random = Random::new(2, 0);
            let one = inputs(part, &[1], &mut random);
            let row = part.width();
            let values = |inputs: &Inputs| match inputs.values() {
                protocol::exchange::Values::Bytes(bytes) => bytes.iter().map(|b| f32::from(*b)).collect::<Vec<_>>(),
                protocol::exchange::Values::Reals(reals) => reals.clone(),
            };
            let mut values = values(&one);
            values[at * row..].iter_mut().for_each(|value| *value += 2.0);
            let shape = one.shape();
            let other = match part.modality {
                Modality::Text => Inputs::text(shape, values.iter().map(|v| *v as u8).collect()),
                Modality::Image => Inputs::image(shape, one.item(), values.iter().map(|v| *v as u8).collect()),
                Modality::Speech => Inputs::speech(shape, one.item()[0], values),
                Modality::Tensor => Inputs::tensor(shape, one.item()[0], values),
            };
            let (one, other) = (answer(&learner, &one), answer(&learner, &other.unwrap()));
            one[..PRESET.dim].iter().zip(&other[..PRESET.dim]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        let moved = changed_after(1);
        assert_eq!(moved < 1e-6, spec.each, "{spec:?} {moved}");
    }
}

#[test]
fn another_modality_or_another_item_is_refused_with_both_sides_named() {
    let spec = spec(Modality::Image, 4, [1, 2, 3], 3, false);
    let learner = Learner::new(PRESET, &spec, 1, &cpu().device);
    let text = Inputs::text(Shape::new(1, 4).unwrap(), vec![1; 4]).unwrap();
    let error = learner.answer(&text, Want::Encoding).unwrap_err();
    assert_eq!(error.to_string(), "inputs of Text; this model is of [Image]");
    let turned = Inputs::image(Shape::new(1, 4).unwrap(), [1, 3, 2], vec![1; 24]).unwrap();
    let error = learner.answer(&turned, Want::Encoding).unwrap_err();
    assert!(matches!(error, Error::WrongItem { expected: [1, 2, 3], got: [1, 3, 2] }), "{error}");
}

fn bridge() -> Spec {
    Spec {
        parts: vec![
            Part { modality: Modality::Text, seq: 5, item: [1, 1, 1] },
            Part { modality: Modality::Image, seq: 2, item: [1, 2, 2] },
        ],
        classes: 3,
        each: true,
    }
}

/// A bridge answers both graphs and asks both; what it sends back to a peer of the other graph has that peer's shape and is
/// the gradient of its answer.
#[test]
fn a_bridge_speaks_with_both_graphs() {
    let preset = Preset { chosen: 2, noise: 0.0, ..PRESET };
    let spec = bridge();
    let bridge = Learner::new(preset.clone(), &spec, 1, &cpu().device);
    let text = Spec { parts: vec![spec.parts[0]], ..spec.clone() };
    let image = Spec { parts: vec![spec.parts[1]], each: false, ..spec.clone() };
    let others =
        [Learner::new(preset.clone(), &text, 2, &cpu().device), Learner::new(preset, &image, 3, &cpu().device)];
    let batch = batch(&spec, &mut Random::new(3, 0));
    for (part, seq) in [(0, 5), (1, 2)] {
        assert_eq!(answer(&bridge, &batch.parts[part]).len(), 6 * seq * 4);
        assert_eq!(answer(&bridge, &batch.parts[part]).len(), answer(&others[part], &batch.parts[part]).len());
    }
    let mut routing = routing(&bridge, &batch, &[0, 1]);
    let image = routing.slots.iter().position(|slot| *slot == 1).unwrap();
    routing.parts[image] = 1;
    let answers = ask(&routing, &batch, &[(0, Some(&others[0])), (1, Some(&others[1]))]);
    assert_eq!(answers[image].as_ref().unwrap().len(), 6 * 2 * 4);
    let step = |answers| run(&bridge, &batch, &routing, answers, Extra::default());
    let outcome = step(answers.clone());
    let gradient = outcome.gradients[image].clone().unwrap();
    assert_eq!(gradient.len(), 6 * 2 * 4);
    for i in (0..gradient.len()).step_by(5) {
        let moved = |by: f32| {
            let mut answers = answers.clone();
            answers[image].as_mut().unwrap()[i] += by;
            step(answers).losses.with_peers.unwrap()
        };
        close((moved(0.05) - moved(-0.05)) / 0.1, f64::from(gradient[i]), 1e-3);
    }
    assert!(outcome.fisher.iter().all(|score| *score > 0.0));
    // And it learns from a peer of the other graph what that makes of its answers.
    let mut learner = bridge;
    learner.apply(outcome).unwrap();
    let inputs = batch.parts[1].clone();
    let budget = learner.budget();
    let foreign = budget.admit(inputs, Want::Encoding, 4, vec![0.1; 6 * 2 * 4], 1.0).unwrap();
    let mut heard = alone(&learner, &batch, Some(&foreign));
    let silent = alone(&learner, &batch, None);
    assert_eq!(heard.losses.alone, silent.losses.alone);
    let before = answer(&learner, &batch.parts[1]);
    heard.ahead = None;
    learner.apply(heard).unwrap();
    assert_ne!(before, answer(&learner, &batch.parts[1]));
}

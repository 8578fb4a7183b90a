//! What the tests of whole steps share.

#![allow(dead_code, reason = "each test uses a part")]

use futures::executor::block_on;
use peerage_model::{
    Answers, Batch, Dataset, Extra, Foreign, Learner, Measured, Outcome, Part, Preset, Random, Routing, Spec, cpu,
};
use protocol::exchange::{Inputs, Modality, Shape, Want};

pub const TEXT: &[u8] = include_bytes!("../../../../../ARCHITECTURE.md");

pub fn text(preset: &Preset) -> Dataset {
    Dataset::text(TEXT, None, preset.seq).unwrap()
}

/// A TEXT learner.
pub fn learner(preset: Preset, seed: u64) -> Learner {
    let spec = Spec {
        parts: vec![Part { modality: Modality::Text, seq: preset.seq, item: [1, 1, 1] }],
        classes: 256,
        each: true,
    };
    Learner::new(preset, &spec, seed, &cpu().device)
}

pub fn batch(preset: &Preset, seed: u64) -> Batch {
    text(preset).batch(preset.batch, &mut Random::new(seed, 3))
}

/// Every example to each of `slots`, by the gate's clean scores where they are more than the preset asks.
pub fn routing(learner: &Learner, batch: &Batch, slots: &[usize]) -> Routing {
    let scores = block_on(learner.scores(batch).unwrap().read()).unwrap();
    learner.route_best(&scores, slots)
}

pub fn noisy(learner: &Learner, batch: &Batch, slots: &[usize], random: &mut Random) -> Routing {
    let scores = block_on(learner.scores(batch).unwrap().read()).unwrap();
    learner.route(&scores, slots, random)
}

/// What `others`, by slot, answer; `None` is absent.
pub fn ask(routing: &Routing, batch: &Batch, others: &[(usize, Option<&Learner>)]) -> Vec<Option<Vec<f32>>> {
    let answer = |(chosen, slot): (usize, &usize)| {
        let other = others.iter().find(|(other, _)| other == slot)?.1?;
        let inputs = routing.inputs(chosen, batch).unwrap();
        Some(answer(other, &inputs))
    };
    routing.slots.iter().enumerate().map(answer).collect()
}

pub fn answer(other: &Learner, inputs: &Inputs) -> Vec<f32> {
    block_on(other.answer(inputs, Want::Encoding).unwrap().read()).unwrap()
}

pub fn run(
    learner: &Learner,
    batch: &Batch,
    routing: &Routing,
    answers: Vec<Option<Vec<f32>>>,
    extra: Extra<'_>,
) -> Outcome {
    block_on(learner.start(batch, routing, answers, extra).unwrap().read()).unwrap()
}

pub fn alone(learner: &Learner, batch: &Batch, foreign: Option<&Foreign>) -> Outcome {
    run(learner, batch, &Routing::nobody(), Vec::new(), Extra { foreign, ..Extra::default() })
}

pub fn measure(learner: &Learner, batch: &Batch, routing: &Routing, answers: &Answers) -> Measured {
    block_on(learner.evaluate(batch, routing, answers).unwrap().read()).unwrap()
}

pub fn bytes(batch: u32, seq: u32, bytes: &[u8]) -> Inputs {
    Inputs::text(Shape::new(batch, seq).unwrap(), bytes.to_vec()).unwrap()
}

pub fn close(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} and {b} differ by more than {within}");
}

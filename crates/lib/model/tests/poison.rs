//! Gradients from outside: what poison can do to an honest peer, and what an honest one is good for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![recursion_limit = "256"]

mod common;

use common::{alone, ask, batch, close, learner, routing, run, text};
use futures::executor::block_on;
use peerage_model::{Error, Extra, Foreign, Learner, Preset, Random, cpu};
use protocol::exchange::Want;

const STEPS: u64 = 40;
/// Nats by which the loss of the last steps may lie above that without poison: the stated bound.
const BOUND: f64 = 0.4;

/// Loss of the last five of [`STEPS`], where a neighbour sends `poison` in each, and how many were refused.
fn end(poison: Option<f32>, want: Want) -> (f64, usize) {
    let preset = Preset::small();
    let mut learner = learner(preset.clone(), 1);
    let (dataset, mut random) = (text(&preset), Random::new(1, 3));
    let (mut late, mut refused) = (0.0, 0);
    for step in 0..STEPS {
        let batch = dataset.batch(preset.batch, &mut random);
        let foreign = poison.and_then(|value| {
            let asked = dataset.batch(preset.batch, &mut Random::new(step, 9)).parts.swap_remove(0);
            let gradient = (0..preset.values()).map(|i| if i % 3 == 0 { value } else { -value }).collect();
            let admitted = learner.budget().admit(asked, want, preset.dim, gradient, 1.0);
            refused += usize::from(matches!(admitted, Err(Error::NotFinite)));
            admitted.ok()
        });
        let outcome = alone(&learner, &batch, foreign.as_ref());
        if step >= STEPS - 5 {
            late += outcome.losses.alone / 5.0;
        }
        learner.apply(outcome).unwrap();
    }
    (late, refused)
}

/// Huge, of either sign, small, and no number at all.
#[test]
fn poison_moves_an_honest_peer_no_further_than_its_budget() {
    let (clean, _) = end(None, Want::Joined);
    for poison in [1e30, -1e30, 1e-3] {
        let (poisoned, refused) = end(Some(poison), Want::Joined);
        assert!(poisoned < clean + BOUND, "{poison}: {poisoned} against {clean} without");
        assert_eq!(refused, 0);
    }
    let (dropped, refused) = end(Some(f32::NAN), Want::Joined);
    assert_eq!((dropped.to_bits(), refused as u64), (clean.to_bits(), STEPS));
}

/// An honest peer's first own step, so that the budget knows the size of its gradient.
fn warm(seed: u64, preset: &Preset) -> Learner {
    let mut learner = learner(preset.clone(), seed);
    let outcome = alone(&learner, &batch(preset, 5), None);
    learner.apply(outcome).unwrap();
    learner
}

/// A neighbour sends the true gradient with its sign turned: what it asked about gets worse for it, but the honest peer's own
/// loss stays within the bound.
#[test]
fn a_flipped_gradient_costs_no_more_than_the_bound() {
    let preset = Preset::small();
    let sender = learner(preset.clone(), 1);
    let run_with = |sign: Option<f32>| -> f64 {
        let mut receiver = warm(2, &preset);
        let (dataset, mut random) = (text(&preset), Random::new(7, 3));
        let mut late = 0.0;
        for step in 0..30 {
            let foreign = sign.map(|sign| gradient(&sender, &receiver, &batch(&preset, 40 + step), sign, 1.0));
            let outcome = alone(&receiver, &dataset.batch(preset.batch, &mut random), foreign.as_ref());
            if step >= 25 {
                late += outcome.losses.alone / 5.0;
            }
            receiver.apply(outcome).unwrap();
        }
        late
    };
    let (clean, flipped) = (run_with(None), run_with(Some(-1.0)));
    assert!(flipped < clean + BOUND, "{flipped} against {clean} without");
}

/// What `sender` would send `receiver` about `batch`, times `sign`, admitted with `weight`.
fn gradient(sender: &Learner, receiver: &Learner, batch: &peerage_model::Batch, sign: f32, weight: f64) -> Foreign {
    let routing = routing(sender, batch, &[0]);
    let outcome = run(sender, batch, &routing, ask(&routing, batch, &[(0, Some(receiver))]), Extra::default());
    let gradient: Vec<f32> = outcome.gradients[0].as_ref().unwrap().iter().map(|g| g * sign).collect();
    let inputs = routing.inputs(0, batch).unwrap();
    receiver.budget().admit(inputs, Want::Encoding, sender.preset().dim, gradient, weight).unwrap()
}

/// A true gradient lowers the loss of its sender, the more the more the sender weighs.
#[test]
fn a_true_gradient_helps_its_sender_by_its_weight() {
    let preset = Preset { alone: 0.0, rate: 1e-3, warmup: 1, ..Preset::small() };
    let sender = learner(preset.clone(), 1);
    let kept = block_on(warm(2, &preset).save()).unwrap();
    let (asked, own) = (batch(&preset, 4), batch(&preset, 5));
    let after = |weight: Option<f64>| {
        let mut receiver = Learner::load(&kept, preset.clone(), sender.spec(), &cpu().device).unwrap();
        for _ in 0..5 {
            let foreign = weight.map(|weight| gradient(&sender, &receiver, &asked, 1.0, weight));
            let outcome = alone(&receiver, &own, foreign.as_ref());
            receiver.apply(outcome).unwrap();
        }
        let routing = routing(&sender, &asked, &[0]);
        let answers = ask(&routing, &asked, &[(0, Some(&receiver))]);
        run(&sender, &asked, &routing, answers, Extra::default()).losses.with_peers.unwrap()
    };
    let (silent, nothing, whole) = (after(None), after(Some(0.0)), after(Some(1.0)));
    assert!(whole < silent, "{whole} {silent}");
    close(nothing, silent, 1e-6);
    let half = after(Some(0.3));
    assert!(whole < half && half < silent, "{whole} {half} {silent}");
}

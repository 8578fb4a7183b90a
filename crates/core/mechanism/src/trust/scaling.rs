//! The scaling A: gradient of the loss in it, its descent while the loss is not negative, its return while it is.
//!
//! With q_k = r_k σ_k (1 − σ_k):
//! ∂L/∂a_i = −(s_i/z) \[ Σ_k w_ik (σ_k − ½) + L + (z/z_M) β (Σ_k c_ik q_k − Σ_k q_k t_k) \],
//! the last term for trust sources only (z/z_M = 1 while all peers are sources). This is the true gradient; the readings
//! of the printed equation that are not are no part of this module.

use super::connectivity::Connectivity;
use super::{Outcome, World};

/// ∂L/∂a_i for all i. `partial` is the outcome so far; z > 0.
pub(super) fn gradient(
    world: &World<'_>,
    beta: f64,
    partial: &Outcome,
    connectivity: &mut Connectivity<'_>,
) -> Vec<f64> {
    let z = partial.scaled;
    let ratio = z / connectivity.scaled();
    let q: Vec<f64> = partial.rank.iter().zip(&partial.trusted).map(|(r, t)| r * t * (1.0 - t)).collect();
    let all = crate::arithmetic::sum(&q);
    let mut along = 0.0;
    for (q, t) in q.iter().zip(&partial.trust) {
        along += q * t;
    }

    let mut bracket = vec![0.0; world.peers()];
    for (i, value) in bracket.iter_mut().enumerate() {
        for (k, w) in world.weights.row(i) {
            *value += w * (partial.trusted[k] - 0.5);
        }
        *value += partial.loss;
    }
    let mut connected = vec![0.0; partial.sources.len()];
    connectivity.each_block(|block| {
        for (k, above) in &block.above {
            for (sum, c) in connected[block.first..].iter_mut().zip(above) {
                *sum += c * q[*k as usize];
            }
        }
    });
    for (&source, above) in partial.sources.iter().zip(&connected) {
        bracket[source as usize] += ratio * beta * (above + connectivity.base() * all - along);
    }
    // The product comes before the quotient: 0 · x / z is 0 however small z is.
    bracket.iter().zip(world.stake).map(|(bracket, s)| -(s * bracket) / z).collect()
}

/// A after one epoch: A ← clamp(A − η ∂L/∂A, 0, 1) while L ≥ 0, else each a_i returns towards 1 by `recovery`.
///
/// `descent` is η in the gradient of the normalised loss, `recovery` the return an epoch; both finite and not negative.
/// A descent after which no scaled stake would remain is not taken. At z = 0, where the loss says nothing, A returns, so
/// that a chain never stays there.
#[must_use]
pub fn step_scaling(world: &World<'_>, outcome: &Outcome, descent: f64, recovery: f64) -> Vec<f64> {
    if outcome.loss < 0.0 || outcome.scaled <= 0.0 {
        return world.scaling.iter().map(|a| within(a + recovery)).collect();
    }
    let next: Vec<f64> =
        world.scaling.iter().zip(&outcome.scaling_gradient).map(|(a, g)| within(a - descent * g)).collect();
    let mut left = 0.0;
    for (a, s) in next.iter().zip(world.stake) {
        left += a * s;
    }
    if left > 0.0 { next } else { world.scaling.to_vec() }
}

/// `a` clamped to \[0, 1\].
fn within(a: f64) -> f64 {
    if a >= 1.0 {
        1.0
    } else if a > 0.0 {
        a
    } else {
        0.0
    }
}

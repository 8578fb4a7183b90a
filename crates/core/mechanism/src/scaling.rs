//! The scaling A: gradient of the loss in it, its descent while the loss is not negative, its return while it is.
//!
//! For L = −R·(T − ½) with R = Wᵀsc/z, T = σ(βt) and q_k = r_k σ_k (1 − σ_k):
//! ∂L/∂a_i = −(s_i/z) \[ Σ_k w_ik (σ_k − ½) + L + β (z/Σv) (v_i/sc_i) (Σ_k c_ik q_k − Σ_k q_k t_k) \],
//! the last term for those whose rows make t, with the voice v_i (all, with v_i = sc_i and Σv = z, but where trust sources
//! are fewer; then v_i/sc_i is held fixed). `Consensus` has the
//! same gradient with its consensus for T and direct trust for c. This is the true gradient; what the paper prints is in
//! [`crate::trust::readings`].

use crate::world::World;

/// What the gradient is made of.
pub(crate) struct Terms<'a> {
    /// z.
    pub scaled: f64,
    /// σ_k.
    pub trusted: &'a [f64],
    /// L.
    pub loss: f64,
    /// β (z/Σv) (v_i/sc_i) (Σ_k c_ik q_k − Σ_k q_k t_k), 0 for those whose rows do not make t.
    pub along: &'a [f64],
}

/// q_k = r_k σ_k (1 − σ_k).
pub(crate) fn sensitivity(rank: &[f64], trusted: &[f64]) -> Vec<f64> {
    rank.iter().zip(trusted).map(|(r, t)| r * t * (1.0 - t)).collect()
}

/// ∂L/∂a_i for all i; z > 0.
pub(crate) fn gradient(world: &World<'_>, terms: &Terms<'_>) -> Vec<f64> {
    let row = |i: usize| {
        let mut bracket = 0.0;
        for (k, w) in world.weights.row(i) {
            bracket += w * (terms.trusted[k] - 0.5);
        }
        bracket += terms.loss;
        bracket += terms.along[i];
        // The product comes before the quotient: 0 · x / z is 0 however small z is.
        -(world.stake[i] * bracket) / terms.scaled
    };
    (0..world.peers()).map(row).collect()
}

/// L = −R·(T − ½).
pub(crate) fn loss(rank: &[f64], trusted: &[f64]) -> f64 {
    let mut loss = 0.0;
    for (r, t) in rank.iter().zip(trusted) {
        loss -= r * (t - 0.5);
    }
    loss
}

/// A ← clamp(A − η g, 0, 1), or A itself where no scaled stake would remain.
#[must_use]
pub fn descend(world: &World<'_>, gradient: &[f64], descent: f64) -> Vec<f64> {
    let next: Vec<f64> = world.scaling.iter().zip(gradient).map(|(a, g)| within(a - descent * g)).collect();
    let mut left = 0.0;
    for (a, s) in next.iter().zip(world.stake) {
        left += a * s;
    }
    if left > 0.0 { next } else { world.scaling.to_vec() }
}

/// Each a_i returns towards 1 by `recovery`.
#[must_use]
pub fn recover(world: &World<'_>, recovery: f64) -> Vec<f64> {
    world.scaling.iter().map(|a| within(a + recovery)).collect()
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

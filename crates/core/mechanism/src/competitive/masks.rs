//! Competitive masks: m_ij = σ((s_i w_ij − μ_j)/T), μ_j = (1/n) Σ_k s_k w_kj, the mean bid for peer j.
//!
//! Peer i sees F_W(x)_j = f_j(x) m_ij: whose bid for j is below the mean sees less of j.

use crate::arithmetic::logistic;
use crate::fault::{NotDefined, finite, ranged};
use crate::world::World;

/// Least T, so that slopes stay finite.
pub const SHARPEST: f64 = 1e-9;

/// The masks of one peer, and their slopes in its own row.
#[derive(Clone, Debug, PartialEq)]
pub struct Masks {
    /// m_ij for every j, in \[0, 1\].
    pub values: Vec<f64>,
    /// ∂m_ij/∂w_ij = m (1 − m) s_i (1 − 1/n)/T: the own bid raises the mean, too.
    pub slopes: Vec<f64>,
}

/// The masks of peer `own`, whose bids are those of `means` = μ ([`super::ranks`]); `temperature` is T ≥ [`SHARPEST`].
///
/// # Errors
/// [`NotDefined::World`] for arguments out of range, [`NotDefined::Peer`] for a peer outside, [`NotDefined::Hard`] at T = 0.
pub fn of(world: &World<'_>, own: usize, means: &[f64], temperature: f64) -> Result<Masks, NotDefined> {
    let peers = world.peers();
    if own >= peers {
        return Err(NotDefined::Peer { peer: own, peers });
    }
    world.check()?;
    finite("means", means, peers)?;
    if temperature == 0.0 {
        return Err(NotDefined::Hard);
    }
    ranged("temperature", temperature, SHARPEST)?;
    let stake = world.scaling[own] * world.stake[own];
    let mut values: Vec<f64> = means.iter().map(|mean| -mean).collect();
    for (j, w) in world.weights.row(own) {
        values[j] += stake * w;
    }
    values.iter_mut().for_each(|bid| *bid = logistic(*bid / temperature));
    #[expect(clippy::cast_precision_loss, reason = "at most 2^32 peers")]
    let factor = stake * (1.0 - 1.0 / peers as f64) / temperature;
    let slopes = values.iter().map(|mask| mask * (1.0 - mask) * factor).collect();
    Ok(Masks { values, slopes })
}

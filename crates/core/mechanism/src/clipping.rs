//! Stake clipping by reachable stake, in its soft form, and its gradient in the own row.
//!
//! Weights are read as an absorbing Markov chain: Q = W − diag W (a self-loop absorbs), N = (I − Q)⁻¹ the expected
//! visits. A peer reaches c_ij = s_j σ((N_ij − κ)/T_c) of j's stake (hard, at T_c = 0: s_j where N_ij > κ), and keeps
//! s*_i = s_i · min(Σ_j c_ij / (½‖S‖), 1) of its own. Below the clip, for b ≠ i,
//!
//! ∂s*_i/∂w_ib = (s_i / ½‖S‖) Σ_j s_j σ'_ij/T_c · N_ii N_bj,  σ' = σ(1 − σ),
//!
//! the weight being taken from the own self-loop. Every row is counted with a self-loop of at least
//! [`MINIMUM_SELF_LOOP`]; the gradient is that in the row so counted.
//!
//! Where a quantity is binary or clamped there is no gradient, and
//! [`NotDefined`] says which it is; a zero is never returned in its place. On a chain that does not clip by it, the
//! gradient is advice.

use crate::absorbing::{Absorbing, MINIMUM_SELF_LOOP};
use crate::arithmetic::sum;
use crate::connectivity::Connectivity;
use crate::fault::NotDefined;
use crate::world::World;

/// What one peer reaches, and what it keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// N_i·, the expected visits from the peer to each of the n peers.
    pub visits: Vec<f64>,
    /// Σ_j c_ij / (½‖S‖); the clip acts below 1.
    pub fraction: f64,
    /// s*_i.
    pub clipped: f64,
}

/// What peer `own` reaches and keeps, at threshold κ and temperature T_c (0: hard).
///
/// # Errors
/// Any [`NotDefined`] but [`NotDefined::Hard`] and [`NotDefined::AboveClip`].
pub fn reach(world: &World<'_>, own: usize, kappa: f64, temperature: f64) -> Result<Reach, NotDefined> {
    Ok(solved(world, own, kappa, temperature)?.1)
}

/// ∂s*_i/∂w_ib of peer i = `own` for every b ≠ i, as (b, slope), b ascending; stake is what s is measured in.
///
/// # Errors
/// Any [`NotDefined`] that concerns connectivity.
pub fn own_gradient(
    world: &World<'_>,
    own: usize,
    kappa: f64,
    temperature: f64,
) -> Result<Vec<(u32, f64)>, NotDefined> {
    if temperature == 0.0 {
        return Err(NotDefined::Hard);
    }
    let (chain, reach) = solved(world, own, kappa, temperature)?;
    if reach.fraction >= 1.0 {
        return Err(NotDefined::AboveClip { fraction: reach.fraction });
    }
    let soft = constants(kappa, temperature);
    let slopes = reach.visits.iter().zip(world.stake).map(|(visits, s)| s * soft.slope(*visits));
    let along = chain.times(slopes.collect());
    let factor = world.stake[own] / (0.5 * sum(world.stake)) * reach.visits[own];
    let entries = (0u32..).zip(along).filter(|&(b, _)| b as usize != own);
    Ok(entries.map(|(b, value)| (b, factor * value)).collect())
}

/// The chain and what `own` reaches.
fn solved(world: &World<'_>, own: usize, kappa: f64, temperature: f64) -> Result<(Absorbing, Reach), NotDefined> {
    world.check()?;
    let peers = world.peers();
    let constants = constants(kappa, temperature);
    constants.check()?;
    if own >= peers {
        return Err(NotDefined::Peer { peer: own, peers });
    }
    let chain = Absorbing::new(world.weights, MINIMUM_SELF_LOOP)?;
    let stake = world.stake[own];
    let half = 0.5 * sum(world.stake);
    // A stake so small that half of it vanishes counts as none.
    if stake <= 0.0 || half <= 0.0 {
        return Err(NotDefined::NoStake { peer: own });
    }
    let visits = chain.row(own);
    let mut reached = 0.0;
    for (visits, s) in visits.iter().zip(world.stake) {
        reached += s * constants.connected(*visits);
    }
    let fraction = reached / half;
    let clipped = if fraction < 1.0 { stake * fraction } else { stake };
    Ok((chain, Reach { visits, fraction, clipped }))
}

fn constants(kappa: f64, temperature: f64) -> Connectivity {
    Connectivity { kappa, temperature, clip: true, self_loop: MINIMUM_SELF_LOOP }
}

#[cfg(test)]
mod tests;

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

use crate::absorbing::{Absorbing, MINIMUM_SELF_LOOP, shrink};
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

/// The clipping of one peer: the chain is factored once for all that is asked of it.
#[derive(Debug)]
pub struct Clipping {
    chain: Absorbing,
    constants: Connectivity,
    own: usize,
    stake: Vec<f64>,
    half: f64,
    /// The own row of Q, as it is counted.
    row: Vec<(u32, f64)>,
    reach: Reach,
}

/// What peer `own` reaches and keeps, at threshold κ and temperature T_c (0: hard).
///
/// # Errors
/// Any [`NotDefined`] but [`NotDefined::Hard`] and [`NotDefined::AboveClip`].
pub fn reach(world: &World<'_>, own: usize, kappa: f64, temperature: f64) -> Result<Reach, NotDefined> {
    Ok(Clipping::new(world, own, kappa, temperature)?.reach)
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
    Clipping::new(world, own, kappa, temperature)?.own_gradient()
}

impl Clipping {
    /// The clipping of peer `own`, at threshold κ and temperature T_c (0: hard).
    ///
    /// # Errors
    /// As [`reach`].
    pub fn new(world: &World<'_>, own: usize, kappa: f64, temperature: f64) -> Result<Self, NotDefined> {
        world.check()?;
        let peers = world.peers();
        let constants = Connectivity { kappa, temperature, clip: true, self_loop: MINIMUM_SELF_LOOP };
        constants.check()?;
        if own >= peers {
            return Err(NotDefined::Peer { peer: own, peers });
        }
        let chain = Absorbing::new(world.weights, MINIMUM_SELF_LOOP)?;
        let half = 0.5 * sum(world.stake);
        // A stake so small that half of it vanishes counts as none.
        if world.stake[own] <= 0.0 || half <= 0.0 {
            return Err(NotDefined::NoStake { peer: own });
        }
        #[expect(clippy::cast_possible_truncation, reason = "columns are u32")]
        let row: Vec<(u32, f64)> = world.weights.row(own).map(|(j, w)| (j as u32, w)).collect();
        let (row, stake) = (counted(&row, own), world.stake.to_vec());
        let visits = chain.row(own);
        let nothing = Reach { visits: Vec::new(), fraction: 0.0, clipped: 0.0 };
        let clipping = Self { chain, constants, own, stake, half, row, reach: nothing };
        Ok(Self { reach: clipping.kept(visits), ..clipping })
    }

    /// What the peer reaches and keeps.
    #[must_use]
    pub const fn reach(&self) -> &Reach {
        &self.reach
    }

    /// What it would reach and keep with another own row, (j, w_ij) with j ascending and below n: exact, and without another
    /// factoring, since N changes by a matrix of rank 1 (Sherman and Morrison).
    #[must_use]
    pub fn reach_with(&self, row: &[(u32, f64)]) -> Reach {
        let mut change = vec![0.0; self.stake.len()];
        for (j, w) in counted(row, self.own) {
            change[j as usize] += w;
        }
        for &(j, w) in &self.row {
            change[j as usize] -= w;
        }
        let along = self.chain.left_times(change);
        let factor = self.reach.visits[self.own] / (1.0 - along[self.own]);
        self.kept(self.reach.visits.iter().zip(&along).map(|(visits, along)| visits + factor * along).collect())
    }

    /// ∂s*_i/∂w_ib for every b ≠ i, as (b, slope), b ascending.
    ///
    /// # Errors
    /// [`NotDefined::Hard`] or [`NotDefined::AboveClip`].
    pub fn own_gradient(&self) -> Result<Vec<(u32, f64)>, NotDefined> {
        if self.constants.temperature == 0.0 {
            return Err(NotDefined::Hard);
        }
        if self.reach.fraction >= 1.0 {
            return Err(NotDefined::AboveClip { fraction: self.reach.fraction });
        }
        let slopes = self.reach.visits.iter().zip(&self.stake).map(|(visits, s)| s * self.constants.slope(*visits));
        let along = self.chain.times(slopes.collect());
        let factor = self.stake[self.own] / self.half * self.reach.visits[self.own];
        let entries = (0u32..).zip(along).filter(|&(b, _)| b as usize != self.own);
        Ok(entries.map(|(b, value)| (b, factor * value)).collect())
    }

    fn kept(&self, visits: Vec<f64>) -> Reach {
        let stake = self.stake[self.own];
        let mut reached = 0.0;
        for (visits, s) in visits.iter().zip(&self.stake) {
            reached += s * self.constants.connected(*visits);
        }
        let fraction = reached / self.half;
        let clipped = if fraction < 1.0 { stake * fraction } else { stake };
        Reach { visits, fraction, clipped }
    }
}

/// A row of Q: without its self-loop, as far as the least that is counted leaves room for the others.
fn counted(row: &[(u32, f64)], own: usize) -> Vec<(u32, f64)> {
    let own_loop = row.iter().find(|&&(j, _)| j as usize == own).map_or(0.0, |&(_, w)| w);
    let shrink = shrink(own_loop, MINIMUM_SELF_LOOP);
    row.iter().filter(|&&(j, _)| j as usize != own).map(|&(j, w)| (j, shrink * w)).collect()
}

#[cfg(test)]
mod tests;

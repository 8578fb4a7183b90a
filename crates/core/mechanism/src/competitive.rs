//! The `Competitive` mechanism, the intermodel measure: peers outbid each other for a place in others' forward pass.
//!
//! With sc = A∘S:
//!
//! | | |
//! |---|---|
//! | ranks | R = (1/n) Wᵀ sc |
//! | stake | S′ = S + τ R/‖R‖₂: the norm is L2 here, as printed |
//! | masks | m_ij = σ((s_i w_ij − μ_j)/T), μ_j = R_j: who bids less than others is masked out ([`masks`]) |
//! | payoff | P_i = −α L_i + τ R_i ([`payoff`]) |
//! | adaptive inflation | τ rises from 0 until Σ w_ii / Σ_{j≠i} w_ij reaches its target |
//!
//! The draft's ranks are a Hadamard product whose orientation would pay each peer its own stake ([`ranks`] with
//! [`Reading::Literal`]), and it prints the payoff as +α L_i, which asks for the largest loss. A ledger also refuses every
//! update with ‖ΔW_i‖₂ ≥ ε ([`crate::step`]).

pub mod masks;
pub mod payoff;

use crate::arithmetic::sum;
use crate::epoch::{Epoch, Mechanism, Memory, shares};
use crate::fault::{Fault, LARGEST, NotDefined, ranged};
use crate::rows::Rows;
use crate::world::World;

/// The constants, from genesis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Competitive {
    /// Ratio of the diagonal to the rest at which inflation stops to rise.
    pub target: f64,
    /// By how much τ rises an epoch.
    pub rise: f64,
}

/// As it is meant, or as it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As it is printed.
    Literal,
    /// As it is meant.
    Right,
}

impl Default for Competitive {
    /// A tenth of the weight on oneself, in steps of 1/1,024.
    fn default() -> Self {
        Self { target: 0.1, rise: 1.0 / 1024.0 }
    }
}

impl Mechanism for Competitive {
    fn evaluate(&self, world: &World<'_>, memory: &Memory) -> Result<Epoch, Fault> {
        ranged("target", self.target, 0.0)?;
        ranged("rise", self.rise, 0.0)?;
        ranged("inflation", memory.inflation, 0.0)?;
        world.check()?;
        let n = world.peers();
        let rank = ranks(world, Reading::Right);
        Ok(Epoch {
            share: shares(&rank),
            incentive: rank.clone(),
            rank,
            trust: vec![0.0; n],
            trusted: vec![1.0; n],
            dividend: vec![0.0; n],
            loss: None,
            pays: true,
            scaling_gradient: Err(NotDefined::NoLoss),
            scaling: world.scaling.to_vec(),
            memory: Memory { inflation: self.inflation(world.weights, memory.inflation), ..memory.clone() },
        })
    }

    fn own_gradient(&self, world: &World<'_>, own: usize) -> Result<Vec<f64>, NotDefined> {
        if own >= world.peers() {
            return Err(NotDefined::Peer { peer: own, peers: world.peers() });
        }
        world.check()?;
        let rank = ranks(world, Reading::Right);
        let total = sum(&rank);
        if total <= 0.0 {
            return Err(NotDefined::Nothing);
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 2^32 peers")]
        let by_entry = world.scaling[own] * world.stake[own] / world.peers() as f64 / total;
        let share = rank[own] / total;
        Ok((0..rank.len()).map(|j| by_entry * (f64::from(u8::from(j == own)) - share)).collect())
    }

    fn stake(&self, stake: &[f64], epoch: &Epoch, tau: f64) -> Vec<f64> {
        // In parts of the largest rank, whose squares neither vanish nor overflow.
        let largest = epoch.rank.iter().copied().fold(0.0, f64::max);
        if largest <= 0.0 {
            return stake.to_vec();
        }
        let parts = || epoch.rank.iter().map(|r| r / largest);
        let mut squares = 0.0;
        for part in parts() {
            squares += part * part;
        }
        let norm = squares.sqrt();
        stake.iter().zip(parts()).map(|(s, part)| s + tau * (part / norm)).collect()
    }
}

impl Competitive {
    /// The next τ: higher by `rise` while the ratio of the diagonal to the rest is below its target.
    #[must_use]
    pub fn inflation(&self, weights: &Rows, tau: f64) -> f64 {
        let (own, others) = diagonal(weights);
        if own < self.target * others { (tau + self.rise).min(LARGEST) } else { tau }
    }
}

/// R of n peers: (1/n) Wᵀ sc, or literally (1/n) Σ_j w_ij sc_i for peer i.
#[must_use]
pub fn ranks(world: &World<'_>, reading: Reading) -> Vec<f64> {
    let scaled = world.scaled();
    let mut rank = match reading {
        Reading::Right => world.weights.transposed_times(&scaled),
        Reading::Literal => {
            let ones = vec![1.0; scaled.len()];
            world.weights.times(&ones).iter().zip(&scaled).map(|(row, sc)| row * sc).collect()
        }
    };
    #[expect(clippy::cast_precision_loss, reason = "at most 2^32 peers")]
    let n = world.peers() as f64;
    rank.iter_mut().for_each(|r| *r /= n);
    rank
}

/// (Σ w_ii, Σ_{j≠i} w_ij).
#[must_use]
pub fn diagonal(weights: &Rows) -> (f64, f64) {
    let (mut own, mut others) = (0.0, 0.0);
    for i in 0..weights.peers() {
        for (j, w) in weights.row(i) {
            *(if i == j { &mut own } else { &mut others }) += w;
        }
    }
    (own, others)
}

/// Share of all weight that lies on the diagonal; 0 where nobody is.
#[must_use]
pub fn self_share(weights: &Rows) -> f64 {
    let (own, others) = diagonal(weights);
    let all = sum(&[own, others]);
    if all > 0.0 { own / all } else { 0.0 }
}

#[cfg(test)]
mod tests;

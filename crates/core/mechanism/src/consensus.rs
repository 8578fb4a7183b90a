//! The `Consensus` mechanism: direct trust, a consensus term, and bonds that share the incentive of others.
//!
//! With sc = A∘S and z = Σ sc:
//!
//! | | |
//! |---|---|
//! | direct trust | T_ij = 1 if w_ij > 0 (and at least `direct`), else 0; t = Tᵀ sc / z |
//! | consensus | C = σ(ρ (t − κ)) |
//! | ranks, incentive | R = Wᵀ sc / z, I = R∘C |
//! | bonds | B ← B + ΔB, Δb_ij = w_ij sc_i / z; columns are normalised when paid out |
//! | dividends | D = B I/‖I‖ |
//! | stake | S′ = S + τ‖S‖ (½ D + ½ I/‖I‖) |
//! | loss | L = −R·(C − ½); while L ≥ 0 nothing is paid and the number of weights that every row must have rises by one |
//!
//! The notes print D = BᵀI, which loses mass ([`Bonds::literal`]). A row with too few weights counts as its self-loop.
//! A column without bonds pays its dividend to its own peer, so that nothing is lost.

mod bonds;

pub use bonds::Bonds;

use crate::arithmetic::{logistic, sum};
use crate::epoch::{Epoch, Mechanism, Memory, shares};
use crate::fault::{Fault, NotDefined, ranged};
use crate::rows::Rows;
use crate::scaling::{self, Terms, sensitivity};
use crate::world::World;
use std::borrow::Cow;

/// The constants, from genesis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Consensus {
    /// ρ, slope of the consensus on t; (0, [`crate::fault::LARGEST`]\].
    pub slope: f64,
    /// κ, trust at which the consensus is ½; \[0, 1\].
    pub kappa: f64,
    /// Least weight that is direct trust, beside being above 0; \[0, 1\].
    pub direct: f64,
    /// Most weights that the chain ever demands of a row.
    pub max_weights: u32,
    /// Most bonds that a peer holds: the largest, ties to the lower index; the others are forfeited.
    pub max_bonds: usize,
}

/// What the mechanism says of a [`World`].
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// z.
    pub scaled: f64,
    /// t.
    pub trust: Vec<f64>,
    /// C.
    pub consensus: Vec<f64>,
    /// R.
    pub rank: Vec<f64>,
    /// I.
    pub incentive: Vec<f64>,
    /// I/‖I‖.
    pub share: Vec<f64>,
    /// D.
    pub dividend: Vec<f64>,
    /// L.
    pub loss: f64,
    /// ∂L/∂a_i.
    pub scaling_gradient: Vec<f64>,
    /// B after the update.
    pub bonds: Bonds,
}

impl Default for Consensus {
    /// ρ = 10, κ = ½, at most 1,024 weights and bonds, direct trust from half of the equal share in so long a row on.
    fn default() -> Self {
        Self { slope: 10.0, kappa: 0.5, direct: 1.0 / 2048.0, max_weights: 1024, max_bonds: 1024 }
    }
}

impl Consensus {
    /// Whether every constant is in its range.
    ///
    /// # Errors
    /// [`Fault::Parameter`] names the first that is not.
    pub fn check(&self) -> Result<(), Fault> {
        ranged("slope", self.slope, f64::MIN_POSITIVE)?;
        for (name, value) in [("kappa", self.kappa), ("direct", self.direct)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Fault::Parameter { name, value });
            }
        }
        for (name, zero) in [("max_weights", self.max_weights == 0), ("max_bonds", self.max_bonds == 0)] {
            if zero {
                return Err(Fault::Parameter { name, value: 0.0 });
            }
        }
        Ok(())
    }

    /// Evaluates the mechanism; linear in the entries of W and B.
    ///
    /// # Errors
    /// [`Fault`] for a constant or a number out of range; never for a degenerate world.
    pub fn outcome(&self, world: &World<'_>, memory: &Memory) -> Result<Outcome, Fault> {
        self.check()?;
        world.check()?;
        let n = world.peers();
        if memory.bonds.peers() > n {
            return Err(Fault::Bonds { bonds: memory.bonds.peers(), peers: n });
        }
        let weights = counted(world.weights, memory.min_weights);
        let scaled = world.scaled();
        let z = sum(&scaled);
        if z <= 0.0 {
            let nought = vec![0.0; n];
            return Ok(Outcome {
                scaled: 0.0,
                consensus: vec![logistic(-self.slope * self.kappa); n],
                trust: nought.clone(),
                rank: nought.clone(),
                incentive: nought.clone(),
                share: nought.clone(),
                dividend: nought.clone(),
                loss: 0.0,
                scaling_gradient: nought,
                bonds: memory.bonds.clone(),
            });
        }
        let part: Vec<f64> = scaled.iter().map(|sc| sc / z).collect();
        let (rank, trust) = self.scored(&weights, &part);
        let consensus: Vec<f64> = trust.iter().map(|t| logistic(self.slope * (t - self.kappa))).collect();
        let incentive: Vec<f64> = rank.iter().zip(&consensus).map(|(r, c)| r * c).collect();
        let share = shares(&incentive);
        let bonds = memory.bonds.with(&weights, &part, self.max_bonds);
        let dividend = bonds.dividends(&share);
        let loss = scaling::loss(&rank, &consensus);
        let along = self.along(&weights, &rank, &consensus, &trust);
        let terms = Terms { scaled: z, trusted: &consensus, loss, along: &along };
        let scaling_gradient = scaling::gradient(&World { weights: &weights, ..*world }, &terms);
        Ok(Outcome { scaled: z, trust, consensus, rank, incentive, share, dividend, loss, scaling_gradient, bonds })
    }

    /// (Wᵀp, Tᵀp) for the parts p of the scaled stake, in one pass over the weights.
    fn scored(&self, weights: &Rows, parts: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut both = vec![(0.0, 0.0); parts.len()];
        for (i, part) in parts.iter().enumerate() {
            for (j, w) in weights.row(i) {
                let (rank, trust) = &mut both[j];
                *rank += w * part;
                if self.trusts(w) {
                    *trust += part;
                }
            }
        }
        both.into_iter().unzip()
    }

    fn trusts(&self, weight: f64) -> bool {
        weight > 0.0 && weight >= self.direct
    }

    /// ρ (Σ_k T_ik q_k − Σ_k q_k t_k) for every i.
    fn along(&self, weights: &Rows, rank: &[f64], consensus: &[f64], trust: &[f64]) -> Vec<f64> {
        let q = sensitivity(rank, consensus);
        let mut mean = 0.0;
        for (q, t) in q.iter().zip(trust) {
            mean += q * t;
        }
        let row = |i| {
            let mut direct = 0.0;
            for (k, _) in weights.row(i).filter(|&(_, w)| self.trusts(w)) {
                direct += q[k];
            }
            self.slope * (direct - mean)
        };
        (0..weights.peers()).map(row).collect()
    }
}

impl Mechanism for Consensus {
    fn own_gradient(&self, _: &World<'_>, _: usize) -> Result<Vec<f64>, NotDefined> {
        Err(NotDefined::Binary)
    }

    fn evaluate(&self, world: &World<'_>, memory: &Memory) -> Result<Epoch, Fault> {
        let outcome = self.outcome(world, memory)?;
        let pays = outcome.loss < 0.0;
        let most = u32::try_from(world.peers()).unwrap_or(u32::MAX).min(self.max_weights).max(1);
        let min_weights = if pays { memory.min_weights } else { memory.min_weights.saturating_add(1) };
        let half = |(dividend, share): (&f64, &f64)| 0.5 * dividend + 0.5 * share;
        let share = if pays {
            outcome.dividend.iter().zip(&outcome.share).map(half).collect()
        } else {
            vec![0.0; world.peers()]
        };
        Ok(Epoch {
            rank: outcome.rank,
            trust: outcome.trust,
            trusted: outcome.consensus,
            incentive: outcome.incentive,
            dividend: outcome.dividend,
            share,
            loss: Some(outcome.loss),
            pays,
            scaling_gradient: if outcome.scaled > 0.0 {
                Ok(outcome.scaling_gradient)
            } else {
                Err(NotDefined::Nothing)
            },
            scaling: world.scaling.to_vec(),
            memory: Memory { bonds: outcome.bonds, min_weights: min_weights.clamp(1, most), ..*memory },
        })
    }
}

/// The rows as they count: those with fewer than `least` weights as self-loops.
fn counted(weights: &Rows, least: u32) -> Cow<'_, Rows> {
    let least = least as usize;
    let short = |i: usize| weights.row(i).filter(|&(_, w)| w > 0.0).count() < least;
    if least <= 1 || !(0..weights.peers()).any(short) {
        return Cow::Borrowed(weights);
    }
    Cow::Owned(weights.with_loops(short))
}

#[cfg(test)]
mod tests;

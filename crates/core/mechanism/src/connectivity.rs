//! The `Connectivity` mechanism: ranks by reachable stake, and stake clipping.
//!
//! With N the expected visits ([`crate::absorbing`]), sc = A∘S and ρ = Σ sc:
//!
//! | | |
//! |---|---|
//! | connectivity | h_ij = σ((N_ij − κ)/T_c), at T_c = 0: 1 if N_ij > κ, else 0; c_ij = s_j h_ij |
//! | reach | f_i = Σ_j c_ij / (½ρ) |
//! | stake clipping | s*_i = s_i · min(f_i, 1) |
//! | ranks | R = (W + C)ᵀ S; with clipping S* stands for S, in C too |
//! | stake | S′ = S + τ‖S‖ R/‖R‖ |
//! | resistance | ‖R‖ against ρ + ρ²/2; for a fully connected graph ‖R‖ = ρ + ρ² |
//!
//! Below the level of resistance no majority is connected. Clipping helps and does not guarantee it: three equal thirds
//! stay below. The draft prints ρ + ρ² for the level, which is the maximum. It has no rule for a market below the level,
//! so every epoch pays; [`Epoch::loss`] is the level minus ‖R‖.
//!
//! Up to [`crate::absorbing::LIMIT`] peers: factors, visits and connectivities are n × n, the only such matrices of this crate.

use crate::absorbing::{Absorbing, MINIMUM_SELF_LOOP, shrink};
use crate::arithmetic::{dot, logistic, sum};
use crate::epoch::{Epoch, Mechanism, Memory, shares};
use crate::fault::{Fault, NotDefined, ranged};
use crate::world::World;

/// The constants, from genesis; as a mechanism it pays every epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Connectivity {
    /// κ, expected visits that count as connected; \[0, [`crate::fault::LARGEST`]\].
    pub kappa: f64,
    /// T_c, width of the soft connectivity in visits; 0 means hard, else from [`SHARPEST`] to [`crate::fault::LARGEST`].
    pub temperature: f64,
    /// Whether ranks are those of the clipped stake.
    pub clip: bool,
    /// Least self-loop a row is counted with; 0 to 1.
    pub self_loop: f64,
}

/// Least T_c above 0, so that a gradient stays finite.
pub const SHARPEST: f64 = 1e-9;

/// What the mechanism says of a [`World`].
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// h, n × n, row by row.
    pub connected: Vec<f64>,
    /// f.
    pub reach: Vec<f64>,
    /// S*.
    pub clipped: Vec<f64>,
    /// The stake that is ranked: S*, or sc where nothing is clipped.
    pub counted: Vec<f64>,
    /// R.
    pub rank: Vec<f64>,
    /// ρ + ρ²/2 of the stake that is ranked.
    pub level: f64,
}

impl Default for Connectivity {
    /// κ = ½ visits, T_c = κ/4, clipped, δ of the ledger.
    fn default() -> Self {
        Self { kappa: 0.5, temperature: 0.125, clip: true, self_loop: MINIMUM_SELF_LOOP }
    }
}

impl Connectivity {
    /// Whether every constant is in its range.
    ///
    /// # Errors
    /// [`Fault::Parameter`] names the first that is not.
    pub fn check(&self) -> Result<(), Fault> {
        ranged("kappa", self.kappa, 0.0)?;
        if self.temperature != 0.0 {
            ranged("temperature", self.temperature, SHARPEST)?;
        }
        if (0.0..=1.0).contains(&self.self_loop) {
            Ok(())
        } else {
            Err(Fault::Parameter { name: "self_loop", value: self.self_loop })
        }
    }

    /// h of so many visits.
    #[must_use]
    pub fn connected(&self, visits: f64) -> f64 {
        if self.temperature > 0.0 {
            logistic((visits - self.kappa) / self.temperature)
        } else if visits > self.kappa {
            1.0
        } else {
            0.0
        }
    }

    /// dh/dN at so many visits; only for T_c > 0.
    #[must_use]
    pub fn slope(&self, visits: f64) -> f64 {
        let near = self.connected(visits);
        near * (1.0 - near) / self.temperature
    }

    /// Evaluates the mechanism, in n³ operations.
    ///
    /// # Errors
    /// [`Fault`] for a constant or a number out of range, too many peers, or a singular chain; never for a degenerate world.
    pub fn outcome(&self, world: &World<'_>) -> Result<Outcome, Fault> {
        Ok(self.solved(world)?.1)
    }

    /// ∂P_i/∂w_ij of peer i = `own` for every j, of its part P_i = R_i/‖R‖ of what is paid.
    ///
    /// Entries are moved one by one, w_ij against nothing; on the simplex only their differences matter. The own self-loop
    /// is no part of Q, and moves visits only where it is below the least that is counted, by how the others shrink.
    ///
    /// # Errors
    /// [`NotDefined::World`], [`NotDefined::Peer`], [`NotDefined::Hard`], or [`NotDefined::Nothing`] where ‖R‖ = 0.
    pub fn own_gradient(&self, world: &World<'_>, own: usize) -> Result<Vec<f64>, NotDefined> {
        if own >= world.peers() {
            return Err(NotDefined::Peer { peer: own, peers: world.peers() });
        }
        if self.temperature == 0.0 {
            return Err(NotDefined::Hard);
        }
        let (chain, outcome) = self.solved(world)?;
        let n = world.peers();
        let norm = sum(&outcome.rank);
        if norm <= 0.0 {
            return Err(NotDefined::Nothing);
        }
        let share = outcome.rank[own] / norm;
        // Derivatives of P by R_k, by the counted stake of m, by h_mk, by N_mk.
        let by_rank = |k: usize| (f64::from(u8::from(k == own)) - share) / norm;
        let row = |m: usize| &outcome.connected[m * n..(m + 1) * n];
        let held = world.scaled();
        let half = 0.5 * sum(&held);
        let mut by_counted = vec![0.0; n];
        if self.clip {
            for m in 0..n {
                for (k, w) in world.weights.row(m) {
                    by_counted[m] += by_rank(k) * w;
                }
                for (k, h) in row(m).iter().enumerate() {
                    by_counted[m] += by_rank(k) * outcome.counted[k] * h;
                    by_counted[k] += by_rank(k) * outcome.counted[m] * h;
                }
            }
        }
        let mut gradient: Vec<f64> = (0..n).map(|j| outcome.counted[own] * by_rank(j)).collect();
        let mut by_entry = vec![0.0; n];
        for m in 0..n {
            let visits = chain.row(m);
            let clipped = self.clip && outcome.reach[m] < 1.0;
            let by_visits = |(k, visits): (usize, &f64)| {
                let mut by_h = by_rank(k) * outcome.counted[m] * outcome.counted[k];
                if clipped {
                    by_h += by_counted[m] * held[m] * held[k] / half;
                }
                by_h * self.slope(*visits)
            };
            // ∂N_mk/∂w_ij = N_mi N_jk.
            let along = chain.times(visits.iter().enumerate().map(by_visits).collect());
            for (sum, along) in by_entry.iter_mut().zip(&along) {
                *sum += visits[own] * along;
            }
        }
        // From the row as it is counted to the row as it is.
        let own_loop = world.weights.get(own, own);
        let shrink = shrink(own_loop, self.self_loop);
        for (j, by_entry) in by_entry.iter().enumerate().filter(|&(j, _)| j != own) {
            gradient[j] += shrink * by_entry;
        }
        if own_loop < self.self_loop {
            for (k, w) in world.weights.row(own).filter(|&(k, _)| k != own) {
                gradient[own] += w * shrink / (1.0 - own_loop) * by_entry[k];
            }
        }
        Ok(gradient)
    }

    fn solved(&self, world: &World<'_>) -> Result<(Absorbing, Outcome), Fault> {
        self.check()?;
        world.check()?;
        let n = world.peers();
        let held = world.scaled();
        let total = sum(&held);
        if !(total * total).is_finite() {
            return Err(Fault::Total);
        }
        let chain = Absorbing::new(world.weights, self.self_loop)?;
        let connected: Vec<f64> = chain.matrix().iter().map(|&visits| self.connected(visits)).collect();
        let row = |i: usize| &connected[i * n..(i + 1) * n];
        let half = 0.5 * total;
        let reach: Vec<f64> = (0..n).map(|i| if half > 0.0 { dot(row(i), &held) / half } else { 0.0 }).collect();
        let clipped: Vec<f64> =
            held.iter().zip(&reach).map(|(s, reach)| if *reach < 1.0 { s * reach } else { *s }).collect();
        let counted = if self.clip { clipped.clone() } else { held };
        let mut reached = vec![0.0; n];
        for (i, s) in counted.iter().enumerate() {
            for (sum, h) in reached.iter_mut().zip(row(i)) {
                *sum += s * h;
            }
        }
        let mut rank = world.weights.transposed_times(&counted);
        for ((rank, s), reached) in rank.iter_mut().zip(&counted).zip(&reached) {
            *rank += s * reached;
        }
        let rho = sum(&counted);
        Ok((chain, Outcome { connected, reach, clipped, counted, rank, level: rho + 0.5 * rho * rho }))
    }
}

impl Mechanism for Connectivity {
    fn own_gradient(&self, world: &World<'_>, own: usize) -> Result<Vec<f64>, NotDefined> {
        self.own_gradient(world, own)
    }

    fn evaluate(&self, world: &World<'_>, memory: &Memory) -> Result<Epoch, Fault> {
        let outcome = self.outcome(world)?;
        let loss = outcome.level - sum(&outcome.rank);
        Ok(Epoch {
            trusted: outcome.reach.iter().map(|reach| reach.min(1.0)).collect(),
            trust: outcome.reach,
            share: shares(&outcome.rank),
            incentive: outcome.rank.clone(),
            rank: outcome.rank,
            dividend: vec![0.0; world.peers()],
            loss: Some(loss),
            pays: true,
            scaling_gradient: Err(NotDefined::NoLoss),
            scaling: world.scaling.to_vec(),
            memory: memory.clone(),
        })
    }
}

#[cfg(test)]
mod tests;

//! Stake clipping by reachable stake, in its soft form, and its gradient in the own row.
//!
//! Weights are read as an absorbing Markov chain: Q = W − diag W (a self-loop absorbs), N = (I − Q)⁻¹ the expected
//! visits. A peer reaches c_ij = s_j σ((N_ij − κ)/T_c) of j's stake (hard, at T_c = 0: s_j where N_ij > κ), and keeps
//! s*_i = s_i · min(Σ_j c_ij / (½‖S‖), 1) of its own. Below the clip, for b ≠ i,
//!
//! ∂s*_i/∂w_ib = (s_i / ½‖S‖) Σ_j s_j σ'_ij/T_c · N_ii N_bj,  σ' = σ(1 − σ),
//!
//! the weight being taken from the own self-loop. N exists because every row is first given a self-loop of at least
//! [`MINIMUM_SELF_LOOP`], its other entries shrinking in proportion; the gradient is that in the row so counted.
//!
//! The solve is dense and exact, up to [`LIMIT`] peers. Where a quantity is binary or clamped there is no gradient, and
//! [`NotDefined`] says which it is; a zero is never returned in its place. On a chain that does not clip by it, the
//! gradient is advice.

mod solve;

use crate::arithmetic::{logistic, sum};
use crate::rows::Rows;
use crate::trust::{LARGEST, TrustError, World};
use solve::Factors;

/// δ, the least self-loop a row is counted with.
pub const MINIMUM_SELF_LOOP: f64 = 1.0 / 1024.0;

/// Most peers that the dense solve takes: 8 MiB and a third of a billion multiplications.
pub const LIMIT: usize = 1024;

/// Least T_c above 0, so that a gradient stays finite.
pub const SHARPEST: f64 = 1e-9;

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

/// Why what was asked of a peer does not exist.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotDefined {
    /// The world is not valid.
    #[error(transparent)]
    World(#[from] TrustError),
    /// κ or T_c out of range.
    #[error("parameter {name} is {value}, out of range")]
    Parameter {
        /// Name of the argument.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// There is no such peer.
    #[error("peer {peer} is not among {peers}")]
    Peer {
        /// The peer asked for.
        peer: usize,
        /// Number of peers.
        peers: usize,
    },
    /// The exact solve is not offered for so many.
    #[error("{peers} peers are more than the {limit} that the exact solve takes")]
    TooManyPeers {
        /// Number of peers.
        peers: usize,
        /// [`LIMIT`].
        limit: usize,
    },
    /// The peer holds no stake that could be clipped.
    #[error("peer {peer} holds no stake that could be clipped")]
    NoStake {
        /// The peer.
        peer: usize,
    },
    /// Connectivity is hard: it jumps, and is flat elsewhere.
    #[error("connectivity is hard at temperature 0: it has steps and no slope")]
    Hard,
    /// The peer is above the clip, where its kept stake does not depend on its row.
    #[error("the peer reaches {fraction} of half the stake, above the clip, where its row changes nothing")]
    AboveClip {
        /// Σ_j c_ij / (½‖S‖), at least 1.
        fraction: f64,
    },
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
/// Any [`NotDefined`].
pub fn own_gradient(
    world: &World<'_>,
    own: usize,
    kappa: f64,
    temperature: f64,
) -> Result<Vec<(u32, f64)>, NotDefined> {
    if temperature == 0.0 {
        return Err(NotDefined::Hard);
    }
    let (factors, reach) = solved(world, own, kappa, temperature)?;
    if reach.fraction >= 1.0 {
        return Err(NotDefined::AboveClip { fraction: reach.fraction });
    }
    let slopes = reach.visits.iter().zip(world.stake).map(|(visits, s)| {
        let near = logistic((visits - kappa) / temperature);
        s * (near * (1.0 - near) / temperature)
    });
    let along = factors.solve(slopes.collect());
    let factor = world.stake[own] / (0.5 * sum(world.stake)) * reach.visits[own];
    let entries = (0u32..).zip(along).filter(|&(b, _)| b as usize != own);
    Ok(entries.map(|(b, value)| (b, factor * value)).collect())
}

/// The factors of I − Q and what `own` reaches.
fn solved(world: &World<'_>, own: usize, kappa: f64, temperature: f64) -> Result<(Factors, Reach), NotDefined> {
    world.check()?;
    let peers = world.peers();
    if !(0.0..=LARGEST).contains(&kappa) {
        return Err(NotDefined::Parameter { name: "kappa", value: kappa });
    }
    if temperature != 0.0 && !(SHARPEST..=LARGEST).contains(&temperature) {
        return Err(NotDefined::Parameter { name: "temperature", value: temperature });
    }
    if own >= peers {
        return Err(NotDefined::Peer { peer: own, peers });
    }
    if peers > LIMIT {
        return Err(NotDefined::TooManyPeers { peers, limit: LIMIT });
    }
    let stake = world.stake[own];
    let half = 0.5 * sum(world.stake);
    // A stake so small that half of it vanishes counts as none.
    if stake <= 0.0 || half <= 0.0 {
        return Err(NotDefined::NoStake { peer: own });
    }
    let factors = Factors::new(absorbing(world.weights), peers);
    let visits = factors.row(own);
    let mut reached = 0.0;
    for (visits, s) in visits.iter().zip(world.stake) {
        reached += s * connected(*visits, kappa, temperature);
    }
    let fraction = reached / half;
    let clipped = if fraction < 1.0 { stake * fraction } else { stake };
    Ok((factors, Reach { visits, fraction, clipped }))
}

/// The share of a peer's stake that so many visits connect.
fn connected(visits: f64, kappa: f64, temperature: f64) -> f64 {
    if temperature > 0.0 {
        logistic((visits - kappa) / temperature)
    } else if visits > kappa {
        1.0
    } else {
        0.0
    }
}

/// I − Q, row by row, with every self-loop at least [`MINIMUM_SELF_LOOP`].
fn absorbing(weights: &Rows) -> Vec<f64> {
    let n = weights.peers();
    let mut matrix = vec![0.0; n * n];
    for i in 0..n {
        let own = weights.get(i, i);
        let shrink = if own < MINIMUM_SELF_LOOP { (1.0 - MINIMUM_SELF_LOOP) / (1.0 - own) } else { 1.0 };
        for (j, w) in weights.row(i) {
            matrix[i * n + j] = -(shrink * w);
        }
        matrix[i * n + i] = 1.0;
    }
    matrix
}

#[cfg(test)]
mod tests;

//! The `Trust` mechanism: ranks, connectivity, trust, incentive, loss and the gradient of the loss in the scaling.
//!
//! With sc = A∘S, z = Σ sc and σ the logistic function:
//!
//! | | |
//! |---|---|
//! | rank | R = Wᵀ sc / z |
//! | connectivity | C_d = Σ_{k=1..d} W^k; c = tanh((C_d − κ)/T_c), or ±1 by sign at T_c = 0 |
//! | trust | t = Cᵀ sc / z_M over the M trust sources, T = σ(βt) |
//! | incentive | I = R∘T |
//! | loss | L = −R·(T − ½); L < 0 suffices for a trusted majority |
//!
//! **Trust sources** are the M peers of largest scaled stake, ties by lower index, and z_M is their scaled stake: with
//! n ≤ M that is everyone and z_M = z. So t stays in \[−1, 1\] and its sign is a majority among the sources. Nothing
//! n × n is stored.
//!
//! # Order
//! Sums over peers, entries and sources ascend by index. Trust adds, for each source, sc_i (c_ik − c_0) to the peers it
//! reaches, then c_0 z_M once, where c_0 is the connectivity of a peer that is not reached.
//!
//! # Degenerate worlds
//! [`evaluate`] is total on what the constructors let through: at z = 0 (nobody, no stake, or all scaled away) ranks,
//! trust, incentive, loss and gradient are 0 and T = ½. The loss of 0 then counts as "not negative": no emission.

mod connectivity;
mod scaling;

pub use scaling::step_scaling;

use crate::arithmetic::logistic;
use crate::rows::Rows;
use connectivity::Connectivity;

/// The constants of the mechanism, from genesis.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// β, slope of the logistic on t; (0, [`LARGEST`]\].
    pub beta: f64,
    /// κ, expected visits that count as connected; \[0, [`LARGEST`]\].
    pub kappa: f64,
    /// d, steps that a row is spread; 1 to [`DEEPEST`].
    pub depth: u32,
    /// T_c, width of the soft connectivity in visits; \[0, [`LARGEST`]\], 0 means hard ±1.
    pub temperature: f64,
    /// M, number of trust sources; at least 1.
    pub sources: usize,
}

/// Largest β, κ and T_c.
pub const LARGEST: f64 = 1e6;

/// Largest depth d.
pub const DEEPEST: u32 = 16;

impl Parameters {
    /// The defaults for about `peers` peers: β = 10, d = 3, κ = ½·d/n, T_c = κ/4, M = 256.
    #[must_use]
    pub fn for_peers(peers: u32) -> Self {
        let depth = 3;
        let kappa = 0.5 * f64::from(depth) / f64::from(peers.max(1));
        Self { beta: 10.0, kappa, depth, temperature: kappa / 4.0, sources: 256 }
    }

    /// Whether every constant is in its range.
    ///
    /// # Errors
    /// [`TrustError::Parameter`] names the first that is not.
    pub fn check(&self) -> Result<(), TrustError> {
        let refuse = |name, value| Err(TrustError::Parameter { name, value });
        if !(self.beta > 0.0 && self.beta <= LARGEST) {
            return refuse("beta", self.beta);
        }
        if !(self.kappa >= 0.0 && self.kappa <= LARGEST) {
            return refuse("kappa", self.kappa);
        }
        if !(self.temperature >= 0.0 && self.temperature <= LARGEST) {
            return refuse("temperature", self.temperature);
        }
        if self.depth < 1 || self.depth > DEEPEST {
            return refuse("depth", f64::from(self.depth));
        }
        if self.sources < 1 {
            return refuse("sources", 0.0);
        }
        Ok(())
    }
}

/// Stake, scaling and weights of n peers at one moment.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// S: s_i = stake ÷ total stake · ρ; n values, finite and not negative.
    pub stake: &'a [f64],
    /// A: n values in \[0, 1\].
    pub scaling: &'a [f64],
    /// W: n rows.
    pub weights: &'a Rows,
}

/// What the mechanism says of a [`World`]. Vectors have n entries.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// z = Σ a_i s_i.
    pub scaled: f64,
    /// The trust sources, ascending.
    pub sources: Vec<u32>,
    /// R; sums to 1 unless z = 0.
    pub rank: Vec<f64>,
    /// t, in \[−1, 1\].
    pub trust: Vec<f64>,
    /// T = σ(βt), in \[0, 1\].
    pub trusted: Vec<f64>,
    /// I = R∘T.
    pub incentive: Vec<f64>,
    /// L.
    pub loss: f64,
    /// ∂L/∂a_i, of the loss as normalised by z; Σ a_i ∂L/∂a_i = 0. The set of sources is held fixed.
    pub scaling_gradient: Vec<f64>,
}

/// Why a world or its parameters cannot be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrustError {
    /// A constant outside its range.
    #[error("parameter {name} is {value}, out of range")]
    Parameter {
        /// Name of the field.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// Stake, scaling and weights are of different numbers of peers.
    #[error("{stake} stakes and {scaling} scalings for {rows} rows")]
    Lengths {
        /// Number of stakes.
        stake: usize,
        /// Number of scalings.
        scaling: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A stake is NaN, infinite or negative.
    #[error("stake {value} of peer {peer} is out of range")]
    Stake {
        /// Peer.
        peer: usize,
        /// Its stake.
        value: f64,
    },
    /// A scaling is NaN or outside \[0, 1\].
    #[error("scaling {value} of peer {peer} is out of range")]
    Scaling {
        /// Peer.
        peer: usize,
        /// Its scaling.
        value: f64,
    },
    /// The stakes sum to more than binary64 holds.
    #[error("the stakes sum to more than can be held")]
    Total,
}

impl World<'_> {
    /// Number of peers n.
    #[must_use]
    pub const fn peers(&self) -> usize {
        self.weights.peers()
    }

    /// Whether the three parts fit each other and every number is in its range.
    ///
    /// # Errors
    /// [`TrustError::Lengths`], [`TrustError::Stake`], [`TrustError::Scaling`] or [`TrustError::Total`].
    pub fn check(&self) -> Result<(), TrustError> {
        let (stake, scaling, rows) = (self.stake.len(), self.scaling.len(), self.peers());
        if stake != rows || scaling != rows {
            return Err(TrustError::Lengths { stake, scaling, rows });
        }
        let mut total = 0.0;
        for (peer, &value) in self.stake.iter().enumerate() {
            if !(value.is_finite() && value >= 0.0) {
                return Err(TrustError::Stake { peer, value });
            }
            total += value;
        }
        for (peer, &value) in self.scaling.iter().enumerate() {
            if !(0.0..=1.0).contains(&value) {
                return Err(TrustError::Scaling { peer, value });
            }
        }
        if total.is_finite() { Ok(()) } else { Err(TrustError::Total) }
    }
}

/// Evaluates the mechanism; linear in the entries of W but for the spread of the M sources.
///
/// # Errors
/// [`TrustError`] when a parameter or a number of the world is out of range; never for a degenerate world.
pub fn evaluate(world: &World<'_>, parameters: &Parameters) -> Result<Outcome, TrustError> {
    parameters.check()?;
    world.check()?;
    let n = world.peers();
    let scaled: Vec<f64> = world.scaling.iter().zip(world.stake).map(|(a, s)| a * s).collect();
    let z = crate::arithmetic::sum(&scaled);
    if z <= 0.0 {
        return Ok(Outcome {
            scaled: 0.0,
            sources: Vec::new(),
            rank: vec![0.0; n],
            trust: vec![0.0; n],
            trusted: vec![0.5; n],
            incentive: vec![0.0; n],
            loss: 0.0,
            scaling_gradient: vec![0.0; n],
        });
    }

    let rank = ranks(world.weights, &scaled, z);
    let mut connectivity = Connectivity::new(world, &scaled, parameters);
    let trust = connectivity.trust();
    let trusted: Vec<f64> = trust.iter().map(|t| logistic(parameters.beta * t)).collect();
    let incentive: Vec<f64> = rank.iter().zip(&trusted).map(|(r, t)| r * t).collect();
    let mut loss = 0.0;
    for (r, t) in rank.iter().zip(&trusted) {
        loss -= r * (t - 0.5);
    }
    let partial = Outcome {
        scaled: z,
        sources: connectivity.sources().to_vec(),
        rank,
        trust,
        trusted,
        incentive,
        loss,
        scaling_gradient: Vec::new(),
    };
    let scaling_gradient = scaling::gradient(world, parameters.beta, &partial, &mut connectivity);
    Ok(Outcome { scaling_gradient, ..partial })
}

/// R = Wᵀ sc / z.
fn ranks(weights: &Rows, scaled: &[f64], z: f64) -> Vec<f64> {
    let mut rank = vec![0.0; scaled.len()];
    for (i, &sc) in scaled.iter().enumerate() {
        if sc > 0.0 {
            for (j, w) in weights.row(i) {
                rank[j] += sc * w;
            }
        }
    }
    for r in &mut rank {
        *r /= z;
    }
    rank
}

#[cfg(test)]
mod tests;

//! The `Trust` mechanism: ranks, connectivity, trust, incentive, loss and the gradient of the loss in the scaling.
//!
//! With sc = A∘S, z = Σ sc and σ the logistic function:
//!
//! | | |
//! |---|---|
//! | rank | R = Wᵀ sc / z |
//! | connectivity | C_d = Σ_{k=1..d} W^k; c = tanh((C_d − κ)/T_c), or ±1 by sign at T_c = 0 |
//! | trust | t = Cᵀ v / Σ v over the trust sources, T = σ(βt) |
//! | incentive | I = R∘T |
//! | loss | L = −R·(T − ½); L < 0 suffices for a trusted majority |
//!
//! **Trust sources** are M samples of the scaled stake, one from each of M equal parts of it, and the voice v_i of a peer is
//! the number of its samples times z/M: in expectation its scaled stake, however that is divided (`trust/sources.rs`). With
//! n ≤ M everyone is a source and v_i = sc_i. So t stays in \[−1, 1\], and its sign is a majority of the voice where
//! connectivity is hard; soft, an unreached peer counts a little less than −1, so that a minority just below one half is
//! trusted too (.4998 at the defaults). No n × n matrix is stored: of the sources' rows at most 2²² values are kept.
//!
//! # Order
//! Sums over peers, entries and sources ascend by index. Trust adds, for each source, v_i (c_ik − c_0) to the peers it
//! reaches, then c_0 Σ v once, where c_0 is the connectivity of a peer that is not reached.
//!
//! # Degenerate worlds
//! [`evaluate`] is total on what the constructors let through: at z = 0 (nobody, no stake, or all scaled away) ranks,
//! trust, incentive, loss and gradient are 0 and T = ½. The loss of 0 then counts as "not negative": no emission.

mod connectivity;
mod payoff;
pub mod readings;
mod sources;

pub use payoff::{own_gradient, own_trust_gradient};

use crate::arithmetic::{logistic, sum};
use crate::epoch::{Epoch, Mechanism, Memory, shares};
use crate::fault::{Fault, NotDefined, ranged};
use crate::scaling::{self, Terms, sensitivity};
use crate::world::World;
use connectivity::Connectivity;

/// The `Trust` mechanism as a chain runs it: the pool is paid while L < 0, else A takes a step down the loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Trust {
    /// The constants.
    pub parameters: Parameters,
    /// η, step of the descent of A while L ≥ 0.
    pub descent: f64,
    /// Return of each a_i towards 1 an epoch while L < 0.
    pub recovery: f64,
}

impl Mechanism for Trust {
    fn own_gradient(&self, world: &World<'_>, own: usize) -> Result<Vec<f64>, NotDefined> {
        own_gradient(world, &self.parameters, own)
    }

    fn evaluate(&self, world: &World<'_>, memory: &Memory) -> Result<Epoch, Fault> {
        ranged("descent", self.descent, 0.0)?;
        ranged("recovery", self.recovery, 0.0)?;
        let outcome = evaluate(world, &self.parameters)?;
        let pays = outcome.loss < 0.0;
        Ok(Epoch {
            share: if pays { shares(&outcome.incentive) } else { vec![0.0; world.peers()] },
            scaling: step_scaling(world, &outcome, self.descent, self.recovery),
            scaling_gradient: if outcome.scaled > 0.0 {
                Ok(outcome.scaling_gradient)
            } else {
                Err(NotDefined::Nothing)
            },
            dividend: vec![0.0; world.peers()],
            loss: Some(outcome.loss),
            pays,
            rank: outcome.rank,
            trust: outcome.trust,
            trusted: outcome.trusted,
            incentive: outcome.incentive,
            memory: memory.clone(),
        })
    }
}

/// A after one epoch: A ← clamp(A − η ∂L/∂A, 0, 1) while L ≥ 0, else each a_i returns towards 1 by `recovery`.
///
/// `descent` is η in the gradient of the normalised loss, `recovery` the return an epoch; both finite and not negative.
/// A descent after which no scaled stake would remain is not taken. At z = 0, where the loss says nothing, A returns, so
/// that a chain never stays there.
#[must_use]
pub fn step_scaling(world: &World<'_>, outcome: &Outcome, descent: f64, recovery: f64) -> Vec<f64> {
    if outcome.loss < 0.0 || outcome.scaled <= 0.0 {
        scaling::recover(world, recovery)
    } else {
        scaling::descend(world, &outcome.scaling_gradient, descent)
    }
}

/// The constants of the mechanism, from genesis.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// β, slope of the logistic on t; (0, [`crate::fault::LARGEST`]\].
    pub beta: f64,
    /// κ, expected visits that count as connected; \[0, [`crate::fault::LARGEST`]\].
    pub kappa: f64,
    /// d, steps that a row is spread; 1 to [`DEEPEST`].
    pub depth: u32,
    /// T_c, width of the soft connectivity in visits; 0 means hard ±1, else from [`SHARPEST`] to [`crate::fault::LARGEST`].
    pub temperature: f64,
    /// M, largest number of trust sources; at least 1.
    pub sources: usize,
    /// From which the samples are drawn where more than M peers hold scaled stake.
    pub seed: u64,
}

/// Least T_c above 0, so that a gradient stays finite.
pub const SHARPEST: f64 = 1e-9;

/// Largest depth d.
pub const DEEPEST: u32 = 16;

impl Parameters {
    /// The defaults for about `peers` peers: β = 10, d = 3, κ = ½·d/n, T_c = κ/4, M = 256, seed 0.
    #[must_use]
    pub fn for_peers(peers: u32) -> Self {
        let depth = 3;
        let kappa = 0.5 * f64::from(depth) / f64::from(peers.max(1));
        Self { beta: 10.0, kappa, depth, temperature: kappa / 4.0, sources: 256, seed: 0 }
    }

    /// Whether every constant is in its range.
    ///
    /// # Errors
    /// [`Fault::Parameter`] names the first that is not.
    pub fn check(&self) -> Result<(), Fault> {
        ranged("beta", self.beta, f64::MIN_POSITIVE)?;
        ranged("kappa", self.kappa, 0.0)?;
        if self.temperature != 0.0 {
            ranged("temperature", self.temperature, SHARPEST)?;
        }
        if self.depth < 1 || self.depth > DEEPEST {
            return Err(Fault::Parameter { name: "depth", value: f64::from(self.depth) });
        }
        if self.sources < 1 {
            return Err(Fault::Parameter { name: "sources", value: 0.0 });
        }
        Ok(())
    }
}

/// What the mechanism says of a [`World`]. Vectors have n entries.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// z = Σ a_i s_i.
    pub scaled: f64,
    /// The trust sources, ascending.
    pub sources: Vec<u32>,
    /// v of each source, in that order; they sum to z to rounding.
    pub voices: Vec<f64>,
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
    /// ∂L/∂a_i, of the loss as normalised by z; Σ a_i ∂L/∂a_i = 0. Each v_i/sc_i is held fixed.
    pub scaling_gradient: Vec<f64>,
}

/// Evaluates the mechanism; linear in the entries of W but for the order of stakes and the spread of the sources.
///
/// # Errors
/// [`Fault`] when a parameter or a number of the world is out of range; never for a degenerate world.
pub fn evaluate(world: &World<'_>, parameters: &Parameters) -> Result<Outcome, Fault> {
    parameters.check()?;
    world.check()?;
    let n = world.peers();
    let scaled = world.scaled();
    let z = sum(&scaled);
    if z <= 0.0 {
        return Ok(Outcome {
            scaled: 0.0,
            sources: Vec::new(),
            voices: Vec::new(),
            rank: vec![0.0; n],
            trust: vec![0.0; n],
            trusted: vec![0.5; n],
            incentive: vec![0.0; n],
            loss: 0.0,
            scaling_gradient: vec![0.0; n],
        });
    }

    let mut rank = world.weights.transposed_times(&scaled);
    rank.iter_mut().for_each(|r| *r /= z);
    let mut connectivity = Connectivity::new(world, &scaled, z, parameters);
    let trust = connectivity.trust();
    let trusted: Vec<f64> = trust.iter().map(|t| logistic(parameters.beta * t)).collect();
    let incentive = rank.iter().zip(&trusted).map(|(r, t)| r * t).collect();
    let loss = scaling::loss(&rank, &trusted);

    let q = sensitivity(&rank, &trusted);
    let mut mean = 0.0;
    for (q, t) in q.iter().zip(&trust) {
        mean += q * t;
    }
    let slope = z / sum(connectivity.voices()) * parameters.beta;
    let connected = connectivity.times(&q);
    let mut along = vec![0.0; n];
    for ((&source, &voice), connected) in connectivity.sources().iter().zip(connectivity.voices()).zip(&connected) {
        along[source as usize] = slope * (connected - mean) * gain(voice, scaled[source as usize]);
    }
    let terms = Terms { scaled: z, trusted: &trusted, loss, along: &along };
    let scaling_gradient = scaling::gradient(world, &terms);
    let (sources, voices) = (connectivity.sources().to_vec(), connectivity.voices().to_vec());
    Ok(Outcome { scaled: z, sources, voices, rank, trust, trusted, incentive, loss, scaling_gradient })
}

/// v/sc: 1 where all speak, also for those who are scaled to nothing; finite, so that 0 times it is 0.
fn gain(voice: f64, scaled: f64) -> f64 {
    if voice == scaled { 1.0 } else { (voice / scaled).min(f64::MAX) }
}

#[cfg(test)]
mod tests;

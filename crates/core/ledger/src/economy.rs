//! From the tables to the mechanism: the one way in which stake, scaling and rows become matrices.
//!
//! The epoch computes with it, and so does a light client that holds the verified tables `Neurons` and `Weights`, to find
//! its own trust t_i and ∂L/∂a_i or to audit an epoch. s_i enters as s_i/ΣS·ρ and w_ij as score/65,535.

use crate::parameters::Parameters;
use crate::table::{NeuronLeaf, WeightsLeaf};
use mechanism::epoch::Mechanism;
use mechanism::fault::Fault;
use mechanism::rows::{Rows, RowsError};
use mechanism::trust::{self, Outcome, Trust};
use mechanism::world::World;

/// Stake, scaling and weights of n peers, owned.
#[derive(Clone, Debug, PartialEq)]
pub struct Economy {
    /// s_i/ΣS·ρ; zeros where nobody holds stake.
    pub stake: Vec<f64>,
    /// a_i.
    pub scaling: Vec<f64>,
    /// W.
    pub rows: Rows,
}

/// Why tables make no economy. Tables of an honest chain always make one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EconomyError {
    /// The tables are of different lengths.
    #[error("{neurons} neurons, but {weights} rows")]
    Lengths {
        /// Leaves of the neuron table.
        neurons: usize,
        /// Leaves of the weight table.
        weights: usize,
    },
    /// A row names a peer that does not exist, or is malformed.
    #[error("rows: {0}")]
    Rows(#[from] RowsError),
    /// A number is out of range.
    #[error("mechanism: {0}")]
    Fault(#[from] Fault),
}

impl Economy {
    /// As the mechanism takes it.
    pub fn world(&self) -> World<'_> {
        World { stake: &self.stake, scaling: &self.scaling, weights: &self.rows }
    }
}

/// The economy of these tables, both whole and in uid order.
pub fn world(
    neurons: &[NeuronLeaf],
    weights: &[WeightsLeaf],
    parameters: &Parameters,
) -> Result<Economy, EconomyError> {
    if neurons.len() != weights.len() {
        return Err(EconomyError::Lengths { neurons: neurons.len(), weights: weights.len() });
    }
    let total: u128 = neurons.iter().map(|neuron| u128::from(neuron.stake.get())).sum();
    #[expect(clippy::cast_precision_loss, reason = "rounded to nearest even, the same everywhere")]
    let share = |units: u64| if total == 0 { 0.0 } else { units as f64 / total as f64 * parameters.rho };
    let entries = weights.iter().map(|leaf| leaf.row.entries().iter().map(|(uid, score)| (uid.get(), score.get())));
    Ok(Economy {
        stake: neurons.iter().map(|neuron| share(neuron.stake.get())).collect(),
        scaling: neurons.iter().map(|neuron| neuron.scaling).collect(),
        rows: Rows::from_scores(neurons.len(), entries)?,
    })
}

/// The mechanism's constants for a chain with so many peers: κ = kappa·d/n, T_c = temperature·κ.
pub fn trust_parameters(parameters: &Parameters, peers: usize) -> trust::Parameters {
    #[expect(clippy::cast_precision_loss, reason = "at most 2^20 peers")]
    let kappa = parameters.kappa * f64::from(parameters.depth) / peers.max(1) as f64;
    trust::Parameters {
        beta: parameters.beta,
        kappa,
        depth: parameters.depth,
        temperature: parameters.temperature * kappa,
        sources: parameters.sources as usize,
    }
}

/// The mechanism of a chain with so many peers.
pub fn mechanism(parameters: &Parameters, peers: usize) -> impl Mechanism {
    Trust {
        parameters: trust_parameters(parameters, peers),
        descent: parameters.scaling_step,
        recovery: parameters.scaling_return,
    }
}

/// What trust says about these tables, term by term.
pub fn evaluate(
    neurons: &[NeuronLeaf],
    weights: &[WeightsLeaf],
    parameters: &Parameters,
) -> Result<(Economy, Outcome), EconomyError> {
    let economy = world(neurons, weights, parameters)?;
    let outcome = trust::evaluate(&economy.world(), &trust_parameters(parameters, neurons.len()))?;
    Ok((economy, outcome))
}

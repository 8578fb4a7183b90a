//! From the tables to the mechanism: the one way in which stake, scaling and rows become matrices.
//!
//! The epoch computes with it, and so does a light client that holds the verified tables `Neurons` and `Weights`, to find
//! its own trust t_i and ∂L/∂a_i or to audit an epoch. s_i enters as s_i/ΣS·ρ and w_ij as score/65,535.
//!
//! Beyond M peers, those whose rows make trust are drawn anew in every epoch, from its number. The draw can be computed
//! ahead, so that everybody can check it; stakes that suit it in one epoch do not in the next.

use crate::hash::{Domain, tagged};
use crate::parameters::{Kind, Parameters};
use crate::row;
use crate::table::{BondsLeaf, NeuronLeaf, Totals, WeightsLeaf};
use crate::types::{Height, Uid};
use mechanism::absorbing::MINIMUM_SELF_LOOP;
use mechanism::competitive::Competitive;
use mechanism::connectivity::Connectivity;
use mechanism::consensus::{Bonds, Consensus};
use mechanism::epoch::{Epoch, Mechanism, Memory};
use mechanism::fault::Fault;
use mechanism::rows::{Rows, RowsError};
use mechanism::trust::{self, Trust};
use mechanism::world::World;

/// A whole table in order, as a slice or as a state holds it.
pub trait Leaves<'a, T: 'a>: IntoIterator<Item = &'a T, IntoIter: ExactSizeIterator + Clone> {}

impl<'a, T: 'a, I: IntoIterator<Item = &'a T, IntoIter: ExactSizeIterator + Clone>> Leaves<'a, T> for I {}

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
pub fn world<'a>(
    neurons: impl Leaves<'a, NeuronLeaf>,
    weights: impl Leaves<'a, WeightsLeaf>,
    parameters: &Parameters,
) -> Result<Economy, EconomyError> {
    let (neurons, weights) = (neurons.into_iter(), weights.into_iter());
    if neurons.len() != weights.len() {
        return Err(EconomyError::Lengths { neurons: neurons.len(), weights: weights.len() });
    }
    let total: u128 = neurons.clone().map(|neuron| u128::from(neuron.stake.get())).sum();
    #[expect(clippy::cast_precision_loss, reason = "rounded to nearest even, the same everywhere")]
    let share = |units: u64| if total == 0 { 0.0 } else { units as f64 / total as f64 * parameters.rho };
    let entries = weights.map(|leaf| leaf.row.entries().iter().map(|(uid, score)| (uid.get(), score.get())));
    Ok(Economy {
        stake: neurons.clone().map(|neuron| share(neuron.stake.get())).collect(),
        rows: Rows::from_scores(neurons.len(), entries)?,
        scaling: neurons.map(|neuron| neuron.scaling).collect(),
    })
}

/// The number of the first epoch that closes after the block at `height`, when epochs count from 1.
pub fn coming(height: Height, parameters: &Parameters) -> u64 {
    (height.get() / parameters.tempo.max(1)).saturating_add(1)
}

/// (κ, T_c), in visits, by which reachable stake is clipped on a chain with so many peers; on one that does not clip, those of
/// its connectivity, for advice.
pub fn clipping(parameters: &Parameters, peers: usize) -> (f64, f64) {
    let kappa = match parameters.mechanism {
        Kind::Connectivity => parameters.kappa,
        #[expect(clippy::cast_precision_loss, reason = "at most 2^20 peers")]
        _ => parameters.kappa * f64::from(parameters.depth) / peers.max(1) as f64,
    };
    (kappa, parameters.temperature * kappa)
}

/// The constants of `Trust` for a chain with so many peers: κ = kappa·d/n, T_c = temperature·κ, and the seed of this epoch:
/// the first eight bytes of the hash of its number, little-endian.
pub fn trust_parameters(parameters: &Parameters, peers: usize, epoch: u64) -> trust::Parameters {
    let digest = tagged(Domain::Sources, [&epoch.to_le_bytes(), &[], &[]]);
    let seed = digest.iter().take(8).rev().fold(0, |seed, byte| seed << 8 | u64::from(*byte));
    let (kappa, temperature) = clipping(parameters, peers);
    trust::Parameters {
        beta: parameters.beta,
        kappa,
        depth: parameters.depth,
        temperature,
        sources: parameters.sources as usize,
        seed,
    }
}

/// The mechanism of a chain with so many peers in this epoch.
pub fn mechanism(parameters: &Parameters, peers: usize, epoch: u64) -> Box<dyn Mechanism> {
    match parameters.mechanism {
        Kind::Trust => Box::new(Trust {
            parameters: trust_parameters(parameters, peers, epoch),
            descent: parameters.scaling_step,
            recovery: parameters.scaling_return,
        }),
        Kind::Connectivity => {
            let (kappa, temperature) = clipping(parameters, peers);
            Box::new(Connectivity { kappa, temperature, clip: parameters.clip, self_loop: MINIMUM_SELF_LOOP })
        }
        Kind::Consensus => Box::new(Consensus {
            slope: parameters.beta,
            kappa: parameters.kappa.min(1.0),
            direct: parameters.direct,
            max_weights: parameters.max_weights,
            max_bonds: row::LIMIT,
        }),
        Kind::Competitive => Box::new(Competitive { target: parameters.target, rise: parameters.tau / RISE }),
    }
}

/// Epochs in which the inflation of `Competitive` rises by τ.
const RISE: f64 = 1_024.0;

/// The bonds of a table; what names no peer or is malformed counts as none.
pub fn bonds<'a>(leaves: impl Leaves<'a, BondsLeaf>) -> Bonds {
    Bonds::from_rows(leaves.into_iter().map(|leaf| leaf.held.iter().map(|(uid, bond)| (uid.get(), *bond))))
}

/// What the last epoch left for the one that comes.
pub fn memory<'a>(bonds: impl Leaves<'a, BondsLeaf>, totals: &Totals) -> Memory {
    Memory { bonds: self::bonds(bonds), min_weights: totals.min_weights, inflation: totals.tau }
}

/// The table of bonds.
pub fn bond_leaves(bonds: &Bonds) -> Vec<BondsLeaf> {
    let leaf = |i| BondsLeaf { held: bonds.row(i).map(|(uid, bond)| (Uid(uid), bond)).collect() };
    (0..bonds.peers()).map(leaf).collect()
}

/// Peers that have not left.
pub fn present<'a>(neurons: impl Leaves<'a, NeuronLeaf>) -> usize {
    neurons.into_iter().filter(|neuron| !neuron.vacant).count()
}

/// What the chain's mechanism says about these tables in this epoch, and what it computed from.
pub fn evaluate<'a>(
    neurons: impl Leaves<'a, NeuronLeaf>,
    weights: impl Leaves<'a, WeightsLeaf>,
    memory: &Memory,
    parameters: &Parameters,
    epoch: u64,
) -> Result<(Economy, Epoch), EconomyError> {
    let neurons = neurons.into_iter();
    let economy = world(neurons.clone(), weights, parameters)?;
    let found = mechanism(parameters, present(neurons), epoch).evaluate(&economy.world(), memory)?;
    Ok((economy, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_draws_its_sources_from_another_seed() {
        let parameters = Parameters::dev();
        let seed = |epoch| trust_parameters(&parameters, 1000, epoch).seed;
        assert_eq!(seed(1), 0x0daa_853f_5cd8_2f1b);
        let mut seeds: Vec<u64> = (0..1000).map(seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 1000);
    }

    #[test]
    fn the_epoch_that_comes_closes_after_this_block() {
        let parameters = Parameters { tempo: 10, ..Parameters::dev() };
        let coming = |height| coming(Height(height), &parameters);
        assert_eq!([coming(0), coming(9), coming(10), coming(19), coming(20)], [1, 1, 2, 2, 3]);
        assert_eq!(super::coming(Height(u64::MAX), &Parameters { tempo: 0, ..Parameters::dev() }), u64::MAX);
    }
}

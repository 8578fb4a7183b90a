//! What every mechanism is asked at the end of an epoch, and what it answers: the one interface of ledger and lab.
//!
//! A mechanism reads the market ([`World`]) and what the last epoch left ([`Memory`]) and says who is paid which share,
//! whether anything is paid at all, and what the next epoch will find. It moves no stake: a ledger splits integers by
//! [`Epoch::share`] ([`crate::emission::split`]), a simulation in real numbers calls [`Mechanism::stake`].

use crate::consensus::Bonds;
use crate::fault::{Fault, NotDefined};
use crate::stake;
use crate::world::World;

/// One draft's way from weights and stake to incentive.
pub trait Mechanism {
    /// All terms of one epoch.
    ///
    /// # Errors
    /// [`Fault`] when a constant, the world or the memory is out of range; never for a degenerate world.
    fn evaluate(&self, world: &World<'_>, memory: &Memory) -> Result<Epoch, Fault>;

    /// As [`Mechanism::evaluate`], but total: what cannot be evaluated pays nothing and changes nothing.
    fn epoch(&self, world: &World<'_>, memory: &Memory) -> Epoch {
        self.evaluate(world, memory).unwrap_or_else(|fault| Epoch::void(world, memory, fault))
    }

    /// ∂P_i/∂w_ij of peer i = `own` for every j, where P_i is its part of what is paid, before bonds.
    ///
    /// Entries are moved one by one, w_ij against nothing; on the simplex only their differences matter.
    ///
    /// # Errors
    /// [`NotDefined`] with the reason where the part has no slope in the own row.
    fn own_gradient(&self, world: &World<'_>, own: usize) -> Result<Vec<f64>, NotDefined>;

    /// S′ in real numbers, at emission rate `tau`; S itself where nothing is shared.
    fn stake(&self, stake: &[f64], epoch: &Epoch, tau: f64) -> Vec<f64> {
        stake::next(stake, &epoch.share, tau)
    }
}

/// What some mechanism carries from epoch to epoch besides stake, scaling and weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// B of the `Consensus` mechanism.
    pub bonds: Bonds,
    /// Entries that every row must have, or it counts as its self-loop (`Consensus`).
    pub min_weights: u32,
    /// τ of the adaptive inflation (`Competitive`).
    pub inflation: f64,
}

impl Memory {
    /// Before the first epoch of `peers` peers: no bonds, one weight at least, no inflation yet.
    #[must_use]
    pub fn new(peers: usize) -> Self {
        Self { bonds: Bonds::new(peers), min_weights: 1, inflation: 0.0 }
    }
}

/// What an epoch says. Vectors have n entries.
#[derive(Clone, Debug, PartialEq)]
pub struct Epoch {
    /// R.
    pub rank: Vec<f64>,
    /// Trust before it is squashed: t (`Trust`), Tᵀsc/z (`Consensus`), Σ_j c_ij/(½‖S‖) (`Connectivity`), 0 (`Competitive`).
    pub trust: Vec<f64>,
    /// Trust as it multiplies: T, the consensus C, the share of stake that is not clipped, 1.
    pub trusted: Vec<f64>,
    /// I.
    pub incentive: Vec<f64>,
    /// D, what bonds earn of the incentive of others; 0 without bonds.
    pub dividend: Vec<f64>,
    /// Share of what is paid: sums to 1, or is 0 throughout.
    pub share: Vec<f64>,
    /// L, for mechanisms that have one; below 0 a majority is trusted.
    pub loss: Option<f64>,
    /// Whether the pool is paid, or carried over.
    pub pays: bool,
    /// ∂L/∂a_i, or why there is none.
    pub scaling_gradient: Result<Vec<f64>, NotDefined>,
    /// A for the next epoch.
    pub scaling: Vec<f64>,
    /// What the next epoch finds.
    pub memory: Memory,
}

impl Epoch {
    /// Nothing found, nothing paid, nothing changed.
    fn void(world: &World<'_>, memory: &Memory, fault: Fault) -> Self {
        let nought = vec![0.0; world.peers()];
        Self {
            rank: nought.clone(),
            trust: nought.clone(),
            trusted: nought.clone(),
            incentive: nought.clone(),
            dividend: nought.clone(),
            share: nought,
            loss: None,
            pays: false,
            scaling_gradient: Err(fault.into()),
            scaling: world.scaling.to_vec(),
            memory: memory.clone(),
        }
    }
}

/// `amounts` over their sum; zeros where the sum is not above 0.
pub(crate) fn shares(amounts: &[f64]) -> Vec<f64> {
    let total = crate::arithmetic::sum(amounts);
    if total > 0.0 { amounts.iter().map(|amount| amount / total).collect() } else { vec![0.0; amounts.len()] }
}

//! A small chain in real numbers: n peers with stake and rows, a behaviour each, and a mechanism that pays every block.
//!
//! A block is an epoch. First every peer hands in its next row, all from the same public state; the chain refuses a row
//! that is not on the simplex or moves by more than ε (‖ΔW_i‖₂ ≤ ε; the first move of a peer is exempt). Then the
//! mechanism reads stake ÷ total · ρ and the rows, and the stake grows by τ a block, S′ = S + τ‖S‖·share, as the ledger
//! splits its pool (also under `Competitive`, whose printed step would mint more the more peers there are). While nothing
//! is paid the emission waits, and is paid with the first block that pays.
//!
//! Stake grows without end, and doubles do not. Where its sum passes 2⁴⁰⁰ all stakes are divided by that, and the chain
//! remembers how often: shares are the same, and [`Chain::tokens`] is what a peer holds.
//!
//! It has no accounts, fees, tempo or integers: those are the ledger's, and a scenario that needs them runs the ledger.

mod truth;

pub use truth::Truth;

use crate::scenario::LabError;
use mechanism::arithmetic::sum;
use mechanism::competitive::Competitive;
use mechanism::connectivity::Connectivity;
use mechanism::consensus::Consensus;
use mechanism::epoch::{Epoch, Mechanism, Memory};
use mechanism::rows::{Rows, TOLERANCE};
use mechanism::simplex;
use mechanism::stake;
use mechanism::trust::{Parameters, Trust};
use mechanism::world::World;

/// How one peer acts.
pub trait Behaviour {
    /// Its next row: n weights that sum to 1. What the chain would refuse leaves the row as it is.
    fn row(&mut self, view: &View<'_>) -> Vec<f64>;
}

/// What a peer sees when it acts: the public state, and what the others are worth to it alone.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The peer that acts.
    pub own: usize,
    /// Blocks before this one.
    pub block: usize,
    /// Stake of all, summing to ρ.
    pub stake: &'a [f64],
    /// Rows of all after the last block, n weights each.
    pub rows: &'a [Vec<f64>],
    /// What the last block said; nothing before the first.
    pub epoch: Option<&'a Epoch>,
    /// True worth of every peer to this one, not negative, in any unit.
    pub scores: &'a [f64],
    /// How far the row may move: ε, or infinity for the first move.
    pub reach: f64,
}

/// Rows in proportion to the true scores: what the paper asks of a peer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Honest;

/// The constants of a chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// τ, emission a block as a share of all stake.
    pub tau: f64,
    /// ρ, sum of the stake as the mechanism sees it.
    pub rho: f64,
    /// ε, longest step of a row.
    pub epsilon: f64,
}

/// The chain.
pub struct Chain<'a> {
    mechanism: &'a dyn Mechanism,
    rules: Rules,
    stake: Vec<f64>,
    /// How often [`LARGE`] was divided out of the stake.
    divided: i32,
    scaling: Vec<f64>,
    rows: Vec<Vec<f64>>,
    fresh: Vec<bool>,
    memory: Memory,
    epoch: Option<Epoch>,
    blocks: usize,
    waiting: f64,
    refused: usize,
}

impl Default for Rules {
    /// τ = .01, ρ = 1, ε = .1.
    fn default() -> Self {
        Self { tau: 0.01, rho: 1.0, epsilon: 0.1 }
    }
}

impl Behaviour for Honest {
    fn row(&mut self, view: &View<'_>) -> Vec<f64> {
        view.towards(view.scores)
    }
}

impl View<'_> {
    /// The own row as it stands.
    #[must_use]
    pub fn held(&self) -> &[f64] {
        self.rows.get(self.own).map_or(&[], Vec::as_slice)
    }

    /// The own row after the longest allowed step towards `target`, which is normalised; the row itself where it sums to 0.
    #[must_use]
    pub fn towards(&self, target: &[f64]) -> Vec<f64> {
        let total = sum(target);
        if total <= 0.0 {
            return self.held().to_vec();
        }
        let gradient: Vec<f64> = target.iter().zip(self.held()).map(|(t, w)| t / total - w).collect();
        let next = simplex::ascend(self.held(), &gradient, 1.0, self.reach);
        // No entry is left below 0 by rounding.
        next.iter().map(|w| if *w > 0.0 { *w } else { 0.0 }).collect()
    }

    /// The self-loop, as a target.
    #[must_use]
    pub fn alone(&self) -> Vec<f64> {
        among(self.stake.len(), &[self.own])
    }
}

/// Equal weights on these peers of `peers`, as a target.
#[must_use]
pub fn among(peers: usize, chosen: &[usize]) -> Vec<f64> {
    (0..peers).map(|j| if chosen.contains(&j) { 1.0 } else { 0.0 }).collect()
}

impl<'a> Chain<'a> {
    /// Before the first block: everyone holds its stake and scores itself.
    #[must_use]
    pub fn new(mechanism: &'a dyn Mechanism, rules: Rules, stake: Vec<f64>) -> Self {
        let peers = stake.len();
        Self {
            mechanism,
            rules,
            scaling: vec![1.0; peers],
            rows: (0..peers).map(|own| among(peers, &[own])).collect(),
            fresh: vec![true; peers],
            memory: Memory::new(peers),
            stake,
            divided: 0,
            epoch: None,
            blocks: 0,
            waiting: 0.0,
            refused: 0,
        }
    }

    /// One block: everyone acts, then the epoch pays. `scores` and `acting` have an entry a peer.
    ///
    /// # Errors
    /// [`LabError::Rows`] or [`LabError::Fault`], where the stake given was out of range.
    pub fn block(&mut self, scores: &[Vec<f64>], acting: &mut [Box<dyn Behaviour>]) -> Result<&Epoch, LabError> {
        let total = sum(&self.stake);
        let unit = if total > 0.0 { self.rules.rho / total } else { 0.0 };
        let stake: Vec<f64> = self.stake.iter().map(|s| s * unit).collect();
        self.act(&stake, scores, acting);
        let weights = self.weights()?;
        let world = World { stake: &stake, scaling: &self.scaling, weights: &weights };
        let epoch = self.mechanism.evaluate(&world, &self.memory)?;
        // Stake does not change while emission waits, so what waits is a multiple of one block's.
        self.waiting += self.rules.tau;
        if epoch.pays && sum(&epoch.share) > 0.0 {
            self.stake = stake::next(&self.stake, &epoch.share, self.waiting);
            self.waiting = 0.0;
            if sum(&self.stake) > LARGE {
                self.stake.iter_mut().for_each(|stake| *stake /= LARGE);
                self.divided += 1;
            }
        }
        self.scaling.clone_from(&epoch.scaling);
        self.memory = epoch.memory.clone();
        self.blocks += 1;
        Ok(self.epoch.insert(epoch))
    }

    /// Stake of all, in one unit: tokens, or [`LARGE`] tokens to the power of how often that was divided out.
    #[must_use]
    pub fn stake(&self) -> &[f64] {
        &self.stake
    }

    /// Stake of this peer in tokens: 0 of nobody, infinite where it is beyond all doubles.
    #[must_use]
    pub fn tokens(&self, peer: usize) -> f64 {
        libm::ldexp(self.stake.get(peer).copied().unwrap_or_default(), LARGE_EXPONENT * self.divided)
    }

    /// Share of all stake that these peers hold; 0 where there is none.
    #[must_use]
    pub fn share(&self, of: &[usize]) -> f64 {
        let mut held = 0.0;
        for &peer in of {
            held += self.stake.get(peer).copied().unwrap_or_default();
        }
        let total = sum(&self.stake);
        if total > 0.0 { held / total } else { 0.0 }
    }

    /// Rows of all, n weights each.
    #[must_use]
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// The rows as a mechanism reads them.
    ///
    /// # Errors
    /// [`LabError::Rows`]: never for rows that the chain let through.
    pub fn weights(&self) -> Result<Rows, LabError> {
        sparse(&self.rows)
    }

    /// What the mechanism carries.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Rows refused so far.
    #[must_use]
    pub const fn refused(&self) -> usize {
        self.refused
    }

    fn act(&mut self, stake: &[f64], scores: &[Vec<f64>], acting: &mut [Box<dyn Behaviour>]) {
        let mut next = Vec::with_capacity(self.rows.len());
        for (own, ((behaviour, scores), fresh)) in acting.iter_mut().zip(scores).zip(&self.fresh).enumerate() {
            let reach = if *fresh { f64::INFINITY } else { self.rules.epsilon };
            let view =
                View { own, block: self.blocks, stake, rows: &self.rows, epoch: self.epoch.as_ref(), scores, reach };
            let row = behaviour.row(&view);
            let accepted = allowed(view.held(), &row, reach);
            next.push(accepted.then_some(row));
        }
        for ((row, held), fresh) in next.into_iter().zip(&mut self.rows).zip(&mut self.fresh) {
            match row {
                Some(row) => {
                    *fresh = *fresh && row == *held;
                    *held = row;
                }
                None => self.refused += 1,
            }
        }
    }
}

/// Dense rows as a mechanism reads them, without their zeros.
///
/// # Errors
/// [`LabError::Rows`].
pub fn sparse(rows: &[Vec<f64>]) -> Result<Rows, LabError> {
    let entries = |row: &Vec<f64>| -> Vec<(u32, f64)> {
        (0u32..).zip(row).filter(|&(_, &w)| w > 0.0).map(|(j, &w)| (j, w)).collect()
    };
    Ok(Rows::new(rows.len(), rows.iter().map(entries))?)
}

const LARGE_EXPONENT: i32 = 400;

/// 2⁴⁰⁰: a sum of stakes above it is divided by it. A power of two changes no digit.
pub const LARGE: f64 = f64::from_bits((1023 + 400) << 52);

/// The names of the mechanisms, in the order of their drafts' readings.
pub const MECHANISMS: &[&str] = &["trust", "connectivity", "consensus", "competitive"];

/// The mechanism of this name with the constants of a genesis for so many peers; `Competitive` for every other name.
#[must_use]
pub fn mechanism(name: &str, peers: usize) -> Box<dyn Mechanism> {
    let count = u32::try_from(peers).unwrap_or(u32::MAX);
    match name {
        "trust" => Box::new(Trust { parameters: Parameters::for_peers(count), descent: 5.0, recovery: 0.01 }),
        "connectivity" => Box::new(Connectivity::default()),
        "consensus" => Box::new(Consensus::default()),
        _ => Box::new(Competitive::default()),
    }
}

/// Whether a chain takes `next` after `held`.
fn allowed(held: &[f64], next: &[f64], reach: f64) -> bool {
    let mut squares = 0.0;
    for (next, held) in next.iter().zip(held) {
        squares += (next - held) * (next - held);
    }
    next.len() == held.len()
        && next.iter().all(|w| w.is_finite() && *w >= 0.0)
        && (sum(next) - 1.0).abs() <= TOLERANCE
        && squares.sqrt() <= reach * (1.0 + TOLERANCE)
}

#[cfg(test)]
mod tests;

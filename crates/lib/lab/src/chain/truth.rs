//! What peers are truly worth to each other: u_ij = worth_j · taste_ij, drawn from a seed, drifting from block to block.

use crate::random::Random;
use crate::statistics::real;
use mechanism::arithmetic::exp;

/// The truth that honest rows follow. Worth is in units of the median peer's.
#[derive(Clone, Debug)]
pub struct Truth {
    random: Random,
    worth: Vec<f64>,
    taste: Vec<Vec<f64>>,
    owner: Vec<usize>,
    part: Vec<f64>,
}

impl Truth {
    /// So many peers: worth and taste are e to the power of a normal number, of deviation ¼ each.
    #[must_use]
    pub fn new(peers: usize, seed: u64) -> Self {
        const SPREAD: f64 = 0.25;
        let mut random = Random::new(seed);
        let mut around_one = |_| exp(SPREAD * random.normal());
        let worth = (0..peers).map(&mut around_one).collect();
        let taste = (0..peers).map(|_| (0..peers).map(&mut around_one).collect()).collect();
        Self { worth, taste, owner: (0..peers).collect(), part: vec![1.0; peers], random }
    }

    /// Makes these peers worth `factor` of what they would be.
    pub fn devalue(&mut self, peers: &[usize], factor: f64) {
        for &peer in peers {
            if let Some(part) = self.part.get_mut(peer) {
                *part *= factor;
            }
        }
    }

    /// Makes these peers identities of the first of them, each worth `1 / identities` of it, the others nothing.
    pub fn identify(&mut self, peers: &[usize], identities: usize) {
        let Some(&holder) = peers.first() else { return };
        let whole = self.part.get(holder).copied().unwrap_or_default();
        let each = whole / real(identities.max(1));
        for (place, &peer) in peers.iter().enumerate() {
            if let (Some(owner), Some(part)) = (self.owner.get_mut(peer), self.part.get_mut(peer)) {
                *owner = holder;
                *part = if place < identities { each } else { 0.0 };
            }
        }
    }

    /// The worth of every peer moves by a factor of e to the power of a normal number of this deviation.
    pub fn drift(&mut self, deviation: f64) {
        for worth in &mut self.worth {
            *worth *= exp(deviation * self.random.normal());
        }
    }

    /// u_ij, a row for each peer i.
    #[must_use]
    pub fn scores(&self) -> Vec<Vec<f64>> {
        let one = |i: &usize| {
            let taste = &self.taste[*i];
            self.owner.iter().zip(&self.part).map(|(j, part)| self.worth[*j] * taste[*j] * part).collect()
        };
        self.owner.iter().map(one).collect()
    }
}

//! The market at one moment: stake, scaling and weights of n peers.

use crate::fault::Fault;
use crate::rows::Rows;

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

impl World<'_> {
    /// Number of peers n.
    #[must_use]
    pub const fn peers(&self) -> usize {
        self.weights.peers()
    }

    /// sc = A∘S.
    #[must_use]
    pub fn scaled(&self) -> Vec<f64> {
        self.scaling.iter().zip(self.stake).map(|(a, s)| a * s).collect()
    }

    /// Whether the three parts fit each other and every number is in its range.
    ///
    /// # Errors
    /// [`Fault::Lengths`], [`Fault::Stake`], [`Fault::Scaling`] or [`Fault::Total`].
    pub fn check(&self) -> Result<(), Fault> {
        let (stake, scaling, rows) = (self.stake.len(), self.scaling.len(), self.peers());
        if stake != rows || scaling != rows {
            return Err(Fault::Lengths { stake, scaling, rows });
        }
        let mut total = 0.0;
        for (peer, &value) in self.stake.iter().enumerate() {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Fault::Stake { peer, value });
            }
            total += value;
        }
        for (peer, &value) in self.scaling.iter().enumerate() {
            if !(0.0..=1.0).contains(&value) {
                return Err(Fault::Scaling { peer, value });
            }
        }
        if total <= MOST { Ok(()) } else { Err(Fault::Total) }
    }
}

/// Most stake in all: beyond it, sums over peers with both signs would not be finite.
const MOST: f64 = f64::MAX / 8.0;

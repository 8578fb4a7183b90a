//! Moves its row every block towards the other of two poles.
//!
//! **Wants** to shake the ranks of others, and to hold bonds in everyone. **Does** score the peers of even index in one
//! block, those of odd index in the next, and never its own kind. **What stops it:** ε, which allows a short step a block, so
//! that it hovers between its poles; and its own stake, whose rank it gives away. It loses a little under every mechanism.

use crate::chain::{Behaviour, View};

/// See the file.
#[derive(Clone, Debug)]
pub struct WeightFlipper {
    /// All of its kind, which it does not score.
    pub members: Vec<usize>,
}

impl Behaviour for WeightFlipper {
    fn row(&mut self, view: &View<'_>) -> Vec<f64> {
        let pole = |peer: usize| !self.members.contains(&peer) && peer % 2 == view.block % 2;
        let target: Vec<f64> = (0..view.stake.len()).map(|peer| if pole(peer) { 1.0 } else { 0.0 }).collect();
        view.towards(&target)
    }
}

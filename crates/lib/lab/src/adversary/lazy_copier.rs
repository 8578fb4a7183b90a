//! Copies the consensus of the others, one block late, and measures nothing itself.
//!
//! **Wants** the pay of a peer that measures, without the cost of measuring. **Does** move its row to the mean of the
//! others' last rows, by stake. **What stops it:** under `Consensus`, bonds, in part: whoever weighed a growing peer before the
//! others did holds more of it than who follows them. But a market that only drifts pays a copier like an honest peer, and so
//! does every other mechanism, where rows earn nothing: what it saves is the cost of measuring.

use crate::chain::{Behaviour, View};

/// See the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct LazyCopier;

impl Behaviour for LazyCopier {
    fn row(&mut self, view: &View<'_>) -> Vec<f64> {
        // Before the first block there is nothing to copy but self-loops: it waits.
        if view.block == 0 {
            return view.towards(&view.alone());
        }
        let mut mean = vec![0.0; view.stake.len()];
        for (other, (row, stake)) in view.rows.iter().zip(view.stake).enumerate() {
            if other != view.own {
                for (mean, w) in mean.iter_mut().zip(row) {
                    *mean += stake * w;
                }
            }
        }
        view.towards(&mean)
    }
}

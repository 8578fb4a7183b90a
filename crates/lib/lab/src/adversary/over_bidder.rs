//! Bids all of its stake for the few best peers (`Competitive`).
//!
//! **Wants** to be seen through the masks by the best: its bids there are far above the mean. **Does** divide its row
//! among the [`FEW`] peers of its highest scores, never itself. **What stops it:** all others are masked out for it, so
//! that it sees less worth than an honest peer, and it gives its rank away. Its stake falls behind under every mechanism.

use crate::chain::{Behaviour, View, among};

/// Peers that it bids for.
pub const FEW: usize = 3;

/// See the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct OverBidder;

impl Behaviour for OverBidder {
    fn row(&mut self, view: &View<'_>) -> Vec<f64> {
        let mut others: Vec<usize> = (0..view.scores.len()).filter(|&peer| peer != view.own).collect();
        others.sort_by(|&a, &b| view.scores[b].total_cmp(&view.scores[a]).then(a.cmp(&b)));
        others.truncate(FEW);
        view.towards(&among(view.scores.len(), &others))
    }
}

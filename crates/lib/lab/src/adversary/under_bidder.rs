//! Bids next to nothing for others and keeps the rest for itself (`Competitive`).
//!
//! **Wants** to be served for a small price, and to rank itself with the rest. **Does** keep all but [`BID`] of its row as
//! its self-loop, and bid that by its true scores. **What stops it:** the masks, since its bids are below the mean: it sees
//! a third of what an honest peer sees. Its stake is not stopped: it gains like [`super::self_voter`], and the masks are all
//! that `Competitive` has against it.

use crate::chain::{Behaviour, View};
use mechanism::arithmetic::sum;

/// What it bids for all others together, as a share of its row.
pub const BID: f64 = 0.05;

/// See the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnderBidder;

impl Behaviour for UnderBidder {
    fn row(&mut self, view: &View<'_>) -> Vec<f64> {
        let own = view.scores.get(view.own).copied().unwrap_or_default();
        let others = sum(view.scores) - own;
        let bid = |(peer, score): (usize, &f64)| {
            if peer == view.own {
                1.0 - BID
            } else if others > 0.0 {
                BID * score / others
            } else {
                0.0
            }
        };
        let target: Vec<f64> = view.scores.iter().enumerate().map(bid).collect();
        view.towards(&target)
    }
}

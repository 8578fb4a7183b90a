//! Scores itself alone.
//!
//! **Wants** the rank that its own stake can give, for itself. **Does** move its row to its self-loop.
//!
//! **What stops it**, where others score it for nothing: `Trust`, `Consensus` and, less sharply, `Connectivity`; nobody but
//! itself trusts it, and it decays. Under `Competitive` it keeps its share for ever, and only the masks answer: its bids are
//! 0, so that it sees next to nothing. **What does not:** where others score it for its worth it is trusted, and its own
//! stake ranks it on top of that. It gains under all four mechanisms; least under `Connectivity`, whose clipped stake ranks
//! less, and under `Consensus`, where half of the pay is dividends and it holds no bonds in others. Against it peers have
//! their own rows: they may score who does not score them lower, which this market does not do.

use crate::chain::{Behaviour, View};

/// See the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct SelfVoter;

impl Behaviour for SelfVoter {
    fn row(&mut self, view: &View<'_>) -> Vec<f64> {
        view.towards(&view.alone())
    }
}

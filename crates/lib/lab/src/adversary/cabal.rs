//! Members score each other alone.
//!
//! **Wants** to rank its members with their joint stake. **Does** give every member an equal weight, itself included, and
//! nobody else any.
//!
//! **What stops it:** `Trust`, `Connectivity` and `Consensus`, where honest peers hold more than half of the stake and do not
//! score the members; its share decays. Above one half it wins. **What does not:** members that are worth as much as others
//! are scored by others, trusted, and gain like [`super::self_voter`], under `Connectivity` more, since they reach each
//! other. `Competitive` has no trust: a disjoint cabal keeps its share whatever it is worth.

use crate::chain::{Behaviour, View, among};

/// See the file.
#[derive(Clone, Debug)]
pub struct Cabal {
    /// All of them.
    pub members: Vec<usize>,
}

impl Behaviour for Cabal {
    fn row(&mut self, view: &View<'_>) -> Vec<f64> {
        view.towards(&among(view.stake.len(), &self.members))
    }
}

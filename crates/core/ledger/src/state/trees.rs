//! The trees over the tables of a state: renewed with every block along what it changed, shared with the state before it.

use super::State;
use crate::column::Column;
use crate::header::Roots;
use crate::merkle::Merkle;
use crate::table::{CandidateLeaf, EpochLeaf, Table, Tree, leaf_digest};
use bytes::Bytes;
use commonware_codec::Encode;
use std::sync::Arc;

/// One tree a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Trees {
    accounts: Merkle,
    neurons: Merkle,
    weights: Merkle,
    bonds: Merkle,
    epoch: Merkle,
    candidates: Merkle,
    /// The candidates that their tree stands over.
    standing: Arc<Vec<CandidateLeaf>>,
}

impl Trees {
    /// Those over every table, of which `standing` are the candidates.
    pub fn over(trees: Vec<Tree>, standing: Arc<Vec<CandidateLeaf>>) -> Self {
        let mut all = Self { standing, ..Self::default() };
        for tree in trees {
            let table = tree.table();
            *all.of_mut(table) = tree.into();
        }
        all
    }

    const fn of_mut(&mut self, table: Table) -> &mut Merkle {
        match table {
            Table::Accounts => &mut self.accounts,
            Table::Neurons => &mut self.neurons,
            Table::Weights => &mut self.weights,
            Table::Bonds => &mut self.bonds,
            Table::Epoch => &mut self.epoch,
            Table::Candidates => &mut self.candidates,
        }
    }

    /// The tree over a table.
    pub const fn of(&self, table: Table) -> &Merkle {
        match table {
            Table::Accounts => &self.accounts,
            Table::Neurons => &self.neurons,
            Table::Weights => &self.weights,
            Table::Bonds => &self.bonds,
            Table::Epoch => &self.epoch,
            Table::Candidates => &self.candidates,
        }
    }

    /// The roots of all tables.
    pub fn roots(&self) -> Roots {
        Roots {
            accounts: self.accounts.root(),
            neurons: self.neurons.root(),
            weights: self.weights.root(),
            bonds: self.bonds.root(),
            epoch: self.epoch.root(),
            candidates: self.candidates.root(),
        }
    }
}

impl State {
    /// Renews the trees along what changed since this was done last. A state that leaves this crate is sealed.
    pub(super) fn seal(&mut self) {
        let trees = &mut self.trees;
        renew(&mut trees.accounts, Table::Accounts, &mut self.accounts);
        renew(&mut trees.neurons, Table::Neurons, &mut self.neurons);
        renew(&mut trees.weights, Table::Weights, &mut self.weights);
        renew(&mut trees.bonds, Table::Bonds, &mut self.bonds);
        // The totals stand before the standings, and every block changes them.
        let changed = core::iter::once(0).chain(self.standings.take_changed().into_iter().map(|uid| uid + 1)).collect();
        let (totals, standings) = (&self.totals, &self.standings);
        trees.epoch.update(standings.len() + 1, changed, |index| {
            let leaf = match index.checked_sub(1) {
                None => EpochLeaf::Totals(totals.clone()),
                Some(uid) => EpochLeaf::Standing(standings.get(uid)?.clone()),
            };
            Some(leaf_digest(Table::Epoch, &leaf.encode()))
        });
        // Few, and seldom changed: then all anew.
        if !Arc::ptr_eq(&trees.standing, &self.candidates) {
            trees.standing = Arc::clone(&self.candidates);
            let digests: Vec<_> =
                self.candidates.iter().map(|leaf| leaf_digest(Table::Candidates, &leaf.encode())).collect();
            trees.candidates = Merkle::new(&digests);
        }
    }

    /// Number of leaves of a table.
    pub(super) fn count(&self, table: Table) -> usize {
        match table {
            Table::Accounts => self.accounts.len(),
            Table::Neurons => self.neurons.len(),
            Table::Weights => self.weights.len(),
            Table::Bonds => self.bonds.len(),
            Table::Epoch => self.standings.len() + 1,
            Table::Candidates => self.candidates.len(),
        }
    }

    /// The encoded leaf at `index` of a table.
    pub(super) fn leaf(&self, table: Table, index: usize) -> Option<Bytes> {
        Some(match table {
            Table::Accounts => self.accounts.get(index)?.encode(),
            Table::Neurons => self.neurons.get(index)?.encode(),
            Table::Weights => self.weights.get(index)?.encode(),
            Table::Bonds => self.bonds.get(index)?.encode(),
            Table::Epoch => match index.checked_sub(1) {
                None => EpochLeaf::Totals(self.totals.clone()).encode(),
                Some(uid) => EpochLeaf::Standing(self.standings.get(uid)?.clone()).encode(),
            },
            Table::Candidates => self.candidates.get(index)?.encode(),
        })
    }
}

/// Renews the tree over a column.
fn renew<T: Clone + Encode>(tree: &mut Merkle, table: Table, column: &mut Column<T>) {
    let changed = column.take_changed();
    tree.update(column.len(), changed, |index| column.get(index).map(|leaf| leaf_digest(table, &leaf.encode())));
}

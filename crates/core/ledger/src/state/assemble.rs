//! A state from tables that somebody else sent.
//!
//! The tables must meet the roots of a header; with the genesis, the set that the header commits to and the digests of the newest
//! blocks they are all of the state. Every leaf is hashed once: the trees that show that the roots are met become those of the
//! state. Tables that meet their roots and still make no sense together are refused, so that whatever validators signed, no
//! block on top can do more than they could.

use super::trees::Trees;
use super::{State, begun_with, indexes};
use crate::column::Column;
use crate::genesis::{Genesis, GenesisError};
use crate::header::{Header, validators_digest};
use crate::table::{EpochLeaf, Table, Tree};
use crate::{Digest, PublicKey};
use bytes::Bytes;
use commonware_codec::{DecodeExt, Read};
use std::collections::VecDeque;
use std::sync::Arc;

/// Why tables are no state.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AssembleError {
    /// The genesis is none.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A table is missing, or a leaf of it cannot be read.
    #[error("the table of {0} cannot be read")]
    Table(Table),
    /// They are not those of the header.
    #[error("{0} differ from those of the header")]
    Differs(&'static str),
    /// They are those of the header, and do not fit each other: the validators signed nonsense.
    #[error("the tables do not fit each other")]
    Misfit,
}

impl State {
    /// The state after the block of `header`: `validators` in any order, `recent` the digests of the newest blocks before it, its
    /// parent last, as many as [`crate::work::RECENT`] or as there are, and the encoded leaves of every table.
    pub fn assemble(
        genesis: &Genesis,
        header: &Header,
        validators: Vec<PublicKey>,
        recent: Vec<Digest>,
        tables: &[(Table, Vec<Bytes>)],
    ) -> Result<Self, AssembleError> {
        let trees = tables.iter().map(|(table, leaves)| Tree::new(*table, leaves.clone())).collect();
        Self::from_trees(genesis, header, validators, recent, trees)
    }

    /// As [`State::assemble`], of the trees over every table, which whoever checked the roots of the tables has already.
    pub fn from_trees(
        genesis: &Genesis,
        header: &Header,
        mut validators: Vec<PublicKey>,
        recent: Vec<Digest>,
        trees: Vec<Tree>,
    ) -> Result<Self, AssembleError> {
        if validators_digest(&validators) != header.validators {
            return Err(AssembleError::Differs("validators"));
        }
        let wanted = header.height.get().min(crate::work::RECENT);
        if recent.len() as u64 != wanted || recent.last().is_some_and(|parent| *parent != header.parent) {
            return Err(AssembleError::Differs("recent blocks"));
        }
        tiny_sort::stable::sort(&mut validators);
        genesis.check()?;
        for tree in &trees {
            if tree.root() != header.root(tree.table()) {
                return Err(AssembleError::Differs(tree.table().name()));
            }
        }
        let mut totals = None;
        let mut standings = Vec::new();
        for leaf in leaves(&trees, Table::Epoch)? {
            match (leaf, &totals) {
                (EpochLeaf::Totals(first), None) => totals = Some(first),
                (EpochLeaf::Standing(standing), Some(_)) => standings.push(standing),
                _ => return Err(AssembleError::Table(Table::Epoch)),
            }
        }
        let accounts = Column::settled(leaves(&trees, Table::Accounts)?);
        let neurons = Column::settled(leaves(&trees, Table::Neurons)?);
        let (account_of, uid_of) = indexes(&accounts, &neurons);
        let candidates = Arc::new(leaves(&trees, Table::Candidates)?);
        let state = Self {
            chain: genesis.chain(),
            parameters: Arc::new(genesis.parameters.clone()),
            validators: Arc::new(validators),
            begun_with: begun_with(genesis),
            height: header.height,
            time: header.time,
            accounts,
            neurons,
            weights: Column::settled(leaves(&trees, Table::Weights)?),
            bonds: Column::settled(leaves(&trees, Table::Bonds)?),
            standings: Column::settled(standings),
            candidates: Arc::clone(&candidates),
            totals: totals.ok_or(AssembleError::Table(Table::Epoch))?,
            recent: VecDeque::from(recent),
            account_of,
            uid_of,
            trees: Trees::over(trees, candidates),
        };
        if state.fits() { Ok(state) } else { Err(AssembleError::Misfit) }
    }
}

fn leaves<T: Read<Cfg = ()>>(trees: &[Tree], table: Table) -> Result<Vec<T>, AssembleError> {
    let tree = trees.iter().find(|tree| tree.table() == table).ok_or(AssembleError::Table(table))?;
    tree.leaves().iter().map(|leaf| T::decode(leaf.clone()).map_err(|_| AssembleError::Table(table))).collect()
}

//! A state from tables that somebody else sent.
//!
//! The tables must meet the roots of a header; with the genesis, the set that the header commits to and the digests of the newest
//! blocks they are all of the state.

use super::{State, indexes};
use crate::genesis::{Genesis, GenesisError};
use crate::header::{Header, validators_digest};
use crate::table::{EpochLeaf, Table};
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
}

impl State {
    /// The state after the block of `header`: `validators` in any order, `recent` the digests of the newest blocks before it, its
    /// parent last, as many as [`crate::work::RECENT`] or as there are, and the encoded leaves of every table.
    pub fn assemble(
        genesis: &Genesis,
        header: &Header,
        mut validators: Vec<PublicKey>,
        recent: Vec<Digest>,
        tables: &[(Table, Vec<Bytes>)],
    ) -> Result<Self, AssembleError> {
        if validators_digest(&validators) != header.validators {
            return Err(AssembleError::Differs("validators"));
        }
        let wanted = header.height.get().min(crate::work::RECENT);
        if recent.len() as u64 != wanted || recent.last().is_some_and(|parent| *parent != header.parent) {
            return Err(AssembleError::Differs("recent blocks"));
        }
        validators.sort();
        let mut state = genesis.state()?;
        state.validators = Arc::new(validators);
        state.height = header.height;
        state.time = header.time;
        state.recent = VecDeque::from(recent);
        state.accounts = leaves(tables, Table::Accounts)?.into();
        state.neurons = leaves(tables, Table::Neurons)?.into();
        state.weights = leaves(tables, Table::Weights)?.into();
        state.bonds = leaves(tables, Table::Bonds)?.into();
        state.candidates = Arc::new(leaves(tables, Table::Candidates)?);
        let mut standings = Vec::new();
        let mut totals = None;
        for leaf in leaves(tables, Table::Epoch)? {
            match (leaf, &totals) {
                (EpochLeaf::Totals(first), None) => totals = Some(first),
                (EpochLeaf::Standing(standing), Some(_)) => standings.push(standing),
                _ => return Err(AssembleError::Table(Table::Epoch)),
            }
        }
        state.standings = standings.into();
        state.totals = totals.ok_or(AssembleError::Table(Table::Epoch))?;
        (state.account_of, state.uid_of) = indexes(&state.accounts, &state.neurons);
        state.seal();
        if state.roots() == header.roots { Ok(state) } else { Err(AssembleError::Differs("roots")) }
    }
}

fn leaves<T: Read<Cfg = ()>>(tables: &[(Table, Vec<Bytes>)], table: Table) -> Result<Vec<T>, AssembleError> {
    let given = tables.iter().find(|(given, _)| *given == table).ok_or(AssembleError::Table(table))?;
    given.1.iter().map(|leaf| T::decode(leaf.clone()).map_err(|_| AssembleError::Table(table))).collect()
}

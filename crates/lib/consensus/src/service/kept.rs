//! Final blocks whose tables a node keeps at hand: the newest heights, and what an audit of the newest epochs begins and ends
//! with. States share what did not change between them, so these cost what the blocks between them changed.
//!
//! After a start the block before the end that the node begins from is not there: the epoch that ended then is audited from
//! another node, those that follow from this one too.

use bytes::Bytes;
use ledger::query::KEPT_HEIGHTS;
use ledger::{Header, State, Table};
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

/// Final heights whose tables are kept.
pub const KEPT: usize = 2 * KEPT_HEIGHTS;

/// Ends of epochs whose tables, and those of the block before, are kept beside them: what a new node begins from, and what an
/// audit compares.
pub const ENDS: usize = 2;

/// A final block's header and state.
pub(crate) struct Kept {
    pub header: Header,
    pub finalization: Option<Bytes>,
    pub state: Arc<State>,
    pub position: Position,
    /// The encoded leaves of each table, once somebody wants a whole one.
    leaves: [OnceLock<Vec<Bytes>>; Table::ALL.len()],
}

/// Where a block stands in its epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// Two more follow at least.
    Within,
    /// One more follows.
    BeforeEnd,
    /// It is the last.
    End,
}

impl Kept {
    pub fn new(header: Header, finalization: Option<Bytes>, state: Arc<State>, position: Position) -> Self {
        Self { header, finalization, state, position, leaves: Default::default() }
    }

    /// The encoded leaves of a table.
    pub fn leaves(&self, table: Table) -> &[Bytes] {
        let slot = Table::ALL.iter().zip(&self.leaves).find(|(one, _)| **one == table);
        slot.map_or(&[], |(_, slot)| slot.get_or_init(|| self.state.leaves(table)))
    }
}

/// Forgets all but the newest heights, the newest ends of epochs, and the blocks before these.
pub(super) fn forget(all: &mut VecDeque<Arc<Kept>>) {
    let ends = all.iter().rev().filter(|kept| kept.position == Position::End).take(ENDS);
    let oldest = ends.last().map(|kept| kept.header.height);
    let mut old = all.len().saturating_sub(KEPT);
    all.retain(|kept| {
        let recent = old == 0;
        old = old.saturating_sub(1);
        // The end that follows it is not here yet, or one of the newest.
        let serves = oldest.is_none_or(|oldest| kept.header.height.next() >= oldest);
        recent || (kept.position != Position::Within && serves)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{Genesis, Height};

    /// The heights of which tables are kept at the end of a chain of so many blocks and epochs of `tempo`.
    fn kept(blocks: u64, tempo: u64) -> Vec<u64> {
        let genesis = Genesis::example();
        let (state, first) = (Arc::new(genesis.state().unwrap()), genesis.header().unwrap());
        let mut all = VecDeque::new();
        for height in (1..=blocks).map(Height) {
            let position = match height.get() % tempo {
                0 => Position::End,
                left if left == tempo - 1 => Position::BeforeEnd,
                _ => Position::Within,
            };
            let header = Header { height, ..first.clone() };
            all.push_back(Arc::new(Kept::new(header, None, Arc::clone(&state), position)));
            forget(&mut all);
        }
        all.iter().map(|kept| kept.header.height.get()).collect()
    }

    #[test]
    fn beside_the_newest_heights_the_newest_ends_and_what_an_audit_begins_from_stay() {
        let newest = |blocks: u64| blocks + 1 - KEPT as u64..=blocks;
        assert_eq!(kept(100, 1_000), (1..=100).collect::<Vec<_>>());
        assert_eq!(kept(900, 1_000), newest(900).collect::<Vec<_>>());
        assert_eq!(kept(1_500, 1_000), [999, 1_000].into_iter().chain(newest(1_500)).collect::<Vec<_>>());
        assert_eq!(kept(2_500, 1_000), [999, 1_000, 1_999, 2_000].into_iter().chain(newest(2_500)).collect::<Vec<_>>());
        // While the next end is not there, the one that it replaces stays.
        let about = [999, 1_000, 1_999, 2_000].into_iter().chain(newest(2_999)).collect::<Vec<_>>();
        assert_eq!(kept(2_999, 1_000), about);
        assert_eq!(kept(3_000, 1_000), [1_999, 2_000].into_iter().chain(newest(3_000)).collect::<Vec<_>>());
        assert_eq!(kept(9_999, 10), newest(9_999).collect::<Vec<_>>());
    }
}

//! A genesis that a node hands out: one encoding, and it begins a chain or is refused.

use ledger::table::root_of;
use ledger::{Genesis, Table};

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(genesis) = crate::read::<Genesis>(bytes) else { return };
    let state = genesis.state();
    assert_eq!(state.is_ok(), genesis.check().is_ok());
    assert_eq!(state.is_ok(), genesis.header().is_ok());
    let Ok(state) = state else { return };
    assert_eq!(state.supply(), genesis.supply());
    for table in Table::ALL {
        assert_eq!(state.roots().of(table), root_of(table, state.leaves(table).iter().map(|leaf| &leaf[..])));
    }
}

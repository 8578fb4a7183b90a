//! A state from a disk that may have rotted: it is refused, or it is a state with one encoding whose roots are those of its tables.

use ledger::table::root_of;
use ledger::{State, Table};

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(state) = crate::read::<State>(bytes) else { return };
    for table in Table::ALL {
        assert_eq!(state.roots().of(table), root_of(table, state.leaves(table).iter().map(|leaf| &leaf[..])));
    }
    for neuron in state.neurons().iter().filter(|neuron| !neuron.vacant) {
        assert!(state.uid(neuron.hot).is_some());
    }
    for account in state.accounts().iter() {
        assert!(state.account(account.key).is_some());
    }
}

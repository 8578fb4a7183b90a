//! A transaction of a stranger: one encoding, and only what its signer signed is taken.

use ledger::{Checked, Transaction};

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(transaction) = crate::read::<Transaction>(bytes) else { return };
    let signed = transaction.verify_signature();
    assert_eq!(Checked::new(transaction).is_ok(), signed);
}

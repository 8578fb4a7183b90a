//! A transaction of a stranger: one encoding, and only what its signer signed is taken.
#![no_main]

mod common;

use ledger::{Checked, Transaction};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(transaction) = common::read::<Transaction>(bytes) else { return };
    let signed = transaction.verify_signature();
    assert_eq!(Checked::new(transaction).is_ok(), signed);
});

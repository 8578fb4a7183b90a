//! All scenarios, natively. The browser runs the same functions and must get the same hashes.

#![cfg(not(target_arch = "wasm32"))]

mod suite;

#[test]
fn scenarios_have_the_known_bits() {
    let wrong = suite::wrong();
    assert!(wrong.is_empty(), "new bits:\n{wrong}");
}

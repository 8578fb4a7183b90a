//! The golden vectors, natively. The browser runs the same functions and must get the same hashes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]

extern crate peerage_mechanism as mechanism;

mod vectors;

#[test]
fn results_meet_the_vectors_and_have_the_known_bits() {
    let wrong: Vec<String> = vectors::all()
        .into_iter()
        .filter(|(_, hash, expected)| hash != expected)
        .map(|(name, hash, expected)| format!("{name}: {hash:#018x}, not {expected:#018x}"))
        .collect();
    assert!(wrong.is_empty(), "bits of {wrong:#?}");
}

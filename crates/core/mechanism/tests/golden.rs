//! The golden vectors, natively. The browser runs the same functions and must get the same hashes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]

extern crate peerage_mechanism as mechanism;

mod vectors;

#[test]
fn results_meet_the_vectors_and_have_the_known_bits() {
    for (name, hash, expected) in vectors::all() {
        assert_eq!(hash, expected, "bits of {name}: {hash:#018x}, not {expected:#018x}");
    }
}

//! What `web.rs` does in a browser, natively: the corpus has the known verdicts, and a year is followed.
//!
//! `cargo test -p peerage-light --test native -- --nocapture` prints what a year costs, and what `corpus/golden.txt` must be
//! where it is another, once one has seen that every change is meant.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it tells the figures")]

extern crate peerage_light as light;

mod chain;
mod corpus;
mod year;

use std::time::Instant;

#[test]
fn every_mutant_has_the_known_verdict() {
    let verdicts = corpus::run();
    let found = verdicts.to_string();
    if found != corpus::GOLDEN {
        println!("{found}");
    }
    assert_eq!(verdicts.gaps(), Vec::<String>::new());
    assert!(found == corpus::GOLDEN, "other verdicts than in tests/corpus/golden.txt");
}

#[test]
fn a_year_of_changing_validators_is_followed_by_links_alone() {
    let begin = Instant::now();
    let figures = year::Year::new().follow(|| begin.elapsed().as_secs_f64() * 1e3);
    println!("{figures}");
}

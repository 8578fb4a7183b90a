//! What the light client does in a real browser: the verdicts of the corpus are those of the native test, and a year is
//! followed.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::disallowed_methods, reason = "it tells the figures")]

extern crate peerage_light as light;

mod chain;
mod corpus;
mod year;

use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};
use web_time::Instant;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
fn every_mutant_has_the_same_verdict_as_natively() {
    let verdicts = corpus::run();
    assert_eq!(verdicts.gaps(), Vec::<String>::new());
    assert_eq!(verdicts.to_string(), corpus::GOLDEN, "other verdicts than natively");
}

#[wasm_bindgen_test]
fn a_year_of_changing_validators_is_followed_by_links_alone() {
    let begin = Instant::now();
    let figures = year::Year::new().follow(|| begin.elapsed().as_secs_f64() * 1e3);
    console_log!("{figures}");
}

//! A year of hourly epochs, natively; [`mod@year`] says of what. Time and bytes are printed (`-- --nocapture`).

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it tells the figures")]

extern crate peerage_light as light;

mod chain;
mod year;

use std::time::Instant;

#[test]
fn a_year_of_changing_validators_is_followed_by_links_alone() {
    let begin = Instant::now();
    let figures = year::Year::new().follow(|| begin.elapsed().as_secs_f64() * 1e3);
    println!("{figures}");
}

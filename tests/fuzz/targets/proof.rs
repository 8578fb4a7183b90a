//! The target `proof` under libFuzzer.
#![no_main]

peerage_fuzz::target!(proof);

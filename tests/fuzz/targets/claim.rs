//! The target `claim` under libFuzzer.
#![no_main]

peerage_fuzz::target!(claim);

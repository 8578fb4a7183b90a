//! The target `evidence` under libFuzzer.
#![no_main]

peerage_fuzz::target!(evidence);

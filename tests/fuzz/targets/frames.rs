//! The target `frames` under libFuzzer.
#![no_main]

peerage_fuzz::target!(frames);

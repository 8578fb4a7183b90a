//! The target `picture` under libFuzzer.
#![no_main]

peerage_fuzz::target!(picture);

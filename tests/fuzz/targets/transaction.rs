//! The target `transaction` under libFuzzer.
#![no_main]

peerage_fuzz::target!(transaction);

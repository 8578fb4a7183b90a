//! The target `block` under libFuzzer.
#![no_main]

peerage_fuzz::target!(block);

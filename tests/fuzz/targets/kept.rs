//! The target `kept` under libFuzzer.
#![no_main]

peerage_fuzz::target!(kept);

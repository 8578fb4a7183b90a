//! The target `record` under libFuzzer.
#![no_main]

peerage_fuzz::target!(record);

//! The target `certificate` under libFuzzer.
#![no_main]

peerage_fuzz::target!(certificate);

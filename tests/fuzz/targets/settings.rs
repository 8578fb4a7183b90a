//! The target `settings` under libFuzzer.
#![no_main]

peerage_fuzz::target!(settings);

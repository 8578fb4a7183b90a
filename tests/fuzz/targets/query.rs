//! The target `query` under libFuzzer.
#![no_main]

peerage_fuzz::target!(query);

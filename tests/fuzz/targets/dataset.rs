//! The target `dataset` under libFuzzer.
#![no_main]

peerage_fuzz::target!(dataset);

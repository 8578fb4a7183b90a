//! The target `snapshot` under libFuzzer.
#![no_main]

peerage_fuzz::target!(snapshot);

//! The target `genesis` under libFuzzer.
#![no_main]

peerage_fuzz::target!(genesis);

//! The target `header` under libFuzzer.
#![no_main]

peerage_fuzz::target!(header);

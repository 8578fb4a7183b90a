//! The target `exchange` under libFuzzer.
#![no_main]

peerage_fuzz::target!(exchange);

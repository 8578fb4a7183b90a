//! The target `links` under libFuzzer.
#![no_main]

peerage_fuzz::target!(links);

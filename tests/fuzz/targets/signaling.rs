//! The target `signaling` under libFuzzer.
#![no_main]

peerage_fuzz::target!(signaling);

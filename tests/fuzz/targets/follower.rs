//! The target `follower` under libFuzzer.
#![no_main]

peerage_fuzz::target!(follower);

//! The target `gossip` under libFuzzer.
#![no_main]

peerage_fuzz::target!(gossip);

//! The target `apply` under libFuzzer.
#![no_main]

peerage_fuzz::target!(apply);

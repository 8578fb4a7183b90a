//! The native program: validator, relay, site, corpus, resident peers.
fn main() {}

//! The light client: bytes and the time in, verdicts and signed transactions out.

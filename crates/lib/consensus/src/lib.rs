//! The engine: proposes, verifies, finalises and serves blocks on commonware.

//! Whole swarms on loopback websockets: a node, residents, and swarms in the role of tabs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]

mod faults;
mod mesh;
mod world;

//! One target for each decoder of what strangers send: a function of bytes that panics where something does not hold.
//!
//! `cargo xtask fuzz` runs them under libFuzzer (feature `libfuzzer`, one small program each), the test `replay` runs them on
//! honest messages and on the kept corpus, without instrumentation. README.md says what each holds.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a target says what does not hold"
)]

pub mod apply;
pub mod block;
pub mod certificate;
#[path = "../../../crates/core/light/tests/chain/mod.rs"]
mod chain;
pub mod claim;
pub mod corpus;
pub mod dataset;
pub mod evidence;
pub mod exchange;
pub mod follower;
pub mod frames;
pub mod genesis;
pub mod gossip;
pub mod header;
pub mod kept;
pub mod links;
pub mod picture;
pub mod proof;
pub mod query;
pub mod record;
pub mod seeds;
pub mod settings;
pub mod signaling;
pub mod snapshot;
pub mod transaction;

use arbitrary::{Arbitrary, Unstructured};
use commonware_codec::{DecodeExt, Encode};
#[cfg(feature = "libfuzzer")]
pub use libfuzzer_sys;

/// A target: its name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("apply", apply::run),
    ("block", block::run),
    ("certificate", certificate::run),
    ("claim", claim::run),
    ("dataset", dataset::run),
    ("evidence", evidence::run),
    ("exchange", exchange::run),
    ("follower", follower::run),
    ("frames", frames::run),
    ("genesis", genesis::run),
    ("gossip", gossip::run),
    ("header", header::run),
    ("kept", kept::run),
    ("links", links::run),
    ("picture", picture::run),
    ("proof", proof::run),
    ("query", query::run),
    ("record", record::run),
    ("settings", settings::run),
    ("signaling", signaling::run),
    ("snapshot", snapshot::run),
    ("transaction", transaction::run),
];

/// The program of one target. Before the first input, honest messages are written into the folder that `PEERAGE_SEEDS` names.
#[cfg(feature = "libfuzzer")]
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        $crate::libfuzzer_sys::fuzz_target!(
            init: $crate::seeds::write(stringify!($name)),
            |bytes: &[u8]| $crate::$name::run(bytes)
        );
    };
}

/// What these bytes are, if anything. It is written as the same bytes again, as many as it says.
fn read<T: DecodeExt<()> + Encode>(bytes: &[u8]) -> Option<T> {
    let value = T::decode(bytes.to_vec()).ok()?;
    assert_eq!(value.encode_size(), bytes.len());
    assert!(value.encode() == bytes, "another encoding of the same");
    Some(value)
}

/// A structured input, made of the bytes; none, where they are too few.
fn input<'a, T: Arbitrary<'a>>(bytes: &'a [u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(bytes)).ok()
}

/// Bytes of a message that are changed: where, counted around, and by what.
type Changes = Vec<(u16, u8)>;

/// The message with these changes.
fn change(mut message: Vec<u8>, changes: &Changes) -> Vec<u8> {
    let length = message.len().max(1);
    for (at, by) in changes {
        if let Some(byte) = message.get_mut(usize::from(*at) % length) {
            *byte ^= by;
        }
    }
    message
}

//! Bounds on what is read. Each is checked before memory is given to what it bounds.

/// Largest file, bytes.
pub const FILE_BYTES: usize = 256 << 20;
/// Fewest bytes of a text.
pub const TEXT_LEAST: usize = 1_024;
/// Most bytes of a shard of a shared text.
pub const SHARD_MOST: usize = 1 << 20;
/// A shared text up to this long, bytes, is everyone's whole: smaller shards teach little.
pub const SHARD_LEAST: usize = 1 << 16;
/// Most bytes of text that are kept for validation.
pub const HELD_OUT_BYTES: usize = 1 << 18;
/// Most classes of a dataset.
pub const CLASSES: usize = 256;

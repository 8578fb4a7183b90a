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
/// Fewest examples with labels.
pub const EXAMPLES_LEAST: usize = 20;
/// Most features of a table.
pub const FEATURES: usize = 4_096;
/// Most columns of a table, those that are left out among them.
pub const COLUMNS: usize = 4 * FEATURES;
/// Most rows of a table.
pub const ROWS: usize = 1 << 21;
/// Most numbers in a table: rows times features.
pub const CELLS: usize = 1 << 26;
/// Longest side of a picture as it comes, pixels.
pub const PICTURE_SIDE: usize = 8_192;
/// Most bytes of all pictures of a dataset, cut to their size.
pub const PICTURES_BYTES: usize = FILE_BYTES;
/// Most samples of a recording, all channels together: 70 minutes at 16 kHz, 25 at 44.1 kHz, of one channel.
pub const SAMPLES: usize = 1 << 26;
/// Sampling rates that recordings may have, Hz.
pub const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

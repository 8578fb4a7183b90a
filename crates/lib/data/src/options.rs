//! What a person may choose about a file.

/// How a file is read. The defaults suit the presets of a tab, and let peers with different files understand each
/// other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// TEXT: window, bytes; SPEECH: window, frames of 10 ms.
    pub seq: usize,
    /// TEXT: the key that chooses a shard of a shared text; the whole text without one.
    pub shard: Option<String>,
    /// Tables: name of the label column; without one it is `label`, `class`, `target` or `y`, else the last.
    pub label: Option<String>,
    /// Tables: the features are the pixels of a square gray picture, cut into patches of this side.
    pub square: Option<usize>,
    /// Pictures: the side they are brought to, pixels.
    pub side: usize,
    /// Pictures: side of a patch, pixels; divides `side`.
    pub patch: usize,
    /// Pictures: three channels in place of one.
    pub colour: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { seq: 64, shard: None, label: None, square: None, side: 28, patch: 7, colour: false }
    }
}

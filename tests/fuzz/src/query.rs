//! Questions to a source and its replies: one encoding each, of a bounded size.

use ledger::query::{MAX_BLOCKS, MAX_HEADERS, MAX_LINKS};
use ledger::{Query, Reply};

/// See the module.
pub fn run(bytes: &[u8]) {
    crate::read::<Query>(bytes);
    match crate::read::<Reply>(bytes) {
        Some(Reply::Headers { headers, .. }) => assert!(headers.len() <= MAX_HEADERS),
        Some(Reply::Epochs { links }) => assert!(links.len() <= MAX_LINKS),
        Some(Reply::Blocks { blocks }) => assert!(blocks.len() <= MAX_BLOCKS),
        _ => {}
    }
}

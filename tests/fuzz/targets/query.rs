//! Questions to a source and its replies: one encoding each, of a bounded size.
#![no_main]

mod common;

use ledger::query::{MAX_BLOCKS, MAX_HEADERS, MAX_LINKS};
use ledger::{Query, Reply};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    common::read::<Query>(bytes);
    match common::read::<Reply>(bytes) {
        Some(Reply::Headers { headers, .. }) => assert!(headers.len() <= MAX_HEADERS),
        Some(Reply::Epochs { links }) => assert!(links.len() <= MAX_LINKS),
        Some(Reply::Blocks { blocks }) => assert!(blocks.len() <= MAX_BLOCKS),
        _ => {}
    }
});

//! A PNG file that somebody drops: it is refused, or a picture that can be brought to any size.
#![no_main]

use data::{Picture, Random, glyphs};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(picture) = Picture::png(bytes) else { return };
    assert_eq!(picture.pixels().len(), picture.rows() * picture.columns() * picture.channels());
    let Ok(small) = picture.resized(28) else { panic!("28 is a side") };
    assert_eq!(glyphs::distort(&small, &mut Random::new(1, 0)).pixels().len(), 28 * 28);
});

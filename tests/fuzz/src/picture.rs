//! A PNG file that somebody drops: it is refused, or a picture that can be brought to any size.

use data::{Picture, Random, glyphs};

/// See the module.
pub fn run(bytes: &[u8]) {
    let Ok(picture) = Picture::png(bytes) else { return };
    assert_eq!(picture.pixels().len(), picture.rows() * picture.columns() * picture.channels());
    let Ok(small) = picture.resized(28) else { panic!("28 is a side") };
    assert_eq!(glyphs::distort(&small, &mut Random::new(1, 0)).pixels().len(), 28 * 28);
}

//! Pictures: sides and pixels, brought to one size, cut into patches.
//!
//! A tab decodes pictures itself and gives pixels; natively PNG is read with the feature `png`. Someone could name
//! sides that the pixels do not have, or a PNG that unpacks into gigabytes: both are refused before memory is given to
//! them.

use crate::{Error, limits};
use protocol::exchange::Modality;

/// Pixels of a gray or coloured picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    rows: usize,
    columns: usize,
    channels: usize,
    /// [rows, columns, channels].
    pixels: Vec<u8>,
}

impl Picture {
    /// A picture of [rows, columns, channels] pixels: gray (1), gray and opacity (2), red, green and blue (3), or with
    /// opacity (4, as a canvas gives them). What is not opaque is laid over white.
    ///
    /// # Errors
    /// [`Error::Picture`] where a side is zero or too long, or the pixels are not as many as the sides say.
    pub fn new(rows: usize, columns: usize, channels: usize, pixels: Vec<u8>) -> Result<Self, Error> {
        let sides = 1..=limits::PICTURE_SIDE;
        let fits = sides.contains(&rows) && sides.contains(&columns) && (1..=4).contains(&channels);
        if !fits || pixels.len() != rows * columns * channels {
            return Err(Error::Picture { rows, columns, channels, pixels: pixels.len() });
        }
        if channels % 2 == 1 {
            return Ok(Self { rows, columns, channels, pixels });
        }
        let colours = channels - 1;
        let over = |pixel: &[u8]| {
            let opacity = u32::from(pixel[colours]);
            let blend = move |value: &u8| ((u32::from(*value) * opacity + 255 * (255 - opacity) + 127) / 255) as u8;
            pixel[..colours].iter().map(blend).collect::<Vec<u8>>()
        };
        let pixels = pixels.chunks_exact(channels).flat_map(over).collect();
        Ok(Self { rows, columns, channels: colours, pixels })
    }

    /// The picture in the bytes of a PNG file.
    ///
    /// # Errors
    /// [`Error::Png`] where it does not decode, [`Error::Picture`] where it is too large.
    #[cfg(feature = "png")]
    pub fn png(bytes: &[u8]) -> Result<Self, Error> {
        let refused = |error: png::DecodingError| Error::Png(error.to_string());
        let most = limits::PICTURE_SIDE * limits::PICTURE_SIDE * 4;
        let mut decoder = png::Decoder::new_with_limits(std::io::Cursor::new(bytes), png::Limits { bytes: most });
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().map_err(refused)?;
        let (columns, rows) = reader.info().size();
        let (columns, rows) = (columns as usize, rows as usize);
        let channels = reader.output_color_type().0.samples();
        let size = reader.output_buffer_size().filter(|size| *size <= most);
        let Some(size) = size.filter(|_| rows.max(columns) <= limits::PICTURE_SIDE) else {
            return Err(Error::Picture { rows, columns, channels, pixels: size.unwrap_or(usize::MAX) });
        };
        let mut pixels = vec![0; size];
        reader.next_frame(&mut pixels).map_err(refused)?;
        Self::new(rows, columns, channels, pixels)
    }

    /// Height, pixels.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Width, pixels.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// 1 for gray, 3 for colour.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// [rows, columns, channels].
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The same in one channel (luma of ITU-R BT.601), or in three.
    #[must_use]
    pub fn coloured(&self, colour: bool) -> Self {
        let pixels = match (self.channels, colour) {
            (3, false) => self.pixels.chunks_exact(3).map(luma).collect(),
            (1, true) => self.pixels.iter().flat_map(|gray| [*gray; 3]).collect(),
            _ => self.pixels.clone(),
        };
        Self { channels: if colour { 3 } else { 1 }, pixels, ..*self }
    }

    /// The same with `side` rows and columns, each pixel the mean of the area it covers; the sides' ratio is lost.
    ///
    /// # Errors
    /// [`Error::Picture`] for a side of 0 or too long.
    pub fn resized(&self, side: usize) -> Result<Self, Error> {
        if !(1..=limits::PICTURE_SIDE).contains(&side) {
            return Err(Error::Picture { rows: side, columns: side, channels: self.channels, pixels: 0 });
        }
        let (down, across) = (covers(self.rows, side), covers(self.columns, side));
        let mut pixels = Vec::with_capacity(side * side * self.channels);
        for rows in &down {
            for columns in &across {
                for channel in 0..self.channels {
                    let mut sum = 0.0;
                    for (row, height) in rows {
                        for (column, width) in columns {
                            let value = self.pixels[(row * self.columns + column) * self.channels + channel];
                            sum += f32::from(value) * height * width;
                        }
                    }
                    pixels.push(byte(sum));
                }
            }
        }
        Self::new(side, side, self.channels, pixels)
    }

    /// Its patches of `patch` by `patch`, row by row: [rows / patch · columns / patch, channels, patch, patch]. What is
    /// left over at the right and below is dropped.
    pub(crate) fn patches(&self, patch: usize) -> Vec<u8> {
        let mut patches = Vec::with_capacity(self.pixels.len());
        for (top, left) in corners(self.rows / patch, self.columns / patch) {
            for channel in 0..self.channels {
                for (down, across) in corners(patch, patch) {
                    let (row, column) = (top * patch + down, left * patch + across);
                    patches.push(self.pixels[(row * self.columns + column) * self.channels + channel]);
                }
            }
        }
        patches
    }
}

/// The part that pictures of `side` pixels make in patches of `patch`.
///
/// # Errors
/// [`Error::Patch`].
pub(crate) fn part(side: usize, patch: usize, channels: usize) -> Result<crate::Part, Error> {
    if patch == 0 || side == 0 || !side.is_multiple_of(patch) {
        return Err(Error::Patch { side, patch });
    }
    let seq = (side / patch) * (side / patch);
    Ok(crate::Part { modality: Modality::Image, seq, item: [channels, patch, patch] })
}

/// The nearest byte.
pub(crate) fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

fn corners(rows: usize, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
}

fn luma(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [0, 1, 2].map(|channel| u32::from(pixel[channel]));
    ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
}

/// For each of `to` pixels, which of `from` pixels it covers and by what share of itself.
fn covers(from: usize, to: usize) -> Vec<Vec<(usize, f32)>> {
    let ratio = from as f32 / to as f32;
    let cover = |index: usize| {
        let (start, end) = (index as f32 * ratio, (index + 1) as f32 * ratio);
        let first = (start as usize).min(from - 1);
        let last = (end.ceil() as usize).clamp(first + 1, from);
        let share = |pixel: usize| ((end.min((pixel + 1) as f32) - start.max(pixel as f32)) / ratio).max(0.0);
        (first..last).map(|pixel| (pixel, share(pixel))).collect()
    };
    (0..to).map(cover).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(rows: usize, columns: usize, pixels: &[u8]) -> Picture {
        Picture::new(rows, columns, 1, pixels.to_vec()).unwrap()
    }

    #[test]
    fn pixels_fill_the_sides() {
        for (rows, columns, channels, pixels) in
            [(2, 2, 1, 3), (0, 2, 1, 0), (2, 2, 5, 20), (limits::PICTURE_SIDE + 1, 1, 1, 8193)]
        {
            let refused = Picture::new(rows, columns, channels, vec![0; pixels]);
            assert_eq!(refused, Err(Error::Picture { rows, columns, channels, pixels }));
        }
    }

    #[test]
    fn what_is_not_opaque_lies_on_white() {
        let picture = Picture::new(1, 2, 4, vec![10, 20, 30, 255, 10, 20, 30, 0]).unwrap();
        assert_eq!((picture.channels(), picture.pixels()), (3, [10, 20, 30, 255, 255, 255].as_slice()));
    }

    #[test]
    fn a_smaller_picture_has_the_mean_of_each_area() {
        let picture = gray(2, 4, &[0, 100, 50, 50, 100, 200, 50, 50]);
        assert_eq!(picture.resized(1).unwrap().pixels(), [75]);
        assert_eq!(gray(3, 3, &[90; 9]).resized(2).unwrap().pixels(), [90; 4]);
        assert_eq!(gray(1, 1, &[7]).resized(3).unwrap().pixels(), [7; 9]);
    }

    #[test]
    fn gray_is_the_luma_and_colour_three_times_gray() {
        let red = Picture::new(1, 1, 3, vec![255, 0, 0]).unwrap();
        assert_eq!(red.coloured(false).pixels(), [76]);
        assert_eq!(red.coloured(false).coloured(true).pixels(), [76; 3]);
    }

    #[test]
    fn patches_come_row_by_row_and_each_channel_by_itself() {
        let picture = gray(4, 4, &(0..16).collect::<Vec<u8>>());
        assert_eq!(picture.patches(2), [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]);
        let colour = Picture::new(1, 2, 3, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(colour.patches(1), [1, 2, 3, 4, 5, 6]);
    }
}

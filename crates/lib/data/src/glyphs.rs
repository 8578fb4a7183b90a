//! Drawn letters and digits, distorted anew for every example: IMAGE without any download.
//!
//! The drawings are those of [`bundled`], or what a tab draws from its device's fonts. An example is a seed: it chooses
//! the drawing and how it is shifted, turned, scaled, slanted, thickened and made noisy. Training takes odd seeds and
//! validation even ones, so that no example is in both.

mod font;

use crate::{
    Error, Part, Picture, Random, Spec,
    batch::Examples,
    dataset::Source,
    images::list,
    limits,
    picture::{self, byte},
};
use font::{COLUMNS, FONT, NAMES, ROWS};
use std::sync::Arc;

/// Side of the bundled drawings, pixels.
pub const SIDE: usize = 28;
/// Side of a patch that suits it, pixels.
pub const PATCH: usize = 7;
/// Held-out examples.
const HELD_OUT: usize = 512;
/// Pixels that a cell of the font is wide and high.
const CELL: usize = 3;

/// The digits and the letters A to Z with their names, bright ink (255) on dark ground (0), [`SIDE`] by [`SIDE`].
#[must_use]
pub fn bundled() -> Vec<(String, Picture)> {
    let mut drawings = Vec::new();
    for (band, names) in FONT.iter().zip(NAMES) {
        for (index, name) in names.chars().enumerate() {
            let mut pixels = vec![0; SIDE * SIDE];
            let (top, left) = ((SIDE - ROWS * CELL) / 2, (SIDE - COLUMNS * CELL) / 2);
            for (row, line) in band.iter().enumerate() {
                for column in 0..COLUMNS {
                    if line.as_bytes()[index * (COLUMNS + 1) + column] == b'#' {
                        for pixel in 0..CELL * CELL {
                            let (down, across) = (row * CELL + pixel / CELL, column * CELL + pixel % CELL);
                            pixels[(top + down) * SIDE + left + across] = 255;
                        }
                    }
                }
            }
            drawings.extend(Picture::new(SIDE, SIDE, 1, pixels).ok().map(|picture| (name.to_string(), picture)));
        }
    }
    drawings
}

/// A label in words: "digit seven", "letter a"; other labels as they are.
#[must_use]
pub fn words(label: &str) -> String {
    const DIGITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let mut chars = label.chars();
    match (chars.next(), chars.next()) {
        (Some(digit), None) if digit.is_ascii_digit() => {
            format!("digit {}", DIGITS[usize::from(digit as u8 - b'0')])
        }
        (Some(letter), None) if letter.is_alphabetic() => format!("letter {}", letter.to_lowercase()),
        _ => label.to_owned(),
    }
}

/// A distorted copy of a gray drawing, of the same sides: turned by up to 15°, scaled to 80 to 115 %, slanted, shifted
/// by up to a tenth, its strokes thinner or thicker, with noise. Ink is bright, and what comes in from outside is dark.
/// Colour becomes gray.
#[must_use]
pub fn distort(drawing: &Picture, random: &mut Random) -> Picture {
    let gray = drawing.coloured(false);
    let (rows, columns) = (gray.rows(), gray.columns());
    let mut within = |least: f32, most: f32| least + (most - least) * random.unit();
    let (angle, slant) = (within(-0.26, 0.26), within(-0.2, 0.2));
    let (wide, high) = (within(0.8, 1.15), within(0.8, 1.15));
    let (down, across) = (within(-0.1, 0.1) * rows as f32, within(-0.1, 0.1) * columns as f32);
    let (weight, noise) = (within(-0.6, 1.0), within(0.0, 24.0));
    let inked = inked(&gray, weight);
    let (sine, cosine) = (angle.sin(), angle.cos());
    let (middle, centre) = ((rows as f32 - 1.0) / 2.0, (columns as f32 - 1.0) / 2.0);
    let mut pixels = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        for column in 0..columns {
            // Back from the copy to the drawing.
            let (y, x) = (row as f32 - middle - down, column as f32 - centre - across);
            let (y, x) = (cosine * y - sine * x, sine * y + cosine * x);
            let (y, x) = (y / high, (x + slant * y) / wide);
            let value = sample(&inked, rows, columns, y + middle, x + centre);
            pixels.push(byte(value + noise * (2.0 * random.unit() - 1.0)));
        }
    }
    Picture::new(rows, columns, 1, pixels).unwrap_or(gray)
}

/// The pixels with thicker (towards 1: the brightest neighbour) or thinner strokes (towards −1: the darkest one).
fn inked(gray: &Picture, weight: f32) -> Vec<f32> {
    let (rows, columns) = (gray.rows(), gray.columns());
    let value = |row: usize, column: usize| gray.pixels()[row * columns + column];
    let mut inked = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        for column in 0..columns {
            let beside = [
                value(row.saturating_sub(1), column),
                value((row + 1).min(rows - 1), column),
                value(row, column.saturating_sub(1)),
                value(row, (column + 1).min(columns - 1)),
            ];
            let own = value(row, column);
            let towards = beside.into_iter().fold(own, |a, b| if weight > 0.0 { a.max(b) } else { a.min(b) });
            inked.push(f32::from(own) + weight.abs() * (f32::from(towards) - f32::from(own)));
        }
    }
    inked
}

/// The value between the four pixels around a place; dark outside.
fn sample(pixels: &[f32], rows: usize, columns: usize, y: f32, x: f32) -> f32 {
    let (top, left) = (y.floor(), x.floor());
    let (down, across) = (y - top, x - left);
    let at = |row: f32, column: f32| {
        let inside = row >= 0.0 && column >= 0.0 && row < rows as f32 && column < columns as f32;
        if inside { pixels[row as usize * columns + column as usize] } else { 0.0 }
    };
    let upper = at(top, left) * (1.0 - across) + at(top, left + 1.0) * across;
    let lower = at(top + 1.0, left) * (1.0 - across) + at(top + 1.0, left + 1.0) * across;
    upper * (1.0 - down) + lower * down
}

/// Drawings with their classes.
#[derive(Clone, Debug)]
pub(crate) struct Glyphs {
    spec: Spec,
    patch: usize,
    drawings: Vec<(u16, Arc<Picture>)>,
    names: Vec<String>,
}

impl Glyphs {
    /// Examples of these drawings: one class a name, whatever the number of drawings of it.
    pub fn new(drawings: &[(String, Picture)], patch: usize) -> Result<Self, Error> {
        let mut names: Vec<String> = drawings.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names.dedup();
        if names.len() < 2 {
            return Err(Error::OneClass { label: names.concat(), examples: drawings.len() });
        }
        if names.len() > limits::CLASSES {
            return Err(Error::Classes { classes: names.len() });
        }
        let side = drawings.first().map_or(0, |(_, picture)| picture.rows());
        let part = picture::part(side, patch, 1)?;
        let total = drawings.len().saturating_mul(part.values());
        if total > limits::PICTURES_BYTES {
            return Err(Error::TooLarge { unit: "bytes of pictures", got: total, most: limits::PICTURES_BYTES });
        }
        let one = |(name, picture): &(String, Picture)| {
            let number = names.binary_search(name).ok().and_then(|number| u16::try_from(number).ok()).unwrap_or(0);
            Ok((number, Arc::new(picture.coloured(false).resized(side)?)))
        };
        let drawings = drawings.iter().map(one).collect::<Result<_, Error>>()?;
        let spec = Spec { parts: vec![part], classes: names.len(), each: false };
        Ok(Self { spec, patch, drawings, names })
    }
}

impl Source for Glyphs {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn pick(&self, random: &mut Random) -> u64 {
        // The upper bits stay free for who keeps more than the seed in the number.
        (random.next() >> 24) | 1
    }

    fn held_out(&self) -> usize {
        HELD_OUT
    }

    fn held(&self, index: usize) -> u64 {
        2 * index as u64
    }

    fn write(&self, example: u64, into: &mut Examples) {
        let mut random = Random::new(example, PURPOSE);
        let (number, drawing) = &self.drawings[random.below(self.drawings.len())];
        into.bytes(0, distort(drawing, &mut random).patches(self.patch));
        into.targets([*number]);
    }

    fn describe(&self) -> String {
        let side = self.spec.own().map_or(0, Part::values).isqrt();
        let classes = list(&self.names);
        format!(
            "{} drawings of {side} by {side} pixels in {} classes ({classes}), distorted anew for every example; \
             {HELD_OUT} for validation",
            self.drawings.len(),
            self.names.len()
        )
    }

    fn bytes(&self) -> usize {
        self.drawings.len() * self.spec.own().map_or(0, Part::values)
    }

    fn labels(&self) -> &[String] {
        &self.names
    }

    fn restrict(&self, labels: &[u16]) -> Result<Arc<dyn Source>, Error> {
        let drawings: Vec<_> = self.drawings.iter().filter(|(label, _)| labels.contains(label)).cloned().collect();
        if drawings.is_empty() {
            return Err(Error::Restricted { training: 0, validation: 0 });
        }
        Ok(Arc::new(Self { drawings, ..self.clone() }))
    }
}

/// Of the streams that distort.
const PURPOSE: u64 = 0x676C_7970_6873;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;

    #[test]
    fn the_drawings_are_whole_and_all_differ() {
        let drawings = bundled();
        assert_eq!(drawings.len(), 36);
        for band in FONT {
            assert!(band.iter().all(|line| line.len() == 9 * (COLUMNS + 1) - 1));
        }
        for (index, (name, picture)) in drawings.iter().enumerate() {
            assert!(picture.pixels().iter().any(|pixel| *pixel > 0), "{name}");
            for (other, second) in &drawings[..index] {
                assert!(name != other && picture != second, "{name} {other}");
            }
        }
    }

    #[test]
    fn a_distortion_repeats_by_its_seed_and_keeps_the_drawing_recognisable() {
        let drawings = bundled();
        let overlap = |one: &Picture, two: &Picture| -> f64 {
            let dot = |a: &Picture, b: &Picture| -> f64 {
                a.pixels().iter().zip(b.pixels()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            dot(one, two) / (dot(one, one) * dot(two, two)).sqrt()
        };
        let one = distort(&drawings[7].1, &mut Random::new(5, 0));
        assert_eq!(one, distort(&drawings[7].1, &mut Random::new(5, 0)));
        assert_ne!(one, distort(&drawings[7].1, &mut Random::new(6, 0)));
        let mut own = 0.0;
        let mut others = 0.0;
        for seed in 0..20 {
            let copy = distort(&drawings[7].1, &mut Random::new(seed, 0));
            own += overlap(&copy, &drawings[7].1) / 20.0;
            others += drawings.iter().map(|(_, other)| overlap(&copy, other)).sum::<f64>() / 20.0 / 36.0;
        }
        assert!(own > others + 0.1, "{own} {others}");
    }

    #[test]
    fn drawings_become_batches_and_may_be_restricted() {
        let dataset = Dataset::glyphs(&bundled(), PATCH).unwrap();
        assert_eq!((dataset.spec().classes, dataset.labels().len()), (36, 36));
        let batch = dataset.batch(8, &mut Random::new(2, 0));
        assert_eq!((batch.parts[0].item(), batch.targets.len()), ([1, 7, 7], 8));
        let few = dataset.restrict(&[3, 4]).unwrap();
        assert_eq!(few.spec(), dataset.spec());
        let targets = few.batch(64, &mut Random::new(2, 0)).targets;
        assert!(targets.contains(&3) && targets.contains(&4) && targets.iter().all(|target| [3, 4].contains(target)));
        assert!(dataset.restrict(&[99]).is_err());
    }

    #[test]
    fn one_drawing_is_nothing_to_tell_apart() {
        let refused = Dataset::glyphs(&bundled()[..1], PATCH);
        assert_eq!(refused.unwrap_err(), Error::OneClass { label: "0".into(), examples: 1 });
    }

    #[test]
    fn labels_have_words() {
        assert_eq!([words("7"), words("A"), words("cat")], ["digit seven", "letter a", "cat"]);
    }
}

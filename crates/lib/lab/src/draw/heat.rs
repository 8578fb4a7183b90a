//! Squares whose colour is a number, with the scale of their colours beside them.
//!
//! Columns and rows are the different numbers of two columns of the table, in order and evenly spaced. Of more than a
//! hundred neighbours are drawn as one, with the value among them that is farthest from where the scale begins, so that
//! a single high one does not vanish.

use super::axis::{Axis, Fit, LABEL, drawable};
use super::page::{Anchor, Colour, Page, PageError, cut, width};
use super::plot::{AXIS, Frame, NAME_LINE, UNDER, distinct, rank};
use super::{EDGE, NAME, TICK};
use crate::report::{Column, Figure};

/// A figure of squares.
pub struct Heat {
    cells: Vec<Option<f64>>,
    across: usize,
    x: Axis,
    y: Axis,
    scale: Scale,
    x_name: String,
    y_name: String,
    value_name: String,
    frame: Frame,
}

/// From numbers to colours.
#[derive(Debug)]
struct Scale {
    axis: Axis,
    /// Whether it has a middle, at zero.
    two_sided: bool,
}

impl Heat {
    /// Measures the figure on a page of this width.
    pub fn new(figure: &Figure, x: &Column, y: &Column, values: &Column, page: f64) -> Self {
        let (columns, rows) = (distinct(&x.values), distinct(&y.values));
        let scale = Scale::new(&values.values);
        let (across, down) = (columns.len().clamp(1, MOST), rows.len().clamp(1, MOST));
        let mut cells = vec![None; across * down];
        for ((x, y), value) in x.values.iter().zip(&y.values).zip(&values.values) {
            if drawable(*x) && drawable(*y) && drawable(*value) {
                let cell = block(&rows, *y, down) * across + block(&columns, *x, across);
                let farther = |old: f64| scale.distance(*value) > scale.distance(old);
                if cells[cell].is_none_or(farther) {
                    cells[cell] = Some(*value);
                }
            }
        }
        let widest = rows.iter().map(|row| width(&super::axis::short(*row), LABEL)).fold(18.0, f64::max);
        let left = EDGE + widest.min(80.0) + 8.0;
        let room = page - EDGE - left - BAR_ROOM;
        let (wide, high) = size(across, down, room);
        let top = NAME_LINE;
        let frame = Frame { left, right: left + wide, top, bottom: top + high, page };
        let (x_axis, y_axis) = (Axis::ranks(&columns, wide, |_| None), Axis::ranks_upward(&rows, high));
        Self {
            cells,
            across,
            x_name: x_axis.name(&x.name, x.unit),
            y_name: y_axis.name(figure.y, figure.unit),
            value_name: scale.axis.name(&values.name, values.unit),
            x: x_axis,
            y: y_axis,
            scale,
            frame,
        }
    }

    /// Pixels it takes.
    pub fn height(&self) -> f64 {
        self.frame.bottom + UNDER
    }

    /// Draws it.
    pub fn draw(&self, page: &Page<'_>, top: f64) -> Result<(), PageError> {
        let frame = Frame { top: self.frame.top + top, bottom: self.frame.bottom + top, ..self.frame };
        self.squares(page, frame)?;
        frame.foot(page, &self.x)?;
        page.line(&[(frame.left, frame.top), (frame.left, frame.bottom)], AXIS, 1.0)?;
        for (at, label) in &self.y.ticks {
            let down = frame.down(self.y.part(*at));
            page.line(&[(frame.left - 4.0, down), (frame.left, down)], AXIS, 1.0)?;
            page.words(label, (frame.left - 8.0, down), Anchor::Right, TICK)?;
        }
        self.bar(page, frame)?;
        if self.cells.iter().all(Option::is_none) {
            let middle = (f64::midpoint(frame.left, frame.right), f64::midpoint(frame.top, frame.bottom));
            page.words("no data", middle, Anchor::Middle, NAME)?;
        }
        frame.names(page, &self.x_name, &self.y_name)
    }

    #[expect(clippy::cast_precision_loss, reason = "at most a hundred each way")]
    fn squares(&self, page: &Page<'_>, frame: Frame) -> Result<(), PageError> {
        let down = self.cells.len() / self.across;
        let (wide, high) = (frame.width() / self.across as f64, (frame.bottom - frame.top) / down as f64);
        // Large squares stand apart; small ones overlap a little, so that no seams shine through.
        let apart = if wide.min(high) >= 14.0 { -1.0 } else { 0.4 };
        for (row, cells) in self.cells.chunks(self.across).enumerate() {
            let bottom = frame.bottom - row as f64 * high;
            let mut column = 0;
            for run in cells.chunk_by(|one, next| apart > 0.0 && self.colour(*one) == self.colour(*next)) {
                let left = frame.left + column as f64 * wide;
                let right = (left + run.len() as f64 * wide + apart).min(frame.right);
                if let Some(colour) = run.first().and_then(|value| self.colour(*value)) {
                    page.area((left, (bottom - high - apart).max(frame.top)), (right, bottom), colour)?;
                }
                column += run.len();
            }
        }
        Ok(())
    }

    fn colour(&self, value: Option<f64>) -> Option<Colour> {
        value.map(|value| self.scale.colour(self.scale.axis.part(value)))
    }

    /// The scale: a bar of all colours with its ticks.
    fn bar(&self, page: &Page<'_>, frame: Frame) -> Result<(), PageError> {
        let left = frame.right + 28.0;
        let step = (frame.bottom - frame.top) / f64::from(SHADES);
        for shade in 0..SHADES {
            let bottom = frame.bottom - f64::from(shade) * step;
            let colour = self.scale.colour((f64::from(shade) + 0.5) / f64::from(SHADES));
            page.area((left, (bottom - step - 0.4).max(frame.top)), (left + 14.0, bottom), colour)?;
        }
        for (at, label) in &self.scale.axis.ticks {
            let down = frame.down(self.scale.axis.part(*at));
            page.line(&[(left + 14.0, down), (left + 18.0, down)], AXIS, 1.0)?;
            page.words(label, (left + 22.0, down), Anchor::Left, TICK)?;
        }
        let name = cut(&self.value_name, NAME.size, frame.page - EDGE - left);
        page.words(&name, (left, frame.top - NAME_LINE / 2.0 - 4.0), Anchor::Left, NAME)
    }
}

impl Scale {
    fn new(values: &[f64]) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.iter().copied().filter(|value| drawable(*value)) {
            (low, high) = (low.min(value), high.max(value));
        }
        let two_sided = low < 0.0 && high > 0.0;
        let most = high.max(-low);
        let ends = match (low, high) {
            (low, high) if low > high => vec![],
            _ if two_sided => vec![-most, most],
            // Zero is said where it is near.
            (low, high) if low > 0.0 && low <= 0.35 * high => vec![0.0, high],
            (low, high) => vec![low, high],
        };
        Self { axis: Axis::new(ends, Fit::Tight, 6), two_sided }
    }

    /// How far a value is from where the scale begins.
    fn distance(&self, value: f64) -> f64 {
        if self.two_sided { value.abs() } else { value - self.axis.low }
    }

    /// The colour of a part of the scale, in steps.
    fn colour(&self, part: f64) -> Colour {
        let colours: &[Colour] = if self.two_sided { &TWO_SIDED } else { &ONE_SIDED };
        let last = colours.len() - 1;
        let part = (part * f64::from(SHADES)).round() / f64::from(SHADES);
        #[expect(clippy::cast_precision_loss, reason = "nine colours")]
        let at = part.clamp(0.0, 1.0) * last as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 8")]
        let index = (at as usize).min(last.saturating_sub(1));
        #[expect(clippy::cast_precision_loss, reason = "nine colours")]
        let rest = at - index as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
        let mix = |one: u8, other: u8| (f64::from(one) + (f64::from(other) - f64::from(one)) * rest).round() as u8;
        let (one, other) = (colours[index], colours[(index + 1).min(last)]);
        Colour(mix(one.0, other.0), mix(one.1, other.1), mix(one.2, other.2))
    }
}

/// Which of `count` blocks of the ordered numbers holds this one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank is a count")]
fn block(ordered: &[f64], value: f64, count: usize) -> usize {
    (rank(ordered, value) as usize * count / ordered.len().max(1)).min(count - 1)
}

/// Width and height of all squares: true squares where neither side gets too short.
#[expect(clippy::cast_precision_loss, reason = "at most a hundred each way")]
fn size(across: usize, down: usize, room: f64) -> (f64, f64) {
    let (across, down) = (across as f64, down as f64);
    let side = (room / across).min(HIGHEST / down).min(LARGEST);
    ((side * across).max(room.min(SHORTEST)), (side * down).max(SHORTEST))
}

/// ColorBrewer's YlGnBu, from light to dark.
const ONE_SIDED: [Colour; 9] = [
    Colour(0xff, 0xff, 0xd9),
    Colour(0xed, 0xf8, 0xb1),
    Colour(0xc7, 0xe9, 0xb4),
    Colour(0x7f, 0xcd, 0xbb),
    Colour(0x41, 0xb6, 0xc4),
    Colour(0x1d, 0x91, 0xc0),
    Colour(0x22, 0x5e, 0xa8),
    Colour(0x25, 0x34, 0x94),
    Colour(0x08, 0x1d, 0x58),
];
/// ColorBrewer's RdBu, light in the middle.
const TWO_SIDED: [Colour; 9] = [
    Colour(0xb2, 0x18, 0x2b),
    Colour(0xd6, 0x60, 0x4d),
    Colour(0xf4, 0xa5, 0x82),
    Colour(0xfd, 0xdb, 0xc7),
    Colour(0xf7, 0xf7, 0xf7),
    Colour(0xd1, 0xe5, 0xf0),
    Colour(0x92, 0xc5, 0xde),
    Colour(0x43, 0x93, 0xc3),
    Colour(0x21, 0x66, 0xac),
];

/// Colours of a scale.
const SHADES: u32 = 64;
/// Squares each way.
const MOST: usize = 100;
/// Room of the scale, right of the squares.
const BAR_ROOM: f64 = 110.0;
/// Height of all squares at most.
const HIGHEST: f64 = 400.0;
/// Width and height of all squares at least.
const SHORTEST: f64 = 160.0;
/// Side of one.
const LARGEST: f64 = 48.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_run_from_end_to_end() {
        let one = Scale::new(&[0.0, 2.0]);
        assert_eq!((one.colour(0.0), one.colour(1.0), one.colour(0.5)), (ONE_SIDED[0], ONE_SIDED[8], ONE_SIDED[4]));
        let two = Scale::new(&[-1.0, 3.0, f64::NAN]);
        assert_eq!((two.axis.low, two.axis.high, two.colour(two.axis.part(0.0))), (-3.0, 3.0, TWO_SIDED[4]));
    }

    #[test]
    fn of_many_squares_the_highest_is_seen() {
        let count: Vec<f64> = (0..250).map(f64::from).collect();
        let rows: Vec<usize> = count.iter().map(|value| block(&count, *value, MOST)).collect();
        assert_eq!((rows[0], rows[249]), (0, 99));
        assert!(rows.windows(2).all(|pair| pair[1] - pair[0] <= 1));
    }
}

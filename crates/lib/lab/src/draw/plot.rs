//! Lines, points and bars between two axes.

use super::axis::{Axis, Fit, LABEL, drawable};
use super::legend::Legend;
use super::page::{Anchor, Colour, Page, PageError, cut, width};
use super::thin::{Keep, Point, points};
use super::{EDGE, Marks, NAME, TICK};
use crate::report::{Column, Figure, Mark};

/// A figure of lines, points or bars.
pub struct Plot {
    legend: Legend,
    mark: Mark,
    series: Vec<Series>,
    x: Axis,
    y: Axis,
    x_name: String,
    y_name: String,
    frame: Frame,
    /// Width of a group of bars, on the horizontal axis.
    group: f64,
    /// Where each line of the table is on the horizontal axis.
    places: Vec<f64>,
}

struct Series {
    points: Vec<Point>,
    colour: Colour,
    dashed: bool,
}

/// Where on the page the axes meet; `top` is counted from the head of the figure.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Left end of the horizontal axis.
    pub left: f64,
    /// Its right end.
    pub right: f64,
    /// Upper end of the vertical axis.
    pub top: f64,
    /// Its lower end.
    pub bottom: f64,
    /// Width of the page.
    pub page: f64,
}

impl Plot {
    /// Measures the figure on a page of this width.
    pub fn new(figure: &Figure, x: &Column, columns: &[&Column], page: f64) -> Self {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let legend = Legend::new(&names, page);
        let bars = figure.mark == Mark::Bar;
        let fit = if bars { Fit::FromZero } else { Fit::Round };
        let shown = columns.iter().flat_map(|column| x.values.iter().zip(&column.values));
        let y = Axis::new(shown.filter(|(x, _)| drawable(**x)).map(|(_, y)| *y), fit, 6);
        let widest = y.ticks.iter().map(|(_, label)| width(label, LABEL)).fold(0.0, f64::max);
        let top = legend.height() + NAME_LINE;
        let left = EDGE + widest.max(18.0) + 8.0;
        let frame = Frame { left, right: page - EDGE - 6.0, top, bottom: top + PLOT, page };
        let distinct = if matches!(figure.mark, Mark::Bar | Mark::Line) { distinct(&x.values) } else { Vec::new() };
        let crowded = figure.mark == Mark::Line && crowded(&distinct);
        let ranked = crowded || bars && (1..=MOST_RANKED).contains(&distinct.len()) && !with_holes(&distinct);
        let place = |x: &f64| if ranked && drawable(*x) { rank(&distinct, *x) } else { *x };
        let places: Vec<f64> = x.values.iter().map(place).collect();
        let group = if ranked { 1.0 } else { nearest(&distinct) };
        let x_axis = match figure.mark {
            _ if ranked => Axis::ranks(&distinct, frame.width(), |value| x.label(value)),
            Mark::Bar => {
                let ends = distinct.first().zip(distinct.last());
                let ends = ends.map_or(vec![], |(first, last)| vec![first - group / 2.0, last + group / 2.0]);
                Axis::fitting(&ends, Fit::Tight, frame.width())
            }
            Mark::Point => Axis::fitting(&x.values, Fit::Airy, frame.width()),
            _ => Axis::fitting(&x.values, Fit::Tight, frame.width()),
        };
        let keep = if figure.mark == Mark::Point { Keep::Crowd } else { Keep::Outline };
        let mut series: Vec<Series> = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            let before = columns.iter().take(index);
            let hidden = figure.mark == Mark::Line && before.into_iter().any(|other| same(other, column, &y));
            series.push(Series {
                points: points(&places, &column.values, keep),
                colour: COLOURS[index % COLOURS.len()],
                dashed: figure.mark == Mark::Line && (hidden || (index / COLOURS.len()) % 2 == 1),
            });
        }
        let (mut x_name, y_name) = (x_axis.name(&x.name, x.unit), y.name(figure.y, figure.unit));
        if crowded {
            x_name.push_str(", evenly spaced");
        }
        Self { legend, mark: figure.mark, series, x: x_axis, y, x_name, y_name, frame, group, places }
    }

    /// Pixels it takes.
    pub fn height(&self) -> f64 {
        self.frame.bottom + UNDER
    }

    /// Where its values are when its head is at `top`.
    pub fn marks(&self, top: f64) -> Marks {
        let across = |place: &f64| if drawable(*place) { self.frame.across(self.x.part(*place)) } else { f64::NAN };
        let hex = |series: &Series| {
            let Colour(red, green, blue) = series.colour;
            format!("#{red:02X}{green:02X}{blue:02X}")
        };
        Marks {
            across: self.places.iter().map(across).collect(),
            top: self.frame.top + top,
            bottom: self.frame.bottom + top,
            low: self.y.low,
            high: self.y.high,
            colours: self.series.iter().map(hex).collect(),
        }
    }

    /// Draws it.
    pub fn draw(&self, page: &Page<'_>, top: f64) -> Result<(), PageError> {
        let frame = Frame { top: self.frame.top + top, bottom: self.frame.bottom + top, ..self.frame };
        let swatch = |index: usize, at: (f64, f64), wide: f64| self.swatch(page, index, at, wide);
        self.legend.draw(page, top, swatch)?;
        self.grid(page, frame)?;
        let mark = |series| match self.mark {
            Mark::Point => self.dots(page, frame, series),
            _ => self.lines(page, frame, series),
        };
        match self.mark {
            Mark::Bar => self.bars(page, frame)?,
            _ => self.series.iter().try_for_each(mark)?,
        }
        if self.mark == Mark::Bar {
            let zero = frame.down(self.y.part(0.0));
            page.line(&[(frame.left, zero), (frame.right, zero)], AXIS, 1.0)?;
        }
        if self.series.iter().all(|series| series.points.is_empty()) {
            let middle = (f64::midpoint(frame.left, frame.right), f64::midpoint(frame.top, frame.bottom));
            page.words("no data", middle, Anchor::Middle, NAME)?;
        }
        frame.names(page, &self.x_name, &self.y_name)
    }

    fn grid(&self, page: &Page<'_>, frame: Frame) -> Result<(), PageError> {
        for (at, _) in &self.x.ticks {
            let across = frame.across(self.x.part(*at));
            if self.mark != Mark::Bar {
                page.line(&[(across, frame.top), (across, frame.bottom)], GRID, 0.7)?;
            }
        }
        for (at, label) in &self.y.ticks {
            let down = frame.down(self.y.part(*at));
            let colour = if *at == 0.0 { ZERO } else { GRID };
            page.line(&[(frame.left, down), (frame.right, down)], colour, 0.7)?;
            page.words(label, (frame.left - 8.0, down), Anchor::Right, TICK)?;
        }
        frame.foot(page, &self.x)
    }

    fn lines(&self, page: &Page<'_>, frame: Frame, series: &Series) -> Result<(), PageError> {
        let few = series.points.len() <= FEW;
        for run in series.points.chunk_by(|one, next| one.run == next.run) {
            let path: Vec<(f64, f64)> = run.iter().map(|point| self.place(frame, *point)).collect();
            if series.dashed {
                dashes(&path).iter().try_for_each(|dash| page.line(dash, series.colour, THICK))?;
            } else {
                page.line(&path, series.colour, THICK)?;
            }
            let dotted = if few || path.len() == 1 { path.as_slice() } else { &[] };
            dotted.iter().try_for_each(|at| page.dot(*at, 2.6, series.colour, 1.0))?;
        }
        Ok(())
    }

    fn dots(&self, page: &Page<'_>, frame: Frame, series: &Series) -> Result<(), PageError> {
        let (radius, opacity) = if series.points.len() > 300 { (1.9, 0.55) } else { (2.8, 0.8) };
        series.points.iter().try_for_each(|point| page.dot(self.place(frame, *point), radius, series.colour, opacity))
    }

    #[expect(clippy::cast_precision_loss, reason = "few series")]
    fn bars(&self, page: &Page<'_>, frame: Frame) -> Result<(), PageError> {
        let count = self.series.len().max(1) as f64;
        let whole = self.group / (self.x.high - self.x.low) * frame.width();
        // Groups stand apart, the bars of one stand close; a histogram of many looks like one shape.
        let wide = (whole * if count > 1.0 { 0.8 } else { 0.86 }).clamp(0.6, MOST_BAR * count);
        for (index, series) in self.series.iter().enumerate() {
            for point in &series.points {
                let (middle, top) = self.place(frame, *point);
                let left = middle - wide / 2.0 + wide / count * index as f64;
                let right = left + (wide / count - if wide / count > 5.0 { 0.8 } else { 0.0 }).max(0.3);
                page.area((left, top), (right, frame.down(self.y.part(0.0))), series.colour)?;
            }
        }
        Ok(())
    }

    fn swatch(&self, page: &Page<'_>, index: usize, (left, middle): (f64, f64), wide: f64) -> Result<(), PageError> {
        let Some(series) = self.series.get(index) else { return Ok(()) };
        let ends = [(left, middle), (left + wide, middle)];
        match self.mark {
            Mark::Point => page.dot((left + wide / 2.0, middle), 3.6, series.colour, 1.0),
            Mark::Bar => page.area((left, middle - 5.0), (left + wide, middle + 5.0), series.colour),
            _ if series.dashed => dashes(&ends).iter().try_for_each(|dash| page.line(dash, series.colour, THICK)),
            _ => page.line(&ends, series.colour, THICK),
        }
    }

    fn place(&self, frame: Frame, point: Point) -> (f64, f64) {
        (frame.across(self.x.part(point.x)), frame.down(self.y.part(point.y)))
    }
}

impl Frame {
    /// Pixels between its sides.
    pub fn width(self) -> f64 {
        self.right - self.left
    }

    /// Where this part of the horizontal axis is.
    pub fn across(self, part: f64) -> f64 {
        self.left + part * self.width()
    }

    /// Where this part of the vertical axis is.
    pub fn down(self, part: f64) -> f64 {
        self.bottom - part * (self.bottom - self.top)
    }

    /// The horizontal axis with its ticks.
    pub fn foot(self, page: &Page<'_>, x: &Axis) -> Result<(), PageError> {
        page.line(&[(self.left, self.bottom), (self.right, self.bottom)], AXIS, 1.0)?;
        for (at, label) in &x.ticks {
            let across = self.across(x.part(*at));
            page.line(&[(across, self.bottom), (across, self.bottom + 4.0)], AXIS, 1.0)?;
            page.words(label, (across, self.bottom + 13.0), Anchor::Middle, TICK)?;
        }
        Ok(())
    }

    /// The names of both axes: one below, the other above, where it is read without turning one's head.
    pub fn names(self, page: &Page<'_>, x: &str, y: &str) -> Result<(), PageError> {
        let room = self.page - 2.0 * EDGE;
        page.words(&cut(y, NAME.size, room), (EDGE, self.top - NAME_LINE / 2.0 - 4.0), Anchor::Left, NAME)?;
        let below = cut(x, NAME.size, room);
        // In the middle of the axis, but on the page.
        let half = width(&below, NAME.size) / 2.0;
        let middle = f64::midpoint(self.left, self.right).min(self.page - EDGE - half).max(EDGE + half);
        page.words(&below, (middle, self.bottom + 33.0), Anchor::Middle, NAME)
    }
}

/// The different numbers in it that have a place, in order.
pub fn distinct(values: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> =
        values.iter().copied().filter(|value| drawable(*value)).map(|value| value + 0.0).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    values
}

/// Which of the ordered numbers this is.
#[expect(clippy::cast_precision_loss, reason = "tables are short")]
pub fn rank(ordered: &[f64], value: f64) -> f64 {
    ordered.partition_point(|other| *other < value) as f64
}

/// The least distance between two neighbours.
fn nearest(ordered: &[f64]) -> f64 {
    let least = ordered.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    if least.is_finite() { least } else { 1.0 }
}

/// Whether some are missing of what were evenly spaced numbers.
fn with_holes(ordered: &[f64]) -> bool {
    let step = nearest(ordered);
    let mut steps = ordered.windows(2).map(|pair| (pair[1] - pair[0]) / step);
    let even = steps.clone().all(|count| (count - count.round()).abs() < 1e-6 && count < 10.0);
    even && steps.any(|count| count > 1.5)
}

/// Whether most of so few numbers would crowd at the left of their axis.
fn crowded(ordered: &[f64]) -> bool {
    match ordered {
        [first, _, .., last] if ordered.len() <= MOST_EVEN => *first > 0.0 && *last > WIDE * first,
        _ => false,
    }
}

/// Whether two lines lie on each other for most of their length, by some hundred samples.
fn same(one: &Column, other: &Column, y: &Axis) -> bool {
    let stride = (one.values.len() / SAMPLES).max(1);
    let both = one.values.iter().zip(&other.values).step_by(stride).filter(|(a, b)| drawable(**a) && drawable(**b));
    let (mut all, mut close) = (0, 0);
    for (a, b) in both {
        all += 1;
        close += usize::from((y.part(*a) - y.part(*b)).abs() * PLOT < THICK);
    }
    2 * close > all
}

/// The pieces of a dashed line.
fn dashes(path: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<(f64, f64)> = path.first().copied().into_iter().collect();
    let (mut drawn, mut left) = (true, DASH);
    for pair in path.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let (across, down) = (to.0 - from.0, to.1 - from.1);
            let length = (across * across + down * down).sqrt();
            if length <= left {
                left -= length;
                break;
            }
            from = (from.0 + across * left / length, from.1 + down * left / length);
            if drawn {
                piece.push(from);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![from];
            }
            drawn = !drawn;
            left = if drawn { DASH } else { SPACE };
        }
        if drawn {
            piece.push(to);
        }
    }
    if piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

/// Okabe and Ito's colours, in the order in which two, three or four of them differ most; yellow is too light for lines.
const COLOURS: [Colour; 7] = [
    Colour(0x00, 0x72, 0xb2),
    Colour(0xd5, 0x5e, 0x00),
    Colour(0x00, 0x9e, 0x73),
    Colour(0xcc, 0x79, 0xa7),
    Colour(0xe6, 0x9f, 0x00),
    Colour(0x56, 0xb4, 0xe9),
    Colour(0x4d, 0x4d, 0x4d),
];
const GRID: Colour = Colour(0xe6, 0xe8, 0xeb);
const ZERO: Colour = Colour(0xb4, 0xb9, 0xc0);
/// Axes and ticks.
pub const AXIS: Colour = Colour(0x6b, 0x72, 0x7c);

/// Height of the vertical axis.
const PLOT: f64 = 270.0;
/// Height of the line that names it.
pub const NAME_LINE: f64 = 31.0;
/// Height of ticks and name below.
pub const UNDER: f64 = 42.0;
/// Width of a line.
const THICK: f64 = 1.7;
const DASH: f64 = 6.0;
const SPACE: f64 = 5.0;
/// Points of a line that are marked.
const FEW: usize = 25;
/// Bars that are named one by one, and stand evenly.
const MOST_RANKED: usize = 24;
/// Points of a line that may stand evenly, where the last
const MOST_EVEN: usize = 12;
/// is more than so many times the first.
const WIDE: f64 = 50.0;
/// Width of a bar at most.
const MOST_BAR: f64 = 64.0;
/// Comparisons of two lines.
const SAMPLES: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_numbers_that_grow_by_factors_crowd() {
        assert!(crowded(&[0.1, 1.0, 10.0, 25.0, 50.0]) && crowded(&[1.0, 2.0, 100.0]));
        assert!(!crowded(&[0.0, 1.0, 100.0]) && !crowded(&[1.0, 100.0]) && !crowded(&[1.0, 2.0, 50.0]));
        let powers: Vec<f64> = (0..14).map(|power| libm::exp2(f64::from(power))).collect();
        assert!(crowded(&powers[..12]) && !crowded(&powers) && !crowded(&[]));
    }

    #[test]
    fn missing_bars_are_seen() {
        assert!(with_holes(&[0.0, 1.0, 3.0]) && !with_holes(&[1.0, 10.0, 100.0]) && !with_holes(&[0.1, 0.2, 0.3]));
        assert_eq!(distinct(&[2.0, f64::NAN, 0.0, -0.0, 2.0]), [0.0, 2.0]);
    }

    #[test]
    fn dashes_cover_their_part_of_a_line() {
        let pieces = dashes(&[(0.0, 0.0), (30.0, 0.0), (30.0, 25.0)]);
        assert_eq!(pieces.len(), 5);
        assert_eq!((pieces[1][0], pieces[1][1]), ((11.0, 0.0), (17.0, 0.0)));
        assert!(dashes(&[]).is_empty() && dashes(&[(1.0, 1.0)]).is_empty());
    }
}

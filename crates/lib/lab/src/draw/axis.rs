//! A linear axis: what it spans, where its ticks are, and how their numbers are written.
//!
//! Steps are 1, 2 or 5 times a power of ten, so a tick is a whole number of them and its label is exact: 0.3, never
//! 0.30000000000000004. Where all numbers are large or tiny a power of ten is taken out and stands beside the name.

use super::page::width;

/// How an axis fits its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// From the least to the most, or to the next tick where that is near.
    Tight,
    /// A little more on both sides.
    Airy,
    /// From tick to tick, and from zero where that is near.
    Round,
    /// From tick to tick, with zero.
    FromZero,
}

/// An axis without a place on the page.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Value at its beginning.
    pub low: f64,
    /// Value at its end, above `low`.
    pub high: f64,
    /// Values that are marked, with their labels.
    pub ticks: Vec<(f64, String)>,
    /// The power of ten that the labels leave out.
    pub power: i32,
}

impl Axis {
    /// An axis for these values with at most `most` steps; from 0 to 1 where there are none.
    pub fn new(values: impl IntoIterator<Item = f64>, fit: Fit, most: u32) -> Self {
        let (mut low, mut high, mut whole) = (f64::INFINITY, f64::NEG_INFINITY, true);
        for value in values.into_iter().filter(|value| drawable(*value)) {
            (low, high) = (low.min(value), high.max(value));
            whole &= value.fract() == 0.0;
        }
        if low > high {
            (low, high, whole) = (0.0, 1.0, false);
        }
        if fit == Fit::FromZero || (fit == Fit::Round && low >= 0.0 && low <= NEAR * high) {
            low = low.min(0.0);
        }
        if fit == Fit::FromZero || (fit == Fit::Round && high <= 0.0 && high >= NEAR * low) {
            high = high.max(0.0);
        }
        (low, high) = apart(low, high);
        if fit == Fit::Airy {
            let air = AIR * (high - low);
            (low, high) = (low - air, high + air);
        }
        let step = Step::new((high - low) / f64::from(most.max(1)), whole && high - low >= 3.0);
        if matches!(fit, Fit::Round | Fit::FromZero) {
            low = step.times((low / step.size() + SLACK).floor());
            high = step.times((high / step.size() - SLACK).ceil());
        }
        if fit == Fit::Tight {
            let near = TIGHT * (high - low);
            let (down, up) = (step.times((low / step.size()).floor()), step.times((high / step.size()).ceil()));
            low = if low - down <= near { down } else { low };
            high = if up - high <= near { up } else { high };
        }
        Self::with_step(low, high, step)
    }

    /// An axis whose labels fit into `length` side by side.
    pub fn fitting(values: &[f64], fit: Fit, length: f64) -> Self {
        let axis = |most| Self::new(values.iter().copied(), fit, most);
        (2..=MOST_STEPS).rev().map(axis).find(|axis| axis.fits(length)).unwrap_or_else(|| axis(1))
    }

    /// An axis on which these values stand evenly, the first at 0; as many are named as find room side by side.
    pub fn ranks(values: &[f64], length: f64, named: impl Fn(f64) -> Option<&'static str>) -> Self {
        let label = |value: &f64| named(*value).map_or_else(|| short(*value), str::to_owned);
        let labels: Vec<String> = values.iter().map(label).collect();
        let widest = labels.iter().map(|label| width(label, LABEL)).fold(0.0, f64::max);
        Self::evenly(labels, widest + GAP / 2.0, length)
    }

    /// The same, upwards.
    pub fn ranks_upward(values: &[f64], length: f64) -> Self {
        Self::evenly(values.iter().copied().map(short).collect(), LABEL + GAP, length)
    }

    /// Where on it a value is: 0 at its beginning, 1 at its end.
    pub fn part(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// `name` with what stands behind it: the unit, and the power of ten that the labels leave out.
    pub fn name(&self, name: &str, unit: &str) -> String {
        match (self.power, unit) {
            (0, "") => name.to_owned(),
            (0, unit) => format!("{name} [{unit}]"),
            (power, "") => format!("{name} [×10{}]", raised(power)),
            (power, unit) => format!("{name} [×10{} {unit}]", raised(power)),
        }
    }

    fn with_step(low: f64, high: f64, step: Step) -> Self {
        let size = low.abs().max(high.abs());
        let exponent = exponent(size);
        let power = if (LEAST_PLAIN..MOST_PLAIN).contains(&exponent) { 0 } else { exponent.div_euclid(3) * 3 };
        let mut ticks = Vec::new();
        let mut count = (low / step.size() - SLACK).ceil();
        while count <= high / step.size() + SLACK && ticks.len() <= MOST_TICKS {
            ticks.push((step.times(count), step.label(count, power)));
            count += 1.0;
        }
        Self { low, high, ticks, power }
    }

    #[expect(clippy::cast_precision_loss, reason = "tables are short")]
    fn evenly(labels: Vec<String>, room: f64, length: f64) -> Self {
        let count = labels.len().max(1) as f64;
        let every =
            EVERY.into_iter().find(|every| *every as f64 * length / count >= room).unwrap_or(labels.len().max(1));
        let ticks = labels.into_iter().enumerate().step_by(every).map(|(rank, label)| (rank as f64, label)).collect();
        Self { low: -0.5, high: count - 0.5, ticks, power: 0 }
    }

    fn fits(&self, length: f64) -> bool {
        let widest = self.ticks.iter().map(|(_, label)| width(label, LABEL)).fold(0.0, f64::max);
        let places: Vec<f64> = self.ticks.iter().map(|(at, _)| self.part(*at) * length).collect();
        places.windows(2).all(|pair| pair[1] - pair[0] >= widest + GAP)
    }
}

/// Whether a number has a place on an axis: it is finite, and small enough that spans of such numbers are finite too.
pub fn drawable(value: f64) -> bool {
    value.abs() < 1e300
}

/// A number by itself, with three digits that count.
pub fn short(value: f64) -> String {
    if value == 0.0 || !drawable(value) {
        return "0".into();
    }
    let exponent = exponent(value.abs());
    if !(LEAST_PLAIN..MOST_PLAIN).contains(&exponent) {
        let digits = trimmed(format!("{:.2}", value.abs() / ten(exponent)));
        return format!("{}{digits}×10{}", sign(value), raised(exponent));
    }
    let decimals = usize::try_from(2 - exponent).unwrap_or(0);
    format!("{}{}", sign(value), grouped(&trimmed(format!("{:.decimals$}", value.abs()))))
}

/// Digits of ticks, in pixels.
pub const LABEL: f64 = 11.5;

/// `digit` · 10^`exponent`.
#[derive(Clone, Copy, Debug)]
struct Step {
    digit: f64,
    exponent: i32,
}

impl Step {
    /// The least that is not below `rough`; a whole number where that is wanted.
    fn new(rough: f64, whole: bool) -> Self {
        let exponent = exponent(rough);
        let first = rough / ten(exponent);
        let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| first <= digit * (1.0 + SLACK));
        let step = digit.map_or(Self { digit: 1.0, exponent: exponent + 1 }, |digit| Self { digit, exponent });
        if whole && step.exponent < 0 { Self { digit: 1.0, exponent: 0 } } else { step }
    }

    fn size(self) -> f64 {
        self.times(1.0)
    }

    /// So many of it, rounded once.
    fn times(self, count: f64) -> f64 {
        let digits = count * self.digit;
        if self.exponent < 0 { digits / ten(-self.exponent) } else { digits * ten(self.exponent) }
    }

    /// So many of it, in units of 10^`power`.
    fn label(self, count: f64, power: i32) -> String {
        let value = Self { exponent: self.exponent - power, ..self }.times(count);
        if value == 0.0 {
            return "0".into();
        }
        let decimals = usize::try_from(power - self.exponent).unwrap_or(0);
        format!("{}{}", sign(value), grouped(&format!("{:.decimals$}", value.abs())))
    }
}

/// Both, moved apart where nothing would be between them.
fn apart(low: f64, high: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    if size < LEAST {
        (-1.0, 1.0)
    } else if high - low < NARROWEST * size {
        (low - size / 2.0, high + size / 2.0)
    } else {
        (low, high)
    }
}

/// The power of ten at or below `size`; 0 for zero.
fn exponent(size: f64) -> i32 {
    if size <= 0.0 {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm of a double is below 400")]
    let exponent = libm::log10(size).floor() as i32;
    // The logarithm may round up to the next power.
    if ten(exponent) > size { exponent - 1 } else { exponent }
}

/// 10^`exponent`, rounded correctly on every machine.
fn ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(1.0)
}

fn sign(value: f64) -> &'static str {
    if value < 0.0 { "−" } else { "" }
}

/// Digits in groups of three before the point, from ten thousand on.
fn grouped(digits: &str) -> String {
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    if whole.len() < 5 {
        return digits.into();
    }
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text + rest
}

/// Without zeros at the end of decimals.
fn trimmed(digits: String) -> String {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.').into() } else { digits }
}

/// A whole number as an exponent.
fn raised(number: i32) -> String {
    let digit = |digit| match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        _ => '⁰',
    };
    number.to_string().chars().map(digit).collect()
}

/// Steps that a tick may miss the end of its axis by.
const SLACK: f64 = 1e-6;
/// An axis begins at zero where its least value is at most this part of its greatest.
const NEAR: f64 = 0.35;
/// Part of its span that a tight axis adds to end at a tick.
const TIGHT: f64 = 0.04;
/// Part of its span that an airy axis adds on each side.
const AIR: f64 = 0.03;
/// A span below this part of the numbers themselves is no span: their digits end there.
const NARROWEST: f64 = 1e-9;
/// Numbers below this are zero.
const LEAST: f64 = 1e-290;
/// Powers of ten that are written as they are: from here
const LEAST_PLAIN: i32 = -3;
/// to below here.
const MOST_PLAIN: i32 = 6;
/// Of how many that stand evenly one is named.
const EVERY: [usize; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000];
/// Steps of an axis, if their labels have room.
const MOST_STEPS: u32 = 9;
/// A bound that is never met.
const MOST_TICKS: usize = 50;
/// Pixels between two labels.
const GAP: f64 = 14.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], fit: Fit) -> Vec<String> {
        Axis::new(values.iter().copied(), fit, 5).ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn labels_are_the_numbers_that_people_write() {
        assert_eq!(labels(&[0.0, 0.49], Fit::Round), ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(labels(&[-1.0, 1.0], Fit::Round), ["−1.0", "−0.5", "0", "0.5", "1.0"]);
        assert_eq!(labels(&[0.0, 3.0], Fit::Tight), ["0", "1", "2", "3"]);
        assert_eq!(labels(&[0.0, 1e5], Fit::Tight)[1..3], ["20\u{2009}000", "40\u{2009}000"]);
        assert_eq!(labels(&[9.0, 10.0], Fit::FromZero), ["0", "2", "4", "6", "8", "10"]);
    }

    #[test]
    fn powers_of_ten_are_taken_out_of_large_and_tiny_numbers() {
        let axis = Axis::new([0.0, 3e-7], Fit::Round, 5);
        assert_eq!((axis.power, axis.name("loss", "nat")), (-9, "loss [×10⁻⁹ nat]".into()));
        assert_eq!(axis.ticks[1].1, "100");
        let axis = Axis::new([0.0, 4.2e7], Fit::Round, 5);
        assert_eq!((axis.power, axis.name("steps", "")), (6, "steps [×10⁶]".into()));
        assert_eq!(Axis::new([0.0, 1.0], Fit::Round, 5).name("share", ""), "share");
        assert_eq!(
            [0.0, 0.125, -1234.0, 12_345.6, 2.5e-9].map(short),
            ["0", "0.125", "−1234", "12\u{2009}346", "2.5×10⁻⁹"]
        );
    }

    #[test]
    fn every_axis_has_a_span_and_few_ticks_within_it() {
        let hard = [0.0, -0.0, 1.0, 1.0 + 1e-12, 1e-320, 1e-300, -1e299, 1e299, f64::NAN, f64::INFINITY, 7.0, 1e15];
        for a in hard {
            for b in hard {
                for fit in [Fit::Tight, Fit::Airy, Fit::Round, Fit::FromZero] {
                    let axis = Axis::fitting(&[a, b], fit, 500.0);
                    assert!(axis.low < axis.high && (axis.high - axis.low).is_finite(), "{a} {b} {axis:?}");
                    assert!(
                        axis.ticks.len() <= 11 && axis.ticks.iter().all(|(_, label)| !label.is_empty()),
                        "{axis:?}"
                    );
                    for value in [a, b].into_iter().filter(|value| drawable(*value)) {
                        assert!((0.0..=1.0).contains(&axis.part(value)), "{value} {axis:?}");
                    }
                }
            }
        }
    }
}

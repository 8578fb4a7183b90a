//! The page: lines, areas and words by pixels, drawn by `plotters` on a grid ten times as fine.
//!
//! Its coordinates are whole numbers, which pixels are too coarse for. No text is measured, since a tab measures with
//! other fonts than a terminal has: widths are estimated, so that the same report gives the same bytes everywhere.

use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A colour without transparency.
pub use plotters::style::RGBColor as Colour;

/// What can go wrong on a page, which is nothing: it is a string.
pub type PageError = DrawingAreaErrorKind<std::io::Error>;

/// A page that is being drawn.
pub struct Page<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// Looks of a word.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    /// Height in pixels.
    pub size: f64,
    /// Colour.
    pub colour: Colour,
    /// Whether it is bold.
    pub bold: bool,
}

/// Which point of a word is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The middle of its left.
    Left,
    /// Its middle.
    Middle,
    /// The middle of its right.
    Right,
}

/// Draws a page of this size, in pixels, and gives it as an SVG document named `title`.
pub fn page(
    title: &str,
    (width, height): (f64, f64),
    draw: impl FnOnce(&Page<'_>) -> Result<(), PageError>,
) -> Result<String, PageError> {
    let mut text = String::new();
    let (across, down) = (unsigned(width), unsigned(height));
    let area = SVGBackend::with_string(&mut text, (across, down)).into_drawing_area();
    let page = Page { area };
    page.area.fill(&WHITE)?;
    draw(&page)?;
    page.area.present()?;
    drop(page);
    let body = text.split_once('>').map_or("", |(_, body)| body);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {across} {down}\" stroke-linecap=\"round\" stroke-linejoin=\"round\">\n<title>{}</title>{body}",
        escaped(title)
    ))
}

impl Page<'_> {
    /// A line through these points.
    pub fn line(&self, points: &[(f64, f64)], colour: Colour, thick: f64) -> Result<(), PageError> {
        let style = colour.stroke_width(unsigned(thick));
        // Points that fall together on the fine grid are one.
        let mut path: Vec<(i32, i32)> = points.iter().copied().map(place).collect();
        path.dedup();
        if path.len() < 2 { Ok(()) } else { self.area.draw(&PathElement::new(path, style)) }
    }

    /// A dot.
    pub fn dot(&self, at: (f64, f64), radius: f64, colour: Colour, opacity: f64) -> Result<(), PageError> {
        self.area.draw(&Circle::new(place(at), unsigned(radius), colour.mix(opacity).filled()))
    }

    /// An area between two corners.
    pub fn area(&self, one: (f64, f64), other: (f64, f64), colour: Colour) -> Result<(), PageError> {
        self.area.draw(&Rectangle::new([place(one), place(other)], colour.filled()))
    }

    /// Words on one line.
    pub fn words(&self, text: &str, at: (f64, f64), anchor: Anchor, look: Type) -> Result<(), PageError> {
        let across = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let weight = if look.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = FontDesc::new(FontFamily::Name(FONTS), look.size * FINE * PLOTTERS, weight);
        let style = font.color(&look.colour).pos(Pos::new(across, VPos::Center));
        self.area.draw_text(&printable(text), &style, place(at))
    }
}

/// About how wide `text` is in a letter of this size, rather too much than too little.
pub fn width(text: &str, size: f64) -> f64 {
    let letter = |letter: char| match letter {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '\u{2009}' => 0.29,
        ' ' | 'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' | '"' => 0.37,
        '⁰'..='₉' | '¹' | '²' | '³' => 0.4,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.9,
        '−' => 0.84,
        '0'..='9' => 0.64,
        'A'..='Z' => 0.7,
        '\u{2e80}'.. => 1.0,
        _ => 0.58,
    };
    text.chars().map(letter).sum::<f64>() * size
}

/// `text`, cut with an ellipsis where it is wider than `room`.
pub fn cut(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.into();
    }
    let mut short = String::new();
    let mut left = room - width("…", size);
    for letter in text.chars() {
        left -= width(letter.encode_utf8(&mut [0; 4]), size);
        if left < 0.0 {
            break;
        }
        short.push(letter);
    }
    short.trim_end().to_owned() + "…"
}

/// `text` on as many lines as it needs, at most `most`.
pub fn wrapped(text: &str, size: f64, room: f64, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines.len() == most;
        if let Some(line) = lines.last_mut() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if full || line.is_empty() || width(&longer, size) <= room {
                *line = longer;
                continue;
            }
        }
        lines.push(word.into());
    }
    lines.iter().map(|line| cut(line, size, room)).collect()
}

/// A place on the fine grid.
#[expect(clippy::cast_possible_truncation, reason = "a page is far smaller than 2³¹, and casts saturate")]
fn place((across, down): (f64, f64)) -> (i32, i32) {
    ((across * FINE).round() as i32, (down * FINE).round() as i32)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lengths; casts saturate")]
fn unsigned(length: f64) -> u32 {
    (length * FINE).round() as u32
}

/// Without what XML cannot carry.
fn printable(text: &str) -> String {
    let allowed = |letter: &char| !matches!(letter, '\u{fffe}' | '\u{ffff}');
    text.chars().filter(allowed).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn escaped(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Steps of the grid a pixel.
const FINE: f64 = 10.0;
/// `plotters` divides the size of letters by this.
const PLOTTERS: f64 = 1.24;
/// The first that is there.
const FONTS: &str = "Helvetica Neue, Helvetica, Arial, sans-serif";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut_and_long_titles_wrapped() {
        assert_eq!(cut("short", 10.0, 100.0), "short");
        let long = cut(&"long ".repeat(50), 10.0, 100.0);
        assert!(long.ends_with('…') && width(&long, 10.0) <= 100.0, "{long}");
        let lines = wrapped("one two three four five six seven", 10.0, 60.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[0] == "one two" && lines[1].starts_with("three") && lines[1].ends_with('…'), "{lines:?}");
        assert_eq!(wrapped("", 10.0, 60.0, 2), [""]);
    }

    #[test]
    fn words_that_xml_cannot_carry_are_left_out() {
        assert_eq!(escaped("a<b>&\u{0}\u{ffff}\n"), "a&lt;b&gt;&amp;  ");
    }
}

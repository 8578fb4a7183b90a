//! What the colours of a figure mean: a swatch and a name for each series, on as many lines as they need.

use super::page::{Anchor, Page, PageError, cut, width};
use super::{EDGE, PLAIN};

/// Names with their places.
#[derive(Debug, Default)]
pub struct Legend {
    entries: Vec<Entry>,
    lines: usize,
}

#[derive(Debug)]
struct Entry {
    name: String,
    left: f64,
    line: usize,
}

impl Legend {
    /// A legend of these names on a page of this width; empty where there is only one, which the axis names.
    pub fn new(names: &[&str], page: f64) -> Self {
        if names.len() < 2 {
            return Self::default();
        }
        let room = page - 2.0 * EDGE;
        let mut entries: Vec<Entry> = Vec::new();
        let (mut left, mut line) = (0.0, 0);
        let more = names.len().saturating_sub(MOST);
        let rest = (more > 0).then(|| format!("and {more} more"));
        for name in names.iter().take(MOST).copied().chain(rest.as_deref()) {
            let name = cut(name, PLAIN.size, room - SWATCH - SPACE);
            let wide = SWATCH + SPACE + width(&name, PLAIN.size);
            if left > 0.0 && left + wide > room {
                (left, line) = (0.0, line + 1);
            }
            entries.push(Entry { name, left: EDGE + left, line });
            left += wide + BETWEEN;
        }
        Self { entries, lines: line + 1 }
    }

    /// Pixels it takes.
    #[expect(clippy::cast_precision_loss, reason = "few lines")]
    pub fn height(&self) -> f64 {
        self.lines as f64 * LINE
    }

    /// Draws it; `swatch` is told which series and where its swatch begins and ends.
    pub fn draw(
        &self,
        page: &Page<'_>,
        top: f64,
        swatch: impl Fn(usize, (f64, f64), f64) -> Result<(), PageError>,
    ) -> Result<(), PageError> {
        for (index, entry) in self.entries.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "few lines")]
            let middle = top + (entry.line as f64 + 0.5) * LINE;
            if index < MOST {
                swatch(index, (entry.left, middle), SWATCH)?;
            }
            page.words(&entry.name, (entry.left + SWATCH + SPACE, middle), Anchor::Left, PLAIN)?;
        }
        Ok(())
    }
}

/// Names at most; no one tells more colours apart.
const MOST: usize = 24;
/// Height of a line.
const LINE: f64 = 19.0;
/// Width of a swatch.
const SWATCH: f64 = 20.0;
/// Between swatch and name.
const SPACE: f64 = 6.0;
/// Between names.
const BETWEEN: f64 = 18.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_flow_and_the_last_of_many_are_counted() {
        assert!(Legend::new(&["one"], 720.0).entries.is_empty());
        let legend = Legend::new(&["a"; 30], 720.0);
        assert_eq!(legend.entries.last().map(|entry| entry.name.as_str()), Some("and 6 more"));
        let long = "a name ".repeat(60);
        let legend = Legend::new(&[&long, &long], 720.0);
        assert_eq!(legend.lines, 2);
        assert!(legend.entries.iter().all(|entry| entry.name.ends_with('…') && entry.left == EDGE));
    }
}

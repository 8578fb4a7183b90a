//! The figures of a report as one SVG document, for a terminal's file, a page and a book.
//!
//! The same report gives the same bytes on every machine: nothing asks for a font, a clock or a screen. Every report can
//! be drawn: numbers that have no place (NaN, infinities) are left out, and long series are thinned to what an eye can
//! tell apart. Colours are those of Okabe and Ito and of ColorBrewer, which people who see fewer colours tell apart too.

mod axis;
mod heat;
mod legend;
mod page;
mod plot;
#[cfg(test)]
mod tests;
mod thin;

use crate::report::{Column, Figure, Mark, Report};
use heat::Heat;
use page::{Anchor, Colour, Page, PageError, Type, page, wrapped};
use plot::Plot;
use serde::Serialize;

/// Why a report was not drawn: a figure names what is not there, a fault of the scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// No such table.
    #[error("the figure \"{figure}\" shows a table {table} that is not there")]
    NoTable {
        /// Title of the figure.
        figure: &'static str,
        /// The table it names.
        table: &'static str,
    },
    /// No such column.
    #[error("the figure \"{figure}\" shows a column {column} that the table {table} has not")]
    NoColumn {
        /// Title of the figure.
        figure: &'static str,
        /// The table it names.
        table: &'static str,
        /// The column it names.
        column: String,
    },
    /// Squares without a row or a value.
    #[error("the figure \"{figure}\" draws squares and needs two series, the row and the value, but has {series}")]
    NoValue {
        /// Title of the figure.
        figure: &'static str,
        /// How many series it has.
        series: usize,
    },
    /// A figure that the report has not.
    #[error("there is no figure {index}; the report has {figures}")]
    NoFigure {
        /// The place asked for.
        index: usize,
        /// How many there are.
        figures: usize,
    },
    /// The library that draws refused.
    #[error("drawing failed: {0}")]
    Page(String),
}

/// All figures of `report`, one below the other.
///
/// # Errors
/// [`DrawError`] where a figure names what the report has not.
pub fn svg(report: &Report) -> Result<String, DrawError> {
    let panels =
        report.figures.iter().map(|figure| Panel::new(report, figure, WIDTH)).collect::<Result<Vec<_>, _>>()?;
    let heights = panels.iter().map(Panel::height);
    let height = heights.reduce(|above, height| above + BELOW + height).unwrap_or(NONE) + 2.0 * EDGE;
    let draw = |page: &Page<'_>| {
        let mut top = EDGE;
        for panel in &panels {
            panel.draw(page, top)?;
            top += panel.height() + BELOW;
        }
        if panels.is_empty() {
            page.words("This report has no figures.", (EDGE, top + NONE / 2.0), Anchor::Left, PLAIN)?;
        }
        Ok(())
    };
    page(report.title, (WIDTH, height), draw).map_err(|error| DrawError::Page(error.to_string()))
}

/// One figure of `report`, by its place in the report, on a page of this width in pixels, at least [`NARROW`].
///
/// # Errors
/// [`DrawError`] where there is no such figure, or it names what the report has not.
pub fn figure(report: &Report, index: usize, width: f64) -> Result<Drawing, DrawError> {
    let figure = report.figures.get(index).ok_or(DrawError::NoFigure { index, figures: report.figures.len() })?;
    let width = if width >= NARROW { width.min(WIDTH) } else { NARROW };
    let panel = Panel::new(report, figure, width)?;
    let size = (width, panel.height() - panel.title_height() + 2.0 * AIR);
    let svg = page(figure.title, size, |page| panel.draw_body(page, AIR))
        .map_err(|error| DrawError::Page(error.to_string()))?;
    let marks = match &panel.body {
        Body::Plot(plot) => Some(plot.marks(AIR)),
        Body::Heat(_) => None,
    };
    Ok(Drawing { svg, width: size.0, height: size.1, marks })
}

/// A figure by itself: its title is said beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// The SVG document.
    pub svg: String,
    /// Its width in pixels.
    pub width: f64,
    /// Its height in pixels.
    pub height: f64,
    /// Where its values are; squares have none.
    pub marks: Option<Marks>,
}

/// Where the values of a figure are, in pixels: so a page can point at them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Marks {
    /// How far right each line of the table is; NaN where it has no place.
    pub across: Vec<f64>,
    /// Upper end of the vertical axis.
    pub top: f64,
    /// Its lower end.
    pub bottom: f64,
    /// The value at the lower end.
    pub low: f64,
    /// The value at the upper end.
    pub high: f64,
    /// The colour of each series, as `#RRGGBB`.
    pub colours: Vec<String>,
}

/// A figure with its place in the document.
struct Panel {
    title: Vec<String>,
    body: Body,
}

enum Body {
    Plot(Plot),
    Heat(Heat),
}

impl Panel {
    fn new(report: &Report, figure: &Figure, width: f64) -> Result<Self, DrawError> {
        let table =
            report.table(figure.table).ok_or(DrawError::NoTable { figure: figure.title, table: figure.table })?;
        let column = |name: &String| {
            let missing = || DrawError::NoColumn { figure: figure.title, table: table.name, column: name.clone() };
            table.column(name).ok_or_else(missing)
        };
        let x = column(&figure.x)?;
        let series: Vec<&Column> = figure.series.iter().map(column).collect::<Result<_, _>>()?;
        let body = match (figure.mark, series.as_slice()) {
            (Mark::Heat, [rows, values, ..]) => Body::Heat(Heat::new(figure, x, rows, values, width)),
            (Mark::Heat, few) => return Err(DrawError::NoValue { figure: figure.title, series: few.len() }),
            _ => Body::Plot(Plot::new(figure, x, &series, width)),
        };
        Ok(Self { title: wrapped(figure.title, TITLE.size * BOLD, width - 2.0 * EDGE, 3), body })
    }

    fn height(&self) -> f64 {
        let body = match &self.body {
            Body::Plot(plot) => plot.height(),
            Body::Heat(heat) => heat.height(),
        };
        self.title_height() + body
    }

    fn draw(&self, page: &Page<'_>, top: f64) -> Result<(), PageError> {
        let mut line = top;
        for words in &self.title {
            page.words(words, (EDGE, line + TITLE_LINE / 2.0), Anchor::Left, TITLE)?;
            line += TITLE_LINE;
        }
        self.draw_body(page, top + self.title_height())
    }

    fn draw_body(&self, page: &Page<'_>, top: f64) -> Result<(), PageError> {
        match &self.body {
            Body::Plot(plot) => plot.draw(page, top),
            Body::Heat(heat) => heat.draw(page, top),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "at most three lines")]
    fn title_height(&self) -> f64 {
        self.title.len() as f64 * TITLE_LINE + 4.0
    }
}

/// Width of the document in pixels.
const WIDTH: f64 = 720.0;
/// Least width of a figure by itself.
pub const NARROW: f64 = 280.0;
/// Around it.
const EDGE: f64 = 22.0;
/// Above and below a figure by itself.
const AIR: f64 = 4.0;
/// Between a figure and the next.
const BELOW: f64 = 30.0;
/// How much wider bold letters are.
const BOLD: f64 = 1.15;
/// One line of a title.
const TITLE_LINE: f64 = 21.0;
/// Height of what is said where there are no figures.
const NONE: f64 = 24.0;

const INK: Colour = Colour(0x1f, 0x23, 0x28);
const GREY: Colour = Colour(0x57, 0x5d, 0x66);
const TITLE: Type = Type { size: 15.5, colour: INK, bold: true };
const PLAIN: Type = Type { size: 12.5, colour: INK, bold: false };
const NAME: Type = Type { size: 12.5, colour: GREY, bold: false };
const TICK: Type = Type { size: axis::LABEL, colour: GREY, bold: false };

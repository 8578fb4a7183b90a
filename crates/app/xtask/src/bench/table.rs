//! One form for all figures, whoever measured them: tables of cells with their units, spreads and aims. Scripts print it as JSON
//! (tests/bench/tables.mjs), programs print lines that become it here; a terminal, `--json` and the page of the report show it.

use serde::{Deserialize, Serialize};

/// Figures that belong together.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Table {
    /// What they are about.
    pub title: String,
    /// What each cell of a row is.
    pub columns: Vec<Column>,
    /// In the order in which they were measured.
    pub rows: Vec<Row>,
    /// How it was measured, what is compared with what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How a picture shows it; without it none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plot: Option<Plot>,
}

/// What a cell is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Column {
    /// Its name; empty where the row's is enough.
    pub name: String,
    /// Of its cells, `×` for ratios; empty where each row has a unit of its own.
    #[serde(default)]
    pub unit: String,
}

/// Cells, one a column.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Row {
    /// What they are of.
    pub name: String,
    /// Theirs, where it is not that of the columns.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// None where nothing could be measured.
    pub cells: Vec<Option<Cell>>,
    /// How it was measured.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A figure.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Cell {
    /// The figure; a median or a mean, as the notes say.
    pub value: f64,
    /// Least and most of the repeats, or the ends of the interval of the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<(f64, f64)>,
    /// What is wanted at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// What is wanted at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
}

/// A picture of a table: lines of `y` over `x`, both names of columns.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Plot {
    /// Column along which it goes.
    pub x: String,
    /// Columns that are lines.
    pub y: Vec<String>,
    /// Both axes by powers of ten.
    #[serde(default)]
    pub log: bool,
    /// The rows are too many to be read: the picture is all that is shown.
    #[serde(default)]
    pub alone: bool,
}

impl Cell {
    /// A figure without a spread.
    pub fn of(value: f64) -> Self {
        Self { value, ..Self::default() }
    }

    /// A mean and the half width of its interval.
    pub fn within(mean: f64, half: f64) -> Self {
        Self { spread: (half > 0.0).then_some((mean - half, mean + half)), ..Self::of(mean) }
    }

    /// Whether it is worse than what is wanted.
    pub fn misses(&self) -> bool {
        self.at_most.is_some_and(|most| self.value > most) || self.at_least.is_some_and(|least| self.value < least)
    }
}

impl Table {
    /// What is worse than its aim, a sentence each.
    pub fn missed(&self) -> Vec<String> {
        let mut out = Vec::new();
        for row in &self.rows {
            for (column, cell) in self.columns.iter().zip(&row.cells) {
                let Some(cell) = cell.filter(Cell::misses) else { continue };
                let unit = if column.unit.is_empty() { &row.unit } else { &column.unit };
                let (word, aim) = match cell.at_most {
                    Some(most) if cell.value > most => ("most", most),
                    _ => ("least", cell.at_least.unwrap_or(f64::NAN)),
                };
                let name = [row.name.as_str(), &column.name].map(str::trim).join(" ");
                let figure = format!("{} {unit}", number(cell.value));
                out.push(format!("{}, {}: {}, at {word} {}", self.title, name.trim(), figure.trim(), number(aim)));
            }
        }
        out
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut out = vec![self.title.clone()];
        if self.plot.as_ref().is_some_and(|plot| plot.alone) {
            out.push(format!("  {} rows, for the page and for JSON", self.rows.len()));
        } else {
            out.extend(self.lines());
        }
        out.extend(self.notes.iter().map(|note| format!("  {note}")));
        out.join("\n")
    }

    fn lines(&self) -> Vec<String> {
        let header: Vec<String> =
            self.columns.iter().map(|column| format!("{} {}", column.name, column.unit).trim().to_owned()).collect();
        let cells: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.cells.iter().map(|cell| shown(cell.as_ref())).collect()).collect();
        let wide = |text: &str| text.chars().count();
        let first = self.rows.iter().map(|row| wide(&row.name)).max().unwrap_or(0);
        let width = |index: usize| {
            let cells = cells.iter().filter_map(|row| row.get(index)).map(|cell| wide(cell));
            cells.max().unwrap_or(0).max(header.get(index).map_or(0, |name| wide(name)))
        };
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        let line = |name: &str, cells: &[String], rest: &str| {
            let cells: String = cells.iter().zip(&widths).map(|(cell, width)| format!("  {cell:>width$}")).collect();
            format!("  {name:<first$}{cells}  {rest}").trim_end().to_owned()
        };
        let mut out = Vec::new();
        if header.iter().any(|name| !name.is_empty()) {
            out.push(line("", &header, ""));
        }
        for (row, cells) in self.rows.iter().zip(&cells) {
            let note = if row.note.is_empty() { String::new() } else { format!("({})", row.note) };
            out.push(line(&row.name, cells, format!("{} {note}", row.unit).trim()));
        }
        out
    }
}

/// A cell with its spread, and a mark where it misses its aim.
fn shown(cell: Option<&Cell>) -> String {
    let Some(cell) = cell else { return "–".into() };
    let spread = cell.spread.map(|(least, most)| format!(" ({} to {})", number(least), number(most)));
    format!("{}{}{}", number(cell.value), spread.unwrap_or_default(), if cell.misses() { " !" } else { "" })
}

/// Three digits that say something, thousands apart.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    if value.abs() < 1000.0 {
        let digits = match value.abs() {
            0.0 => 0,
            size if size >= 100.0 || value.fract() == 0.0 => 0,
            size if size >= 10.0 => 1,
            size if size >= 1.0 => 2,
            _ => 3,
        };
        return format!("{value:.digits$}");
    }
    let whole = format!("{:.0}", value.abs());
    let groups: Vec<&str> = (0..whole.len().div_ceil(3))
        .rev()
        .map(|group| &whole[whole.len().saturating_sub(3 * group + 3)..whole.len() - 3 * group])
        .collect();
    format!("{}{}", if value < 0.0 { "−" } else { "" }, groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_say_something() {
        let said = [0.0, 0.1234, 1.5, 12.34, 123.4, 1234.5, -9_876_543.2, 7.0, f64::NAN].map(number);
        assert_eq!(said, ["0", "0.123", "1.50", "12.3", "123", "1,234", "−9,876,543", "7", "–"]);
    }

    #[test]
    fn a_table_shows_spreads_and_what_misses_its_aim() {
        let table = Table {
            title: "Opening".into(),
            columns: vec![
                Column { name: "first".into(), unit: "ms".into() },
                Column { name: "second".into(), unit: "ms".into() },
            ],
            rows: vec![Row {
                name: "usable".into(),
                unit: String::new(),
                cells: vec![Some(Cell { at_most: Some(300.0), ..Cell::within(323.0, 10.0) }), None],
                note: "Join does what it says".into(),
            }],
            ..Table::default()
        };
        assert_eq!(table.missed(), ["Opening, usable first: 323 ms, at most 300"]);
        assert!(
            table.text().contains("usable  323 (313 to 333) !          –  (Join does what it says)"),
            "{}",
            table.text()
        );
    }

    #[test]
    fn a_table_without_spreads_notes_or_aims_is_read() {
        let text = r#"{"title":"t","columns":[{"name":"a"}],"rows":[{"name":"r","cells":[{"value":1},null]}]}"#;
        let table: Table = serde_json::from_str(text).unwrap();
        assert_eq!(table.rows[0].cells, [Some(Cell::of(1.0)), None]);
        assert_eq!(table.missed(), Vec::<String>::new());
    }
}

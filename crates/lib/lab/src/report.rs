//! What a scenario gives: facts, tables, and figures that are views of the tables.
//!
//! A table is columns of numbers with a unit each; JSON carries them in full precision, CSV is one table after the other.
//! A figure names the columns it shows, so no number stands in two places.

use crate::scenario::Value;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The outcome of one run of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Name of the scenario.
    pub scenario: &'static str,
    /// Its title.
    pub title: &'static str,
    /// The seed it ran with.
    pub seed: u64,
    /// All settings it ran with.
    pub settings: BTreeMap<&'static str, Value>,
    /// Single numbers that sum it up.
    pub facts: Vec<Fact>,
    /// The numbers, by name of the table.
    #[serde(serialize_with = "by_name")]
    pub tables: Vec<Table>,
    /// How to draw them.
    pub figures: Vec<Figure>,
}

/// One number worth saying.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Its unit; empty for a count or a ratio.
    pub unit: &'static str,
}

/// Columns of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Name, unique in its report.
    pub name: &'static str,
    /// The columns.
    pub columns: Vec<Column>,
}

/// Numbers of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name, unique in its table.
    pub name: String,
    /// Unit; empty for a count or a ratio.
    pub unit: &'static str,
    /// The numbers, one a line of the table.
    pub values: Vec<f64>,
    /// What the numbers 0, 1, … stand for, where they are no quantities; JSON, CSV and figures say these words.
    pub labels: Vec<&'static str>,
}

/// A view of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What it shows, as a sentence.
    pub title: &'static str,
    /// The table it shows.
    pub table: &'static str,
    /// The column along the horizontal axis.
    pub x: String,
    /// The columns that are drawn.
    pub series: Vec<String>,
    /// Name of the vertical axis.
    pub y: &'static str,
    /// Unit of the vertical axis.
    pub unit: &'static str,
    /// How they are drawn.
    pub mark: Mark,
}

/// How the columns of a figure are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Lines through the points.
    Line,
    /// Points alone.
    Point,
    /// Bars beside each other.
    Bar,
    /// A square for each line of the table: `x` is its column, the first series its row, the second its value.
    Heat,
}

impl Report {
    /// A report without contents, for `scenario` to fill.
    #[must_use]
    pub fn new(scenario: &'static str, title: &'static str) -> Self {
        Self {
            scenario,
            title,
            seed: 0,
            settings: BTreeMap::new(),
            facts: Vec::new(),
            tables: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// Adds a fact.
    pub fn fact(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.facts.push(Fact { name: name.into(), value, unit });
    }

    /// The fact of this name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        self.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value)
    }

    /// The table of this name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// How many steps it has: lines of the table that its first figure shows.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.figures.first().and_then(|figure| self.table(figure.table)).map_or(0, Table::lines)
    }

    /// All tables as CSV, each after a line `# name`, columns headed by name and unit, numbers in full precision.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::new();
        for table in &self.tables {
            if !text.is_empty() {
                text.push('\n');
            }
            table.csv(&mut text);
        }
        text
    }
}

impl Table {
    /// A table of these columns.
    #[must_use]
    pub fn new(name: &'static str, columns: Vec<Column>) -> Self {
        Self { name, columns }
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Number of lines: of the longest column.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.columns.iter().map(|column| column.values.len()).max().unwrap_or(0)
    }

    fn csv(&self, text: &mut String) {
        let head: Vec<String> = self.columns.iter().map(Column::head).map(|head| quoted(&head)).collect();
        // Writing to a string does not fail.
        let _ = writeln!(text, "# {}\n{}", self.name, head.join(","));
        for line in 0..self.lines() {
            let said = |column: &Column, value: f64| column.label(value).map_or_else(|| format!("{value:?}"), quoted);
            let cell = |column: &Column| column.values.get(line).map_or_else(String::new, |value| said(column, *value));
            let cells: Vec<String> = self.columns.iter().map(cell).collect();
            let _ = writeln!(text, "{}", cells.join(","));
        }
    }
}

impl Column {
    /// A column without a unit.
    #[must_use]
    pub fn new(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self::with_unit(name, "", values)
    }

    /// A column with a unit.
    #[must_use]
    pub fn with_unit(name: impl Into<String>, unit: &'static str, values: Vec<f64>) -> Self {
        Self { name: name.into(), unit, values, labels: Vec::new() }
    }

    /// The numbers 0, 1, … below `count`.
    #[must_use]
    pub fn index(name: impl Into<String>, count: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "tables are short")]
        let values = (0..count).map(|index| index as f64).collect();
        Self::new(name, values)
    }

    /// One line for each of these words.
    #[must_use]
    pub fn named(name: impl Into<String>, labels: &[&'static str]) -> Self {
        Self { labels: labels.to_vec(), ..Self::index(name, labels.len()) }
    }

    /// The word that a number stands for, where there is one.
    #[must_use]
    pub fn label(&self, value: f64) -> Option<&'static str> {
        let found = self.labels.iter().enumerate().find(|(index, _)| {
            #[expect(clippy::cast_precision_loss, reason = "few words")]
            let number = *index as f64;
            number == value
        });
        found.map(|(_, label)| *label)
    }

    /// Name, with its unit where it has one.
    #[must_use]
    pub fn head(&self) -> String {
        if self.unit.is_empty() { self.name.clone() } else { format!("{} [{}]", self.name, self.unit) }
    }
}

/// A field of CSV (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.into() }
}

/// Tables as an object of objects: table, column, numbers.
fn by_name<S: Serializer>(tables: &[Table], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(tables.len()))?;
    for table in tables {
        map.serialize_entry(table.name, &Columns(&table.columns))?;
    }
    map.end()
}

struct Columns<'a>(&'a [Column]);

impl Serialize for Columns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for column in self.0 {
            if column.labels.is_empty() {
                map.serialize_entry(&column.name, &column.values)?;
            } else {
                let words: Vec<_> = column.values.iter().map(|value| column.label(*value)).collect();
                map.serialize_entry(&column.name, &words)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_precision_in_both_formats() {
        let mut report = Report::new("x", "X");
        let values = vec![0.1 + 0.2, 1e-300];
        let words = Column::named("who", &["x", "y"]);
        report.tables.push(Table::new("t", vec![Column::index("n", 2), Column::with_unit("a, b", "τ", values), words]));
        assert_eq!(report.csv(), "# t\nn,\"a, b [τ]\",who\n0.0,0.30000000000000004,x\n1.0,1e-300,y\n");
        let json = serde_json::to_string(&report).unwrap();
        assert!(
            json.contains(r#""tables":{"t":{"n":[0.0,1.0],"a, b":[0.30000000000000004,1e-300],"who":["x","y"]}}"#),
            "{json}"
        );
    }
}

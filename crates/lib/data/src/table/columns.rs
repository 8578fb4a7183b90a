//! What the columns of a table hold: which is the label, which are features, which are left out.

use crate::Error;
use csv::StringRecord;
use std::collections::BTreeMap;

/// Columns, after a look at every row.
#[derive(Debug)]
pub(super) struct Columns {
    names: Vec<String>,
    seen: Vec<Seen>,
    /// Which column is the label.
    label: usize,
    /// Numbers of the distinct labels, in the order of their coming.
    distinct: BTreeMap<String, usize>,
    /// Of each row, the number of its label.
    pub labels: Vec<usize>,
    /// Which columns are features.
    pub features: Vec<usize>,
}

/// What one column holds.
#[derive(Clone, Debug, Default)]
struct Seen {
    numbers: usize,
    missing: usize,
    words: usize,
    /// The first value that is no number, and its line.
    word: Option<(u64, String)>,
}

/// Columns with one value in so many that is no number are of numbers, and that value is a mistake.
const MISTAKES: usize = 10;
/// Characters of a value that are told.
const TOLD: usize = 40;

impl Columns {
    /// The columns of `header`, of which `asked` is the label, if it is given.
    ///
    /// # Errors
    /// [`Error::Columns`], [`Error::NoHeader`], [`Error::NoColumn`].
    pub fn new(header: &StringRecord, asked: Option<&str>) -> Result<Self, Error> {
        let names: Vec<String> = header.iter().map(|name| name.chars().take(TOLD).collect()).collect();
        if names.iter().all(|name| number(name).is_some()) && !names.is_empty() {
            return Err(Error::NoHeader);
        }
        if names.len() < 2 {
            return Err(Error::Columns { columns: names.len() });
        }
        let find = |wanted: &str| names.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted.trim()));
        let label = match asked {
            Some(asked) => find(asked)
                .ok_or_else(|| Error::NoColumn { asked: asked.to_owned(), found: crate::images::list(&names) })?,
            None => ["label", "class", "target", "y"].into_iter().find_map(find).unwrap_or(names.len() - 1),
        };
        let seen = vec![Seen::default(); names.len()];
        Ok(Self { names, seen, label, distinct: BTreeMap::new(), labels: Vec::new(), features: Vec::new() })
    }

    /// Takes in the row at `line`.
    ///
    /// # Errors
    /// [`Error::NoLabel`].
    pub fn see(&mut self, row: &StringRecord, line: u64) -> Result<(), Error> {
        for (column, value) in row.iter().enumerate() {
            if column == self.label {
                if missing(value) {
                    return Err(Error::NoLabel { line, column: self.name(column) });
                }
                let next = self.distinct.len();
                self.labels.push(match self.distinct.get(value) {
                    Some(number) => *number,
                    None => *self.distinct.entry(value.to_owned()).or_insert(next),
                });
            } else if let Some(seen) = self.seen.get_mut(column) {
                if number(value).is_some() {
                    seen.numbers += 1;
                } else if missing(value) {
                    seen.missing += 1;
                } else {
                    seen.words += 1;
                    seen.word.get_or_insert_with(|| (line, value.chars().take(TOLD).collect()));
                }
            }
        }
        Ok(())
    }

    /// Decides which columns are features.
    ///
    /// # Errors
    /// [`Error::NotANumber`], [`Error::NoNumbers`].
    pub fn choose(&mut self) -> Result<(), Error> {
        for (column, seen) in self.seen.iter().enumerate() {
            if column == self.label || self.names[column].is_empty() || seen.numbers == 0 {
                continue;
            }
            match &seen.word {
                None => self.features.push(column),
                Some((line, value)) if seen.words * MISTAKES <= seen.numbers => {
                    let (line, value) = (*line, value.clone());
                    return Err(Error::NotANumber { line, column: self.name(column), value });
                }
                Some(_) => {}
            }
        }
        if self.features.is_empty() {
            return Err(Error::NoNumbers { label: self.label_name() });
        }
        Ok(())
    }

    /// Name of the label column.
    pub fn label_name(&self) -> String {
        self.name(self.label)
    }

    /// The distinct labels, in the order of their coming.
    pub fn distinct(&self) -> Vec<&str> {
        let mut distinct = vec![""; self.distinct.len()];
        for (label, number) in &self.distinct {
            distinct[*number] = label;
        }
        distinct
    }

    /// What was replaced and left out, for a person.
    pub fn story(&self) -> String {
        let missing: usize = self.features.iter().map(|column| self.seen[*column].missing).sum();
        let mut story = match missing {
            0 => String::new(),
            1 => "; 1 missing value replaced by the mean".to_owned(),
            some => format!("; {some} missing values replaced by the mean"),
        };
        let left = |column: &usize| *column != self.label && !self.features.contains(column);
        let reason = |column: usize| match (self.names[column].as_str(), self.seen[column].words) {
            ("", _) => format!("column {} (no name)", column + 1),
            (name, 0) => format!("'{name}' (empty)"),
            (name, _) => format!("'{name}' (words)"),
        };
        let left: Vec<String> = (0..self.names.len()).filter(left).map(reason).collect();
        if !left.is_empty() {
            story.push_str("; left out: ");
            story.push_str(&crate::images::list(&left));
        }
        story
    }

    fn name(&self, column: usize) -> String {
        match self.names.get(column).map(String::as_str) {
            None | Some("") => format!("column {}", column + 1),
            Some(name) => name.to_owned(),
        }
    }
}

/// A finite number that a feature can hold.
pub(super) fn number(value: &str) -> Option<f64> {
    value.parse::<f64>().ok().filter(|value| value.is_finite() && value.abs() < f64::from(f32::MAX))
}

/// What people write where they have no value.
fn missing(value: &str) -> bool {
    ["", "na", "n/a", "nan", "null", "none", "?", "-"].iter().any(|other| value.eq_ignore_ascii_case(other))
}

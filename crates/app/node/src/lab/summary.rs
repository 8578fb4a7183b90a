//! What a person reads of scenarios and reports: a page of aligned words and numbers.

use crate::cli::{LINE, wrapped};
use lab::{
    Report, Scenario,
    report::{Column, Table},
};
use std::fmt::Write as _;

/// One line a scenario.
pub fn list(scenarios: &[&Scenario]) -> String {
    let mut text = aligned("", scenarios.iter().map(|scenario| (scenario.name, scenario.title.to_owned())));
    text.push_str("\n`peerage lab <scenario>` runs one, `peerage lab <scenario> --help` says what can be set.\n");
    text
}

/// What a run gave: settings, facts, and the ends of each table.
pub fn of(scenario: &Scenario, report: &Report) -> String {
    // Writing to a string does not fail.
    let mut text = format!("{} ({})\n\n{}\n", report.title, report.scenario, wrapped(scenario.about, LINE));
    let seed = scenario.random.then(|| ("seed", report.seed.to_string()));
    let settings = report.settings.iter().map(|(name, value)| (*name, value.to_string()));
    let settings = aligned("  ", seed.into_iter().chain(settings));
    if !settings.is_empty() {
        let _ = write!(text, "\nSettings\n{settings}");
    }
    if !report.facts.is_empty() {
        let value = |value: f64, unit: &str| format!("{} {unit}", number(value)).trim_end().to_owned();
        let facts = report.facts.iter().map(|fact| (fact.name.as_str(), value(fact.value, fact.unit)));
        let _ = write!(text, "\nFacts\n{}", aligned("  ", facts));
    }
    for table in &report.tables {
        let _ = write!(text, "\nTable {}\n{}", size(table), ends(table));
    }
    if !report.figures.is_empty() {
        let titles: Vec<String> = report.figures.iter().map(|figure| format!("  {}\n", figure.title)).collect();
        let _ = write!(text, "\nFigures (draw them with --svg FILE)\n{}", titles.concat());
    }
    text
}

fn size(table: &Table) -> String {
    let lines = table.lines();
    format!("{}, {lines} {}", table.name, if lines == 1 { "line" } else { "lines" })
}

/// The first and the last lines of a table, in columns.
fn ends(table: &Table) -> String {
    let lines = table.lines();
    let shown: Vec<Option<usize>> = if lines <= 2 * ENDS + 1 {
        (0..lines).map(Some).collect()
    } else {
        (0..ENDS).map(Some).chain([None]).chain((lines - ENDS..lines).map(Some)).collect()
    };
    let mut text = vec![String::from(" "); shown.len() + 1];
    let mut columns = table.columns.iter();
    let mut left = columns.len();
    for column in columns.by_ref() {
        let cells = cells(column, &shown);
        let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        // The first column always, others while there is room for them.
        if left < table.columns.len() && text[0].chars().count() + width + 2 > LINE {
            break;
        }
        for (line, cell) in text.iter_mut().zip(&cells) {
            let _ = write!(line, " {cell:>width$} ");
        }
        left -= 1;
    }
    let mut text: String = text.iter().map(|line| line.trim_end().to_owned() + "\n").collect();
    if left > 0 {
        let _ = writeln!(text, "  and {left} more {}", if left == 1 { "column" } else { "columns" });
    }
    text
}

/// The head of a column, and its numbers in these lines.
fn cells(column: &Column, lines: &[Option<usize>]) -> Vec<String> {
    let cell = |line: &Option<usize>| match line {
        Some(line) => column.values.get(*line).map(|value| said(column, *value)).unwrap_or_default(),
        None => "…".into(),
    };
    [column.head()].into_iter().chain(lines.iter().map(cell)).collect()
}

fn said(column: &Column, value: f64) -> String {
    column.label(value).map_or_else(|| number(value), str::to_owned)
}

/// Two columns, the first as wide as its longest word.
fn aligned<'a>(before: &str, lines: impl Iterator<Item = (&'a str, String)>) -> String {
    let lines: Vec<(&str, String)> = lines.collect();
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    lines.iter().map(|(name, value)| format!("{before}{name:width$}  {value}\n")).collect()
}

/// A number with six digits that count; whole numbers in full.
fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() || (value.fract() == 0.0 && size < 1e15) {
        format!("{}", value + 0.0)
    } else if (1e-4..1e9).contains(&size) {
        let digits = (-3..10).find(|digits| size < 10f64.powi(*digits)).unwrap_or(0);
        let decimals = usize::try_from(DIGITS - digits).unwrap_or(0).max(1);
        format!("{value:.decimals$}").trim_end_matches('0').trim_end_matches('.').into()
    } else {
        format!("{value:.5e}")
    }
}

/// Lines at each end of a table.
const ENDS: usize = 3;
/// Digits of a number that count.
const DIGITS: i32 = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use lab::find;

    #[test]
    fn a_summary_says_what_ran_and_what_came_out() {
        let scenario = find("cabal-decay").unwrap();
        let report = scenario.report(&scenario.settings(0, [("blocks", "1000")]).unwrap()).unwrap();
        let text = of(scenario, &report);
        for words in ["A cabal below half", "  blocks       1000\n", "Table decay, 1000 lines\n", "\n    999", "--svg"]
        {
            assert!(text.contains(words), "{words:?} is not in {text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= LINE && line.trim_end() == line), "{text}");
        assert!(list(&[scenario]).starts_with("cabal-decay  A cabal"));
    }

    #[test]
    fn a_table_is_as_wide_as_a_line_at_most() {
        let column = |index: i32| Column::with_unit(format!("column {index}"), "τ", vec![f64::from(index); 3]);
        let text = ends(&Table::new("wide", (0..40).map(column).collect()));
        assert_eq!(text.lines().count(), 5);
        assert!(text.lines().all(|line| line.chars().count() <= LINE), "{text}");
        assert!(text.ends_with(" more columns\n"), "{text}");
        assert_eq!(ends(&Table::new("empty", vec![])), "\n");
    }

    #[test]
    fn numbers_are_short() {
        let short = [0.1 + 0.2, 0.0, -2.0, 1.0 / 3.0, 123_456.789, 0.001_234_567_8, 1e-7, f64::NAN, 2e20].map(number);
        assert_eq!(short, ["0.3", "0", "-2", "0.333333", "123456.8", "0.00123457", "1.00000e-7", "NaN", "2.00000e20"]);
    }
}

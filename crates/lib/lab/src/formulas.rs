//! What each scenario computes, as formulas with the numbers of one step: the line of its first table that a reader looks at.
//!
//! Values come from the settings, from the report, and where neither holds them from the mechanisms themselves. Where a
//! draft prints another formula, it stands beside the right one with what it would give and what is wrong with it
//! (`docs/mechanisms`).

pub mod groups;
pub mod learning;
pub mod market;
pub mod pay;
pub mod trust;

use crate::formula::Formula;
use crate::report::Report;
use crate::scenario::{LabError, Settings};

/// From settings, a report of theirs and a line of its first table to formulas.
pub type Formulas = fn(&Settings, &Report, usize) -> Result<Vec<Formula>, LabError>;

/// The number in this line of a column; NaN where there is none, which is shown as unknown.
fn cell(report: &Report, table: &str, column: &str, line: usize) -> f64 {
    let column = report.table(table).and_then(|table| table.column(column));
    column.and_then(|column| column.values.get(line)).copied().unwrap_or(f64::NAN)
}

/// The number before this line, or `first` where there is none.
fn before(report: &Report, table: &str, column: &str, line: usize, first: f64) -> f64 {
    line.checked_sub(1).map_or(first, |line| cell(report, table, column, line))
}

#[cfg(test)]
mod tests {
    use crate::all;

    #[test]
    fn every_scenario_has_formulas_with_numbers_at_its_first_and_last_step() {
        for scenario in all() {
            let given: &[(&str, &str)] = if scenario.name == "simulation" { &[("blocks", "20")] } else { &[] };
            let settings = scenario.settings(1, given.iter().copied()).unwrap();
            let report = scenario.report(&settings).unwrap();
            let last = report.steps().saturating_sub(1);
            for step in [0, last] {
                let formulas = (scenario.formulas)(&settings, &report, step).unwrap();
                assert!(!formulas.is_empty(), "{}", scenario.name);
                assert!(formulas.iter().any(|one| one.value.is_some_and(f64::is_finite)), "{}", scenario.name);
                for formula in formulas {
                    let shown = formula.shown();
                    let readings = [Some(shown.right), shown.literal].into_iter().flatten();
                    for math in readings.flat_map(|one| [Some(one.math), one.numbers]).flatten() {
                        assert!(roxmltree::Document::parse(&math).is_ok(), "{}: {math}", scenario.name);
                    }
                    let unknown = |value: f64| value.is_nan();
                    assert!(!formula.terms.iter().any(|term| unknown(term.value)), "{} {formula:?}", scenario.name);
                    assert!(!formula.value.is_some_and(unknown), "{} {formula:?}", scenario.name);
                }
            }
        }
    }
}

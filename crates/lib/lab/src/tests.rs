//! What tests of scenarios share.

use crate::scenario::{Range, Setting, Value};
use crate::{LabError, Report, Scenario, all, find};

/// An object of the golden file.
pub(crate) fn golden(key: &str) -> serde_json::Value {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../../../tests/vectors/mechanism.json")).unwrap();
    file[key].clone()
}

/// A column of a table of a report.
pub(crate) fn vector<'a>(report: &'a Report, table: &str, column: &str) -> &'a [f64] {
    &report.table(table).unwrap().column(column).unwrap().values
}

#[test]
fn every_number_is_finite_by_default() {
    all().iter().for_each(|scenario| finite(scenario, &[]));
}

#[test]
fn whatever_is_set_every_number_is_finite() {
    for scenario in all() {
        for setting in scenario.settings {
            for text in ends(setting) {
                let given = scenario.settings.iter().map(|other| (other.name, small(other)));
                let mut given: Vec<(&str, String)> = given.collect();
                given.push((setting.name, text));
                finite(scenario, &given);
            }
        }
    }
    for (name, given) in TOGETHER {
        finite(find(name).unwrap(), &given.map(|(name, text)| (name, text.to_owned())));
    }
}

/// Settings that make stake grow beyond all doubles, or nearly so.
const TOGETHER: [(&str, [(&str, &str); 3]); 5] = [
    ("cabal-decay", [("tau", "10"), ("blocks", "2000"), ("mechanism", "trust")]),
    ("cabal-decay", [("tau", "10"), ("blocks", "2000"), ("mechanism", "consensus")]),
    ("cabal-share", [("tau", "10"), ("blocks", "2000"), ("points", "11")]),
    ("adversaries", [("tau", "1"), ("blocks", "3000"), ("peers", "8")]),
    ("bonders", [("tau", "1"), ("blocks", "1000"), ("peers", "3")]),
];

/// Runs it, where these settings go together, and looks at every number.
fn finite(scenario: &Scenario, given: &[(&str, String)]) {
    let settings = scenario.settings(1, given.iter().map(|(name, text)| (*name, text.as_str()))).unwrap();
    let report = match scenario.report(&settings) {
        Err(LabError::Settings(_)) => return,
        report => report.unwrap_or_else(|error| panic!("{} {given:?}: {error}", scenario.name)),
    };
    for fact in &report.facts {
        assert!(fact.value.is_finite(), "{} {given:?}: {} is {}", scenario.name, fact.name, fact.value);
    }
    for column in report.tables.iter().flat_map(|table| &table.columns) {
        assert!(column.values.iter().all(|value| value.is_finite()), "{} {given:?}: {}", scenario.name, column.name);
    }
}

/// The default, or a lower whole number where that is slow.
fn small(setting: &Setting) -> String {
    match setting.range.default() {
        Value::Whole(default) => {
            let least = if let Range::Whole { least, .. } = setting.range { least } else { 0 };
            default.min(least.max(20)).to_string()
        }
        other => other.to_string(),
    }
}

/// The least and the most of a range, or every word.
fn ends(setting: &Setting) -> Vec<String> {
    match setting.range {
        Range::Number { least, most, .. } => vec![least.to_string(), most.to_string()],
        Range::Whole { least, most, .. } => vec![least.to_string(), most.min(least.max(200)).to_string()],
        Range::Choice(among) => among.iter().map(|&word| word.into()).collect(),
    }
}

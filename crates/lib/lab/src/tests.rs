//! What tests of scenarios share.

use crate::Report;

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

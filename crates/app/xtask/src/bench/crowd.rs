//! Figures of many tabs on virtual time: with the messages, the queue and the gate of a tab, and links and gossip modelled.

use super::lines::{objects, table};
use super::table::{Cell, Column, Table};
use crate::build;
use crate::shell::{Shell, read};
use anyhow::Result;
use serde_json::{Map, Value};

/// Builds and measures; `quick` takes fewer tabs and less virtual time.
pub fn run(shell: &Shell, quick: bool) -> Result<Vec<Table>> {
    let program = build::study(shell, "crowd")?;
    Ok(tables(&objects("crowd", &read(shell.command(&program).args(quick.then_some("--quick")))?)?))
}

/// One for each way in which tabs hear of each other, a column for each number of tabs, and how figures grow.
fn tables(printed: &[Map<String, Value>]) -> Vec<Table> {
    let is = |one: &Map<String, Value>, subject: &str| one.get("subject").and_then(Value::as_str) == Some(subject);
    let growths = printed.iter().filter(|one| is(one, "growth"));
    growths
        .map(|growth| {
            let directory = growth.get("directory");
            let sizes = printed.iter().filter(|one| is(one, "crowd") && one.get("directory") == directory);
            let figures: Vec<Map<String, Value>> = sizes
                .map(|one| {
                    let mut figures = one.get("figures").and_then(Value::as_object).cloned().unwrap_or_default();
                    figures.extend(one.get("tabs").map(|tabs| ("tabs".to_owned(), tabs.clone())));
                    figures
                })
                .collect();
            let name = directory.and_then(Value::as_str).unwrap_or_default();
            let mut all = table(&format!("A crowd, {}", said(name)), &figures, &["tabs"], &[]);
            all.columns.push(Column { name: "grows as tabs to the power of".into(), unit: String::new() });
            for row in &mut all.rows {
                let exponent = growth.get("exponents").and_then(|all| all.get(&row.name)).and_then(Value::as_f64);
                row.cells.push(exponent.map(Cell::of));
            }
            all.notes.push(
                "Means over seeds with the 95 % interval of the mean; of a tab, where nothing else is said.".into(),
            );
            all
        })
        .collect()
}

/// How tabs hear of each other, in words.
fn said(directory: &str) -> &str {
    match directory {
        "islands" => "a node for some hundred tabs, each of which hears of those of its node",
        "sampled" => "nodes that name some of all tabs at random",
        "shared" => "one node that names all",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_columns_beside_how_figures_grow() {
        let text = concat!(
            r#"{"subject":"crowd","directory":"shared","tabs":100,"figures":{"up B/s":{"mean":5.0,"half":1.0}}}"#,
            "\n",
            r#"{"subject":"crowd","directory":"shared","tabs":1000,"figures":{"up B/s":{"mean":6.0,"half":0.0}}}"#,
            "\n",
            r#"{"subject":"growth","directory":"shared","exponents":{"up B/s":0.08}}"#
        );
        let all = tables(&objects("crowd", text).unwrap());
        let names: Vec<&str> = all[0].columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["100 tabs", "1000 tabs", "grows as tabs to the power of"]);
        assert_eq!(all[0].rows[0].name, "up B/s");
        assert_eq!(all[0].rows[0].cells, [Some(Cell::within(5.0, 1.0)), Some(Cell::of(6.0)), Some(Cell::of(0.08))]);
    }
}

//! Tables of what programs print: one JSON object a line, whose numbers are figures and whose words say what of.

use super::table::{Cell, Column, Row, Table};
use anyhow::{Context, Result};
use serde_json::{Map, Value};

/// The objects that a program printed, one a line.
pub fn objects(program: &str, text: &str) -> Result<Vec<Map<String, Value>>> {
    let parse = |line| {
        serde_json::from_str(line).with_context(|| format!("{program} printed `{line}`, which is no JSON object"))
    };
    text.lines().map(parse).collect()
}

/// A table with a column an object, named by its fields `names`, and a row a figure, with its unit from `units`. Lists have a
/// row an entry; what is neither a number nor an interval nor a list of them has none.
pub fn table(title: &str, objects: &[Map<String, Value>], names: &[&str], units: &[(&str, &str)]) -> Table {
    let columns = objects.iter().map(|object| {
        let words = names.iter().filter_map(|name| Some(said(name, object.get(*name)?)));
        Column { name: words.collect::<Vec<_>>().join(" "), unit: String::new() }
    });
    let columns: Vec<Column> = columns.collect();
    let mut rows: Vec<Row> = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        for (field, value) in object.iter().filter(|(field, _)| !names.contains(&field.as_str())) {
            for (name, cell) in cells(field, value) {
                let place = rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
                    let unit = units.iter().find(|(known, _)| known == field).map_or("", |(_, unit)| unit);
                    rows.push(Row { name, unit: unit.into(), cells: vec![None; objects.len()], note: String::new() });
                    rows.len() - 1
                });
                if let Some(place) = rows.get_mut(place).and_then(|row| row.cells.get_mut(index)) {
                    *place = Some(cell);
                }
            }
        }
    }
    Table { title: title.into(), columns, rows, ..Table::default() }
}

/// A word as it is, a number with what it counts.
fn said(field: &str, value: &Value) -> String {
    value.as_str().map_or_else(|| format!("{value} {}", field.replace('_', " ")), str::to_owned)
}

/// What a field says, with a name for each figure.
fn cells(field: &str, value: &Value) -> Vec<(String, Cell)> {
    let name = field.replace('_', " ");
    match value {
        Value::Array(all) => all
            .iter()
            .enumerate()
            .flat_map(|(index, one)| match one.as_array().map(Vec::as_slice) {
                // A figure by a number: [number, figure].
                Some([at, figure]) => cells(&format!("{name}, {at}"), figure),
                _ => cells(&format!("{name}, {}", index + 1), one),
            })
            .collect(),
        other => cell(other).map(|cell| (name, cell)).into_iter().collect(),
    }
}

/// A number, or a mean with the half width of its interval.
fn cell(value: &Value) -> Option<Cell> {
    match value {
        Value::Object(interval) => Some(Cell::within(interval.get("mean")?.as_f64()?, interval.get("half")?.as_f64()?)),
        other => other.as_f64().map(Cell::of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_become_columns_and_their_numbers_rows() {
        let text = concat!(
            r#"{"arm":"peers","whole":{"mean":3.0,"half":0.5,"values":5},"bytes":7,"words":"x"}"#,
            "\n",
            r#"{"arm":"alone","whole":{"mean":4.0,"half":0.0,"values":5},"by":[[1,0.5],[2,0.25]]}"#
        );
        let table = table("Text", &objects("p", text).unwrap(), &["arm"], &[("bytes", "B")]);
        assert_eq!(table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["peers", "alone"]);
        let rows: Vec<_> =
            table.rows.iter().map(|row| (row.name.as_str(), row.unit.as_str(), &row.cells[..])).collect();
        assert!(rows.contains(&("whole", "", &[Some(Cell::within(3.0, 0.5)), Some(Cell::of(4.0))])), "{rows:?}");
        assert!(rows.contains(&("bytes", "B", &[Some(Cell::of(7.0)), None])), "{rows:?}");
        assert!(rows.contains(&("by, 2", "", &[None, Some(Cell::of(0.25))])), "{rows:?}");
        assert_eq!(rows.len(), 4, "words are no figures: {rows:?}");
    }

    #[test]
    fn what_is_no_json_is_told() {
        assert!(objects("apply", "{}\nnonsense").unwrap_err().to_string().contains("apply printed `nonsense`"));
    }
}

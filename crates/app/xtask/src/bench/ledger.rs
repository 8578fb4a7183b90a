//! Figures of the ledger and its engine, by programs that are built for speed: what validators take and how long it takes to be
//! final, what a block costs by the number of peers, and how fast a node comes to know a chain.
//!
//! Machines and their moods differ: figures of one run are compared with each other, as ratios in the last columns.

use super::lines::objects;
use super::table::{Cell, Column, Plot, Row, Table};
use crate::build;
use crate::shell::{Shell, read, say};
use anyhow::Result;
use serde_json::{Map, Value};

/// Builds and measures; `quick` measures less, and less sure.
pub fn run(shell: &Shell, quick: bool) -> Result<Vec<Table>> {
    build::ledger(shell)?;
    let seconds = if quick { "8" } else { "30" };
    let mut throughput = Vec::new();
    for validators in ["1", "4"] {
        for rate in ["1000", "2000"] {
            let options = ["--validators", validators, "--rate", rate, "--seconds", seconds];
            throughput.extend(lines(shell, "throughput", &options)?);
        }
    }
    let sizes: &[&str] = if quick { &["1024", "16384"] } else { &["1024", "16384", "65536"] };
    let apply = lines(shell, "apply", &[&["--json"], sizes].concat())?;
    let blocks = if quick { "550" } else { "2050" };
    let mut catchup = Vec::new();
    for delay in ["0", "20"] {
        catchup.extend(lines(shell, "catchup", &["--blocks", blocks, "--delay", delay])?);
    }
    Ok(vec![load(&throughput), blocks_by_peers(&apply), catching_up(&catchup)])
}

type Object = Map<String, Value>;

/// The objects that an example prints, one a line.
fn lines(shell: &Shell, example: &str, options: &[&str]) -> Result<Vec<Object>> {
    say(format!("  {example} {}", options.join(" ")));
    objects(example, &read(shell.command(shell.workspace.example(example)).args(options))?)
}

fn load(runs: &[Object]) -> Table {
    let rows = runs.iter().map(|one| {
        let get = |key: &str| one.get(key).and_then(Value::as_f64);
        let accepted =
            get("accepted").zip(get("sent")).zip(get("rate")).map(|((count, sent), rate)| count / sent * rate);
        let blocks = |key: &str| get(key).zip(get("block_ms")).map(|(ms, block)| ms / block);
        let cells = [
            accepted,
            get("per_second"),
            get("block_ms"),
            get("median_ms"),
            get("p95_ms"),
            blocks("median_ms"),
            blocks("p95_ms"),
        ];
        let name = format!("{} validators, {}/s sent", said(get("validators")), said(get("rate")));
        row(name, cells)
    });
    Table {
        title: "Validators under load: transactions until they are final".into(),
        columns: columns(&[
            ("accepted", "/s"),
            ("final", "/s"),
            ("block", "ms"),
            ("median", "ms"),
            ("p95", "ms"),
            ("median", "blocks"),
            ("p95", "blocks"),
        ]),
        rows: rows.collect(),
        notes: vec![
            "Updates of rows of 64 weights by 4,096 peers, on loopback; all validators share this machine.".into(),
        ],
        plot: None,
    }
}

fn blocks_by_peers(sizes: &[Object]) -> Table {
    let rows = sizes.iter().map(|one| {
        let of = |group: &str, name: &str| one.get(group)?.get(name)?.as_f64();
        let number = |name: &str| one.get(name).and_then(Value::as_f64);
        let mut cells = vec![number("peers"), number("anew")];
        cells.extend(TIMES.iter().map(|(name, _)| of("times", name)));
        cells.push(of("times", TIMES[1].0).zip(number("anew")).map(|(time, whole)| time / whole));
        cells.extend(["memory of a state", "snapshot"].map(|name| of("sizes", name).map(|bytes| bytes / MEBIBYTE)));
        row(format!("{} peers", said(number("peers"))), cells)
    });
    let mut named = vec![("peers", ""), ("all trees anew", "ms")];
    named.extend(TIMES.iter().map(|(_, name)| (*name, "ms")));
    named.extend([("256 updates / anew", "×"), ("memory", "MiB"), ("snapshot", "MiB")]);
    Table {
        title: "What a block costs by the number of peers".into(),
        columns: columns(&named),
        rows: rows.collect(),
        notes: vec!["Rows of 64 weights; times are the shortest of five.".into()],
        plot: Some(Plot {
            x: "peers".into(),
            y: ["all trees anew", TIMES[0].1, TIMES[1].1, TIMES[3].1].map(str::to_owned).into(),
            log: true,
            alone: false,
        }),
    }
}

fn catching_up(runs: &[Object]) -> Table {
    let rows = runs.iter().flat_map(|one| {
        let number = |path: &str| one.get(path.split('/').next()?)?.pointer(&path[path.find('/')?..])?.as_f64();
        let delay = one.get("delay_ms").and_then(Value::as_f64);
        [("genesis", "replay"), ("the end of the last epoch", "snapshot")].map(|(from, kind)| {
            let get = |key: &str| number(&format!("{kind}/{key}"));
            let (blocks, seconds) = (get("blocks"), get("seconds"));
            let cells = [
                blocks,
                seconds,
                blocks.zip(seconds).map(|(blocks, seconds)| blocks / seconds),
                get("questions"),
                get("bytes").map(|bytes| bytes / MEBIBYTE),
                get("peak_mib"),
                number("replay/seconds").zip(seconds).map(|(replay, seconds)| replay / seconds),
            ];
            row(format!("from {from}, answers after {} ms", said(delay)), cells)
        })
    });
    Table {
        title: "Coming to know a chain".into(),
        columns: columns(&[
            ("blocks", ""),
            ("took", "s"),
            ("blocks", "/s"),
            ("questions", ""),
            ("read", "MiB"),
            ("peak", "MiB"),
            ("from genesis / it", "×"),
        ]),
        rows: rows.collect(),
        notes: vec!["Blocks with 8 updates each, from one source.".into()],
        plot: None,
    }
}

/// The times that are shown: as the example names them, and for people.
const TIMES: [(&str, &str); 6] = [
    ("1 updates: the rest of apply", "1 update"),
    ("256 updates: the rest of apply", "256 updates"),
    ("256 updates: their signatures", "their signatures"),
    ("end of an epoch", "end of an epoch"),
    ("snapshot: encode", "snapshot written"),
    ("snapshot: decode", "snapshot read"),
];

const MEBIBYTE: f64 = 1_048_576.0;

fn columns(named: &[(&str, &str)]) -> Vec<Column> {
    named.iter().map(|(name, unit)| Column { name: (*name).into(), unit: (*unit).into() }).collect()
}

fn row(name: String, cells: impl IntoIterator<Item = Option<f64>>) -> Row {
    Row {
        name,
        unit: String::new(),
        cells: cells.into_iter().map(|value| value.map(Cell::of)).collect(),
        note: String::new(),
    }
}

fn said(value: Option<f64>) -> String {
    value.map_or_else(|| "?".into(), |value| format!("{value:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_from_a_snapshot_is_held_against_one_from_genesis() {
        let printed = r#"{"delay_ms":20,"replay":{"blocks":2050,"seconds":40.0,"questions":70,"bytes":1048576,"peak_mib":90},"snapshot":{"blocks":50,"seconds":2.0,"questions":7,"bytes":524288,"peak_mib":80}}"#;
        let table = catching_up(&objects("catchup", printed).unwrap());
        assert_eq!(table.rows.iter().map(|row| row.cells.len()).collect::<Vec<_>>(), [7, 7]);
        assert_eq!(table.rows[1].name, "from the end of the last epoch, answers after 20 ms");
        assert_eq!(table.rows[1].cells[4], Some(Cell::of(0.5)));
        assert_eq!(table.rows[1].cells[6], Some(Cell::of(20.0)));
    }

    #[test]
    fn figures_that_a_program_leaves_out_are_missing() {
        let table = load(
            &objects("throughput", r#"{"validators":4,"rate":1000,"block_ms":500,"median_ms":1000,"p95_ms":null}"#)
                .unwrap(),
        );
        assert_eq!(table.rows[0].cells[5], Some(Cell::of(2.0)));
        assert_eq!(table.rows[0].cells[6], None);
    }
}

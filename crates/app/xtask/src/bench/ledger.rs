//! Figures of the ledger and its engine, by programs that are built for speed: what validators take and how long it takes to be
//! final, what a block costs by the number of peers, and how fast a node comes to know a chain.
//!
//! Machines and their moods differ: figures of one run are compared with each other, as ratios in its last columns.

use crate::build;
use crate::setup::{self, For};
use crate::shell::{Shell, read, say};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::thread;

/// Builds, measures, and prints a table or one JSON object; `quick` measures less, and less sure.
pub fn run(json: bool, quick: bool) -> Result<()> {
    let result = measure(quick)?;
    let text = if json { serde_json::to_string_pretty(&result)? } else { table(&result) };
    writeln!(io::stdout(), "{text}").context("nobody reads the figures")
}

fn measure(quick: bool) -> Result<Value> {
    let ready = setup::run(For::Run)?;
    let shell = &ready.shell;
    build::ledger(shell)?;
    say("Measuring:");
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
    let machine = json!({ "cpu": cpu(), "cores": thread::available_parallelism().map_or(0, usize::from) });
    Ok(json!({
        "version": 1, "machine": machine, "quick": quick,
        "throughput": throughput, "apply": apply, "catchup": catchup,
    }))
}

/// What the system says of its processor.
fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "unknown processor".into(), |(_, name)| name.trim().into())
}

/// The objects that an example prints, one a line.
fn lines(shell: &Shell, example: &str, options: &[&str]) -> Result<Vec<Value>> {
    say(format!("  {example} {}", options.join(" ")));
    let text = read(shell.command(shell.workspace.example(example)).args(options))?;
    let parse =
        |line| serde_json::from_str(line).with_context(|| format!("{example} printed `{line}`, which is no JSON"));
    text.lines().map(parse).collect()
}

/// The same for people.
fn table(result: &Value) -> String {
    let cpu = result.pointer("/machine/cpu").and_then(Value::as_str).unwrap_or_default();
    let mut out = vec![format!("{cpu}, {} cores", shown(number(result, "/machine/cores"), 0))];
    out.push(
        "\nTransactions a second through validators on loopback; updates of rows of 64 weights by 4,096 peers".into(),
    );
    out.push(row(&[
        "validators",
        "sent/s",
        "accepted/s",
        "final/s",
        "block ms",
        "median ms",
        "p95 ms",
        "median/block",
        "p95/block",
    ]));
    for one in all(result, "throughput") {
        let get = |key: &str| one.get(key).and_then(Value::as_f64);
        let per_second =
            |key: &str| get(key).zip(get("sent")).zip(get("rate")).map(|((count, sent), rate)| count / sent * rate);
        let blocks = |key: &str| get(key).zip(get("block_ms")).map(|(ms, block)| ms / block);
        out.push(row(&[
            shown(get("validators"), 0),
            shown(get("rate"), 0),
            shown(per_second("accepted"), 0),
            shown(get("per_second"), 0),
            shown(get("block_ms"), 0),
            shown(get("median_ms"), 0),
            shown(get("p95_ms"), 0),
            shown(blocks("median_ms"), 2),
            shown(blocks("p95_ms"), 2),
        ]));
    }
    out.push("\nWhat a block costs by the number of peers, ms, and in brackets over building all trees anew".into());
    let sizes = all(result, "apply");
    out.push(line("", sizes.iter().map(|one| format!("{} peers", shown(number(one, "/peers"), 0)))));
    out.push(line("all trees anew", sizes.iter().map(|one| shown(number(one, "/anew"), 2))));
    for name in TIMES {
        let cell = |one: &Value| {
            let time = one.get("times").and_then(|times| times.get(name)).and_then(Value::as_f64);
            let share = time.zip(number(one, "/anew")).map(|(time, whole)| time / whole);
            format!("{} ({})", shown(time, 2), shown(share, 3))
        };
        out.push(line(name, sizes.iter().map(cell)));
    }
    for name in ["memory of a state", "snapshot"] {
        let cell = |one: &Value| {
            let bytes = one.get("sizes").and_then(|sizes| sizes.get(name)).and_then(Value::as_f64);
            format!("{} MiB", shown(bytes.map(|bytes| bytes / MEBIBYTE), 1))
        };
        out.push(line(name, sizes.iter().map(cell)));
    }
    out.push(
        "\nComing to know a chain of blocks with 8 updates each, from genesis or from the end of the last epoch".into(),
    );
    out.push(row(&[
        "begins from",
        "delay ms",
        "blocks",
        "seconds",
        "blocks/s",
        "questions",
        "MiB",
        "peak MiB",
        "replay/it",
    ]));
    for one in all(result, "catchup") {
        for (name, path) in [("genesis", "/replay"), ("snapshot", "/snapshot")] {
            let get = |key: &str| number(one, &format!("{path}/{key}"));
            let (blocks, seconds) = (get("blocks"), get("seconds"));
            let ratio = number(one, "/replay/seconds").zip(seconds).map(|(replay, seconds)| replay / seconds);
            out.push(row(&[
                name.into(),
                shown(number(one, "/delay_ms"), 0),
                shown(blocks, 0),
                shown(seconds, 2),
                shown(blocks.zip(seconds).map(|(blocks, seconds)| blocks / seconds), 0),
                shown(get("questions"), 0),
                shown(get("bytes").map(|bytes| bytes / MEBIBYTE), 2),
                shown(get("peak_mib"), 0),
                shown(ratio, 1),
            ]));
        }
    }
    out.join("\n")
}

/// The times of the table, as the example names them.
const TIMES: [&str; 8] = [
    "1 updates: the rest of apply",
    "256 updates: their signatures",
    "256 updates: the rest of apply",
    "1024 updates: the rest of apply",
    "2048 updates: the rest of apply",
    "end of an epoch",
    "snapshot: encode",
    "snapshot: decode",
];

const MEBIBYTE: f64 = 1_048_576.0;

fn all<'a>(result: &'a Value, key: &str) -> &'a [Value] {
    result.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn number(value: &Value, pointer: &str) -> Option<f64> {
    value.pointer(pointer).and_then(Value::as_f64)
}

/// A number with so many digits; a dash where there is none.
fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.digits$}"))
}

fn row<T: AsRef<str>>(cells: &[T; 9]) -> String {
    cells.iter().map(|cell| format!("{:>13}", cell.as_ref())).collect()
}

fn line(name: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: String = cells.map(|cell| format!("{cell:>22}")).collect();
    format!("{name:<34}{cells}")
}

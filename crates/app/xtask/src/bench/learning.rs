//! Figures of learning: a training step against TensorFlow.js in one browser, and what neighbours are worth, by experiments
//! over seeds with the loop and the models that run in a tab.

use crate::build;
use crate::setup::{self, For};
use crate::shell::{read, say};
use crate::test::in_node;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

/// Builds, measures, and prints tables or one JSON object; `quick` takes fewer steps and seeds. `data` is a folder with
/// `tinyshakespeare.txt` and `digits8x8.csv`; without it the project's own text and glyphs are learned.
pub fn run(json: bool, quick: bool, data: Option<&Path>) -> Result<()> {
    if let Some(folder) = data {
        for name in ["tinyshakespeare.txt", "digits8x8.csv"] {
            if !folder.join(name).is_file() {
                bail!("{} has no {name}; name a folder that has it, or leave `--data` out", folder.display());
            }
        }
    }
    let ready = setup::run(For::Browser)?;
    let shell = &ready.shell;
    build::all(shell)?;
    let program = build::learning(shell)?;
    say("Measuring:");
    say("  a step against TensorFlow.js");
    let mut race =
        in_node(shell, ready.browser.as_ref().context("set-up found no browser")?, "tests/learning/bench.mjs");
    let race = read(race.arg("--json"))?;
    let race: Value = serde_json::from_str(&race).context("tests/learning/bench.mjs printed no JSON")?;
    let mut experiments: Vec<Value> = Vec::new();
    for subject in SUBJECTS {
        say(format!("  {subject}"));
        let mut command = shell.command(&program);
        command.arg(subject).args(quick.then_some("--quick"));
        if let Some(folder) = data {
            command.arg("--data").arg(folder);
        }
        for line in read(&mut command)?.lines() {
            let value = serde_json::from_str(line).with_context(|| format!("{subject} printed `{line}`, no JSON"))?;
            experiments.push(value);
        }
    }
    let result = json!({"version": 1, "quick": quick, "race": race, "experiments": experiments});
    let text = if json { serde_json::to_string_pretty(&result)? } else { tables(&result) };
    writeln!(io::stdout(), "{text}").context("nobody reads the figures")
}

/// What the program measures, in this order.
const SUBJECTS: [&str; 6] = ["latency", "wire", "text", "tensor", "image", "hostile"];

/// The same for people.
fn tables(result: &Value) -> String {
    let mut out = Vec::new();
    for race in list(&result["race"]["races"]) {
        let side = |who: &str, what: &str| race[who][what].as_f64().unwrap_or(f64::NAN);
        out.push(format!(
            "\nA step on the {}: {:.1} ms, TensorFlow.js {:.1} ms, {:.2} times as fast; first step {:.2} times; launches {} and {}",
            race["device"].as_str().unwrap_or_default(),
            side("ours", "ms"),
            side("theirs", "ms"),
            race["ratio"].as_f64().unwrap_or(f64::NAN),
            race["first"].as_f64().unwrap_or(f64::NAN),
            side("ours", "launches"),
            side("theirs", "launches"),
        ));
    }
    for experiment in list(&result["experiments"]) {
        let Some(fields) = experiment.as_object() else { continue };
        let words =
            ["subject", "arm", "encoding"].map(|name| fields.get(name).and_then(Value::as_str).unwrap_or_default());
        out.push(format!("\n{}", words.join(" ").trim()));
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_string()) {
            out.push(format!("  {name:<28}{}", shown(value)));
        }
    }
    out.join("\n")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A number, a mean with its interval, or a list of them.
fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("{:.4}", number.as_f64().unwrap_or(f64::NAN)),
        Value::Object(interval) if interval.contains_key("half") => {
            format!("{} ± {}", shown(&interval["mean"]), shown(&interval["half"]))
        }
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join("  "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_shown_as_such() {
        assert_eq!(shown(&json!({"mean": 1.5, "half": 0.25, "values": 5})), "1.5000 ± 0.2500");
        assert_eq!(shown(&json!([1, 2.5])), "1.0000  2.5000");
        let experiment = json!({"subject": "text", "arm": "peers", "whole": {"mean": 3.0, "half": 0.1, "values": 5}});
        let text = tables(&json!({"race": {}, "experiments": [experiment]}));
        assert!(text.contains("text peers\n  whole                       3.0000 ± 0.1000"), "{text}");
    }
}

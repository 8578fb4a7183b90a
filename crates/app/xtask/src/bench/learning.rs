//! Figures of learning: what neighbours are worth, by experiments over seeds with the loop and the models that run in a tab. A step
//! against TensorFlow.js is a script's to measure.

use super::lines::{objects, table};
use super::table::Table;
use crate::build;
use crate::shell::{Shell, read, say};
use anyhow::{Result, bail};
use std::path::Path;

/// Builds and measures; `quick` takes fewer steps and seeds. `data` is a folder with `tinyshakespeare.txt` and
/// `digits8x8.csv`; without it the project's own text and glyphs are learned.
pub fn run(shell: &Shell, quick: bool, data: Option<&Path>) -> Result<Vec<Table>> {
    let program = build::study(shell, "learning")?;
    let mut tables = Vec::new();
    for Subject { name, title, columns, units } in SUBJECTS {
        say(format!("  {name}"));
        let mut command = shell.command(&program);
        command.arg(name).args(quick.then_some("--quick"));
        if let Some(folder) = data {
            command.arg("--data").arg(folder);
        }
        let printed = objects(name, &read(&mut command)?)?;
        let mut all = table(title, &printed, columns, units);
        all.notes.push("Means over seeds with the 95 % interval of the mean, where there are several.".into());
        tables.push(all);
    }
    Ok(tables)
}

/// Whether `folder` has what is learned.
pub fn look(folder: &Path) -> Result<()> {
    for name in ["tinyshakespeare.txt", "digits8x8.csv"] {
        if !folder.join(name).is_file() {
            bail!("{} has no {name}; name a folder that has it, or leave `--data` out", folder.display());
        }
    }
    Ok(())
}

/// An experiment.
struct Subject {
    /// As the program names it.
    name: &'static str,
    title: &'static str,
    /// Fields that name a column.
    columns: &'static [&'static str],
    /// Of its fields; the others are shares, scores or correlations.
    units: &'static [(&'static str, &'static str)],
}

/// What the program measures, in this order.
const SUBJECTS: [Subject; 6] = [
    Subject {
        name: "latency",
        title: "What waiting for neighbours costs",
        columns: &["peers", "delay_ms"],
        units: &[("alone", "steps/s"), ("with_peers", "steps/s")],
    },
    Subject {
        name: "wire",
        title: "What is lost by sending less",
        columns: &["encoding"],
        units: &[("bytes_a_step", "bytes"), ("with_peers", "nats"), ("worse", "nats")],
    },
    Subject {
        name: "text",
        title: "What neighbours are worth on one language",
        columns: &["arm"],
        units: &[("whole", "bits/byte"), ("own", "bits/byte"), ("student", "bits/byte"), ("seeds", "bits/byte")],
    },
    Subject {
        name: "tensor",
        title: "What neighbours are worth that hold other digits, as TENSOR",
        columns: &[],
        units: GAINS,
    },
    Subject {
        name: "image",
        title: "What neighbours are worth that hold other digits, as IMAGE",
        columns: &[],
        units: GAINS,
    },
    Subject {
        name: "hostile",
        title: "Neighbours that give nothing",
        columns: &[],
        units: &[
            ("single_removal", "nats"),
            ("joint_removal", "nats"),
            ("among_all", "nats"),
            ("among_honest", "nats"),
        ],
    },
];

/// Of the digits.
const GAINS: &[(&str, &str)] = &[
    ("holders", "nats"),
    ("strangers", "nats"),
    ("holders_less_strangers", "nats"),
    ("holders_exact", "nats"),
    ("strangers_exact", "nats"),
];

//! Figures of learning with others, one JSON object a line: what neighbours are worth, what becomes of those that are worth
//! nothing, what a delay costs.
//!
//! ```text
//! cargo run --example learning -- [--data FOLDER] [--quick] [--seeds N] [SUBJECT…]
//! ```
//!
//! `FOLDER` holds `tinyshakespeare.txt` and `digits8x8.csv`. Without it the text is this project's own documentation and
//! the pictures are its own glyphs.

#![allow(clippy::print_stdout, reason = "a program that prints")]
#![recursion_limit = "256"]

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use data::{Dataset, Options, glyphs};
use model::Preset;
use peerage_study::{
    digits::Digits,
    hostile::Hostile,
    latency::Latency,
    text::{Arm, Text},
    wire::Wire,
};
use serde::Serialize;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Figures of learning with others.
#[derive(Parser)]
struct Arguments {
    /// Folder with `tinyshakespeare.txt` and `digits8x8.csv`
    #[arg(long)]
    data: Option<PathBuf>,
    /// Fewer steps and seeds
    #[arg(long)]
    quick: bool,
    /// Seeds; five, or two with `--quick`
    #[arg(long)]
    seeds: Option<u64>,
    /// What is measured; everything without one
    subjects: Vec<Subject>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Subject {
    Text,
    Tensor,
    Image,
    Hostile,
    Latency,
    Wire,
}

fn main() -> Result<()> {
    let options = Arguments::parse();
    let seeds = options.seeds.unwrap_or(if options.quick { 2 } else { 5 });
    let subjects =
        if options.subjects.is_empty() { Subject::value_variants().to_vec() } else { options.subjects.clone() };
    let text = options.text()?;
    for subject in subjects {
        match subject {
            Subject::Text => options.learn_text(&text, seeds)?,
            Subject::Tensor => options.learn_digits("tensor", &options.table(None)?, seeds)?,
            Subject::Image => options.learn_digits("image", &options.pictures()?, seeds)?,
            Subject::Hostile => options.hostile(&text, seeds)?,
            Subject::Latency => options.latency(&text)?,
            Subject::Wire => options.wire(&text, seeds)?,
        }
    }
    Ok(())
}

impl Arguments {
    fn learn_text(&self, text: &[u8], seeds: u64) -> Result<()> {
        let steps = if self.quick { 120 } else { 600 };
        let study = Text { text, residents: 8, steps, batches: 24, preset: Preset::small(), seeds };
        for arm in [Arm::Peers, Arm::Alone, Arm::Longer, Arm::Untrained, Arm::Noise] {
            print("text", &study.run(&[arm])?[0])?;
        }
        Ok(())
    }

    fn learn_digits(&self, name: &str, all: &Dataset, seeds: u64) -> Result<()> {
        let steps = if self.quick { 120 } else { 400 };
        let study = Digits {
            all: all.clone(),
            labels: 10,
            peers: 9,
            held: 4,
            others: 0.1,
            steps,
            batches: 64,
            preset: Preset { batch: 16, ..Preset::small() },
            seeds,
        };
        print(name, &study.run()?)
    }

    fn hostile(&self, text: &[u8], seeds: u64) -> Result<()> {
        let preset = Preset::small();
        let datasets = shards(text, &preset)?;
        let steps = if self.quick { 120 } else { 400 };
        print("hostile", &Hostile { datasets, steps, batches: 16, preset, seeds }.run()?)
    }

    fn wire(&self, text: &[u8], seeds: u64) -> Result<()> {
        let preset = Preset::small();
        let steps = if self.quick { 100 } else { 300 };
        for row in (Wire { datasets: shards(text, &preset)?, steps, batches: 16, preset, seeds }).run()? {
            print("wire", &row)?;
        }
        Ok(())
    }

    fn latency(&self, text: &[u8]) -> Result<()> {
        let preset = Preset::small();
        let dataset = Dataset::text(text, Some("own"), preset.seq)?;
        let (steps, rounds) = if self.quick { (40, 3) } else { (100, 5) };
        let delays = [0, 50, 150].map(Duration::from_millis);
        for row in (Latency { dataset, preset, steps, rounds }).run(&[2, 8], &delays)? {
            print("latency", &row)?;
        }
        Ok(())
    }

    fn text(&self) -> Result<Vec<u8>> {
        match &self.data {
            Some(folder) => read(&folder.join("tinyshakespeare.txt")),
            None => Ok(BUNDLED.concat().into_bytes()),
        }
    }

    fn table(&self, square: Option<usize>) -> Result<Dataset> {
        let options = Options { square, ..Options::default() };
        match &self.data {
            Some(folder) => Ok(Dataset::table(&read(&folder.join("digits8x8.csv"))?, &options)?),
            None => Ok(Dataset::glyphs(&glyphs::bundled(), 28)?.restrict(&(0..10).collect::<Vec<_>>())?),
        }
    }

    fn pictures(&self) -> Result<Dataset> {
        match &self.data {
            Some(_) => self.table(Some(2)),
            None => Ok(Dataset::glyphs(&glyphs::bundled(), 7)?.restrict(&(0..10).collect::<Vec<_>>())?),
        }
    }
}

/// Of the watched peer and of three residents.
fn shards(text: &[u8], preset: &Preset) -> Result<Vec<Dataset>> {
    Ok(peerage_study::text::shards(text, 4, preset.seq)?)
}

const BUNDLED: [&str; 4] = [
    include_str!("../../../../README.md"),
    include_str!("../../../../ARCHITECTURE.md"),
    include_str!("../../../../THREATS.md"),
    include_str!("../../../../docs/operations.md"),
];

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read; name the folder that holds it", path.display()))
}

fn print(subject: &str, figures: &impl Serialize) -> Result<()> {
    let mut value = serde_json::to_value(figures)?;
    if let Some(object) = value.as_object_mut() {
        object.insert("subject".into(), subject.into());
    }
    println!("{value}");
    Ok(())
}

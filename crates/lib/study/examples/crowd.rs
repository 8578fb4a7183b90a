//! Figures of many tabs on virtual time: one JSON object a line for each number of tabs and model, then how they grow.
//!
//!     cargo run --example crowd -- [--quick] [--seeds N] [--first SEED] [--each] [--tabs N]… [--model M]… [--warm S] [--counted S] [--measure]

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints")]
#![recursion_limit = "256"]

use anyhow::Result;
use clap::{Parser, ValueEnum};
use peerage_study::crowd::effort::{Effort, shortlist_ms};
use peerage_study::crowd::{Crowd, Directory, Growth};
use std::time::Instant;

/// Figures of many tabs.
#[derive(Parser)]
struct Arguments {
    /// Fewer tabs and seeds, less virtual time
    #[arg(long)]
    quick: bool,
    /// Seeds; three, or two with `--quick`
    #[arg(long)]
    seeds: Option<u64>,
    /// The first of them
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Print each run too
    #[arg(long)]
    each: bool,
    /// Numbers of tabs; 100, 1,000 and 10,000, or 30, 100 and 300 with `--quick`
    #[arg(long)]
    tabs: Vec<usize>,
    /// Virtual seconds before counting
    #[arg(long)]
    warm: Option<u64>,
    /// Virtual seconds counted
    #[arg(long)]
    counted: Option<u64>,
    /// Models: islands as they are, sampled listings, one node for all; all three without one
    #[arg(long, value_enum)]
    model: Vec<Model>,
    /// Measure on this machine what a step, an answer and a gradient take, and nothing else
    #[arg(long)]
    measure: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Model {
    Islands,
    Sampled,
    Shared,
}

fn main() -> Result<()> {
    let options = Arguments::parse();
    if options.measure {
        let shortlist = [10_000, 100_000, 1_000_000].map(|peers| (peers, shortlist_ms(peers)));
        let effort = Effort::measure(9, 12)?;
        println!("{}", serde_json::json!({"subject": "effort", "effort": effort, "shortlist_ms": shortlist}));
        return Ok(());
    }
    let seeds = options.seeds.unwrap_or(if options.quick { 2 } else { 3 });
    let sizes = match (&options.tabs[..], options.quick) {
        ([], false) => vec![100, 1_000, 10_000],
        ([], true) => vec![30, 100, 300],
        (given, _) => given.to_vec(),
    };
    let models = if options.model.is_empty() { Model::value_variants().to_vec() } else { options.model.clone() };
    let mut rows = Vec::new();
    for model in models {
        let directory = match model {
            Model::Islands => Directory::Islands,
            Model::Sampled => Directory::Sampled,
            Model::Shared => Directory::Shared,
        };
        for tabs in &sizes {
            let began = Instant::now();
            let mut crowd = Crowd::of(*tabs, directory);
            crowd.warm = options.warm.unwrap_or(if options.quick { 6 } else { crowd.warm });
            crowd.counted = options.counted.unwrap_or(if options.quick { 6 } else { crowd.counted });
            let mut runs = Vec::new();
            for seed in options.first..options.first + seeds {
                let run = crowd.run(seed)?.0;
                if options.each {
                    let figures = run.named();
                    let run = serde_json::json!({"subject": "run", "tabs": tabs, "directory": directory, "seed": seed, "figures": figures});
                    println!("{run}");
                }
                runs.push(run);
            }
            let row = crowd.row_of(&runs);
            let mut value = serde_json::to_value(&row)?;
            if let Some(object) = value.as_object_mut() {
                object.insert("subject".into(), "crowd".into());
            }
            println!("{value}");
            eprintln!("{tabs} tabs, {directory:?}: {:.1} s", began.elapsed().as_secs_f64());
            rows.push(row);
        }
        let mut value = serde_json::to_value(Growth::of(directory, &rows))?;
        if let Some(object) = value.as_object_mut() {
            object.insert("subject".into(), "growth".into());
        }
        println!("{value}");
    }
    Ok(())
}

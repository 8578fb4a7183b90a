//! Random faults on the whole system: builds it and starts the script that breaks it (`tests/torture`).

use crate::build;
use crate::setup::{self, For};
use crate::shell::{finish, keep_stdout_clear, say};
use crate::test::in_node;
use anyhow::{Context, Result};
use clap::Args;
use std::path::PathBuf;

/// How long, and from which seed.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How long new rounds begin
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Draw these faults again [default: others every time; the seed is printed]
    #[arg(long)]
    seed: Option<String>,
    /// Tabs
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=8))]
    tabs: u32,
    /// Peers without a browser
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=8))]
    residents: u32,
    /// Draw this fault alone; may be repeated
    #[arg(long, value_name = "FAULT")]
    only: Vec<String>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// File for the JSON object [default: one in the folder of temporary files]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Builds, runs, and prints the report; an error when an invariant is broken.
pub fn run(options: &Options) -> Result<()> {
    if options.json {
        keep_stdout_clear();
    }
    let ready = setup::run(For::Browser)?;
    build::all(&ready.shell)?;
    let browser = ready.browser.as_ref().context("set-up found no browser")?;
    let mut command = in_node(&ready.shell, browser, "tests/torture/torture.mjs");
    command.args(["--minutes", &options.minutes.to_string(), "--tabs", &options.tabs.to_string()]);
    command.args(["--residents", &options.residents.to_string()]);
    command.args(options.seed.iter().flat_map(|seed| ["--seed", seed.as_str()]));
    command.args(options.only.iter().flat_map(|name| ["--only", name.as_str()]));
    command.args(options.json.then_some("--json"));
    if let Some(report) = &options.report {
        command.arg("--report").arg(report);
    }
    say("Torture:");
    finish(&mut command).context("something is broken")
}

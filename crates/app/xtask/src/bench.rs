//! Benchmarks: one report of everything that is measured, or of one subject.
//!
//! Scripts measure in headless browsers, programs what needs none; all give tables of one form ([`table`]). What fails is told in the
//! report and does not lose the rest.

mod crowd;
mod learning;
mod ledger;
mod light;
mod lines;
mod machine;
mod table;

use crate::build;
use crate::setup::{self, For, Ready};
use crate::shell::{duration, keep_stdout_clear, read, run as run_it, say};
use crate::test::in_node;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use machine::{Machine, Source};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use table::Table;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// What opening the page costs: to read, to join, to a first step, long tasks, sizes against budgets (5 minutes)
    Page,
    /// Training in a tab, alone and with a development network (3 minutes)
    Tab,
    /// A training step against TensorFlow.js in the same browser; what neighbours are worth, over seeds (40 minutes)
    Learning,
    /// Whole epochs of every mechanism, natively and in a tab (3 minutes)
    Mechanism,
    /// Streams of a direct connection beside bare data channels and js-libp2p (1 minute)
    Webrtc,
    /// What a light client costs, natively and in a tab: following, proofs, audits, a cold start (2 minutes)
    Light,
    /// Validators under load, the cost of a block by the number of peers, catching up (7 minutes)
    Ledger,
    /// 100, 1,000 and 10,000 tabs on virtual time: connections, bytes, heads, slowdown (30 minutes)
    Crowd,
    /// Eight tabs and four validators for half an hour: whether memory and speed stay flat, what a volunteer gives
    Soak,
}

/// What is asked of a run.
pub struct Options<'a> {
    /// What to measure; everything without one.
    pub subjects: &'a [Subject],
    /// One JSON object on standard output instead of tables.
    pub json: bool,
    /// Measure less, and less sure.
    pub quick: bool,
    /// Folder with real data for the experiments with learning peers.
    pub data: Option<&'a Path>,
}

/// What a run measured.
#[derive(Serialize)]
struct Report {
    version: u32,
    quick: bool,
    machine: Machine,
    source: Source,
    subjects: Vec<Measured>,
}

/// What came of a subject.
#[derive(Serialize)]
struct Measured {
    subject: Subject,
    /// The line of its description.
    about: String,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    browser: Option<String>,
    tables: Vec<Table>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What a script prints.
#[derive(Deserialize)]
struct Printed {
    browser: Option<String>,
    tables: Vec<Table>,
}

/// Builds, measures, prints, and leaves the report as `report.json` and a page in the build folder's `bench`.
///
/// # Errors
/// At the end, where a subject could not be measured.
pub fn run(options: &Options) -> Result<()> {
    if options.json {
        keep_stdout_clear();
    }
    options.data.map_or(Ok(()), learning::look)?;
    let all = Subject::value_variants();
    let subjects = if options.subjects.is_empty() { all } else { options.subjects };
    let ready = setup::run(For::Browser)?;
    let shell = &ready.shell;
    let mut report = Report {
        version: 2,
        quick: options.quick,
        machine: Machine::here(shell),
        source: Source::here(shell),
        subjects: Vec::new(),
    };
    for subject in subjects {
        say(format!("Measuring {}:", subject.name()));
        let since = Instant::now();
        let measured = subject.measure(&ready, options);
        let seconds = since.elapsed();
        say(format!("  {}  [{}]", if measured.is_ok() { "measured" } else { "failed" }, duration(seconds)));
        let (printed, error) = match measured {
            Ok(printed) => (printed, None),
            Err(error) => (Printed { browser: None, tables: Vec::new() }, Some(format!("{error:#}"))),
        };
        report.subjects.push(Measured {
            subject: *subject,
            about: subject.about(),
            seconds: seconds.as_secs_f64(),
            browser: printed.browser,
            tables: printed.tables,
            error,
        });
    }
    let text = if options.json { serde_json::to_string_pretty(&report)? } else { report.text() };
    writeln!(io::stdout(), "{text}").context("nobody reads the figures")?;
    say(format!("\nAs a page: {}", report.keep(&ready)?.display()));
    match report.subjects.iter().filter(|one| one.error.is_some()).count() {
        0 => Ok(()),
        failed => bail!("{failed} of {} subjects could not be measured", report.subjects.len()),
    }
}

impl Subject {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn about(self) -> String {
        let value = self.to_possible_value();
        value.and_then(|value| Some(value.get_help()?.to_string())).unwrap_or_default()
    }

    fn measure(self, ready: &Ready, options: &Options) -> Result<Printed> {
        let shell = &ready.shell;
        let native = |tables| Ok(Printed { browser: None, tables });
        let script = match self {
            Self::Ledger => return native(ledger::run(shell, options.quick)?),
            Self::Crowd => return native(crowd::run(shell, options.quick)?),
            Self::Tab => build::all(shell).map(|()| "tests/e2e/bench.mjs"),
            Self::Page => build::all(shell).map(|()| "tests/page/bench.mjs"),
            Self::Learning => build::all(shell).map(|()| "tests/learning/bench.mjs"),
            Self::Light => light::build(shell).map(|()| "tests/light/bench.mjs"),
            Self::Mechanism => build::epochs(shell).map(|()| "tests/mechanism/bench.mjs"),
            Self::Soak => build::all(shell).map(|()| "tests/soak/bench.mjs"),
            Self::Webrtc => build::probe(shell).map(|()| "tests/webrtc/bench.mjs"),
        }?;
        let mut command = in_node(shell, ready.browser.as_ref().context("set-up found no browser")?, script);
        command.env("PEERAGE_LIGHT", light::folder(shell)).args(options.quick.then_some("--quick"));
        let text = read(&mut command)?;
        let mut printed: Printed =
            serde_json::from_str(&text).with_context(|| format!("{script} printed no tables"))?;
        if self == Self::Learning {
            printed.tables.extend(learning::run(shell, options.quick, options.data)?);
        }
        Ok(printed)
    }
}

impl Report {
    fn text(&self) -> String {
        let Machine { processor, cores, system, load, .. } = &self.machine;
        let load = load.map_or_else(String::new, |load| format!(", load {load} at the start"));
        let versions: Vec<String> =
            self.source.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let mut out = vec![
            format!("{processor}, {cores} cores, {system}{load}"),
            format!("commit {}; {}", self.source.commit, versions.join(", ")),
        ];
        for one in &self.subjects {
            let browser = one.browser.as_ref().map_or_else(String::new, |browser| format!(" in {browser}"));
            out.push(format!("\n== {}{browser}: {}", one.subject.name(), one.about));
            out.extend(one.error.as_ref().map(|error| format!("\nNot measured: {error}")));
            out.extend(one.tables.iter().map(|table| format!("\n{}", table.text())));
        }
        let missed: Vec<String> = self.subjects.iter().flat_map(|one| &one.tables).flat_map(Table::missed).collect();
        if !missed.is_empty() {
            out.push("\n== Aims that are missed".into());
            out.extend(missed);
        }
        out.join("\n")
    }

    /// Leaves it as JSON and as a page; gives the page.
    fn keep(&self, ready: &Ready) -> Result<PathBuf> {
        let folder = ready.shell.workspace.target.join("bench");
        fs::create_dir_all(&folder)?;
        let json = folder.join("report.json");
        fs::write(&json, serde_json::to_string(self)?).with_context(|| format!("cannot write {}", json.display()))?;
        let page = folder.join("index.html");
        run_it(ready.shell.command("node").arg("tests/bench/page.mjs").arg(&json).arg(&page))?;
        Ok(page)
    }
}

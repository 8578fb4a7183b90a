//! `peerage lab`: runs scenarios and prints what they give, or draws it into a file.
//!
//! It starts no runtime and opens no connection: a scenario is arithmetic. What was wrong with the command line is one
//! sentence, before the scenario runs; a reader who closes the pipe is no error.

mod summary;

use crate::{
    cli::{Lab, Output, Run},
    fault, say,
};
use anyhow::{Context, Result, bail};
use lab::{
    LabError, Report, Scenario, all, draw, find,
    scenario::{Range, Setting},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// Does what was asked.
pub fn run(options: Lab) -> Result<()> {
    match options {
        Lab::List { json: false } => print(&summary::list(all())),
        Lab::List { json: true } => print_json(&all().iter().map(|scenario| described(scenario)).collect::<Value>()),
        Lab::Run(run) => report(run),
    }
}

fn report(Run { scenario, seed, given, output }: Run) -> Result<()> {
    let scenario = find(&scenario)?;
    let given = given.iter().map(|(name, text)| (*name, text.as_str()));
    let settings = scenario.settings(seed, given).map_err(|error| explained(scenario, error))?;
    if let Output::Svg(file) = &output {
        writable(file)?;
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| scenario.report(&settings)));
    let Ok(outcome) = outcome else { bail!("the scenario {} is faulty{}", scenario.name, fault::why()) };
    let report = outcome.map_err(|error| explained(scenario, error))?;
    match output {
        Output::Summary => print(&summary::of(scenario, &report)),
        Output::Json => print_json(&report),
        Output::Csv => print(&report.csv()),
        Output::Svg(file) => draw_into(&file, &report),
    }
}

/// What was wrong with the settings, and where to read more; or what ended the run.
fn explained(scenario: &Scenario, error: LabError) -> anyhow::Error {
    let name = scenario.name;
    match error {
        LabError::Fault(_) | LabError::NotDefined(_) | LabError::Rows(_) => {
            anyhow::Error::new(error).context(format!("the scenario {name} did not end well"))
        }
        _ => anyhow::anyhow!("{error} (`peerage lab {name} --help` lists what can be set)"),
    }
}

/// Looks whether the file has a folder, before a long run.
fn writable(file: &Path) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if file.is_dir() {
        bail!("{} is a folder; name a file with --svg", file.display());
    }
    if !folder.is_dir() {
        bail!("there is no folder {}; make it, or name another file with --svg", folder.display());
    }
    Ok(())
}

fn draw_into(file: &Path, report: &Report) -> Result<()> {
    let svg = draw::svg(report)?;
    if file == Path::new("-") {
        return print(&svg);
    }
    fs::write(file, &svg).with_context(|| format!("cannot write {}; name another file with --svg", file.display()))?;
    say::aside(format!("{} is written ({})", file.display(), say::bytes(svg.len())));
    Ok(())
}

fn print_json(value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).context("the report has no JSON")?;
    text.push('\n');
    print(&text)
}

fn print(text: &str) -> Result<()> {
    say::result(text).context("cannot write to standard output")
}

/// A scenario as an object, for other programs.
fn described(scenario: &Scenario) -> Value {
    let settings: Vec<Value> = scenario.settings.iter().map(setting).collect();
    let Scenario { name, title, about, random, .. } = scenario;
    json!({ "name": name, "title": title, "about": about, "random": random, "settings": settings })
}

fn setting(setting: &Setting) -> Value {
    let Setting { name, about, range } = setting;
    let default = range.default();
    match range {
        Range::Number { least, most, .. } => {
            json!({ "name": name, "about": about, "kind": "number", "default": default, "least": least, "most": most })
        }
        Range::Whole { least, most, .. } => {
            json!({ "name": name, "about": about, "kind": "whole", "default": default, "least": least, "most": most })
        }
        Range::Choice(among) => {
            json!({ "name": name, "about": about, "kind": "choice", "default": default, "among": among })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_is_described_with_its_ranges() {
        let cabal = described(find("cabal-decay").unwrap());
        assert_eq!(cabal["settings"][0]["among"][0], "trust");
        assert_eq!(cabal["settings"][1]["least"], 1);
        assert_eq!(cabal["settings"][2]["default"], 0.49);
    }

    #[test]
    fn what_does_not_go_together_is_said_once_and_with_a_hint() {
        let scenario = find("loose-stake").unwrap();
        let settings = scenario.settings(0, [("first", "0.8"), ("second", "0.8")]).unwrap();
        let error = explained(scenario, scenario.report(&settings).unwrap_err());
        assert_eq!(
            format!("{error:#}"),
            "first + second is 1.6, but must be at most 1 (`peerage lab loose-stake --help` lists what can be set)"
        );
        let half = lab::chain::sparse(&[vec![0.5]]).unwrap_err();
        let expected = format!("the scenario loose-stake did not end well: {half}");
        assert_eq!(format!("{:#}", explained(scenario, half)), expected);
    }
}

//! The figures of the documentation: each scenario of the lab with its defaults, drawn by the native program;
//! and its pictures of the page and the lab, drawn by a browser.
//!
//! The same program draws the same bytes, so a figure differs only where a scenario or a mechanism does. A browser's pictures
//! differ with its fonts.

use crate::build;
use crate::lab;
use crate::setup::{self, For};
use crate::shell::{Shell, finish, read, say, step};
use crate::test::in_node;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Builds the program and draws the scenarios of these names, or all where none is given.
pub fn run(wanted: &[String]) -> Result<()> {
    let ready = setup::run(For::Run)?;
    let shell = &ready.shell;
    build::program(shell)?;
    let listed = read(shell.command(shell.workspace.program()).args(["lab", "list", "--json"]))?;
    let scenarios = chosen(&names(&listed)?, wanted)?;
    let folder = shell.workspace.root.join(FIGURES);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    say(format!("Drawing figures into {FIGURES}:"));
    scenarios.iter().try_for_each(|scenario| draw(shell, &folder, scenario))
}

/// Builds the lab and has a browser draw the screens whose names hold one of these parts, or all where none is given.
pub fn screens(parts: &[String]) -> Result<()> {
    let ready = setup::run(For::Browser)?;
    lab::build(&ready.shell)?;
    let browser = ready.browser.as_ref().context("set-up found no browser")?;
    say(format!("Drawing screens into {SCREENS}:"));
    let mut command = in_node(&ready.shell, browser, "tests/screens/draw.mjs");
    finish(command.args(parts)).context("not every screen was drawn")
}

fn draw(shell: &Shell, folder: &Path, scenario: &str) -> Result<()> {
    let since = Instant::now();
    let file = folder.join(scenario).with_extension("svg");
    let before = fs::read(&file).ok();
    read(shell.command(shell.workspace.program()).args(["lab", scenario, "--svg"]).arg(&file))?;
    let after = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let state = match before {
        None => "new",
        Some(before) if before == after => "same",
        Some(_) => "changed",
    };
    step(scenario, state, &format!("{} kB", after.len().div_ceil(1000)), since);
    Ok(())
}

/// Names of the scenarios, as the program lists them.
fn names(listed: &str) -> Result<Vec<String>> {
    let listed: Value = serde_json::from_str(listed).context("`peerage lab list --json` did not print JSON")?;
    let scenarios = listed.as_array().context("`peerage lab list --json` printed no array")?;
    let name = |scenario: &Value| scenario["name"].as_str().map(str::to_owned);
    scenarios.iter().map(name).collect::<Option<_>>().context("`peerage lab list --json` left out a name")
}

/// Those that are wanted, in the order of the list; all where nothing is said.
fn chosen(names: &[String], wanted: &[String]) -> Result<Vec<String>> {
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
        bail!("there is no scenario {unknown}; there are {}", names.join(", "));
    }
    Ok(names.iter().filter(|name| wanted.is_empty() || wanted.contains(name)).cloned().collect())
}

/// Where they lie in the checkout.
const FIGURES: &str = "docs/mechanisms/figures";
/// Where the pictures of the page and the lab lie.
const SCREENS: &str = "docs/screens";

#[cfg(test)]
mod tests {
    use super::{chosen, names};

    #[test]
    fn scenarios_are_chosen_by_name_or_all() {
        let all = names(r#"[{"name": "a", "title": "A"}, {"name": "b"}]"#).unwrap();
        assert_eq!(chosen(&all, &[]).unwrap(), ["a", "b"]);
        assert_eq!(chosen(&all, &["b".to_owned()]).unwrap(), ["b"]);
        assert_eq!(chosen(&all, &["c".to_owned()]).unwrap_err().to_string(), "there is no scenario c; there are a, b");
        assert!(names("{}").is_err() && names(r#"[{"title": "A"}]"#).is_err());
    }
}

//! First figures, measured in a headless browser against a development network (tests/e2e/bench.mjs).

use crate::build;
use crate::setup::{self, For};
use crate::shell::{finish, keep_stdout_clear, say};
use crate::test::with_paths;
use anyhow::{Context, Result};

/// Builds, measures, and prints a table or one JSON object.
pub fn run(json: bool) -> Result<()> {
    if json {
        keep_stdout_clear();
    }
    let ready = setup::run(For::Test)?;
    build::all(&ready.shell)?;
    let mut command = ready.shell.command("node");
    command.arg("tests/e2e/bench.mjs").args(json.then_some("--json"));
    with_paths(&mut command, &ready.shell, ready.browser.as_ref().context("set-up found no browser")?);
    say("Measuring (about 3 minutes):");
    finish(&mut command).context("the measurement did not finish")
}

//! What a light client costs: builds the program that measures it, for speed, natively and for a tab. The measurement is a script's,
//! which drives both.

use crate::build::bindgen;
use crate::shell::{Shell, run, say, step};
use crate::toolchain::TARGET;
use anyhow::Result;
use std::path::PathBuf;
use std::time::Instant;

/// Builds it.
pub fn build(shell: &Shell) -> Result<()> {
    let since = Instant::now();
    say("Building the program that measures the light client (10 minutes on two cores the first time):");
    let example = ["build", "--locked", "--release", "--package", "peerage-light", "--example", "measure"];
    run(&mut shell.cargo(example))?;
    run(shell.cargo(example).args(["--target", TARGET]))?;
    bindgen(shell, "measure", &folder(shell))?;
    step("measure", "built", &folder(shell).display().to_string(), since);
    Ok(())
}

/// Where the module for the tab is, and the bytes that both measure on.
pub fn folder(shell: &Shell) -> PathBuf {
    shell.workspace.target.join("light")
}

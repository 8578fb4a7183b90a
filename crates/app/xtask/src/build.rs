//! Builds the native program, the site and the packages for npm, and starts a development network.
//!
//! Four profiles: `dev` for everything native, `release` for the model and the lab in the tab, `small` for the page and its auditor,
//! `client` for the npm package.

use crate::client;
use crate::package;
use crate::setup::{self, For};
use crate::shell::{Shell, run as run_it, say, step};
use crate::site;
use crate::toolchain::TARGET;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Set-up, then all of it.
pub fn run() -> Result<setup::Ready> {
    let ready = setup::run(For::Run)?;
    all(&ready.shell)?;
    Ok(ready)
}

/// Builds all of it on a machine that is set up.
pub fn all(shell: &Shell) -> Result<()> {
    program(shell)?;
    // The site holds it too.
    client::build(shell)?;
    tab(shell)
}

/// Builds the page that direct connections between browsers are tested and measured with.
pub fn probe(shell: &Shell) -> Result<()> {
    let since = Instant::now();
    say("Building the probe of direct connections (a minute on two cores, more the first time):");
    let example = ["--package", "peerage-webrtc", "--example", "probe"];
    run_it(shell.cargo(["build", "--locked", "--release", "--target", TARGET]).args(example))?;
    bindgen(shell, "probe", &shell.workspace.probe())?;
    step("probe", "built", &shell.workspace.probe().display().to_string(), since);
    Ok(())
}

/// Builds the program that times epochs, natively and for a tab.
pub fn epochs(shell: &Shell) -> Result<()> {
    let since = Instant::now();
    say("Building the program that times epochs (a minute on two cores the first time):");
    let example = ["build", "--locked", "--package", "peerage-lab", "--example", "epochs"];
    run_it(&mut shell.cargo(example))?;
    run_it(shell.cargo(example).args(["--release", "--target", TARGET]))?;
    bindgen(shell, "epochs", &shell.workspace.epochs())?;
    step("epochs", "built", &shell.workspace.epochs().display().to_string(), since);
    Ok(())
}

/// Builds the programs that measure the ledger and its engine, for speed.
pub fn ledger(shell: &Shell) -> Result<()> {
    let since = Instant::now();
    say("Building the programs that measure the ledger (about 10 minutes on two cores the first time):");
    let mut build = shell.cargo(["build", "--locked", "--release"]);
    build.args(["--package", "peerage-ledger", "--package", "peerage-consensus"]);
    for example in ["apply", "throughput", "catchup"] {
        build.args(["--example", example]);
    }
    run_it(&mut build)?;
    step("programs", "built", "apply, throughput, catchup", since);
    Ok(())
}

/// Builds a program of experiments with peers, as everything native is built; gives its place.
pub fn study(shell: &Shell, example: &str) -> Result<PathBuf> {
    let since = Instant::now();
    run_it(&mut shell.cargo(["build", "--locked", "--package", "peerage-study", "--example", example]))?;
    step("program", "built", example, since);
    Ok(shell.workspace.target.join("debug/examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX)))
}

/// Makes a module for browsers of an example that was built for the tab.
pub fn bindgen(shell: &Shell, example: &str, folder: &Path) -> Result<()> {
    let mut bindgen = shell.command("wasm-bindgen");
    bindgen.args(["--target", "web", "--out-name", example, "--out-dir"]).arg(folder);
    bindgen.arg(shell.workspace.target.join(TARGET).join("release/examples").join(format!("{example}.wasm")));
    run_it(&mut bindgen)
}

/// Builds, then becomes `peerage dev` with these arguments.
pub fn dev(arguments: &[String]) -> Result<()> {
    let ready = run()?;
    let mut command = ready.shell.command(ready.shell.workspace.program());
    command.arg("dev").arg("--site").arg(ready.shell.workspace.site()).args(arguments);
    // Relative paths mean the folder in which the command was typed.
    command.current_dir(std::env::current_dir()?);
    become_it(command)
}

/// Builds the native program on a machine that is set up.
pub fn program(shell: &Shell) -> Result<()> {
    let since = Instant::now();
    say("Building the native program (about 15 minutes on two cores the first time):");
    // There are no examples: naming them makes cargo choose the features that the tests choose, so that building and
    // testing share what they compile (else all of Burn is compiled twice).
    run_it(&mut shell.cargo(["build", "--locked", "--package", "peerage-node", "--bins", "--examples"]))?;
    step("program", "built", &shell.workspace.program().display().to_string(), since);
    Ok(())
}

fn tab(shell: &Shell) -> Result<()> {
    let since = Instant::now();
    say("Building the modules of the tab (about 12 minutes on two cores the first time):");
    let mut trunk = shell.command("trunk");
    trunk.args(["build", "--release", "--offline", "--config"]).arg(shell.workspace.root.join("Trunk.toml"));
    run_it(&mut trunk).context("the page could not be built")?;
    let words = site::finish(shell)?;
    step("site", "built", &words, since);
    package::peer(shell)
}

#[cfg(unix)]
fn become_it(mut command: std::process::Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).with_context(|| format!("cannot start `{}`", crate::shell::words(&command)))
}

#[cfg(not(unix))]
fn become_it(mut command: std::process::Command) -> Result<()> {
    run_it(&mut command)
}

//! Looks without running: format, lints, documentation, the direction of dependencies, licences, tidiness.
//!
//! Lints run as a build with clippy in the compiler's place for our own crates (`RUSTC_WORKSPACE_WRAPPER`), and rustdoc after it
//! ([`crate::doc`]), so that the nine hundred crates below them are the ones the build compiled anyway.

use crate::setup::{self, For};
use crate::shell::{Shell, duration, read, run as run_it, say, sentence};
use crate::toolchain::TARGET;
use crate::workspace::Workspace;
use crate::{arrows, doc, documents, licences, tidy as sources};
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Everything; an error at the end when any check failed.
pub fn run() -> Result<()> {
    let ready = setup::run(For::Run)?;
    let shell = &ready.shell;
    let linter = linter(shell)?;
    let mut checks = Checks::default();
    checks
        .one("format", || run_it(&mut shell.cargo(["fmt", "--all", "--check"])).context("`cargo fmt --all` mends it"));
    checks.one("sources", || sources::check(&shell.workspace));
    checks.one("documents", || documents::check(&shell.workspace, &crate::commands()));
    checks.one("arrows", || arrows::check(shell));
    checks.one("licences", || licences::check(shell));
    checks.one("lints, native", || lint(shell, &linter, &["--all-targets"]));
    for package in IN_TAB {
        checks.one("lints, wasm32", || {
            lint(shell, &linter, &["--all-targets", "--release", "--target", TARGET, "-p", package])
        });
    }
    checks.one("lints, wasm32", || {
        lint(shell, &linter, &["--profile", "client", "--target", TARGET, "-p", "peerage-client"])
    });
    // Half of this one is for browsers, but its tests are native.
    let webrtc = ["--lib", "--examples", "--release", "--target", TARGET, "-p", "peerage-webrtc"];
    checks.one("lints, wasm32", || lint(shell, &linter, &webrtc));
    checks.end()
}

/// The quick ones, which compile nothing.
pub fn tidy() -> Result<()> {
    let shell = Shell::new(Workspace::find()?);
    let mut checks = Checks::default();
    checks.one("sources", || sources::check(&shell.workspace));
    checks.one("documents", || documents::check(&shell.workspace, &crate::commands()));
    checks.one("arrows", || arrows::check(&shell));
    checks.one("licences", || licences::check(&shell));
    checks.end()
}

/// A copy of this program, which stands in for the compiler: what it compiles takes the place of the program itself.
fn linter(shell: &Shell) -> Result<PathBuf> {
    let folder = shell.workspace.target.join("lint");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (new, copy) = (folder.join("new"), folder.join(format!("xtask{}", env::consts::EXE_SUFFIX)));
    fs::copy(env::current_exe().context("cannot find this program")?, &new).context("cannot copy this program")?;
    fs::rename(&new, &copy).with_context(|| format!("cannot make {}", copy.display()))?;
    Ok(copy)
}

fn lint(shell: &Shell, linter: &Path, arguments: &[&str]) -> Result<()> {
    let sysroot = read(shell.command("rustc").args(["--print", "sysroot"]))?;
    let driver = PathBuf::from(sysroot.trim()).join("bin").join(format!("clippy-driver{}", env::consts::EXE_SUFFIX));
    if !driver.is_file() {
        // Where rustup can fetch, it does.
        read(shell.command("rustup").args(["component", "add", "clippy"]))
            .context("this toolchain has no clippy: `rustup component add clippy` or Debian's rust-web-clippy")?;
    }
    // Everything that is wrong, in one go.
    let mut command = shell.cargo(["build", "--locked", "--keep-going"]);
    command.args(arguments);
    command.env("RUSTC_WORKSPACE_WRAPPER", linter);
    command.env(doc::LINTER, driver).env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
    command.env(doc::FOLDER, shell.workspace.target.join("doc"));
    run_it(&mut command)
}

#[derive(Default)]
struct Checks {
    failed: Vec<&'static str>,
}

impl Checks {
    fn one(&mut self, name: &'static str, check: impl FnOnce() -> Result<()>) {
        let since = Instant::now();
        say(format!("Checking {name} …"));
        match check() {
            Ok(()) => say(format!("  {name}: good  [{}]", duration(since.elapsed()))),
            Err(error) => {
                sentence(&error);
                self.failed.push(name);
            }
        }
    }

    fn end(self) -> Result<()> {
        if !self.failed.is_empty() {
            bail!("these checks failed: {}", self.failed.join("; "));
        }
        say("Every check is good.");
        Ok(())
    }
}

/// What is compiled for the tab; one by one, because together they would choose other features.
const IN_TAB: [&str; 4] = ["peerage-page", "peerage-auditor", "peerage-trainer", "peerage-lab-web"];

//! Runs every test and adds up what the runners say: native, in a headless browser, end to end.

use crate::build;
use crate::setup::{self, For};
use crate::shell::{Shell, duration, read, say, tee};
use crate::toolchain::TARGET;
use crate::tools::{Browser, Firefox};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// Everything; an error when anything failed or did not run.
pub fn run() -> Result<()> {
    let start = Instant::now();
    let ready = setup::run(For::Test)?;
    let shell = &ready.shell;
    let browser = ready.browser.as_ref().context("set-up found no browser")?;
    let mut results = Results::default();

    results.stage("native", native(shell));
    for package in IN_BROWSER {
        results.stage(&format!("{package} in the browser"), in_browser(shell, browser, package)?);
    }
    let built = build::all(shell).and_then(|()| build::probe(shell));
    match &built {
        Ok(()) => SCRIPTS.iter().for_each(|(name, script)| results.stage(name, in_node(shell, browser, script))),
        Err(error) => SCRIPTS.iter().for_each(|(name, _)| results.broken(name, error)),
    }
    match (&ready.firefox, &built) {
        (Err(why), _) => results.left_out(FIREFOX.0, why),
        (Ok(firefox), Ok(())) => results.stage(FIREFOX.0, in_firefox(in_node(shell, browser, FIREFOX.1), firefox)),
        (Ok(_), Err(error)) => results.broken(FIREFOX.0, error),
    }
    results.end(start)
}

/// The native tests of the default members: nextest where it is installed, else cargo's own runner.
fn native(shell: &Shell) -> Command {
    if read(shell.cargo(["nextest", "--version"]).env_remove("CARGO_TERM_COLOR")).is_ok() {
        shell.cargo(["nextest", "run", "--locked", "--no-fail-fast", "--no-tests", "warn"])
    } else {
        shell.cargo(["test", "--locked", "--no-fail-fast"])
    }
}

/// The `wasm-bindgen-test` suite of one module of the tab.
fn in_browser(shell: &Shell, browser: &Browser, package: &str) -> Result<Command> {
    let mut command =
        shell.cargo(["test", "--locked", "--release", "--target", TARGET, "--package", package, "--tests"]);
    command.env("CHROMEDRIVER", &browser.driver);
    command.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities(shell, browser)?);
    command.env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    Ok(command)
}

/// Writes what chromedriver is told about the browser.
fn capabilities(shell: &Shell, browser: &Browser) -> Result<PathBuf> {
    let file = shell.workspace.cache.join("webdriver.json");
    let options = serde_json::json!({ "goog:chromeOptions": { "binary": browser.chromium, "args": ARGUMENTS } });
    fs::write(&file, serde_json::to_string_pretty(&options)?)?;
    Ok(file)
}

/// A script that drives real browsers, told where the program, the site, the probe and the browser are.
pub fn in_node(shell: &Shell, browser: &Browser, script: &str) -> Command {
    let mut command = shell.command("node");
    command.arg(script);
    command.env("PEERAGE_BIN", shell.workspace.program());
    command.env("PEERAGE_SITE", shell.workspace.site());
    command.env("PEERAGE_PROBE", shell.workspace.probe());
    command.env("PEERAGE_EPOCHS", shell.workspace.epochs());
    command.env("CHROME", &browser.chromium);
    command
}

/// The same, told where Firefox is.
fn in_firefox(mut command: Command, firefox: &Firefox) -> Command {
    command.env("FIREFOX", &firefox.firefox).env("GECKODRIVER", &firefox.driver);
    command
}

/// What the stages said.
#[derive(Default)]
struct Results {
    passed: u64,
    failed: u64,
    lines: Vec<String>,
    broken: Vec<String>,
}

impl Results {
    fn stage(&mut self, name: &str, mut command: Command) {
        let since = Instant::now();
        say(format!("\nTests, {name}: `{}`", crate::shell::words(&command)));
        let (status, text) = match tee(&mut command) {
            Ok(ran) => ran,
            Err(error) => return self.broken(name, &error),
        };
        let (passed, failed) = tally(&text);
        self.passed += passed;
        self.failed += failed;
        self.lines.push(format!("  {name:<32} {passed:>4} passed, {failed} failed  [{}]", duration(since.elapsed())));
        if !status.success() && failed == 0 {
            self.broken.push(format!("{name} did not finish ({status})"));
        } else if passed + failed == 0 {
            self.broken.push(format!("{name} ran no test"));
        }
    }

    /// What this machine cannot run is no failure, but is said.
    fn left_out(&mut self, name: &str, why: &str) {
        self.lines.push(format!("  {name:<32} left out: {why}"));
    }

    fn broken(&mut self, name: &str, error: &anyhow::Error) {
        crate::shell::sentence(error);
        self.lines.push(format!("  {name:<32} did not run"));
        self.broken.push(format!("{name} did not run"));
    }

    fn end(self, start: Instant) -> Result<()> {
        say(format!("\nAll tests [{}]:", duration(start.elapsed())));
        self.lines.iter().for_each(say);
        let broken = if self.broken.is_empty() { String::new() } else { format!(" ({})", self.broken.join("; ")) };
        say(format!("{} passed, {} failed{broken}", self.passed, self.failed));
        if self.failed > 0 || !self.broken.is_empty() {
            bail!("not every test passed");
        }
        Ok(())
    }
}

/// Adds up the closing lines of nextest, of cargo's runner and wasm-bindgen's, and of Node's.
fn tally(text: &str) -> (u64, u64) {
    let (mut passed, mut failed) = (0, 0);
    let summary = |line: &str| line.starts_with("Summary [") && line.contains(" run: ");
    // Where nextest ran, lines of cargo's runner are what a failed test printed.
    let nextest = text.lines().any(|line| summary(line.trim()));
    for line in text.lines().map(str::trim) {
        let words: Vec<&str> = line.split([' ', ',', ';', ':']).filter(|word| !word.is_empty()).collect();
        let before = |name: &str| {
            let at = words.iter().position(|word| *word == name)?;
            words.get(at.checked_sub(1)?)?.parse::<u64>().ok()
        };
        if summary(line) || (!nextest && line.starts_with("test result:")) {
            passed += before("passed").unwrap_or(0);
            failed += before("failed").unwrap_or(0) + before("timed").unwrap_or(0);
        } else if let ["ℹ" | "#", name @ ("pass" | "fail" | "cancelled"), number] = words[..] {
            let number: u64 = number.parse().unwrap_or(0);
            if name == "pass" { passed += number } else { failed += number }
        }
    }
    (passed, failed)
}

/// The suites that start several browsers.
const SCRIPTS: [(&str, &str); 4] = [
    ("direct connections", "tests/webrtc/run.mjs"),
    ("npm packages", "tests/client/run.mjs"),
    ("end to end", "tests/e2e/run.mjs"),
    ("torture, a short seed", "tests/torture/run.mjs"),
];
/// The suite of the other browser.
const FIREFOX: (&str, &str) = ("Firefox", "tests/firefox/run.mjs");
/// What runs in a tab and has a suite of its own.
const IN_BROWSER: [&str; 5] = ["peerage-lab", "peerage-light", "peerage-page", "peerage-auditor", "peerage-trainer"];

/// Headless, and with the software adapter where there is no GPU. The sandbox does not start for root.
const ARGUMENTS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-webgpu",
];

#[cfg(test)]
mod tests {
    use super::tally;

    #[test]
    fn closing_lines_of_each_runner_are_added_up() {
        let cargo = "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; finished in 0.1s\n\
                     test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; finished in 0.1s\n";
        assert_eq!(tally(cargo), (6, 2));
        let node = "ℹ tests 9\nℹ pass 7\nℹ fail 1\nℹ cancelled 1\n# pass 2\n";
        assert_eq!(tally(node), (9, 2));
    }

    #[test]
    fn what_a_failed_test_printed_is_not_counted_again() {
        let nextest = "    test result: FAILED. 0 passed; 1 failed; 0 ignored\n\
                            Summary [   3.214s] 45 tests run: 42 passed (1 slow), 2 failed, 1 timed out, 1 skipped\n";
        assert_eq!(tally(nextest), (42, 3));
    }

    #[test]
    fn words_about_tests_are_not_counted() {
        assert_eq!(tally("12 passed\ntest passed ... ok\nnothing failed\n"), (0, 0));
    }
}

//! Figures: measured in headless browsers by scripts, and of the ledger by programs of its own.

mod learning;
mod ledger;
mod light;

use crate::build;
use crate::setup::{self, For};
use crate::shell::{finish, keep_stdout_clear, say};
use crate::test::in_node;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::path::Path;

/// What is measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Subject {
    /// Training in a tab, alone and with a development network (3 minutes)
    Tab,
    /// What opening the page costs: to read, to join, to a first step, long tasks, sizes against budgets (5 minutes)
    Page,
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
}

/// Builds, measures, and prints a table or one JSON object.
///
/// `data` is for the experiments with learning peers.
pub fn run(subject: Subject, json: bool, quick: bool, data: Option<&Path>) -> Result<()> {
    if json {
        keep_stdout_clear();
    }
    if matches!(subject, Subject::Ledger) {
        return ledger::run(json, quick);
    }
    if matches!(subject, Subject::Learning) {
        return learning::run(json, quick, data);
    }
    if quick || data.is_some() {
        bail!("`--quick` is for `cargo xtask bench ledger` and `learning`, `--data` for `learning`");
    }
    let ready = setup::run(For::Browser)?;
    let script = match subject {
        Subject::Tab | Subject::Ledger | Subject::Learning => build::all(&ready.shell).map(|()| "tests/e2e/bench.mjs"),
        Subject::Page => build::all(&ready.shell).map(|()| "tests/page/bench.mjs"),
        Subject::Light => light::build(&ready.shell).map(|()| "tests/light/bench.mjs"),
        Subject::Mechanism => build::epochs(&ready.shell).map(|()| "tests/mechanism/bench.mjs"),
        Subject::Webrtc => build::probe(&ready.shell).map(|()| "tests/webrtc/bench.mjs"),
    }?;
    let mut command = in_node(&ready.shell, ready.browser.as_ref().context("set-up found no browser")?, script);
    command.env("PEERAGE_LIGHT", light::folder(&ready.shell));
    say("Measuring:");
    finish(command.args(json.then_some("--json"))).context("the measurement did not finish")
}

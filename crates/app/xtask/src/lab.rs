//! Builds the lab into `pkg/site/lab`: pages and scripts of `www/lab`, and its module with a hash in its name.
//!
//! The folder stands by itself: any server of files can have it, under any path, without a node.

use crate::alone::{Parts, assemble};
use crate::bundle;
use crate::offline;
use crate::shell::{Shell, run as run_it, say, step};
use crate::site::shrink;
use crate::toolchain::TARGET;
use anyhow::Result;
use std::time::Instant;

/// Builds it on a machine that is set up.
pub fn build(shell: &Shell) -> Result<()> {
    let since = Instant::now();
    say("Building the lab (a minute on two cores the first time):");
    run_it(&mut shell.cargo(["build", "--locked", "--release", "--target", TARGET, "--package", PACKAGE]))?;
    let module = shell.workspace.target.join("lab-module");
    let mut bindgen = shell.command("wasm-bindgen");
    bindgen.args(["--target", "web", "--out-name", NAME, "--out-dir"]).arg(&module);
    bindgen.arg(shell.workspace.target.join(TARGET).join("release/peerage_lab_web.wasm"));
    run_it(&mut bindgen)?;
    shrink(shell, &module.join(format!("{NAME}_bg.wasm")))?;
    bundle::shrink(shell, &module.join(format!("{NAME}.js")))?;

    let folder = shell.workspace.site().join("lab");
    let sources = [(shell.workspace.root.join("www/lab"), "")];
    let wasm =
        assemble(&Parts { sources: &sources, module: &module, name: NAME, within: "", loader: LOADER }, &folder)?;
    bundle::bundle(shell, &folder, "", &KEPT)?;
    offline::write(&shell.workspace.root.join(offline::SCRIPT), &folder)?;
    step("lab", "built", &format!("{}, module {} KB", folder.display(), wasm / 1_000), since);
    Ok(())
}

/// Cargo's name of it.
const PACKAGE: &str = "peerage-lab-web";
/// Of the module's files.
const NAME: &str = "peerage-lab";
/// Scripts that other pages name: the element, and what asks the module without one.
const KEPT: [&str; 2] = ["lab.js", "engine.js"];
/// The script that names the module.
const LOADER: &str = "answer.js";

//! Builds the module of the npm package `pkg/light`, makes it small, and refuses it where it is larger than it may be.
//!
//! A profile of its own (`client` in the workspace's `Cargo.toml`) optimises for size across crates. What dependencies export for
//! others, such as a sorting function for C, is taken out, since nobody calls it and it holds on to code.

use crate::package::licences;
use crate::shell::{Shell, read, run as run_it, say, step};
use crate::toolchain::TARGET;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Builds the package on a machine that is set up.
pub fn build(shell: &Shell) -> Result<()> {
    let since = Instant::now();
    say("Building the light client for npm (about 6 minutes on two cores the first time):");
    run_it(&mut shell.cargo([
        "build",
        "--locked",
        "--profile",
        PROFILE,
        "--target",
        TARGET,
        "--package",
        "peerage-client",
    ]))?;
    let unfinished = shell.workspace.target.join("client-module");
    let mut bindgen = shell.command("wasm-bindgen");
    bindgen
        .args([
            "--target",
            "web",
            "--out-name",
            NAME,
            "--remove-name-section",
            "--remove-producers-section",
            "--out-dir",
        ])
        .arg(&unfinished);
    bindgen.arg(shell.workspace.target.join(TARGET).join(PROFILE).join(format!("{NAME}.wasm")));
    run_it(&mut bindgen)?;
    let wasm = unfinished.join(format!("{NAME}_bg.wasm"));
    shrink(shell, &unfinished, &wasm)?;

    let sizes = Sizes::of(shell, &wasm)?;
    if sizes.gzip > BUDGET {
        bail!(
            "the module of the light client is {sizes}, more than its budget of {} KB: find what made it grow",
            BUDGET / 1_000
        );
    }
    let package = shell.workspace.root.join("pkg/light/wasm");
    fs::create_dir_all(&package)?;
    for file in [format!("{NAME}.js"), format!("{NAME}.d.ts"), format!("{NAME}_bg.wasm")] {
        fs::copy(unfinished.join(&file), package.join(&file))
            .with_context(|| format!("wasm-bindgen left no {file}"))?;
    }
    licences(&shell.workspace.root, "light")?;
    step("client", "built", &format!("pkg/light, {sizes}"), since);
    Ok(())
}

/// Takes out what the glue does not call, and makes the rest small.
fn shrink(shell: &Shell, folder: &Path, wasm: &Path) -> Result<()> {
    let glue = fs::read_to_string(folder.join(format!("{NAME}.js")))?;
    let graph = folder.join("called.json");
    let roots: Vec<_> = called(&glue)
        .into_iter()
        .map(|name| serde_json::json!({ "name": name, "export": name, "root": true }))
        .collect();
    fs::write(&graph, serde_json::to_string(&roots)?)?;
    let kept = folder.join("kept.wasm");
    read(shell.command("wasm-metadce").arg("-f").arg(&graph).arg(wasm).arg("-o").arg(&kept))?;
    read(shell.command("wasm-opt").args(SHRINK).arg(&kept).arg("-o").arg(wasm))?;
    Ok(())
}

/// Names of exports that the glue calls.
fn called(glue: &str) -> BTreeSet<&str> {
    glue.split("wasm.")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
        .filter(|name| !name.is_empty())
        .collect()
}

/// What a browser loads.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

impl Sizes {
    /// Of a file, compressed as servers do.
    fn of(shell: &Shell, file: &Path) -> Result<Self> {
        let said = read(shell.command("node").args(["--eval", COMPRESS]).arg(file))?;
        let numbers: Vec<u64> = said.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        match numbers[..] {
            [raw, gzip, brotli] => Ok(Self { raw, gzip, brotli }),
            _ => bail!("Node.js told no sizes but {said:?}"),
        }
    }
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { raw, gzip, brotli } = self;
        write!(f, "{} KB, {} KB gzip, {} KB brotli", raw / 1_000, gzip / 1_000, brotli / 1_000)
    }
}

/// Of cargo, and its folder.
const PROFILE: &str = "client";
/// Of the module's files.
const NAME: &str = "peerage_client";
/// Most bytes of the module, gzip: what it has and a little. 150 KB are wanted.
const BUDGET: u64 = 220_000;
/// Smallest as sent, in a third of a minute. It uses what the module says that its browser must know, and nothing newer.
const SHRINK: &[&str] = &["-Oz"];
/// Raw, gzip and brotli bytes of a file.
const COMPRESS: &str = "const z = require('zlib'), b = require('fs').readFileSync(process.argv[1]); \
    console.log(b.length, z.gzipSync(b, {level: 9}).length, z.brotliCompressSync(b).length)";

#[cfg(test)]
mod tests {
    use super::called;

    #[test]
    fn what_the_glue_calls_is_kept() {
        let glue =
            "const ret = wasm.core_poll(this.ptr);\nwasm.__wbindgen_free(a, b); new Uint8Array(wasm.memory.buffer)";
        assert_eq!(called(glue).into_iter().collect::<Vec<_>>(), ["__wbindgen_free", "core_poll", "memory"]);
    }
}

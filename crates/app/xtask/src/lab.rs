//! Builds the lab into `pkg/site/lab`: pages and scripts of `www/lab`, and its module with a hash in its name.
//!
//! The folder stands by itself: any server of files can have it, under any path, without a node.

use crate::bundle;
use crate::offline;
use crate::shell::{Shell, run as run_it, say, step};
use crate::site::{dense, files, fingerprint, refuse_inline, shrink};
use crate::toolchain::TARGET;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
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
    let wasm = assemble(&shell.workspace.root.join("www/lab"), &module, &folder)?;
    bundle::bundle(shell, &folder, "", &KEPT)?;
    offline::write(&shell.workspace.root.join(offline::SCRIPT), &folder)?;
    step("lab", "built", &format!("{}, module {} KB", folder.display(), wasm / 1_000), since);
    Ok(())
}

/// Puts `sources` and `module` together in `folder`, which holds nothing else afterwards; gives the bytes of the module.
fn assemble(sources: &Path, module: &Path, folder: &Path) -> Result<u64> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let wasm = fs::read(module.join(format!("{NAME}_bg.wasm"))).context("wasm-bindgen left no module of the lab")?;
    let glue = fs::read_to_string(module.join(format!("{NAME}.js"))).context("wasm-bindgen left no glue of the lab")?;
    let hash = fingerprint(&[glue.as_bytes(), &wasm].concat());
    let named = |text: &str| {
        text.replace(&format!("{NAME}.js"), &format!("{NAME}-{hash}.js"))
            .replace(&format!("{NAME}_bg.wasm"), &format!("{NAME}-{hash}_bg.wasm"))
    };
    fs::write(folder.join(named(&format!("{NAME}_bg.wasm"))), &wasm)?;
    fs::write(folder.join(named(&format!("{NAME}.js"))), named(&glue))?;
    fs::copy(module.join(format!("{NAME}.d.ts")), folder.join(format!("{NAME}.d.ts")))?;
    let mut told = false;
    for file in files(sources)? {
        let name = file.file_name().unwrap_or_default();
        let mut text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        if file.extension().is_some_and(|kind| kind == "html") {
            text = dense(&text);
            refuse_inline(&name.to_string_lossy(), &text)?;
        }
        told |= name == LOADER && text.contains(&format!("{NAME}.js"));
        fs::write(folder.join(name), if name == LOADER { named(&text) } else { text })?;
    }
    if !told {
        bail!("www/lab/{LOADER} does not name {NAME}.js, so the lab could not load its module");
    }
    Ok(wasm.len() as u64)
}

/// Cargo's name of it.
const PACKAGE: &str = "peerage-lab-web";
/// Of the module's files.
const NAME: &str = "peerage-lab";
/// Scripts that other pages name: the element, and what asks the module without one.
const KEPT: [&str; 2] = ["lab.js", "engine.js"];
/// The script that names the module.
const LOADER: &str = "answer.js";

#[cfg(test)]
mod tests {
    use super::assemble;
    use std::{env, fs, process};

    #[test]
    fn the_module_is_found_under_its_name_with_a_hash() {
        let folder = env::temp_dir().join(format!("peerage-lab-{}", process::id()));
        let [sources, module, site] = ["sources", "module", "site"].map(|part| folder.join(part));
        for part in [&sources, &module, &site] {
            fs::create_dir_all(part).unwrap();
        }
        fs::write(site.join("old.js"), "").unwrap();
        fs::write(module.join("peerage-lab_bg.wasm"), b"wasm").unwrap();
        fs::write(module.join("peerage-lab.js"), "new URL('peerage-lab_bg.wasm', import.meta.url)").unwrap();
        fs::write(module.join("peerage-lab.d.ts"), "").unwrap();
        fs::write(sources.join("index.html"), "<p>").unwrap();
        assert!(assemble(&sources, &module, &site).is_err(), "nothing names the module");
        fs::write(sources.join("answer.js"), "import init from './peerage-lab.js';").unwrap();
        assert_eq!(assemble(&sources, &module, &site).unwrap(), 4);
        let loader = fs::read_to_string(site.join("answer.js")).unwrap();
        let glue = loader.split('\'').nth(1).unwrap().trim_start_matches("./").to_owned();
        let wasm = fs::read_to_string(site.join(&glue)).unwrap().split('\'').nth(1).unwrap().to_owned();
        assert!(site.join(wasm).is_file() && site.join("index.html").is_file() && !site.join("old.js").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}

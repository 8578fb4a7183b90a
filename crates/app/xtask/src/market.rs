//! Builds the view of the market into `pkg/site/market`: pages and scripts as they lie in `www/market`, and the package `pkg/light`, which verifies
//! what they show.
//!
//! The folder stands by itself. Served by a node it looks on; served without one it says so.

use crate::alone::{Parts, assemble};
use crate::bundle;
use crate::offline;
use crate::shell::{Shell, step};
use anyhow::Result;
use std::time::Instant;

/// Builds it where the module of the light client is built.
pub fn build(shell: &Shell) -> Result<()> {
    let since = Instant::now();
    let root = &shell.workspace.root;
    let folder = shell.workspace.site().join("market");
    let sources = [(root.join("www/market"), ""), (root.join("pkg/light"), "light")];
    let module = root.join("pkg/light/wasm");
    let parts =
        Parts { sources: &sources, module: &module, name: "peerage_client", within: "light/wasm", loader: "index.js" };
    let wasm = assemble(&parts, &folder)?;
    bundle::bundle(shell, &folder, "", &[])?;
    offline::write(&root.join(offline::SCRIPT), &folder)?;
    step("market", "built", &format!("{}, module {} KB", folder.display(), wasm / 1_000), since);
    Ok(())
}

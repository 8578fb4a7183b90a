//! Folders of the site that stand by themselves: pages and scripts as they lie in the checkout, beside a module with a hash in its name, so that
//! any server of files can have them under any path.

use crate::site::{dense, files, fingerprint, refuse_inline};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// What such a folder is made of.
pub struct Parts<'a> {
    /// Folders whose pages, styles and scripts it holds, and where below it they lie; nothing of what is below these.
    pub sources: &'a [(PathBuf, &'static str)],
    /// Where the glue, its types and the module are, as wasm-bindgen leaves them.
    pub module: &'a Path,
    /// Of the module's files.
    pub name: &'static str,
    /// Where below the folder they lie.
    pub within: &'static str,
    /// The script that names the glue or the module.
    pub loader: &'static str,
}

/// Puts the parts together in `folder`, which holds nothing else afterwards; gives the bytes of the module.
pub fn assemble(Parts { sources, module, name, within, loader }: &Parts<'_>, folder: &Path) -> Result<u64> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let place = |below: &str| -> Result<PathBuf> {
        let place = folder.join(below);
        fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
        Ok(place)
    };
    let wasm =
        fs::read(module.join(format!("{name}_bg.wasm"))).with_context(|| format!("there is no module {name}"))?;
    let glue = fs::read_to_string(module.join(format!("{name}.js"))).with_context(|| format!("{name} has no glue"))?;
    let hash = fingerprint(&[glue.as_bytes(), &wasm].concat());
    let named = |text: &str| {
        text.replace(&format!("{name}.js"), &format!("{name}-{hash}.js"))
            .replace(&format!("{name}_bg.wasm"), &format!("{name}-{hash}_bg.wasm"))
    };
    let modules = place(within)?;
    fs::write(modules.join(named(&format!("{name}_bg.wasm"))), &wasm)?;
    fs::write(modules.join(named(&format!("{name}.js"))), named(&glue))?;
    fs::copy(module.join(format!("{name}.d.ts")), modules.join(format!("{name}.d.ts")))?;
    let mut told = false;
    for (source, below) in *sources {
        let place = place(below)?;
        for file in files(source)? {
            let kind = file.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
            if file.parent() != Some(source.as_path()) || !KINDS.contains(&kind) {
                continue;
            }
            let file_name = file.file_name().unwrap_or_default();
            let mut text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            if kind == "html" {
                text = dense(&text);
                refuse_inline(&file_name.to_string_lossy(), &text)?;
            }
            let loads = file_name == *loader && text.contains(&format!("{name}.js"));
            told |= loads;
            fs::write(place.join(file_name), if loads { named(&text) } else { text })?;
        }
    }
    if !told {
        bail!("no {loader} names {name}.js, so {} could not load its module", folder.display());
    }
    Ok(wasm.len() as u64)
}

/// Kinds of files that a browser needs.
const KINDS: [&str; 3] = ["html", "css", "js"];

#[cfg(test)]
mod tests {
    use super::{Parts, assemble};
    use std::{env, fs, process};

    #[test]
    fn the_module_is_found_under_its_name_with_a_hash() {
        let folder = env::temp_dir().join(format!("peerage-alone-{}", process::id()));
        let [sources, package, module, site] = ["sources", "package", "module", "site"].map(|part| folder.join(part));
        for part in [&sources, &package, &module, &site] {
            fs::create_dir_all(part).unwrap();
        }
        fs::write(site.join("old.js"), "").unwrap();
        fs::write(module.join("one_bg.wasm"), b"wasm").unwrap();
        fs::write(module.join("one.js"), "new URL('one_bg.wasm', import.meta.url)").unwrap();
        fs::write(module.join("one.d.ts"), "").unwrap();
        fs::write(sources.join("index.html"), "<p>").unwrap();
        fs::create_dir_all(package.join("example")).unwrap();
        fs::write(package.join("README.md"), "read me").unwrap();
        fs::write(package.join("example/index.html"), "<script>inline()</script>").unwrap();
        let sources = [(sources, ""), (package.clone(), "package")];
        let parts =
            Parts { sources: &sources, module: &module, name: "one", within: "package/wasm", loader: "loader.js" };
        assert!(assemble(&parts, &site).is_err(), "nothing names the module");
        fs::write(package.join("loader.js"), "import init from './wasm/one.js'; 'one_bg.wasm'").unwrap();
        assert_eq!(assemble(&parts, &site).unwrap(), 4);
        let loader = fs::read_to_string(site.join("package/loader.js")).unwrap();
        let quoted: Vec<_> = loader.split('\'').collect();
        let glue = fs::read_to_string(site.join("package").join(quoted[1])).unwrap();
        let wasm = glue.split('\'').nth(1).unwrap();
        assert_eq!(wasm, quoted[3], "whoever names the module names the same");
        assert!(site.join("package/wasm").join(wasm).is_file() && site.join("index.html").is_file());
        for gone in ["old.js", "package/example", "package/README.md"] {
            assert!(!site.join(gone).exists(), "{gone}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}

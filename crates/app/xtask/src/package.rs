//! The npm packages: the modules of the tab go from the site into `pkg/peer/modules`, under names without a hash, and the licences
//! beside what they are for. What else is in a package is written by hand.

use crate::shell::{Shell, step};
use crate::site::files;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Puts the package of a whole peer together, from a site that is built.
pub fn peer(shell: &Shell) -> Result<()> {
    let since = Instant::now();
    let root = &shell.workspace.root;
    let bytes = assemble(&shell.workspace.site(), &root.join("www"), &root.join("pkg/peer/modules"))?;
    licences(root, "peer")?;
    step("peer", "built", &format!("pkg/peer, modules of {} KB", bytes / 1_000), since);
    Ok(())
}

/// Copies the licences into a package: npm publishes what lies in its folder, and links to nothing.
pub fn licences(root: &Path, package: &str) -> Result<()> {
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        fs::copy(root.join(name), root.join("pkg").join(package).join(name))
            .with_context(|| format!("cannot copy {name} into pkg/{package}"))?;
    }
    Ok(())
}

/// Puts modules and shared scripts together in `folder`, which holds nothing else afterwards; gives their bytes.
fn assemble(site: &Path, www: &Path, folder: &Path) -> Result<u64> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (module, parts) in MODULES {
        let hashed = hashed(site, module)?;
        for part in *parts {
            let (from, to) = (site.join(format!("{hashed}{part}")), folder.join(format!("{module}{part}")));
            let missing = || format!("the site has no {}", from.display());
            if part.ends_with(".js") {
                fs::write(&to, fs::read_to_string(&from).with_context(missing)?.replace(&hashed, module))?;
            } else {
                fs::copy(&from, &to).with_context(missing)?;
            }
        }
    }
    for name in SHARED {
        fs::copy(www.join(name), folder.join(name)).with_context(|| format!("there is no www/{name}"))?;
    }
    let mut bytes = 0;
    for file in files(folder)? {
        bytes += file.metadata()?.len();
        let script = file.extension().is_some_and(|kind| kind == "js");
        for name in script.then(|| fs::read_to_string(&file)).transpose()?.iter().flat_map(|text| imported(text)) {
            if !folder.join(name).is_file() {
                bail!("{} imports ./{name}, which the package does not have", file.display());
            }
        }
    }
    Ok(bytes)
}

/// The name of a module's files in the site, with its hash.
fn hashed(site: &Path, module: &str) -> Result<String> {
    let found = files(site)?.into_iter().find_map(|file| {
        let name = file.file_name()?.to_str()?.strip_suffix("_bg.wasm")?;
        let hash = name.strip_prefix(module)?.strip_prefix('-')?;
        hash.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| name.to_owned())
    });
    found.with_context(|| format!("the site has no module {module}"))
}

/// Files beside a script that it imports.
fn imported(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split("from").skip(1).filter_map(|rest| rest.trim_start().strip_prefix(QUOTES));
    quoted.filter_map(|rest| rest.strip_prefix("./")?.split(QUOTES).next())
}

/// The modules of a tab, and the files of each.
const MODULES: &[(&str, &[&str])] = &[
    ("peerage-page", &[".js", "_bg.wasm"]),
    ("peerage-auditor", &[".js", "_bg.wasm", "_loader.js"]),
    ("peerage-trainer", &[".js", "_bg.wasm", "_loader.js"]),
];
/// Scripts name what they import in either.
const QUOTES: [char; 2] = ['\'', '"'];
/// Scripts of the page that the package uses too: what a person gives to learn from, in pieces.
const SHARED: &[&str] = &["reading.js", "format.js"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, process};

    #[test]
    fn the_package_has_the_modules_without_hashes_and_all_that_they_import() {
        let folder = env::temp_dir().join(format!("peerage-package-{}", process::id()));
        let [site, www, package] = ["site", "www", "package"].map(|part| folder.join(part));
        for part in [&site, &www, &package] {
            fs::create_dir_all(part).unwrap();
        }
        fs::write(package.join("old.js"), "").unwrap();
        for (module, parts) in MODULES {
            for part in *parts {
                let text = format!("import init from './{module}-0a1b2c.js'; new URL('{module}-0a1b2c_bg.wasm')");
                fs::write(site.join(format!("{module}-0a1b2c{part}")), text).unwrap();
            }
        }
        fs::write(site.join("peerage-page-0a1b2c_bg.wasm.br"), "").unwrap();
        fs::write(www.join("format.js"), "export const count = 1;").unwrap();
        fs::write(www.join("reading.js"), "import {count} from './format.js';import{x}from\"./dom.js\";").unwrap();
        let error = assemble(&site, &www, &package).unwrap_err();
        assert!(error.to_string().contains("imports ./dom.js"), "{error}");
        fs::write(www.join("reading.js"), "import {count} from './format.js';").unwrap();
        assemble(&site, &www, &package).unwrap();
        let glue = fs::read_to_string(package.join("peerage-page.js")).unwrap();
        assert_eq!(glue, "import init from './peerage-page.js'; new URL('peerage-page_bg.wasm')");
        assert_eq!(files(&package).unwrap().len(), 8 + SHARED.len(), "and nothing else");
        fs::remove_file(site.join("peerage-trainer-0a1b2c_loader.js")).unwrap();
        assert!(assemble(&site, &www, &package).is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}

//! What the second visit needs: the service worker with the names of the files that it keeps, and documents that name their
//! version.
//!
//! Written three times, with one script: for the page, whose model's module is kept once it is used, and for the lab and the market,
//! which stand by themselves. The version is a hash of everything that is kept, so it changes where any of it does.

use crate::site::{files, fingerprint};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::fs;
use std::path::Path;

/// Puts the service worker `script` into `folder` and names the version in its documents; gives the version.
pub fn write(script: &Path, folder: &Path) -> Result<String> {
    let text = fs::read_to_string(script).with_context(|| format!("cannot read {}", script.display()))?;
    let (mut documents, mut first, mut later) = (Vec::new(), Vec::new(), Vec::new());
    let mut content = text.clone().into_bytes();
    for file in files(folder)? {
        let name = name(&file, folder);
        if !is_kept(&name) {
            continue;
        }
        content.extend(name.bytes());
        content.extend(fs::read(&file)?);
        if name.ends_with(".html") {
            documents.push(address(&name));
        }
        if name.starts_with(TRAINER) { later.push(name) } else { first.push(address(&name)) }
    }
    let version = fingerprint(&content);
    for file in files(folder)?.iter().filter(|file| file.extension().is_some_and(|kind| kind == "html")) {
        if is_kept(&name(file, folder)) {
            let html = fs::read_to_string(file)?;
            let Some(named) = with_version(&html, &version) else {
                bail!("{} lacks {CHARSET}, after which its version belongs", file.display());
            };
            fs::write(file, named)?;
        }
    }
    let kept = json!({ "version": version, "documents": documents, "first": first, "later": later });
    let Some(told) = with_names(&text, &kept.to_string()) else {
        bail!("{} has no line that begins with `{LINE}`, so it would keep nothing", script.display());
    };
    fs::write(folder.join(SERVED), told)?;
    let copied = folder.join(SCRIPT);
    if copied.exists() {
        fs::remove_file(copied)?;
    }
    Ok(version)
}

/// Whether a visitor's browser keeps the file of this name. The lab and the market, below the page, keep their own.
fn is_kept(name: &str) -> bool {
    let extra = [".br", ".d.ts", ".map"].iter().any(|end| name.ends_with(end));
    !extra && name != SERVED && name != SCRIPT && !name.starts_with("lab/") && !name.starts_with("market/")
}

/// The file's place below the folder, as an address writes it.
pub fn name(file: &Path, folder: &Path) -> String {
    let parts = file.strip_prefix(folder).unwrap_or(file).iter();
    parts.map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// A folder's first document has the folder's own address.
fn address(name: &str) -> String {
    if name == "index.html" { "./".to_owned() } else { name.to_owned() }
}

/// The document with its version; none where there is no place for it.
fn with_version(html: &str, version: &str) -> Option<String> {
    let (before, after) = html.split_once(CHARSET)?;
    Some(format!("{before}{CHARSET}\n    <meta name=\"version\" content=\"{version}\" />{after}"))
}

/// The script with its line of names; none where it has no such line.
fn with_names(script: &str, kept: &str) -> Option<String> {
    let (before, rest) = script.split_once(LINE)?;
    let (_, after) = rest.split_once('\n')?;
    Some(format!("{before}{LINE}{kept};\n{after}"))
}

/// The script in the checkout, and where Trunk copies it.
pub const SCRIPT: &str = "www/service-worker.js";
/// Where it is served: it may keep what lies in its folder and below.
const SERVED: &str = "service-worker.js";
/// How the line begins that holds the names.
const LINE: &str = "const KEPT = ";
/// Of the model's module, which is too large to be fetched before somebody joins.
const TRAINER: &str = "peerage-trainer";
/// The tag after which a document names its version.
const CHARSET: &str = "<meta charset=\"utf-8\" />";

#[cfg(test)]
mod tests {
    use super::{SCRIPT, write};
    use serde_json::{Value, json};
    use std::path::{Path, PathBuf};
    use std::{env, fs, process};

    const DOCUMENT: &str = "<!doctype html><meta charset=\"utf-8\" /><p>";

    fn site(name: &str) -> (PathBuf, PathBuf) {
        let folder = env::temp_dir().join(format!("peerage-offline-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("www")).unwrap();
        fs::create_dir_all(folder.join("lab")).unwrap();
        let script = folder.join(SCRIPT);
        fs::write(&script, "before\nconst KEPT = {}; // this line\nafter\n").unwrap();
        fs::write(folder.join("index.html"), DOCUMENT).unwrap();
        for file in ["www/main.js", "www/main.js.br", "peerage-trainer-12.js", "lab/index.html", "lab/lab.js", "x.d.ts"]
        {
            fs::write(folder.join(file), "content").unwrap();
        }
        (folder, script)
    }

    fn kept(folder: &Path) -> Value {
        let text = fs::read_to_string(folder.join("service-worker.js")).unwrap();
        let line = text.strip_prefix("before\nconst KEPT = ").unwrap().strip_suffix(";\nafter\n").unwrap();
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn the_script_names_what_a_first_load_needs_and_the_document_its_version() {
        let (folder, script) = site("names");
        let version = write(&script, &folder).unwrap();
        let names = json!({ "version": version, "documents": ["./"], "first": ["./", "www/main.js"],
            "later": ["peerage-trainer-12.js"] });
        assert_eq!(kept(&folder), names);
        let html = fs::read_to_string(folder.join("index.html")).unwrap();
        assert!(html.contains(&format!("<meta name=\"version\" content=\"{version}\" />")), "{html}");
        assert!(!script.exists(), "a second copy would have no names");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_changes_changes_the_version_and_the_lab_does_not() {
        let version = |changed: &str| {
            let (folder, script) = site("version");
            fs::write(folder.join(changed), format!("{DOCUMENT}other")).unwrap();
            let version = write(&script, &folder).unwrap();
            fs::remove_dir_all(folder).unwrap();
            version
        };
        let lab = version("lab/lab.js");
        assert_eq!(lab, version("lab/index.html"));
        for changed in ["index.html", "www/main.js", "peerage-trainer-12.js"] {
            assert_ne!(lab, version(changed), "{changed}");
        }
    }

    #[test]
    fn a_script_without_its_line_and_a_document_without_a_place_are_refused() {
        let (folder, script) = site("refused");
        fs::write(folder.join("index.html"), "<p>").unwrap();
        assert!(write(&script, &folder).unwrap_err().to_string().contains("charset"));
        fs::write(folder.join("index.html"), DOCUMENT).unwrap();
        fs::write(&script, "nothing").unwrap();
        assert!(write(&script, &folder).unwrap_err().to_string().contains("const KEPT = "));
        fs::remove_dir_all(folder).unwrap();
    }
}

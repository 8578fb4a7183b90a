//! Gathers the text that a node teaches when it is given none: the project's own documents and the documentation
//! comments of its libraries, in the order of their paths, into one file of the build folder.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let node = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = node.join("../../..");
    let mut text = String::new();
    for document in ["README.md", "ARCHITECTURE.md", "THREATS.md", "CHANGELOG.md", "docs", "crates/core", "crates/lib"]
    {
        let path = root.join(document);
        println!("cargo::rerun-if-changed={}", path.display());
        gather(&path, &mut text)?;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("corpus.txt"), text)
}

/// Appends the text of one document, or of all documents below a folder.
fn gather(path: &Path, text: &mut String) -> io::Result<()> {
    if path.is_dir() {
        let mut entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        return entries.iter().try_for_each(|entry| gather(entry, text));
    }
    let added = match path.extension().and_then(|name| name.to_str()) {
        Some("md") => fs::read_to_string(path)?,
        Some("rs") => comments(&fs::read_to_string(path)?),
        _ => return Ok(()),
    };
    if !added.trim().is_empty() {
        text.push_str(added.trim());
        text.push_str("\n\n");
    }
    Ok(())
}

/// The documentation comments of a source file, without their marks; an empty line between two of them.
fn comments(source: &str) -> String {
    let mut text = String::new();
    for line in source.lines().map(str::trim_start) {
        if let Some(said) = line.strip_prefix("//!").or_else(|| line.strip_prefix("///")) {
            text.push_str(said.strip_prefix(' ').unwrap_or(said));
            text.push('\n');
        } else if !text.is_empty() && !text.ends_with("\n\n") {
            text.push('\n');
        }
    }
    text
}

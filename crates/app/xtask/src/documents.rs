//! The documents: every link in them leads somewhere, the book lists all of them, and what they tell a reader to type exists.
//!
//! Looked at are all files of markdown in the checkout. Anchors are made of headings as GitHub and mdBook make them. Of a command the
//! subcommand is looked at, not its options; a page on the web is not asked for.

mod markdown;

pub use markdown::{Markdown, Target};

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The table of contents of the book, in the checkout.
pub const SUMMARY: &str = "docs/book/SUMMARY.md";

/// Every document by its path in the checkout, `/` between folders.
pub type Documents = BTreeMap<String, Markdown>;

/// Reads every document; an error lists all that leads nowhere. `commands` are the subcommands of `cargo xtask`.
pub fn check(workspace: &Workspace, commands: &[String]) -> Result<()> {
    let documents = read(&workspace.root)?;
    let known = Known {
        xtask: commands.iter().cloned().collect(),
        program: variants(&fs::read_to_string(workspace.root.join(PROGRAM))?, "pub enum Command {"),
        scenarios: scenarios(&workspace.root)?,
    };
    if known.program.is_empty() || known.scenarios.is_empty() {
        bail!("cannot find the subcommands in {PROGRAM} or the scenarios in {SCENARIOS}");
    }
    let mut faults = Vec::new();
    for (name, document) in &documents {
        let links = document.links.iter().filter_map(|link| {
            let fault = leads(name, &link.target, &documents, &workspace.root).err()?;
            Some(format!("{name}:{}: `{}` {fault}", document.line(link.at), link.target))
        });
        faults.extend(links);
        let typed = document.code.iter().flat_map(|code| known.unknown(code));
        faults.extend(typed.map(|(at, words)| format!("{name}:{}: there is no `{words}`", document.line(at))));
    }
    faults.extend(unlisted(&documents)?);
    if !faults.is_empty() {
        bail!("documents:\n  {}", faults.join("\n  "));
    }
    Ok(())
}

/// Every document of the checkout.
pub fn read(root: &Path) -> Result<Documents> {
    let mut found = Documents::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot look into {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                if !name.starts_with('.') && !GENERATED.contains(&name) {
                    folders.push(path);
                }
            } else if name.ends_with(".md") {
                let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                found.insert(name, Markdown::new(text));
            }
        }
    }
    Ok(found)
}

/// The place in the checkout that a link of `document` to `path` means; `None` outside of it.
pub fn resolved(document: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir => drop(parts.pop()?),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// Whether a link leads to something; else why not.
fn leads(document: &str, target: &str, documents: &Documents, root: &Path) -> Result<(), String> {
    let (path, anchor) = match Target::of(target) {
        Target::Web => return Ok(()),
        Target::Here { path, anchor } => (path, anchor),
    };
    let place = if path.is_empty() { Some(document.to_owned()) } else { resolved(document, path) };
    let place = place.ok_or("leads out of the checkout")?;
    if !root.join(&place).exists() {
        return Err("leads nowhere".into());
    }
    match (anchor, documents.get(&place)) {
        (Some(anchor), Some(there)) if !there.anchors.contains(anchor) => Err(format!("names no heading of {place}")),
        _ => Ok(()),
    }
}

/// Documents that are no chapter of the book, and chapters that are listed twice.
fn unlisted(documents: &Documents) -> Result<Vec<String>> {
    let summary = documents.get(SUMMARY).with_context(|| format!("there is no {SUMMARY}"))?;
    let listed: Vec<String> = summary.links.iter().filter_map(|link| resolved(SUMMARY, &link.target)).collect();
    let mut faults: Vec<String> = documents
        .keys()
        .filter(|name| *name != SUMMARY && !listed.contains(name))
        .map(|name| format!("{SUMMARY}: does not list {name}"))
        .collect();
    let mut seen = BTreeSet::new();
    faults
        .extend(listed.iter().filter(|name| !seen.insert(*name)).map(|name| format!("{SUMMARY}: lists {name} twice")));
    Ok(faults)
}

/// What can be typed.
struct Known {
    xtask: BTreeSet<String>,
    program: BTreeSet<String>,
    scenarios: BTreeSet<String>,
}

impl Known {
    /// Commands in this piece of code that do not exist: where, and their words.
    fn unknown(&self, code: &markdown::Code) -> Vec<(usize, String)> {
        let mut unknown = Vec::new();
        for (before, names) in
            [("cargo xtask", &self.xtask), ("peerage", &self.program), ("peerage lab", &self.scenarios)]
        {
            for (at, _) in code.text.match_indices(before) {
                // The start of a line or of a path's last part, and a word of small letters after it.
                let start =
                    code.text[..at].chars().next_back().is_none_or(|c| matches!(c, ' ' | '\n' | '/' | '$' | '`'));
                let after = &code.text[at + before.len()..];
                let Some(rest) = after.strip_prefix(if code.block { &[' '][..] } else { &[' ', '\n'] }) else {
                    continue;
                };
                let word: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
                let ended = rest[word.len()..].starts_with(|c: char| !c.is_alphanumeric() && !"_./:=".contains(c));
                if start
                    && !word.is_empty()
                    && !word.starts_with('-')
                    && (ended || rest.len() == word.len())
                    && !names.contains(&word)
                {
                    unknown.push((code.at + at, format!("{before} {word}")));
                }
            }
        }
        unknown
    }
}

/// Names of the variants of an enum of commands, as they are typed.
fn variants(source: &str, begins: &str) -> BTreeSet<String> {
    let body = source.split_once(begins).map_or("", |(_, rest)| rest);
    let lines = body.lines().take_while(|line| *line != "}");
    let names = lines.filter_map(|line| {
        let name = line.strip_prefix("    ")?.split(['(', ',', ' ']).next()?;
        (name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(char::is_alphanumeric)).then_some(name)
    });
    names.map(str::to_lowercase).chain(["help".to_owned()]).collect()
}

/// Names of the scenarios of the lab, and `list`.
fn scenarios(root: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::from(["list".to_owned(), "help".to_owned()]);
    for file in crate::site::files(&root.join(SCENARIOS))? {
        let text = fs::read_to_string(&file)?;
        let name = text.split_once("Scenario = Scenario {\n    name: \"").and_then(|(_, rest)| rest.split('"').next());
        names.extend(name.map(str::to_owned));
    }
    Ok(names)
}

/// Where the program says what it can do.
const PROGRAM: &str = "crates/app/node/src/cli.rs";
/// Where scenarios say their names.
const SCENARIOS: &str = "crates/lib/lab/src/scenarios";
/// Folders that are made, not written.
const GENERATED: [&str; 5] = ["node_modules", "target", "site", "modules", "wasm"];

/// The path of a file below a folder, for names in documents.
pub fn place(root: &Path, name: &str) -> PathBuf {
    name.split('/').fold(root.to_owned(), |path, part| path.join(part))
}

#[cfg(test)]
mod tests {
    use super::{Documents, Known, Markdown, SUMMARY, leads, resolved, unlisted, variants};
    use std::collections::BTreeSet;

    fn documents(all: &[(&str, &str)]) -> Documents {
        all.iter().map(|(name, text)| ((*name).to_owned(), Markdown::new((*text).to_owned()))).collect()
    }

    #[test]
    fn links_are_meant_from_their_document() {
        assert_eq!(resolved("docs/a.md", "../b/c.md").as_deref(), Some("b/c.md"));
        assert_eq!(resolved("docs/a.md", "./c.md").as_deref(), Some("docs/c.md"));
        assert_eq!(resolved("a.md", "../c.md"), None);
    }

    #[test]
    fn a_link_leads_to_a_file_and_a_heading_of_it_or_is_told() {
        let place = std::env::temp_dir().join(format!("peerage-documents-{}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("b.md"), "# One two\n").unwrap();
        let all = documents(&[("a.md", "# Here\n"), ("b.md", "# One two\n")]);
        let leads = |target| leads("a.md", target, &all, &place);
        let found = [leads("https://example.org/x"), leads("b.md"), leads("b.md#one-two")];
        let lost = [leads("c.md"), leads("b.md#two"), leads("../b.md")];
        std::fs::remove_dir_all(&place).unwrap();
        assert!(found.iter().all(Result::is_ok), "{found:?}");
        assert_eq!(
            lost.map(|one| one.unwrap_err()),
            ["leads nowhere", "names no heading of b.md", "leads out of the checkout"]
        );
    }

    #[test]
    fn every_document_is_a_chapter_once() {
        let summary = "- [A](../a.md)\n- [A again](../a.md)\n";
        let all = documents(&[(SUMMARY, summary), ("docs/a.md", ""), ("b.md", "")]);
        let faults = unlisted(&all).unwrap();
        assert_eq!(faults, [format!("{SUMMARY}: does not list b.md"), format!("{SUMMARY}: lists docs/a.md twice")]);
    }

    #[test]
    fn commands_that_do_not_exist_are_found() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let known = Known { xtask: set(&["test"]), program: set(&["dev", "lab"]), scenarios: set(&["list"]) };
        let text = "`cargo xtask\ntest`, `cargo xtask tset`\n\n```sh\npeerage dev --x\n/bin/peerage dve\ncd peerage\ncat data.txt\n$peerage lab lost\npeerage lab list\n```\n";
        let found: Vec<String> = Markdown::new(text.to_owned())
            .code
            .iter()
            .flat_map(|code| known.unknown(code))
            .map(|(_, words)| words)
            .collect();
        assert_eq!(found, ["cargo xtask tset", "peerage dve", "peerage lab lost"]);
    }

    #[test]
    fn commands_are_read_from_the_program() {
        let source = "pub enum Command {\n    /// Words.\n    #[command]\n    Dev(Dev),\n    Tidy,\n}\nenum Other {\n    Not,\n}\n";
        assert_eq!(variants(source, "pub enum Command {").into_iter().collect::<Vec<_>>(), ["dev", "help", "tidy"]);
    }
}

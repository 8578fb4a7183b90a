//! The book: every document of the checkout as a chapter, by mdBook, in the build folder.
//!
//! Nothing is written twice. The documents lie where they are read on their own, and `docs/book/SUMMARY.md` says in which order they
//! are chapters. Here they are laid out once more for mdBook, under the same paths: a README becomes the index of its folder, and a
//! link to a file that is no chapter, such as a source, leads to the repository on the web.

use crate::documents::{self, Documents, SUMMARY, Target, place, resolved};
use crate::setup;
use crate::shell::{Shell, read, run as run_it, step};
use crate::tools::Crate;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Gets mdBook where it is missing, and builds the book; says where it lies.
pub fn run(open: bool) -> Result<()> {
    let shell = setup::rust(&Shell::new(Workspace::find()?))?;
    let tool = Crate { package: "mdbook", program: "mdbook", version: MDBOOK.into(), features: &["search"] };
    setup::ensure(
        tool.program,
        "compiling it takes about 2 minutes on two cores",
        || tool.probe(&shell),
        || tool.make(&shell),
    )?;
    let since = Instant::now();
    let folder = shell.workspace.target.join("book");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let root = &shell.workspace.root;
    let chapters = lay_out(root, &folder.join("src"), &repository(&shell)?)?;
    fs::copy(root.join(SETTINGS), folder.join("book.toml")).with_context(|| format!("cannot copy {SETTINGS}"))?;
    fs::copy(root.join(STYLE), folder.join("book.css")).with_context(|| format!("cannot copy {STYLE}"))?;
    let mut build = shell.command("mdbook");
    build.arg("build").arg(&folder);
    run_it(if open { build.arg("--open") } else { &mut build })?;
    let words = format!("{chapters} chapters, {}", folder.join("html/index.html").display());
    step("book", "built", &words, since);
    Ok(())
}

/// Where sources are looked at on the web.
fn repository(shell: &Shell) -> Result<String> {
    let manifest = fs::read_to_string(shell.workspace.root.join("Cargo.toml"))?;
    let line = manifest.lines().find_map(|line| line.strip_prefix("repository = \""));
    let place = line.and_then(|rest| rest.strip_suffix('"')).context("Cargo.toml names no repository")?;
    // Of this commit, since lines of sources move.
    let commit = read(shell.command("git").args(["rev-parse", "HEAD"]));
    Ok(format!("{place}/blob/{}", commit.as_deref().map_or("main", str::trim)))
}

/// Writes all chapters and their pictures below `folder`, as mdBook wants them; says how many chapters there are.
fn lay_out(root: &Path, folder: &Path, repository: &str) -> Result<usize> {
    let documents = documents::read(root)?;
    let mut pictures = BTreeSet::new();
    for (name, document) in &documents {
        let mut text = document.text.clone();
        // From the end, so that places stay right.
        for link in document.links.iter().rev() {
            if let Target::Here { path, anchor } = Target::of(&link.target)
                && !path.is_empty()
            {
                let there =
                    resolved(name, path).with_context(|| format!("{name}: {path} leads out of the checkout"))?;
                if PICTURES.iter().any(|kind| there.ends_with(kind)) {
                    pictures.insert(there.clone());
                }
                let words = led(name, &there, &documents, &pictures, repository);
                let anchor = anchor.map(|anchor| format!("#{anchor}")).unwrap_or_default();
                text.replace_range(link.at..link.at + link.target.len(), &format!("{words}{anchor}"));
            }
        }
        let file = if name == SUMMARY { "SUMMARY.md".into() } else { indexed(name) };
        write(&place(folder, &file), text.as_bytes())?;
    }
    for picture in pictures {
        let bytes = fs::read(place(root, &picture)).with_context(|| format!("cannot read {picture}"))?;
        write(&place(folder, &picture), &bytes)?;
    }
    if documents.len() < 2 {
        bail!("there are no chapters");
    }
    Ok(documents.len() - 1)
}

/// What a link of `from` to the place `there` says in the book.
fn led(from: &str, there: &str, documents: &Documents, pictures: &BTreeSet<String>, repository: &str) -> String {
    let index = if there.is_empty() { "README.md".into() } else { format!("{there}/README.md") };
    let chapter = if documents.contains_key(&index) { index } else { there.to_owned() };
    if !documents.contains_key(&chapter) && !pictures.contains(there) {
        return format!("{repository}/{there}");
    }
    // The summary moves to the top.
    let depth = if from == SUMMARY { 0 } else { from.matches('/').count() };
    format!("{}{}", "../".repeat(depth), indexed(&chapter))
}

/// mdBook gives a README the name that servers look for; here it has it from the start.
fn indexed(name: &str) -> String {
    name.strip_suffix("README.md").map_or_else(|| name.to_owned(), |folder| format!("{folder}index.md"))
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

/// Its settings and its colours.
const SETTINGS: &str = "docs/book/book.toml";
const STYLE: &str = "docs/book/book.css";
/// What mdBook copies beside the chapters.
const PICTURES: [&str; 2] = [".png", ".svg"];
const MDBOOK: &str = "0.5.4";

#[cfg(test)]
mod tests {
    use super::{indexed, lay_out};
    use std::fs;

    #[test]
    fn a_readme_is_the_index_of_its_folder() {
        assert_eq!((indexed("README.md"), indexed("a/README.md")), ("index.md".into(), "a/index.md".into()));
        assert_eq!(indexed("a/b.md"), "a/b.md");
    }

    #[test]
    fn links_lead_to_chapters_pictures_and_sources() {
        let place = std::env::temp_dir().join(format!("peerage-book-{}", std::process::id()));
        let (root, to) = (place.join("root"), place.join("to"));
        fs::create_dir_all(root.join("docs/book")).unwrap();
        fs::create_dir_all(root.join("docs/adr")).unwrap();
        fs::write(root.join("docs/book/SUMMARY.md"), "- [One](../one.md)\n").unwrap();
        fs::write(root.join("docs/adr/README.md"), "[up](../../README.md)").unwrap();
        fs::write(root.join("docs/a.svg"), "<svg/>").unwrap();
        fs::write(root.join("x.rs"), "").unwrap();
        fs::write(root.join("README.md"), "").unwrap();
        let text = "[all](adr) [r](../README.md#a) [s](../x.rs) ![p](a.svg) [w](https://w.example) [#](#h)";
        fs::write(root.join("docs/one.md"), text).unwrap();
        let chapters = lay_out(&root, &to, "https://git.example/blob/1").unwrap();
        let read = |name: &str| fs::read_to_string(to.join(name)).unwrap();
        let found = [read("SUMMARY.md"), read("docs/one.md"), read("docs/adr/index.md"), read("docs/a.svg")];
        fs::remove_dir_all(&place).unwrap();
        let one = "[all](../docs/adr/index.md) [r](../index.md#a) [s](https://git.example/blob/1/x.rs) ![p](../docs/a.svg) \
                   [w](https://w.example) [#](#h)";
        assert_eq!(found, ["- [One](docs/one.md)\n", one, "[up](../../index.md)", "<svg/>"]);
        assert_eq!(chapters, 3);
    }
}

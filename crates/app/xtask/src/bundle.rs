//! Makes few small files of the scripts and style sheets of a folder, with a hash of their content in their names (npm's
//! esbuild).
//!
//! What a document names (`<script src>`, `<link rel="stylesheet">`) is where it begins; several style sheets of one document
//! become one. What scripts share is a piece of its own, and so is what they import with `import()`: it comes when it is asked
//! for. A file that a script finds beside itself by `new URL('./name', import.meta.url)` (a worker, a worklet, a style sheet) is
//! made first, so that its hash is part of the script. Glue of WebAssembly (`peerage-*.js`) is made small and stays as it is
//! named. In a checkout the same files run as they lie.
//!
//! Source maps lie beside the files for developer tools, which fetch them when they are opened.

use crate::shell::{Shell, read};
use crate::site::{files, fingerprint};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Replaces the scripts and style sheets that lie in `folder`, below it in `sources` (or in itself where that is empty), and
/// their names in the documents of `folder`. Scripts in `kept` keep their names, because other pages know them.
pub fn bundle(shell: &Shell, folder: &Path, sources: &str, kept: &[&str]) -> Result<()> {
    let scratch = shell.workspace.target.join("bundle");
    let (from, to) = (scratch.join("www"), scratch.join("made"));
    if scratch.exists() {
        fs::remove_dir_all(&scratch).with_context(|| format!("cannot empty {}", scratch.display()))?;
    }
    fs::create_dir_all(&from)?;
    let place = folder.join(sources);
    for file in here(&place, &["js", "css"])? {
        if is_glue(&file) {
            continue;
        }
        fs::copy(place.join(&file), from.join(&file))?;
        fs::remove_file(place.join(&file))?;
    }

    let beside = beside(&from)?;
    if !beside.is_empty() {
        let names = esbuild(shell, &from, &to, &beside, false)?.names;
        for file in here(&from, &["js"])? {
            let text = fs::read_to_string(from.join(&file))?;
            let told = beside.iter().fold(text.clone(), |text, name| {
                let new = names.get(name).map_or(name.as_str(), |new| new);
                text.replace(&found(name), &found(new))
            });
            if told != text {
                fs::write(from.join(&file), told)?;
            }
        }
    }

    let mut documents = BTreeMap::new();
    let mut entries: BTreeSet<String> = kept.iter().map(|name| (*name).to_owned()).collect();
    for name in here(folder, &["html"])? {
        let html = fs::read_to_string(folder.join(&name))?;
        let document = Document::read(&html, sources);
        entries.extend(document.scripts.iter().cloned());
        if let Some((whole, text)) = document.whole(&name) {
            fs::write(from.join(&whole), text)?;
            entries.insert(whole);
        } else {
            entries.extend(document.styles.iter().cloned());
        }
        documents.insert(name, (html, document));
    }
    let mut made = esbuild(shell, &from, &to, &entries.into_iter().collect::<Vec<_>>(), true)?;
    for name in kept {
        let Some(hashed) = made.names.insert((*name).to_owned(), (*name).to_owned()) else {
            bail!("no {name} was made in {}", folder.display());
        };
        // Its map is named in it.
        fs::rename(to.join(&hashed), to.join(name))?;
        if let Some(imports) = made.imports.remove(&hashed) {
            made.imports.insert((*name).to_owned(), imports);
        }
    }
    for (name, (html, document)) in documents {
        fs::write(folder.join(&name), document.told(&html, &name, sources, &made)?)?;
    }
    for file in files(&to)? {
        fs::copy(&file, place.join(file.file_name().unwrap_or_default()))?;
    }
    fs::remove_dir_all(&scratch)?;
    Ok(())
}

/// Makes glue of WebAssembly small, in place.
pub fn shrink(shell: &Shell, glue: &Path) -> Result<()> {
    let mut command = shell.command("esbuild");
    command.arg(glue).args(["--minify", "--charset=utf8", "--log-level=warning", "--allow-overwrite"]);
    read(command.arg(format!("--outfile={}", glue.display())))?;
    Ok(())
}

/// What esbuild made.
struct Made {
    /// The name of what was made of each entry.
    names: BTreeMap<String, String>,
    /// What each made script imports at once.
    imports: BTreeMap<String, Vec<String>>,
}

impl Made {
    /// As its description (`metafile`) tells.
    fn read(description: &str) -> Result<Self> {
        let described: Value = serde_json::from_str(description).context("esbuild described nothing")?;
        let outputs = described["outputs"].as_object().context("esbuild described no files")?;
        let (mut names, mut imports) = (BTreeMap::new(), BTreeMap::new());
        for (path, output) in outputs {
            if let Some(entry) = output["entryPoint"].as_str() {
                names.insert(last(entry).to_owned(), last(path).to_owned());
            }
            let at_once = output["imports"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|import| import["kind"] == "import-statement" && import["external"] != Value::Bool(true));
            let named = at_once.filter_map(|import| import["path"].as_str()).map(|path| last(path).to_owned());
            imports.insert(last(path).to_owned(), named.collect());
        }
        Ok(Self { names, imports })
    }

    /// What comes with these scripts at once, without themselves.
    fn with(&self, scripts: &[&String]) -> BTreeSet<&String> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&String> = scripts.to_vec();
        while let Some(script) = open.pop() {
            for import in self.imports.get(script).into_iter().flatten() {
                if !scripts.contains(&import) && found.insert(import) {
                    open.push(import);
                }
            }
        }
        found
    }
}

/// Makes the files of `entries` in `to`; `shared`: with what they share as pieces of their own.
fn esbuild(shell: &Shell, from: &Path, to: &Path, entries: &[String], shared: bool) -> Result<Made> {
    let fresh = to.join("fresh");
    let description = to.join("description.json");
    let mut command = shell.command("esbuild");
    command.args(entries.iter().map(|entry| from.join(entry)));
    command.args([
        "--bundle",
        "--minify",
        "--format=esm",
        "--charset=utf8",
        "--sourcemap=linked",
        "--log-level=warning",
    ]);
    command.args(["--entry-names=[name]-[hash]", "--chunk-names=[name]-[hash]", "--external:./peerage-*"]);
    command.arg(format!("--outdir={}", fresh.display())).arg(format!("--metafile={}", description.display()));
    if shared {
        command.arg("--splitting");
    }
    read(&mut command).context("the scripts could not be put together")?;
    let hashes = Hashes::of(&fresh)?;
    for file in files(&fresh)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        fs::write(to.join(hashes.told(&name)), hashes.told(&fs::read_to_string(&file)?))?;
    }
    let made = Made::read(&hashes.told(&fs::read_to_string(&description)?))?;
    fs::remove_dir_all(&fresh)?;
    fs::remove_file(&description)?;
    Ok(made)
}

/// Hashes as esbuild writes them into names, capital letters and digits, and as all our names have them: hexadecimal digits,
/// as many, so that source maps stay true.
struct Hashes(BTreeMap<String, String>);

impl Hashes {
    fn of(folder: &Path) -> Result<Self> {
        let mut all = BTreeMap::new();
        for name in here(folder, &["js", "css"])? {
            let hash = name.rsplit_once('-').and_then(|(_, rest)| rest.split('.').next()).unwrap_or_default();
            if hash.len() != HASH {
                bail!("esbuild made {name}, whose name holds no hash of {HASH} characters");
            }
            // One digit at least tells a hash from a word.
            let ours: String = "0".chars().chain(fingerprint(hash.as_bytes()).chars()).take(HASH).collect();
            all.insert(format!("-{hash}."), format!("-{ours}."));
        }
        Ok(Self(all))
    }

    fn told(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
    }
}

/// What a document names.
#[derive(Debug, Default)]
struct Document {
    scripts: Vec<String>,
    styles: Vec<String>,
}

impl Document {
    fn read(html: &str, sources: &str) -> Self {
        let mut document = Self::default();
        for tag in tags(html) {
            match source(tag, sources) {
                Some(name) if tag.starts_with("<script") => document.scripts.push(name.to_owned()),
                Some(name) => document.styles.push(name.to_owned()),
                None => {}
            }
        }
        document
    }

    /// Name and text of the style sheet that holds all of this document, where there are several.
    fn whole(&self, name: &str) -> Option<(String, String)> {
        let text = self.styles.iter().map(|style| format!("@import './{style}';\n")).collect();
        (self.styles.len() > 1).then(|| (name.replace(".html", "-page.css"), text))
    }

    /// The document with the names of what was made.
    fn told(&self, html: &str, name: &str, sources: &str, made: &Made) -> Result<String> {
        let prefix = if sources.is_empty() { String::new() } else { format!("{sources}/") };
        let named =
            |entry: &str| made.names.get(entry).with_context(|| format!("{name} names {entry}, which was not made"));
        let style = match self.whole(name) {
            Some((whole, _)) => Some(named(&whole)?),
            None => self.styles.first().map(|style| named(style)).transpose()?,
        };
        let scripts = self.scripts.iter().map(|script| named(script)).collect::<Result<Vec<_>>>()?;
        let mut told = html.to_owned();
        let (mut styled, mut preloaded) = (false, false);
        for tag in tags(html) {
            let Some(entry) = source(tag, sources) else { continue };
            let new = if tag.starts_with("<script") {
                // Before the first script, so that no piece waits for it.
                let pieces = if preloaded { BTreeSet::new() } else { made.with(&scripts) };
                preloaded = true;
                let pieces =
                    pieces.iter().map(|piece| format!("<link rel=\"modulepreload\" href=\"{prefix}{piece}\" />\n    "));
                pieces.collect::<String>() + &format!("<script type=\"module\" src=\"{prefix}{}\">", named(entry)?)
            } else if styled {
                String::new()
            } else {
                styled = true;
                style.map(|style| format!("<link rel=\"stylesheet\" href=\"{prefix}{style}\" />")).unwrap_or_default()
            };
            told = told.replacen(tag, &new, 1);
        }
        Ok(told)
    }
}

/// The tags of scripts and links.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    let starts = html.match_indices('<').filter(|(at, _)| {
        let rest = html.get(*at..).unwrap_or_default();
        rest.starts_with("<script ") || rest.starts_with("<link ")
    });
    starts.filter_map(|(at, _)| html.get(at..)?.split_inclusive('>').next())
}

/// The file in `sources` that a tag takes as a module or a style sheet.
fn source<'a>(tag: &'a str, sources: &str) -> Option<&'a str> {
    let script = tag.starts_with("<script ");
    if !script && !tag.contains("rel=\"stylesheet\"") {
        return None;
    }
    let address = tag.split_once(if script { " src=\"" } else { " href=\"" })?.1.split('"').next()?;
    let name = address.strip_prefix("./").unwrap_or(address);
    let name = if sources.is_empty() { name } else { name.strip_prefix(sources)?.strip_prefix('/')? };
    (!name.contains('/') && !name.contains(':')).then_some(name)
}

/// Files that scripts in `folder` find beside themselves.
fn beside(folder: &Path) -> Result<Vec<String>> {
    let mut all = BTreeSet::new();
    for file in here(folder, &["js"])? {
        let text = fs::read_to_string(folder.join(&file))?;
        let (start, end) = (FOUND.0, FOUND.1);
        for rest in text.split(start).skip(1) {
            let Some((name, _)) = rest.split_once(end) else { continue };
            if folder.join(name).is_file() {
                all.insert(name.to_owned());
            }
        }
    }
    Ok(all.into_iter().collect())
}

/// How a script names a file beside itself.
fn found(name: &str) -> String {
    format!("{}{name}{}", FOUND.0, FOUND.1)
}

/// Names of the files of these kinds in the folder itself.
fn here(folder: &Path, kinds: &[&str]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot look into {}", folder.display()))? {
        let path = entry?.path();
        let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
        if path.is_file() && kinds.contains(&kind) {
            names.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The end of a path.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether wasm-bindgen made this script.
fn is_glue(name: &str) -> bool {
    name.starts_with("peerage-")
}

/// Before and after the name of a file that a script finds beside itself.
const FOUND: (&str, &str) = ("new URL('./", "', import.meta.url)");
/// Characters of esbuild's hashes.
const HASH: usize = 8;

#[cfg(test)]
mod tests {
    use super::{Document, Hashes, Made, beside};
    use std::{env, fs, process};

    const PAGE: &str = "<link rel=\"stylesheet\" href=\"www/style.css\" />\n<link rel=\"stylesheet\" href=\"www/more.css\" />\n\
        <link rel=\"icon\" href=\"www/icon.svg\" /><script type=\"module\" src=\"./www/main.js\"></script>";

    fn made() -> Made {
        Made::read(
            r#"{"outputs": {
            "made/main-11111111.js": {"entryPoint": "www/main.js", "imports": [
                {"path": "made/chunk-22222222.js", "kind": "import-statement"},
                {"path": "made/later-33333333.js", "kind": "dynamic-import"},
                {"path": "./peerage-lab.js", "kind": "import-statement", "external": true}]},
            "made/chunk-22222222.js": {"imports": [{"path": "made/chunk-44444444.js", "kind": "import-statement"}]},
            "made/later-33333333.js": {"entryPoint": "www/later.js", "imports": []},
            "made/chunk-44444444.js": {"imports": []},
            "made/index-page-55555555.css": {"entryPoint": "www/index-page.css", "imports": []}}}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_document_names_what_was_made_and_asks_for_its_pieces_at_once() {
        let document = Document::read(PAGE, "www");
        assert_eq!((document.scripts.len(), document.styles.len()), (1, 2));
        let (name, text) = document.whole("index.html").unwrap();
        assert_eq!(
            (name.as_str(), text.as_str()),
            ("index-page.css", "@import './style.css';\n@import './more.css';\n")
        );
        assert_eq!(
            document.told(PAGE, "index.html", "www", &made()).unwrap(),
            "<link rel=\"stylesheet\" href=\"www/index-page-55555555.css\" />\n\n<link rel=\"icon\" href=\"www/icon.svg\" />\
             <link rel=\"modulepreload\" href=\"www/chunk-22222222.js\" />\n    \
             <link rel=\"modulepreload\" href=\"www/chunk-44444444.js\" />\n    \
             <script type=\"module\" src=\"www/main-11111111.js\"></script>"
        );
    }

    #[test]
    fn a_document_that_names_what_is_not_there_is_refused() {
        let html = "<script type=\"module\" src=\"lost.js\"></script>";
        let error = Document::read(html, "").told(html, "index.html", "", &made()).unwrap_err();
        assert_eq!(error.to_string(), "index.html names lost.js, which was not made");
        assert!(Document::read("<script src=\"https://a.b/c.js\"></script>", "").scripts.is_empty());
    }

    #[test]
    fn hashes_become_hexadecimal_wherever_they_stand_and_as_long() {
        let folder = env::temp_dir().join(format!("peerage-bundle-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("main-5HKQ3JXF.js"), "").unwrap();
        fs::write(folder.join("worker.js"), "new Worker(new URL('./main-5HKQ3JXF.js', import.meta.url));").unwrap();
        assert_eq!(beside(&folder).unwrap(), ["main-5HKQ3JXF.js"]);
        assert!(Hashes::of(&folder).is_err(), "worker.js has none");
        fs::remove_file(folder.join("worker.js")).unwrap();
        let before = "import './main-5HKQ3JXF.js';";
        let after = Hashes::of(&folder).unwrap().told(before);
        assert_eq!(before.len(), after.len());
        let hash = after.strip_prefix("import './main-").unwrap().strip_suffix(".js';").unwrap();
        assert!(hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
        fs::remove_dir_all(folder).unwrap();
    }
}

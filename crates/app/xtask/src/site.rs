//! What happens to the site after Trunk: everything is made small, gets a name by its content and a compressed twin, and is
//! weighed.
//!
//! Trunk puts the three modules, the document and `www` together under plain names. Names with a hash let a node serve all of it
//! as immutable, but for the documents, the service worker, and what other pages name. Compressed twins (`.br`) are kept in
//! the cache folder by the content they were made from. A site heavier than `budgets.json` allows is an error.

use crate::bundle;
use crate::lab;
use crate::market;
use crate::offline;
use crate::shell::{Shell, read};
use anyhow::{Context, Result, bail};
use brotli::enc::BrotliEncoderParams;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Shrinks, names and compresses; gives words about the sizes.
pub fn finish(shell: &Shell) -> Result<String> {
    let site = shell.workspace.site();
    for file in files(&site)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".wasm") {
            shrink(shell, &file)?;
        } else if name.starts_with("peerage-") && name.ends_with(".js") {
            bundle::shrink(shell, &file)?;
        }
    }
    let index = site.join("index.html");
    let mut html = dense(&fs::read_to_string(&index).context("Trunk left no index.html in pkg/site")?);
    for (module, parts) in MODULES {
        if let Some(part) = parts.last().filter(|part| !html.contains(&format!("{module}{part}"))) {
            bail!("index.html does not name {module}{part}, so the page could not start that module");
        }
        html = with_hash(&html, module, &rename(&site, module, parts)?);
    }
    refuse_inline("index.html", &html)?;
    fs::write(&index, html)?;
    // Their sources came along with the page's; they have folders of their own.
    for copied in ["www/lab", "www/market"].map(|folder| site.join(folder)) {
        if copied.exists() {
            fs::remove_dir_all(copied)?;
        }
    }
    bundle::bundle(shell, &site, "www", &[])?;
    lab::build(shell)?;
    market::build(shell)?;
    offline::write(&shell.workspace.root.join(offline::SCRIPT), &site)?;

    let cache = shell.workspace.cache.join("brotli");
    fs::create_dir_all(&cache)?;
    let mut sizes = Sizes::of(&fs::read_to_string(&index)?);
    for file in files(&site)? {
        let compressed = compress(&file, &cache)?;
        sizes.add(&offline::name(&file, &site), compressed);
    }
    prune(&cache)?;
    prune(&shell.workspace.cache.join("wasm-opt"))?;
    sizes.within(&serde_json::from_str(BUDGETS).context("budgets.json is no table of numbers")?)?;
    Ok(sizes.to_string())
}

/// Removes the oldest files of a cache folder.
fn prune(cache: &Path) -> Result<()> {
    let mut files: Vec<_> =
        files(cache)?.into_iter().filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file))).collect();
    files.sort();
    let old = files.len().saturating_sub(KEPT);
    for (_, file) in files.into_iter().take(old) {
        fs::remove_file(file)?;
    }
    Ok(())
}

/// Everything below `folder`.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot look into {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}

/// Replaces the module by a smaller one that does the same (npm's binaryen); both remembered by content.
pub fn shrink(shell: &Shell, wasm: &Path) -> Result<()> {
    let cache = shell.workspace.cache.join("wasm-opt");
    fs::create_dir_all(&cache)?;
    let done = cache.join(format!("{}{}.wasm", fingerprint(&fs::read(wasm)?), SHRINK.concat()));
    if !done.exists() {
        let unfinished = done.with_extension("part");
        let mut command: Command = shell.command("wasm-opt");
        command.args(SHRINK).arg(wasm).arg("-o").arg(&unfinished);
        read(&mut command)?;
        fs::rename(unfinished, &done)?;
    }
    fs::copy(&done, wasm)?;
    Ok(())
}

/// Puts a hash of their content into the names of the files of `module`, and into those of them that name another; gives the
/// hash.
fn rename(site: &Path, module: &str, parts: &[&str]) -> Result<String> {
    let mut content = Vec::new();
    for part in parts {
        let name = format!("{module}{part}");
        content.extend(fs::read(site.join(&name)).with_context(|| format!("Trunk left no {name} in pkg/site"))?);
    }
    let hash = fingerprint(&content);
    for part in parts {
        let (from, to) = (site.join(format!("{module}{part}")), site.join(format!("{module}-{hash}{part}")));
        if part.ends_with(".js") {
            fs::write(&to, with_hash(&fs::read_to_string(&from)?, module, &hash))?;
            fs::remove_file(from)?;
        } else {
            fs::rename(from, to)?;
        }
    }
    Ok(hash)
}

/// `text` with the names of a module's files as [`rename`] makes them.
fn with_hash(text: &str, module: &str, hash: &str) -> String {
    [".js", "_bg.wasm", "_loader.js"]
        .iter()
        .fold(text.to_owned(), |text, part| text.replace(&format!("{module}{part}"), &format!("{module}-{hash}{part}")))
}

/// Comments and the depth of lines are for those who read the sources.
pub fn dense(html: &str) -> String {
    let mut parts = html.split("<!--");
    let first = parts.next().unwrap_or_default().to_owned();
    let bare = parts.fold(first, |out, part| out + part.split_once("-->").map_or("", |(_, rest)| rest));
    let mut out = String::new();
    let mut written = false; // as it is to be shown
    for line in bare.lines() {
        let line = if written { line } else { line.trim() };
        written = match line.rsplit_once("<pre") {
            Some((_, rest)) => !rest.contains("</pre>"),
            None => written && !line.contains("</pre>"),
        };
        if written || !line.is_empty() {
            out += line;
            out.push('\n');
        }
    }
    out
}

/// The Content-Security-Policy allows scripts and styles from files alone.
pub fn refuse_inline(name: &str, html: &str) -> Result<()> {
    for tag in html.split("<script").skip(1) {
        let Some((attributes, _)) = tag.split_once('>') else { continue };
        if !attributes.contains("src=") {
            bail!("{name} holds an inline script, which the Content-Security-Policy forbids: <script{attributes}>");
        }
    }
    for sin in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
        if html.contains(sin) {
            bail!("{name} holds `{}`, which the Content-Security-Policy forbids", sin.trim());
        }
    }
    Ok(())
}

/// Writes the compressed twin and gives how many bytes a browser is sent.
fn compress(file: &Path, cache: &Path) -> Result<u64> {
    let bytes = fs::read(file)?;
    let kind = file.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    if bytes.len() <= SMALL || !COMPRESSED.contains(&kind) {
        return Ok(bytes.len() as u64);
    }
    let quality = if bytes.len() < LARGE { BEST } else { GOOD };
    let kept = cache.join(format!("{}-{quality}.br", fingerprint(&bytes)));
    if !kept.exists() {
        let unfinished = kept.with_extension("part");
        fs::write(&unfinished, brotli(&bytes, quality)?)?;
        fs::rename(unfinished, &kept)?;
    }
    let twin = file.with_extension(format!("{kind}.br"));
    fs::copy(&kept, &twin)?;
    Ok(fs::metadata(&twin)?.len())
}

/// `bytes` as served with `content-encoding: br`.
fn brotli(bytes: &[u8], quality: i32) -> Result<Vec<u8>> {
    let parameters = BrotliEncoderParams { quality, lgwin: 22, size_hint: bytes.len(), ..Default::default() };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut out, &parameters).context("brotli failed")?;
    Ok(out)
}

/// Names content in the cache and in addresses. Not for security.
pub fn fingerprint(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    format!("{:016x}", hasher.finish())
}

/// What a browser is sent, compressed: each group of files with its parts, in bytes.
///
/// The first load is what the document names, which a browser fetches at once, and the auditor, which begins with Join. What
/// `www` holds beside that comes when it is asked for (`later`); a folder is a group of its own.
struct Sizes {
    named: BTreeSet<String>,
    groups: BTreeMap<String, BTreeMap<&'static str, u64>>,
}

impl Sizes {
    fn of(html: &str) -> Self {
        let named = html.split([' ', '<', '\n']).filter_map(|word| {
            let address = word.strip_prefix("href=\"").or_else(|| word.strip_prefix("src=\""))?.split('"').next()?;
            Some(address.trim_start_matches("./").to_owned())
        });
        Self { named: named.chain(["index.html".to_owned()]).collect(), groups: BTreeMap::new() }
    }

    fn add(&mut self, name: &str, bytes: u64) {
        let kind = name.rsplit('.').next().unwrap_or_default();
        if name.ends_with(".d.ts") || name.ends_with(".map") {
            return;
        }
        let part = match kind {
            "wasm" => "modules",
            _ if name.starts_with("peerage-") => "their glue",
            "js" => "scripts",
            "css" => "styles",
            "html" => "documents",
            _ => "other",
        };
        let group = match name.split_once('/') {
            _ if name.starts_with("peerage-trainer") => "trainer",
            _ if name.starts_with("peerage-auditor") || self.named.contains(name) => FIRST,
            Some((folder, _)) if folder != "www" => folder,
            _ => "later",
        };
        *self.groups.entry(group.to_owned()).or_default().entry(part).or_default() += bytes;
    }

    fn whole(&self, group: &str) -> u64 {
        let parts = self.groups.get(if group == BESIDE { FIRST } else { group });
        parts
            .into_iter()
            .flatten()
            .filter(|(part, _)| group != BESIDE || **part != "modules")
            .map(|(_, bytes)| bytes)
            .sum()
    }

    /// An error where a group has more than its budget.
    fn within(&self, budgets: &BTreeMap<String, u64>) -> Result<()> {
        for (group, budget) in budgets {
            let bytes = self.whole(group);
            if bytes > *budget {
                bail!(
                    "the {group} weighs {} KB compressed, more than the {} KB of crates/app/xtask/budgets.json: find what made \
                     it grow ({self})",
                    bytes.div_ceil(1_000),
                    budget / 1_000
                );
            }
        }
        Ok(())
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.groups.iter().map(|(group, parts)| {
            let parts = parts.iter().map(|(part, bytes)| format!("{part} {}", bytes.div_ceil(1_000)));
            format!("{group} {} KB ({})", self.whole(group).div_ceil(1_000), parts.collect::<Vec<_>>().join(", "))
        });
        write!(f, "{}; compressed", groups.collect::<Vec<_>>().join("; "))
    }
}

/// The group that is fetched at once.
const FIRST: &str = "first load";
/// That group without its modules, which has a budget of its own.
const BESIDE: &str = "scripts, styles and document";
/// The most bytes that a group may have, compressed. Tests of what a browser fetches (`tests/e2e/site.test.mjs`) and the
/// measurements (`tests/page`) hold to the same table.
const BUDGETS: &str = include_str!("../budgets.json");
/// Package names of the modules, as Trunk names their files, and the ends of those names; the last is in the document.
const MODULES: [(&str, &[&str]); 3] = [
    ("peerage-page", &["_bg.wasm", ".js"]),
    ("peerage-auditor", &[".js", "_bg.wasm", "_loader.js"]),
    ("peerage-trainer", &[".js", "_bg.wasm", "_loader.js"]),
];
/// A tenth smaller than [`GOOD`], in ten times its time.
const BEST: i32 = 11;
/// For modules so large that [`BEST`] would take minutes.
const GOOD: i32 = 9;
/// Where that begins, in bytes.
const LARGE: usize = 4 << 20;
/// Files up to this size travel in one packet anyway.
const SMALL: usize = 1_024;
/// Kinds of files that compress.
const COMPRESSED: &[&str] = &["wasm", "js", "mjs", "css", "html", "svg", "txt", "json", "md", "map"];
/// Takes the trainer from 31 to 17 MB, and from 3.8 to 2.3 MB compressed, in a minute; higher levels take several. It
/// uses what the module says its browser must know (`target_features`), and nothing newer.
const SHRINK: &[&str] = &["-O1"];
/// Results of earlier builds that are kept.
const KEPT: usize = 40;

#[cfg(test)]
mod tests {
    use super::{BUDGETS, Sizes, brotli, dense, refuse_inline, with_hash};
    use std::collections::BTreeMap;

    #[test]
    fn a_worker_is_renamed_wherever_it_is_named() {
        let glue = "import init from './peerage-auditor.js'; new URL('peerage-auditor_bg.wasm', import.meta.url)";
        let renamed =
            "import init from './peerage-auditor-12.js'; new URL('peerage-auditor-12_bg.wasm', import.meta.url)";
        assert_eq!(with_hash(glue, "peerage-auditor", "12"), renamed);
    }

    fn sizes() -> Sizes {
        let mut sizes = Sizes::of(
            "<link rel=\"stylesheet\" href=\"www/a-1.css\" />\n<script type=\"module\" src=\"./www/main-1.js\"></script>\
             <a href=\"lab/\"><link href=\"peerage-trainer-1_loader.js\" />",
        );
        for (file, bytes) in [
            ("index.html", 1_000),
            ("www/main-1.js", 2_000),
            ("www/a-1.css", 500),
            ("www/later-1.js", 4_000),
            ("www/later-1.js.map", 64_000),
            ("peerage-auditor-1_bg.wasm", 8_000),
            ("peerage-trainer-1_loader.js", 100),
            ("peerage-trainer-1_bg.wasm", 16_000),
            ("lab/lab.js", 32_000),
        ] {
            sizes.add(file, bytes);
        }
        sizes
    }

    #[test]
    fn the_first_load_is_what_the_document_names_and_the_auditor() {
        assert_eq!(
            sizes().to_string(),
            "first load 12 KB (documents 1, modules 8, scripts 2, styles 1); lab 32 KB (scripts 32); \
             later 4 KB (scripts 4); trainer 17 KB (modules 16, their glue 1); compressed"
        );
    }

    #[test]
    fn what_is_heavier_than_its_budget_is_refused() {
        let budget = |group: &str, bytes: u64| BTreeMap::from([(group.to_owned(), bytes)]);
        assert!(sizes().within(&budget("first load", 11_500)).is_ok());
        assert!(sizes().within(&budget("scripts, styles and document", 3_500)).is_ok());
        assert!(sizes().within(&budget("scripts, styles and document", 3_499)).is_err());
        let error = sizes().within(&budget("first load", 11_499)).unwrap_err().to_string();
        assert!(error.starts_with("the first load weighs 12 KB compressed, more than the 11 KB"), "{error}");
        let budgets: BTreeMap<String, u64> = serde_json::from_str(BUDGETS).unwrap();
        assert!(budgets.contains_key("first load") && budgets["trainer"] <= 3_000_000);
    }

    #[test]
    fn comments_and_depth_are_taken_out() {
        assert_eq!(
            dense("<!doctype html>\n  <a><!-- one\n<script> --><b>\n\n    <!-- two -->\n  <pre>c\n  d</pre>\n  </b>"),
            "<!doctype html>\n<a><b>\n<pre>c\n  d</pre>\n</b>\n"
        );
    }

    #[test]
    fn inline_scripts_and_styles_are_refused() {
        assert!(refuse_inline("x", "<script type=\"module\" src=\"a.js\"></script>").is_ok());
        assert!(refuse_inline("x", "<script type=\"module\">run()</script>").is_err());
        assert!(refuse_inline("x", "<p style=\"color: red\">").is_err());
        assert!(refuse_inline("x", "<button onclick=\"go()\">").is_err());
    }

    #[test]
    fn compressed_bytes_come_back() {
        let text = "one peer, two peers, three peers ".repeat(200);
        let small = brotli(text.as_bytes(), 9).expect("compresses");
        assert!(small.len() < text.len() / 10);
        let mut back = Vec::new();
        brotli::BrotliDecompress(&mut &*small, &mut back).expect("decompresses");
        assert_eq!(back, text.as_bytes());
    }
}

//! What happens to the site after Trunk: workers get names by content, everything gets a compressed twin.
//!
//! Trunk gives the page's own module a name with a hash but leaves workers as they are. Here each worker gets
//! names with a hash too, so that a node may serve both as immutable. Compressed twins (`.br`) are kept in the
//! cache folder by the content they were made from.

use crate::lab;
use crate::market;
use crate::offline;
use crate::shell::{Shell, read};
use anyhow::{Context, Result, bail};
use brotli::enc::BrotliEncoderParams;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names, shrinks and compresses; gives words about the sizes.
pub fn finish(shell: &Shell) -> Result<String> {
    let site = shell.workspace.site();
    for file in files(&site)? {
        if file.extension().is_some_and(|kind| kind == "wasm") {
            shrink(shell, &file)?;
        }
    }
    let index = site.join("index.html");
    let mut html = fs::read_to_string(&index).context("Trunk left no index.html in pkg/site")?;
    for worker in WORKERS {
        if !html.contains(&format!("{worker}_loader.js")) {
            bail!("index.html does not name {worker}_loader.js, so the page could not start that worker");
        }
        html = with_hash(&html, worker, &rename(&site, worker)?);
    }
    let html = without_comments(&html);
    refuse_inline("index.html", &html)?;
    fs::write(&index, html)?;
    // Their sources came along with the page's; they have folders of their own.
    for copied in ["www/lab", "www/market"].map(|folder| site.join(folder)) {
        if copied.exists() {
            fs::remove_dir_all(copied)?;
        }
    }
    lab::build(shell)?;
    market::build(shell)?;
    offline::write(&shell.workspace.root.join(offline::SCRIPT), &site)?;

    let cache = shell.workspace.cache.join("brotli");
    fs::create_dir_all(&cache)?;
    let mut sizes = Sizes::default();
    for file in files(&site)? {
        let (raw, compressed) = compress(&file, &cache)?;
        sizes.add(file.strip_prefix(&site).unwrap_or(&file), raw, compressed);
    }
    prune(&cache)?;
    prune(&shell.workspace.cache.join("wasm-opt"))?;
    Ok(sizes.words())
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

/// Puts a hash of their content into the names of the three files of `worker`, and into those of them that name
/// another; gives the hash.
fn rename(site: &Path, worker: &str) -> Result<String> {
    let parts = [".js", "_bg.wasm", "_loader.js"];
    let mut content = Vec::new();
    for part in parts {
        let name = format!("{worker}{part}");
        content.extend(fs::read(site.join(&name)).with_context(|| format!("Trunk left no {name} in pkg/site"))?);
    }
    let hash = fingerprint(&content);
    for part in parts {
        let (from, to) = (site.join(format!("{worker}{part}")), site.join(format!("{worker}-{hash}{part}")));
        if part.ends_with(".js") {
            fs::write(&to, with_hash(&fs::read_to_string(&from)?, worker, &hash))?;
            fs::remove_file(from)?;
        } else {
            fs::rename(from, to)?;
        }
    }
    Ok(hash)
}

/// `text` with the names of a worker's files as [`rename`] makes them.
fn with_hash(text: &str, worker: &str, hash: &str) -> String {
    [".js", "_bg.wasm", "_loader.js"]
        .iter()
        .fold(text.to_owned(), |text, part| text.replace(&format!("{worker}{part}"), &format!("{worker}-{hash}{part}")))
}

/// Comments are for those who read the sources.
fn without_comments(html: &str) -> String {
    let mut parts = html.split("<!--");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once("-->").map_or("", |(_, rest)| rest))
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

/// Writes the compressed twin and gives both sizes.
fn compress(file: &Path, cache: &Path) -> Result<(u64, u64)> {
    let bytes = fs::read(file)?;
    let raw = bytes.len() as u64;
    let kind = file.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    if bytes.len() <= SMALL || !COMPRESSED.contains(&kind) {
        return Ok((raw, raw));
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
    Ok((raw, fs::metadata(&twin)?.len()))
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

/// Sizes of the first load, of the model's module, and of the lab and the market, which the page only links.
#[derive(Default)]
struct Sizes {
    first: u64,
    trainer: u64,
    lab: u64,
    market: u64,
}

impl Sizes {
    fn add(&mut self, file: &Path, _raw: u64, compressed: u64) {
        if file.starts_with("lab") {
            self.lab += compressed;
            return;
        }
        if file.starts_with("market") {
            self.market += compressed;
            return;
        }
        let in_trainer = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("peerage-trainer"));
        if in_trainer { self.trainer += compressed } else { self.first += compressed }
    }

    fn words(&self) -> String {
        let [first, trainer, lab, market] =
            [self.first, self.trainer, self.lab, self.market].map(|bytes| bytes / 1_000);
        format!("first load {first} KB, trainer {trainer} KB, lab {lab} KB, market {market} KB, compressed")
    }
}

/// Package names of the workers, as Trunk names their files.
const WORKERS: [&str; 2] = ["peerage-auditor", "peerage-trainer"];
/// A tenth smaller than [`GOOD`], in ten times its time.
const BEST: i32 = 11;
/// For modules so large that [`BEST`] would take minutes.
const GOOD: i32 = 9;
/// Where that begins, in bytes.
const LARGE: usize = 4 << 20;
/// Files up to this size travel in one packet anyway.
const SMALL: usize = 1_024;
/// Kinds of files that compress.
const COMPRESSED: &[&str] = &["wasm", "js", "mjs", "css", "html", "svg", "txt", "json", "md"];
/// Takes the trainer from 31 to 17 MB, and from 3.8 to 2.3 MB compressed, in a minute; higher levels take several. It
/// uses what the module says its browser must know (`target_features`), and nothing newer.
const SHRINK: &[&str] = &["-O1"];
/// Results of earlier builds that are kept.
const KEPT: usize = 40;

#[cfg(test)]
mod tests {
    use super::{Sizes, brotli, refuse_inline, with_hash, without_comments};
    use std::path::Path;

    #[test]
    fn a_worker_is_renamed_wherever_it_is_named() {
        let glue = "import init from './peerage-auditor.js'; new URL('peerage-auditor_bg.wasm', import.meta.url)";
        let renamed =
            "import init from './peerage-auditor-12.js'; new URL('peerage-auditor-12_bg.wasm', import.meta.url)";
        assert_eq!(with_hash(glue, "peerage-auditor", "12"), renamed);
    }

    #[test]
    fn what_the_page_only_links_is_no_part_of_the_first_load() {
        let mut sizes = Sizes::default();
        for (file, bytes) in [
            ("index.html", 1_000),
            ("lab/lab.js", 2_000),
            ("market/main.js", 3_000),
            ("peerage-trainer-1_bg.wasm", 4_000),
        ] {
            sizes.add(Path::new(file), 0, bytes);
        }
        assert_eq!(sizes.words(), "first load 1 KB, trainer 4 KB, lab 2 KB, market 3 KB, compressed");
    }

    #[test]
    fn comments_are_taken_out() {
        assert_eq!(
            without_comments("<!doctype html><a><!-- one\n<script> --><b><!-- two --></b>"),
            "<!doctype html><a><b></b>"
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

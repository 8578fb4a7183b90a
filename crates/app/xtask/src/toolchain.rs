//! A Rust toolchain that can build for wasm32, by the first of three ways that works.
//!
//! 1. The active toolchain already has the standard library of wasm32.
//! 2. `rustup target add` gets it.
//! 3. Debian: its `rustc-web` packages, and the standard library built once from their sources.
//!
//! One toolchain then builds everything, native and wasm32, so that nothing is compiled twice.

use crate::debian;
use crate::shell::{Shell, read, run, say};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// The shell of a toolchain that needs no work, with words for the reader; `None` where work is needed.
pub fn probe(shell: &Shell) -> Result<Option<(Shell, String)>> {
    let active = ready(shell);
    if let Ok(Some(words)) = active {
        return Ok(Some((shell.clone(), words)));
    }
    // A toolchain that an earlier set-up linked (way 3) is as good as the active one.
    if shell.which("rustup").is_some() {
        let linked = shell.with_toolchain(Some(LINKED.into()));
        if let Some(words) = ready(&linked).unwrap_or(None) {
            return Ok(Some((linked, words)));
        }
    }
    active.map(|_| None)
}

/// Gets the library of wasm32 and gives the shell of the toolchain that has it.
pub fn make(shell: &Shell) -> Result<(Shell, String)> {
    let mut tried = vec!["the active toolchain has no wasm32-unknown-unknown library".to_owned()];
    if shell.which("rustup").is_some() {
        match read(shell.command("rustup").args(["target", "add", TARGET])) {
            Ok(_) => match ready(shell)? {
                Some(words) => return Ok((shell.clone(), format!("{words}, added by rustup"))),
                None => tried.push("`rustup target add` ran but the library is not there".into()),
            },
            Err(error) => tried.push(format!("{error:#}")),
        }
    } else {
        tried.push("there is no rustup".into());
    }
    match debian(shell) {
        Ok(found) => Ok(found),
        Err(error) => {
            tried.push(format!("{error:#}"));
            bail!(
                "no Rust toolchain here can build for wasm32-unknown-unknown. What was tried: {}. \
                 Install one with rustup (https://rustup.rs) and `rustup target add {TARGET}`, then run this again",
                tried.join("; ")
            )
        }
    }
}

/// Words about the toolchain of `shell` where it is new enough and has the library; `None` where it has not.
fn ready(shell: &Shell) -> Result<Option<String>> {
    let version = read(shell.command("rustc").arg("--version")).context(
        "Rust does not start here; install it with rustup (https://rustup.rs) or set RUSTUP_TOOLCHAIN to one that does",
    )?;
    let version = version.trim();
    if number(version) < OLDEST {
        bail!("{version} is older than 1.{}, which the model needs: run `rustup update stable`", OLDEST.1);
    }
    let Ok(folder) = read(shell.command("rustc").args(["--print", "target-libdir", "--target", TARGET])) else {
        return Ok(None);
    };
    let name = shell.toolchain.as_deref().unwrap_or("from PATH");
    Ok(has_library(Path::new(folder.trim())).then(|| format!("{version} ({name}), with wasm32")))
}

fn has_library(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|files| {
        let names = files.flatten().map(|file| file.file_name().to_string_lossy().into_owned());
        let found = names
            .filter(|name| name.ends_with(".rlib") && (name.starts_with("libstd-") || name.starts_with("libtest-")));
        // `libtest` too: without it the tests for the browser do not link.
        found.count() >= 2
    })
}

/// Way 3: packages of Debian and a standard library built from their sources.
fn debian(shell: &Shell) -> Result<(Shell, String)> {
    debian::install(shell, PACKAGES)?;
    let name = if shell.which("rustup").is_some() {
        run(shell.command("rustup").args(["toolchain", "link", LINKED, "/usr"]))?;
        Some(LINKED.to_owned())
    } else {
        None
    };
    let shell = shell.with_toolchain(name);
    if let Some(words) = ready(&shell)? {
        return Ok((shell, words));
    }
    say("  building the wasm32 library from Debian's sources (about a minute)");
    build_library(&shell)?;
    match ready(&shell)? {
        Some(words) => Ok((shell, format!("{words}, from Debian's sources"))),
        None => bail!("the wasm32 library was built from Debian's sources but rustc does not find it"),
    }
}

/// Builds `std`, `panic_abort` and `test` for wasm32 in an empty crate and copies them to where rustc looks.
fn build_library(shell: &Shell) -> Result<()> {
    let folder = shell.workspace.cache.join("std-for-wasm32");
    fs::create_dir_all(folder.join("src"))?;
    fs::write(
        folder.join("Cargo.toml"),
        format!("[package]\nname = \"{EMPTY}\"\nedition = \"2024\"\n\n[workspace]\n"),
    )?;
    fs::write(folder.join("src/lib.rs"), "")?;
    let target = folder.join("target");
    let mut build = shell.cargo(["build", "--release", "-Zbuild-std=std,panic_abort,test", "--target", TARGET]);
    // Without the bitcode a later link with LTO fails.
    build
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("RUSTC_BOOTSTRAP", "1");
    run(&mut build)?;

    let sysroot = read(shell.command("rustc").args(["--print", "sysroot"]))?;
    let library = PathBuf::from(sysroot.trim()).join("lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(&library).with_context(|| format!("cannot write {}", library.display()))?;
    for file in fs::read_dir(target.join(TARGET).join("release/deps"))? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with(&format!("lib{EMPTY}-")) {
            fs::copy(file.path(), library.join(&name))
                .with_context(|| format!("cannot write {}", library.display()))?;
        }
    }
    fs::remove_dir_all(&folder).context("cannot remove the folder the library was built in")
}

/// Major and minor version out of `rustc 1.96.0 (…)`.
fn number(version: &str) -> (u32, u32) {
    let mut parts =
        version.split_whitespace().nth(1).unwrap_or_default().split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// The target of everything in a tab.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// Burn needs it.
const OLDEST: (u32, u32) = (1, 95);
/// Name under which rustup knows Debian's toolchain.
const LINKED: &str = "web";
const EMPTY: &str = "peerage_empty";
/// `lld-22` is what the package's `rust-lld` link points to, without it nothing links.
const PACKAGES: &[&str] = &[
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "libstd-rust-web-dev",
    "rust-web-clippy",
    "rustfmt-web",
    "lld-22",
    "clang",
];

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(number("rustc 1.96.0 (ac68faa20 2026-05-25)"), (1, 96));
        assert!(number("rustc 1.100.0-nightly") > number("rustc 1.95.1"));
        assert_eq!(number("garbage"), (0, 0));
    }
}

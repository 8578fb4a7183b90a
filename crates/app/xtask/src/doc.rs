//! Documents each crate right after it was linted, by the very arguments of its compiler, so that a link or a block of code in a comment
//! that leads nowhere fails the checks.
//!
//! `cargo doc` would compile nine hundred dependencies again, for their metadata alone (docs/adr/0008-checks-build.md). Here cargo calls
//! this program in the compiler's place for our own crates: it runs clippy, then rustdoc with what clippy was given. Cargo calls it for
//! a crate again only when that has changed. What comes out lies in `doc` of the build folder, private items too.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

/// Names clippy's driver; where it is set, this program was called in the compiler's place.
pub const LINTER: &str = "PEERAGE_LINTER";
/// Names the folder that the documentation goes to.
pub const FOLDER: &str = "PEERAGE_DOC";

/// In the compiler's place: lints the crate of these arguments and documents it; `None` where this is no such call.
pub fn in_place_of_the_compiler() -> Option<ExitCode> {
    let linter = PathBuf::from(env::var_os(LINTER)?);
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let mut lint = Command::new(&linter);
    if let Some(failed) = failed(lint.args(&arguments)) {
        return Some(failed);
    }
    // The first names the compiler.
    let arguments = documentable(arguments.get(1..).unwrap_or_default());
    if let (Some(arguments), Some(folder)) = (arguments, env::var_os(FOLDER)) {
        let mut document = Command::new(beside(&linter));
        document.args(arguments).args(["--document-private-items", "--deny=warnings", "--out-dir"]).arg(folder);
        if let Some(failed) = failed(&mut document) {
            return Some(failed);
        }
    }
    Some(ExitCode::SUCCESS)
}

/// Runs it; its exit code where that is not 0.
fn failed(command: &mut Command) -> Option<ExitCode> {
    let code = match command.status().as_ref().map(ExitStatus::code) {
        Ok(Some(0)) => return None,
        Ok(code) => code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX),
        Err(error) => {
            crate::shell::say(format!("cannot start `{}`: {error}", crate::shell::words(command)));
            u8::MAX
        }
    };
    Some(ExitCode::from(code))
}

/// The rustdoc of clippy's toolchain.
fn beside(linter: &Path) -> PathBuf {
    let name = format!("rustdoc{}", env::consts::EXE_SUFFIX);
    let there = linter.with_file_name(&name);
    if there.is_file() { there } else { name.into() }
}

/// The compiler's arguments without what only it knows; `None` where there is nothing to document: tests, examples, build scripts,
/// questions of cargo.
fn documentable(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let source = arguments.iter().map(Path::new).find(|path| path.extension() == Some(OsStr::new("rs")))?;
    let library = source.components().any(|part| part.as_os_str() == "src");
    if !library || arguments.iter().any(|argument| argument == "--test") {
        return None;
    }
    let mut kept: Vec<OsString> = Vec::with_capacity(arguments.len());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let text = argument.to_string_lossy();
        if text == "--out-dir" || text == "--emit" {
            rest.next();
        } else if text.starts_with("incremental=") {
            // After its `-C`.
            kept.pop();
        } else if !text.starts_with("--emit=") && !text.starts_with("-Cincremental=") {
            kept.push(argument.clone());
        }
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::documentable;
    use std::ffi::OsString;

    fn kept(line: &str) -> Option<String> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let kept = documentable(&arguments)?;
        Some(kept.iter().map(|one| one.to_string_lossy()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_library_is_documented_with_what_its_compiler_was_given() {
        let line = "--crate-name a --edition=2024 crates/a/src/lib.rs --emit=dep-info,link -C opt-level=1 -C incremental=/x --out-dir /y --extern b=/z";
        let wanted = "--crate-name a --edition=2024 crates/a/src/lib.rs -C opt-level=1 --extern b=/z";
        assert_eq!(kept(line).as_deref(), Some(wanted));
    }

    #[test]
    fn tests_examples_build_scripts_and_questions_are_not() {
        for line in ["src/lib.rs --test", "crates/a/examples/e.rs", "crates/a/build.rs", "- --crate-name ___", "-vV"] {
            assert_eq!(kept(line), None, "{line}");
        }
    }
}

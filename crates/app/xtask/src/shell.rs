//! Starts other programs and tells the reader what happens.
//!
//! A program started from here sees the chosen toolchain (`RUSTUP_TOOLCHAIN`), the build folder (`CARGO_TARGET_DIR`) and
//! the installed tools first in `PATH`, and nothing of what the outer cargo said about the build of xtask itself.

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How programs are started.
#[derive(Clone, Debug)]
pub struct Shell {
    /// Folders.
    pub workspace: Workspace,
    /// Name of the rustup toolchain; `None` where there is no rustup or it decides by itself.
    pub toolchain: Option<String>,
}

impl Shell {
    /// A shell that uses whatever toolchain the caller had.
    pub fn new(workspace: Workspace) -> Self {
        Self { workspace, toolchain: env::var("RUSTUP_TOOLCHAIN").ok().filter(|name| !name.is_empty()) }
    }

    /// A shell for another toolchain.
    pub fn with_toolchain(&self, toolchain: Option<String>) -> Self {
        Self { workspace: self.workspace.clone(), toolchain }
    }

    /// `program`, to be started in the checkout.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.workspace.root);
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(belongs_to_outer_cargo) {
                command.env_remove(name);
            }
        }
        // Trunk 0.21 reads this as a boolean and refuses the usual `1`.
        command.env_remove("NO_COLOR");
        match &self.toolchain {
            Some(name) => command.env("RUSTUP_TOOLCHAIN", name),
            None => command.env_remove("RUSTUP_TOOLCHAIN"),
        };
        command.env("CARGO_TARGET_DIR", &self.workspace.target).env("PATH", self.path());
        command
    }

    /// `cargo` with the first words of its command line.
    pub fn cargo<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.command("cargo");
        command.args(arguments);
        if io::stdout().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        command
    }

    /// Where `program` lies, by `PATH`.
    pub fn which(&self, program: &str) -> Option<PathBuf> {
        env::split_paths(&self.path()).map(|folder| folder.join(program)).find(|file| file.is_file())
    }

    fn path(&self) -> OsString {
        let first = [self.workspace.tools().join("bin"), self.workspace.root.join("node_modules/.bin")];
        let rest = env::var_os("PATH").unwrap_or_default();
        let all = first.into_iter().chain(env::split_paths(&rest));
        env::join_paths(all).unwrap_or(rest)
    }
}

/// Keeps standard output for one result: everything that is said from now on goes to standard error.
pub fn keep_stdout_clear() {
    ASIDE.store(true, Ordering::Relaxed);
}

/// Runs it on this terminal; an exit status other than 0 is an error that names the command.
pub fn run(command: &mut Command) -> Result<()> {
    if ASIDE.load(Ordering::Relaxed) {
        command.stdout(io::stderr());
    }
    finish(command)
}

/// Runs it with standard output as it is, for the result.
pub fn finish(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", words(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", words(command));
    }
    Ok(())
}

/// Runs it silently and gives its output; an error carries the last lines of its stderr.
pub fn read(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{}`", words(command)))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = stderr.trim().lines().collect();
        let tail = lines[lines.len().saturating_sub(6)..].join("\n");
        bail!("`{}` failed ({}): {tail}", words(command), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs it on this terminal and keeps what it prints (both streams, line by line), without colours.
pub fn tee(command: &mut Command) -> Result<(ExitStatus, String)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", words(command)))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let text = Mutex::new(String::new());
    thread::scope(|scope| {
        scope.spawn(|| copy_lines(stdout, io::stdout(), &text));
        scope.spawn(|| copy_lines(stderr, io::stderr(), &text));
    });
    let status = child.wait()?;
    Ok((status, text.into_inner().unwrap_or_default()))
}

fn copy_lines(from: Option<impl Read>, mut to: impl Write, text: &Mutex<String>) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        // A closed terminal must not stop the program that is watched.
        drop(to.write_all(&line));
        if let Ok(mut text) = text.lock() {
            text.push_str(&plain(&String::from_utf8_lossy(&line)));
        }
        line.clear();
    }
}

/// `text` without terminal colours.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            out.push(c);
        } else if rest.next() == Some('[') {
            for c in rest.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        }
    }
    out
}

/// The command line as a person would type it.
pub fn words(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Prints one line to the reader.
pub fn say(line: impl AsRef<str>) {
    // A closed terminal must not stop the work.
    drop(if ASIDE.load(Ordering::Relaxed) {
        writeln!(io::stderr(), "{}", line.as_ref())
    } else {
        writeln!(io::stdout(), "{}", line.as_ref())
    });
}

/// Prints a step: its name, its state, what it found, and the time it took.
pub fn step(name: &str, state: &str, what: &str, since: Instant) {
    say(format!("  {name:<12} {state:<7} {what}  [{}]", duration(since.elapsed())));
}

/// Prints the clear sentence that a command ends with when it cannot go on.
pub fn sentence(error: &anyhow::Error) {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    drop(writeln!(io::stderr(), "\nerror: {}", causes.join(": ")));
}

/// A duration for people.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{:.0} min {:02.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

fn belongs_to_outer_cargo(name: &str) -> bool {
    matches!(name, "CARGO" | "RUSTC" | "RUSTDOC" | "RUST_RECURSION_COUNT" | "LD_LIBRARY_PATH")
        || name == "DYLD_FALLBACK_LIBRARY_PATH"
        || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
            .iter()
            .any(|start| name.starts_with(start))
}

static ASIDE: AtomicBool = AtomicBool::new(false);

#[cfg(test)]
mod tests {
    use super::{belongs_to_outer_cargo, duration, plain};
    use std::time::Duration;

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(plain("\u{1b}[32;1m12\u{1b}[0m passed"), "12 passed");
        assert_eq!(plain("no colour"), "no colour");
    }

    #[test]
    fn the_outer_build_is_forgotten_and_the_users_settings_are_kept() {
        for name in ["CARGO", "CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "RUSTC"] {
            assert!(belongs_to_outer_cargo(name), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_BUILD_JOBS", "CARGO_NET_OFFLINE", "RUSTFLAGS", "HOME"] {
            assert!(!belongs_to_outer_cargo(name), "{name}");
        }
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(Duration::from_millis(1_250)), "1.2 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 05 s");
    }
}

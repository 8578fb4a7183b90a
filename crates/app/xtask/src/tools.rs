//! Programs and packages that come from registries: wasm-bindgen, trunk, npm packages, a compiler for C, browsers.
//!
//! Each has a `probe`, which only looks and is quick, and a `make`, which gets it and says what it does.

use crate::debian;
use crate::shell::{Shell, read, run, say};
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A program out of crates.io, installed into the cache folder.
#[derive(Clone, Debug)]
pub struct Crate {
    /// Name of the package.
    pub package: &'static str,
    /// Name of the program that tells the version.
    pub program: &'static str,
    /// The exact version.
    pub version: String,
    /// What it is compiled with; nothing that it could do besides.
    pub features: &'static [&'static str],
}

impl Crate {
    /// The version where it is the right one.
    pub fn probe(&self, shell: &Shell) -> Option<String> {
        let said = read(shell.command(self.program).arg("--version")).ok()?;
        (said.split_whitespace().nth(1)?.trim_start_matches('v') == self.version).then(|| self.version.clone())
    }

    /// Compiles it, quickly rather than well: it runs for seconds.
    pub fn make(&self, shell: &Shell) -> Result<String> {
        // With the lock file of its authors; without it where the registry does not have those very versions.
        if run(&mut self.install(shell, true)).is_err() {
            run(&mut self.install(shell, false))?;
        }
        self.probe(shell).with_context(|| format!("{} {} was installed but does not start", self.package, self.version))
    }

    fn install(&self, shell: &Shell, locked: bool) -> Command {
        let mut command = shell.cargo(["install", "--no-default-features", "--force"]);
        command.args(self.features.iter().flat_map(|feature| ["--features", feature]));
        command.args(locked.then_some("--locked")).arg("--root").arg(shell.workspace.tools());
        command
            .arg(self.package)
            .arg("--version")
            .arg(format!("={}", self.version))
            .current_dir(&shell.workspace.cache);
        command.env("CARGO_TARGET_DIR", shell.workspace.cache.join("tools-target"));
        for (name, value) in [("OPT_LEVEL", "1"), ("LTO", "off"), ("CODEGEN_UNITS", "16"), ("DEBUG", "0")] {
            command.env(format!("CARGO_PROFILE_RELEASE_{name}"), value);
        }
        command
    }
}

/// Where a linker for native code and a clang for wasm32 (blst, in the certificates' cryptography) are.
pub fn compilers(shell: &Shell) -> Option<String> {
    shell.which("cc")?;
    let output = shell.workspace.cache.join("empty.o");
    let mut clang = shell.command("clang");
    clang.arg(format!("--target={}", crate::toolchain::TARGET)).args(["-c", "-x", "c", "/dev/null", "-o"]).arg(&output);
    read(&mut clang).ok()?;
    Some("cc, clang with wasm32".into())
}

/// Gets both.
pub fn make_compilers(shell: &Shell) -> Result<String> {
    debian::install(shell, &["gcc", "libc6-dev", "clang"])
        .context("a C compiler is missing (`cc`, and a `clang` that knows wasm32)")?;
    compilers(shell).context("clang was installed but does not compile for wasm32")
}

/// A compiler for C++ (libFuzzer is written in it). Debian's clang comes with one, and so this is rarely missing.
pub fn cpp(shell: &Shell) -> Option<PathBuf> {
    ["c++", "g++", "clang++"].iter().find_map(|name| shell.which(name))
}

/// Gets one.
pub fn make_cpp(shell: &Shell) -> Result<String> {
    debian::install(shell, &["g++"]).context("a compiler for C++ is missing (`c++`, `g++` or `clang++`)")?;
    Ok(cpp(shell).context("g++ was installed but is not in PATH")?.display().to_string())
}

/// Whether `node_modules` is what package-lock.json says.
pub fn packages(shell: &Shell) -> Option<String> {
    let lock = fs::read_to_string(shell.workspace.root.join("package-lock.json")).ok()?;
    (fs::read_to_string(stamp(shell)).ok()? == lock).then(|| "as in package-lock.json".into())
}

/// Installs them; no browser comes with them.
pub fn make_packages(shell: &Shell) -> Result<String> {
    if shell.which("npm").is_none() {
        bail!("npm is missing: install Node.js 20 or newer (https://nodejs.org), then run this again");
    }
    let version = read(shell.command("node").arg("--version")).context("Node.js does not start here")?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < 20) {
        bail!("Node.js {} is too old: install 20 or newer (https://nodejs.org), then run this again", version.trim());
    }
    // No package has to run anything to be of use here.
    let quiet = ["--no-audit", "--no-fund", "--loglevel", "error"];
    run(shell.command("npm").args(["ci", "--ignore-scripts"]).args(quiet))?;
    fs::copy(shell.workspace.root.join("package-lock.json"), stamp(shell))?;
    packages(shell).context("node_modules changed while it was looked at")
}

fn stamp(shell: &Shell) -> PathBuf {
    shell.workspace.root.join("node_modules/.installed-lock.json")
}

/// A Chromium and the driver that fits it.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The browser.
    pub chromium: PathBuf,
    /// Its WebDriver.
    pub driver: PathBuf,
}

impl Browser {
    /// By `CHROMIUM` and `CHROMEDRIVER`, else by their usual names in `PATH`.
    pub fn probe(shell: &Shell) -> Option<Self> {
        let chromium = named("CHROMIUM").or_else(|| NAMES.iter().find_map(|name| shell.which(name)))?;
        let driver = named("CHROMEDRIVER").or_else(|| shell.which("chromedriver"))?;
        Some(Self { chromium, driver })
    }

    /// From Debian's packages.
    pub fn make(shell: &Shell) -> Result<Self> {
        debian::install(shell, &["chromium", "chromium-driver"]).context(
            "no browser to test in: chromium and chromedriver are not in PATH (or name them in CHROMIUM and CHROMEDRIVER)",
        )?;
        Self::probe(shell).context("chromium was installed but is not in PATH")
    }

    /// Version of the browser; an error where the driver is for another.
    pub fn version(&self, shell: &Shell) -> Result<String> {
        let browser = read(shell.command(&self.chromium).arg("--version"))?;
        let driver = read(shell.command(&self.driver).arg("--version"))?;
        let (major, fits) = (major(&browser), major(&driver));
        if major.is_none() || major != fits {
            bail!("`{}` and `{}` do not fit: install the same version of both", browser.trim(), driver.trim());
        }
        Ok(browser.trim().to_owned())
    }
}

/// A Firefox and its driver, which fits any recent one.
#[derive(Clone, Debug)]
pub struct Firefox {
    /// The browser.
    pub firefox: PathBuf,
    /// Its WebDriver.
    pub driver: PathBuf,
}

impl Firefox {
    /// By `FIREFOX` and `GECKODRIVER`, else by their usual names in `PATH`.
    pub fn probe(shell: &Shell) -> Option<Self> {
        Some(Self { firefox: firefox(shell)?, driver: named("GECKODRIVER").or_else(|| shell.which("geckodriver"))? })
    }

    /// The browser from Debian's packages, its driver from crates.io.
    pub fn make(shell: &Shell, driver: &Crate) -> Result<Self> {
        if firefox(shell).is_none() {
            debian::install(shell, &["firefox-esr"]).context("firefox is not in PATH (or name it in FIREFOX)")?;
        }
        if driver.probe(shell).is_none() {
            say("  firefox      missing its driver, compiling it takes about 2 minutes on two cores …");
            driver.make(shell).context("geckodriver is not in PATH (or name it in GECKODRIVER)")?;
        }
        Self::probe(shell).context("firefox was installed but is not in PATH")
    }

    /// Versions of both; an error where one does not start.
    pub fn version(&self, shell: &Shell) -> Result<String> {
        let browser = read(shell.command(&self.firefox).arg("--version"))?;
        let driver = read(shell.command(&self.driver).arg("--version"))?;
        let words: Vec<&str> = driver.split_whitespace().take(2).collect();
        Ok(format!("{}, {}", browser.trim(), words.join(" ")))
    }
}

fn firefox(shell: &Shell) -> Option<PathBuf> {
    named("FIREFOX").or_else(|| ["firefox-esr", "firefox"].iter().find_map(|name| shell.which(name)))
}

/// The file that a variable names.
fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|file| file.is_file())
}

fn major(version: &str) -> Option<u32> {
    version.split_whitespace().find_map(|word| word.split('.').next()?.parse().ok())
}

const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_the_first_number() {
        assert_eq!(major("Chromium 156.0.7712.3 built on Debian"), Some(156));
        assert_eq!(major("ChromeDriver 156.0.1 (abc-refs/heads@{#1})"), Some(156));
        assert_eq!(major("none"), None);
    }
}

//! Brings the machine into the state that the other commands need. Idempotent: a second run only looks.

use crate::shell::{Shell, duration, run as run_it, say, step};
use crate::toolchain;
use crate::tools::{self, Browser, Crate, Firefox};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::time::Instant;

/// What the machine is set up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// Building and running.
    Run,
    /// Measuring and drawing too: Chromium with its driver.
    Browser,
    /// Testing too: Firefox with its driver beside it.
    Test,
}

/// A machine that is set up.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Starts programs with the chosen toolchain.
    pub shell: Shell,
    /// Present when set up for more than running.
    pub browser: Option<Browser>,
    /// Firefox where set up for tests, or why there is none.
    pub firefox: Result<Firefox, String>,
}

/// Looks at each thing, gets what is missing, and says so.
pub fn run(purpose: For) -> Result<Ready> {
    let start = Instant::now();
    let workspace = Workspace::find()?;
    say(format!("Set-up (build folder {}):", workspace.target.display()));
    let shell = rust(&Shell::new(workspace))?;

    ensure("compilers", "", || tools::compilers(&shell), || tools::make_compilers(&shell))?;
    for tool in crates(&shell)? {
        ensure(
            tool.program,
            "compiling it takes about 6 minutes on two cores",
            || tool.probe(&shell),
            || tool.make(&shell),
        )?;
    }
    let since = Instant::now();
    run_it(&mut shell.cargo(["fetch", "--quiet", "--locked"]))
        .context("cannot fetch the crates that Cargo.lock names")?;
    step("crates", "ready", "as in Cargo.lock", since);
    ensure("npm packages", "", || tools::packages(&shell), || tools::make_packages(&shell))?;

    let browser = if purpose == For::Run { None } else { Some(browser(&shell)?) };
    let firefox = if purpose == For::Test { firefox(&shell) } else { Err("not asked for".into()) };
    say(format!("Set up in {}.", duration(start.elapsed())));
    Ok(Ready { shell, browser, firefox })
}

/// For the fuzz targets: Rust, a linker, and a compiler for C++, which is named. Nothing of browsers and pages.
pub fn fuzz() -> Result<(Shell, PathBuf)> {
    let workspace = Workspace::find()?;
    say(format!("Set-up (build folder {}):", workspace.target.display()));
    let shell = rust(&Shell::new(workspace))?;
    ensure("compilers", "", || tools::compilers(&shell), || tools::make_compilers(&shell))?;
    let words = || tools::cpp(&shell).map(|path| path.display().to_string());
    ensure("C++", "", words, || tools::make_cpp(&shell))?;
    let compiler = tools::cpp(&shell).context("the compiler for C++ is gone")?;
    Ok((shell, compiler))
}

/// For the audit: Rust, and cargo-deny.
pub fn audit() -> Result<Shell> {
    let workspace = Workspace::find()?;
    say(format!("Set-up (build folder {}):", workspace.target.display()));
    let shell = rust(&Shell::new(workspace))?;
    ensure("compilers", "", || tools::compilers(&shell), || tools::make_compilers(&shell))?;
    let deny = Crate { package: "cargo-deny", program: "cargo-deny", version: CARGO_DENY.into(), features: &[] };
    let estimate = "compiling it takes about 5 minutes on two cores";
    ensure("cargo-deny", estimate, || deny.probe(&shell), || deny.make(&shell))?;
    Ok(shell)
}

/// The programs that Trunk and the tests in browsers need.
fn crates(shell: &Shell) -> Result<[Crate; 2]> {
    Ok([
        // Equal to the library in the last digit, or its output is refused.
        Crate {
            package: "wasm-bindgen-cli",
            program: "wasm-bindgen",
            version: shell.workspace.locked("wasm-bindgen")?,
            features: &[],
        },
        Crate { package: "trunk", program: "trunk", version: TRUNK.into(), features: &[] },
    ])
}

/// The toolchain with the library of the tab.
pub fn rust(shell: &Shell) -> Result<Shell> {
    let since = Instant::now();
    if let Some((shell, words)) = toolchain::probe(shell)? {
        step("rust", "ready", &words, since);
        return Ok(shell);
    }
    say("  rust         missing the library of wasm32-unknown-unknown, getting it …");
    let (shell, words) = toolchain::make(shell)?;
    step("rust", "made", &words, since);
    Ok(shell)
}

fn browser(shell: &Shell) -> Result<Browser> {
    let since = Instant::now();
    let (browser, state) = match Browser::probe(shell) {
        Some(browser) => (browser, "ready"),
        None => (Browser::make(shell)?, "made"),
    };
    step("browser", state, &browser.version(shell)?, since);
    Ok(browser)
}

/// Firefox is looked for, and got where it can be; tests in it are left out where it cannot.
fn firefox(shell: &Shell) -> Result<Firefox, String> {
    let since = Instant::now();
    let driver = Crate { package: "geckodriver", program: "geckodriver", version: GECKODRIVER.into(), features: &[] };
    let got = match Firefox::probe(shell) {
        Some(firefox) => Ok((firefox, "ready")),
        None => Firefox::make(shell, &driver).map(|firefox| (firefox, "made")),
    };
    let found = got.and_then(|(firefox, state)| Ok((firefox.version(shell)?, firefox, state)));
    match found {
        Ok((version, firefox, state)) => {
            step("firefox", state, &version, since);
            Ok(firefox)
        }
        Err(error) => {
            let why = format!("{error:#}");
            step("firefox", "none", &format!("tests in it are left out: {why}"), since);
            Err(why)
        }
    }
}

/// Looks for one thing, gets it where it is missing, and says so.
pub fn ensure(
    name: &str,
    estimate: &str,
    probe: impl Fn() -> Option<String>,
    make: impl Fn() -> Result<String>,
) -> Result<()> {
    let since = Instant::now();
    if let Some(words) = probe() {
        step(name, "ready", &words, since);
        return Ok(());
    }
    say(format!("  {name:<12} missing, getting it … {estimate}"));
    let words = make().with_context(|| format!("set-up could not get `{name}`"))?;
    step(name, "made", &words, since);
    Ok(())
}

/// 0.22 asks for a newer Rust than Debian's.
const TRUNK: &str = "0.21.14";
/// Reads deny.toml.
const CARGO_DENY: &str = "0.20.2";
/// Works with Firefox 128 and newer.
const GECKODRIVER: &str = "0.37.1";

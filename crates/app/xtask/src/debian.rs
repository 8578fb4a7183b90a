//! Packages of Debian and its children, where this program may install them.

use crate::shell::{Shell, read, run, say};
use anyhow::{Result, bail};
use std::process::Command;

/// Installs `packages`; where that is not for us to do, an error says what to type.
pub fn install(shell: &Shell, packages: &[&str]) -> Result<()> {
    let line = format!("apt-get install {}", packages.join(" "));
    if shell.which("apt-get").is_none() {
        bail!("this is not a Debian-like system; install the equivalent of: {}", packages.join(" "));
    }
    if !root(shell) {
        bail!("not root, so nothing was installed; run `sudo {line}` and then this again");
    }
    say(format!("  installing with apt-get: {}", packages.join(" ")));
    if run(&mut apt(shell, packages)).is_err() {
        // The lists of a bare machine are empty or old.
        run(shell.command("apt-get").args(["update", "-q"]))?;
        run(&mut apt(shell, packages))?;
    }
    Ok(())
}

fn apt(shell: &Shell, packages: &[&str]) -> Command {
    let mut command = shell.command("apt-get");
    command
        .args(["install", "-q", "-y", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn root(shell: &Shell) -> bool {
    read(shell.command("id").arg("-u")).is_ok_and(|user| user.trim() == "0")
}

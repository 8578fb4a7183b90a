//! Packages of Debian and its children, where this program may install them.

use crate::shell::{Shell, read, run, say};
use anyhow::{Result, bail};

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
    // The lists of a bare machine are empty, or old and name versions that will not do.
    run(shell.command("apt-get").args(["update", "-q"]))?;
    let mut command = shell.command("apt-get");
    command.args(["install", "-q", "-y", "--no-install-recommends"]).args(packages);
    run(command.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn root(shell: &Shell) -> bool {
    read(shell.command("id").arg("-u")).is_ok_and(|user| user.trim() == "0")
}

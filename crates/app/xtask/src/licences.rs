//! Licences and sources of everything that is linked, by the list in deny.toml that cargo-deny reads too (`cargo xtask audit`, which
//! knows more and takes minutes to install).

use crate::shell::{Shell, read, say};
use crate::toolchain::TARGET;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;

/// Compares with `allow` of deny.toml.
pub fn check(shell: &Shell) -> Result<()> {
    let allowed =
        allowed(&fs::read_to_string(shell.workspace.root.join("deny.toml")).context("cannot read deny.toml")?);
    let mut linked = BTreeSet::new();
    for target in [None, Some(TARGET)] {
        let mut tree = shell.cargo(["tree", "--workspace", "--locked", "--edges", "normal,build", "--prefix", "none"]);
        tree.args(["--format", "{p}|{l}|"]).args(target.map(|name| format!("--target={name}")));
        linked.extend(read(tree.env_remove("CARGO_TERM_COLOR"))?.lines().map(str::to_owned));
    }
    let refused: BTreeSet<String> = linked.iter().filter_map(|line| fault(line, &allowed)).collect();
    if !refused.is_empty() {
        bail!("packages that deny.toml does not allow:\n  {}", Vec::from_iter(refused).join("\n  "));
    }
    say(format!("  {} lines of packages", linked.len()));
    Ok(())
}

/// What is wrong with a package, given as `name v1.2.3 (where from)|licence|…`; the place of crates.io is not written.
fn fault(line: &str, allowed: &[String]) -> Option<String> {
    let mut parts = line.split('|');
    let (package, licence) = (parts.next()?.trim(), parts.next()?.trim());
    if package.contains("(http") || package.contains("(git") || package.contains("(registry") {
        return Some(format!("{package} does not come from crates.io"));
    }
    // Without an expression there is a licence file, which cargo-deny reads.
    (!licence.is_empty() && !permits(licence, allowed)).then(|| format!("{package}: {licence}"))
}

/// The strings of `allow = [ … ]`.
fn allowed(deny: &str) -> Vec<String> {
    let list = deny.split_once("\nallow = [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether an SPDX expression can be met with the allowed licences alone.
fn permits(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest, allowed) && rest.is_empty()
}

fn any(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = all(words, allowed);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        met |= all(words, allowed);
    }
    met
}

fn all(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = one(words, allowed);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut &[&str], allowed: &[String]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = any(words, allowed);
            if let [")", rest @ ..] = *words {
                *words = rest;
            }
            met
        }
        [licence, "WITH", exception, rest @ ..] => {
            *words = rest;
            let whole = format!("{licence} WITH {exception}");
            allowed.contains(&whole)
        }
        [licence, rest @ ..] => {
            *words = rest;
            allowed.iter().any(|name| name == licence)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{allowed, fault, permits};

    #[test]
    fn expressions_are_met_or_not() {
        let allowed = allowed("[licenses]\nallow = [\n    \"MIT\", \"ISC\",\n \"Apache-2.0 WITH LLVM-exception\"]\n");
        for good in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT AND ISC",
            "(GPL-3.0 OR MIT) AND ISC",
            "MIT/Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(permits(good, &allowed), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "(GPL-3.0 OR MIT) AND OpenSSL", "", "MIT garbage"] {
            assert!(!permits(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn a_package_from_elsewhere_is_a_fault() {
        let allowed = ["MIT".to_owned()];
        assert_eq!(fault("serde v1.0.0 (proc-macro)|MIT| (*)", &allowed), None);
        assert_eq!(fault("ours v0.1.0 (/home/someone/ours)|MIT|", &allowed), None);
        assert!(fault("fork v1.0.0 (https://example.org/fork#12ab)|MIT|", &allowed).is_some());
        assert!(fault("other v1.0.0|GPL-3.0|", &allowed).is_some());
    }
}

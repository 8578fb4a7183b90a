//! The direction of dependencies: app to lib to core, and what each module of the tab must never link.

use crate::shell::{Shell, read};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeSet;

/// Asks cargo and compares with the rules; an error lists every arrow that points the wrong way.
pub fn check(shell: &Shell) -> Result<()> {
    let metadata = read(
        shell.cargo(["metadata", "--format-version", "1", "--no-deps", "--locked"]).env_remove("CARGO_TERM_COLOR"),
    )?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata did not print JSON")?;
    let crates = crates(&metadata);
    let mut wrong = upwards(&crates);
    wrong.extend(browser_outside_its_places(&crates));
    for (package, target, banned) in LINKS {
        let linked = linked(shell, package, target)?;
        wrong
            .extend(banned.iter().filter(|name| linked.contains(**name)).map(|name| format!("{package} links {name}")));
    }
    for one in crates.iter().filter(|one| one.tier == Tier::Core) {
        let named = EFFECTS.iter().filter(|name| one.dependencies.iter().any(|own| own == **name));
        wrong.extend(named.map(|name| format!("{}, a crate of core, depends on {name}", one.name)));
        let banned = if one.name == LIGHT { NEVER_IN_CORE } else { EFFECTS };
        for target in [NATIVE, TAB] {
            let linked = linked(shell, &one.name, target)?;
            let found = banned.iter().filter(|name| linked.contains(**name));
            wrong.extend(found.map(|name| format!("{}, a crate of core, links {name} on {target}", one.name)));
        }
    }
    if !wrong.is_empty() {
        bail!("arrows that point the wrong way:\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Core,
    Lib,
    App,
}

/// One of our crates: its own dependencies by name, and those among them that lie in the checkout, with their tier.
struct Crate {
    name: String,
    tier: Tier,
    dependencies: Vec<String>,
    ours: Vec<(String, Tier)>,
}

fn crates(metadata: &Value) -> Vec<Crate> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for package in list(&metadata["packages"]) {
        let Some(tier) = tier(package["manifest_path"].as_str().unwrap_or_default()) else { continue };
        // Dependencies of tests may point anywhere.
        let dependencies: Vec<Value> =
            list(&package["dependencies"]).into_iter().filter(|one| one["kind"] != "dev").collect();
        let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
        found.push(Crate {
            name: name(&package),
            tier,
            ours: dependencies.iter().filter_map(|one| Some((name(one), tier_of_path(one)?))).collect(),
            dependencies: dependencies.iter().map(name).collect(),
        });
    }
    found
}

fn tier_of_path(dependency: &Value) -> Option<Tier> {
    tier(&format!("{}/Cargo.toml", dependency["path"].as_str()?))
}

fn tier(manifest: &str) -> Option<Tier> {
    let (_, path) = manifest.replace('\\', "/").rsplit_once("/crates/").map(|(_, path)| ((), path.to_owned()))?;
    match path.split('/').next()? {
        "core" => Some(Tier::Core),
        "lib" => Some(Tier::Lib),
        "app" => Some(Tier::App),
        _ => None,
    }
}

/// Crates that use one above them.
fn upwards(crates: &[Crate]) -> Vec<String> {
    let mut wrong = Vec::new();
    for one in crates {
        for (name, tier) in &one.ours {
            if *tier > one.tier || (*tier == Tier::App) {
                wrong.push(format!("{} ({:?}) depends on {name} ({tier:?})", one.name, one.tier));
            }
        }
    }
    wrong
}

fn browser_outside_its_places(crates: &[Crate]) -> Vec<String> {
    let outside = crates.iter().filter(|one| !MAY_NAME_THE_BROWSER.contains(&one.name.as_str()));
    outside
        .filter(|one| one.dependencies.iter().any(|name| name == "web-sys"))
        .map(|one| format!("{} names web-sys", one.name))
        .collect()
}

/// Names of everything that `package` links on `target`.
fn linked(shell: &Shell, package: &str, target: &str) -> Result<BTreeSet<String>> {
    let mut tree = shell.cargo(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    tree.args(["--package", package]);
    tree.env_remove("CARGO_TERM_COLOR");
    if target == TAB {
        tree.args(["--target", TAB]);
    }
    let text = read(&mut tree)?;
    Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

/// Verifies certificates, whose types come in one package with the engine that makes them and with its runtime.
const LIGHT: &str = "peerage-light";

const NATIVE: &str = "this machine";
const TAB: &str = crate::toolchain::TARGET;

/// Who must never link what.
const LINKS: &[(&str, &str, &[&str])] = &[
    ("peerage-trainer", TAB, &["libp2p", "libp2p-core", "libp2p-swarm", "tokio"]),
    ("peerage-auditor", TAB, &["libp2p", "libp2p-core", "libp2p-swarm", "burn", "burn-tensor", "burn-core"]),
    ("peerage-page", TAB, &["burn", "burn-tensor", "burn-core", "tokio", "peerage-light"]),
    ("peerage-consensus", NATIVE, &["libp2p", "burn"]),
    ("peerage-data", NATIVE, &["libp2p", "burn", "peerage-ledger", "peerage-light"]),
    ("peerage-model", NATIVE, &["libp2p", "peerage-ledger", "peerage-light"]),
    ("peerage-peer", NATIVE, &["libp2p", "peerage-ledger", "peerage-light"]),
    ("peerage-lab", TAB, &["burn", "burn-core", "libp2p", "tokio", "peerage-ledger"]),
    ("peerage-lab-web", TAB, &["burn", "burn-core", "libp2p", "tokio", "peerage-ledger"]),
    ("peerage-network", NATIVE, &["burn", "peerage-model"]),
];

/// Effects have no place in core.
const EFFECTS: &[&str] = &["tokio", "libp2p", "burn", "web-sys", "tracing-subscriber", "commonware-runtime"];

/// Nor have these, by whatever way.
const NEVER_IN_CORE: &[&str] = &["libp2p", "burn"];

/// Who may use the browser's own interfaces.
const MAY_NAME_THE_BROWSER: &[&str] =
    &["peerage-page", "peerage-auditor", "peerage-trainer", "peerage-network", "peerage-webrtc", "peerage-opfs"];

#[cfg(test)]
mod tests {
    use super::{Tier, crates, tier, upwards};
    use serde_json::json;

    #[test]
    fn the_tier_is_the_folder() {
        assert_eq!(tier("/home/crates/x/crates/core/ledger/Cargo.toml"), Some(Tier::Core));
        assert_eq!(tier("/x/crates/app/page/Cargo.toml"), Some(Tier::App));
        assert_eq!(tier("/registry/serde/Cargo.toml"), None);
    }

    #[test]
    fn an_arrow_upwards_is_found_and_one_in_tests_is_not() {
        let metadata = json!({"packages": [
            {"name": "low", "manifest_path": "/w/crates/core/low/Cargo.toml", "dependencies": [
                {"name": "high", "kind": null, "path": "/w/crates/lib/high"}]},
            {"name": "high", "manifest_path": "/w/crates/lib/high/Cargo.toml", "dependencies": [
                {"name": "low", "kind": null, "path": "/w/crates/core/low"},
                {"name": "top", "kind": "dev", "path": "/w/crates/app/top"}]},
        ]});
        let wrong = upwards(&crates(&metadata));
        assert_eq!(wrong, ["low (Core) depends on high (Lib)"]);
    }
}

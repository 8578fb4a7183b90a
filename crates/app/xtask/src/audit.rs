//! What others publish and is linked here: licences, sources, versions, and what is known to be broken, by cargo-deny and npm.
//!
//! `cargo xtask check` looks at licences and sources by itself, from the same list in deny.toml, because cargo-deny takes minutes
//! to compile; here is the rest. Databases of vulnerabilities lie on the network. Where one cannot be reached that is said, in
//! a line, and is no failure: what was not looked at is not known to be bad.

use crate::setup;
use crate::shell::{Shell, say};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::process::Command;

/// Looks at everything; an error at the end where something is wrong.
pub fn run() -> Result<()> {
    let shell = setup::audit()?;
    let mut found = Findings::default();
    found.take("licences, sources, versions", crates(&shell, &["bans", "licenses", "sources"])?);
    found.take("advisories for crates", crates(&shell, &["advisories"])?);
    found.take("advisories for npm packages", packages(&shell)?);
    if !found.wrong.is_empty() {
        bail!("the audit found:\n  {}", found.wrong.join("\n  "));
    }
    say("Nothing that was looked at is wrong.");
    Ok(())
}

/// What one look said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    wrong: Vec<String>,
    /// To know, and no fault.
    told: Vec<String>,
    /// Why nothing was looked at.
    unreachable: Option<String>,
}

#[derive(Default)]
struct Findings {
    wrong: Vec<String>,
}

impl Findings {
    fn take(&mut self, what: &str, said: Said) {
        match &said.unreachable {
            Some(why) => say(format!("  {what}: NOT looked at, {why}")),
            None if said.wrong.is_empty() => say(format!("  {what}: good")),
            None => say(format!("  {what}: {} faults", said.wrong.len())),
        }
        said.told.iter().for_each(|line| say(format!("    {line}")));
        self.wrong.extend(said.wrong);
    }
}

/// What cargo-deny says of all that is linked.
fn crates(shell: &Shell, checks: &[&str]) -> Result<Said> {
    let mut command = shell.cargo(["deny", "--locked", "--format", "json", "check"]);
    let (good, text) = heard(command.args(checks).env_remove("CARGO_TERM_COLOR"))?;
    let said = deny(&text);
    if !good && said == Said::default() {
        bail!("cargo-deny failed: {}", last(&text));
    }
    Ok(said)
}

/// What npm says of package-lock.json.
fn packages(shell: &Shell) -> Result<Said> {
    let (_, text) = heard(shell.command("npm").args(["audit", "--json", "--loglevel", "silent"]))?;
    Ok(npm(&text))
}

/// Runs it, and gives whether it was content and all that it printed.
fn heard(command: &mut Command) -> Result<(bool, String)> {
    let words = crate::shell::words(command);
    let output = command.output().with_context(|| format!("cannot start `{words}`"))?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

/// One JSON object a line.
fn deny(text: &str) -> Said {
    let mut said = Said::default();
    let mut several = Vec::new();
    for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let field = |name: &str| line["fields"][name].as_str().unwrap_or_default().to_owned();
        let message = field("message");
        match (line["type"].as_str(), field("severity").as_str(), field("code").as_str()) {
            (Some("diagnostic"), _, "duplicate") => several.extend(message.split('\'').nth(1).map(str::to_owned)),
            (Some("diagnostic"), "error", code) => said.wrong.push(format!("{code}: {message}{}", subject(&line))),
            (Some("diagnostic"), "warning", code) => said.told.push(format!("{code}: {message}{}", subject(&line))),
            (Some("log"), _, _) if message.contains("failed to fetch advisory database") => {
                said.unreachable = Some(first(&message));
            }
            _ => {}
        }
    }
    // A database that cannot be fetched is told of before there is a format.
    if said.unreachable.is_none()
        && let Some(line) = text.lines().find(|line| line.contains("failed to fetch advisory database"))
    {
        said.unreachable = Some(first(line));
    }
    if !several.is_empty() {
        said.told.push(format!("{} crates in more than one version: {}", several.len(), several.join(", ")));
    }
    said
}

/// The crate that a diagnostic is about.
fn subject(line: &Value) -> String {
    let krate = &line["fields"]["graphs"][0]["Krate"];
    match (krate["name"].as_str(), krate["version"].as_str()) {
        (Some(name), Some(version)) => format!(" ({name} {version})"),
        _ => String::new(),
    }
}

/// The report of `npm audit`, or the error of a registry that has none.
fn npm(text: &str) -> Said {
    let start = text.find('{').unwrap_or(0);
    let report = text.get(start..).and_then(|json| serde_json::Deserializer::from_str(json).into_iter().next());
    let Some(Ok(report)) = report else {
        return Said { unreachable: Some(format!("npm says: {}", last(text))), ..Said::default() };
    };
    let report: Value = report;
    let Some(vulnerable) = report["vulnerabilities"].as_object() else {
        let why = report["message"].as_str().or(report["error"]["summary"].as_str()).unwrap_or("it gave no report");
        return Said { unreachable: Some(format!("npm says: {why}")), ..Said::default() };
    };
    let line = |(name, about): (&String, &Value)| {
        format!("npm package {name}: {}", about["severity"].as_str().unwrap_or("of unknown severity"))
    };
    Said { wrong: vulnerable.iter().map(line).collect(), ..Said::default() }
}

/// The part of a sentence that says what failed and where.
fn first(message: &str) -> String {
    let start = message.find("failed to fetch").unwrap_or(0);
    let rest = message.get(start..).unwrap_or(message);
    rest.split(": [").next().unwrap_or(rest).split(" with ").next().unwrap_or(rest).trim().to_owned()
}

fn last(text: &str) -> String {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Said, deny, npm};

    #[test]
    fn faults_and_duplicates_are_told_apart() {
        let text = r#"{"fields":{"code":"duplicate","message":"found 2 duplicate entries for crate 'rand'","severity":"warning"},"type":"diagnostic"}
{"fields":{"code":"rejected","graphs":[{"Krate":{"name":"bad","version":"1.0.0"}}],"message":"failed to satisfy license requirements","severity":"error"},"type":"diagnostic"}
{"fields":{"code":"yanked","graphs":[{"Krate":{"name":"old","version":"0.1.0"}}],"message":"detected yanked crate","severity":"warning"},"type":"diagnostic"}
{"fields":{"bans":{}},"type":"summary"}"#;
        let said = deny(text);
        assert_eq!(said.wrong, ["rejected: failed to satisfy license requirements (bad 1.0.0)"]);
        assert_eq!(said.told, ["yanked: detected yanked crate (old 0.1.0)", "1 crates in more than one version: rand"]);
        assert_eq!(said.unreachable, None);
    }

    #[test]
    fn a_database_that_cannot_be_reached_is_no_fault_and_is_told() {
        let text = "2026 [ERROR] failed to fetch advisory database https://example.org/db with cli: failed to clone: [\"clone\"]";
        assert_eq!(deny(text).unreachable.as_deref(), Some("failed to fetch advisory database https://example.org/db"));
        let said = npm("npm warn\n{\n \"message\": \"405 Method Not Allowed\",\n \"method\": \"POST\"\n}\nnpm error");
        assert_eq!(said.unreachable.as_deref(), Some("npm says: 405 Method Not Allowed"));
        assert!(npm("garbage").unreachable.is_some());
    }

    #[test]
    fn packages_that_are_vulnerable_are_named() {
        assert_eq!(npm(r#"{"vulnerabilities": {}, "metadata": {}}"#), Said::default());
        let said = npm(r#"{"vulnerabilities": {"left": {"severity": "high"}}, "metadata": {}}"#);
        assert_eq!(said.wrong, ["npm package left: high"]);
    }
}

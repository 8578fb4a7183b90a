//! The lab as a person and a program use it: what it prints, what it writes, and what it says when something is wrong.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use serde_json::Value;
use std::{
    fs,
    io::Read,
    process::{Command, Output, Stdio},
};

fn lab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerage"));
    command.arg("lab").args(arguments).stdin(Stdio::null()).env_remove("PEERAGE_LOG");
    command
}

/// What it prints when all is well.
fn prints(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = lab(arguments).output().unwrap();
    assert!(status.success() && stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// Checks that it says one sentence with these words and nothing else.
fn fails_with(arguments: &[&str], words: &[&str]) {
    let Output { status, stdout, stderr } = lab(arguments).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), stdout.len(), said.trim_end().lines().count()), (Some(1), 0, 1), "{said}");
    assert!(said.starts_with("peerage: "), "{said}");
    for word in words {
        assert!(said.contains(word), "{said:?} does not say {word:?}");
    }
}

#[test]
fn scenarios_are_listed_for_people_and_programs() {
    assert!(prints(&["list"]).contains("cabal-decay"));
    let list: Value = serde_json::from_str(&prints(&["list", "--json"])).unwrap();
    let cabal = list.as_array().unwrap().iter().find(|one| one["name"] == "cabal-decay").unwrap();
    assert_eq!(cabal["settings"][0]["name"], "mechanism");
}

#[test]
fn a_report_is_printed_in_each_form() {
    let few = ["cabal-decay", "--blocks", "5", "--tau", "0.2"];
    let with = |output: &[&str]| prints(&[&few, output].concat());
    assert!(with(&[]).contains("Table decay, 5 lines"));
    let report: Value = serde_json::from_str(&with(&["--json"])).unwrap();
    assert_eq!(report["settings"]["tau"], 0.2);
    assert_eq!(report["tables"]["decay"]["block"].as_array().unwrap().len(), 5);
    assert!(with(&["--csv"]).starts_with("# decay\nblock,cabal,"));
    assert!(with(&["--svg", "-"]).starts_with("<svg "));
}

#[test]
fn figures_are_written_into_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decay.svg");
    let path = file.display().to_string();
    let Output { status, stdout, stderr } = lab(&["cabal-decay", "--svg", &path]).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert!(status.success() && stdout.is_empty() && said.contains(&path) && said.contains("written"), "{said}");
    assert!(fs::read_to_string(&file).unwrap().ends_with("</svg>\n"));

    let nowhere = folder.path().join("none/decay.svg").display().to_string();
    fails_with(&["cabal-decay", "--svg", &nowhere], &["there is no folder", "none", "--svg"]);
    let itself = folder.path().display().to_string();
    fails_with(&["cabal-decay", "--svg", &itself], &["is a folder"]);
}

#[test]
fn what_is_wrong_is_one_sentence() {
    fails_with(&["nothing"], &["there is no scenario nothing; there are ", "cabal-decay"]);
    fails_with(&["cabal-decay", "--share", "2"], &["share is 2, but must be a number from 0 to 1", "--help"]);
    fails_with(&["cabal-decay", "--mechanism", "luck"], &["one of trust, connectivity"]);
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    let mut child = lab(&["cabal-decay", "--blocks", "50000", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut first = [0; 1];
    out.read_exact(&mut first).unwrap();
    drop(out);
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert!(status.success() && stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
}

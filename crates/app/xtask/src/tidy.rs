//! Tidiness of the sources: every Rust file opens with what it is, stays short, and hides no promise.

use crate::site::files;
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use std::collections::BTreeSet;
use std::fs;

/// Reads every source file; an error lists all that is untidy, and the tests that THREATS.md names but nobody wrote.
pub fn check(workspace: &Workspace) -> Result<()> {
    let mut untidy = Vec::new();
    let mut functions = BTreeSet::new();
    for folder in ["crates", "tests", "www"] {
        for file in files(&workspace.root.join(folder))? {
            let kind = file.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
            if !matches!(kind, "rs" | "js" | "mjs" | "css") {
                continue;
            }
            let name = file.strip_prefix(&workspace.root).unwrap_or(&file).display().to_string();
            let text = fs::read_to_string(&file)?;
            functions.extend(text.lines().filter_map(function).map(str::to_owned));
            untidy.extend(faults(kind, &text).into_iter().map(|fault| format!("{name}: {fault}")));
        }
    }
    let threats = fs::read_to_string(workspace.root.join("THREATS.md"))?;
    let unwritten = tests_named_in(&threats).filter(|test| !functions.contains(*test));
    untidy.extend(unwritten.map(|test| format!("THREATS.md: no test `{test}`")));
    for (kind, name) in suites_named_in(&threats) {
        let file = format!("tests/{kind}/{name}.test.mjs");
        if !workspace.root.join(&file).is_file() {
            untidy.push(format!("THREATS.md: no {file}"));
        }
    }
    untidy.extend(untested(&threats).map(|threat| format!("THREATS.md: no test for \"{threat}\"")));
    if !untidy.is_empty() {
        bail!("untidy files:\n  {}", untidy.join("\n  "));
    }
    Ok(())
}

/// The name of the function that this line declares.
fn function(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("fn ")?;
    rest.split(['(', '<']).next()
}

/// Tests that the document names: words in backticks that read like a function of ours.
fn tests_named_in(threats: &str) -> impl Iterator<Item = &str> {
    let quoted = threats.split('`').skip(1).step_by(2);
    quoted.filter(|word| {
        word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    })
}

/// Test files for browsers that the document names: a kind in words, a colon, and names in backticks.
fn suites_named_in(threats: &str) -> impl Iterator<Item = (&'static str, &str)> {
    let kinds = [("end-to-end: ", "e2e"), ("direct connections: ", "webrtc"), ("npm packages: ", "client")];
    kinds.into_iter().flat_map(move |(words, folder)| {
        threats.split(words).skip(1).flat_map(move |rest| {
            let listed = rest.split(['|', '\n']).next().unwrap_or_default();
            let own = listed.split("`, ").take_while(|part| part.starts_with('`'));
            own.map(move |part| (folder, part.trim().trim_matches('`')))
        })
    })
}

/// Threats, the first cells of rows of three under a heading `it could`, whose last cell names nothing in backticks.
fn untested(threats: &str) -> impl Iterator<Item = &str> {
    let sections = threats.split("\n## ").filter(|section| section.contains("| it could |"));
    sections.flat_map(|section| {
        let rows = section.lines().filter_map(|line| line.strip_prefix("| ")).skip(1);
        rows.filter_map(|row| {
            let mut cells = row.trim_end_matches('|').split(" | ");
            let threat = cells.next()?;
            (!cells.last().is_some_and(|tests| tests.contains('`'))).then_some(threat)
        })
    })
}

fn faults(kind: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if kind == "rs" && !text.starts_with("//!") {
        faults.push("does not open with `//!` and what it is".to_owned());
    }
    let lines = text.lines().count();
    if kind != "css" && lines > LONGEST {
        faults.push(format!("{lines} lines, more than {LONGEST}"));
    }
    for (number, line) in text.lines().enumerate() {
        let promise =
            PROMISES.iter().find(|word| line.split(|c: char| !c.is_ascii_alphabetic()).any(|part| part == **word));
        if let Some(word) = promise
            && !names_an_issue(line)
        {
            faults.push(format!("line {}: a {word} that names no issue (write `{word} #12`)", number + 1));
        }
        if line.ends_with([' ', '\t']) {
            faults.push(format!("line {}: ends in a blank", number + 1));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        faults.push("the last line does not end".to_owned());
    }
    faults
}

fn names_an_issue(line: &str) -> bool {
    line.split('#').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Lines a file of code may have. Most stay under 400.
const LONGEST: usize = 600;
/// Put together here, so that this file does not accuse itself.
const PROMISES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

#[cfg(test)]
mod tests {
    use super::{LONGEST, PROMISES, faults, function, suites_named_in, tests_named_in, untested};

    #[test]
    fn a_tidy_file_has_no_faults() {
        assert!(faults("rs", "//! What it is.\nfn main() {}\n").is_empty());
        assert!(faults("js", "const a = 1;\n").is_empty());
    }

    #[test]
    fn tests_are_found_in_words_and_in_code() {
        assert_eq!(tests_named_in("a `b_c`, `d e_f`, `g` and `h_i`").collect::<Vec<_>>(), ["b_c", "h_i"]);
        assert_eq!(function("    async fn b_c() {"), Some("b_c"));
        assert_eq!(function("        fn b_c(x in y()) {"), Some("b_c"));
        assert_eq!(function("let x = 1;"), None);
    }

    #[test]
    fn files_of_tests_and_threats_without_a_test_are_found() {
        let text = "# T\n\n## A\n\n| it could | in the way | test |\n|---|---|---|\n| lie | a | end-to-end: `b`, `c` |\n\
            | steal | x | by hand |\n| hide | y | `d_e`, npm packages: `f`, end-to-end: `g` |\n\n## B\n\n| a | b |\n";
        assert_eq!(untested(text).collect::<Vec<_>>(), ["steal"]);
        assert_eq!(
            suites_named_in(text).collect::<Vec<_>>(),
            [("e2e", "b"), ("e2e", "c"), ("e2e", "g"), ("client", "f")]
        );
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(faults("rs", "fn main() {}\n").len(), 1);
        assert_eq!(faults("js", &"a\n".repeat(LONGEST + 1)).len(), 1);
        assert_eq!(faults("js", &format!("// {} later\n", PROMISES[0])).len(), 1);
        assert!(faults("js", &format!("// {} #12\n", PROMISES[0])).is_empty());
        assert_eq!(faults("css", "a {} \n").len(), 1);
        assert_eq!(faults("css", "a {}").len(), 1);
    }
}

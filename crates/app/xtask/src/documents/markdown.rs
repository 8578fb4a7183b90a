//! What the checks need to know of a document: its headings, its links, its code. Not a parser of all of markdown: the documents
//! write links inline, headings with `#`, and code between backticks.

use std::collections::BTreeSet;

/// One document.
#[derive(Clone, Debug)]
pub struct Markdown {
    /// As it is written.
    pub text: String,
    /// Links and pictures outside of code, in order.
    pub links: Vec<Link>,
    /// Names by which headings are linked.
    pub anchors: BTreeSet<String>,
    /// Code, in blocks and in lines.
    pub code: Vec<Code>,
}

/// A link or a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Byte of the document at which its target begins.
    pub at: usize,
    /// Where it leads, as it is written.
    pub target: String,
}

/// A piece of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Byte of the document at which it begins.
    pub at: usize,
    /// What it is.
    pub text: String,
    /// Whether it is a block, whose lines are lines, and not words within a paragraph.
    pub block: bool,
}

/// Where a link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// Another site.
    Web,
    /// The checkout: a path, empty for the document itself, and a heading.
    Here {
        /// From the document on.
        path: &'a str,
        /// Without its `#`.
        anchor: Option<&'a str>,
    },
}

impl<'a> Target<'a> {
    /// What a link says.
    pub fn of(target: &'a str) -> Self {
        if target.contains("://") || target.starts_with("mailto:") {
            return Self::Web;
        }
        match target.split_once('#') {
            Some((path, anchor)) => Self::Here { path, anchor: Some(anchor) },
            None => Self::Here { path: target, anchor: None },
        }
    }
}

impl Markdown {
    /// Reads a document.
    pub fn new(text: String) -> Self {
        let (mut headings, mut code) = (Vec::new(), Vec::new());
        // Paragraphs with everything that is no prose blanked, so that places stay the same.
        let mut prose = String::with_capacity(text.len());
        let mut fence: Option<(&str, usize)> = None;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let bare = line.trim();
            let mark = ["```", "~~~"].into_iter().find(|mark| bare.starts_with(mark));
            let mut blank = true;
            match (fence, mark) {
                (None, Some(mark)) => fence = Some((mark, at + line.len())),
                (Some((open, from)), Some(mark)) if open == mark && bare == mark => {
                    code.push(Code { at: from, text: text[from..at].to_owned(), block: true });
                    fence = None;
                }
                (Some(_), _) => {}
                (None, None) => {
                    blank = false;
                    let level = line.len() - line.trim_start_matches('#').len();
                    if (1..=6).contains(&level) && line[level..].starts_with(' ') {
                        headings.push(line[level..].trim().to_owned());
                    }
                }
            }
            if blank {
                prose.extend(blanks(line));
            } else {
                prose.push_str(line);
            }
            at += line.len();
        }
        let spans = spans(&prose);
        for (from, to) in spans {
            code.push(Code { at: from, text: prose[from..to].to_owned(), block: false });
            let blanked: String = blanks(&prose[from..to]).collect();
            prose.replace_range(from..to, &blanked);
        }
        code.sort_by_key(|code| code.at);
        let links = links(&prose, &text);
        Self { anchors: anchors(&headings), links, code, text }
    }

    /// The line of a byte, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }
}

/// As many bytes that say nothing; lines stay lines.
fn blanks(text: &str) -> impl Iterator<Item = char> + '_ {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' })
}

/// Code within lines: from where to where. It ends by as many backticks as it began, in the same paragraph.
fn spans(prose: &str) -> Vec<(usize, usize)> {
    let bytes = prose.as_bytes();
    let run = |from: usize| bytes.get(from..).map_or(0, |rest| rest.iter().take_while(|byte| **byte == b'`').count());
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let ticks = run(at);
        if ticks == 0 {
            at += 1;
            continue;
        }
        let from = at + ticks;
        let mut to = from;
        while to < bytes.len() && run(to) != ticks && !prose[to..].starts_with("\n\n") {
            to += run(to).max(1);
            while !prose.is_char_boundary(to) {
                to += 1;
            }
        }
        if run(to) == ticks {
            found.push((from, to));
            at = to + ticks;
        } else {
            at = from;
        }
    }
    found
}

/// Targets of `[words](target "title")` and `![words](target)`.
fn links(prose: &str, text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for (at, _) in prose.match_indices("](") {
        let from = at + 2;
        let mut depth = 0;
        let end = prose[from..].char_indices().find(|(_, c)| match c {
            '(' => {
                depth += 1;
                false
            }
            ')' if depth > 0 => {
                depth -= 1;
                false
            }
            ')' | ' ' | '\n' => true,
            _ => false,
        });
        if let Some((length, _)) = end {
            found.push(Link { at: from, target: text[from..from + length].to_owned() });
        }
    }
    found
}

/// Headings as links name them: small letters, digits and hyphens; the second of one name gets a number.
fn anchors(headings: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for heading in headings {
        // A link in a heading counts by its words.
        let mut words = String::new();
        let mut rest = heading.as_str();
        while let Some((before, after)) = rest.split_once("](") {
            words.push_str(before);
            rest = after.split_once(')').map_or("", |(_, rest)| rest);
        }
        words.push_str(rest);
        let kept = words.to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let name: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let numbered = (1..).map(|number| format!("{name}-{number}"));
        let free = [name.clone()].into_iter().chain(numbered).find(|name| !found.contains(name));
        found.extend(free);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Markdown, Target};

    #[test]
    fn links_are_found_outside_of_code() {
        let text = "See [a `b`](c.md#d), ![x](y.png \"z\") and\n[two\nlines](e(1).md).\n\n`[no](way)`\n\n```sh\n[no](way)\n```\n[last](f.md)\n";
        let found = Markdown::new(text.into());
        let targets: Vec<&str> = found.links.iter().map(|link| link.target.as_str()).collect();
        assert_eq!(targets, ["c.md#d", "y.png", "e(1).md", "f.md"]);
        assert!(found.links.iter().all(|link| text[link.at..].starts_with(&link.target)));
        assert_eq!(found.line(found.links[3].at), 10);
    }

    #[test]
    fn headings_are_named_as_they_are_linked() {
        let text = "# What it costs, here\n## `a` – [b](c.md)\n## Same\n## Same\n```\n# none\n```\n#none\n";
        let found = Markdown::new(text.into());
        assert_eq!(found.anchors.into_iter().collect::<Vec<_>>(), ["a--b", "same", "same-1", "what-it-costs-here"]);
    }

    #[test]
    fn code_is_found_in_blocks_and_lines() {
        let found = Markdown::new("`one\ntwo` ``a`b`` – `é`\n\na ` alone\n\n```sh\nthree\n```\n".into());
        let code: Vec<&str> = found.code.iter().map(|code| code.text.as_str()).collect();
        assert_eq!(code, ["one\ntwo", "a`b", "é", "three\n"]);
    }

    #[test]
    fn targets_are_of_the_web_or_of_the_checkout() {
        assert_eq!(Target::of("https://a.example/#b"), Target::Web);
        assert_eq!(Target::of("#b"), Target::Here { path: "", anchor: Some("b") });
        assert_eq!(Target::of("a.md"), Target::Here { path: "a.md", anchor: None });
    }
}

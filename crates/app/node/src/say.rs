//! What a person reads on the terminal: progress and results on stdout, trouble on stderr, one line each.
//!
//! Logs are not written here but through `tracing`. A closed pipe is not an error: nobody reads any more.

use std::{fmt::Display, io::Write};

/// One line of progress.
pub fn line(text: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// A result of many lines, or one that another program reads.
///
/// # Errors
/// Where it could not be written, but for a closed pipe.
pub fn result(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// One line beside the result, on stderr.
pub fn aside(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "peerage: {text}");
}

/// What went wrong, as one sentence with its causes behind it.
pub fn trouble(error: &anyhow::Error) {
    aside(told(error));
}

/// The sentence. A cause that was told already is not told twice.
fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.contains(&cause) {
            let colon = if told.is_empty() { "" } else { ": " };
            told = told + colon + &cause;
        }
    }
    told
}

/// A number of bytes as people read it: `11.0 kB`.
pub fn bytes(count: usize) -> String {
    let units = ["B", "kB", "MB", "GB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error =
            anyhow::anyhow!("no space left").context("a.key: no space left").context("the folder cannot be used");
        assert_eq!(told(&error), "the folder cannot be used: a.key: no space left");
    }

    #[test]
    fn bytes_are_written_with_one_decimal_and_a_unit() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_115_394), "1.1 MB");
        assert_eq!(bytes(5_000_000_000_000), "5000.0 GB");
    }
}

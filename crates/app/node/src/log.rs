//! The log, on stderr: for people or, a JSON object a line, for those who collect it. What is logged, `PEERAGE_LOG` says.

use clap::ValueEnum;
use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;

/// The form of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people, with colours on a terminal.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// Logs from now on.
pub fn start(format: Format) {
    let filter = EnvFilter::try_from_env("PEERAGE_LOG").unwrap_or_else(|_| EnvFilter::new(LOGGED));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        Format::Text => log.with_ansi(io::stderr().is_terminal()).init(),
        Format::Json => log.json().flatten_event(true).init(),
    }
}

/// What is logged unless `PEERAGE_LOG` says otherwise. The engine is left out: when one of its parts ends, all others
/// complain, and what ended is told in one sentence (`fault`, `node`).
const LOGGED: &str = "error,peerage=warn,commonware=off";

//! `peerage`, the native program: a validator, the network's relay, the site, the corpus, and resident peers; and the lab.
//!
//! This file reads the command line and turns what went wrong into one sentence and an exit code; the work is in the
//! modules. Nothing that comes from the network is read here.

#![recursion_limit = "256"]

mod bootstrap;
mod cli;
mod corpus;
mod data;
mod dev;
mod ending;
mod fault;
mod keys;
mod lab;
mod node;
mod resident;
mod say;
mod site;

use clap::Parser;
use std::{io::IsTerminal, process::ExitCode};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let filter = EnvFilter::try_from_env("PEERAGE_LOG").unwrap_or_else(|_| EnvFilter::new(LOGGED));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    fault::keep();
    let outcome = match arguments.command {
        cli::Command::Dev(options) => dev::run(options),
        cli::Command::Lab(options) => lab::run(options),
        cli::Command::Keys(options) => keys::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::trouble(&error);
            ExitCode::FAILURE
        }
    }
}

/// What is logged unless `PEERAGE_LOG` says otherwise. The engine is left out: when one of its parts ends, all others
/// complain, and what ended is told in one sentence (`fault`, `node`).
const LOGGED: &str = "error,peerage=warn,commonware=off";

//! `peerage`, the native program: a validator, the network's relay, the site, the corpus, and resident peers; and the lab.
//!
//! This file reads the command line and turns what went wrong into one sentence and an exit code; the work is in the
//! modules. Nothing that comes from the network is read here.

#![recursion_limit = "256"]

mod api;
mod bootstrap;
mod cli;
mod corpus;
mod data;
mod dev;
mod ending;
mod fault;
mod front;
mod genesis;
mod headers;
mod health;
mod joining;
mod keys;
mod lab;
mod light;
mod limit;
mod log;
mod metrics;
mod node;
mod operate;
mod origin;
mod progress;
mod remote;
mod resident;
mod running;
mod say;
mod send;
mod serve;
mod serving;
mod site;
mod tls;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    log::start(arguments.log_format);
    fault::keep();
    let outcome = match arguments.command {
        cli::Command::Dev(options) => dev::run(options),
        cli::Command::Lab(options) => lab::run(options),
        cli::Command::Keys(options) => keys::run(&options),
        cli::Command::Genesis(options) => genesis::run(&options),
        cli::Command::Validator(options) => operate::validate(options),
        cli::Command::Follow(options) => operate::follow(options),
        cli::Command::Light(options) => return light::run(&options),
        cli::Command::Peer(options) => joining::run(&options),
        cli::Command::Buy(options) => resident::buy(&options),
        cli::Command::Send(options) => send::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::trouble(&error);
            ExitCode::FAILURE
        }
    }
}

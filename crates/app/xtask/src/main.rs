//! Set-up, build, run, test and bench: the only script language of the project.
//!
//! `cargo xtask help` lists the commands. Every command brings the machine into the state it needs first (`setup`), so
//! that none has to be remembered; a second set-up only looks. What is fetched or built outside the checkout lies in
//! `~/.cache/peerage`. This crate links no crate of ours: it compiles in seconds on a machine that has only Rust.

mod alone;
mod arrows;
mod audit;
mod bench;
mod book;
mod build;
mod bundle;
mod check;
mod client;
mod debian;
mod doc;
mod documents;
mod figures;
mod fuzz;
mod lab;
mod licences;
mod market;
mod offline;
mod package;
mod setup;
mod shell;
mod site;
mod test;
mod tidy;
mod toolchain;
mod tools;
mod torture;
mod workspace;

use clap::{CommandFactory, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Set-up, build, run, test and bench of Peerage")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Get what is missing: the wasm32 library, wasm-bindgen, trunk, npm packages, browsers to test in
    Setup,
    /// Build the native program, the site it serves (pkg/site) and the npm packages (pkg/peer, pkg/light)
    Build,
    /// Build the light client for npm (pkg/light)
    Client,
    /// Build the lab alone (pkg/site/lab), for any server of files
    Lab,
    /// Build the view of the market alone (pkg/site/market)
    Market,
    /// Build, then start a development network on this machine and print its address
    Run {
        /// Arguments of `peerage dev`, after `--`: for example `-- --corpus FILE`; `-- --help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        dev: Vec<String>,
    },
    /// Run every test: native, in a headless browser, end to end
    Test,
    /// Look at format, lints and documentation (native and wasm32), the direction of dependencies, licences and tidiness
    Check,
    /// Look at what others publish and is linked here: licences, sources, versions, advisories for crates and npm packages
    Audit,
    /// Measure, print figures with their units and comparisons, and draw a page of them (an hour and a half in all)
    Bench {
        /// What to measure [default: everything]
        #[arg(value_enum, value_name = "SUBJECT")]
        subjects: Vec<bench::Subject>,
        /// Print one JSON object instead of tables
        #[arg(long)]
        json: bool,
        /// Measure less, and less sure
        #[arg(long)]
        quick: bool,
        /// Folder with `tinyshakespeare.txt` and `digits8x8.csv` to learn [default: the project's text and glyphs]
        #[arg(long, value_name = "FOLDER")]
        data: Option<PathBuf>,
    },
    /// Run the fuzz targets of tests/fuzz: executions, edges and crashes of each
    Fuzz {
        /// Time for all targets together
        #[arg(long, value_name = "N", default_value_t = 5.0)]
        minutes: f64,
        /// Write the least inputs that reach all that is reached into tests/fuzz/corpus, in place of those there
        #[arg(long)]
        keep: bool,
        /// Targets to run [default: all]
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
    },
    /// Draw the figures of the documentation anew: `docs/mechanisms/figures`
    Figures {
        /// Scenarios to draw [default: all that `peerage lab list` names]
        #[arg(value_name = "SCENARIO")]
        scenarios: Vec<String>,
    },
    /// Draw the pictures of the page and the lab anew: `docs/screens`
    Screens {
        /// Parts of names of those to draw [default: all]
        #[arg(value_name = "PART")]
        parts: Vec<String>,
    },
    /// Break the whole system at random, as long as asked, and look whether it gets over it
    Torture(torture::Options),
    /// Look at the files alone: headers, lengths, forgotten notes, links of documents, the direction of dependencies
    Tidy,
    /// Build the book of all documents with mdBook, which is got where it is missing
    Book {
        /// Open it in the browser
        #[arg(long)]
        open: bool,
    },
}

/// The names of all of them.
fn commands() -> Vec<String> {
    Arguments::command().get_subcommands().map(|one| one.get_name().to_owned()).chain(["help".to_owned()]).collect()
}

fn main() -> ExitCode {
    if let Some(code) = doc::in_place_of_the_compiler() {
        return code;
    }
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Setup => setup::run(setup::For::Test).map(|_| ()),
        Command::Build => build::run().map(|_| ()),
        Command::Client => setup::run(setup::For::Run).and_then(|ready| client::build(&ready.shell)),
        Command::Lab => setup::run(setup::For::Run).and_then(|ready| lab::build(&ready.shell)),
        Command::Market => setup::run(setup::For::Run)
            .and_then(|ready| client::build(&ready.shell).and_then(|()| market::build(&ready.shell))),
        Command::Run { dev } => build::dev(&dev),
        Command::Test => test::run(),
        Command::Check => check::run(),
        Command::Audit => audit::run(),
        Command::Bench { subjects, json, quick, data } => {
            bench::run(&bench::Options { subjects: &subjects, json, quick, data: data.as_deref() })
        }
        Command::Fuzz { minutes, keep, targets } => fuzz::run(&fuzz::Order { minutes, keep, targets: &targets }),
        Command::Figures { scenarios } => figures::run(&scenarios),
        Command::Screens { parts } => figures::screens(&parts),
        Command::Torture(options) => torture::run(&options),
        Command::Tidy => check::tidy(),
        Command::Book { open } => book::run(open),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::sentence(&error);
            ExitCode::FAILURE
        }
    }
}

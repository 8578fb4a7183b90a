//! The command line of `peerage lab`: one command a scenario, with an option for each of its settings.
//!
//! Scenarios are not known when this is compiled, so clap is told of them as it runs. Settings stay text here: their
//! ranges are looked at where they are used, and a scenario that nobody knows is refused there too, with all names.

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, Error, FromArgMatches, Subcommand, value_parser};
use lab::scenario::{Range, Setting, Value};
use lab::{Scenario, all, find};
use std::path::PathBuf;

/// What `peerage lab` can do.
#[derive(Clone, Debug, PartialEq)]
pub enum Lab {
    /// Tell which scenarios there are.
    List {
        /// As one JSON array.
        json: bool,
    },
    /// Run one.
    Run(Run),
}

/// Options of `peerage lab <scenario>`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Name of the scenario, perhaps of none.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// Settings that were given, as text.
    pub given: Vec<(&'static str, String)>,
    /// What is printed or written.
    pub output: Output,
}

/// What becomes of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Output {
    /// A summary for people.
    #[default]
    Summary,
    /// One JSON object.
    Json,
    /// All tables.
    Csv,
    /// All figures, into a file; `-` is standard output.
    Svg(PathBuf),
}

impl Subcommand for Lab {
    fn augment_subcommands(command: Command) -> Command {
        let json = Arg::new(JSON).long(JSON).action(ArgAction::SetTrue);
        let list = Command::new(LIST)
            .about("List the scenarios")
            .arg(json.help("Print one JSON array, with all settings, their ranges and defaults"));
        let scenarios = all().iter().map(|scenario| command_of(scenario));
        // Names that no scenario has are taken, and refused when the scenario is looked for.
        command
            .subcommand(list)
            .subcommands(scenarios)
            .subcommand_value_name("SCENARIO")
            .allow_external_subcommands(true)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(_: &str) -> bool {
        true
    }
}

impl FromArgMatches for Lab {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(match matches.subcommand() {
            Some((LIST, matches)) => Self::List { json: matches.get_flag(JSON) },
            Some((name, matches)) => Self::Run(find(name).map_or_else(
                |_| Run { scenario: name.into(), ..Run::default() },
                |scenario| run_of(scenario, matches),
            )),
            None => Self::List { json: false },
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// How a setting says what it may be: `from 0 to 1 [default: 0.49]`.
pub fn range(setting: &Setting) -> String {
    let default = setting.range.default();
    let range = match setting.range {
        Range::Number { least, most, .. } => format!("from {} to {}", Value::Number(least), Value::Number(most)),
        Range::Whole { least, most, .. } => format!("a whole number from {least} to {most}"),
        Range::Choice(among) => format!("one of {}", among.join(", ")),
    };
    format!("{range} [default: {default}]")
}

/// `text` on lines of at most so many letters, where its words allow.
pub fn wrapped(text: &str, most: usize) -> String {
    let mut wrapped = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let letters = word.chars().count();
        if length > 0 {
            let full = length + 1 + letters > most;
            wrapped.push(if full { '\n' } else { ' ' });
            length = if full { 0 } else { length + 1 };
        }
        wrapped.push_str(word);
        length += letters;
    }
    wrapped
}

fn command_of(scenario: &'static Scenario) -> Command {
    let about = wrapped(scenario.about, LINE).replace('{', "(").replace('}', ")");
    let seed = if scenario.random { "Where its randomness begins" } else { "Changes nothing here: nothing is random" };
    Command::new(scenario.name)
        .about(scenario.title)
        .help_template(format!("{{about}}\n\n{about}\n\n{{usage-heading}} {{usage}}\n\n{{all-args}}"))
        .args(scenario.settings.iter().map(option_of))
        .next_help_heading("Run")
        .arg(Arg::new(SEED).long(SEED).value_name("N").value_parser(value_parser!(u64)).default_value("0").help(seed))
        .next_help_heading("Output, instead of a summary")
        .arg(Arg::new(JSON).long(JSON).action(ArgAction::SetTrue).help("Print the whole report as one JSON object"))
        .arg(Arg::new(CSV).long(CSV).action(ArgAction::SetTrue).help("Print all tables as CSV"))
        .arg(
            Arg::new(SVG)
                .long(SVG)
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Draw all figures into this file; `-` is standard output"),
        )
        .group(ArgGroup::new("output").args([JSON, CSV, SVG]))
}

fn option_of(setting: &'static Setting) -> Arg {
    let value = match setting.range {
        Range::Number { .. } => "NUMBER",
        Range::Whole { .. } => "N",
        Range::Choice(_) => "WORD",
    };
    let help = format!("{}; {}", setting.about, range(setting));
    Arg::new(setting.name)
        .long(setting.name)
        .value_name(value)
        .allow_hyphen_values(true)
        .help(help)
        .help_heading("Settings")
}

fn run_of(scenario: &'static Scenario, matches: &ArgMatches) -> Run {
    let given = scenario.settings.iter().filter_map(|setting| {
        let text: &String = matches.get_one(setting.name)?;
        Some((setting.name, text.clone()))
    });
    let output = match matches.get_one::<PathBuf>(SVG) {
        Some(file) => Output::Svg(file.clone()),
        None if matches.get_flag(JSON) => Output::Json,
        None if matches.get_flag(CSV) => Output::Csv,
        None => Output::Summary,
    };
    let seed = matches.get_one(SEED).copied().unwrap_or_default();
    Run { scenario: scenario.name.into(), seed, given: given.collect(), output }
}

/// Letters of a line that people read.
pub const LINE: usize = 100;

const LIST: &str = "list";
const SEED: &str = "seed";
const JSON: &str = "json";
const CSV: &str = "csv";
const SVG: &str = "svg";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Arguments, Command as Chosen};
    use clap::Parser;

    fn lab(arguments: &[&str]) -> Result<Lab, Error> {
        let all = ["peerage", "lab"].iter().chain(arguments);
        match Arguments::try_parse_from(all)?.command {
            Chosen::Lab(lab) => Ok(lab),
            _ => panic!("that is not lab"),
        }
    }

    fn run(arguments: &[&str]) -> Run {
        match lab(arguments).unwrap() {
            Lab::Run(run) => run,
            Lab::List { .. } => panic!("{arguments:?} is no run"),
        }
    }

    #[test]
    fn each_scenario_is_a_command_and_each_setting_an_option() {
        for scenario in all() {
            let bare = Run { scenario: scenario.name.into(), ..Run::default() };
            assert_eq!(run(&[scenario.name]), bare);
            for setting in scenario.settings {
                let default = setting.range.default().to_string();
                let option = format!("--{}", setting.name);
                assert_eq!(run(&[scenario.name, &option, &default]).given, [(setting.name, default)]);
            }
        }
        assert_eq!(run(&["cabal-decay", "--seed", "7"]).seed, 7);
        assert_eq!(run(&["cabal-decay", "--tau=-1"]).given, run(&["cabal-decay", "--tau", "-1"]).given);
        assert_eq!(run(&["nothing", "--at", "all"]).scenario, "nothing");
        assert!(lab(&["cabal-decay", "--nothing", "1"]).is_err());
        assert!(lab(&[]).is_err());
        assert_eq!(lab(&["list", "--json"]).ok(), Some(Lab::List { json: true }));
    }

    #[test]
    fn outputs_exclude_each_other() {
        let output = |arguments: &[&str]| run(&[&["cabal-decay"], arguments].concat()).output;
        assert_eq!(output(&[]), Output::Summary);
        assert_eq!(output(&["--json"]), Output::Json);
        assert_eq!(output(&["--csv"]), Output::Csv);
        assert_eq!(output(&["--svg", "-"]), Output::Svg("-".into()));
        for two in [["--json", "--csv"], ["--csv", "--svg=x"], ["--svg=x", "--json"]] {
            assert!(lab(&["cabal-decay", two[0], two[1]]).is_err(), "{two:?}");
        }
    }

    #[test]
    fn help_says_what_can_be_set() {
        for scenario in all() {
            let help = lab(&[scenario.name, "--help"]).unwrap_err().to_string();
            assert!(help.starts_with(scenario.title), "{help}");
            for setting in scenario.settings {
                assert!(help.contains(&format!("--{} <", setting.name)), "{help}");
                assert!(help.contains(setting.about) && help.contains(&range(setting)), "{help}");
            }
        }
        assert_eq!(range(&find("cabal-decay").unwrap().settings[1]), "a whole number from 1 to 100000 [default: 100]");
    }

    #[test]
    fn words_are_wrapped() {
        assert_eq!(wrapped("one two  three\nfour", 9), "one two\nthree\nfour");
        assert_eq!(wrapped("", 9), "");
    }
}

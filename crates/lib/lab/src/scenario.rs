//! Scenarios, their settings, and the list of all.

use crate::formula::Formula;
use crate::formulas::Formulas;
use crate::report::Report;
use crate::scenarios;
use mechanism::fault::{Fault, NotDefined};
use mechanism::rows::RowsError;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// A question, and the program that answers it with numbers.
#[derive(Debug)]
pub struct Scenario {
    /// Name on command lines and in addresses.
    pub name: &'static str,
    /// Title for people.
    pub title: &'static str,
    /// What it shows, in two or three sentences.
    pub about: &'static str,
    /// What can be set, beside the seed.
    pub settings: &'static [Setting],
    /// Whether the seed changes anything.
    pub random: bool,
    /// Runs it.
    pub run: fn(&Settings, &mut Report) -> Result<(), LabError>,
    /// What it computes at one step of a report.
    pub formulas: Formulas,
}

/// One thing that can be set.
#[derive(Debug)]
pub struct Setting {
    /// Name.
    pub name: &'static str,
    /// What it is, with its unit.
    pub about: &'static str,
    /// Its range and default.
    pub range: Range,
}

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// A number.
    Number {
        /// Where nothing is said.
        default: f64,
        /// Least allowed.
        least: f64,
        /// Most allowed.
        most: f64,
    },
    /// A whole number.
    Whole {
        /// Where nothing is said.
        default: u64,
        /// Least allowed.
        least: u64,
        /// Most allowed.
        most: u64,
    },
    /// One of several words, the first where nothing is said.
    Choice(&'static [&'static str]),
}

/// The value of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Of [`Range::Number`].
    Number(f64),
    /// Of [`Range::Whole`].
    Whole(u64),
    /// Of [`Range::Choice`].
    Choice(&'static str),
}

/// The values that a run takes: checked against their ranges, complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    seed: u64,
    values: BTreeMap<&'static str, Value>,
}

/// Why a scenario did not run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LabError {
    /// No scenario of this name.
    #[error("there is no scenario {name}; there are {among}")]
    Unknown {
        /// The name given.
        name: String,
        /// All names.
        among: String,
    },
    /// No such setting.
    #[error("{scenario} has no setting {name}; it has {among}")]
    NoSetting {
        /// The scenario.
        scenario: &'static str,
        /// The name given.
        name: String,
        /// All names.
        among: String,
    },
    /// A setting out of its range.
    #[error("{name} is {given}, but must be {range}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// What was given.
        given: String,
        /// What is allowed.
        range: Range,
    },
    /// Settings that do not go together.
    #[error("{0}")]
    Settings(String),
    /// A mechanism refused a world.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A gradient does not exist.
    #[error(transparent)]
    NotDefined(#[from] NotDefined),
    /// Rows that are not stochastic.
    #[error(transparent)]
    Rows(#[from] RowsError),
}

/// All scenarios, in the order of a lesson.
#[must_use]
pub fn all() -> &'static [&'static Scenario] {
    scenarios::ALL
}

/// The scenario of this name.
///
/// # Errors
/// [`LabError::Unknown`], which names all.
pub fn find(name: &str) -> Result<&'static Scenario, LabError> {
    let found = all().iter().find(|scenario| scenario.name == name).copied();
    let among = || all().iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| LabError::Unknown { name: name.into(), among: among() })
}

impl Scenario {
    /// Runs it with these settings.
    ///
    /// # Errors
    /// Any [`LabError`] that a run can have.
    pub fn report(&self, settings: &Settings) -> Result<Report, LabError> {
        let mut report = Report::new(self.name, self.title);
        report.seed = settings.seed;
        report.settings.clone_from(&settings.values);
        (self.run)(settings, &mut report)?;
        Ok(report)
    }

    /// The formulas with their numbers at one step of a report that these settings gave.
    ///
    /// # Errors
    /// As [`Scenario::report`].
    pub fn formulas(&self, settings: &Settings, report: &Report, step: usize) -> Result<Vec<Formula>, LabError> {
        (self.formulas)(settings, report, step)
    }

    /// The settings of a run: defaults, but for those `given` by name, as text.
    ///
    /// # Errors
    /// [`LabError::NoSetting`] or [`LabError::OutOfRange`].
    pub fn settings<'a>(
        &self,
        seed: u64,
        given: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Settings, LabError> {
        let mut values: BTreeMap<&'static str, Value> =
            self.settings.iter().map(|setting| (setting.name, setting.range.default())).collect();
        for (name, text) in given {
            let Some(setting) = self.settings.iter().find(|setting| setting.name == name) else {
                let among: Vec<&str> = self.settings.iter().map(|setting| setting.name).collect();
                let among = if among.is_empty() { "none".into() } else { among.join(", ") };
                return Err(LabError::NoSetting { scenario: self.name, name: name.into(), among });
            };
            let value = setting.range.parse(text).ok_or_else(|| LabError::OutOfRange {
                name: setting.name,
                given: text.into(),
                range: setting.range,
            })?;
            values.insert(setting.name, value);
        }
        Ok(Settings { seed, values })
    }
}

impl Range {
    /// The value where nothing is said.
    #[must_use]
    pub fn default(&self) -> Value {
        match *self {
            Self::Number { default, .. } => Value::Number(default),
            Self::Whole { default, .. } => Value::Whole(default),
            Self::Choice(among) => Value::Choice(among.first().copied().unwrap_or_default()),
        }
    }

    /// What `text` says, where it is in the range.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<Value> {
        match *self {
            Self::Number { least, most, .. } => {
                text.parse().ok().filter(|value| (least..=most).contains(value)).map(Value::Number)
            }
            Self::Whole { least, most, .. } => {
                text.parse().ok().filter(|value| (least..=most).contains(value)).map(Value::Whole)
            }
            Self::Choice(among) => among.iter().find(|one| **one == text).copied().map(Value::Choice),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { least, most, .. } => write!(f, "a number from {least} to {most}"),
            Self::Whole { least, most, .. } => write!(f, "a whole number from {least} to {most}"),
            Self::Choice(among) => write!(f, "one of {}", among.join(", ")),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => write!(f, "{value}"),
            Self::Whole(value) => write!(f, "{value}"),
            Self::Choice(value) => f.write_str(value),
        }
    }
}

impl Settings {
    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The number of this name.
    ///
    /// # Errors
    /// [`LabError::Settings`] where the scenario has none: a fault of the scenario, which its tests find.
    pub fn number(&self, name: &str) -> Result<f64, LabError> {
        match self.values.get(name) {
            Some(Value::Number(value)) => Ok(*value),
            other => Err(missing(name, "number", other)),
        }
    }

    /// The whole number of this name, as a count.
    ///
    /// # Errors
    /// As [`Settings::number`].
    pub fn whole(&self, name: &str) -> Result<usize, LabError> {
        match self.values.get(name) {
            Some(Value::Whole(value)) => usize::try_from(*value).map_err(|_| missing(name, "count", None)),
            other => Err(missing(name, "whole number", other)),
        }
    }

    /// The word of this name.
    ///
    /// # Errors
    /// As [`Settings::number`].
    pub fn choice(&self, name: &str) -> Result<&'static str, LabError> {
        match self.values.get(name) {
            Some(Value::Choice(value)) => Ok(value),
            other => Err(missing(name, "word", other)),
        }
    }
}

fn missing(name: &str, kind: &str, found: Option<&Value>) -> LabError {
    LabError::Settings(format!("setting {name} is not a {kind}: {found:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_defaults_in_range() {
        for (index, scenario) in all().iter().enumerate() {
            assert!(all().iter().skip(index + 1).all(|other| other.name != scenario.name), "{}", scenario.name);
            for setting in scenario.settings {
                let default = setting.range.default();
                assert_eq!(
                    setting.range.parse(&default.to_string()),
                    Some(default),
                    "{} {}",
                    scenario.name,
                    setting.name
                );
            }
        }
    }

    #[test]
    fn what_is_wrong_with_settings_is_said() {
        let scenario = find("cabal-decay").unwrap();
        let refused = |name, text| scenario.settings(0, [(name, text)]).unwrap_err().to_string();
        assert!(refused("block", "3").starts_with("cabal-decay has no setting block; it has mechanism, blocks"));
        assert_eq!(refused("share", "2"), "share is 2, but must be a number from 0 to 1");
        assert_eq!(refused("share", "NaN"), "share is NaN, but must be a number from 0 to 1");
        assert!(refused("mechanism", "x").contains("one of trust, connectivity"));
        assert!(find("nothing").unwrap_err().to_string().contains("cabal-decay"));
    }
}

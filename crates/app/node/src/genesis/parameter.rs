//! The parameters of a chain one by one: in which section of the file each stands, its unit, and what it does.
//!
//! Ranges are the ledger's ([`Parameters::check`]) and are asked there, since some depend on the mechanism or on other
//! parameters. Keys are the names of the fields of [`Parameters`].

use super::amount;
use ledger::{Amount, Parameters, parameters::ParameterError};
use std::fmt;

/// A table of the file.
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// What its parameters have in common.
    pub about: &'static str,
    /// Its parameters, as they are written.
    pub entries: &'static [Entry],
}

/// A parameter.
pub struct Entry {
    /// Its key.
    pub name: &'static str,
    /// What it does, a sentence without its full stop.
    pub about: &'static str,
    /// What it counts; empty for a plain number.
    pub unit: &'static str,
    /// Its value.
    pub get: fn(&Parameters) -> Value,
    /// Sets it; `None` where the value is not of its type.
    pub set: fn(&mut Parameters, Value) -> Option<()>,
}

/// The value of a parameter. It is displayed as TOML writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Whole(u64),
    /// A real number.
    Real(f64),
    /// Tokens.
    Amount(Amount),
    /// Yes or no.
    Switch(bool),
}

impl Value {
    /// The value of this size, of the same type as `self`.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounds of a range, from 0 to 10¹⁸")]
    pub const fn sized(self, size: f64) -> Self {
        match self {
            Self::Whole(_) => Self::Whole(size as u64),
            Self::Real(_) => Self::Real(size),
            Self::Amount(_) => Self::Amount(Amount(size as u64)),
            Self::Switch(_) => Self::Switch(size > 0.0),
        }
    }

    /// How large it is; base units of an amount.
    #[expect(clippy::cast_precision_loss, reason = "compared with bounds of a range")]
    pub const fn size(self) -> f64 {
        match self {
            Self::Whole(value) | Self::Amount(Amount(value)) => value as f64,
            Self::Real(value) => value,
            Self::Switch(value) => value as u8 as f64,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(value) => write!(f, "{value}"),
            // The shortest text that is read as the same bits.
            Self::Real(value) => write!(f, "{value:?}"),
            Self::Amount(value) => write!(f, "\"{}\"", amount::text(*value)),
            Self::Switch(value) => write!(f, "{value}"),
        }
    }
}

impl Entry {
    /// Least and largest value beside the other `parameters`, which must be in their ranges; `None` for a switch.
    pub fn range(&self, parameters: &Parameters) -> Option<(Value, Value)> {
        let kind = (self.get)(parameters);
        // What no range holds is refused together with the range.
        let outside = match kind {
            Value::Real(_) => [Value::Real(f64::NAN); 2],
            Value::Whole(_) => [Value::Whole(0), Value::Whole(u32::MAX.into())],
            Value::Amount(_) => [Value::Amount(Amount::ZERO), Value::Amount(Amount(u64::MAX))],
            Value::Switch(_) => return None,
        };
        outside.into_iter().find_map(|value| {
            let mut wrong = parameters.clone();
            (self.set)(&mut wrong, value)?;
            let error = wrong.check().err().filter(|error| error.name == self.name)?;
            Some((kind.sized(error.least), kind.sized(error.most)))
        })
    }
}

/// All parameters.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    SECTIONS.iter().flat_map(|section| section.entries)
}

/// All that are out of range. The ledger names one at a time; it is replaced by that of `usual`, which is in range, to hear
/// of the next.
pub fn out_of_range(mut parameters: Parameters, usual: &Parameters) -> Vec<(&'static Entry, ParameterError)> {
    let mut wrong: Vec<(&Entry, ParameterError)> = Vec::new();
    while let Err(error) = parameters.check() {
        let Some(entry) = entries().find(|entry| entry.name == error.name) else { break };
        if wrong.iter().any(|(before, _)| before.name == entry.name) {
            break;
        }
        let usual = (entry.get)(usual);
        if (entry.set)(&mut parameters, usual.sized(usual.size().max(error.least).min(error.most))).is_none() {
            break;
        }
        wrong.push((entry, error));
    }
    wrong
}

/// A type that a parameter can have.
trait Quantity: Copy {
    fn value(self) -> Value;
    fn of(value: Value) -> Option<Self>;
}

macro_rules! quantities {
    ($($type:ty: $variant:ident),*) => { $(
        impl Quantity for $type {
            fn value(self) -> Value {
                Value::$variant(self.into())
            }

            fn of(value: Value) -> Option<Self> {
                if let Value::$variant(value) = value { value.try_into().ok() } else { None }
            }
        }
    )* };
}

quantities!(u64: Whole, u32: Whole, f64: Real, Amount: Amount, bool: Switch);

macro_rules! entry {
    ($name:ident, $unit:literal, $about:literal) => {
        Entry {
            name: stringify!($name),
            about: $about,
            unit: $unit,
            get: |parameters| parameters.$name.value(),
            set: |parameters, value| {
                parameters.$name = Quantity::of(value)?;
                Some(())
            },
        }
    };
}

/// All parameters but the mechanism, by section, in the order of the file.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "blocks",
        about: "Blocks and epochs.",
        entries: &[
            entry!(block_time, "milliseconds", "Time from one block to the next"),
            entry!(tempo, "blocks", "An epoch: at its end peers are ranked and paid, and validators chosen"),
            entry!(expiry, "blocks", "How far ahead the height may be at which a transaction expires"),
        ],
    },
    Section {
        name: "emission",
        about: "What stake earns, and when no more is minted.",
        entries: &[
            entry!(
                tau,
                "a share of the scaled stake a year",
                "Emission; under competitive what it rises by in 1024 epochs, from 0"
            ),
            entry!(
                target,
                "",
                "Weight on oneself over weight on others at which emission stops to rise (competitive only)"
            ),
        ],
    },
    Section {
        name: "rows",
        about: "Rows: the scores that one peer gives to others.",
        entries: &[
            entry!(
                epsilon,
                "a Euclidean length, where all scores of a row sum to 1",
                "An update moves a row by less than this; the first one is free"
            ),
            entry!(interval, "blocks", "Least time between two updates of one row"),
            entry!(max_weights, "entries", "Most entries of a row"),
        ],
    },
    Section {
        name: "ranking",
        about: "Constants of the mechanism; each says in brackets which of the four use it.",
        entries: &[
            entry!(rho, "", "What all stake sums to as the mechanism sees it (all)"),
            entry!(beta, "", "Slope of the logistic curve that makes trust of support (trust, consensus)"),
            entry!(
                kappa,
                "",
                "Threshold: of support, in units of the visits that everyone gets when all are scored alike (trust); of \
                 expected visits (connectivity); of the share of stake that scores a peer (consensus, at most 1 counts)"
            ),
            entry!(depth, "steps", "How far scores are followed from peer to peer (trust)"),
            entry!(
                temperature,
                "",
                "How soft the threshold is, in units of kappa; the smaller the harder (trust, connectivity)"
            ),
            entry!(sources, "peers", "Most peers over whose rows trust is measured; they are drawn by stake (trust)"),
            entry!(clip, "", "Whether stake counts only as far as it reaches half of all stake (connectivity)"),
            entry!(direct, "a share of a row", "Least score that counts as trust (consensus)"),
            entry!(scaling_step, "", "Step by which the scaling of stake descends while too few are trusted (trust)"),
            entry!(
                scaling_return,
                "a share of the way an epoch",
                "How fast the scaling returns to 1 once most are trusted (trust)"
            ),
        ],
    },
    Section {
        name: "places",
        about: "How a peer gets a place, by proof of work or by a payment, and when it can lose it.",
        entries: &[
            entry!(max_neurons, "peers", "Most places; in a full chain the least peer makes room for a new one"),
            entry!(difficulty, "expected hashes", "Work of a registration at the beginning, and the least later"),
            entry!(
                registrations,
                "registrations an epoch",
                "Above it the work doubles for the next epoch, below half of it the work halves"
            ),
            entry!(subscription, "tokens", "What a place costs instead of work; no less than opening"),
            entry!(
                immunity,
                "blocks",
                "How long a new peer keeps its place for sure, and does not leave; longer than work counts"
            ),
        ],
    },
    Section {
        name: "fees",
        about: "What it costs to write into the ledger.",
        entries: &[
            entry!(fee, "tokens", "Price of a transaction that neither work nor a subscription pays for"),
            entry!(opening, "tokens", "Least transfer to a key that has no account yet"),
        ],
    },
    Section {
        name: "validation",
        about: "Who makes blocks, and how long what they did can still be punished.",
        entries: &[
            entry!(seats, "validators", "Most validators; each epoch gives the seats by stake"),
            entry!(seat, "tokens", "Least stake of a peer that takes a seat"),
            entry!(vigil, "blocks", "How long it counts that a validator said it runs; an epoch or longer"),
            entry!(
                unbonding,
                "blocks",
                "How long stake that was taken out stays bound, and can burn; longer than the trust period"
            ),
            entry!(
                trust_period,
                "milliseconds",
                "Age from which on a light client does not start from what it knew before"
            ),
        ],
    },
    Section {
        name: "model",
        about: "What all models of the network share.",
        entries: &[entry!(dim, "numbers", "Width of the representations that peers exchange")],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Kind;
    use std::collections::BTreeSet;

    #[test]
    fn every_parameter_stands_in_one_section() {
        let named: Vec<&str> = entries().map(|entry| entry.name).collect();
        let once: BTreeSet<&str> = named.iter().copied().collect();
        assert_eq!(once.len(), named.len());
        // The fields as `Debug` names them: `Parameters { mechanism: Trust, block_time: 1000, … }`.
        let all = format!("{:?}", Parameters::dev()).replace("Parameters { ", ", ");
        let fields = all.split(": ").filter_map(|part| part.rsplit_once(", ")).map(|(_, name)| name);
        assert_eq!(fields.filter(|name| *name != "mechanism").collect::<BTreeSet<_>>(), once);
    }

    #[test]
    fn every_number_has_a_range_under_every_mechanism() {
        for kind in Kind::ALL {
            for preset in [Parameters::dev(), Parameters::public()] {
                let parameters = kind.fit(&preset);
                for entry in entries() {
                    let value = (entry.get)(&parameters);
                    let range = entry.range(&parameters);
                    assert_eq!(range.is_none(), matches!(value, Value::Switch(_)), "{}", entry.name);
                    let Some((least, most)) = range else { continue };
                    assert!((least.size()..=most.size()).contains(&value.size()), "{}", entry.name);
                    for bound in [least, most] {
                        let mut edge = parameters.clone();
                        (entry.set)(&mut edge, bound).unwrap();
                        let wrong = out_of_range(edge, &parameters);
                        assert!(wrong.iter().all(|(wrong, _)| wrong.name != entry.name), "{}", entry.name);
                    }
                }
            }
        }
    }

    #[test]
    fn all_that_are_out_of_range_are_named_at_once() {
        let usual = Parameters::public();
        assert!(out_of_range(usual.clone(), &usual).is_empty());
        let wrong = Parameters { tempo: 0, tau: f64::NAN, unbonding: 5, dim: 0, ..usual };
        let names: Vec<&str> = out_of_range(wrong, &usual).iter().map(|(entry, _)| entry.name).collect();
        assert_eq!(names, ["tempo", "unbonding", "dim", "tau"]);
        // No unbonding time is long enough, whatever is said about it.
        let hopeless = Parameters { block_time: 10, trust_period: 1_000_000_000_000, ..usual.clone() };
        assert_eq!(out_of_range(hopeless, &usual)[0].0.name, "unbonding");
    }
}

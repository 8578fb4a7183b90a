//! What can be wrong with the file of a genesis: where it is, what it is, and what to do about it.

use super::{amount, amount::AmountError, time::TimeError};
use ledger::{GenesisError, Kind, PublicKey, Uid, text::TextError};
use std::{fmt, io, path::PathBuf};

/// Why there is no genesis in a file or folder.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("cannot read {path}, which should be the file of a genesis or a data folder that holds one")]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A data folder whose genesis is none.
    #[error("{path} is damaged (no genesis): restore it from a copy")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A text that no chain can begin with.
    #[error("{path} cannot begin a chain:{}", faults.iter().map(|fault| format!("\n  {fault}")).collect::<String>())]
    Faults {
        /// The file.
        path: PathBuf,
        /// All that was found, in the order of the file.
        faults: Vec<Fault>,
    },
}

/// Something wrong in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Where; `None` if it is about the file as a whole.
    pub place: Option<Place>,
    /// What.
    pub what: What,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { line, column }) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        write!(f, "{}", self.what)
    }
}

/// A place in a text, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum What {
    /// Not TOML.
    #[error("this is not TOML: {0}")]
    Syntax(String),
    /// A key that means nothing here.
    #[error("there is no key `{key}` in {section}: take it out; there are {}", known.join(", "))]
    Unknown {
        /// The key.
        key: String,
        /// Where it stands.
        section: String,
        /// The keys that may stand there.
        known: Vec<&'static str>,
    },
    /// A key that is wanted.
    #[error("`{key}` is missing in {section}: every key has to be there, `peerage genesis new` writes them all")]
    Missing {
        /// The key.
        key: &'static str,
        /// Where it belongs.
        section: String,
    },
    /// A value of another type.
    #[error("`{key}` is of type {found}, but {wanted} is wanted")]
    Type {
        /// Its key.
        key: &'static str,
        /// What it is.
        found: &'static str,
        /// What it should be, with an example.
        wanted: &'static str,
    },
    /// A number beside its range.
    #[error("`{key}` is {value}, but must be from {least} to {most}{}{unit}", if unit.is_empty() { "" } else { ", " })]
    Range {
        /// Its key.
        key: &'static str,
        /// The value, as it is written.
        value: String,
        /// Least value allowed.
        least: String,
        /// Largest value allowed.
        most: String,
        /// What it counts.
        unit: &'static str,
    },
    /// No mechanism of this name.
    #[error("there is no mechanism {0:?}: choose one of {all}", all = Kind::ALL.map(Kind::name).join(", "))]
    Mechanism(String),
    /// No key.
    #[error("`{key}` is no public key ({why}): 64 digits are wanted, as `peerage keys show` prints them")]
    Key {
        /// Its key in the file.
        key: &'static str,
        /// What is wrong with it.
        why: TextError,
    },
    /// No amount.
    #[error("`{key}`: {why}")]
    Amount {
        /// Its key.
        key: &'static str,
        /// What is wrong with it.
        why: AmountError,
    },
    /// No moment.
    #[error("`{key}`: {why}")]
    Time {
        /// Its key.
        key: &'static str,
        /// What is wrong with it.
        why: TimeError,
    },
    /// No address.
    #[error("`{key}` is {value:?}, but an address and a port are wanted, such as 192.0.2.1:9000 or [2001:db8::1]:9000")]
    Address {
        /// Its key.
        key: &'static str,
        /// What stands there.
        value: String,
    },
    /// A key that stands in a list already.
    #[error("{key} stands among the {list} already, at line {line}: take one of them out")]
    Twice {
        /// The key.
        key: PublicKey,
        /// The list.
        list: &'static str,
        /// Line of the first.
        line: usize,
    },
    /// A validator of a founder who does not exist.
    #[error(
        "there is no founder {founder}, who is to back {key}: founders count from 0 in their order, here are {founders}"
    )]
    Unbacked {
        /// Consensus key of the validator.
        key: PublicKey,
        /// The founder named.
        founder: Uid,
        /// Founders there are.
        founders: usize,
    },
    /// A founder who backs a validator with too little.
    #[error(
        "founder {founder} has a stake of {stake} tokens, but who backs a validator needs {seat}: raise it, or lower `seat` \
         in [validation]"
    )]
    Poor {
        /// The founder.
        founder: Uid,
        /// Its stake, tokens.
        stake: String,
        /// Least stake, tokens.
        seat: String,
    },
    /// No validators, or too many.
    #[error(
        "{given} validators, but from 1 to {seats} are allowed (`seats` in [validation]): each is a [[validators]] with key, \
         founder and address"
    )]
    Validators {
        /// Validators given.
        given: usize,
        /// Most.
        seats: u32,
    },
    /// More founders than places.
    #[error("{given} founders, but there are {most} places: raise `max_neurons` in [places], or take founders out")]
    Founders {
        /// Founders given.
        given: usize,
        /// Places.
        most: u32,
    },
    /// Too long a name.
    #[error("`name` has {0} bytes, but at most 64 are allowed")]
    Name(usize),
    /// More than may ever exist.
    #[error(
        "balances and stake sum to more than {} tokens, the most that can exist",
        amount::text(ledger::types::SUPPLY_LIMIT)
    )]
    Supply,
    /// Anything else that the ledger refuses.
    #[error(transparent)]
    Refused(GenesisError),
}

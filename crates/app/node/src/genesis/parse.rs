//! Reads the file of a genesis, and names all that is wrong with it, each where it stands.
//!
//! Nothing is filled in: a key that is missing is a fault, so that the file alone fixes the chain id. The file comes from
//! whoever founds a network; it is checked as a whole before any of it is used.

use super::{
    amount,
    fault::{Fault, Place, What},
    parameter::{self, Entry, SECTIONS, Value},
    time,
};
use ledger::{Amount, Founder, Genesis, GenesisError, Kind, Parameters, PublicKey, Seat, Uid, text};
use std::{collections::BTreeMap, net::SocketAddr, ops::Range};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The genesis that a file says.
///
/// # Errors
/// All that is wrong, in the order of the file.
pub fn parse(text: &str) -> Result<Genesis, Vec<Fault>> {
    let mut reader = Reader { text, faults: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        reader.fault(error.span(), What::Syntax(error.message().replace('\n', "; ")));
    }
    // What could be made of the rest would be blamed for what is missing.
    let genesis = if errors.is_empty() { reader.genesis(table.get_ref()) } else { None };
    reader.faults.sort_by_key(|fault| fault.place);
    genesis.filter(|_| reader.faults.is_empty()).ok_or(reader.faults)
}

/// Reads a text and keeps its faults.
struct Reader<'a> {
    text: &'a str,
    faults: Vec<Fault>,
}

/// A table of the text.
#[derive(Clone)]
struct Section<'a> {
    /// As it is written.
    name: String,
    table: &'a DeTable<'a>,
    /// Where it begins; `None` for the file.
    span: Option<Range<usize>>,
}

impl Section<'_> {
    /// Where a value stands, or else the table.
    fn span(&self, key: &str) -> Option<Range<usize>> {
        self.table.get(key).map(Spanned::span).or_else(|| self.span.clone())
    }
}

impl Reader<'_> {
    fn genesis(&mut self, table: &DeTable<'_>) -> Option<Genesis> {
        let file = Section { name: "the file".into(), table, span: None };
        let sections = SECTIONS.iter().map(|section| section.name);
        self.known(&file, &["name", "time", "mechanism"].into_iter().chain(sections).chain(LISTS).collect::<Vec<_>>());
        let name = self.field(&file, "name", string);
        let time = self.field(&file, "time", moment);
        let mechanism = self.field(&file, "mechanism", kind);
        let parameters = self.parameters(&file, mechanism);
        let founders = self.list(&file, FOUNDERS, &["key", "modality", "stake"], |reader, item| {
            let key = reader.field(item, "key", key);
            let modality = reader.field(item, "modality", whole);
            let stake = reader.field(item, "stake", tokens);
            Some(Founder { key: key?, modality: modality?, stake: stake? })
        });
        let accounts = self.list(&file, ACCOUNTS, &["key", "amount"], |reader, item| {
            let key = reader.field(item, "key", key);
            let amount = reader.field(item, "amount", tokens);
            Some((key?, amount?))
        });
        let validators = self.list(&file, VALIDATORS, &["key", "founder", "address"], |reader, item| {
            let key = reader.field(item, "key", key);
            let founder = reader.field(item, "founder", whole);
            let address = reader.field(item, "address", address);
            Some(Seat { key: key?, founder: Uid(founder?), address: address? })
        });
        let genesis = Genesis {
            name: name?,
            time: time?,
            parameters: parameters?,
            accounts: accounts?,
            neurons: founders?,
            validators: validators?,
        };
        if self.faults.is_empty()
            && let Err(error) = genesis.check()
        {
            self.fault(place(&file, &genesis, &error), What::of(error, &genesis));
        }
        Some(genesis)
    }

    /// All parameters, and those out of range among them.
    fn parameters(&mut self, file: &Section<'_>, mechanism: Option<Kind>) -> Option<Parameters> {
        // Where the mechanism is unknown, the ranges are those of the widest.
        let usual = mechanism.unwrap_or(Kind::Trust).fit(&Parameters::public());
        let mut parameters = usual.clone();
        let mut spans = BTreeMap::new();
        let before = self.faults.len();
        for section in SECTIONS {
            let Some(table) = self.field(file, section.name, table) else { continue };
            let span = file.span(section.name);
            let here = Section { name: format!("[{}]", section.name), table, span };
            self.known(&here, &section.entries.iter().map(|entry| entry.name).collect::<Vec<_>>());
            for entry in section.entries {
                let read = |_: &'static str, value: &DeValue<'_>| value_of(entry, value, &usual);
                let Some(value) = self.field(&here, entry.name, read) else { continue };
                spans.insert(entry.name, here.span(entry.name));
                if (entry.set)(&mut parameters, value).is_none() {
                    self.fault(here.span(entry.name), out_of_range(entry, value.to_string(), &usual));
                }
            }
        }
        for (entry, error) in parameter::out_of_range(parameters.clone(), &usual) {
            let value = (entry.get)(&parameters);
            let [least, most] = [error.least, error.most].map(|bound| value.sized(bound).to_string());
            if let Some(span) = spans.get(entry.name) {
                let what = What::Range { key: entry.name, value: value.to_string(), least, most, unit: entry.unit };
                self.fault(span.clone(), what);
            }
        }
        (self.faults.len() == before).then_some(parameters)
    }

    /// The tables of a list, in which no key may stand twice; without the list there are none.
    fn list<T>(
        &mut self,
        file: &Section<'_>,
        (list, item): (&'static str, &'static str),
        known: &[&'static str],
        read: impl Fn(&mut Self, &Section<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(value) = file.table.get(list) else { return Some(Vec::new()) };
        let wanted = What::Type { key: list, found: value.get_ref().type_str(), wanted: item };
        let Some(items) = value.get_ref().as_array() else {
            self.fault(Some(value.span()), wanted);
            return None;
        };
        let mut lines = BTreeMap::new();
        let mut all = Vec::new();
        for value in items {
            let Some(table) = value.get_ref().as_table() else {
                self.fault(Some(value.span()), wanted);
                return None;
            };
            let section = Section { name: item.into(), table, span: Some(value.span()) };
            self.known(&section, known);
            all.push(read(self, &section));
            if let Some(Ok(key)) = table.get("key").map(|value| key("key", value.get_ref())) {
                let span = section.span("key");
                let line = self.place(span.clone()).map_or(0, |place| place.line);
                match lines.get(&key) {
                    Some(&line) => self.fault(span, What::Twice { key, list, line }),
                    None => drop(lines.insert(key, line)),
                }
            }
        }
        all.into_iter().collect()
    }

    /// The value of a key, read.
    fn field<'t, T>(
        &mut self,
        section: &Section<'t>,
        key: &'static str,
        read: impl Fn(&'static str, &'t DeValue<'t>) -> Result<T, What>,
    ) -> Option<T> {
        let value = match section.table.get(key) {
            Some(value) => read(key, value.get_ref()),
            None => Err(What::Missing { key, section: section.name.clone() }),
        };
        value.map_err(|what| self.fault(section.span(key), what)).ok()
    }

    /// Names the keys of a table that mean nothing there.
    fn known(&mut self, section: &Section<'_>, known: &[&'static str]) {
        for (key, _) in section.table {
            if !known.contains(&key.get_ref().as_ref()) {
                let what = What::Unknown {
                    key: key.get_ref().to_string(),
                    section: section.name.clone(),
                    known: known.to_vec(),
                };
                self.fault(Some(key.span()), what);
            }
        }
    }

    fn fault(&mut self, span: Option<Range<usize>>, what: What) {
        let place = self.place(span);
        self.faults.push(Fault { place, what });
    }

    fn place(&self, span: Option<Range<usize>>) -> Option<Place> {
        let before = self.text.get(..span?.start)?;
        let line = before.rsplit('\n').next().unwrap_or_default();
        Some(Place { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 })
    }
}

impl What {
    /// What the ledger refuses, in words of the file.
    pub fn of(error: GenesisError, genesis: &Genesis) -> Self {
        match error {
            GenesisError::Name(bytes) => Self::Name(bytes),
            GenesisError::Validators(given) => Self::Validators { given, seats: genesis.parameters.seats },
            GenesisError::Unbacked { key, founder } => Self::Unbacked { key, founder, founders: genesis.neurons.len() },
            GenesisError::Poor { founder, stake, seat } => {
                Self::Poor { founder, stake: amount::text(stake), seat: amount::text(seat) }
            }
            GenesisError::Founders { given, most } => Self::Founders { given, most },
            GenesisError::Supply => Self::Supply,
            other => Self::Refused(other),
        }
    }
}

/// Where in the file stands what the ledger refuses.
fn place(file: &Section<'_>, genesis: &Genesis, error: &GenesisError) -> Option<Range<usize>> {
    let item = |list, index: usize, key: &str| {
        let item = file.table.get(list)?.get_ref().get(index)?;
        item.get_ref().get(key).map(Spanned::span)
    };
    match error {
        GenesisError::Name(_) => file.span("name"),
        GenesisError::Unbacked { key, .. } => {
            item("validators", genesis.validators.iter().position(|seat| seat.key == *key)?, "founder")
        }
        GenesisError::Poor { founder, .. } => item("founders", founder.index(), "stake"),
        _ => None,
    }
}

/// What is wrong with a number that its parameter cannot even hold.
fn out_of_range(entry: &Entry, value: String, usual: &Parameters) -> What {
    let kind = (entry.get)(usual);
    let (least, most) = entry.range(usual).unwrap_or((kind, kind));
    What::Range { key: entry.name, value, least: least.to_string(), most: most.to_string(), unit: entry.unit }
}

/// The value of a parameter, of the type that it has in `usual`.
fn value_of(entry: &Entry, value: &DeValue<'_>, usual: &Parameters) -> Result<Value, What> {
    let key = entry.name;
    match ((entry.get)(usual), value) {
        (Value::Whole(_), DeValue::Integer(written)) => {
            let number = u64::from_str_radix(written.as_str(), written.radix());
            number.map(Value::Whole).map_err(|_| out_of_range(entry, written.to_string(), usual))
        }
        (Value::Real(_), DeValue::Float(_) | DeValue::Integer(_)) => {
            let written = match value {
                DeValue::Float(written) => written.as_str(),
                DeValue::Integer(written) if written.radix() == 10 => written.as_str(),
                _ => return Err(wrong(key, value, "a decimal number, such as 0.5,")),
            };
            let number = written.parse().ok().filter(|number: &f64| number.to_bits() != (-0.0f64).to_bits());
            number.map(Value::Real).ok_or_else(|| out_of_range(entry, written.to_owned(), usual))
        }
        (Value::Amount(_), _) => tokens(key, value).map(Value::Amount),
        (Value::Switch(_), DeValue::Boolean(value)) => Ok(Value::Switch(*value)),
        (Value::Whole(_), _) => Err(wrong(key, value, "a whole number, such as 10,")),
        (Value::Real(_), _) => Err(wrong(key, value, "a number, such as 0.5,")),
        (Value::Switch(_), _) => Err(wrong(key, value, "true or false")),
    }
}

fn wrong(key: &'static str, value: &DeValue<'_>, wanted: &'static str) -> What {
    What::Type { key, found: value.type_str(), wanted }
}

fn table<'t>(key: &'static str, value: &'t DeValue<'t>) -> Result<&'t DeTable<'t>, What> {
    value.as_table().ok_or_else(|| wrong(key, value, "a table, such as [blocks],"))
}

fn string(key: &'static str, value: &DeValue<'_>) -> Result<String, What> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong(key, value, "a text in quotation marks"))
}

/// A whole number that is none of the parameters'.
fn whole<T: TryFrom<u64>>(key: &'static str, value: &DeValue<'_>) -> Result<T, What> {
    let written = value.as_integer().ok_or_else(|| wrong(key, value, "a whole number, such as 0,"))?;
    let number = u64::from_str_radix(written.as_str(), written.radix()).ok();
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
        let most = u64::MAX >> (64 - 8 * size_of::<T>());
        What::Range { key, value: written.to_string(), least: "0".into(), most: most.to_string(), unit: "" }
    })
}

fn tokens(key: &'static str, value: &DeValue<'_>) -> Result<Amount, What> {
    let text = value.as_str().ok_or_else(|| wrong(key, value, "a text with a number of tokens, such as \"0.25\","))?;
    amount::parse(text).map_err(|why| What::Amount { key, why })
}

fn key(key: &'static str, value: &DeValue<'_>) -> Result<PublicKey, What> {
    let text = value.as_str().ok_or_else(|| wrong(key, value, "a public key in quotation marks"))?;
    text::decode(text).map_err(|why| What::Key { key, why })
}

fn address(key: &'static str, value: &DeValue<'_>) -> Result<SocketAddr, What> {
    let text = string(key, value)?;
    text.parse().map_err(|_| What::Address { key, value: text })
}

fn kind(key: &'static str, value: &DeValue<'_>) -> Result<Kind, What> {
    let name = string(key, value)?;
    Kind::named(&name).ok_or(What::Mechanism(name))
}

fn moment(key: &'static str, value: &DeValue<'_>) -> Result<u64, What> {
    match value {
        DeValue::Datetime(date) => time::parse(date).map_err(|why| What::Time { key, why }),
        DeValue::Integer(_) => whole(key, value),
        _ => Err(wrong(key, value, "a date without quotation marks, such as 2026-01-31T12:00:00Z,")),
    }
}

/// The lists of the file, each with the name of its tables.
const FOUNDERS: (&str, &str) = ("founders", "[[founders]]");
const ACCOUNTS: (&str, &str) = ("accounts", "[[accounts]]");
const VALIDATORS: (&str, &str) = ("validators", "[[validators]]");
const LISTS: [&str; 3] = [FOUNDERS.0, ACCOUNTS.0, VALIDATORS.0];

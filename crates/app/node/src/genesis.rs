//! `peerage genesis`: writes the file that a chain begins with, checks it, and shows it.
//!
//! The file is TOML with every parameter explained ([`mod@write`]); what is wrong with one is named by line and column
//! ([`mod@parse`]). A node keeps the genesis of its chain as the ledger's bytes in its data folder, and both are read here.

mod amount;
mod fault;
pub mod parameter;
mod parse;
#[cfg(test)]
mod tests;
mod time;
mod write;

pub use fault::ReadError;

use crate::{
    cli::{self, NewGenesis, Preset},
    resident::now,
    say,
};
use anyhow::{Context, Result, bail};
use commonware_codec::DecodeExt;
use fault::What;
use ledger::{Founder, Genesis, Parameters, Seat, Uid, text};
use parse::parse;
use serde_json::{Value, json};
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::Path,
};
use write::write;

pub use amount::{parse as parse_amount, text as amount_text};

/// Does what was asked.
pub fn run(options: &cli::Genesis) -> Result<()> {
    match options {
        cli::Genesis::New(new) => begin(new),
        cli::Genesis::Check { file } => print(&summary(&read(file)?)),
        cli::Genesis::Show { place, json: false } => print(&write(&read(place)?)),
        cli::Genesis::Show { place, json: true } => {
            let text = serde_json::to_string_pretty(&described(&read(place)?)).context("the genesis has no JSON")?;
            print(&(text + "\n"))
        }
    }
}

/// The genesis in a file, or the one that is kept in a data folder. A chain can begin with it.
///
/// # Errors
/// [`ReadError`], with all that is wrong in a file.
pub fn read(path: &Path) -> Result<Genesis, ReadError> {
    let folder = path.is_dir();
    let path = if folder { path.join(KEPT) } else { path.to_owned() };
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) => return Err(ReadError::Disk { path, source }),
    };
    if folder {
        return Genesis::decode(bytes).map_err(|_| ReadError::Damaged { path });
    }
    match String::from_utf8(bytes) {
        Ok(text) => parse(&text).map_err(|faults| ReadError::Faults { path, faults }),
        Err(error) => Err(ReadError::Disk { path, source: std::io::Error::new(ErrorKind::InvalidData, error) }),
    }
}

/// The genesis of the chain of a node: of the file where one is named, else the one that is kept in its data folder.
///
/// # Errors
/// Where there is neither, and [`ReadError`].
pub fn of(file: Option<&Path>, data: &Path) -> Result<Genesis> {
    match file {
        Some(file) => Ok(read(file)?),
        None if data.join(KEPT).exists() => Ok(read(data)?),
        None => bail!("{} has no chain yet: name its genesis with --genesis", data.display()),
    }
}

fn begin(new: &NewGenesis) -> Result<()> {
    let genesis = founded(new, now())?;
    let text = write(&genesis);
    let Some(file) = &new.output else {
        print(&text)?;
        return unfinished(&genesis);
    };
    let opened = OpenOptions::new().write(true).create_new(true).open(file);
    let mut opened = match opened {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} is there and is kept: name another file with -o, or remove it", file.display())
        }
        other => other.with_context(|| format!("cannot write {}; name another file with -o", file.display()))?,
    };
    opened.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", file.display()))?;
    say::aside(format!("{} is written ({})", file.display(), say::bytes(text.len())));
    unfinished(&genesis)
}

/// Says what a genesis lacks that was made without validators.
fn unfinished(genesis: &Genesis) -> Result<()> {
    if genesis.validators.is_empty() {
        say::aside("it has no validators yet: name them with --validator, or write them into the file");
    }
    Ok(())
}

/// The genesis that a command line names, at `time` (ms since the Unix epoch). It may have no validators yet; all else is
/// in order.
fn founded(new: &NewGenesis, time: u64) -> Result<Genesis> {
    let preset = match new.preset {
        Preset::Public => Parameters::public(),
        Preset::Dev => Parameters::dev(),
    };
    let founder = |(key, stake): &(_, _)| Founder { key: Clone::clone(key), modality: 0, stake: *stake };
    let mut neurons: Vec<Founder> = new.founders.iter().map(founder).collect();
    let given = neurons.len();
    let mut validators = Vec::new();
    for (index, cli::NewValidator { key, address, stake }) in new.validators.iter().enumerate() {
        let backer = match stake {
            Some(stake) => {
                neurons.push(Founder { key: key.clone(), modality: 0, stake: *stake });
                neurons.len() - 1
            }
            None if given == 0 => bail!(
                "nobody backs the validator {key}: name a founder with --founder KEY:STAKE, or give the validator a stake \
                 of its own, --validator {key}@{address}:STAKE"
            ),
            // Those without a stake of their own are shared out among the founders.
            None => index % given,
        };
        let founder = Uid(u32::try_from(backer).context("too many founders")?);
        validators.push(Seat { key: key.clone(), founder, address: *address });
    }
    let parameters = new.mechanism.fit(&preset);
    let genesis =
        Genesis { name: new.name.clone(), time, parameters, accounts: new.accounts.clone(), neurons, validators };
    match genesis.check() {
        Err(ledger::GenesisError::Validators(0)) | Ok(()) => Ok(genesis),
        Err(error) => Err(What::of(error, &genesis).into()),
    }
}

/// Chain id, supply and validators, for people.
fn summary(genesis: &Genesis) -> String {
    let Genesis { name, time, parameters, accounts, neurons, validators } = genesis;
    let staked = neurons.iter().map(|founder| founder.stake.get()).sum::<u64>();
    let [supply, staked] = [supply(genesis), staked].map(|units| amount::text(ledger::Amount(units)));
    let mut text = format!(
        "chain       {}\nname        {name}\nbegins      {}\nmechanism   {}\nsupply      {supply} tokens, {staked} of them staked\n\
         founders    {}\naccounts    {}\nvalidators  {}\n",
        genesis.chain(),
        time::text(*time),
        parameters.mechanism.name(),
        neurons.len(),
        accounts.len(),
        validators.len(),
    );
    for Seat { key, founder, address } in validators {
        text += &format!("  {key}  {address}  backed by founder {founder}\n");
    }
    text
}

/// All of it, for programs: amounts are tokens as text, the time is RFC 3339 and, in `time_ms`, milliseconds.
fn described(genesis: &Genesis) -> Value {
    let Genesis { name, time, parameters, accounts, neurons, validators } = genesis;
    let number = |entry: &parameter::Entry| match (entry.get)(parameters) {
        parameter::Value::Whole(value) => json!(value),
        parameter::Value::Real(value) => json!(value),
        parameter::Value::Amount(value) => json!(amount::text(value)),
        parameter::Value::Switch(value) => json!(value),
    };
    let parameters: serde_json::Map<_, _> =
        parameter::entries().map(|entry| (entry.name.to_owned(), number(entry))).collect();
    let founder = |founder: &Founder| json!({ "key": text::encode(&founder.key), "modality": founder.modality, "stake": amount::text(founder.stake) });
    let validator = |Seat { key, founder, address }: &Seat| json!({ "key": text::encode(key), "founder": founder.get(), "address": address.to_string() });
    json!({
        "chain": genesis.chain().to_string(),
        "name": name,
        "time": time::text(*time),
        "time_ms": time,
        "mechanism": genesis.parameters.mechanism.name(),
        "parameters": parameters,
        "supply": amount::text(ledger::Amount(supply(genesis))),
        "founders": neurons.iter().map(founder).collect::<Value>(),
        "accounts": accounts.iter().map(|(key, held)| json!({ "key": text::encode(key), "amount": amount::text(*held) })).collect::<Value>(),
        "validators": validators.iter().map(validator).collect::<Value>(),
    })
}

/// Balances and stake, base units; a genesis that was checked has at most 2⁶².
fn supply(genesis: &Genesis) -> u64 {
    u64::try_from(genesis.supply()).unwrap_or(u64::MAX)
}

fn print(text: &str) -> Result<()> {
    say::result(text).context("cannot write to standard output")
}

/// The file of a data folder that holds its genesis ([`consensus::folder`]).
const KEPT: &str = "genesis";

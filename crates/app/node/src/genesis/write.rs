//! A genesis as a file that explains itself: TOML, each value below what it means, its unit and its range.
//!
//! What is written here is read by [`mod@super::parse`] as the same genesis, to the bit.

use super::{
    amount,
    parameter::{Entry, SECTIONS, Value},
    time,
};
use crate::cli::{LINE, wrapped};
use ledger::{Founder, Genesis, Kind, Parameters, Seat, text};

/// The file of a genesis.
pub fn write(genesis: &Genesis) -> String {
    let Genesis { name, time, parameters, accounts, neurons, validators } = genesis;
    let mut file = comment(ABOUT) + "\n";
    file += &comment("Name of the chain, for people; at most 64 bytes.");
    file += &format!("name = {}\n", quoted(name));
    file += &comment("When the chain begins. Milliseconds count; a whole number is milliseconds since 1970.");
    file += &format!("time = {}\n", time::text(*time));
    file += &comment(&format!(
        "What turns scores into rank, trust and pay; one of {}.",
        Kind::ALL.map(Kind::name).join(", ")
    ));
    file += &format!("mechanism = {}\n", quoted(parameters.mechanism.name()));
    for section in SECTIONS {
        file += &format!("\n{}[{}]\n", comment(section.about), section.name);
        file.extend(section.entries.iter().map(|entry| line(entry, parameters)));
    }
    file += &list("founders", FOUNDERS, neurons.iter().enumerate().map(founder));
    let balance =
        |(key, amount): &(_, _)| format!("key = \"{}\"\namount = {}\n", text::encode(key), Value::Amount(*amount));
    file += &list("accounts", ACCOUNTS, accounts.iter().map(balance));
    file += &list("validators", VALIDATORS, validators.iter().map(validator));
    file
}

/// A parameter with its comment.
fn line(entry: &Entry, parameters: &Parameters) -> String {
    let range = entry.range(parameters).map(|(least, most)| {
        let [least, most] = [least, most].map(|bound| bound.to_string().replace('"', ""));
        let comma = if entry.unit.is_empty() { "" } else { ", " };
        format!("; {}{comma}from {least} to {most}", entry.unit)
    });
    let about = comment(&format!("{}{}.", entry.about, range.unwrap_or_default()));
    format!("{about}{} = {}\n", entry.name, (entry.get)(parameters))
}

fn founder((uid, Founder { key, modality, stake }): (usize, &Founder)) -> String {
    let stake = amount::text(*stake);
    format!("# Founder {uid}.\nkey = \"{}\"\nmodality = {modality}\nstake = \"{stake}\"\n", text::encode(key))
}

fn validator(Seat { key, founder, address }: &Seat) -> String {
    format!("key = \"{}\"\nfounder = {founder}\naddress = \"{address}\"\n", text::encode(key))
}

/// A list of tables: what they are, then each; where there is none yet, an example that counts for nothing.
fn list(name: &str, (about, example): (&str, &str), items: impl Iterator<Item = String>) -> String {
    let tables: String = items.map(|item| format!("\n[[{name}]]\n{item}")).collect();
    let example = example.lines().fold(format!("\n# [[{name}]]\n"), |text, line| format!("{text}# {line}\n"));
    format!("\n{}{}", comment(about), if tables.is_empty() { example } else { tables })
}

/// Lines of a comment.
fn comment(text: &str) -> String {
    let paragraph = |text| wrapped(text, LINE - 2).lines().fold(String::new(), |all, line| format!("{all}# {line}\n"));
    text.split("\n\n").map(paragraph).collect::<Vec<_>>().join("#\n")
}

/// A TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            control if control.is_control() => quoted += &format!("\\u{:04x}", u32::from(control)),
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

const ABOUT: &str = "The genesis of a Peerage chain. All who take part need the same: the chain id is the hash of what \
    this file says (its comments and its layout do not count), and nothing of it can be changed once the chain runs.\
    \n\n\
    `peerage genesis check FILE` says what is wrong with the file, or its chain id. Amounts are tokens, as text with at \
    most nine decimal places: \"0.25\". Keys are 64 hexadecimal digits, as `peerage keys show` prints them. Every key has \
    to be there.";

const FOUNDERS: (&str, &str) = (
    "Founders: peers that hold stake from the first block on; without one, nobody's scores count. They are numbered from 0 \
     in their order. Each is a key, which is its hot and its cold key, a modality (what it learns from; 0 is text) and a \
     stake in tokens.",
    "key = \"…\"\nmodality = 0\nstake = \"1000\"",
);

const ACCOUNTS: (&str, &str) = (
    "Accounts: tokens that are not staked, each with the key of their owner and an amount.",
    "key = \"…\"\namount = \"1000\"",
);

const VALIDATORS: (&str, &str) = (
    "Validators: who makes blocks until an epoch elects others. Each is a consensus key, the number of the founder whose \
     stake backs it, and the address where the other validators reach it.",
    "key = \"…\"\nfounder = 0\naddress = \"192.0.2.1:9000\"",
);

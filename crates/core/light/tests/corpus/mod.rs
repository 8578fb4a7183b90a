//! The corpus: over ten thousand things that a hostile source, neighbour or disk could hand to a light client, made from
//! honest ones by a generator that makes the same on every machine, and what the light client says of each.
//!
//! Every verdict, with the words that a person reads, goes into one hash and a tally by kind and name. A native test and a
//! browser test include this file and compare both with `golden.txt`, so a tab refuses what a node refuses, for the same
//! reason and in the same words.
//!
//! Whatever is accepted must say what the original says; that is asserted where each kind is judged.

#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "shared by test binaries, which fail by panicking")]

mod audits;
mod bytes;
mod certificates;
mod chains;
mod gossip;
mod heads;
mod leaves;
mod links;
mod names;
mod random;
mod starts;
mod transactions;
mod world;

use commonware_codec::{Copying, DecodeExt, Error as CodecError};
use commonware_cryptography::{Hasher as _, Sha256, sha256::Digest as Sha256Digest};
use ledger::Digest;
use light::Error;
use std::collections::BTreeMap;
use std::fmt::{self, Display};

pub use random::Random;
pub use world::World;

/// What was said of all of it.
pub struct Verdicts {
    mutants: usize,
    /// Of the one before and the verdict, from verdict to verdict.
    hash: Digest,
    /// By kind and name: how many, and the same hash over these alone.
    tally: BTreeMap<(&'static str, String), (usize, Digest)>,
}

/// Makes the corpus and judges all of it.
pub fn run() -> Verdicts {
    let world = World::new();
    let mut verdicts = Verdicts { mutants: 0, hash: NOTHING, tally: BTreeMap::new() };
    let kinds: [fn(&World, &mut Random, &mut Verdicts); 9] = [
        certificates::judge,
        heads::judge,
        links::judge,
        chains::judge,
        leaves::judge,
        transactions::judge,
        gossip::judge,
        starts::judge,
        audits::judge,
    ];
    // A kind that changes leaves the others as they are.
    for (seed, kind) in (1..).zip(kinds) {
        kind(&world, &mut Random::new(seed), &mut verdicts);
    }
    verdicts
}

impl Verdicts {
    /// Takes the verdict on a mutant.
    fn take(&mut self, kind: &'static str, deed: &str, verdict: &Result<(), Refused>) {
        let (name, words) = match verdict {
            Ok(()) => ("accepted", ""),
            Err(refused) => (refused.name.as_str(), refused.words.as_str()),
        };
        let verdict = [kind, deed, name, words].join("\0");
        let next = |hash: &Digest| Sha256::hash(&[&hash[..], verdict.as_bytes()]);
        self.mutants += 1;
        self.hash = next(&self.hash);
        let (count, hash) = self.tally.entry((kind, name.to_owned())).or_insert((0, NOTHING));
        *count += 1;
        *hash = next(hash);
    }

    /// What is missing or too little: a corpus that covers less than it says is a defect.
    pub fn gaps(&self) -> Vec<String> {
        let met = |name: &str| self.tally.keys().any(|(_, met)| met == name);
        let mut gaps: Vec<String> =
            names::ALL.iter().filter(|name| !met(name)).map(|name| format!("no mutant meets {name}")).collect();
        if self.mutants < LEAST {
            gaps.push(format!("{} mutants, {LEAST} are wanted", self.mutants));
        }
        gaps
    }
}

/// As `golden.txt` has it.
impl Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "mutants {}", self.mutants)?;
        writeln!(f, "hash {}", ledger::text::hex(&self.hash))?;
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for ((kind, name), (count, hash)) in &self.tally {
            writeln!(f, "{kind}: {name} {count} {}", ledger::text::hex(&hash[..4]))?;
            *names.entry(name).or_default() += count;
        }
        names.iter().try_for_each(|(name, count)| writeln!(f, "all: {name} {count}"))
    }
}

/// Why something was refused: the name of the error, and what it says.
#[derive(Debug, PartialEq)]
pub struct Refused {
    name: String,
    words: String,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { name: names::of(&error).into(), words: error.to_string() }
    }
}

impl Refused {
    /// Of an error of the ledger, whose name it writes first where it is debugged.
    fn by_ledger(of: &str, error: &(impl fmt::Debug + Display)) -> Self {
        let debugged = format!("{error:?}");
        let name: String = debugged.chars().take_while(|letter| letter.is_alphanumeric()).collect();
        Self { name: format!("{of}::{name}"), words: error.to_string() }
    }
}

/// Reads a `what`, and names a refusal as the light client does.
fn read<T: DecodeExt<()>>(what: &'static str, bytes: &[u8]) -> Result<T, Error> {
    T::decode(Copying(bytes)).map_err(|error| match error {
        CodecError::EndOfBuffer => Error::Truncated { what, bytes: bytes.len() },
        CodecError::ExtraData(extra) => Error::Trailing { what, extra },
        CodecError::InvalidLength(_) => Error::Malformed { what, reason: "a length outside the allowed range".into() },
        other => Error::Malformed { what, reason: other.to_string() },
    })
}

/// What both tests must find.
pub const GOLDEN: &str = include_str!("golden.txt");

/// Where hashes begin.
const NOTHING: Digest = Sha256Digest([0; 32]);

/// Mutants at least.
const LEAST: usize = 10_000;

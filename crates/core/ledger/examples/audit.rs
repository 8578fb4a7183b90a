//! What it costs a light client to recompute an epoch, by the number of peers: natively and in a tab.
//!
//! `cargo run --release --example audit -p peerage-ledger` makes the tables of 256, 4,096 and 16,384 peers that weigh 64 others
//! each, as they stand before the last block of an epoch, and prints the time of each part of the audit and the bytes that a
//! source sends for it; numbers behind `--` choose other sizes. Built for wasm32 the module exports `audit`, which returns the
//! same lines. Times are the shortest of some rounds: other programs run beside this one.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "measures time and prints it")]

use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::{Hasher, Sha256, Signer};
use mechanism::epoch::Memory;
use peerage_ledger::header::validators_digest;
use peerage_ledger::row::SUM;
use peerage_ledger::table::{Tree, root_of};
use peerage_ledger::types::TOKEN;
use peerage_ledger::work::RECENT;
use peerage_ledger::{
    AccountLeaf, Action, Amount, At, CandidateLeaf, Digest, EpochLeaf, Genesis, Header, Height, NeuronLeaf, Nonce,
    Parameters, PrivateKey, Row, Score, Standing, State, Table, Totals, Transaction, Uid, WeightsLeaf, economy,
};
use std::error::Error;
use std::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;
use web_time::Instant;

/// Weights of a row.
const WEIGHTS: u32 = 64;

/// Updates of rows in the block that ends the epoch.
const UPDATES: u32 = 64;

fn main() {
    let given: Vec<u32> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    // In a tab there is nobody to give arguments, and `main` only marks the module as started.
    if cfg!(target_arch = "wasm32") {
        return;
    }
    for peers in if given.is_empty() { vec![256, 4_096, 16_384] } else { given } {
        println!("{}", audit(peers, 15));
    }
}

/// The times of an audit of so many peers, a line a part, the shortest of `rounds`.
#[wasm_bindgen]
#[must_use]
pub fn audit(peers: u32, rounds: u32) -> String {
    measure(peers, rounds.max(1)).unwrap_or_else(|error| format!("{peers} peers: {error}"))
}

fn measure(peers: u32, rounds: u32) -> Result<String, Box<dyn Error>> {
    let Epoch { genesis, before, recent, tables, block } = Epoch::new(peers)?;
    let validators = genesis.validator_keys();
    let at = At { height: before.height.next(), time: before.time + 1_000, parent: before.digest() };
    let mut lines = Vec::new();
    let mut line = |name: &str, time: Duration| lines.push(format!("  {name:<44}{:>9.2} ms", time.as_secs_f64() * 1e3));

    let trees = || -> Vec<Tree> { tables.iter().map(|(table, leaves)| Tree::new(*table, leaves.clone())).collect() };
    for (table, leaves) in tables.iter().filter(|(_, leaves)| leaves.len() > 1) {
        line(&format!("{table}: {} leaves decoded", leaves.len()), best(rounds, || decoded(*table, leaves)).1);
        line(&format!("{table}: its tree"), best(rounds, || Tree::new(*table, leaves.clone())).1);
    }
    let hashed = best(rounds, trees).1;
    line("trees of all tables, whose roots are checked", hashed);
    let begin = || State::from_trees(&genesis, &before, validators.clone(), recent.clone(), trees());
    let (state, begun) = best(rounds, begin);
    let state = state?;
    line("the state of them", begun.saturating_sub(hashed));
    let (after, empty) = best(rounds, || state.apply(&at, &[]));
    let (after, _) = after?;
    line("apply: the block that ends the epoch, empty", empty);
    line(&format!("apply: with {UPDATES} updates of rows"), best(rounds, || state.apply(&at, &block).map(|_| ())).1);
    let memory = Memory {
        bonds: economy::bonds(state.bonds()),
        min_weights: state.totals().min_weights,
        inflation: state.totals().tau,
    };
    let evaluate = || economy::evaluate(state.neurons(), state.weights(), &memory, state.parameters(), 1).map(|_| ());
    let alone = best(rounds, evaluate).1;
    line("of that: the mechanism", alone);
    let world = || economy::world(state.neurons(), state.weights(), state.parameters());
    line("of the mechanism: its matrices", best(rounds, world).1);
    line("of that: the rest", empty.saturating_sub(alone));
    line("all of it: trees, state, apply, empty", begun + empty);
    if after.supply() + state.issued() != state.supply() + after.issued() {
        return Err("units were lost".into());
    }
    let bytes: usize = tables.iter().flat_map(|(_, leaves)| leaves).map(|leaf| leaf.len() + 2).sum();
    Ok(format!("{peers} peers, {WEIGHTS} weights each, {bytes} bytes of tables\n{}", lines.join("\n")))
}

/// What a source sends of the last block of an epoch and of the state before it.
struct Epoch {
    genesis: Genesis,
    before: Header,
    recent: Vec<Digest>,
    tables: Vec<(Table, Vec<bytes::Bytes>)>,
    block: Vec<Transaction>,
}

impl Epoch {
    /// Of peers that all hold stake, have two accounts, and weigh others at random.
    fn new(peers: u32) -> Result<Self, Box<dyn Error>> {
        let keys: Vec<PrivateKey> = (0..2 * u64::from(peers)).map(PrivateKey::from_seed).collect();
        let parameters = Parameters { interval: 1, max_neurons: peers.max(1_024), ..Parameters::dev() };
        let genesis = Genesis { parameters, ..Genesis::example() };
        let begun = genesis.state()?;
        let height = Height(10 * genesis.parameters.tempo - 1);
        let account = |key: &PrivateKey| AccountLeaf {
            key: key.public_key().into(),
            balance: Amount(TOKEN),
            nonce: Nonce(0),
            unbonding: Vec::new(),
        };
        let neuron = |(pair, uid): (&[PrivateKey], u64)| {
            let [hot, cold] = pair else { return Err("no pair") };
            Ok(NeuronLeaf {
                hot: hot.public_key().into(),
                cold: cold.public_key().into(),
                modality: 0,
                stake: Amount((100 + uid % 50) * TOKEN),
                scaling: 1.0,
                accrued: Height(1),
                pending: Amount::ZERO,
                registered: Height(0),
                generation: 0,
                vacant: false,
            })
        };
        let weights = |uid| Ok(WeightsLeaf { row: row(uid, peers)?, version: 1, updated: Height(1) }.encode());
        let totals = Totals { pool: Amount(TOKEN), minted: Amount(TOKEN), ..begun.totals().clone() };
        let standings = (0..peers).map(|_| EpochLeaf::Standing(Standing::default()).encode());
        let tables = vec![
            (Table::Accounts, keys.iter().map(|key| account(key).encode()).collect()),
            (
                Table::Neurons,
                keys.chunks(2).zip(0..).map(|pair| Ok(neuron(pair)?.encode())).collect::<Result<_, &str>>()?,
            ),
            (Table::Weights, (0..peers).map(weights).collect::<Result<_, Box<dyn Error>>>()?),
            (Table::Bonds, Vec::new()),
            (Table::Epoch, core::iter::once(EpochLeaf::Totals(totals).encode()).chain(standings).collect()),
            (Table::Candidates, begun.leaves(Table::Candidates)),
        ];
        let mut before = genesis.header()?;
        before.height = height;
        before.time += height.get() * 1_000;
        let recent: Vec<Digest> =
            (0..height.get().min(RECENT)).map(|back| Sha256::hash(&[&back.to_be_bytes()])).collect();
        before.parent = *recent.last().ok_or("no parent")?;
        before.validators = validators_digest(&genesis.validator_keys());
        for (table, leaves) in &tables {
            let root = root(*table, leaves);
            match table {
                Table::Accounts => before.roots.accounts = root,
                Table::Neurons => before.roots.neurons = root,
                Table::Weights => before.roots.weights = root,
                Table::Bonds => before.roots.bonds = root,
                Table::Epoch => before.roots.epoch = root,
                Table::Candidates => before.roots.candidates = root,
            }
        }
        let update = |uid: u32| {
            let key = keys.get(2 * uid as usize).ok_or("no such peer")?;
            let action = Action::SetWeights { uid: Uid(uid), row: row(uid, peers)?, seen: height };
            Ok(Transaction::sign(key, genesis.chain(), Nonce(0), height.after(30), action))
        };
        let block = (0..UPDATES.min(peers)).map(update).collect::<Result<_, Box<dyn Error>>>()?;
        Ok(Self { genesis, before, recent, tables, block })
    }
}

/// A row with a self-loop and others that look drawn at random, the same in every run.
fn row(uid: u32, peers: u32) -> Result<Row, Box<dyn Error>> {
    let mut state = u64::from(uid).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u32::try_from(state >> 40).unwrap_or_default()
    };
    let mut uids: Vec<u32> = (1..WEIGHTS).map(|_| draw() % peers).chain([uid]).collect();
    uids.sort_unstable();
    uids.dedup();
    let count = u32::try_from(uids.len())?;
    let mut entries: Vec<(Uid, Score)> = Vec::new();
    for uid in uids {
        let score = if entries.is_empty() { SUM / count + SUM % count } else { SUM / count };
        entries.push((Uid(uid), Score(u16::try_from(score)?)));
    }
    Ok(Row::new(entries)?)
}

fn root(table: Table, leaves: &[bytes::Bytes]) -> Digest {
    root_of(table, leaves.iter().map(|leaf| &leaf[..]))
}

/// How many of the leaves can be read.
fn decoded(table: Table, leaves: &[bytes::Bytes]) -> usize {
    fn all<T: DecodeExt<()>>(leaves: &[bytes::Bytes]) -> usize {
        leaves.iter().filter_map(|leaf| T::decode(leaf.clone()).ok()).collect::<Vec<T>>().len()
    }
    match table {
        Table::Accounts => all::<AccountLeaf>(leaves),
        Table::Neurons => all::<NeuronLeaf>(leaves),
        Table::Weights => all::<WeightsLeaf>(leaves),
        Table::Bonds => all::<peerage_ledger::table::BondsLeaf>(leaves),
        Table::Epoch => all::<EpochLeaf>(leaves),
        Table::Candidates => all::<CandidateLeaf>(leaves),
    }
}

/// What the work gives, and the shortest time it took.
fn best<T>(rounds: u32, work: impl Fn() -> T) -> (T, Duration) {
    let once = || {
        let begin = Instant::now();
        let result = work();
        (result, begin.elapsed())
    };
    let first = once();
    (1..rounds).fold(first, |(result, least), _| (result, least.min(once().1)))
}

//! What the queue costs a node when it is full.
//!
//! `cargo run --example queue -p peerage-consensus` lets 16,384 peers submit an update of their row each, then settles
//! blocks of 2,048 of them, and prints the time of each step a block: that of a submission (its signature is verified
//! there), of taking the offers, of filling a block with them, of finding a block's transactions as a verifier does, of
//! applying them, and of settling. The last column is the share of one core at 2,048 transactions a second.

#![expect(clippy::print_stdout, reason = "measures time and prints it")]

use commonware_cryptography::Signer;
use ledger::row::SUM;
use ledger::types::TOKEN;
use ledger::{
    Action, Amount, At, Body, ChainId, Founder, Genesis, Header, Height, Nonce, Parameters, PrivateKey, Row, Score,
    Transaction, Uid,
};
use peerage_consensus::mempool::{CAPACITY, Mempool};
use std::time::{Duration, Instant};

/// Weights of a row.
const WEIGHTS: u32 = 64;

/// Transactions of a block, at one block a second.
const BLOCK: usize = 2_048;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keys: Vec<PrivateKey> = (0..CAPACITY as u64).map(PrivateKey::from_seed).collect();
    let founder = |key: &PrivateKey| Founder { key: key.public_key(), modality: 0, stake: Amount(100 * TOKEN) };
    let parameters = Parameters { max_neurons: u32::try_from(CAPACITY)?, ..Parameters::dev() };
    let genesis = Genesis { parameters, neurons: keys.iter().map(founder).collect(), ..Genesis::example() };
    let (mut header, mut state) = (genesis.header()?, genesis.state()?);
    let mut mempool = Mempool::new(&header, &state).ok_or("no block follows")?;
    let chain = genesis.chain();
    let updates = keys.iter().zip(0..).map(|(key, uid)| update(chain, key, uid)).collect::<Result<Vec<_>, _>>()?;

    let begin = Instant::now();
    for transaction in updates {
        mempool.submit(transaction)?;
    }
    let submit = begin.elapsed() * u32::try_from(BLOCK)? / u32::try_from(CAPACITY)?;
    println!("{} wait, {} bytes", mempool.len(), mempool.bytes());
    row("submit", submit);

    let mut times = [Duration::ZERO; 5];
    let mut blocks = 0;
    while !mempool.is_empty() {
        let at = At { height: header.height.next(), time: state.time() + 1_000, parent: header.digest() };
        let begin = Instant::now();
        let offers = mempool.offers();
        let offered = begin.elapsed();

        let (mut draft, mut body) = (state.draft(at)?, Body::default());
        for checked in offers.iter().take(BLOCK) {
            draft.offer_checked(checked)?;
            body.transactions.push(checked.transaction().clone());
        }
        let roots = draft.finish().0.roots();
        let filled = begin.elapsed();

        let checked = body.transactions.iter().map(|one| mempool.checked(&one.digest()).ok_or("does not wait"));
        let checked = checked.collect::<Result<Vec<_>, _>>()?;
        let found = begin.elapsed();

        let mut draft = state.draft(at)?;
        for checked in &checked {
            draft.offer_checked(checked)?;
        }
        state = draft.finish().0;
        header = Header { height: at.height, time: at.time, parent: at.parent, roots: state.roots(), ..header };
        let applied = begin.elapsed();
        if header.roots != roots {
            return Err("two roots of one block".into());
        }
        mempool.settle(&header, &state, &body.transactions);
        let settled = begin.elapsed();
        for (time, (end, begin)) in times.iter_mut().zip([
            (offered, Duration::ZERO),
            (filled, offered),
            (found, filled),
            (applied, found),
            (settled, applied),
        ]) {
            *time += end.saturating_sub(begin);
        }
        blocks += 1;
    }
    for (name, time) in
        ["offers", "fill (proposer)", "find (verifier)", "apply (verifier)", "settle"].into_iter().zip(times)
    {
        row(name, time / blocks);
    }
    Ok(())
}

/// The first update of a peer, which weighs those after it.
fn update(chain: ChainId, key: &PrivateKey, uid: u32) -> Result<Transaction, Box<dyn std::error::Error>> {
    let peers = u32::try_from(CAPACITY)?;
    let share = u16::try_from(SUM / WEIGHTS)?;
    let mut entries: Vec<(Uid, Score)> =
        (0..WEIGHTS).map(|index| (Uid((uid + index * 37) % peers), Score(share))).collect();
    entries.sort_by_key(|(uid, _)| *uid);
    if let Some((_, first)) = entries.first_mut() {
        *first = Score(share + u16::try_from(SUM % WEIGHTS)?);
    }
    let action = Action::SetWeights { uid: Uid(uid), row: Row::new(entries)?, seen: Height(0) };
    Ok(Transaction::sign(key, chain, Nonce(0), Height(50), action))
}

fn row(name: &str, time: Duration) {
    println!("  {name:<20}{:>10.2} ms a block{:>8.1} %", time.as_secs_f64() * 1_000.0, time.as_secs_f64() * 100.0);
}

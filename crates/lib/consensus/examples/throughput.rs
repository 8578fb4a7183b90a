//! Transactions a second through real validators on loopback, and how long each takes to be final:
//! `cargo run --release -p peerage-consensus --example throughput -- [--validators 4] [--rate 2000] [--seconds 30] [--peers 4096]
//! [--entries 64]`.
//!
//! Every validator has a runtime, a folder and sockets of its own, in one process. Rows are signed as they are sent, one peer after
//! the other, to the validators in turn. Prints one JSON object.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a program for figures"
)]

use commonware_cryptography::Signer;
use ledger::genesis::Seat;
use ledger::{
    Action, Amount, Digest, Founder, Genesis, Height, Nonce, Parameters, PrivateKey, Query, Reply, Row, Score,
    Transaction, TransactionStatus, Uid,
};
use peerage_consensus::{Config, Folder, LedgerHandle, Place, Runner, Validator};
use std::collections::{BTreeMap, HashMap};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// A number after its name on the command line.
fn option(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    arguments.next().map_or(default, |value| value.parse().expect("a number"))
}

fn key(seed: u64) -> PrivateKey {
    PrivateKey::from_seed(seed)
}

/// A free port of this machine.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn genesis(validators: u64, peers: u64) -> (Genesis, Vec<SocketAddr>) {
    let addresses: Vec<SocketAddr> = (0..validators).map(|_| free()).collect();
    let parameters = Parameters {
        interval: 1,
        tempo: 30,
        epsilon: 2.0,
        max_neurons: u32::try_from(peers.max(4_096)).unwrap(),
        seat: Amount(1),
        ..Parameters::dev()
    };
    let funds = Amount::tokens(1).unwrap();
    let genesis = Genesis {
        name: "throughput".into(),
        time: 1,
        parameters,
        accounts: (0..peers).map(|seed| (key(seed).public_key(), funds)).collect(),
        neurons: (0..peers).map(|seed| Founder { key: key(seed).public_key(), modality: 0, stake: funds }).collect(),
        validators: (0..validators)
            .zip(&addresses)
            .map(|(seed, address)| Seat {
                key: key(1 << 32 | seed).public_key(),
                founder: Uid(u32::try_from(seed).unwrap()),
                address: *address,
            })
            .collect(),
    };
    (genesis, addresses)
}

/// Starts a validator on a thread of its own, which ends with the process.
fn start(genesis: &Genesis, seed: u64, listen: SocketAddr, folder: std::path::PathBuf) -> LedgerHandle {
    let (sender, receiver) = mpsc::channel();
    let genesis = genesis.clone();
    thread::spawn(move || {
        let folder = Folder::open(folder).unwrap();
        let place = Place { key: key(1 << 32 | seed), listen: Some(listen), address: None, peers: Vec::new() };
        folder.clone().runner().start(async |context| {
            let ledger = Validator::start(context, Config::new(folder, genesis), place).await.unwrap();
            sender.send(ledger).unwrap();
            futures::future::pending::<()>().await;
        });
    });
    receiver.recv().unwrap()
}

/// A row of so many equal entries, the own one among them.
fn row(uid: u64, peers: u64, entries: u64) -> Row {
    let entries = entries.min(peers);
    let each = 65_535 / entries;
    let mut all: Vec<(Uid, Score)> = (0..entries)
        .map(|step| {
            (Uid(u32::try_from((uid + step * (peers / entries)) % peers).unwrap()), Score(u16::try_from(each).unwrap()))
        })
        .collect();
    all.sort();
    all[0].1 = Score(u16::try_from(65_535 - each * (entries - 1)).unwrap());
    Row::new(all).unwrap()
}

fn main() {
    let [validators, rate, seconds, peers, entries] =
        [("--validators", 4), ("--rate", 2_000), ("--seconds", 30), ("--peers", 4_096), ("--entries", 64)]
            .map(|(name, default)| option(name, default));
    let place = tempfile::tempdir().unwrap();
    let (genesis, addresses) = genesis(validators, peers);
    let chain = genesis.chain();
    let ledgers: Vec<LedgerHandle> = (0..validators)
        .zip(addresses)
        .map(|(seed, address)| start(&genesis, seed, address, place.path().join(seed.to_string())))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut heads = ledgers[0].heads();
        heads.wait_for(|head| head.as_ref().is_some_and(|head| head.header.height >= Height(3))).await.unwrap();

        let watcher = ledgers[0].clone();
        let arrivals: Arc<Mutex<BTreeMap<Height, Instant>>> = Arc::default();
        let (noted, mut each) = (Arc::clone(&arrivals), ledgers[0].heads());
        tokio::spawn(async move {
            while each.changed().await.is_ok() {
                let height = each.borrow_and_update().as_ref().map(|head| head.header.height);
                noted.lock().unwrap().extend(height.map(|height| (height, Instant::now())));
            }
        });
        let rows: Vec<Row> = (0..peers).map(|uid| row(uid, peers, entries)).collect();
        let mut sent: HashMap<Digest, Instant> = HashMap::new();
        let (mut accepted, mut refused) = (0u64, HashMap::<String, u64>::new());
        let began = Instant::now();
        let begun_at = heads.borrow().as_ref().unwrap().header.height;
        let mut number = 0u64;
        while began.elapsed() < Duration::from_secs(seconds) {
            let due = u64::try_from(began.elapsed().as_millis()).unwrap() * rate / 1_000;
            let height = heads.borrow().as_ref().unwrap().header.height;
            while number < due {
                let (uid, nonce) = (number % peers, number / peers);
                let action = Action::SetWeights {
                    uid: Uid(u32::try_from(uid).unwrap()),
                    row: rows[usize::try_from(uid).unwrap()].clone(),
                    seen: height,
                };
                let transaction = Transaction::sign(&key(uid), chain, Nonce(nonce), height.after(50), action);
                let to = &ledgers[usize::try_from(number % validators).unwrap()];
                match to.submit(transaction) {
                    Ok(digest) => {
                        accepted += 1;
                        sent.insert(digest, Instant::now());
                    }
                    Err(refusal) => *refused.entry(refusal.to_string().chars().take(40).collect()).or_default() += 1,
                }
                number += 1;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // What was sent last becomes final too.
        let sending = began.elapsed();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let arrivals = arrivals.lock().unwrap().clone();
        let mut latencies: Vec<f64> = Vec::new();
        for (digest, sent) in &sent {
            if let Reply::Status(TransactionStatus::Included { height }) =
                watcher.query(Query::Status { digest: *digest }).await
                && let Some((_, arrival)) = arrivals.range(height..).next()
            {
                latencies.push(arrival.duration_since(*sent).as_secs_f64() * 1_000.0);
            }
        }
        latencies.sort_by(f64::total_cmp);
        let at = |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
        let (first, last) = (arrivals.range(begun_at..).next().unwrap(), arrivals.last_key_value().unwrap());
        let block_ms = last.1.duration_since(*first.1).as_secs_f64() * 1_000.0 / last.0.since(*first.0).max(1) as f64;
        println!(
            "{{\"validators\":{validators},\"peers\":{peers},\"entries\":{entries},\"rate\":{rate},\"sent\":{number},\
             \"accepted\":{accepted},\"final\":{},\"per_second\":{:.0},\"block_ms\":{block_ms:.0},\"median_ms\":{:.0},\
             \"p95_ms\":{:.0},\"refused\":{}}}",
            latencies.len(),
            latencies.len() as f64 / sending.as_secs_f64(),
            at(0.5),
            at(0.95),
            number - accepted,
        );
        for (reason, times) in refused {
            eprintln!("refused {times} times: {reason}");
        }
    });
    std::process::exit(0);
}

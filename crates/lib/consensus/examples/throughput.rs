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

mod support;

use ledger::{Digest, Height, Parameters, Query, Reply, TransactionStatus};
use peerage_consensus::{Config, LedgerHandle};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{Updates, genesis, option, place, start};

fn main() {
    let [validators, rate, seconds, peers, entries] =
        [("--validators", 4), ("--rate", 2_000), ("--seconds", 30), ("--peers", 4_096), ("--entries", 64)]
            .map(|(name, default)| option(name, default));
    let folders = tempfile::tempdir().unwrap();
    let genesis = genesis(validators, peers, &Parameters { tempo: 30, ..Parameters::dev() });
    let start = |(seed, path): (u64, PathBuf)| {
        let (genesis, listen) = (genesis.clone(), genesis.validators[usize::try_from(seed).unwrap()].address);
        start(path, move |folder| Config::new(folder, genesis), Some(place(seed, Some(listen))))
    };
    let paths = (0..validators).map(|seed| (seed, folders.path().join(seed.to_string())));
    let ledgers: Vec<LedgerHandle> = paths.map(start).collect();
    let mut updates = Updates::new(&genesis, entries);
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
        let mut sent: HashMap<Digest, Instant> = HashMap::new();
        let (mut accepted, mut refused) = (0u64, HashMap::<String, u64>::new());
        let began = Instant::now();
        let begun_at = heads.borrow().as_ref().unwrap().header.height;
        while began.elapsed() < Duration::from_secs(seconds) {
            let due = u64::try_from(began.elapsed().as_millis()).unwrap() * rate / 1_000;
            let height = heads.borrow().as_ref().unwrap().header.height;
            while updates.number() < due {
                let to = &ledgers[usize::try_from(updates.number() % validators).unwrap()];
                let transaction = updates.next(height);
                match to.submit(transaction) {
                    Ok(digest) => {
                        accepted += 1;
                        sent.insert(digest, Instant::now());
                    }
                    Err(refusal) => *refused.entry(refusal.to_string().chars().take(40).collect()).or_default() += 1,
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let number = updates.number();
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
        let at = |share: f64| {
            let latency = latencies.get((latencies.len() as f64 * share) as usize);
            latency.map_or_else(|| "null".into(), |latency| format!("{latency:.0}"))
        };
        let (first, last) = (arrivals.range(begun_at..).next().unwrap(), arrivals.last_key_value().unwrap());
        let block_ms = last.1.duration_since(*first.1).as_secs_f64() * 1_000.0 / last.0.since(*first.0).max(1) as f64;
        println!(
            "{{\"validators\":{validators},\"peers\":{peers},\"entries\":{entries},\"rate\":{rate},\"sent\":{number},\
             \"accepted\":{accepted},\"final\":{},\"per_second\":{:.0},\"block_ms\":{block_ms:.0},\"median_ms\":{},\
             \"p95_ms\":{},\"refused\":{}}}",
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

//! How fast a node comes to know what others did before it: `cargo run --release -p peerage-consensus --example catchup --
//! [--blocks 2000] [--updates 8] [--tempo 100] [--peers 1024] [--entries 64] [--delay 0]`.
//!
//! A validator makes so many blocks, each with some updates of rows, as fast as the rules allow, and stops. Then one follower
//! replays all of them, and another begins at the end of the last epoch. Both ask the same node of this process, which no
//! longer makes blocks; `--delay` lets every question take so many ms, as over a network. Prints one JSON object.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    dead_code,
    reason = "a program for figures"
)]

mod support;

use commonware_codec::EncodeSize;
use futures::FutureExt;
use futures::future::BoxFuture;
use ledger::{Genesis, Height, Parameters, Query, Reply};
use peerage_consensus::{Config, Folder, LedgerHandle, Place, Runner, Source, Validator};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use support::{Updates, genesis, key, option, place, start};

/// Longest that a follower may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// A node of this process, asked as one of another machine would be.
struct Counted {
    ledger: LedgerHandle,
    delay: Duration,
    /// Whether it says that no epoch is over, so that whoever asks begins from genesis.
    forgets: bool,
    questions: AtomicU64,
    bytes: AtomicU64,
}

impl Source for Counted {
    fn ask(&self, query: Query) -> BoxFuture<'_, Option<Reply>> {
        async move {
            self.questions.fetch_add(1, Relaxed);
            tokio::time::sleep(self.delay).await;
            let reply = match query {
                Query::Epochs { .. } if self.forgets => Reply::Epochs { links: Vec::new() },
                query => self.ledger.query(query).await,
            };
            self.bytes.fetch_add(reply.encode_size() as u64, Relaxed);
            Some(reply)
        }
        .boxed()
    }
}

/// Makes `blocks` blocks, each with about `updates` transactions; gives the number of all.
fn make(path: PathBuf, genesis: &Genesis, blocks: u64, updates: u64, entries: u64) -> u64 {
    let folder = Folder::open(path).unwrap();
    folder.clone().runner().start(async |context| {
        let ledger = Validator::start(context, Config::new(folder, genesis.clone()), place(0, None)).await.unwrap();
        let (mut heads, mut all) = (ledger.heads(), Updates::new(genesis, entries));
        let mut height = Height(0);
        while height.get() < blocks {
            heads.changed().await.unwrap();
            let newest = heads.borrow_and_update().as_ref().unwrap().header.height;
            for _ in 0..updates * newest.since(height) {
                ledger.submit(all.next(newest)).unwrap();
            }
            height = newest;
        }
        all.number()
    })
}

/// The rules of a chain whose blocks follow each other as fast as they can.
fn parameters(tempo: u64) -> Parameters {
    let dev = Parameters::dev();
    let block_time = 10;
    let unbonding = dev.trust_period / block_time + 1;
    Parameters { block_time, tempo, unbonding, vigil: dev.vigil.max(tempo), ..dev }
}

/// The most memory that this process took, MiB; 0 where the system does not say.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kibibytes.unwrap_or_default() / 1_024.0
}

fn main() {
    let [blocks, updates, tempo, peers, entries, delay] = [
        ("--blocks", 2_000),
        ("--updates", 8),
        ("--tempo", 100),
        ("--peers", 1_024),
        ("--entries", 64),
        ("--delay", 0),
    ]
    .map(|(name, default)| option(name, default));
    let folders = tempfile::tempdir().unwrap();
    let folder = |name: &str| folders.path().join(name);
    let genesis = genesis(1, peers, &parameters(tempo));
    let began = Instant::now();
    let number = make(folder("made"), &genesis, blocks, updates, entries);
    let making = began.elapsed().as_secs_f64();
    // The same folder under a key that nobody elected: it serves, and makes no blocks.
    let served = genesis.clone();
    let stranger = Place { key: key(2 << 32), ..place(0, None) };
    let server = start(folder("made"), move |folder| Config::new(folder, served), Some(stranger));
    let height = server.head().unwrap().header.height;
    let mut out = format!(
        "{{\"blocks\":{height},\"updates\":{number},\"tempo\":{tempo},\"peers\":{peers},\"entries\":{entries},\
         \"delay_ms\":{delay},\"made_per_second\":{:.0},\"made_peak_mib\":{:.0}",
        height.get() as f64 / making,
        peak()
    );
    for (name, forgets) in [("replay", true), ("snapshot", false)] {
        let source = Arc::new(Counted {
            ledger: server.clone(),
            delay: Duration::from_millis(delay),
            forgets,
            questions: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        });
        let (genesis, asked) = (genesis.clone(), Arc::clone(&source));
        let began = Instant::now();
        let config = move |folder| Config { source: Some(asked), ..Config::new(folder, genesis) };
        let follower = start(folder(name), config, None);
        let first = follower.state().map_or(Height(0), |state| state.height());
        while follower.state().is_none_or(|state| state.height() < height) {
            assert!(began.elapsed() < PATIENCE, "the follower that begins from a {name} stands still");
            thread::sleep(Duration::from_millis(1));
        }
        let seconds = began.elapsed().as_secs_f64();
        write!(
            out,
            ",\"{name}\":{{\"blocks\":{},\"seconds\":{seconds:.3},\"questions\":{},\"bytes\":{},\"peak_mib\":{:.0}}}",
            height.since(first),
            source.questions.load(Relaxed),
            source.bytes.load(Relaxed),
            peak()
        )
        .unwrap();
    }
    println!("{out}}}");
    std::process::exit(0);
}

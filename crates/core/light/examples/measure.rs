//! What a light client costs, natively and in a tab: the same bytes before the same code.
//!
//! Natively, `measure FOLDER` writes into the folder what a source would send (once: some 40 MB); `measure FOLDER SUBJECT ROUNDS`
//! times a subject on it and prints a line of JSON. In a tab the module exports [`time`], which does the same with the bytes of
//! the file, and [`Cold`], a light client that begins at genesis and is to reach the head of a chain of 1,000 epochs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a measurement takes the time, and stops where it cannot go on"
)]

extern crate peerage_light as light;

#[path = "../tests/chain/mod.rs"]
mod chain;
#[path = "measure/market.rs"]
mod market;
#[path = "measure/parts.rs"]
mod parts;
#[path = "../tests/year/mod.rs"]
mod year;

use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _};
use ledger::query::{Link, MAX_HEADERS, MAX_LINKS};
use ledger::{Genesis, Header, Height, Query, Reply, Table};
use light::{Accepted, Checkpoint, Client, Follower, Options, Seen, Source, Step, audit, tables};
use parts::{join, split};
use std::path::Path;
use wasm_bindgen::prelude::wasm_bindgen;
use web_time::Instant;
use year::Year;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [folder] => write(Path::new(folder)),
        [folder, subject, rounds] => {
            let bytes = std::fs::read(Path::new(folder).join(subject)).unwrap();
            println!("{}", time(subject, &bytes, rounds.parse().unwrap()));
        }
        _ => {}
    }
}

/// Writes what is measured on: a file a subject, and one a reply to a cold client.
fn write(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let file = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let year = Year::new();
    let genesis = year.genesis().encode();
    let links: Vec<Link> = (0..EPOCHS).map(|epoch| year.link(epoch)).collect();
    let replies: Vec<Bytes> =
        links.chunks(MAX_LINKS).map(|links| Reply::Epochs { links: links.to_vec() }.encode()).collect();
    file("links", &join([genesis.clone()].into_iter().chain(replies)));
    file("headers", &join([genesis.clone(), headers(&year)]));
    file("cold-genesis", &genesis);
    for first in 0..links.len() {
        // Whoever asks from an epoch on gets what is left, as much as one reply holds.
        if first % MAX_LINKS == 0 {
            let links = links.iter().skip(first).take(MAX_LINKS).cloned().collect();
            file(&format!("cold-links-{}", first + 1), &Reply::Epochs { links }.encode());
        }
    }
    let (header, finalization) = year.head(EPOCHS, &links[links.len() - 1]);
    file("cold-head", &Reply::Head { header, finalization }.encode());
    for peers in PEERS {
        file(&format!("audit-{peers}"), &market::epoch(peers));
    }
    std::fs::copy(folder.join("audit-4096"), folder.join("proofs-4096")).unwrap();
}

/// As many headers as one reply holds, of the first epoch, encoded with the certificate of the last.
fn headers(year: &Year) -> Bytes {
    let genesis = year.genesis().header().unwrap();
    let mut headers: Vec<Header> = Vec::new();
    for height in 1..=MAX_HEADERS as u64 {
        let parent = headers.last().unwrap_or(&genesis);
        let (parent, time) = (parent.digest(), genesis.time + height);
        headers.push(Header { height: Height(height), parent, time, ..genesis.clone() });
    }
    let finalization = year.certify(0, &headers[headers.len() - 1]);
    Reply::Headers { headers, finalization }.encode()
}

/// Milliseconds of each of `rounds` rounds on these bytes, after one that is not counted, and what one round is of.
#[wasm_bindgen]
#[must_use]
pub fn time(subject: &str, bytes: &[u8], rounds: usize) -> String {
    let parts = split(bytes);
    let genesis = Genesis::decode(parts[0].clone()).unwrap();
    let work: Box<dyn Fn() -> (u64, f64)> = match subject.split_once('-').map_or(subject, |(name, _)| name) {
        "links" => Box::new(|| follow(&genesis, &parts[1..])),
        "headers" => Box::new(|| chained(&genesis, &parts[1])),
        "proofs" => {
            let proofs = Proofs::new(&genesis, &parts);
            Box::new(move || proofs.check())
        }
        "audit" => Box::new(|| recompute(&genesis, &parts)),
        other => panic!("{other} is not measured"),
    };
    let (count, _) = work();
    let times: Vec<f64> = (0..rounds).map(|_| work().1).collect();
    format!(r#"{{"subject":"{subject}","count":{count},"ms":{times:?}}}"#)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let since = Instant::now();
    let done = work();
    (done, since.elapsed().as_secs_f64() * 1e3)
}

fn begin(genesis: &Genesis) -> Checkpoint {
    let header = genesis.header().unwrap();
    let (height, digest, time) = (header.height, header.digest(), header.time);
    Checkpoint { height, digest, time, validators: genesis.validator_keys() }
}

/// Epochs, decoding and every signature included.
fn follow(genesis: &Genesis, replies: &[Bytes]) -> (u64, f64) {
    let mut client = Client::new(genesis, begin(genesis), genesis.time).unwrap();
    let ((), ms) = timed(|| {
        for reply in replies {
            let Reply::Epochs { links } = Reply::decode(reply.clone()).unwrap() else { panic!("no links") };
            client.accept_links(&links, genesis.time).unwrap();
        }
    });
    (client.epoch(), ms)
}

/// Headers that lead to a certified one, decoding included.
fn chained(genesis: &Genesis, reply: &Bytes) -> (u64, f64) {
    let mut client = Client::new(genesis, begin(genesis), genesis.time).unwrap();
    let (count, ms) = timed(|| {
        let Reply::Headers { headers, finalization } = Reply::decode(reply.clone()).unwrap() else { panic!("none") };
        client.accept_chain(&headers, &finalization, genesis.time).unwrap();
        headers.len()
    });
    (count as u64, ms)
}

/// The end of an epoch computed again, from decoded replies on.
fn recompute(genesis: &Genesis, parts: &[Bytes]) -> (u64, f64) {
    let epoch = market::read(parts);
    let (found, ms) = timed(|| {
        let (before, end, body) = epoch.grown();
        let found = audit::recompute(genesis, before, &end, &body).unwrap();
        assert!(audit::compare(&end, &found.after).unwrap().is_none(), "it is sound");
        found
    });
    (found.after.neurons().len() as u64, ms)
}

/// Leaves of all peers with their proofs, as replies.
struct Proofs {
    head: light::Verified,
    replies: Vec<Bytes>,
}

impl Proofs {
    fn new(genesis: &Genesis, parts: &[Bytes]) -> Self {
        let (before, end, body) = market::read(parts).grown();
        let header = before.header.clone();
        let finalization = market::certify(genesis, &header);
        let mut client = Client::new(genesis, begin(genesis), header.time).unwrap();
        let now = header.time;
        let Ok(Accepted::New(head)) = client.accept(header, &finalization, now) else { panic!("not certified") };
        let state = audit::recompute(genesis, before, &end, &body).unwrap().before;
        let peers = state.neurons().len() as u32;
        let reply = |index| {
            let proven = state.prove(Table::Neurons, index).unwrap();
            Reply::Leaf { index, leaf: proven.leaf, proof: proven.proof }.encode()
        };
        Self { head, replies: (0..peers).map(reply).collect() }
    }

    fn check(&self) -> (u64, f64) {
        let ((), ms) = timed(|| {
            for (asked, reply) in (0u32..).zip(&self.replies) {
                let Reply::Leaf { index, leaf, proof } = Reply::decode(reply.clone()).unwrap() else { panic!("none") };
                tables::leaf(self.head.header(), Table::Neurons, asked, index, &leaf, &proof).unwrap();
            }
        });
        (self.replies.len() as u64, ms)
    }
}

/// A light client that begins at genesis, a thousand epochs before the head.
#[wasm_bindgen]
pub struct Cold {
    follower: Follower,
    now: u64,
}

#[wasm_bindgen]
impl Cold {
    /// From the bytes of a genesis.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(genesis: &[u8]) -> Self {
        let genesis = Genesis::decode(genesis.to_vec()).unwrap();
        let now = Year::new().time(EPOCHS) + 2_000;
        let mut follower = Follower::new(genesis.clone(), begin(&genesis), Options { whole: 0 }, now).unwrap();
        follower.add_source(Source::new("here"));
        Self { follower, now }
    }

    /// What is asked next: a number, and the name of the file that answers it; nothing while answers are waited for. Where it
    /// would wait for time to pass, time passes.
    pub fn ask(&mut self) -> Option<String> {
        for _ in 0..2 {
            while let Some(step) = self.follower.poll(self.now) {
                let Step::Query { id, query, .. } = step else { continue };
                return match query {
                    Query::Head => Some(format!("{id} cold-head")),
                    Query::Epochs { from, .. } => Some(format!("{id} cold-links-{from}")),
                    other => panic!("{other:?}"),
                };
            }
            self.now = self.follower.deadline()?;
        }
        None
    }

    /// Takes the answer; whether the head is verified.
    pub fn answer(&mut self, id: u32, bytes: &[u8]) -> bool {
        self.follower.handle_reply(id, Reply::decode(bytes.to_vec()).unwrap(), self.now);
        let mut there = false;
        while let Some(seen) = self.follower.next_event() {
            match seen {
                Seen::Head { head, .. } => there |= head.height().get() > EPOCHS * self.follower.parameters().tempo,
                Seen::Alarm(alarm) => panic!("{alarm}"),
                _ => {}
            }
        }
        there
    }
}

/// Epochs of a chain that a cold client follows.
const EPOCHS: u64 = 1_000;

/// Peers of the epochs that are computed again.
const PEERS: [u32; 3] = [256, 4_096, 16_384];

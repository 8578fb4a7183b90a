//! A participant against an in-memory chain in virtual time, with a carrier between the two that may lose, delay and lie.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "shared by several test binaries"
)]

use crate::chain::Chain;
use bytes::Bytes;
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::{Height, Query, Reply, Transaction};
use light::{Alarm, Deed, Event, Options, Own, Participant, Shelf, Source, Step, TransactionState};
use std::collections::BTreeMap;

/// What becomes of a reply.
pub enum Fate {
    /// It arrives.
    Comes(Reply),
    /// It never does.
    Lost,
    /// The carrier says that it failed.
    Failed,
    /// It arrives after this many ms.
    Late(Reply, u64),
}

/// Carries the answer of a source, or does something else.
pub type Carrier = Box<dyn FnMut(&Source, &Query, Reply) -> Fate>;

/// One participant, one chain, one carrier, one clock.
pub struct World {
    pub chain: Chain,
    pub me: Participant,
    pub now: u64,
    pub next_block: Option<u64>,
    pub carry: Carrier,
    /// Whether nothing is carried.
    pub cut: bool,
    /// What is kept on each shelf.
    pub shelves: BTreeMap<Shelf, Bytes>,
    pub late: Vec<(u64, u32, Reply)>,
    pub events: Vec<Event>,
    pub queries: Vec<Query>,
    /// What it gave to its neighbours.
    pub published: Vec<Transaction>,
    pub most_open: usize,
    pub open: Vec<(u32, u64)>,
    pub searched: u64,
}

pub const KEY: u64 = 42;

/// Two sources; where one lies, the other does not.
pub const LIAR: &str = "liar";
pub const HONEST: &str = "node";

pub fn honest() -> Carrier {
    Box::new(|_, _, reply| Fate::Comes(reply))
}

impl World {
    pub fn new(carry: Carrier) -> Self {
        Self::of(Chain::new(4), KEY, carry)
    }

    pub fn of(chain: Chain, key: u64, carry: Carrier) -> Self {
        let now = chain.time();
        // Where nodes let clients begin: the newest end of an epoch.
        let end = chain.height() / chain.tempo() * chain.tempo();
        let checkpoint = chain.checkpoint_at(end as usize);
        let mut me = Participant::new(chain.genesis.clone(), checkpoint, PrivateKey::from_seed(key), now).unwrap();
        if chain.pretends() {
            me.options(Options { whole: 0 });
        }
        [LIAR, HONEST].map(Source::new).into_iter().for_each(|source| me.add_source(source));
        let next_block = Some(now + chain.genesis.parameters.block_time);
        Self {
            chain,
            me,
            now,
            next_block,
            carry,
            cut: false,
            shelves: BTreeMap::new(),
            late: Vec::new(),
            events: Vec::new(),
            queries: Vec::new(),
            published: Vec::new(),
            most_open: 0,
            open: Vec::new(),
            searched: 0,
        }
    }

    /// Does everything that is due at this moment.
    pub fn settle(&mut self) {
        while let Some(step) = self.me.poll(self.now) {
            match step {
                Step::Search { puzzle, start, count } => {
                    self.searched += count;
                    self.me.handle_search(puzzle.search(start, count), count, self.now);
                }
                Step::Publish { transaction } => self.published.push(transaction),
                Step::Keep { shelf, bytes, append } => {
                    let kept = self.shelves.entry(shelf).or_default();
                    *kept = if append { [&kept[..], &bytes[..]].concat().into() } else { bytes };
                }
                Step::Sign { .. } => unreachable!("there is no cold key"),
                Step::Query { id, query, .. } if self.cut => {
                    self.queries.push(query);
                    self.me.handle_failed(id, self.now);
                }
                Step::Query { id, source, query } => {
                    // What got no reply in five seconds is given up.
                    self.open.retain(|(_, sent)| self.now < sent + 5_000);
                    self.open.push((id, self.now));
                    self.most_open = self.most_open.max(self.open.len());
                    let reply = self.chain.reply(&query);
                    match (self.carry)(&source, &query, reply) {
                        Fate::Comes(reply) => self.deliver(id, reply),
                        Fate::Failed => {
                            self.open.retain(|(open, _)| *open != id);
                            self.me.handle_failed(id, self.now);
                        }
                        Fate::Lost => {}
                        Fate::Late(reply, after) => self.late.push((self.now + after, id, reply)),
                    }
                    self.queries.push(query);
                }
            }
        }
        while let Some(event) = self.me.next_event() {
            self.events.push(event);
        }
    }

    pub fn deliver(&mut self, id: u32, reply: Reply) {
        self.open.retain(|(open, _)| *open != id);
        self.me.handle_reply(id, reply, self.now);
    }

    /// Runs until `done`, at most `blocks` more blocks' time.
    pub fn run(&mut self, blocks: u64, done: impl Fn(&Self) -> bool) {
        let end = self.now + blocks * self.chain.genesis.parameters.block_time;
        loop {
            self.settle();
            if done(self) {
                return;
            }
            let late = self.late.iter().map(|(at, _, _)| *at).min();
            let next = [self.next_block, self.me.deadline(), late].into_iter().flatten().min().unwrap_or(end);
            assert!(next > self.now || late == Some(self.now), "time stands still at {next}");
            self.now = next;
            assert!(self.now <= end, "not done after {blocks} blocks; {:#?}", self.events);
            if self.next_block == Some(self.now) {
                self.chain.step();
                self.next_block = Some(self.now + self.chain.genesis.parameters.block_time);
            }
            let due: Vec<_> = self.late.extract_if(.., |(at, _, _)| *at <= self.now).collect();
            for (_, id, reply) in due {
                self.deliver(id, reply);
            }
        }
    }

    pub fn join(&mut self) {
        self.me.join();
        self.score(&[(2, 3.0), (3, 1.0), (KEY, 1.0)]);
    }

    pub fn score(&mut self, scores: &[(u64, f64)]) {
        self.me
            .scores(scores.iter().map(|(seed, score)| (PrivateKey::from_seed(*seed).public_key(), *score)).collect());
    }

    pub fn included(&self, action: Deed) -> Vec<Height> {
        let at = |event: &Event| match event {
            Event::Transaction { action: deed, state: TransactionState::Included(height), .. } if *deed == action => {
                Some(*height)
            }
            _ => None,
        };
        self.events.iter().filter_map(at).collect()
    }

    pub fn refusals(&self) -> Vec<&str> {
        let why = |event| match event {
            &Event::Transaction { state: TransactionState::Refused(ref reason), .. } => Some(reason.as_str()),
            _ => None,
        };
        self.events.iter().filter_map(why).collect()
    }

    pub fn alarms(&self) -> Vec<&Alarm> {
        self.events
            .iter()
            .filter_map(|event| if let Event::Alarm(alarm) = event { Some(alarm) } else { None })
            .collect()
    }

    pub fn own(&self) -> Option<&Own> {
        self.events.iter().rev().find_map(|event| if let Event::Own(own) = event { Some(&**own) } else { None })
    }

    /// How often the key registered on the ledger.
    pub fn registrations(&self) -> usize {
        let key = self.me.key();
        self.chain.state().neurons().iter().filter(|neuron| neuron.hot == *key).count()
    }
}

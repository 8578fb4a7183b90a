//! A follower against an in-memory chain in virtual time, with sources that may lie, withhold and stall, and a store.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "shared by several test binaries"
)]

use crate::chain::{Chain, genesis};
use bytes::Bytes;
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::{
    Action, Amount, Founder, Genesis, Height, Kind, Nonce, Parameters, Query, Reply, Row, Score, Transaction, Uid,
};
use light::audit::{Audit, Outcome};
use light::{Alarm, Follower, Options, Seen, Shelf, Source, Step};
use std::collections::BTreeMap;

/// What a source makes of an honest reply; `None`: it says nothing.
pub type Voice = Box<dyn FnMut(&Query, Reply) -> Option<Reply>>;

/// A follower, a chain, sources and a store.
pub struct World {
    pub chain: Chain,
    pub follower: Follower,
    pub now: u64,
    pub voices: BTreeMap<&'static str, Voice>,
    pub shelves: BTreeMap<Shelf, Bytes>,
    pub seen: Vec<Seen>,
    pub asked: Vec<(String, Query)>,
    /// Queries that had been put when somebody was first named for lying.
    pub named_at: Option<usize>,
}

pub fn honest() -> Voice {
    Box::new(|_, reply| Some(reply))
}

pub fn silent() -> Voice {
    Box::new(|_, _| None)
}

impl World {
    pub fn new(chain: Chain, voices: Vec<(&'static str, Voice)>) -> Self {
        Self::kept(chain, voices, BTreeMap::new())
    }

    /// One that has these shelves from the last visit.
    pub fn kept(chain: Chain, voices: Vec<(&'static str, Voice)>, shelves: BTreeMap<Shelf, Bytes>) -> Self {
        let now = chain.time();
        let end = chain.height() / chain.tempo() * chain.tempo();
        let checkpoint = chain.checkpoint_at(end as usize);
        let mut follower = Follower::new(chain.genesis.clone(), checkpoint, Options::default(), now).unwrap();
        for shelf in Shelf::ALL {
            follower.restore(shelf, shelves.get(&shelf).map_or(&[][..], |bytes| bytes), now);
        }
        voices.iter().for_each(|(name, _)| follower.add_source(Source::new(name)));
        let voices = voices.into_iter().collect();
        Self { chain, follower, now, voices, shelves, seen: Vec::new(), asked: Vec::new(), named_at: None }
    }

    pub fn settle(&mut self) {
        while let Some(step) = self.follower.poll(self.now) {
            match step {
                Step::Query { id, source, query } => {
                    self.asked.push((source.to_string(), query.clone()));
                    let reply = self.chain.reply(&query);
                    let voice = self.voices.iter_mut().find(|(name, _)| **name == source.name()).unwrap().1;
                    if let Some(reply) = voice(&query, reply) {
                        self.follower.handle_reply(id, reply, self.now);
                        self.hear();
                    }
                }
                Step::Keep { shelf, bytes, append } => {
                    let kept = self.shelves.entry(shelf).or_default();
                    *kept = if append { [&kept[..], &bytes[..]].concat().into() } else { bytes };
                }
                other => panic!("{other:?}"),
            }
        }
        self.hear();
    }

    pub fn hear(&mut self) {
        while let Some(seen) = self.follower.next_event() {
            if matches!(seen, Seen::Alarm(Alarm::Lied { .. })) {
                self.named_at.get_or_insert(self.asked.len());
            }
            self.seen.push(seen);
        }
    }

    /// So many blocks more, and all that is to be done meanwhile.
    pub fn run(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.chain.step();
            let next = self.chain.time();
            loop {
                self.settle();
                let Some(due) = self.follower.deadline().filter(|due| *due < next) else { break };
                self.now = due.max(self.now + 1);
            }
            self.now = next;
        }
        self.settle();
    }

    pub fn audits(&self) -> Vec<&Audit> {
        self.seen.iter().filter_map(|seen| if let Seen::Audit(audit) = seen { Some(&**audit) } else { None }).collect()
    }

    pub fn sound(&self) -> usize {
        self.audits().iter().filter(|audit| matches!(audit.outcome, Outcome::Sound { .. })).count()
    }

    pub fn alarms(&self) -> Vec<&Alarm> {
        self.seen.iter().filter_map(|seen| if let Seen::Alarm(alarm) = seen { Some(alarm) } else { None }).collect()
    }

    /// Who was named for lying.
    pub fn liars(&self) -> Vec<&str> {
        self.alarms()
            .into_iter()
            .filter_map(|alarm| if let Alarm::Lied { who, .. } = alarm { Some(who.name()) } else { None })
            .collect()
    }
}

/// Four founders of different stake, by a mechanism, in epochs of eight blocks.
pub fn market(kind: Kind) -> Genesis {
    let mut genesis = genesis(4);
    let founder = |seed, tokens| Founder {
        key: PrivateKey::from_seed(seed).public_key(),
        modality: 0,
        stake: Amount::tokens(tokens).unwrap(),
    };
    genesis.neurons.extend([founder(4, 70), founder(5, 20)]);
    genesis.parameters = kind.fit(&Parameters { tempo: 8, interval: 2, ..genesis.parameters });
    genesis
}

/// Rows of the founders, each of whom values the others.
pub fn rows(chain: &mut Chain, round: u64) {
    for uid in 0..4u32 {
        let key = PrivateKey::from_seed(u64::from(uid) + 2);
        let nonce = chain.state().account(&key.public_key()).map_or(Nonce(0), |(_, account)| account.nonce);
        let share = 9_000 + 1_000 * (uid as u16 + round as u16);
        let others: Vec<u32> = (0..4).filter(|other| *other != uid).collect();
        let mut entries: Vec<(Uid, Score)> = others.iter().map(|other| (Uid(*other), Score(share))).collect();
        entries.push((Uid(uid), Score(u16::MAX - 3 * share)));
        entries.sort();
        let action = Action::SetWeights { uid: Uid(uid), row: Row::new(entries).unwrap(), seen: Height(0) };
        let expires = Height(chain.height() + 10);
        chain.pool.push(Transaction::sign(&key, chain.id(), nonce, expires, action));
    }
}

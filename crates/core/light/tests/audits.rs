//! A follower against an in-memory chain: audits of every mechanism, wrong economics that all validators signed, sources that lie, withhold and
//! stall, what is kept and served.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

extern crate peerage_light as light;

mod chain;

use bytes::Bytes;
use chain::{Chain, genesis};
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::{
    Action, Amount, Founder, Genesis, Height, Kind, Nonce, Parameters, Query, Reply, Row, Score, Table, Transaction,
    Uid,
};
use light::audit::{Audit, Outcome};
use light::{Alarm, Error, Follower, Leaf, Options, Seen, Shelf, Source, Step, Subject};
use std::collections::BTreeMap;

/// What a source makes of an honest reply; `None`: it says nothing.
type Voice = Box<dyn FnMut(&Query, Reply) -> Option<Reply>>;

/// A follower, a chain, sources and a store.
struct World {
    chain: Chain,
    follower: Follower,
    now: u64,
    voices: BTreeMap<&'static str, Voice>,
    shelves: BTreeMap<Shelf, Bytes>,
    seen: Vec<Seen>,
    asked: Vec<(String, Query)>,
    /// Queries that had been put when somebody was first named for lying.
    named_at: Option<usize>,
}

fn honest() -> Voice {
    Box::new(|_, reply| Some(reply))
}

fn silent() -> Voice {
    Box::new(|_, _| None)
}

impl World {
    fn new(chain: Chain, voices: Vec<(&'static str, Voice)>) -> Self {
        Self::kept(chain, voices, BTreeMap::new())
    }

    /// One that has these shelves from the last visit.
    fn kept(chain: Chain, voices: Vec<(&'static str, Voice)>, shelves: BTreeMap<Shelf, Bytes>) -> Self {
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

    fn settle(&mut self) {
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

    fn hear(&mut self) {
        while let Some(seen) = self.follower.next_event() {
            if matches!(seen, Seen::Alarm(Alarm::Lied { .. })) {
                self.named_at.get_or_insert(self.asked.len());
            }
            self.seen.push(seen);
        }
    }

    /// So many blocks more, and all that is to be done meanwhile.
    fn run(&mut self, blocks: u64) {
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

    fn audits(&self) -> Vec<&Audit> {
        self.seen.iter().filter_map(|seen| if let Seen::Audit(audit) = seen { Some(&**audit) } else { None }).collect()
    }

    fn sound(&self) -> usize {
        self.audits().iter().filter(|audit| matches!(audit.outcome, Outcome::Sound { .. })).count()
    }

    fn alarms(&self) -> Vec<&Alarm> {
        self.seen.iter().filter_map(|seen| if let Seen::Alarm(alarm) = seen { Some(alarm) } else { None }).collect()
    }

    /// Who was named for lying.
    fn liars(&self) -> Vec<&str> {
        self.alarms()
            .into_iter()
            .filter_map(|alarm| if let Alarm::Lied { who, .. } = alarm { Some(who.name()) } else { None })
            .collect()
    }
}

/// Four founders of different stake, by a mechanism, in epochs of eight blocks.
fn market(kind: Kind) -> Genesis {
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
fn rows(chain: &mut Chain, round: u64) {
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

#[test]
fn every_epoch_of_every_mechanism_is_computed_again_and_found_sound() {
    for kind in Kind::ALL {
        let mut world = World::new(Chain::of(market(kind)), vec![("node", honest())]);
        for round in 0..5 {
            rows(&mut world.chain, round);
            // Some with the last block of the epoch, which is what is computed again.
            world.run(if round % 2 == 0 { 7 } else { 9 });
        }
        world.run(3);
        // Without emission a second row in an epoch is not paid for.
        let unpaid = kind == Kind::Competitive;
        assert!(unpaid || world.chain.dropped.is_empty(), "{kind:?}: {:?}", world.chain.dropped);
        assert!(world.alarms().is_empty(), "{kind:?}: {:?}", world.alarms());
        let audits = world.audits();
        let epochs: Vec<u64> = audits.iter().map(|audit| audit.epoch).collect();
        assert_eq!(epochs, [1, 2, 3, 4, 5], "{kind:?}");
        let last =
            |audit: &&Audit| matches!(audit.outcome, Outcome::Sound { peers: 4, transactions } if transactions > 0);
        assert!(unpaid || audits.iter().any(last), "{kind:?}: {audits:?}");
        assert_eq!(world.sound(), 5, "{kind:?}: {audits:?}");
        // What it holds now is what the chain holds.
        let tables = world.follower.tables().unwrap();
        assert_eq!(tables.height(), Height(40));
        assert_eq!(tables.state().roots(), world.chain.states[40].roots());
    }
}

#[test]
fn wrong_economics_that_all_validators_signed_are_named_within_the_epoch() {
    for kind in Kind::ALL {
        let right = market(kind);
        let rules = match kind {
            Kind::Trust | Kind::Consensus => Parameters { beta: 9.0, ..right.parameters.clone() },
            Kind::Connectivity => Parameters { kappa: 2.0 * right.parameters.kappa, ..right.parameters.clone() },
            // Inflation that rises where it should not.
            Kind::Competitive => Parameters { target: 10.0, ..right.parameters.clone() },
        };
        let mut world = World::new(Chain::ruled_by(right, rules), vec![("node", honest())]);
        rows(&mut world.chain, 0);
        world.run(8);
        let Some(Audit { epoch: 1, outcome: Outcome::Wrong(difference), .. }) = world.audits().first().copied() else {
            panic!("{kind:?}: {:?}", world.seen)
        };
        assert_eq!(difference.height, Height(8));
        assert!(difference.chain != difference.own && !difference.chain.is_empty(), "{kind:?}: {difference}");
        assert_eq!((difference.table, difference.uid.is_some()), (Some(Table::Epoch), false), "{difference}");
        let named = |alarm: &&Alarm| matches!(alarm, Alarm::WrongEconomics(found) if found == difference);
        assert_eq!(world.alarms().iter().filter(|alarm| named(alarm)).count(), 1);
        assert_eq!(world.follower.refuted(), Some(difference));
        assert!(world.liars().is_empty(), "the source only passed on what was signed");
        // It goes on to look, and never forgets: not at the next visit either.
        let difference = difference.clone();
        rows(&mut world.chain, 1);
        world.run(8);
        assert!(world.audits().len() >= 2 && world.follower.refuted() == Some(&difference));
        let mut again = World::kept(world.chain, vec![("node", honest())], world.shelves);
        again.settle();
        assert_eq!(again.follower.refuted(), Some(&difference));
        assert!(again.alarms().iter().any(|alarm| matches!(alarm, Alarm::WrongEconomics(_))));
    }
}

#[test]
fn who_withholds_the_table_that_differs_does_not_hide_that_it_does() {
    let right = market(Kind::Trust);
    let rules = Parameters { beta: 9.0, ..right.parameters.clone() };
    let hides: Voice = Box::new(|query, reply| match query {
        Query::Table { height: Height(8), .. } => Some(Reply::Unavailable { reason: "not kept".into() }),
        _ => Some(reply),
    });
    let mut world = World::new(Chain::ruled_by(right, rules), vec![("node", hides)]);
    rows(&mut world.chain, 0);
    world.run(16);
    let Some(Outcome::Wrong(difference)) = world.audits().first().map(|audit| &audit.outcome) else {
        panic!("{:?}", world.seen)
    };
    assert_eq!((difference.height, difference.figure.as_str()), (Height(8), "the root"));
}

/// How a source lies, and what it is named for.
type Lie = (&'static str, fn(&Query, Reply) -> Reply, fn(&Error) -> bool);

#[test]
fn among_honest_sources_the_lying_one_is_named_and_dropped() {
    let lies: [Lie; 7] = [
        (
            "a table of another block",
            |query, reply| match (query, reply) {
                (Query::Table { .. }, Reply::Table { total, from, mut leaves }) if !leaves.is_empty() => {
                    leaves[0] = spoilt(&leaves[0]);
                    Reply::Table { total, from, leaves }
                }
                (_, reply) => reply,
            },
            |error| matches!(error, Error::WrongRoot { .. }),
        ),
        (
            "a piece from elsewhere",
            |_, reply| match reply {
                Reply::Table { total, from, leaves } => Reply::Table { total, from: from + 1, leaves },
                reply => reply,
            },
            |error| matches!(error, Error::BadPiece { .. }),
        ),
        (
            "other transactions",
            |_, reply| match reply {
                Reply::Body { mut body } => {
                    if body.transactions.pop().is_none() {
                        body.transactions.push(stranger());
                    }
                    Reply::Body { body }
                }
                reply => reply,
            },
            |error| matches!(error, Error::WrongBody { .. }),
        ),
        (
            "headers that do not follow",
            |_, reply| match reply {
                Reply::Headers { mut headers, finalization } if headers.len() > 2 => {
                    headers[1].time += 1;
                    Reply::Headers { headers, finalization }
                }
                reply => reply,
            },
            |error| matches!(error, Error::BrokenLink { .. }),
        ),
        (
            "a header of another chain",
            |_, reply| match reply {
                Reply::Headers { mut headers, finalization } if headers.len() > 2 => {
                    headers.last_mut().unwrap().time += 1;
                    Reply::Headers { headers, finalization }
                }
                reply => reply,
            },
            |error| matches!(error, Error::OtherBlock { .. }),
        ),
        (
            "more peers than there are",
            |query, reply| match (query, reply) {
                (Query::Leaf { table: Table::Epoch, .. }, Reply::Leaf { index, leaf, proof }) => {
                    Reply::Leaf { index, leaf: spoilt(&leaf), proof }
                }
                (_, reply) => reply,
            },
            |error| matches!(error, Error::WrongRoot { .. }),
        ),
        ("nothing of the kind", |_, _| Reply::NoSuch, |error| *error == Error::WrongReply),
    ];
    for (name, lie, named) in lies {
        let lying: Voice = Box::new(move |query, reply| Some(lie(query, reply)));
        let voices = vec![("a", honest()), ("liar", lying), ("z", honest())];
        let mut world = World::new(Chain::of(market(Kind::Trust)), voices);
        for round in 0..4 {
            rows(&mut world.chain, round);
            world.run(8);
        }
        world.run(2);
        assert_eq!(world.liars(), ["liar"], "{name}: once, and nobody else: {:?}", world.alarms());
        let named = world.alarms().into_iter().any(|alarm| matches!(alarm, Alarm::Lied { error, .. } if named(error)));
        assert!(named, "{name}: {:?}", world.alarms());
        assert_eq!(world.sound(), 4, "{name}: {:?}", world.audits());
        let after = &world.asked[world.named_at.unwrap()..];
        assert!(!after.is_empty() && after.iter().all(|(source, _)| source != "liar"), "{name}: it is still asked");
        assert!(world.follower.sources().contains(&(Source::new("liar"), false)));
    }
}

fn spoilt(leaf: &Bytes) -> Bytes {
    let mut bytes = leaf.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    bytes.into()
}

fn stranger() -> Transaction {
    let key = PrivateKey::from_seed(77);
    let chain = genesis(1).chain();
    Transaction::sign(&key, chain, Nonce(0), Height(9), Action::Resign { key: key.public_key() })
}

#[test]
fn sources_that_stall_are_passed_over() {
    let voices = vec![("a", silent()), ("b", silent()), ("node", honest())];
    let mut world = World::new(Chain::of(market(Kind::Trust)), voices);
    for round in 0..6 {
        rows(&mut world.chain, round);
        world.run(8);
    }
    assert!(world.sound() >= 4, "{:?}", world.audits());
    assert!(world.alarms().is_empty(), "{:?}", world.alarms());
    assert_eq!(world.follower.head().map(|head| head.height()), Some(Height(48)));
    let late = &world.asked[world.asked.len() / 2..];
    let stalled = late.iter().filter(|(source, _)| source != "node").count();
    assert!(stalled * 5 < late.len(), "{stalled} of {} still go to those that stall", late.len());
}

/// A source that is so many blocks behind.
fn behind(blocks: u64) -> Voice {
    let mut heads: BTreeMap<u64, Reply> = BTreeMap::new();
    Box::new(move |query, reply| {
        let newest = heads.keys().next_back().copied().unwrap_or_default();
        Some(match (query, reply) {
            (Query::Head, Reply::Head { header, finalization }) => {
                let height = header.height.get();
                heads.insert(height, Reply::Head { header, finalization });
                match heads.range(..=height.saturating_sub(blocks)).next_back() {
                    Some((_, head)) => head.clone(),
                    None => Reply::Unavailable { reason: "no block yet".into() },
                }
            }
            (_, Reply::Headers { mut headers, finalization }) => {
                headers.retain(|header| header.height.get() + blocks <= newest);
                if headers.is_empty() {
                    Reply::Unavailable { reason: "not yet".into() }
                } else {
                    Reply::Headers { headers, finalization }
                }
            }
            (Query::Epochs { .. }, Reply::Epochs { mut links }) => {
                links.retain(|link| link.header.height.get() + blocks <= newest);
                Reply::Epochs { links }
            }
            (_, reply) => reply,
        })
    })
}

#[test]
fn who_is_a_few_blocks_behind_is_no_liar() {
    let voices = vec![("a", behind(2)), ("b", behind(3)), ("node", honest())];
    let mut world = World::new(Chain::electing(8), voices);
    for _ in 0..6 {
        world.run(8);
    }
    assert!(world.liars().is_empty(), "{:?}", world.alarms());
    assert!(world.sound() >= 4, "{:?}", world.audits());
}

#[test]
fn an_audit_that_nobody_could_help_with_is_made_when_somebody_can() {
    let none: Voice = Box::new(|query, reply| match query {
        Query::Body { .. } => Some(Reply::Unavailable { reason: "not kept".into() }),
        _ => Some(reply),
    });
    let mut world = World::new(Chain::of(market(Kind::Trust)), vec![("a", none)]);
    world.run(12);
    assert!(matches!(world.audits()[..], [Audit { outcome: Outcome::NotAudited(_), .. }]), "{:?}", world.audits());
    world.voices.insert("node", honest());
    world.follower.add_source(Source::new("node"));
    world.run(2);
    assert_eq!((world.audits().len(), world.sound()), (2, 1), "{:?}", world.audits());
}

#[test]
fn without_the_tables_an_epoch_is_said_not_to_be_audited_and_the_next_one_is() {
    let mut from = 0;
    let forgets: Voice = Box::new(move |query, reply| match query {
        Query::Table { height, .. } => {
            from = from.max(height.get());
            Some(if from < 20 { Reply::Unavailable { reason: "not kept".into() } } else { reply })
        }
        _ => Some(reply),
    });
    let mut world = World::new(Chain::of(market(Kind::Trust)), vec![("node", forgets)]);
    world.run(32);
    let outcomes: Vec<bool> =
        world.audits().iter().map(|audit| matches!(audit.outcome, Outcome::NotAudited(_))).collect();
    assert_eq!(outcomes, [true, true, false, false], "{:?}", world.audits());
    assert!(world.alarms().is_empty(), "not to have something is no lie: {:?}", world.alarms());
}

#[test]
fn a_chain_too_large_for_whole_tables_is_followed_by_proofs() {
    let mut world = World::new(Chain::of(market(Kind::Trust)), vec![("node", honest())]);
    world.follower.options(Options { whole: 3 });
    rows(&mut world.chain, 0);
    world.run(8);
    let reason = world.audits().first().and_then(|audit| match &audit.outcome {
        Outcome::NotAudited(reason) => Some(reason.clone()),
        _ => None,
    });
    assert!(reason.is_some_and(|reason| reason.contains("4 peers")), "{:?}", world.audits());
    assert!(world.asked.iter().all(|(_, query)| !matches!(query, Query::Table { .. })));
    let key = PrivateKey::from_seed(4).public_key();
    let subjects = [
        Subject::Account(key.clone()),
        Subject::Neuron(key.clone()),
        Subject::Row(Uid(2)),
        Subject::Standing(Uid(2)),
        Subject::Totals,
        Subject::Neuron(PrivateKey::from_seed(99).public_key()),
    ];
    subjects.iter().cloned().for_each(|subject| world.follower.prove(subject));
    world.run(1);
    let state = world.chain.state();
    let proven: BTreeMap<Subject, Option<Leaf>> = world
        .seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Proven { subject, leaf, .. } => Some((subject.clone(), leaf.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(proven.len(), 6, "{proven:?}");
    assert_eq!(proven[&subjects[0]], Some(Leaf::Account(state.account(&key).unwrap().1.clone())));
    assert_eq!(proven[&subjects[1]], Some(Leaf::Neuron(Uid(2), state.neurons()[2].clone())));
    assert_eq!(proven[&subjects[2]], Some(Leaf::Row(state.weights()[2].clone())));
    assert_eq!(proven[&subjects[3]], Some(Leaf::Standing(state.standings()[2].clone())));
    assert_eq!(proven[&subjects[4]], Some(Leaf::Totals(state.totals().clone())));
    assert_eq!(proven[&subjects[5]], None);
}

#[test]
fn a_transaction_is_found_in_a_block_with_its_proof_and_a_false_place_is_a_lie() {
    let misplaces: Voice = Box::new(|_, reply| {
        Some(match reply {
            Reply::Inclusion { height, index, proof } => Reply::Inclusion { height, index: index + 1, proof },
            reply => reply,
        })
    });
    let mut world = World::new(Chain::of(market(Kind::Trust)), vec![("liar", misplaces), ("node", honest())]);
    rows(&mut world.chain, 0);
    let digest = world.chain.pool[2].digest();
    world.run(3);
    for _ in 0..3 {
        world.follower.find(digest);
        world.run(1);
    }
    let found = world
        .seen
        .iter()
        .filter(|seen| matches!(seen, Seen::Included { height: Height(1), index: 2, digest: of } if *of == digest));
    assert!(found.count() >= 1, "{:?}", world.seen);
    assert!(world.liars().is_empty() || world.liars() == ["liar"]);
}

#[test]
fn a_reload_goes_on_from_what_was_kept_and_verified_again() {
    let mut world = World::new(Chain::electing(6), vec![("node", honest())]);
    world.run(40);
    let (shelves, chain) = (world.shelves.clone(), world.chain);
    // Nobody to ask: all comes from the store.
    let mut again = World::kept(chain, vec![], shelves.clone());
    again.settle();
    assert_eq!(again.follower.tables().map(|tables| tables.height()), Some(Height(36)));
    assert!(again.follower.client().height() >= Height(36));
    assert!(again.alarms().is_empty(), "{:?}", again.alarms());
    let restored = |seen: &&Seen| matches!(seen, Seen::Restored { tables: true, epochs: 6, .. });
    assert!(again.seen.iter().any(|seen| restored(&seen)), "{:?}", again.seen);
    again.follower.add_source(Source::new("node"));
    again.voices.insert("node", honest());
    again.run(8);
    assert!(again.asked.iter().all(|(_, query)| !matches!(query, Query::Table { height: Height(35), .. })));
    assert_eq!(again.sound(), 2, "{:?}", again.audits());
    assert_eq!(again.follower.head().map(|head| head.height()), Some(Height(48)));

    // Each shelf damaged, cut or empty: told, fetched again, and right the next time.
    for shelf in [Shelf::Head, Shelf::Links, Shelf::Epoch] {
        for damage in 0..3 {
            let mut spoilt = shelves.clone();
            let bytes = spoilt.get(&shelf).unwrap().to_vec();
            let changed = match damage {
                0 => [&bytes[..bytes.len() / 2], &[bytes[bytes.len() / 2] ^ 1], &bytes[bytes.len() / 2 + 1..]].concat(),
                1 => bytes[..bytes.len() - 3].to_vec(),
                _ => Vec::new(),
            };
            spoilt.insert(shelf, changed.into());
            let mut chain = Chain::electing(6);
            chain.steps(40);
            let mut world = World::kept(chain, vec![("node", honest())], spoilt);
            world.run(16);
            let damaged =
                world.alarms().iter().any(|alarm| matches!(alarm, Alarm::Damaged { shelf: of, .. } if *of == shelf));
            assert_eq!(damaged, damage < 2, "{shelf}, {damage}: {:?}", world.alarms());
            assert!(world.sound() >= 2, "{shelf}, {damage}: {:?}", world.audits());
            let (chain, shelves) = (world.chain, world.shelves);
            let mut after = World::kept(chain, vec![], shelves);
            after.settle();
            assert!(
                after.alarms().is_empty() && after.follower.tables().is_some(),
                "{shelf}, {damage}: {:?}",
                after.alarms()
            );
        }
    }
}

#[test]
fn what_was_kept_too_long_ago_is_left_alone() {
    let mut world = World::new(Chain::electing(6), vec![("node", honest())]);
    world.run(20);
    let mut chain = world.chain;
    let blocks = chain.genesis.parameters.trust_period / chain.genesis.parameters.block_time + 40;
    chain.steps(usize::try_from(blocks).unwrap());
    let mut again = World::kept(chain, vec![("node", honest())], world.shelves);
    again.run(12);
    assert!(again.alarms().is_empty(), "{:?}", again.alarms());
    assert!(again.sound() >= 1 && again.follower.head().is_some());
}

#[test]
fn a_checkpoint_that_contradicts_what_was_kept_is_told() {
    let mut world = World::new(Chain::electing(6), vec![("node", honest())]);
    world.run(20);
    let (chain, shelves) = (world.chain, world.shelves);
    let mut named = chain.checkpoint_at(18);
    named.digest = chain.checkpoint_at(12).digest;
    let now = chain.time();
    let mut follower = Follower::new(chain.genesis.clone(), named, Options::default(), now).unwrap();
    Shelf::ALL.into_iter().for_each(|shelf| follower.restore(shelf, shelves.get(&shelf).map_or(&[][..], |b| b), now));
    let mut alarms = Vec::new();
    while let Some(seen) = follower.next_event() {
        if let Seen::Alarm(alarm) = seen {
            alarms.push(alarm);
        }
    }
    assert!(matches!(alarms[..], [Alarm::Reply(Error::NotTheCheckpoint { .. })]), "{alarms:?}");
}

#[test]
fn who_has_verified_serves_others_as_a_node_does() {
    let mut world = World::new(Chain::electing(6), vec![("node", honest())]);
    world.run(31);
    let serving = world.follower;
    let chain = world.chain;
    let checkpoint = chain.checkpoint_at(30);
    let mut other = Follower::new(chain.genesis.clone(), checkpoint, Options::default(), world.now).unwrap();
    other.add_source(Source::new("tab"));
    let mut unavailable = 0;
    while let Some(step) = other.poll(world.now) {
        if let Step::Query { id, query, .. } = step {
            let reply = serving.answer(&query);
            unavailable += u32::from(matches!(reply, Reply::Unavailable { .. }));
            other.handle_reply(id, reply, world.now);
        }
    }
    assert_eq!(other.head().map(|head| head.height()), Some(Height(31)));
    assert!(matches!(other.audit().map(|audit| &audit.outcome), Some(Outcome::Sound { .. })), "{:?}", other.audit());
    assert_eq!(other.tables().unwrap().state().roots(), chain.states[30].roots());
    assert_eq!(unavailable, 0);
    let links = serving.answer(&Query::Epochs { from: 2, limit: 9 });
    assert_eq!(links, Reply::Epochs { links: chain.links(2, 5) });
    assert!(matches!(serving.answer(&Query::Body { height: Height(3) }), Reply::Unavailable { .. }));
}

#[test]
fn a_clock_that_is_wrong_by_less_than_the_trust_period_changes_nothing() {
    let mut world = World::new(Chain::electing(6), vec![("node", honest())]);
    let trust = world.chain.genesis.parameters.trust_period;
    for skew in [-3_600_000i64, 0, trust as i64 / 2] {
        let now = world.now.saturating_add_signed(skew);
        let chain = Chain::electing(6);
        let mut follower = Follower::new(chain.genesis.clone(), chain.checkpoint(), Options::default(), now).unwrap();
        follower.add_source(Source::new("node"));
        world.run(1);
        while let Some(step) = follower.poll(now) {
            if let Step::Query { id, query, .. } = step {
                let reply = world.chain.reply(&query);
                follower.handle_reply(id, reply, now);
            }
        }
        assert!(follower.head().is_some() && !follower.stopped(), "{skew}");
    }
    let chain = Chain::electing(6);
    let late = world.now + trust + 3_600_000;
    let error = Follower::new(chain.genesis.clone(), chain.checkpoint(), Options::default(), late).unwrap_err();
    assert!(matches!(error, Error::StaleCheckpoint { .. }));
}

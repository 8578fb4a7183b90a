//! Audits of every mechanism, wrong economics that all validators signed, and sources that lie, withhold and stall.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

extern crate peerage_light as light;

mod chain;
mod follows;

use bytes::Bytes;
use chain::{Chain, genesis};
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use follows::{Voice, World, honest, market, rows, silent};
use ledger::{Action, Height, Kind, Nonce, Parameters, Query, Reply, Table, Transaction, Uid};
use light::audit::{Audit, Outcome};
use light::{Alarm, Error, Leaf, Options, Seen, Source, Subject};
use std::collections::BTreeMap;

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
    let rules = Parameters { beta: 9.0, ..right.parameters };
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
    let found = world.seen.iter().find_map(|seen| match seen {
        Seen::Included { digest: of, inclusion } if *of == digest => Some(inclusion),
        _ => None,
    });
    let found = found.unwrap_or_else(|| panic!("{:?}", world.seen));
    assert_eq!((found.height, found.index), (Height(1), 2));
    let (header, finalization) = world.chain.at(1);
    assert_eq!((&found.headers[..], &found.finalization), (&[header][..], &finalization));
    assert!(world.liars().is_empty() || world.liars() == ["liar"]);
}

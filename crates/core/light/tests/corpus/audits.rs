//! Ends of epochs that are computed again from what is not what the headers say, and a follower of two sources of which one
//! spoils one reply.

use super::{Random, Refused, Verdicts, World, bytes::spoil};
use crate::chain::{self, Chain};
use ::bytes::Bytes;
use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::table::Tree;
use ledger::{
    Action, Amount, Digest, Genesis, Header, Height, Nonce, Parameters, Query, Reply, Table, Transaction, Uid,
};
use light::audit::{self, Before, Fault, Outcome};
use light::{Alarm, Error, Follower, Leaf, Options, Seen, Source, Step, Subject};

pub fn judge(_: &World, random: &mut Random, verdicts: &mut Verdicts) {
    let mut chain = steady();
    epochs(&chain, random, verdicts);
    for turn in 0..1_200 {
        let kind = KINDS[turn % KINDS.len()];
        let (deed, verdict) = follow(&mut chain, random, kind);
        verdicts.take("follower", &format!("{kind}: {deed}"), &verdict.map_err(Refused::from));
    }
}

/// A chain whose four validators stay, with transfers in its blocks.
fn steady() -> Chain {
    let genesis = chain::genesis(4);
    let parameters = Parameters { tempo: TEMPO, ..genesis.parameters };
    let mut chain = Chain::of(Genesis { parameters, ..genesis });
    let giver = PrivateKey::from_seed(1);
    for height in 1..=NEWEST {
        for turn in 0..3 {
            let to = PrivateKey::from_seed(600 + turn).public_key();
            let action = Action::Transfer { to, amount: Amount(ledger::types::TOKEN) };
            let nonce = Nonce(3 * (height - 1) + turn);
            chain.pool.push(Transaction::sign(&giver, chain.id(), nonce, Height(height + 20), action));
        }
        chain.step();
    }
    assert!(chain.dropped.is_empty(), "{:?}", chain.dropped);
    chain
}

/// Leaves of every table.
type Tables = Vec<(Table, Vec<Bytes>)>;

/// What an audit of the epoch that ended with this block takes, but for the trees over the tables.
fn before(chain: &Chain, end: u64) -> (Before, Tables) {
    let digests = |range: std::ops::Range<u64>| range.map(|height| chain.headers[height as usize].digest()).collect();
    let state = &chain.states[end as usize - 1];
    let before = Before {
        header: chain.headers[end as usize - 1].clone(),
        recent: digests((end - 1).saturating_sub(32)..end - 1),
        validators: chain.validators_of(0),
        trees: Vec::new(),
    };
    (before, Table::ALL.map(|table| (table, state.leaves(table))).into())
}

fn epochs(chain: &Chain, random: &mut Random, verdicts: &mut Verdicts) {
    for _ in 0..800 {
        let end = TEMPO * random.within(1, NEWEST / TEMPO);
        let (mut before, mut tables) = before(chain, end);
        let mut body = chain.bodies[end as usize].clone();
        let mut header = chain.headers[end as usize].clone();
        let deed = match random.below(8) {
            0 => {
                match before.recent.last_mut() {
                    Some(digest) => *digest = Digest::from([5; 32]),
                    None => before.recent.push(Digest::from([5; 32])),
                }
                "another history"
            }
            1 => {
                before.recent.truncate(before.recent.len().saturating_sub(1));
                "a shorter history"
            }
            2 => {
                before.validators = chain::keys_from(9_000, 4).iter().map(PrivateKey::public_key).collect();
                "other validators"
            }
            3 => {
                let place = random.below(tables.len());
                tables.remove(place);
                "a table left out"
            }
            4 => {
                let leaves = &mut tables[random.below(Table::ALL.len())].1;
                if leaves.is_empty() {
                    continue;
                }
                let place = random.below(leaves.len());
                leaves[place] = spoil(random, &leaves[place], &leaves[0].clone()).1.into();
                "a leaf spoilt"
            }
            5 => {
                body.transactions.pop();
                "a transaction left out"
            }
            6 => {
                body.transactions.reverse();
                "transactions reordered"
            }
            _ => {
                header = Header { parent: Digest::from([6; 32]), ..header };
                "another parent"
            }
        };
        before.trees = tables.into_iter().map(|(table, leaves)| Tree::new(table, leaves)).collect();
        let verdict = audit::recompute(&chain.genesis, before, &header, &body).map_err(|fault| match fault {
            Fault::Input(error) => Refused::from(error),
            Fault::Wrong(difference) => Refused::by_ledger("Audit", &difference),
        });
        // What is computed from something else is not what the header says.
        let same =
            |found: &audit::Recomputed| found.after.roots() == header.roots && header == chain.headers[end as usize];
        let verdict = verdict.and_then(|found| match same(&found) {
            true => Ok(()),
            false => Err(Refused { name: "Audit::Roots".into(), words: String::new() }),
        });
        verdicts.take("audit", deed, &verdict);
    }
}

/// The kinds of queries one of whose replies is spoilt.
const KINDS: [&str; 8] = ["head", "links", "headers", "leaf", "table", "body", "account", "inclusion"];

const fn kind(query: &Query) -> &'static str {
    match query {
        Query::Head => "head",
        Query::Epochs { .. } => "links",
        Query::Headers { .. } => "headers",
        Query::Leaf { .. } | Query::Neuron { .. } => "leaf",
        Query::Table { .. } => "table",
        Query::Body { .. } => "body",
        Query::Account { .. } => "account",
        Query::Inclusion { .. } => "inclusion",
        _ => "other",
    }
}

/// Follows to the head, audits and proves while one reply of this kind is spoilt; what was said of that. In the end all is
/// what the chain says.
fn follow(chain: &mut Chain, random: &mut Random, spoilt: &str) -> (&'static str, Result<(), Error>) {
    let mut now = chain.time();
    let (genesis, checkpoint) = (chain.genesis.clone(), chain.checkpoint_at(4));
    let mut follower = Follower::new(genesis, checkpoint, Options::default(), now).unwrap();
    ["first", "second"].into_iter().for_each(|name| follower.add_source(Source::new(name)));
    let giver = PrivateKey::from_seed(1).public_key();
    let founder = PrivateKey::from_seed(2).public_key();
    let subjects =
        [Subject::Account(giver.clone()), Subject::Neuron(founder), Subject::Standing(Uid(1)), Subject::Row(Uid(0))];
    subjects.iter().cloned().for_each(|subject| follower.prove(subject));
    let included = chain.bodies[random.within(9, NEWEST) as usize].transactions[random.below(3)].digest();
    follower.find(included);
    let (mut deed, mut verdict) = ("none", Ok(()));
    let (mut proofs, mut found, mut sound) = (0, false, false);
    let mut turn = random.below(3);
    for _ in 0..400 {
        while let Some(step) = follower.poll(now) {
            let Step::Query { id, query, .. } = step else { continue };
            let honest = answer(chain, &query).encode();
            let mut bytes = honest.to_vec();
            if kind(&query) == spoilt && deed == "none" {
                if turn == 0 {
                    let donor = answer(chain, &Query::Headers { from: Height(3), limit: 2 }).encode();
                    (deed, bytes) = spoil(random, &honest, &donor);
                }
                turn = turn.saturating_sub(1);
            }
            match Reply::decode(Copying(&bytes)) {
                Ok(reply) => follower.handle_reply(id, reply, now),
                Err(error) => follower.handle_malformed(id, &error, bytes.len(), now),
            }
        }
        while let Some(seen) = follower.next_event() {
            match seen {
                Seen::Head { head, .. } => {
                    assert_eq!(head.digest(), chain.headers[head.height().get() as usize].digest(), "{deed}");
                }
                Seen::Audit(audit) => {
                    // An epoch may be over before what the one before took has come.
                    assert!(!matches!(audit.outcome, Outcome::Wrong(_)), "{spoilt}, {deed}: {audit:?}");
                    sound |= matches!(audit.outcome, Outcome::Sound { .. });
                }
                Seen::Proven { at, leaf, .. } => {
                    proofs += 1;
                    if let Some(Leaf::Account(account)) = leaf {
                        let known = chain.states[at.get() as usize].account(&giver).map(|(_, known)| known);
                        assert_eq!(Some(&account), known, "{deed}");
                    }
                }
                Seen::Included { digest, inclusion } => {
                    let body = &chain.bodies[inclusion.height.get() as usize];
                    let there = &body.transactions[inclusion.index as usize];
                    assert_eq!((digest, there.digest()), (included, included), "{deed}");
                    found = true;
                }
                Seen::Alarm(Alarm::Lied { error, .. } | Alarm::Reply(error)) if verdict.is_ok() => verdict = Err(error),
                Seen::Alarm(Alarm::Lied { .. } | Alarm::Reply(_) | Alarm::Stalled { .. }) => {}
                Seen::Alarm(alarm) => panic!("{spoilt}, {deed}: {alarm}"),
                _ => {}
            }
        }
        let there = follower.head().is_some_and(|head| head.height() == Height(NEWEST));
        if there && sound && proofs >= subjects.len() && found {
            break;
        }
        follower.find(included);
        now = follower.deadline().unwrap_or(now).max(now + 100);
    }
    let height = follower.head().map(|head| head.height());
    assert!(sound && found && proofs >= subjects.len(), "{spoilt}, {deed}: {height:?} {sound} {found} {proofs}");
    (deed, verdict)
}

fn answer(chain: &mut Chain, query: &Query) -> Reply {
    let height = match query {
        Query::Headers { from, .. } => from.get(),
        Query::Leaf { height, .. }
        | Query::Account { height, .. }
        | Query::Neuron { height, .. }
        | Query::Table { height, .. }
        | Query::Body { height } => height.get(),
        _ => 0,
    };
    if height > NEWEST { Reply::Unavailable { reason: "not yet".into() } } else { chain.reply(query) }
}

const TEMPO: u64 = 4;

const NEWEST: u64 = 14;

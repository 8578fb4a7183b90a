//! The auditor in a real browser: the mechanism's bits, the light client, the codec, and a session from bootstrap to a
//! row that is included. The same chain and the same vectors as in the native tests.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../../../core/light/tests/chain/mod.rs"]
mod chain;
#[path = "../../../core/mechanism/tests/vectors/mod.rs"]
mod vectors;

use chain::{BEGIN, Chain};
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_cryptography::{Hasher as _, Sha256, Signer as _, ed25519::PrivateKey};
use commonware_formatting::hex;
use ledger::{Genesis, Header, Query, Reply, Table, Transaction};
use light::{Accepted, Client, Error};
use peerage_auditor::{Session, StartError, parse, plain};
use protocol::bootstrap::{self, Bootstrap, Corpus};
use protocol::port::auditor::{Command, Event, Judgement, Topic, TransactionState};
use protocol::record::Record;
use serde_bytes::ByteBuf;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn the_mechanism_computes_the_same_bits_as_natively() {
    for (name, hash, expected) in vectors::all() {
        assert_eq!(hash, expected, "bits of {name}");
    }
}

#[wasm_bindgen_test]
fn a_certificate_is_verified_and_a_bad_one_refused() {
    for validators in [1, 4] {
        let mut chain = Chain::new(validators);
        chain.steps(3);
        let mut client = Client::new(&chain.genesis, chain.checkpoint(), BEGIN).unwrap();
        let (header, finalization) = chain.head();
        let mut bad = finalization.to_vec();
        let last = bad.len() - 1;
        bad[last - 31] ^= 1;
        let error = client.accept(header.clone(), &bad.into(), chain.time()).unwrap_err();
        assert_eq!(error, Error::BadSignature { signer: validators - 1 });
        let other = Header { time: header.time + 1, ..header.clone() };
        let error = client.accept(other, &finalization, chain.time()).unwrap_err();
        assert!(matches!(error, Error::OtherBlock { .. }));
        assert!(matches!(client.accept(header, &finalization, chain.time()), Ok(Accepted::New(_))));
    }
}

#[wasm_bindgen_test]
fn what_is_encoded_comes_back() {
    let mut chain = Chain::new(4);
    chain.step();
    let (header, _) = chain.head();
    assert_eq!(Header::decode(header.encode()).unwrap(), header);
    assert_eq!(Genesis::decode(chain.genesis.encode()).unwrap(), chain.genesis);
    let key = PrivateKey::from_seed(1);
    let action = ledger::Action::Transfer { to: key.public_key(), amount: ledger::Amount::new(7) };
    let transaction = Transaction::sign(&key, chain.id(), ledger::Nonce::new(0), ledger::Height::new(9), action);
    assert!(transaction.verify_signature());
    let height = header.height;
    let queries = [
        Query::Head,
        Query::Headers { from: height, limit: 1 },
        Query::Leaf { height, table: Table::Weights, index: 0 },
        Query::Account { height, key: key.public_key() },
        Query::Table { height, table: Table::Epoch, from: 0 },
        Query::Submit { transaction: transaction.clone() },
        Query::Status { digest: transaction.digest() },
    ];
    for query in queries {
        assert_eq!(Query::decode(query.encode()).unwrap(), query);
        let reply = chain.reply(&query);
        assert_eq!(Reply::decode(reply.encode()).unwrap(), reply);
    }
}

#[wasm_bindgen_test]
fn a_search_of_work_is_fast_enough_for_a_tab() {
    let chain = Chain::new(1);
    let puzzle = ledger::Puzzle {
        chain: chain.id(),
        key: PrivateKey::from_seed(5).public_key(),
        recent: chain.headers[0].digest(),
        difficulty: 1 << 40,
    };
    let began = js_sys::Date::now();
    assert_eq!(puzzle.search(0, 20_000), None);
    let took = js_sys::Date::now() - began;
    wasm_bindgen_test::console_log!("20,000 hashes in {took} ms");
    assert!(took < 2_000.0, "{took} ms: a registration of 65,536 hashes would take {} ms", took * 3.3);
}

fn bootstrap_of(chain: &Chain) -> Bootstrap {
    Bootstrap {
        version: bootstrap::VERSION,
        name: "test".into(),
        chain: chain.id().0,
        genesis: chain.genesis.encode().to_vec(),
        checkpoint: bootstrap::Checkpoint { height: 0, digest: chain.headers[0].digest(), time: chain.headers[0].time },
        validators: chain.genesis.validator_keys(),
        node: vec![],
        residents: vec![],
        corpus: Corpus { url: "corpus".into(), bytes: 1, name: "text".into() },
        ice_servers: vec![],
    }
}

/// A libp2p peer id, as text.
const PEER: &str = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";

fn session(chain: &Chain, seed: Option<&str>) -> Session {
    Session::start(&bootstrap_of(chain).to_text().unwrap(), seed, PEER, || [7; 32], chain.time()).unwrap()
}

#[wasm_bindgen_test]
fn a_session_binds_the_peer_id_to_its_key() {
    let chain = Chain::new(1);
    let mut first = session(&chain, None);
    let [Event::Identity { seed, key, chain: id, record }] = &first.events()[..] else { panic!() };
    assert_eq!(*seed, hex(&[7; 32]));
    assert_eq!(*id, chain.id().to_string());
    let record = Record::from_bytes(record).unwrap().verify(chain.id().0, chain.time()).unwrap();
    assert_eq!(record.key().to_string(), *key);
    assert_eq!(record.peer().len(), 38);
    let mut again = session(&chain, Some(seed));
    let [Event::Identity { key: same, .. }] = &again.events()[..] else { panic!() };
    assert_eq!(same, key);
    // The record is renewed before it ends.
    let later = chain.time() + protocol::limits::RECORD_LIFETIME_MS / 2;
    again.drive(later, || later);
    assert!(again.events().iter().any(|event| matches!(event, Event::Identity { .. })));
}

#[wasm_bindgen_test]
fn what_a_session_cannot_start_with_is_named() {
    let chain = Chain::new(1);
    let text = bootstrap_of(&chain).to_text().unwrap();
    let start = |text: &str, seed, peer| Session::start(text, seed, peer, || [7; 32], chain.time()).unwrap_err();
    assert!(matches!(start("<html>", None, PEER), StartError::Bootstrap(_)));
    assert!(matches!(start(&text, Some("12"), PEER), StartError::Seed(2)));
    assert!(matches!(start(&text, None, "no peer"), StartError::Peer(_)));
    let late = chain.time() + chain.genesis.parameters.trust_period + 1;
    let stale = Session::start(&text, None, PEER, || [7; 32], late).unwrap_err();
    assert!(matches!(stale, StartError::Light(Error::StaleCheckpoint { .. })), "{stale}");
    let other = Genesis { name: "other".into(), ..chain.genesis.clone() };
    let foreign = Bootstrap { genesis: other.encode().to_vec(), ..bootstrap_of(&chain) };
    let wrong = start(&foreign.to_text().unwrap(), None, PEER);
    assert!(matches!(wrong, StartError::Light(Error::WrongChain { .. })), "{wrong}");
}

/// Drives a session against the chain in virtual time until `done` or `blocks` blocks.
fn live(session: &mut Session, chain: &mut Chain, blocks: usize, done: impl Fn(&[Event]) -> bool) -> Vec<Event> {
    let mut seen = Vec::new();
    let mut now = chain.time();
    for _ in 0..blocks {
        for _ in 0..20 {
            let next = session.drive(now, || now);
            let events = session.events();
            for event in &events {
                // Everything crosses the port as it would to the page.
                let object = plain(event).unwrap();
                assert!(object.is_object());
                if let Event::Query { id, bytes } = event {
                    let query = Query::decode(bytes.to_vec()).unwrap();
                    let bytes = ByteBuf::from(chain.reply(&query).encode().to_vec());
                    session.take(Command::Reply { id: *id, bytes }, now);
                }
            }
            let quiet = events.is_empty();
            seen.extend(events);
            if quiet && next.is_none_or(|next| next > now) {
                now += 50;
            }
        }
        if done(&seen) {
            return seen;
        }
        chain.step();
        now = chain.time();
    }
    panic!("not done after {blocks} blocks: {seen:#?}");
}

fn included(events: &[Event], deed: &str) -> usize {
    let of = |event: &&Event| matches!(event, Event::Transaction { action, state: TransactionState::Included { .. }, .. } if action == deed);
    events.iter().filter(of).count()
}

#[wasm_bindgen_test]
fn a_session_registers_and_sets_a_row() {
    let mut chain = Chain::new(4);
    let mut session = session(&chain, None);
    session.take(Command::Join, chain.time());
    let [Event::Identity { key, .. }] = &session.events()[..] else { panic!() };
    let founder = PrivateKey::from_seed(2).public_key().to_string();
    let scores = vec![(key.clone(), 1.0), (founder, 1.0), ("nobody".into(), 5.0)];
    session.take(Command::Scores { scores }, chain.time());
    let events = live(&mut session, &mut chain, 60, |events| included(events, "set weights") == 2);
    assert_eq!(included(&events, "register"), 1);
    let own = events.iter().rev().find_map(|event| if let Event::Own(own) = event { Some(own) } else { None }).unwrap();
    assert_eq!(own.uid, Some(2));
    assert!(events.iter().any(|event| matches!(event, Event::Neurons { neurons } if neurons.len() == 3)));
    assert!(
        events.iter().any(|event| matches!(event, Event::Head(head) if head.signers == 4 && head.checked.len() == 4))
    );
    let row = &chain.state().weights()[2].row;
    assert_eq!(row.len(), 2);
}

#[wasm_bindgen_test]
fn without_a_source_a_session_lives_by_gossip() {
    let mut chain = Chain::new(4);
    let mut session = session(&chain, None);
    session.take(Command::Join, chain.time());
    live(&mut session, &mut chain, 5, |events| events.iter().any(|event| matches!(event, Event::Neurons { .. })));
    // From here on no query is answered, and every head comes from neighbours.
    let mut published = None;
    for id in 1..60 {
        chain.step();
        let now = chain.time();
        let (header, finalization) = chain.head();
        let bytes = ByteBuf::from(Reply::Head { header, finalization }.encode().to_vec());
        session.take(Command::Gossip { id, topic: Topic::Heads, bytes }, now);
        let mut accepted = false;
        for slice in 0..20 {
            let now = now + 40 * slice;
            session.drive(now, || now + 24);
            for event in session.events() {
                match event {
                    Event::Query { id, .. } => session.take(Command::Failed { id, reason: "nobody".into() }, now),
                    Event::Judged { id: of, judgement: Judgement::Accept } => accepted |= of == id,
                    Event::Publish { bytes } => published = Some(bytes),
                    _ => {}
                }
            }
        }
        assert!(accepted, "the head of block {id}");
        if published.is_some() {
            break;
        }
    }
    let transaction = Transaction::decode(published.expect("it registers").to_vec()).unwrap();
    assert!(matches!(transaction.action, ledger::Action::Register { .. }) && transaction.verify_signature());
    for (topic, bytes) in [(Topic::Heads, vec![1]), (Topic::Transactions, vec![1])] {
        session.take(Command::Gossip { id: 99, topic, bytes: ByteBuf::from(bytes) }, chain.time());
        let [Event::Judged { id: 99, judgement: Judgement::Reject }] = session.events()[..] else { panic!() };
    }
}

#[wasm_bindgen_test]
fn malformed_replies_are_an_alarm_and_no_end() {
    let chain = Chain::new(1);
    let mut session = session(&chain, None);
    let now = chain.time();
    session.drive(now, || now);
    let query = session
        .events()
        .into_iter()
        .find_map(|event| if let Event::Query { id, .. } = event { Some(id) } else { None });
    session.take(Command::Reply { id: query.unwrap(), bytes: ByteBuf::from(vec![1, 2, 3]) }, now);
    session.drive(now, || now);
    assert!(session.events().iter().any(|event| matches!(event, Event::Alarm { fatal: false, .. })));
    let later = now + 1_000;
    session.drive(later, || later);
    assert!(session.events().iter().any(|event| matches!(event, Event::Query { .. })), "it asks again");
}

#[wasm_bindgen_test]
fn words_of_the_port_cross_as_plain_objects() {
    let text = r#"({type: "reply", id: 3, bytes: new Uint8Array([1, 2])})"#;
    let Command::Reply { id: 3, bytes } = parse(js_sys::eval(text).unwrap()).unwrap() else { panic!() };
    assert_eq!(bytes.as_ref(), [1, 2]);
    let text = r#"({type: "scores", scores: [["ab", 1], ["cd", 0.5]]})"#;
    let Command::Scores { scores } = parse(js_sys::eval(text).unwrap()).unwrap() else { panic!() };
    assert_eq!(scores, [("ab".into(), 1.0), ("cd".into(), 0.5)]);
    let start = parse(js_sys::eval(r#"({type: "start", bootstrap: "{}", peer: "x"})"#).unwrap()).unwrap();
    assert!(matches!(start, Command::Start { seed: None, .. }));
    assert!(parse(js_sys::eval(r#"({type: "dance"})"#).unwrap()).is_err());
    let object = plain(&Event::Query { id: 9, bytes: ByteBuf::from(vec![5]) }).unwrap();
    let bytes = js_sys::Reflect::get(&object, &"bytes".into()).unwrap();
    assert!(wasm_bindgen::JsCast::is_instance_of::<js_sys::Uint8Array>(&bytes));
}

#[wasm_bindgen_test]
fn hashes_are_the_same_here() {
    let digest = Sha256::hash(&[b"abc"]);
    assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

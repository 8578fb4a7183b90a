//! The auditor in a real browser: the mechanism's bits, the light client, the codec, and a session from bootstrap to a
//! row that is included. The same chain and the same vectors as in the native tests.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../../../core/light/tests/chain/mod.rs"]
mod chain;
mod live;
#[path = "../../../core/mechanism/tests/vectors/mod.rs"]
mod vectors;

use chain::{BEGIN, Chain};
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_cryptography::{Hasher as _, Sha256, Signer as _, ed25519::PrivateKey};
use commonware_formatting::hex;
use ledger::{Genesis, Header, Query, Reply, Table, Transaction};
use light::{Accepted, Client, Error};
use live::{NODE, PEER, audited, bootstrap_of, honest, included, key, live, session, settings, settle};
use peerage_auditor::{Session, Settings, StartError, Store, parse, plain};
use protocol::bootstrap::Bootstrap;
use protocol::port::auditor::{Command, Event, Intent, Judgement, Outcome, Policy, Signer, Topic, TransactionState};
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

#[wasm_bindgen_test]
fn a_session_binds_the_peer_id_to_its_key() {
    let chain = Chain::new(1);
    let mut first = session(&chain, None);
    let events = first.events();
    let [Event::Identity { seed, key, chain: id, record }, Event::Selling { sells: false }, Event::Kept { .. }] =
        &events[..]
    else {
        panic!()
    };
    assert_eq!(*seed, hex(&[7; 32]));
    assert_eq!(*id, chain.id().to_string());
    let record = Record::from_bytes(record).unwrap().verify(chain.id().0, chain.time()).unwrap();
    assert_eq!(record.key().to_string(), *key);
    assert_eq!(record.peer().len(), 38);
    let text = bootstrap_of(&chain).to_text().unwrap();
    let again = Settings::parse(&text, Some(seed), PEER, None, || panic!("no seed is needed")).unwrap();
    let store = Store::nowhere(&Session::SHELVES);
    let mut again = Session::start(again, store, &[], || 0.0, chain.time()).unwrap();
    assert_eq!(live::key(&again.events()), *key);
    // The record is renewed before it ends.
    let later = chain.time() + protocol::limits::RECORD_LIFETIME_MS / 2;
    again.drive(later, || later);
    assert!(again.events().iter().any(|event| matches!(event, Event::Identity { .. })));
}

#[wasm_bindgen_test]
fn what_a_session_cannot_start_with_is_named() {
    let chain = Chain::new(1);
    let text = bootstrap_of(&chain).to_text().unwrap();
    let refused = |text: &str, seed, peer, cold| settings(text, seed, peer, cold).unwrap_err();
    assert!(matches!(refused("<html>", None, PEER, None), StartError::Bootstrap(_)));
    assert!(matches!(refused(&text, Some("12"), PEER, None), StartError::Seed(2)));
    assert!(matches!(refused(&text, None, "no peer", None), StartError::Peer(_)));
    assert!(matches!(refused(&text, None, PEER, Some("ab")), StartError::Cold(_)));
    let late = chain.time() + chain.genesis.parameters.trust_period + 1;
    let fit = settings(&text, None, PEER, None).unwrap();
    let stale = Session::start(fit, Store::nowhere(&Session::SHELVES), &[], || 0.0, late).unwrap_err();
    assert!(stale.stale() && matches!(stale, StartError::Light(Error::StaleCheckpoint { .. })), "{stale}");
    let other = Genesis { name: "other".into(), ..chain.genesis.clone() };
    let foreign = Bootstrap { genesis: other.encode().to_vec(), ..bootstrap_of(&chain) };
    let wrong = refused(&foreign.to_text().unwrap(), None, PEER, None);
    assert!(!wrong.stale() && matches!(wrong, StartError::Light(Error::WrongChain { .. })), "{wrong}");
}

#[wasm_bindgen_test]
fn a_session_registers_audits_and_sets_a_row() {
    let mut chain = Chain::new(4);
    let mut session = session(&chain, None);
    session.take(Command::Join, chain.time());
    let key = key(&session.events());
    let founder = PrivateKey::from_seed(2).public_key().to_string();
    let scores = vec![(key, 1.0), (founder, 1.0), ("nobody".into(), 5.0)];
    session.take(Command::Scores { scores }, chain.time());
    let events = live(&mut session, &mut chain, 60, |events| included(events, "set weights") == 2 && audited(events));
    assert_eq!(included(&events, "register"), 1);
    let own = events.iter().rev().find_map(|event| if let Event::Own(own) = event { Some(own) } else { None }).unwrap();
    assert_eq!(own.uid, Some(2));
    assert!(own.rank.is_some());
    assert!(events.iter().any(|event| matches!(event, Event::Neurons { neurons } if neurons.len() == 3)));
    assert!(
        events.iter().any(|event| matches!(event, Event::Head(head) if head.signers == 4 && head.checked.len() == 4))
    );
    let sound = |event: &Event| matches!(event, Event::Audit { outcome: Outcome::Sound { peers: 3, .. }, bytes, .. } if *bytes > 500);
    assert!(events.iter().any(sound), "an epoch with the new peer was recomputed");
    let proposal =
        events.iter().find_map(|event| if let Event::Proposal(proposal) = event { Some(proposal) } else { None });
    let proposal = proposal.unwrap();
    assert!(proposal.signed && proposal.policy == Policy::Scores && proposal.row.len() == 2, "{proposal:?}");
    assert!(
        events.iter().any(|event| matches!(event, Event::Transaction { state: TransactionState::Final { .. }, .. }))
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
    for id in 1..20 {
        chain.step();
        let now = chain.time();
        let (header, finalization) = chain.head();
        let bytes = ByteBuf::from(Reply::Head { header, finalization }.encode().to_vec());
        session.take(Command::Gossip { id, topic: Topic::Heads, bytes }, now);
        let mut silent = |_: &mut Chain, event: &Event| match event {
            Event::Query { id, .. } => Some(Command::Failed { id: *id, reason: "nobody".into() }),
            _ => None,
        };
        let events = settle(&mut session, &mut chain, &mut silent);
        let judged =
            |event: &Event| matches!(event, Event::Judged { id: of, judgement: Judgement::Accept } if *of == id);
        assert!(events.iter().any(judged), "the head of block {id}");
    }
    for (topic, bytes) in [(Topic::Heads, vec![1]), (Topic::Transactions, vec![1])] {
        session.take(Command::Gossip { id: 99, topic, bytes: ByteBuf::from(bytes) }, chain.time());
        let [Event::Judged { id: 99, judgement: Judgement::Reject }] = session.events()[..] else { panic!() };
    }
}

#[wasm_bindgen_test]
fn a_source_that_lies_is_dropped_and_another_goes_on() {
    let mut chain = Chain::new(4);
    chain.steps(3);
    let mut session = session(&chain, None);
    session.take(Command::Source { name: "liar".into(), up: true }, chain.time());
    let mut answer = |chain: &mut Chain, event: &Event| match event {
        Event::Query { id, source, .. } if source == "liar" => {
            Some(Command::Reply { id: *id, bytes: ByteBuf::from(vec![1, 2, 3]) })
        }
        event => honest(chain, event),
    };
    let mut events = Vec::new();
    for _ in 0..12 {
        events.extend(settle(&mut session, &mut chain, &mut answer));
        chain.step();
    }
    let dropped: Vec<_> = events.iter().filter(|event| matches!(event, Event::Dropped { .. })).collect();
    let [Event::Dropped { source, reason }] = &dropped[..] else { panic!("{dropped:?}") };
    assert_eq!(source, "liar");
    assert!(reason.starts_with("reply: "), "{reason}");
    let asked = |event: &Event| matches!(event, Event::Query { source, .. } if source == "liar");
    let last_asked = events.iter().rposition(asked).unwrap();
    let told = events.iter().position(|event| matches!(event, Event::Dropped { .. })).unwrap();
    assert!(last_asked < told, "it is not asked again");
    let heads = events[told..].iter().filter(|event| matches!(event, Event::Head(_))).count();
    assert!(heads > 5, "{heads} heads after that");
}

#[wasm_bindgen_test]
fn what_was_verified_is_served_to_others() {
    let mut chain = Chain::new(4);
    let mut session = session(&chain, None);
    live(&mut session, &mut chain, 30, audited);
    let mut serve = |bytes: Vec<u8>| {
        session.take(Command::Serve { id: 5, bytes: ByteBuf::from(bytes) }, chain.time());
        let [Event::Served { id: 5, bytes }] = &session.events()[..] else { panic!() };
        Reply::decode(bytes.to_vec()).unwrap()
    };
    let Reply::Head { header, .. } = serve(Query::Head.encode().to_vec()) else { panic!() };
    assert_eq!(header, chain.head().0);
    let tables = chain.headers.iter().rev().find(|header| header.height.get() % chain.tempo() == 0).unwrap();
    let query = Query::Table { height: tables.height, table: Table::Neurons, from: 0 };
    assert!(matches!(serve(query.encode().to_vec()), Reply::Table { total: 2, .. }));
    for bytes in [vec![], vec![9, 9, 9], vec![0; 100_000]] {
        assert!(matches!(serve(bytes), Reply::Unavailable { .. }));
    }
}

#[wasm_bindgen_test]
fn the_cold_key_signs_what_a_person_asks_for() {
    let mut chain = Chain::new(1);
    let cold = PrivateKey::from_seed(1);
    let mut session = session(&chain, Some(&cold.public_key().to_string()));
    let to = PrivateKey::from_seed(40).public_key();
    live(&mut session, &mut chain, 5, |events| events.iter().any(|event| matches!(event, Event::Head(_))));
    let ask = |to: &str, amount: &str| {
        let intent = Intent::Transfer { from: Signer::Cold, to: to.into(), amount: amount.into() };
        Command::Ask { intent }
    };
    for (to, amount) in [("ab", "1"), (to.to_string().as_str(), "-1"), (to.to_string().as_str(), "0")] {
        session.take(ask(to, amount), chain.time());
        let [Event::Alarm { message, fatal: false, stale: false }] = &session.events()[..] else { panic!() };
        assert!(message.starts_with("not signed: "), "{message}");
    }
    session.take(ask(&to.to_string(), "5000000000"), chain.time());
    // The first time a person says no.
    let mut refuse = |chain: &mut Chain, event: &Event| match event {
        Event::Sign { id, .. } => Some(Command::Unsigned { id: *id, reason: "not now".into() }),
        event => honest(chain, event),
    };
    let events = settle(&mut session, &mut chain, &mut refuse);
    let refused = |event: &Event| matches!(event, Event::Alarm { message, .. } if message.contains("not now"));
    assert!(events.iter().any(refused), "{events:?}");
    session.take(ask(&to.to_string(), "5000000000"), chain.time());
    let mut events = Vec::new();
    for _ in 0..8 {
        chain.step();
        let mut sign = |chain: &mut Chain, event: &Event| match event {
            Event::Sign { id, message, action } => {
                assert_eq!(action, "transfer");
                let (length, domain) = (1, b"PEERAGE_TRANSACTION");
                let signed = cold.sign(domain, &message[length + domain.len()..]);
                Some(Command::Signed { id: *id, signature: ByteBuf::from(signed.encode().to_vec()) })
            }
            event => honest(chain, event),
        };
        events.extend(settle(&mut session, &mut chain, &mut sign));
    }
    let states: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Transaction { signer: Signer::Cold, state, .. } => Some(state),
            _ => None,
        })
        .collect();
    assert!(matches!(states[0], TransactionState::Pending), "{states:?}");
    assert!(matches!(states.last().unwrap(), TransactionState::Final { .. }), "{states:?}");
    let (_, account) = chain.state().account(&to).unwrap();
    assert_eq!(account.balance, ledger::Amount::new(5_000_000_000));
}

#[wasm_bindgen_test]
fn work_is_held_and_goes_on() {
    let mut chain = Chain::new(1);
    let mut session = session(&chain, None);
    session.take(Command::Work { paused: true }, chain.time());
    session.take(Command::Join, chain.time());
    let mut events = Vec::new();
    for _ in 0..5 {
        events.extend(settle(&mut session, &mut chain, &mut honest));
        chain.step();
    }
    let told = |events: &[Event], paused: bool| {
        events.iter().any(|event| matches!(event, Event::Working { paused: told, .. } if *told == paused))
    };
    assert!(!told(&events, false) && included(&events, "register") == 0);
    session.take(Command::Work { paused: false }, chain.time());
    live(&mut session, &mut chain, 20, |events| included(events, "register") == 1 && told(events, false));
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
    assert!(matches!(start, Command::Start { seed: None, cold: None, .. }));
    let text = r#"({type: "ask", intent: {type: "weights", row: [[3, 1], [4, 0.5]]}})"#;
    let Command::Ask { intent: Intent::Weights { row } } = parse(js_sys::eval(text).unwrap()).unwrap() else {
        panic!()
    };
    assert_eq!(row, [(3, 1.0), (4, 0.5)]);
    let text = r#"({type: "policy", policy: {type: "payoff", alpha: 1}})"#;
    let policy = parse(js_sys::eval(text).unwrap()).unwrap();
    assert!(matches!(policy, Command::Policy { policy: Policy::Payoff { alpha: 1.0 } }));
    assert!(parse(js_sys::eval(r#"({type: "dance"})"#).unwrap()).is_err());
    let object = plain(&Event::Query { id: 9, source: NODE.into(), bytes: ByteBuf::from(vec![5]) }).unwrap();
    let bytes = js_sys::Reflect::get(&object, &"bytes".into()).unwrap();
    assert!(wasm_bindgen::JsCast::is_instance_of::<js_sys::Uint8Array>(&bytes));
}

#[wasm_bindgen_test]
fn hashes_are_the_same_here() {
    let digest = Sha256::hash(&[b"abc"]);
    assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

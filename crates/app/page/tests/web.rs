//! The class `Tab` in a real browser, without a node: what it refuses, what it says when something is missing, what it keeps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![cfg(target_arch = "wasm32")]

use commonware_cryptography::{Hasher, Sha256, Signer, ed25519::PrivateKey};
use futures::{StreamExt, channel::mpsc};
use js_sys::{Array, JSON, Object, Reflect, Uint8Array};
use network::Keypair;
use peerage_page::Tab;
use protocol::bootstrap::{Bootstrap, Checkpoint, Corpus, VERSION};
use protocol::wire::{from_hex, hex};
use wasm_bindgen::prelude::{Closure, JsError, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

type Events = mpsc::UnboundedReceiver<JsValue>;

/// A bootstrap of the chain that `genesis` hashes to, whose node is nowhere.
fn bootstrap(genesis: &[u8]) -> String {
    let peer = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
    let bootstrap = Bootstrap {
        version: VERSION,
        name: "test".into(),
        chain: Sha256::hash(&[genesis]),
        genesis: genesis.to_vec(),
        checkpoint: Checkpoint { height: 0, digest: Sha256::hash(&[b"block"]), time: 0 },
        validators: vec![PrivateKey::from_seed(1).public_key()],
        node: vec![format!("/ip4/127.0.0.1/tcp/9/ws/p2p/{peer}")],
        residents: vec![],
        corpus: Corpus { url: "corpus".into(), bytes: 1, name: "none".into() },
        ice_servers: vec![],
    };
    bootstrap.to_text().unwrap()
}

fn start(bootstrap_text: &str) -> Result<(Tab, Events), JsError> {
    start_with(bootstrap_text, &[])
}

fn start_with(bootstrap_text: &str, more: &[(&str, JsValue)]) -> Result<(Tab, Events), JsError> {
    let (sender, events) = mpsc::unbounded();
    let hear = Closure::<dyn FnMut(JsValue)>::new(move |event| drop(sender.unbounded_send(event))).into_js_value();
    let options = Object::new();
    for (name, value) in [
        ("bootstrapText", bootstrap_text.into()),
        ("trainerUrl", "no-trainer.js".into()),
        ("auditorUrl", "no-auditor.js".into()),
        ("device", "cpu".into()),
        ("onEvent", hear),
    ] {
        Reflect::set(&options, &name.into(), &value).unwrap();
    }
    for (name, value) in more {
        Reflect::set(&options, &(*name).into(), value).unwrap();
    }
    Ok((Tab::new(options.into())?, events))
}

fn text(value: &JsValue, field: &str) -> String {
    Reflect::get(value, &field.into()).unwrap().as_string().unwrap_or_default()
}

/// The first event of this type.
async fn until(events: &mut Events, wanted: &str) -> JsValue {
    loop {
        let event = events.next().await.unwrap();
        if text(&event, "type") == wanted {
            return event;
        }
    }
}

fn refusal(started: Result<(Tab, Events), JsError>) -> String {
    text(&JsValue::from(started.map(drop).unwrap_err()), "message")
}

#[wasm_bindgen_test]
async fn another_chain_than_before_is_refused_until_it_is_forgotten() {
    let (tab, mut events) = start(&bootstrap(b"one")).unwrap();
    assert_eq!(tab.chain(), Sha256::hash(&[b"one"]).to_string());
    let message = refusal(start(&bootstrap(b"two")));
    assert!(message.contains("names another chain"), "{message}");
    JsFuture::from(tab.forget_chain()).await.unwrap();
    JsFuture::from(tab.stop()).await.unwrap();
    until(&mut events, "stopped").await;
    let (other, _events) = start(&bootstrap(b"two")).unwrap();
    JsFuture::from(other.forget_chain()).await.unwrap();
    JsFuture::from(other.stop()).await.unwrap();
}

#[wasm_bindgen_test]
async fn what_is_missing_is_said_and_it_stops_all_the_same() {
    let (tab, mut events) = start(&bootstrap(b"missing")).unwrap();
    // Who does not learn needs no trainer.
    tab.learn(JSON::parse(r#"{"source": {"type": "text"}}"#).unwrap()).unwrap();
    let browser = until(&mut events, "browser").await;
    assert!(Reflect::get(&browser, &"webrtc".into()).unwrap().as_bool().is_some());
    let (mut trouble, mut alarm, mut down) = (None, None, None);
    while trouble.is_none() || alarm.is_none() || down.is_none() {
        let event = events.next().await.unwrap();
        match text(&event, "type").as_str() {
            "trouble" => trouble = Some(text(&event, "message")),
            "alarm" => alarm = Some(text(&event, "message")),
            "network" => {
                let node = Reflect::get(&event, &"node".into()).unwrap();
                down = Some(text(&node, "reason")).filter(|reason| !reason.is_empty());
            }
            _ => {}
        }
    }
    assert!(trouble.unwrap().starts_with("the training program stopped working"));
    assert!(alarm.unwrap().starts_with("the program that checks the ledger stopped working"));
    assert!(down.unwrap().starts_with("the node cannot be reached"));
    tab.join();
    JsFuture::from(tab.stop()).await.unwrap();
    until(&mut events, "stopped").await;
    JsFuture::from(tab.forget_chain()).await.unwrap();
}

#[wasm_bindgen_test]
async fn two_tabs_of_one_browser_are_two_peers_and_one_is_found_again() {
    let peer = async |events: &mut Events| text(&until(events, "network").await, "peer");
    let (first, mut events) = start(&bootstrap(b"two tabs")).unwrap();
    let own = peer(&mut events).await;
    let (second, mut others) = start(&bootstrap(b"two tabs")).unwrap();
    assert_ne!(peer(&mut others).await, own);
    JsFuture::from(first.stop()).await.unwrap();
    JsFuture::from(second.stop()).await.unwrap();
    let (again, mut events) = start(&bootstrap(b"two tabs")).unwrap();
    assert_eq!(peer(&mut events).await, own);
    JsFuture::from(again.forget_chain()).await.unwrap();
    JsFuture::from(again.stop()).await.unwrap();
}

#[wasm_bindgen_test]
fn options_that_do_not_fit_are_refused() {
    let message = text(&JsValue::from(Tab::new(Object::new().into()).map(drop).unwrap_err()), "message");
    assert_eq!(message, "onEvent is not a function");
    assert!(refusal(start("<html>")).starts_with("bootstrap.json cannot be read"));
}

#[wasm_bindgen_test]
async fn servers_of_ones_own_are_taken_as_a_browser_takes_them() {
    let with = |json: &str| start_with(&bootstrap(b"servers"), &[("iceServers", JSON::parse(json).unwrap())]);
    let refused = [
        (r#"["stun://a.example"]"#, "stun://a.example is no STUN or TURN server: no // belongs after the scheme"),
        (r#"[{"urls": "turn:a.example"}]"#, "turn:a.example needs a username and a credential"),
        ("[7]", "a STUN or TURN server is a URL"),
    ];
    for (json, reason) in refused {
        let message = refusal(with(json));
        assert!(message.contains(reason), "{message}");
    }
    let many = refusal(with(&format!("[{}]", [r#""stun:a.example""#; 9].join(","))));
    assert_eq!(many, "9 STUN and TURN servers, at most 8 are taken");
    let turn = r#"[{"urls": ["turn:127.0.0.1:3478"], "username": "me", "credential": "secret"}, "stun:127.0.0.1"]"#;
    for json in ["[]", turn] {
        let (tab, _events) = with(json).unwrap();
        JsFuture::from(tab.forget_chain()).await.unwrap();
        JsFuture::from(tab.stop()).await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn a_page_that_is_left_ends_without_waiting() {
    let (tab, mut events) = start(&bootstrap(b"left")).unwrap();
    until(&mut events, "network").await;
    let left = web_sys::Event::new("pagehide").unwrap();
    web_sys::window().unwrap().dispatch_event(&left).unwrap();
    until(&mut events, "stopped").await;
    JsFuture::from(tab.forget_chain()).await.unwrap();
    JsFuture::from(tab.stop()).await.unwrap();
}

#[wasm_bindgen_test]
async fn what_is_no_source_content_price_or_question_is_refused() {
    let (tab, _events) = start(&bootstrap(b"refused")).unwrap();
    let json = |text: &str| JSON::parse(text).unwrap();
    let said = |error: JsError| text(&JsValue::from(error), "message");
    assert!(
        said(tab.learn(json(r#"{"source": {"type": "dreams"}}"#)).unwrap_err()).starts_with("what to learn from: ")
    );
    assert!(said(tab.give(json(r#"{"type": "piece"}"#)).unwrap_err()).starts_with("content: "));
    assert!(said(tab.price("-1").unwrap_err()).contains("is no amount of base units"));
    assert!(
        said(tab.logits("x".into(), json(r#"{"type": "smell"}"#)).map(drop).unwrap_err()).starts_with("question: ")
    );
    let question = Object::new();
    Reflect::set(&question, &"type".into(), &"text".into()).unwrap();
    Reflect::set(&question, &"bytes".into(), &Uint8Array::from(&b"To be"[..])).unwrap();
    let nobody = JsFuture::from(tab.logits("nobody".into(), question.into()).unwrap()).await.unwrap_err();
    assert_eq!(text(&nobody, "message"), "nobody is no peer id");
    JsFuture::from(tab.forget_chain()).await.unwrap();
    JsFuture::from(tab.stop()).await.unwrap();
}

/// A trainer that says in troubles what it hears, and learns whatever it is given.
const LEARNING: &str = r#"
  const plain = (name, value) => value instanceof Uint8Array ? [...value] : value;
  onmessage = ({data}) => {
    postMessage({type: 'trouble', message: JSON.stringify(data, plain), fatal: false});
    if (data.type === 'give' && data.content.type === 'end')
      postMessage({type: 'dataset', source: {type: 'files'}, words: 'all', modalities: 8, classes: 2, each: false, bytes: 3, offset: 0, private: true, answers: 'f16', gradients: 'int8'});
  };
  postMessage({type: 'loaded'});
"#;

#[wasm_bindgen_test]
async fn what_is_learned_from_reaches_the_trainer_in_order_and_the_ledger_by_its_modality() {
    let options = [("trainerUrl", url(LEARNING, "text/javascript")), ("auditorUrl", url(PLAYED, "text/javascript"))];
    let (tab, mut events) = start_with(&bootstrap(b"learning"), &options).unwrap();
    tab.join();
    tab.learn(JSON::parse(r#"{"source": {"type": "files"}, "private": true}"#).unwrap()).unwrap();
    tab.give(JSON::parse(r#"{"type": "file", "name": "a.csv", "size": 3}"#).unwrap()).unwrap();
    let piece = Object::new();
    Reflect::set(&piece, &"type".into(), &"piece".into()).unwrap();
    Reflect::set(&piece, &"bytes".into(), &Uint8Array::from(&[1, 2, 3][..])).unwrap();
    tab.give(piece.into()).unwrap();
    tab.give(JSON::parse(r#"{"type": "end"}"#).unwrap()).unwrap();
    let (mut trainer, mut auditor) = (Vec::new(), Vec::new());
    let says = |all: &[String], what: &str| all.iter().any(|heard| heard.contains(what));
    while !says(&auditor, r#""type":"join""#) || !says(&trainer, r#""type":"start""#) {
        let event = events.next().await.unwrap();
        match text(&event, "type").as_str() {
            "trouble" => trainer.push(text(&event, "message")),
            "alarm" => auditor.push(text(&event, "message")),
            _ => {}
        }
    }
    let place = |what: &str| {
        trainer.iter().position(|heard| heard.contains(what)).unwrap_or_else(|| panic!("{what}: {trainer:?}"))
    };
    let order = [r#""type":"learn""#, r#""name":"a.csv""#, r#""bytes":[1,2,3]"#, r#""type":"end""#].map(place);
    assert!(order.is_sorted(), "{trainer:?}");
    let modality = auditor.iter().position(|heard| heard.contains(r#""modality":3"#)).unwrap();
    assert!(auditor[modality + 1..].iter().any(|heard| heard.contains(r#""type":"join""#)), "{auditor:?}");
    JsFuture::from(tab.forget_chain()).await.unwrap();
    JsFuture::from(tab.stop()).await.unwrap();
}

/// An auditor that says in alarms what it hears: it has a signature made at once, and finds the first bootstrap too old.
const PLAYED: &str = r#"
  const plain = (name, value) => value instanceof Uint8Array ? [...value] : value;
  onmessage = ({data}) => {
    postMessage({type: 'alarm', message: JSON.stringify(data, plain), fatal: false, stale: false});
    if (data.type !== 'start') return;
    if (JSON.parse(data.bootstrap).name === 'old')
      return postMessage({type: 'alarm', message: '{"type":"stale"}', fatal: true, stale: true});
    postMessage({type: 'identity', seed: '11'.repeat(32), key: '22'.repeat(32), chain: '', record: new Uint8Array()});
    postMessage({type: 'sign', id: 7, message: new Uint8Array([1, 2, 3]), action: 'Transfer'});
  };
  postMessage({type: 'loaded'});
"#;

/// An address of this text, for this page.
fn url(text: &str, kind: &str) -> JsValue {
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(kind);
    let blob = web_sys::Blob::new_with_str_sequence_and_options(&Array::of1(&text.into()), &options).unwrap();
    web_sys::Url::create_object_url_with_blob(&blob).unwrap().into()
}

fn played(bootstrap_text: &str) -> (Tab, Events) {
    start_with(bootstrap_text, &[("auditorUrl", url(PLAYED, "text/javascript"))]).unwrap()
}

/// The next command of this type that the played auditor heard.
async fn heard(events: &mut Events, wanted: &str) -> JsValue {
    loop {
        let alarm = until(events, "alarm").await;
        // The page's own alarms are no JSON.
        if let Ok(command) = JSON::parse(&text(&alarm, "message"))
            && text(&command, "type") == wanted
        {
            return command;
        }
    }
}

fn flag(value: &JsValue, field: &str) -> bool {
    Reflect::get(value, &field.into()).unwrap().as_bool().unwrap()
}

async fn reason(promise: js_sys::Promise) -> String {
    text(&JsFuture::from(promise).await.unwrap_err(), "message")
}

#[wasm_bindgen_test]
async fn the_cold_key_signs_and_is_saved_once() {
    let (tab, mut events) = played(&bootstrap(b"cold"));
    let start = heard(&mut events, "start").await;
    assert!(!Reflect::has(&start, &"seed".into()).unwrap(), "the first visit has no hot key");
    let identity = until(&mut events, "identity").await;
    let cold = text(&identity, "cold");
    assert_eq!((text(&start, "cold"), cold.len(), flag(&identity, "backedUp")), (cold.clone(), 64, false));
    let signed = heard(&mut events, "signed").await;
    assert_eq!(Reflect::get(&signed, &"id".into()).unwrap(), 7);
    let signature = Uint8Array::new(&Reflect::get(&signed, &"signature".into()).unwrap()).to_vec();

    let (saved, twice) = (tab.backup(), tab.backup());
    assert!(reason(twice).await.starts_with("The cold key was backed up before"));
    let saved = JsFuture::from(saved).await.unwrap().as_string().unwrap();
    let key = Keypair::ed25519_from_bytes(from_hex(saved.trim()).unwrap()).unwrap().public();
    assert!(key.verify(&[1, 2, 3], &signature));
    assert_eq!(hex(&key.try_into_ed25519().unwrap().to_bytes()), cold);
    let identity = until(&mut events, "identity").await;
    assert!(flag(&identity, "backedUp") && text(&identity, "cold") == cold);
    assert!(reason(tab.backup()).await.starts_with("The cold key was backed up before"));
    JsFuture::from(tab.stop()).await.unwrap();

    // It is there again, signs, and cannot be read.
    let (tab, mut events) = played(&bootstrap(b"cold"));
    let identity = until(&mut events, "identity").await;
    assert!(flag(&identity, "backedUp") && text(&identity, "cold") == cold && flag(&identity, "kept"));
    let again = heard(&mut events, "signed").await;
    assert_eq!(Uint8Array::new(&Reflect::get(&again, &"signature".into()).unwrap()).to_vec(), signature);
    assert!(reason(tab.backup()).await.starts_with("The cold key was backed up before"));

    // Another from a backup takes its place at once.
    assert!(reason(tab.import_cold("no key".into())).await.starts_with("This is no backup"));
    JsFuture::from(tab.import_cold(format!(" {}\n", "33".repeat(32)))).await.unwrap();
    let start = heard(&mut events, "start").await;
    let other = Keypair::ed25519_from_bytes([0x33; 32]).unwrap().public().try_into_ed25519().unwrap();
    assert_eq!((text(&start, "cold"), text(&start, "seed")), (hex(&other.to_bytes()), "11".repeat(32)));
    JsFuture::from(tab.forget_chain()).await.unwrap();
    JsFuture::from(tab.stop()).await.unwrap();
}

/// The names of what lies in the files of this address.
async fn folders() -> Vec<String> {
    let listed = js_sys::eval("navigator.storage.getDirectory().then((root) => Array.fromAsync(root.keys()))").unwrap();
    let names = JsFuture::from(js_sys::Promise::from(listed)).await.unwrap();
    Array::from(&names).iter().map(|name| name.as_string().unwrap()).collect()
}

#[wasm_bindgen_test]
async fn what_is_forgotten_is_gone() {
    let (tab, mut events) = played(&bootstrap(b"forgotten"));
    let cold = text(&until(&mut events, "identity").await, "cold");
    let make = "navigator.storage.getDirectory().then((root) => root.getDirectoryHandle('peerage-ab', {create: true}))";
    JsFuture::from(js_sys::Promise::from(js_sys::eval(make).unwrap())).await.unwrap();
    assert_eq!(folders().await, ["peerage-ab"]);
    JsFuture::from(tab.forget_chain()).await.unwrap();
    assert_eq!(folders().await, [""; 0]);
    JsFuture::from(tab.stop()).await.unwrap();
    let (tab, mut events) = played(&bootstrap(b"forgotten"));
    let identity = until(&mut events, "identity").await;
    assert_ne!(text(&identity, "cold"), cold);
    JsFuture::from(tab.forget_chain()).await.unwrap();
    JsFuture::from(tab.stop()).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_second_tab_and_an_identity_from_before_have_no_cold_key() {
    let (first, mut events) = played(&bootstrap(b"second"));
    let cold = text(&until(&mut events, "identity").await, "cold");
    let (second, mut others) = played(&bootstrap(b"second"));
    let identity = until(&mut others, "identity").await;
    assert!(Reflect::get(&identity, &"cold".into()).unwrap().is_null());
    assert!(reason(second.backup()).await.starts_with("This tab has no cold key"));
    assert!(reason(second.import_cold("33".repeat(32))).await.starts_with("Another tab"));
    assert!(!flag(&identity, "backedUp"));
    let unsigned = heard(&mut others, "unsigned").await;
    assert!(text(&unsigned, "reason").starts_with("This tab has no cold key"));
    for tab in [&second, &first] {
        JsFuture::from(tab.stop()).await.unwrap();
    }
    assert_eq!(cold.len(), 64);

    let storage = web_sys::window().unwrap().local_storage().unwrap().unwrap();
    let chain = Sha256::hash(&[b"before"]);
    storage.set_item(&format!("peerage.{chain}.seed"), &"11".repeat(32)).unwrap();
    JsFuture::from(first.forget_chain()).await.unwrap();
    storage.set_item(&format!("peerage.{chain}.seed"), &"11".repeat(32)).unwrap();
    let (tab, mut events) = played(&bootstrap(b"before"));
    assert!(Reflect::get(&until(&mut events, "identity").await, &"cold".into()).unwrap().is_null());
    JsFuture::from(tab.forget_chain()).await.unwrap();
    JsFuture::from(tab.stop()).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_checkpoint_that_is_too_old_is_replaced_by_one_of_the_same_chain() {
    let old = bootstrap(b"stale").replace("\"test\"", "\"old\"");
    let newer = |text: &str| {
        let more = [("auditorUrl", url(PLAYED, "text/javascript")), ("bootstrapUrl", url(text, "application/json"))];
        start_with(&old, &more).unwrap()
    };
    let (tab, mut events) = newer(&bootstrap(b"stale"));
    until(&mut events, "identity").await;
    JsFuture::from(tab.stop()).await.unwrap();

    let (tab, mut events) = newer(&bootstrap(b"not stale"));
    let refused = loop {
        let alarm = until(&mut events, "alarm").await;
        if text(&alarm, "message").contains("another chain") {
            break alarm;
        }
    };
    assert!(flag(&refused, "fatal"));
    JsFuture::from(tab.forget_chain()).await.unwrap();
    JsFuture::from(tab.stop()).await.unwrap();
}

#[wasm_bindgen_test]
async fn what_a_script_asks_for_is_looked_at_and_told_again_to_a_new_auditor() {
    let (tab, mut events) = played(&bootstrap(b"asks"));
    let object = |json: &str| JSON::parse(json).unwrap();
    assert!(tab.policy(object(r#"{"type": "dance"}"#)).is_err());
    assert!(tab.policy(object(r#"{"type": "payoff"}"#)).is_err());
    assert!(tab.ask(object(r#"{"type": "stake", "uid": -1, "amount": "1"}"#)).is_err());
    assert!(tab.ask(object(r#"{"type": "transfer", "from": "cold"}"#)).is_err());
    until(&mut events, "identity").await;
    tab.policy(object(r#"{"type": "payoff", "alpha": 1}"#)).unwrap();
    tab.work(true);
    tab.ask(object(r#"{"type": "weights", "row": [[3, 1], [5, 0.25]]}"#)).unwrap();
    let policy = heard(&mut events, "policy").await;
    assert_eq!(JSON::stringify(&policy).unwrap(), r#"{"type":"policy","policy":{"type":"payoff","alpha":1}}"#);
    heard(&mut events, "work").await;
    let ask = heard(&mut events, "ask").await;
    assert_eq!(JSON::stringify(&ask).unwrap(), r#"{"type":"ask","intent":{"type":"weights","row":[[3,1],[5,0.25]]}}"#);
    JsFuture::from(tab.import_cold("33".repeat(32))).await.unwrap();
    let start = heard(&mut events, "start").await;
    assert_eq!(text(&start, "seed"), "11".repeat(32), "the hot key stays");
    heard(&mut events, "policy").await;
    assert!(flag(&heard(&mut events, "work").await, "paused"));
    JsFuture::from(tab.forget_chain()).await.unwrap();
    JsFuture::from(tab.stop()).await.unwrap();
}

//! A purchase over the port in a real browser: from what a person asks for to what the seller's tab credits.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../../../core/light/tests/chain/mod.rs"]
mod chain;
mod live;

use chain::Chain;
use commonware_codec::Encode as _;
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use commonware_formatting::hex;
use live::{NODE, PEER, bootstrap_of, honest, settings, settle};
use peerage_auditor::{Session, Store, parse};
use protocol::exchange::{Refuse, Response, Unpaid, is_claim};
use protocol::port::auditor::{Command, Event, Intent, Signer};
use serde_bytes::ByteBuf;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Base units for 1,024 positions.
const PRICE: u64 = 8_192_000;

/// A session of the holder of this seed.
fn session(chain: &Chain, seed: u64) -> Session {
    let text = bootstrap_of(chain).to_text().unwrap();
    let key = hex(&PrivateKey::from_seed(seed).encode());
    let settings = settings(&text, Some(&key), PEER, None).unwrap();
    let store = Store::nowhere(&Session::SHELVES);
    let mut session = Session::start(settings, store, &[], js_sys::Date::now, chain.time()).unwrap();
    session.take(Command::Source { name: NODE.into(), up: true }, chain.time());
    session
}

/// What the seller says to a claim.
fn claimed(seller: &mut Session, chain: &Chain, peer: &str, price: &str, bytes: &[u8]) -> (Option<u64>, Response) {
    let bytes = ByteBuf::from(bytes.to_vec());
    seller.take(Command::Claim { id: 7, peer: peer.into(), price: price.into(), bytes }, chain.time());
    let events = seller.events();
    let answer = events.iter().find_map(|event| match event {
        Event::Claimed { id: 7, peer: of, positions, bytes } if of == peer => Some((*positions, bytes)),
        _ => None,
    });
    let (positions, bytes) = answer.unwrap();
    (positions, Response::from_bytes(bytes).unwrap())
}

#[wasm_bindgen_test]
fn what_a_person_bought_is_credited_by_the_sellers_tab() {
    let mut chain = Chain::new(1);
    let (mut buyer, mut seller) = (session(&chain, 1), session(&chain, 2));
    let of = PrivateKey::from_seed(2).public_key().to_string();
    let mut events = (vec![], vec![]);
    let mut live = |chain: &mut Chain, buyer: &mut Session, seller: &mut Session, done: &dyn Fn(&Event) -> bool| {
        for _ in 0..40 {
            events.0.extend(settle(buyer, chain, &mut honest));
            events.1.extend(settle(seller, chain, &mut honest));
            if let Some(event) = events.0.iter().chain(&events.1).find(|event| done(event)) {
                return event.clone();
            }
            chain.step();
        }
        panic!("not done: {events:#?}");
    };
    live(&mut chain, &mut buyer, &mut seller, &|event| matches!(event, Event::Selling { sells: true }));
    let amount = (2 * PRICE).to_string();
    buyer.take(
        Command::Ask { intent: Intent::Purchase { from: Signer::Hot, seller: of.clone(), amount } },
        chain.time(),
    );
    let bought = live(&mut chain, &mut buyer, &mut seller, &|event| matches!(event, Event::Bought { .. }));
    let Event::Bought { seller: paid, bytes, .. } = bought else { panic!() };
    assert!(paid == of && is_claim(&bytes));
    let price = PRICE.to_string();
    let unpaid = |unpaid| (None, Response::Refuse(Refuse::Unpaid(unpaid)));
    let other = "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X";
    assert_eq!(claimed(&mut seller, &chain, other, &price, &bytes), unpaid(Unpaid::OtherBuyer));
    assert_eq!(claimed(&mut seller, &chain, PEER, "0", &bytes), unpaid(Unpaid::NotForSale));
    assert_eq!(claimed(&mut seller, &chain, PEER, "free", &bytes), unpaid(Unpaid::NotForSale));
    let unreadable = (None, Response::Refuse(Refuse::Unreadable));
    assert_eq!(claimed(&mut seller, &chain, PEER, &price, &bytes[1..]), unreadable);
    assert_eq!(claimed(&mut seller, &chain, "l0l", &price, &bytes), unreadable);
    let credit = (Some(2_048), Response::Credit { positions: 2_048 });
    assert_eq!(claimed(&mut seller, &chain, PEER, &price, &bytes), credit);
    assert_eq!(claimed(&mut seller, &chain, PEER, &price, &bytes), unpaid(Unpaid::Again));
}

#[wasm_bindgen_test]
fn what_cannot_be_bought_is_said() {
    let mut chain = Chain::new(1);
    let mut buyer = session(&chain, 1);
    settle(&mut buyer, &mut chain, &mut honest);
    let stranger = PrivateKey::from_seed(77).public_key().to_string();
    for (seller, amount) in [("ab", "5"), (stranger.as_str(), "0"), (stranger.as_str(), "5")] {
        let intent = Intent::Purchase { from: Signer::Hot, seller: seller.into(), amount: amount.into() };
        buyer.take(Command::Ask { intent }, chain.time());
        let [Event::Alarm { message, fatal: false, stale: false }] = &buyer.events()[..] else { panic!() };
        assert!(message.starts_with("not signed: "), "{message}");
    }
}

#[wasm_bindgen_test]
fn its_words_cross_as_plain_objects() {
    let text = r#"({type: "ask", intent: {type: "purchase", from: "cold", seller: "ab", amount: "5"}})"#;
    let Command::Ask { intent } = parse(js_sys::eval(text).unwrap()).unwrap() else { panic!() };
    assert_eq!(intent, Intent::Purchase { from: Signer::Cold, seller: "ab".into(), amount: "5".into() });
    let text = r#"({type: "claim", id: 3, peer: "p", price: "4", bytes: new Uint8Array([1, 3])})"#;
    let command = parse(js_sys::eval(text).unwrap()).unwrap();
    assert!(matches!(command, Command::Claim { id: 3, peer, price, bytes }
        if (peer.as_str(), price.as_str()) == ("p", "4") && is_claim(&bytes)));
}

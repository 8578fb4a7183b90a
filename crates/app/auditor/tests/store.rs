//! The store in a real browser's worker: what is kept is there again, whatever happened in between, and a session that
//! begins with it goes on where it was.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../../../core/light/tests/chain/mod.rs"]
mod chain;
mod live;

use chain::Chain;
use js_sys::Uint8Array;
use live::{NODE, audited, honest, live, session_on, settle};
use peerage_auditor::{Kept, Session, Store};
use protocol::port::auditor::{Command, Event, Place};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{
    DedicatedWorkerGlobalScope, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemSyncAccessHandle,
};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const SHELVES: &[&str] = &["links", "head"];

fn kept(shelf: &'static str, content: &[u8]) -> Kept {
    Kept { shelf, content: content.into(), damage: None }
}

/// Lets `change` do what it likes to the file of a shelf that no store has open.
async fn meddle(chain: &str, shelf: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into().unwrap();
    let root = JsFuture::from(scope.navigator().storage().get_directory()).await.unwrap();
    let root: FileSystemDirectoryHandle = root.unchecked_into();
    let folder = JsFuture::from(root.get_directory_handle(&format!("peerage-{chain}"))).await.unwrap();
    let folder: FileSystemDirectoryHandle = folder.unchecked_into();
    let file: FileSystemFileHandle = JsFuture::from(folder.get_file_handle(shelf)).await.unwrap().unchecked_into();
    let handle: FileSystemSyncAccessHandle =
        JsFuture::from(file.create_sync_access_handle()).await.unwrap().unchecked_into();
    let bytes = Uint8Array::new_with_length(handle.get_size().unwrap() as u32);
    handle.read_with_js_u8_array(&bytes).unwrap();
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    handle.truncate_with_u32(0).unwrap();
    let at = web_sys::FileSystemReadWriteOptions::new();
    at.set_at_u32(0);
    handle.write_with_u8_array_and_options(&bytes, &at).unwrap();
    handle.close();
}

#[wasm_bindgen_test]
async fn what_is_kept_is_there_again() {
    let (mut store, found) = Store::open("again", SHELVES).await;
    assert_eq!((store.place(), found), (Place::Opfs, vec![]));
    store.keep("links", b"one", true).unwrap();
    store.keep("head", b"a long head", false).unwrap();
    store.keep("links", b"two", true).unwrap();
    store.keep("head", b"short", false).unwrap();
    assert_eq!(store.bytes(), 11);
    drop(store);
    let (mut store, found) = Store::open("again", SHELVES).await;
    assert_eq!(found, [kept("links", b"onetwo"), kept("head", b"short")]);
    assert_eq!(store.bytes(), 11);
    // A shelf that grows may be begun anew, and goes on from there.
    store.keep("links", b"new", false).unwrap();
    store.keep("links", b"er", true).unwrap();
    drop(store);
    let (_, found) = Store::open("again", SHELVES).await;
    assert_eq!(found, [kept("links", b"newer"), kept("head", b"short")]);
}

#[wasm_bindgen_test]
async fn another_tab_keeps_nothing_and_another_chain_has_its_own() {
    let (mut first, _) = Store::open("shared", SHELVES).await;
    first.keep("head", b"first", false).unwrap();
    let (mut second, found) = Store::open("shared", SHELVES).await;
    assert_eq!((second.place(), found), (Place::Memory, vec![]));
    second.keep("head", b"second", false).unwrap();
    assert_eq!(second.bytes(), 6);
    let (other, found) = Store::open("other", SHELVES).await;
    assert_eq!((other.place(), found), (Place::Opfs, vec![]));
    drop((first, second));
    let (_, found) = Store::open("shared", SHELVES).await;
    assert_eq!(found, [kept("head", b"first")]);
}

#[wasm_bindgen_test]
async fn a_torn_tail_is_cut_and_written_over() {
    let (mut store, _) = Store::open("torn", SHELVES).await;
    store.keep("links", b"whole", true).unwrap();
    store.keep("links", b"torn", true).unwrap();
    drop(store);
    meddle("torn", "links", |bytes| bytes.truncate(bytes.len() - 2)).await;
    let (mut store, found) = Store::open("torn", SHELVES).await;
    assert_eq!(found, [kept("links", b"whole")]);
    store.keep("links", b" again", true).unwrap();
    drop(store);
    let (_, found) = Store::open("torn", SHELVES).await;
    assert_eq!(found, [kept("links", b"whole again")]);
}

#[wasm_bindgen_test]
async fn damage_is_told_once_and_what_is_whole_stays() {
    let (mut store, _) = Store::open("damaged", SHELVES).await;
    store.keep("links", b"whole", true).unwrap();
    store.keep("links", b"changed", true).unwrap();
    store.keep("head", b"head", false).unwrap();
    drop(store);
    meddle("damaged", "links", |bytes| *bytes.last_mut().unwrap() ^= 1).await;
    meddle("damaged", "head", |bytes| bytes[10] ^= 1).await;
    let (mut store, found) = Store::open("damaged", SHELVES).await;
    let [links, head] = &found[..] else { panic!("{found:?}") };
    assert_eq!((links.shelf, &links.content[..]), ("links", &b"whole"[..]));
    assert!(links.damage.as_ref().unwrap().starts_with("from byte 41"), "{links:?}");
    assert_eq!((head.shelf, &head.content[..]), ("head", &b""[..]));
    assert!(head.damage.is_some());
    store.keep("head", b"new head", false).unwrap();
    drop(store);
    let (_, found) = Store::open("damaged", SHELVES).await;
    assert_eq!(found, [kept("links", b"whole"), kept("head", b"new head")]);
}

/// A session over the shelves of the browser, which has audited an epoch.
async fn visit(chain: &mut Chain) {
    let mut session = session_on(chain, None, Store::open(&chain.id().to_string(), &Session::SHELVES).await);
    session.take(Command::Source { name: NODE.into(), up: true }, chain.time());
    let events = live(&mut session, chain, 60, |events| {
        let two = |event: &Event| matches!(event, Event::Kept { epochs, place: Place::Opfs, .. } if *epochs >= 2);
        audited(events) && events.iter().any(two)
    });
    let bytes =
        events.iter().rev().find_map(|event| if let Event::Kept { bytes, .. } = event { Some(*bytes) } else { None });
    assert!(bytes.unwrap() > 1_000);
}

fn restored(events: &[Event]) -> Vec<(u64, bool)> {
    let of = |event: &Event| {
        if let Event::Restored { epochs, tables, .. } = event { Some((*epochs, *tables)) } else { None }
    };
    events.iter().filter_map(of).collect()
}

fn damaged(events: &[Event]) -> Vec<&str> {
    let damaged = events.iter().filter_map(|event| match event {
        Event::Damaged { shelf, .. } => Some(shelf.as_str()),
        _ => None,
    });
    damaged.collect()
}

#[wasm_bindgen_test]
async fn a_page_that_is_loaded_again_verifies_what_it_kept_and_asks_nobody() {
    let mut chain = Chain::new(4);
    visit(&mut chain).await;
    let mut session = session_on(&chain, None, Store::open(&chain.id().to_string(), &Session::SHELVES).await);
    let events = session.events();
    let (epochs, tables) = *restored(&events).last().unwrap();
    assert!(epochs >= 2 && tables, "{events:?}");
    assert_eq!(damaged(&events), [""; 0]);
    let now = chain.time();
    session.drive(now, || now);
    let events = session.events();
    assert!(events.iter().any(|event| matches!(event, Event::Neurons { .. })), "the tables are there: {events:?}");
    // It goes on where it was.
    session.take(Command::Source { name: NODE.into(), up: true }, now);
    live(&mut session, &mut chain, 30, audited);
}

#[wasm_bindgen_test]
async fn a_second_tab_keeps_nothing_and_says_so() {
    let mut chain = Chain::new(3);
    visit(&mut chain).await;
    let id = chain.id().to_string();
    let mut first = session_on(&chain, None, Store::open(&id, &Session::SHELVES).await);
    let mut second = session_on(&chain, None, Store::open(&id, &Session::SHELVES).await);
    let place = |session: &mut Session| {
        let events = session.events();
        events.iter().find_map(|event| if let Event::Kept { place, .. } = event { Some(*place) } else { None }).unwrap()
    };
    assert_eq!((place(&mut first), place(&mut second)), (Place::Opfs, Place::Memory));
    second.take(Command::Source { name: NODE.into(), up: true }, chain.time());
    live(&mut second, &mut chain, 30, audited);
}

#[wasm_bindgen_test]
async fn a_shelf_that_is_damaged_is_told_and_kept_anew() {
    for (validators, shelf) in [(5, "head"), (6, "links"), (7, "epoch")] {
        let mut chain = Chain::new(validators);
        visit(&mut chain).await;
        let id = chain.id().to_string();
        // Whoever can write the file can write a frame that fits; then it is the light client that sees it.
        meddle(&id, shelf, |bytes| {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
        })
        .await;
        let mut session = session_on(&chain, None, Store::open(&id, &Session::SHELVES).await);
        let events = session.events();
        assert_eq!(damaged(&events), [shelf]);
        session.take(Command::Source { name: NODE.into(), up: true }, chain.time());
        for _ in 0..chain.tempo() * 2 + 2 {
            settle(&mut session, &mut chain, &mut honest);
            chain.step();
        }
        drop(session);
        let mut session = session_on(&chain, None, Store::open(&id, &Session::SHELVES).await);
        let events = session.events();
        assert_eq!(damaged(&events), [""; 0], "the {shelf} shelf was written anew: {events:?}");
        assert!(restored(&events).last().unwrap().1, "{events:?}");
    }
}

#[wasm_bindgen_test]
async fn a_frame_that_fits_around_nonsense_is_seen_by_the_light_client() {
    let mut chain = Chain::new(2);
    visit(&mut chain).await;
    let id = chain.id().to_string();
    for shelf in Session::SHELVES {
        let (mut store, _) = Store::open(&id, &Session::SHELVES).await;
        store.keep(shelf, &[7; 50], false).unwrap();
        drop(store);
        let mut session = session_on(&chain, None, Store::open(&id, &Session::SHELVES).await);
        assert_eq!(damaged(&session.events()), [shelf]);
        // What is of no use is gone once the session has run.
        let now = chain.time();
        session.drive(now, || now);
    }
}

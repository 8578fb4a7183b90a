//! What is kept of a model, in a real browser's worker: the newest that is whole, whatever happened while one was written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![cfg(target_arch = "wasm32")]
#![recursion_limit = "256"]

use opfs::Folder;
use peerage_trainer::{Found, Keep};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn model(bytes: &[u8]) -> Found {
    Found { model: Some(bytes.into()), damage: None }
}

/// Changes one of the two files of `text` while no keep has it.
async fn meddle(chain: &str, file: usize, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let mut file = Folder::open(chain).await.unwrap().file(&format!("model-text-{file}")).await.unwrap();
    let changed = change(file.read().unwrap());
    file.write(0, &changed).unwrap();
}

#[wasm_bindgen_test]
async fn the_newest_is_there_again_and_each_source_has_its_own() {
    let (mut keep, found) = Keep::open(Some("newest"), "text").await;
    assert_eq!((keep.keeps(), found), (true, Found::default()));
    for content in [&b"one"[..], b"two", b"three"] {
        assert!(keep.keep(content).unwrap() > 0);
    }
    drop(keep);
    let (mut keep, found) = Keep::open(Some("newest"), "text").await;
    assert_eq!(found, model(b"three"));
    assert_eq!(Keep::open(Some("newest"), "glyphs").await.1, Found::default());
    keep.keep(b"four").unwrap();
    drop(keep);
    let (mut keep, found) = Keep::open(Some("newest"), "text").await;
    assert_eq!(found, model(b"four"));
    keep.forget();
    drop(keep);
    assert_eq!(Keep::open(Some("newest"), "text").await.1, Found::default());
}

#[wasm_bindgen_test]
async fn a_write_that_tears_leaves_the_one_before() {
    let (mut keep, _) = Keep::open(Some("torn"), "text").await;
    keep.keep(b"older").unwrap();
    keep.keep(b"newer").unwrap();
    drop(keep);
    // The first went into the second file, so the second into the first.
    meddle("torn", 0, |file| file[..file.len() - 1].to_vec()).await;
    let (mut keep, found) = Keep::open(Some("torn"), "text").await;
    assert_eq!(found, model(b"older"));
    // What comes next takes the place of the torn one.
    keep.keep(b"newest").unwrap();
    drop(keep);
    meddle("torn", 1, |mut file| {
        file[40] ^= 1;
        file
    })
    .await;
    assert_eq!(Keep::open(Some("torn"), "text").await.1, model(b"newest"));
    meddle("torn", 0, |_| b"junk".repeat(20)).await;
    let found = Keep::open(Some("torn"), "text").await.1;
    assert_eq!(found.model, None);
    assert!(found.damage.is_some());
}

#[wasm_bindgen_test]
async fn who_comes_second_keeps_nothing_and_spoils_nothing() {
    let (mut keep, _) = Keep::open(Some("second"), "text").await;
    let (mut second, found) = Keep::open(Some("second"), "text").await;
    assert_eq!((second.keeps(), found), (false, Found::default()));
    let fault = second.fault().cloned().unwrap();
    assert_eq!([second.keep(b"other"), second.keep(b"more")], [Err(fault.clone()), Err(fault)]);
    keep.keep(b"own").unwrap();
    drop(keep);
    assert_eq!(Keep::open(Some("second"), "text").await.1, model(b"own"));
    let mut unwanted = Keep::open(None, "text").await.0;
    assert_eq!((unwanted.keeps(), unwanted.fault().cloned(), unwanted.keep(b"own")), (false, None, Ok(0)));
}

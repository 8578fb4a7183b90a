//! All scenarios in a real browser: the same bits as natively.

#![cfg(target_arch = "wasm32")]

mod suite;

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
fn scenarios_compute_the_same_bits_as_natively() {
    let wrong = suite::wrong();
    assert!(wrong.is_empty(), "other bits than natively:\n{wrong}");
}

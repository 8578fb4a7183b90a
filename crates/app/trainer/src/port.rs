//! Words over `postMessage`: plain objects, bytes as `Uint8Array`s whose buffers are transferred.

use js_sys::{Array, Reflect, Uint8Array};
use protocol::port::trainer::{Command, Event};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DedicatedWorkerGlobalScope;

/// A command from what the page posted.
///
/// # Errors
/// What does not fit, in words.
pub fn parse(data: JsValue) -> Result<Command, String> {
    serde_wasm_bindgen::from_value(data).map_err(|error| error.to_string())
}

/// An event as a plain object.
///
/// # Errors
/// What cannot be said in an object; no event has such a value.
pub fn plain(event: &Event) -> Result<JsValue, String> {
    event.serialize(&serde_wasm_bindgen::Serializer::new()).map_err(|error| error.to_string())
}

/// This worker's scope; `None` outside a dedicated worker.
pub(crate) fn scope() -> Option<DedicatedWorkerGlobalScope> {
    js_sys::global().dyn_into().ok()
}

/// Posts `event` to the page. Outside a worker nobody listens.
pub(crate) fn post(event: &Event) {
    let (Some(scope), Ok(object)) = (scope(), plain(event)) else { return };
    let transfer = Array::new();
    if let Ok(bytes) = Reflect::get(&object, &"bytes".into())
        && let Some(bytes) = bytes.dyn_ref::<Uint8Array>()
    {
        transfer.push(&bytes.buffer());
    }
    // The page is gone where this fails, and this worker with it.
    drop(scope.post_message_with_transfer(&object, &transfer));
}

//! A worker of this tab and its words. What comes from it is from our own module; what a neighbour sent stays encoded inside.

use js_sys::{Array, Reflect, Uint8Array};
use serde::Serialize;
use std::rc::Rc;
use wasm_bindgen::prelude::{Closure, JsCast, JsValue};
use web_sys::{ErrorEvent, MessageEvent, WorkerOptions, WorkerType};

/// A worker; it ends when this is dropped.
pub(crate) struct Worker {
    worker: web_sys::Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Worker {
    /// Starts the module at `url`. `heard` gets each message, `broke` the reason when it cannot be loaded or throws.
    ///
    /// # Errors
    /// The browser's reason not to start a worker there.
    pub(crate) fn start(
        url: &str,
        heard: impl Fn(JsValue) + 'static,
        broke: impl Fn(String) + 'static,
    ) -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = web_sys::Worker::new_with_options(url, &options).map_err(|error| text(&error))?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| heard(message.data()));
        let url: Rc<str> = url.into();
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |error: ErrorEvent| {
            // A module that cannot be fetched gives an event without a message.
            let message = Reflect::get(&error, &"message".into()).ok().and_then(|message| message.as_string());
            broke(
                message.filter(|message| !message.is_empty()).unwrap_or_else(|| format!("{url} could not be loaded")),
            );
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self { worker, _on_message: on_message, _on_error: on_error })
    }

    /// Posts a command, its bytes transferred.
    pub(crate) fn post(&self, command: &impl Serialize) {
        let object = match command.serialize(&serde_wasm_bindgen::Serializer::new()) {
            Ok(object) => object,
            Err(error) => return web_sys::console::error_1(&error.to_string().into()),
        };
        let transfer = Array::new();
        let content = Reflect::get(&object, &"content".into()).unwrap_or_default();
        for holder in [&object, &content] {
            if let Ok(bytes) = Reflect::get(holder, &"bytes".into())
                && let Some(bytes) = bytes.dyn_ref::<Uint8Array>()
            {
                transfer.push(&bytes.buffer());
            }
        }
        if let Err(error) = self.worker.post_message_with_transfer(&object, &transfer) {
            web_sys::console::error_1(&error);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

/// What a thrown value says.
fn text(error: &JsValue) -> String {
    Reflect::get(error, &"message".into())
        .ok()
        .and_then(|message| message.as_string())
        .unwrap_or_else(|| format!("{error:?}"))
}

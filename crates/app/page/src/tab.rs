//! The class that scripts see. Each function decodes, calls and encodes; the work is in `session`. Its types for scripts are those of the
//! npm package `pkg/peer`, where a test holds them against this file and the port.

use crate::{
    keys::{self, Keys},
    session::{Session, Word},
    words::Listener,
};
use futures::channel::{mpsc, oneshot};
use js_sys::{Float32Array, Function, Promise, Uint8Array};
use protocol::{
    bootstrap::{self, Bootstrap, IceServer},
    port::{
        auditor,
        trainer::{Command, DeviceChoice, Source},
    },
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::prelude::{Closure, JsCast, JsError, JsValue, wasm_bindgen};
use wasm_bindgen_futures::{future_to_promise, spawn_local};
use web_sys::EventTarget;

/// A tab that takes part.
#[wasm_bindgen(skip_typescript)]
pub struct Tab {
    words: mpsc::UnboundedSender<Word>,
    last: Rc<RefCell<JsValue>>,
    chain: String,
}

/// What a script gives to start.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Options {
    /// The text of `/bootstrap.json`.
    pub(crate) bootstrap_text: String,
    /// Where a newer one is, relative to the page.
    #[serde(default = "beside_the_page")]
    pub(crate) bootstrap_url: String,
    /// Where the trainer's module is.
    pub(crate) trainer_url: String,
    /// Where the auditor's module is.
    pub(crate) auditor_url: String,
    /// Which device to train on.
    #[serde(default = "automatic")]
    pub(crate) device: DeviceChoice,
    /// A seed of the hot key in place of the one kept here, hex.
    #[serde(default)]
    pub(crate) seed: Option<String>,
    /// STUN and TURN servers in place of those of the bootstrap.
    #[serde(default)]
    pub(crate) ice_servers: Option<Vec<IceServer>>,
}

/// What a script names to learn from.
#[derive(Deserialize)]
struct Learn {
    source: Source,
    /// Whether nobody is asked.
    #[serde(default)]
    private: bool,
}

fn automatic() -> DeviceChoice {
    DeviceChoice::Auto
}

fn beside_the_page() -> String {
    "bootstrap.json".into()
}

#[wasm_bindgen]
impl Tab {
    /// Starts the workers and the network. Takes no part before `join`.
    ///
    /// # Errors
    /// Options that do not fit, a bootstrap that cannot be read, and a chain that is not the one this browser has joined before.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue) -> Result<Tab, JsError> {
        console_error_panic_hook::set_once();
        let listener = js_sys::Reflect::get(&options, &"onEvent".into())
            .ok()
            .and_then(|value| value.dyn_into::<Function>().ok())
            .ok_or_else(|| JsError::new("onEvent is not a function"))?;
        let options: Options = serde_wasm_bindgen::from_value(options)
            .map_err(|error| JsError::new(&format!("options of Tab: {error}")))?;
        bootstrap::bounded(options.ice_servers.as_deref().unwrap_or_default())?;
        let bootstrap = Bootstrap::parse(&options.bootstrap_text)?;
        let chain = bootstrap.chain.to_string();
        keys::pin(&chain)?;
        let (words, inbox) = mpsc::unbounded();
        let last = Rc::new(RefCell::new(JsValue::NULL));
        let listener = Listener::new(listener, Rc::clone(&last));
        listener.browser();
        listen(&words);
        let sender = words.clone();
        let named = chain.clone();
        spawn_local(async move {
            let keys = Keys::acquire(&named, options.seed.is_some()).await;
            match Session::start(options, bootstrap, keys, listener.clone(), sender) {
                Ok(session) => session.run(inbox).await,
                Err(error) => listener.trouble(&error.to_string(), true),
            }
        });
        Ok(Tab { words, last, chain })
    }

    /// Takes part: registers, signs, and trains once there is something to learn from.
    pub fn join(&self) {
        self.say(Word::Join);
    }

    /// What to learn from next; its content follows by `give`, an `end` last. Until then what was learned before goes on.
    /// A `dataset` event tells that it can be learned from, `unusable` that it cannot.
    ///
    /// # Errors
    /// What is no source.
    pub fn learn(&self, what: JsValue) -> Result<(), JsError> {
        let Learn { source, private } = parsed(what, "what to learn from")?;
        self.say(Word::Learn(source, private));
        Ok(())
    }

    /// A piece of the newest source. `reading` events tell how much was taken: give no faster.
    ///
    /// # Errors
    /// What is no content.
    pub fn give(&self, content: JsValue) -> Result<(), JsError> {
        self.say(Word::Give(parsed(content, "content")?));
        Ok(())
    }

    /// Whether nobody is asked from now on, so that nothing that is learned from leaves the tab.
    pub fn private(&self, private: bool) {
        self.say(Word::Train(Command::Private { private }));
    }

    /// Cuts learning off from the network, or ends that: neighbours are neither asked nor answered.
    pub fn offline(&self, offline: bool) {
        self.say(Word::Offline(offline));
    }

    /// Looks at the held-out part; a `validation` event follows.
    pub fn validate(&self) {
        self.say(Word::Train(Command::Validate));
    }

    /// Keeps the model now; a `modelKept` event follows.
    pub fn keep(&self) {
        self.say(Word::Train(Command::Keep));
    }

    /// Gives the model as a safetensors file, in an `exported` event.
    pub fn export(&self) {
        self.say(Word::Train(Command::Export));
    }

    /// Goes on with the model of a safetensors file; an `imported` event or a `trouble` follows.
    #[wasm_bindgen(js_name = importModel)]
    pub fn import_model(&self, file: &Uint8Array) {
        self.say(Word::Train(Command::Import { bytes: ByteBuf::from(file.to_vec()) }));
    }

    /// Deletes what is kept of the model of this source, and begins anew.
    #[wasm_bindgen(js_name = forgetModel)]
    pub fn forget_model(&self) {
        self.say(Word::Train(Command::Forget));
    }

    /// What 1,024 positions of logits cost those without stake: base units as text, "0": nothing.
    ///
    /// # Errors
    /// What is no amount.
    pub fn price(&self, price: &str) -> Result<(), JsError> {
        let price = price.parse().map_err(|_| JsError::new(&format!("{price:?} is no amount of base units")))?;
        self.say(Word::Price(price));
        Ok(())
    }

    /// Asks a neighbour what comes next in a text or what is in a picture. Resolves with a Float32Array of the classes'
    /// logits; rejects with a sentence.
    ///
    /// # Errors
    /// What is no question.
    pub fn logits(&self, peer: String, question: JsValue) -> Result<Promise, JsError> {
        let question = parsed(question, "question")?;
        let logits = |logits: Vec<f32>| Float32Array::from(logits.as_slice()).into();
        Ok(self.answered(|done| Word::Question(peer, question, done), logits))
    }

    /// Holds the training, or goes on. Others are answered meanwhile.
    pub fn pause(&self, paused: bool) {
        self.say(Word::Pause(paused));
    }

    /// What the own row follows from now on; the scores before this is called.
    ///
    /// # Errors
    /// What is no policy.
    pub fn policy(&self, policy: JsValue) -> Result<(), JsError> {
        self.say(Word::Policy(parsed(policy, "policy")?));
        Ok(())
    }

    /// Asks for a transaction. `transaction` events, or an alarm, tell what becomes of it.
    ///
    /// # Errors
    /// What is no intent.
    pub fn ask(&self, intent: JsValue) -> Result<(), JsError> {
        self.say(Word::Ask(parsed::<auditor::Intent>(intent, "intent")?));
        Ok(())
    }

    /// Holds the proof of work of the registration, or goes on with it.
    pub fn work(&self, paused: bool) {
        self.say(Word::Work(paused));
    }

    /// The text of the cold key's backup file, once; from then on nobody can read the key here. Rejects with a sentence where
    /// there is no such key, or it was backed up before.
    pub fn backup(&self) -> Promise {
        self.answered(Word::Backup, |text| text.into())
    }

    /// Takes the cold key of a backup file in place of the one kept here. Rejects with a sentence where the text is none.
    #[wasm_bindgen(js_name = importCold)]
    pub fn import_cold(&self, text: String) -> Promise {
        self.answered(|done| Word::Import(text, done), |()| JsValue::UNDEFINED)
    }

    /// Ends it: the step is finished, connections are closed, workers end. Resolves when all is done.
    pub fn stop(&self) -> Promise {
        let (done, end) = oneshot::channel();
        self.say(Word::Stop(done));
        future_to_promise(async move {
            // An end that nobody announces is an end.
            let _ = end.await;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Gives up what this browser keeps of any chain: its identity, which chain it has joined, and what it verified. Nothing is
    /// checked after that. Resolves when all is gone, or what another tab has open is all there is left.
    #[wasm_bindgen(js_name = forgetChain)]
    pub fn forget_chain(&self) -> Promise {
        self.say(Word::Forget);
        keys::forget();
        future_to_promise(async {
            keys::forget_files().await;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// The chain this tab follows, hex.
    #[wasm_bindgen(getter)]
    pub fn chain(&self) -> String {
        self.chain.clone()
    }

    /// The last `network` event; null before the first.
    pub fn snapshot(&self) -> JsValue {
        self.last.borrow().clone()
    }

    /// What the session answers to a word.
    fn answered<T: 'static>(
        &self,
        word: impl FnOnce(oneshot::Sender<Result<T, String>>) -> Word,
        value: fn(T) -> JsValue,
    ) -> Promise {
        let (done, answer) = oneshot::channel();
        self.say(word(done));
        future_to_promise(async move {
            let answer = answer.await.unwrap_or_else(|_| Err("The tab has stopped: load the page anew.".into()));
            answer.map(value).map_err(|reason| JsError::new(&reason).into())
        })
    }

    fn say(&self, word: Word) {
        // After the end nobody listens, and nothing is left to do.
        drop(self.words.unbounded_send(word));
    }
}

/// A value of the port from a script.
fn parsed<T: DeserializeOwned>(value: JsValue, what: &str) -> Result<T, JsError> {
    serde_wasm_bindgen::from_value(value).map_err(|error| JsError::new(&format!("{what}: {error}")))
}

/// A page that is left closes its connections by itself, so that others need not wait to notice; one whose machine has changed its
/// network looks after them at once.
fn listen(words: &mpsc::UnboundedSender<Word>) {
    let on = |target: &EventTarget, event: &str, word: fn() -> Word| {
        let words = words.clone();
        let heard = Closure::<dyn FnMut()>::new(move || drop(words.unbounded_send(word())));
        // Without the listener it is noticed all the same, later.
        let _ = target.add_event_listener_with_callback(event, heard.as_ref().unchecked_ref());
        heard.forget();
    };
    let Some(window) = web_sys::window() else { return };
    on(&window, "pagehide", || Word::Leave);
    on(&window, "online", || Word::NetworkChanged);
    // Not every browser tells of a change that does not cut it off.
    let connection = js_sys::Reflect::get(&window.navigator(), &"connection".into());
    if let Some(connection) = connection.ok().and_then(|value| value.dyn_into::<EventTarget>().ok()) {
        on(&connection, "change", || Word::NetworkChanged);
    }
}

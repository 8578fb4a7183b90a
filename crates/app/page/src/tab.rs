//! The class that scripts see. Each function decodes, calls and encodes; the work is in `session`.

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

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** How a tab is started. */
export interface TabOptions {
  /** The text of `/bootstrap.json`. */
  bootstrapText: string;
  /** Where a newer one is fetched when this is too old; absent: `bootstrap.json` beside the page. */
  bootstrapUrl?: string;
  /** Module of the worker that trains. */
  trainerUrl: string;
  /** Module of the worker that checks the ledger. */
  auditorUrl: string;
  device?: "auto" | "cpu" | "gpu";
  /** Seed of the hot key, 64 hex digits; absent: the one kept in this browser, or a new one. */
  seed?: string;
  /** STUN and TURN servers in place of those that the node names, 8 at most; empty: none. Throws where a browser would refuse one. */
  iceServers?: (string | TabIceServer)[];
  /** Gets every event, in order. */
  onEvent: (event: TabEvent) => void;
}

/** A STUN or TURN server, as `RTCIceServer`; TURN needs username and credential. */
export interface TabIceServer { urls: string | string[]; username?: string; credential?: string }

/** One connected peer. */
export interface TabConnection {
  peer: string;
  /** Hot key, once its record is verified. */
  key: string | null;
  kind: "node" | "resident" | "tab" | null;
  /** Relayed: by a circuit through the node; direct: WebRTC, browser to browser. */
  path: "websocket" | "relayed" | "direct";
  /** Round trip, ms. */
  rtt: number | null;
  /** What it represents, once its record is verified: 1 text, 2 pictures, 4 speech, 8 tables, added up. */
  modalities: number | null;
  /** Base units for 1,024 positions, as text; "0": not for sale. */
  price: string | null;
}

/** Exchanges by kind of neighbour. */
export interface TabByKind { residents: number; tabs: number }
/** Exchanges by path. */
export interface TabTally { websocket: TabByKind; relayed: TabByKind; direct: TabByKind }

/** Where the network stands; at least once a second. */
export interface TabNetwork {
  type: "network";
  peer: string;
  node: { up: boolean; reason: string | null; retryMs: number | null };
  connections: TabConnection[];
  /** Bytes of messages since the start. */
  bytesIn: number;
  bytesOut: number;
  exchanges: {
    /** Own asks answered and gradients applied, by all tabs and by all residents. */
    tab: number; resident: number;
    asked: TabTally; served: TabTally;
    /** Own asks and gradients refused, lost or late. */
    failed: number;
  };
}

/** Who this tab is; again whenever its keys change. */
export interface TabIdentity {
  type: "identity";
  /** Hot key: signs rows. */
  key: string;
  /** Cold key: owns the stake; null: the hot key does. */
  cold: string | null;
  /** Whether the cold key is in a file; it can be saved only once. */
  backedUp: boolean;
  chain: string;
  peer: string;
  /** Whether it is from an earlier visit; null: for this tab alone. */
  kept: boolean | null;
}

/** An epoch was recomputed here. */
export interface TabAudit {
  type: "audit"; epoch: number; height: number; millis: number; bytes: number;
  outcome:
    | { type: "sound"; peers: number; transactions: number }
    | { type: "wrong"; table: string | null; uid: number | null; figure: string; chain: string; own: string }
    | { type: "notAudited"; reason: string };
}

/** What the own row follows. */
export type TabPolicy = { type: "scores" } | { type: "payoff"; alpha: number } | { type: "hand" } | { type: "never" };

/** A transaction to be signed: amounts are base units as text (10^9 a token), keys hex. */
export type TabIntent =
  | { type: "weights"; row: [uid: number, share: number][] }
  | { type: "transfer"; from: "hot" | "cold"; to: string; amount: string }
  | { type: "sponsor"; key: string }
  | { type: "subscribe" }
  | { type: "stake" | "unstake"; uid: number; amount: string }
  | { type: "leave"; uid: number }
  | { type: "rekey"; uid: number; hot: string }
  /** Pays the neighbour with this hot key for answers; it is shown the payment when that is final, and a `credit` event follows. */
  | { type: "purchase"; from: "hot" | "cold"; seller: string; amount: string };

/** What is learned from. Glyphs and captions are drawn here and have no content but its end. */
export type TabSource = { type: "text" | "glyphs" | "captions" | "files" } | { type: "microphone"; rate: number };

/** Content of a source, in order: whole files, then the end. Pixels: red, green, blue, opacity; samples: f32, little endian. */
export type TabContent =
  | { type: "file"; name: string; size: number }
  | { type: "piece"; bytes: Uint8Array }
  | { type: "picture"; name: string; rows: number; columns: number; bytes: Uint8Array }
  | { type: "end" };

/** One example to ask a neighbour about. Patches: [channels, rows, columns]. */
export type TabQuestion = { type: "text"; bytes: Uint8Array } | { type: "image"; seq: number; item: [number, number, number]; bytes: Uint8Array };

/** What a neighbour was worth lately, and this tab's own encoding. */
export interface TabScore { key: string; score: number; error: number; fisher: number; gain: number; exact?: number; mass: number }

/** The held-out part: losses in nats a target, shares that are right in the same order. */
export interface TabValidation {
  type: "validation"; step: number; withPeers?: number; alone: number; student: number;
  accuracy?: (number | undefined)[]; examples: number;
}

/** What an epoch would make of the own peer; null where it is not defined. */
export interface TabFigures { rank: number | null; trust: number | null; clipped: number | null; loss: number | null; paid: number | null }

/** The own row that comes next: scores of 65,535 by uid, and what it changes. */
export interface TabProposal {
  type: "proposal"; policy: TabPolicy; signed: boolean; length: number;
  row: [uid: number, score: number][]; from: [uid: number, score: number][];
  before: TabFigures; after: TabFigures;
}

/** Where an own transaction stands. */
export interface TabTransaction {
  type: "transaction"; digest: string; action: string; signer: "hot" | "cold";
  state: { type: "pending" } | { type: "included"; height: number } | { type: "final"; height: number; index: number } | { type: "refused"; reason: string };
}

/** What the page, the trainer and the auditor say; see the port of the protocol crate for the fields of the last two. */
export type TabEvent =
  | { type: "browser"; webgpu: boolean; webrtc: boolean; locks: boolean }
  | TabIdentity
  | TabNetwork
  | { type: "refused"; peer: string; reason: string }
  | { type: "trouble"; message: string; fatal: boolean }
  /** `stale`: a newer bootstrap is being fetched, with which checking begins anew. */
  | { type: "alarm"; message: string; fatal: boolean; stale: boolean }
  | { type: "stopped" }
  | TabAudit | TabProposal | TabTransaction
  | { type: "working"; tried: number; expected: number; rate: number; paused: boolean }
  /** A source lied and is not asked any more while there are others. */
  | { type: "dropped"; source: string; reason: string }
  /** What is kept for the next visit; memory: nothing, since another tab has the files or the browser has none. */
  | { type: "kept"; bytes: number; epochs: number; place: "opfs" | "memory" }
  /** What was kept has been verified again. */
  | { type: "restored"; height: number; epochs: number; tables: boolean }
  | { type: "damaged"; shelf: string; reason: string }
  | TabValidation
  | { type: "scores"; scores: TabScore[] }
  /** Whose stake stands behind this tab: stake times the weight given to it, as a share of the largest such product, by hot key. */
  | { type: "askers"; askers: [key: string, weight: number][] }
  | { type: "reading"; done: number; of: number }
  | { type: "unusable"; source: TabSource; reason: string }
  | { type: "modelKept"; step: number; bytes: number; place: "opfs" | "memory"; reason?: string }
  | { type: "modelRestored"; step: number; bytes: number }
  | { type: "modelDamaged"; reason: string }
  | { type: "exported"; step: number; bytes: Uint8Array }
  | { type: "imported"; step: number }
  /** A seller owes so many positions: in all where `all` is true, else on top of what it owed before. */
  | { type: "credit"; peer: string; positions: number; all: boolean }
  | { type: "loaded" | "device" | "dataset" | "step" | "blamed" | "head" | "own" | "neurons"; [field: string]: unknown };

/** A tab that takes part. Make one a page. */
export class Tab {
  /** Starts workers and network; throws where the chain is another than this browser knows. */
  constructor(options: TabOptions);
  /** Takes part: registers, signs, and trains once there is something to learn from. */
  join(): void;
  /** What to learn from next; its content follows by `give`. What was learned before goes on until that has ended well. */
  learn(what: { source: TabSource; private?: boolean }): void;
  /** A piece of it; `reading` events tell how much was taken. */
  give(content: TabContent): void;
  /** Whether nobody is asked, so that nothing that is learned from leaves the tab. */
  private(alone: boolean): void;
  /** Whether neighbours are neither asked nor answered. */
  offline(cut: boolean): void;
  validate(): void;
  keep(): void;
  export(): void;
  importModel(file: Uint8Array): void;
  forgetModel(): void;
  /** What 1,024 positions of logits cost those without stake, base units. */
  price(base: string): void;
  /** What a neighbour makes of this: logits of the next byte, or of the classes. Rejects with a sentence. */
  logits(peer: string, question: TabQuestion): Promise<Float32Array>;
  pause(paused: boolean): void;
  /** What the own row follows from now on; the scores before this is called. */
  policy(policy: TabPolicy): void;
  /** Asks for a transaction; `transaction` events, or an alarm, tell what becomes of it. */
  ask(intent: TabIntent): void;
  /** Holds the proof of work of the registration, or goes on with it. */
  work(paused: boolean): void;
  /** The text of the cold key's backup file, once; rejects with a sentence where there is none to be had. */
  backup(): Promise<string>;
  /** Takes the cold key of a backup file in place of the one kept here. */
  importCold(text: string): Promise<void>;
  stop(): Promise<void>;
  /** Gives up what this browser keeps of any chain; resolves when it is gone. */
  forgetChain(): Promise<void>;
  snapshot(): TabNetwork | null;
  readonly chain: string;
  free(): void;
}
"#;

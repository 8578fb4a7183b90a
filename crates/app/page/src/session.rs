//! One tab that runs: words of the script, the two workers and the network come together here, and each is passed on to whom it
//! concerns. One loop, which never waits for an answer: those that take time are tasks which put their outcome back into it.
//!
//! | from | what | to |
//! |---|---|---|
//! | trainer | asks and gradients | a neighbour, the response back |
//! | trainer | scores | auditor |
//! | trainer | what it learns | auditor, hello |
//! | auditor | own purchases that are final | their seller, the credit to the script |
//! | auditor | purchases of others, verified | trainer, the response back |
//! | auditor | queries | the source it names, the reply back |
//! | auditor | what the cold key is to sign | the browser, the signature back |
//! | auditor | identity | storage, hello |
//! | auditor | what asks of others weigh | trainer, with each of them |
//! | both | what each neighbour is worth | network, which keeps the best |
//! | network | asks and gradients of others | trainer, the response back |
//! | network | neighbours whose record verified | trainer |
//! | network | queries of others | auditor, the reply back |
//! | network | gossip | auditor, what it is worth back |
//! | auditor | transactions that no source took | everyone connected |
//! | all | what a person may want to know | the script |

mod audit;
mod gossip;
mod keys;
mod learning;
mod routes;
mod trade;
mod worth;

use crate::{
    cold::Cold,
    keys::Keys,
    port::Worker,
    tab::Options,
    words::{Listener, Near, NetworkWords, NodeWords, PageEvent},
};
use audit::Auditor;
use commonware_cryptography::sha256::Digest;
use futures::{
    FutureExt, StreamExt,
    channel::{mpsc, oneshot},
    select,
};
use gloo_timers::future::TimeoutFuture;
use gossip::Gossip;
use learning::Learning;
use network::{Config, Event, Network, Role, StartError};
use protocol::{
    bootstrap::{Bootstrap, IceServer},
    exchange::{Hello, Kind, Modalities, PROTOCOL, Preset},
    port::{auditor, trainer},
    record::Record,
};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
pub(crate) use trade::{Answered, Question};
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_futures::spawn_local;

/// Something to pass on.
pub(crate) enum Word {
    /// The script: take part.
    Join,
    /// The script: what to learn from next, and whether nobody is asked.
    Learn(trainer::Source, bool),
    /// The script: a piece of that.
    Give(trainer::Content),
    /// The script: something for the trainer alone.
    Train(trainer::Command),
    /// The script: cut learning off from the network, or end that.
    Offline(bool),
    /// The script: what 1,024 positions cost, base units.
    Price(u64),
    /// The script: logits of a neighbour.
    Question(String, Question, oneshot::Sender<Answered>),
    /// The script: hold or go on.
    Pause(bool),
    /// The script: end, and say so there.
    Stop(oneshot::Sender<()>),
    /// The page is left: nothing can be waited for.
    Leave,
    /// The machine's network is another, or there again.
    NetworkChanged,
    /// The script: keep nothing.
    Forget,
    /// The script: what the own row follows.
    Policy(auditor::Policy),
    /// The script: a transaction.
    Ask(auditor::Intent),
    /// The script: hold the proof of work, or go on.
    Work(bool),
    /// The script: the cold key, to save it.
    Backup(oneshot::Sender<Result<String, String>>),
    /// The script: another cold key, from a backup.
    Import(String, oneshot::Sender<Result<(), String>>),
    /// The cold key from now on.
    Cold(Cold),
    /// The trainer said this.
    Trainer(JsValue),
    /// An auditor said this.
    Auditor(u32, JsValue),
    /// A worker cannot go on.
    Broke(Part, String),
    /// What the trainer asked for.
    Answered(u32, Result<Vec<u8>, String>),
    /// What an auditor asked for.
    ToAuditor(u32, auditor::Command),
    /// A newer bootstrap.
    Renewed(Result<String, String>),
    /// Where the network stands.
    Stands(Box<network::Snapshot>),
}

/// One of the two workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Trainer,
    /// Of so many.
    Auditor(u32),
}

/// A tab that runs.
pub(crate) struct Session {
    options: Options,
    chain: Digest,
    keys: Keys,
    listener: Listener,
    words: mpsc::UnboundedSender<Word>,
    network: Network,
    events: mpsc::Receiver<Event>,
    node: Node,
    neighbours: Vec<Near>,
    /// By hot key: what the gate has made of each lately, and what its asks weigh here.
    scores: BTreeMap<String, f64>,
    askers: BTreeMap<String, f64>,
    trainer: Option<Worker>,
    auditor: Auditor,
    gossip: Gossip,
    training: Training,
    key: Option<String>,
    joined: bool,
    paused: bool,
    learning: Learning,
    claims: trade::Claims,
    questions: u64,
    serving: BTreeMap<u32, oneshot::Sender<Vec<u8>>>,
    served: u32,
    stopping: Option<Vec<oneshot::Sender<()>>>,
}

/// How far the trainer is.
#[derive(Debug, PartialEq, Eq)]
enum Training {
    /// Nothing is learned here.
    Absent,
    Loading,
    Loaded,
    Runs,
    Ended,
}

/// The node, and when it is tried again.
#[derive(Debug, Default)]
struct Node {
    words: NodeWords,
    retry_at: f64,
}

impl Session {
    /// Starts network and workers.
    ///
    /// # Errors
    /// [`StartError`] of the network. A worker that does not start is told as an event.
    pub(crate) fn start(
        options: Options,
        bootstrap: Bootstrap,
        keys: Keys,
        listener: Listener,
        words: mpsc::UnboundedSender<Word>,
    ) -> Result<Self, StartError> {
        let Bootstrap { chain, node, residents, ice_servers, .. } = bootstrap;
        let ice_servers = options.ice_servers.as_ref().unwrap_or(&ice_servers);
        let (network, events, driver) = network::start(Config {
            nodes: network::addresses(&node)?,
            residents: network::addresses(&residents)?,
            hello: Some(hello(chain, Modalities::NONE, 0, None)),
            ice_servers: ice_servers.iter().map(server).collect(),
            ..Config::new(keys.identity.clone(), chain, Role::Tab)
        })?;
        spawn_local(driver.run());
        let mut session = Self {
            options,
            chain,
            keys,
            listener,
            words,
            network,
            events,
            node: Node::default(),
            neighbours: Vec::new(),
            scores: BTreeMap::new(),
            askers: BTreeMap::new(),
            trainer: None,
            auditor: Auditor::default(),
            gossip: Gossip::default(),
            training: Training::Absent,
            key: None,
            joined: false,
            paused: false,
            learning: Learning::default(),
            claims: trade::Claims::default(),
            questions: 0,
            serving: BTreeMap::new(),
            served: 0,
            stopping: None,
        };
        session.start_auditor();
        Ok(session)
    }

    /// Starts a worker; one that cannot is told as a word.
    fn worker(&self, part: Part) -> Option<Worker> {
        let url = if part == Part::Trainer { &self.options.trainer_url } else { &self.options.auditor_url };
        let (heard, broke) = (self.words.clone(), self.words.clone());
        let hear = move |message| {
            let word = match part {
                Part::Trainer => Word::Trainer(message),
                Part::Auditor(life) => Word::Auditor(life, message),
            };
            drop(heard.unbounded_send(word));
        };
        let started = Worker::start(url, hear, move |reason| drop(broke.unbounded_send(Word::Broke(part, reason))));
        started.map_err(|reason| drop(self.words.unbounded_send(Word::Broke(part, reason)))).ok()
    }

    /// Runs until it is stopped.
    pub(crate) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Word>) {
        let mut tick = TimeoutFuture::new(0).fuse();
        let mut patience = TimeoutFuture::new(u32::MAX >> 1).fuse();
        loop {
            select! {
                word = inbox.next() => match word {
                    Some(Word::Stop(done)) => {
                        if self.stopping.is_none() {
                            self.stop();
                            patience = TimeoutFuture::new(PATIENCE_MS).fuse();
                        }
                        self.stopping.get_or_insert_default().push(done);
                    }
                    Some(Word::Leave) => break,
                    Some(word) => self.on_word(word),
                    None => break,
                },
                event = self.events.next() => match event {
                    Some(event) => self.on_network(event),
                    None => break,
                },
                () = tick => {
                    self.look();
                    self.forget_held();
                    tick = TimeoutFuture::new(TICK_MS).fuse();
                }
                () = patience => if self.stopping.is_some() {
                    self.training = Training::Ended;
                },
            }
            if self.stopping.is_some() && self.training == Training::Ended {
                break;
            }
        }
        self.end().await;
    }

    fn on_word(&mut self, word: Word) {
        match word {
            Word::Join => self.join(),
            Word::Learn(..) | Word::Give(_) | Word::Train(_) | Word::Offline(_) | Word::Price(_) => {
                self.on_training(word);
            }
            Word::Question(peer, question, done) => self.question(&peer, question, done),
            Word::Pause(paused) => {
                self.paused = paused;
                self.to_trainer(&trainer::Command::Pause { paused });
            }
            Word::Stop(_) | Word::Leave => {}
            Word::NetworkChanged => {
                let network = self.network.clone();
                spawn_local(async move {
                    // A network that has stopped has nothing to look after.
                    let _ = network.refresh().await;
                });
            }
            Word::Forget => {
                self.keys.let_go();
                // They would keep what they verify and learn.
                self.auditor.close();
                self.trainer = None;
                self.training = Training::Ended;
                crate::keys::forget();
            }
            Word::Trainer(message) => match serde_wasm_bindgen::from_value(message.clone()) {
                Ok(event) => self.on_trainer(event, &message),
                Err(error) => self.listener.trouble(&format!("the trainer said something unknown: {error}"), false),
            },
            Word::Auditor(life, message) if self.auditor.lives(life) => {
                match serde_wasm_bindgen::from_value(message.clone()) {
                    Ok(event) => self.on_auditor(event, &message),
                    Err(error) => self.alarm(&format!("the auditor said something unknown: {error}"), false),
                }
            }
            Word::Broke(part, reason) => self.on_broke(part, &reason),
            Word::Answered(id, answer) => self.to_trainer(&match answer {
                Ok(bytes) => trainer::Command::Reply { id, bytes: ByteBuf::from(bytes) },
                Err(reason) => trainer::Command::Failed { id, reason },
            }),
            Word::ToAuditor(life, command) if self.auditor.lives(life) => self.to_auditor(&command),
            // It was for one that has ended.
            Word::Auditor(..) | Word::ToAuditor(..) => {}
            Word::Renewed(text) => self.on_renewed(text),
            Word::Policy(policy) => self.policy(policy),
            Word::Ask(intent) if self.auditor.hears() => self.to_auditor(&auditor::Command::Ask { intent }),
            Word::Ask(_) => {
                self.alarm("not signed: the ledger is not being checked at this moment; ask again when it is", false);
            }
            Word::Work(paused) => self.work(paused),
            Word::Backup(done) => self.backup(done),
            Word::Import(text, done) => self.import(text, done),
            Word::Cold(cold) => self.on_cold(cold),
            Word::Stands(snapshot) => {
                self.choose_sources(&snapshot.connections);
                let mut node = self.node.words.clone();
                if !node.up && node.reason.is_some() {
                    node.retry_ms = Some((self.node.retry_at - js_sys::Date::now()).max(0.0));
                }
                let words = NetworkWords::new(self.network.peer(), node, &snapshot, &self.neighbours);
                self.listener.say(&PageEvent::Network(words));
            }
        }
    }

    fn join(&mut self) {
        if self.joined {
            return;
        }
        self.joined = true;
        self.take_part();
        self.begin();
    }

    /// Asks the network where it stands; the answer comes as a word.
    fn look(&self) {
        let (network, words) = (self.network.clone(), self.words.clone());
        spawn_local(async move {
            if let Ok(snapshot) = network.snapshot().await {
                drop(words.unbounded_send(Word::Stands(Box::new(snapshot))));
            }
        });
    }

    /// Begins to end: the trainer finishes its step.
    fn stop(&mut self) {
        self.to_auditor(&auditor::Command::Leave);
        if self.training == Training::Runs {
            self.to_trainer(&trainer::Command::Stop);
        } else {
            self.training = Training::Ended;
        }
        self.stopping = Some(Vec::new());
    }

    /// Ends what is left, and says so.
    async fn end(mut self) {
        self.trainer = None;
        self.auditor.close();
        // It may have ended by itself.
        let _ = self.network.shutdown().await;
        let Self { keys, listener, stopping, .. } = self;
        drop(keys);
        listener.say(&PageEvent::Stopped);
        for done in stopping.into_iter().flatten() {
            // Whoever asked may not wait.
            let _ = done.send(());
        }
    }

    fn alarm(&self, message: &str, fatal: bool) {
        self.listener.say(&PageEvent::Alarm { message, fatal, stale: false });
    }

    fn to_trainer(&self, command: &trainer::Command) {
        if let Some(worker) =
            self.trainer.as_ref().filter(|_| matches!(self.training, Training::Loaded | Training::Runs))
        {
            worker.post(command);
        }
    }
}

fn server(server: &IceServer) -> network::IceServer {
    network::IceServer {
        urls: server.urls().to_vec(),
        username: server.username().map(str::to_owned),
        credential: server.credential().map(str::to_owned),
    }
}

/// What this tab says of itself.
fn hello(chain: Digest, modalities: Modalities, price: u64, record: Option<Record>) -> Hello {
    Hello { version: PROTOCOL, chain, kind: Kind::Tab, modalities, dim: DIM, preset: Preset::Small, price, record }
}

/// Width of the small preset.
const DIM: u16 = 64;
/// Between looks at the network.
const TICK_MS: u32 = 1_000;
/// Longest wait for the trainer to finish its step.
const PATIENCE_MS: u32 = 5_000;

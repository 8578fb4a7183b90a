//! The auditor's worker: what it is told, who answers its queries, whose queries it answers, and what its cold key signs.
//!
//! A worker that finds its checkpoint too old is started anew with a newer `/bootstrap.json` of the same chain. Ids begin anew with
//! it, so whatever was on its way to the one before is dropped: an answer to another's question would look like a lie.
//!
//! Other peers could ask without end: the network lets a few queries of each wait, and here each has so many a second.

use super::{Session, Word};
use crate::{cold::ColdError, port::Worker};
use futures::channel::oneshot;
use gloo_timers::future::TimeoutFuture;
use network::{Connection, Path, PeerId};
use protocol::{bootstrap::Bootstrap, exchange::Kind, port::auditor};
use serde_bytes::ByteBuf;
use std::collections::{BTreeMap, BTreeSet};
use wasm_bindgen::prelude::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{RequestCache, RequestInit, Response};

/// The worker, and what it has to know again after a new start.
#[derive(Default)]
pub(super) struct Auditor {
    worker: Option<Worker>,
    /// Its module is loaded.
    ready: bool,
    /// Workers there were.
    life: u32,
    sources: BTreeSet<PeerId>,
    liars: BTreeSet<PeerId>,
    policy: Option<auditor::Policy>,
    held: bool,
    serving: Serving,
    /// Newer bootstraps asked for since the last verified head.
    renewals: u32,
}

/// Somebody else's queries.
#[derive(Default)]
struct Serving {
    open: BTreeMap<u32, oneshot::Sender<Vec<u8>>>,
    last: u32,
    budgets: BTreeMap<PeerId, Budget>,
}

/// What a peer may ask yet.
#[derive(Clone, Copy, Debug)]
struct Budget {
    queries: f64,
    /// When that was reckoned, ms since 1970.
    at: f64,
}

impl Auditor {
    /// Whether commands are heard.
    pub(super) fn hears(&self) -> bool {
        self.worker.is_some() && self.ready
    }

    /// Ends the worker; whether there was one.
    pub(super) fn end(&mut self) -> bool {
        self.ready = false;
        self.serving.open.clear();
        self.worker.take().is_some()
    }

    /// Whether a word is from the worker there is now.
    pub(super) fn lives(&self, life: u32) -> bool {
        self.life == life
    }
}

impl Session {
    /// Starts the worker, in place of the one there may be.
    pub(super) fn start_auditor(&mut self) {
        self.auditor.end();
        self.auditor.life = self.auditor.life.wrapping_add(1);
        self.auditor.worker = self.worker(super::Part::Auditor(self.auditor.life));
    }

    pub(super) fn to_auditor(&self, command: &auditor::Command) {
        if let Some(worker) = self.auditor.worker.as_ref().filter(|_| self.auditor.ready) {
            worker.post(command);
        }
    }

    pub(super) fn on_auditor(&mut self, event: auditor::Event, message: &JsValue) {
        match event {
            // Only the trainer's is of interest to a person.
            auditor::Event::Loaded => return self.instruct(),
            auditor::Event::Query { id, source, bytes } => return self.query(id, &source, bytes.into_vec()),
            auditor::Event::Served { id, bytes } => {
                if let Some(respond) = self.auditor.serving.open.remove(&id) {
                    // Whoever asked may be gone meanwhile.
                    let _ = respond.send(bytes.into_vec());
                }
                return;
            }
            auditor::Event::Sign { id, message, .. } => return self.sign(id, message.into_vec()),
            auditor::Event::Askers { askers } => {
                self.askers = askers.into_iter().collect();
                return self.tell_worth();
            }
            auditor::Event::Judged { id, judgement } => return self.on_judged(id, judgement),
            auditor::Event::Publish { bytes } => return self.publish(bytes.into_vec()),
            auditor::Event::Identity { seed, key, record, .. } => return self.on_identity(&seed, &key, &record),
            auditor::Event::Head(_) => self.auditor.renewals = 0,
            auditor::Event::Dropped { source, .. } => {
                if let Ok(peer) = source.parse() {
                    self.auditor.liars.insert(peer);
                    while self.auditor.liars.len() > LIARS {
                        self.auditor.liars.pop_first();
                    }
                }
            }
            auditor::Event::Alarm { stale: true, .. } => self.renew(),
            _ => {}
        }
        self.listener.pass(message);
    }

    /// Tells a worker that has loaded all that it has to know.
    fn instruct(&mut self) {
        self.auditor.ready = true;
        self.to_auditor(&auditor::Command::Start {
            bootstrap: self.options.bootstrap_text.clone(),
            seed: self.options.seed.clone().or_else(|| self.keys.seed.clone()),
            peer: self.network.peer().to_string(),
            cold: self.keys.cold.as_ref().map(|cold| cold.public().to_owned()),
        });
        for source in &self.auditor.sources {
            self.to_auditor(&auditor::Command::Source { name: source.to_string(), up: true });
        }
        if let Some(policy) = self.auditor.policy {
            self.to_auditor(&auditor::Command::Policy { policy });
        }
        if self.auditor.held {
            self.to_auditor(&auditor::Command::Work { paused: true });
        }
        if self.joined {
            self.to_auditor(&auditor::Command::Join);
        }
    }

    /// Chooses who is asked: nodes, and tabs that are connected directly; who lied takes no place from others.
    pub(super) fn choose_sources(&mut self, connections: &[Connection]) {
        let old = &self.auditor.sources;
        let mut fit: Vec<_> = connections
            .iter()
            .filter(|there| there.node || (there.kind == Some(Kind::Tab) && there.path == Path::Direct))
            .map(|there| {
                (self.auditor.liars.contains(&there.peer), !there.node, !old.contains(&there.peer), there.peer)
            })
            .collect();
        fit.sort_unstable();
        let new: BTreeSet<PeerId> = fit.into_iter().take(SOURCES).map(|(.., peer)| peer).collect();
        let changes = old.symmetric_difference(&new).map(|peer| (peer.to_string(), new.contains(peer)));
        for (name, up) in changes.collect::<Vec<_>>() {
            self.to_auditor(&auditor::Command::Source { name, up });
        }
        self.auditor.sources = new;
    }

    pub(super) fn policy(&mut self, policy: auditor::Policy) {
        self.auditor.policy = Some(policy);
        self.to_auditor(&auditor::Command::Policy { policy });
    }

    pub(super) fn work(&mut self, paused: bool) {
        self.auditor.held = paused;
        self.to_auditor(&auditor::Command::Work { paused });
    }

    /// Puts a query of the auditor to the source that it names.
    fn query(&self, id: u32, source: &str, bytes: Vec<u8>) {
        let (network, words, life) = (self.network.clone(), self.words.clone(), self.auditor.life);
        let source = source.parse::<PeerId>().map_err(|_| format!("{source} is no peer id"));
        spawn_local(async move {
            let reply = match source {
                Ok(peer) => network.ledger(bytes, Some(peer)).await.map_err(|error| error.to_string()),
                Err(reason) => Err(reason),
            };
            let command = match reply {
                Ok(bytes) => auditor::Command::Reply { id, bytes: ByteBuf::from(bytes) },
                Err(reason) => auditor::Command::Failed { id, reason },
            };
            drop(words.unbounded_send(Word::ToAuditor(life, command)));
        });
    }

    /// Somebody queries the ledger; without a response the asker is told so.
    pub(super) fn on_query(&mut self, peer: PeerId, bytes: Vec<u8>, respond: oneshot::Sender<Vec<u8>>) {
        if self.auditor.hears() && self.auditor.serving.may_ask(peer, js_sys::Date::now()) {
            let id = self.auditor.serving.wait(respond);
            self.to_auditor(&auditor::Command::Serve { id, bytes: ByteBuf::from(bytes) });
        }
    }

    /// Has the cold key sign. The bytes are the auditor's.
    fn sign(&self, id: u32, message: Vec<u8>) {
        let (cold, words, life) = (self.keys.cold.clone(), self.words.clone(), self.auditor.life);
        spawn_local(async move {
            let signed = match cold {
                Some(cold) => cold.sign(&message).await,
                None => Err(ColdError::None),
            };
            let command = match signed {
                Ok(signature) => auditor::Command::Signed { id, signature: ByteBuf::from(signature) },
                Err(error) => auditor::Command::Unsigned { id, reason: error.to_string() },
            };
            drop(words.unbounded_send(Word::ToAuditor(life, command)));
        });
    }

    /// Fetches a newer bootstrap, later each time it did not help.
    fn renew(&mut self) {
        let wait = RENEW_MS << self.auditor.renewals.min(LONGEST_RENEW);
        let wait = if self.auditor.renewals == 0 { 0 } else { wait };
        self.auditor.renewals += 1;
        let (words, url) = (self.words.clone(), self.options.bootstrap_url.clone());
        spawn_local(async move {
            TimeoutFuture::new(wait).await;
            let text = fetch(&url).await.map_err(|error| format!("{url} cannot be fetched: {error}"));
            drop(words.unbounded_send(Word::Renewed(text)));
        });
    }

    /// There is a newer bootstrap, or there is none yet.
    pub(super) fn on_renewed(&mut self, text: Result<String, String>) {
        let parsed = text.and_then(|text| match Bootstrap::parse(&text) {
            Ok(bootstrap) => Ok((text, bootstrap.chain)),
            Err(error) => Err(error.to_string()),
        });
        match parsed {
            Ok((text, chain)) if chain == self.chain => {
                self.options.bootstrap_text = text;
                self.start_auditor();
            }
            Ok((_, chain)) => {
                let message = format!("the node now names another chain, {chain}: nothing of it is taken");
                self.alarm(&message, true);
            }
            Err(reason) => {
                self.alarm(&reason, false);
                self.renew();
            }
        }
    }
}

impl Serving {
    /// Whether `peer` may ask now. A budget that is full again is as good as none.
    fn may_ask(&mut self, peer: PeerId, now: f64) -> bool {
        let full = Budget { queries: BURST, at: now };
        if self.budgets.len() >= BUDGETS {
            self.budgets.retain(|_, budget| budget.now(now).queries < BURST);
        }
        let mut budget = self.budgets.get(&peer).map_or(full, |budget| budget.now(now));
        let may = budget.queries >= 1.0;
        if may {
            budget.queries -= 1.0;
        }
        self.budgets.insert(peer, budget);
        may
    }

    /// A number for the auditor to answer by.
    fn wait(&mut self, respond: oneshot::Sender<Vec<u8>>) -> u32 {
        self.open.retain(|_, respond| !respond.is_canceled());
        self.last = self.last.wrapping_add(1);
        self.open.insert(self.last, respond);
        self.last
    }
}

impl Budget {
    /// What it has become by `now`.
    fn now(self, now: f64) -> Self {
        let more = (now - self.at).max(0.0) / 1_000.0 * A_SECOND;
        Self { queries: (self.queries + more).min(BURST), at: now }
    }
}

/// The text at `url`, not from a cache.
async fn fetch(url: &str) -> Result<String, String> {
    let said = |error: JsValue| {
        let message = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
        message.unwrap_or_else(|| format!("{error:?}"))
    };
    let window = web_sys::window().ok_or("there is no window")?;
    let options = RequestInit::new();
    options.set_cache(RequestCache::NoStore);
    let response = JsFuture::from(window.fetch_with_str_and_init(url, &options)).await.map_err(said)?;
    let response: Response = response.dyn_into().map_err(said)?;
    if !response.ok() {
        return Err(format!("the answer is {}", response.status()));
    }
    let text = JsFuture::from(response.text().map_err(said)?).await.map_err(said)?;
    text.as_string().ok_or_else(|| "the answer is no text".into())
}

/// Most peers that are asked.
const SOURCES: usize = 8;
/// Most peers that are remembered for having lied.
const LIARS: usize = 256;
/// Queries that a peer may ask at once: an epoch of 16,384 peers with 64 weights takes 40.
const BURST: f64 = 64.0;
/// Queries that a peer may ask each second after that: a head each block of half a second, and twice as many more.
const A_SECOND: f64 = 6.0;
/// Budgets that are kept before those that are full again are let go: more than there are connections.
const BUDGETS: usize = 64;
/// Pause before a bootstrap is fetched a second time, ms; twice as long before each one after it.
const RENEW_MS: u32 = 1_000;
/// How often it is doubled at most: to about a minute.
const LONGEST_RENEW: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_peer_may_ask_a_burst_and_then_so_many_a_second() {
        let mut serving = Serving::default();
        let (one, other) = (PeerId::random(), PeerId::random());
        let asked = |serving: &mut Serving, peer, now| (0..1_000).filter(|_| serving.may_ask(peer, now)).count();
        assert_eq!(asked(&mut serving, one, 0.0), 64);
        assert_eq!(asked(&mut serving, other, 0.0), 64);
        assert_eq!(asked(&mut serving, one, 2_000.0), 12);
        assert_eq!(asked(&mut serving, one, 1_000.0), 0, "a clock set back gives nothing");
        assert_eq!(asked(&mut serving, one, 1e9), 64);
    }

    #[test]
    fn budgets_of_peers_that_left_are_let_go() {
        let mut serving = Serving::default();
        for round in 0..1_000 {
            assert!(serving.may_ask(PeerId::random(), f64::from(round) * 1e3));
        }
        assert!(serving.budgets.len() <= BUDGETS);
    }
}

//! The auditor's worker: what it is told, who answers its queries, whose queries it answers, and what its cold key
//! signs.
//!
//! A worker that finds its checkpoint too old is started anew with a newer `/bootstrap.json` of the same chain. Ids
//! begin anew with it, so whatever was on its way to the one before is dropped: an answer to another's question would
//! look like a lie.
//!
//! Other peers could ask without end: the network lets a few queries of each wait, and here each has a budget of
//! queries and of bytes that grows slowly back.

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
    /// None is started any more.
    over: bool,
    /// Seed of the hot key that is in use.
    seed: Option<String>,
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
    open: BTreeMap<u32, (PeerId, oneshot::Sender<Vec<u8>>)>,
    last: u32,
    budgets: BTreeMap<PeerId, Budget>,
}

/// What a peer may ask yet, in queries; a reply costs as many as it has parts of [`PART`] bytes.
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

    /// Ends the worker, for good.
    pub(super) fn close(&mut self) {
        self.end();
        self.over = true;
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
        if self.auditor.over {
            return;
        }
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
                return self.auditor.serving.answer(id, bytes.into_vec(), js_sys::Date::now());
            }
            auditor::Event::Sign { id, message, .. } => return self.sign(id, message.into_vec()),
            auditor::Event::Askers { askers } => {
                self.askers = askers.into_iter().collect();
                self.tell_worth();
            }
            auditor::Event::Masks { masks } => return self.masks(masks),
            auditor::Event::Judged { id, judgement } => return self.on_judged(id, judgement),
            auditor::Event::Publish { bytes } => return self.publish(bytes.into_vec()),
            auditor::Event::Identity { seed, key, record, .. } => {
                self.on_identity(&seed, &key, &record);
                self.auditor.seed = Some(seed);
                return;
            }
            auditor::Event::Bought { seller, bytes, .. } => return self.on_bought(&seller, bytes.into_vec()),
            auditor::Event::Claimed { id, peer, positions, bytes } => {
                return self.on_claimed(id, peer, positions, bytes.into_vec());
            }
            auditor::Event::Selling { sells } => {
                self.learning.sells = sells;
                return self.say_hello();
            }
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
            seed: self.options.seed.clone().or_else(|| self.auditor.seed.clone()).or_else(|| self.keys.seed.clone()),
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
        self.take_part();
    }

    /// Chooses who is asked: nodes, and tabs that are connected directly; who lied takes no place from others.
    pub(super) fn choose_sources(&mut self, connections: &[Connection]) {
        let old = &self.auditor.sources;
        let new = chosen(connections, old, &self.auditor.liars);
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
            let id = self.auditor.serving.wait(peer, respond);
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

/// The sources among those connected.
fn chosen(connections: &[Connection], old: &BTreeSet<PeerId>, liars: &BTreeSet<PeerId>) -> BTreeSet<PeerId> {
    let mut fit: Vec<_> = connections
        .iter()
        .filter(|there| there.node || (there.kind == Some(Kind::Tab) && there.path == Path::Direct))
        .map(|there| (liars.contains(&there.peer), !there.node, !old.contains(&there.peer), there.peer))
        .collect();
    fit.sort_unstable();
    fit.into_iter().take(SOURCES).map(|(.., peer)| peer).collect()
}

impl Serving {
    /// Whether `peer` may ask now.
    fn may_ask(&mut self, peer: PeerId, now: f64) -> bool {
        let may = self.budget(peer, now).queries >= 1.0;
        if may {
            self.charge(peer, 1.0, now);
        }
        may
    }

    /// A number for the auditor to answer by.
    fn wait(&mut self, peer: PeerId, respond: oneshot::Sender<Vec<u8>>) -> u32 {
        self.open.retain(|_, (_, respond)| !respond.is_canceled());
        self.last = self.last.wrapping_add(1);
        self.open.insert(self.last, (peer, respond));
        self.last
    }

    /// The auditor's answer.
    fn answer(&mut self, id: u32, bytes: Vec<u8>, now: f64) {
        let Some((peer, respond)) = self.open.remove(&id) else { return };
        self.charge(peer, bytes.len() as f64 / PART, now);
        // Whoever asked may be gone meanwhile.
        let _ = respond.send(bytes);
    }

    fn budget(&self, peer: PeerId, now: f64) -> Budget {
        self.budgets.get(&peer).map_or(Budget { queries: BURST, at: now }, |budget| budget.now(now))
    }

    fn charge(&mut self, peer: PeerId, queries: f64, now: f64) {
        if self.budgets.len() >= BUDGETS {
            // One that is full again is as good as none.
            self.budgets.retain(|_, budget| budget.now(now).queries < BURST);
        }
        let budget = self.budget(peer, now);
        self.budgets.insert(peer, Budget { queries: budget.queries - queries, ..budget });
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
/// What a peer may ask at once: the tables of an epoch of 16,384 peers are some 10 MB.
const BURST: f64 = 256.0;
/// What it may ask each second after that: a head each block of half a second, and as much as 256 KiB.
const A_SECOND: f64 = 6.0;
/// Bytes of a reply that cost as much as a query.
const PART: f64 = 65_536.0;
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

    fn asked(serving: &mut Serving, peer: PeerId, now: f64) -> usize {
        (0..1_000).filter(|_| serving.may_ask(peer, now)).count()
    }

    #[test]
    fn a_peer_may_ask_a_burst_and_then_so_many_a_second() {
        let mut serving = Serving::default();
        let (one, other) = (PeerId::random(), PeerId::random());
        assert_eq!(asked(&mut serving, one, 0.0), 256);
        assert_eq!(asked(&mut serving, other, 0.0), 256);
        assert_eq!(asked(&mut serving, one, 2_000.0), 12);
        assert_eq!(asked(&mut serving, one, 1_000.0), 0, "a clock set back gives nothing");
        assert_eq!(asked(&mut serving, one, 1e9), 256);
    }

    #[test]
    fn long_replies_cost_more() {
        let mut serving = Serving::default();
        let peer = PeerId::random();
        assert!(serving.may_ask(peer, 0.0));
        let (respond, mut response) = oneshot::channel();
        let id = serving.wait(peer, respond);
        serving.answer(id, vec![7; 1 << 20], 0.0);
        assert_eq!(response.try_recv().unwrap().unwrap().len(), 1 << 20);
        assert_eq!(asked(&mut serving, peer, 0.0), 256 - 1 - 16);
        // What is answered twice, or was not asked, is nothing.
        serving.answer(id, vec![], 0.0);
    }

    #[test]
    fn nodes_come_first_who_lied_last_and_relayed_tabs_not_at_all() {
        let there = |node: bool, kind: Option<Kind>, path: Path| Connection {
            peer: PeerId::random(),
            path,
            node,
            kind,
            key: None,
            round_trip: None,
        };
        let node = there(true, None, Path::Websocket);
        let relayed = there(false, Some(Kind::Tab), Path::Relayed);
        let resident = there(false, Some(Kind::Resident), Path::Websocket);
        let tabs: Vec<_> = (0..9).map(|_| there(false, Some(Kind::Tab), Path::Direct)).collect();
        let all: Vec<_> = tabs.iter().chain([&node, &relayed, &resident]).cloned().collect();
        let old = BTreeSet::from([tabs[8].peer, tabs[3].peer]);
        let liars = BTreeSet::from([tabs[3].peer]);
        let new = chosen(&all, &old, &liars);
        assert_eq!(new.len(), SOURCES);
        assert!(new.contains(&node.peer) && new.contains(&tabs[8].peer));
        assert!([&relayed, &resident, &tabs[3]].iter().all(|out| !new.contains(&out.peer)));
        assert_eq!(chosen(&tabs[3..4], &old, &liars), liars, "where there is nobody else, who lied is asked");
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

//! Who hears what of the workers and the network.

use super::{Node, Part, Session, Training, Word};
use crate::words::{Near, NodeWords, PageEvent};
use network::{Event, PeerId};
use protocol::{
    exchange::{Refuse, Request, Response, is_claim},
    limits,
    port::{auditor, trainer},
    record::Record,
};
use serde_bytes::ByteBuf;
use std::time::Duration;
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_futures::spawn_local;

impl Session {
    pub(super) fn on_trainer(&mut self, event: trainer::Event, message: &JsValue) {
        match event {
            trainer::Event::Ask { id, peer, bytes } => return self.ask(id, &peer, bytes.into_vec()),
            trainer::Event::Served { id, bytes } => {
                if let Some(respond) = self.serving.remove(&id) {
                    // The asker may be gone meanwhile.
                    let _ = respond.send(bytes.into_vec());
                }
                return;
            }
            // The end of everything is said when everything has ended.
            trainer::Event::Stopped => {
                self.training = Training::Ended;
                return;
            }
            trainer::Event::Loaded => self.on_loaded(),
            trainer::Event::Dataset(learned) => self.on_learned(learned.modalities),
            trainer::Event::Scores { scores } => {
                let scores: Vec<_> = scores.into_iter().map(|score| (score.key, score.score)).collect();
                self.scores = scores.iter().cloned().collect();
                self.tell_worth();
                self.to_auditor(&auditor::Command::Scores { scores });
            }
            trainer::Event::Trouble { fatal: true, .. } => self.training = Training::Ended,
            _ => {}
        }
        self.listener.pass(message);
    }

    /// The hot key is ready, or its record was renewed.
    pub(super) fn on_identity(&mut self, seed: &str, key: &str, record: &[u8]) {
        if self.options.seed.is_none() {
            self.keys.keep(seed);
        }
        self.learning.record =
            Record::from_bytes(record).map_err(|error| self.alarm(&format!("own record: {error}"), false)).ok();
        self.say_hello();
        if self.key.replace(key.to_owned()).is_none() {
            self.say_identity();
            self.begin();
        }
    }

    pub(super) fn on_network(&mut self, event: Event) {
        match event {
            Event::Neighbour { peer, key: Some(key), hello, .. } => {
                self.neighbours.retain(|near| near.id != peer);
                self.neighbours.push(Near::new(peer, key.to_string(), &hello));
                self.tell_neighbours();
                self.show_held(peer);
            }
            Event::Neighbour { peer, key: None, .. } | Event::NeighbourGone { peer } => {
                self.neighbours.retain(|near| near.id != peer);
                self.tell_neighbours();
            }
            Event::Request { peer, bytes, respond } if is_claim(&bytes) => self.on_claim(peer, bytes, respond),
            Event::Request { peer, bytes, respond } => {
                if self.training != Training::Runs || self.stopping.is_some() || self.learning.offline {
                    let _ = respond.send(Response::Refuse(Refuse::NotTraining).to_bytes());
                    return;
                }
                self.serving.retain(|_, respond| !respond.is_canceled());
                self.served = self.served.wrapping_add(1);
                self.serving.insert(self.served, respond);
                let (id, weight, peer) = (self.served, self.weight(peer), peer.to_string());
                self.to_trainer(&trainer::Command::Serve { id, peer, weight, bytes: ByteBuf::from(bytes) });
            }
            Event::Gossip { topic, bytes, id } => self.on_gossip(topic, bytes, id),
            Event::NodeUp { .. } => {
                self.node = Node { words: NodeWords { up: true, ..NodeWords::default() }, retry_at: 0.0 };
                self.to_auditor(&auditor::Command::Hint);
                self.look();
            }
            Event::NodeDown { reason, retry_ms, .. } => {
                let retry_at = js_sys::Date::now() + retry_ms as f64;
                self.node = Node { words: NodeWords { up: false, reason: Some(reason), retry_ms: None }, retry_at };
                self.look();
            }
            Event::Refused { peer, reason } => {
                self.listener.say(&PageEvent::Refused { peer: peer.to_string(), reason: &reason });
            }
            Event::Connections => self.look(),
            Event::LedgerQuery { peer, bytes, respond } => self.on_query(peer, bytes, respond),
        }
    }

    pub(super) fn on_broke(&mut self, part: Part, reason: &str) {
        match part {
            Part::Trainer if self.training != Training::Ended => {
                self.training = Training::Ended;
                self.listener.trouble(&format!("the training program stopped working: {reason}"), true);
            }
            Part::Auditor(life) if self.auditor.lives(life) && self.auditor.end() => {
                self.alarm(&format!("the program that checks the ledger stopped working: {reason}"), true);
            }
            Part::Trainer | Part::Auditor(_) => {}
        }
    }

    fn ask(&self, id: u32, peer: &str, bytes: Vec<u8>) {
        let (network, words) = (self.network.clone(), self.words.clone());
        let Ok(peer) = peer.parse::<PeerId>() else {
            drop(words.unbounded_send(Word::Answered(id, Err(format!("{peer} is no peer id")))));
            return;
        };
        let deadline = deadline(&bytes);
        spawn_local(async move {
            let answer = network.exchange(peer, bytes, deadline).await.map_err(|error| error.to_string());
            drop(words.unbounded_send(Word::Answered(id, answer)));
        });
    }

    /// What an ask of `peer` weighs here: 0 without a record that verified.
    fn weight(&self, peer: PeerId) -> f64 {
        let near = self.neighbours.iter().find(|near| near.id == peer);
        near.and_then(|near| self.askers.get(&near.key)).copied().unwrap_or(0.0)
    }

    pub(super) fn tell_neighbours(&self) {
        let most = if self.learning.offline { 0 } else { limits::CONNECTIONS };
        let neighbours = self.neighbours.iter().take(most).map(Near::words).collect();
        self.to_trainer(&trainer::Command::Neighbours { neighbours });
    }
}

/// How long an own request is worth waiting for: what an ask says, and the way there and back.
fn deadline(bytes: &[u8]) -> Duration {
    // A gradient is long and its response short: it is not parsed for this.
    let asked = if kind(bytes) == Some(ASK) { Request::from_bytes(bytes).ok() } else { None };
    match asked {
        Some(Request::Ask(ask)) => Duration::from_millis(u64::from(ask.deadline_ms()) + WAY_MS),
        _ => Duration::from_millis(GRADIENT_MS),
    }
}
/// What sort of request it is: the second byte, after the version.
fn kind(bytes: &[u8]) -> Option<u8> {
    bytes.get(1).copied()
}

/// The sort of an ask.
const ASK: u8 = 1;
/// Milliseconds for the way there and back.
const WAY_MS: u64 = 500;
/// Milliseconds for a gradient to be taken.
const GRADIENT_MS: u64 = 10_000;

//! Answers for tokens: asks without training, own purchases that are final and are shown to their seller, and purchases of
//! others, which the light client verifies.
//!
//! What comes back from a neighbour is parsed once and only here; it could be anything, and whatever does not fit becomes a
//! sentence that says what was wrong.

use super::{Session, Training};
use crate::words::{Near, PageEvent};
use futures::channel::oneshot;
use network::PeerId;
use protocol::{
    exchange::{Ask, Encoding, Inputs, Kind, Refuse, Request, Response, Shape, ShapeError, Want},
    limits,
    port::{auditor, trainer},
};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use std::{collections::BTreeMap, time::Duration};
use wasm_bindgen_futures::spawn_local;

/// Claims under way.
#[derive(Default)]
pub(super) struct Claims {
    /// Those of others that the auditor looks at.
    open: BTreeMap<u32, oneshot::Sender<Vec<u8>>>,
    last: u32,
    /// Own ones whose seller is not connected.
    held: Vec<Held>,
}

/// An own purchase that its seller was not shown yet.
struct Held {
    /// Hot key of the seller, lower-case hex.
    seller: String,
    claim: Vec<u8>,
    /// Until when it is of use, ms since 1970.
    until: f64,
}

/// What a script asks a neighbour about: one example.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum Question {
    /// The bytes of a text; the answer is of the byte that comes next.
    Text { bytes: ByteBuf },
    /// A picture of `seq` patches of [channels, rows, columns]; the answer is of its class.
    Image { seq: u32, item: [u32; 3], bytes: ByteBuf },
}

/// Logits of the last position, or a sentence.
pub(crate) type Answered = Result<Vec<f32>, String>;

impl Question {
    fn inputs(self) -> Result<Inputs, ShapeError> {
        match self {
            Self::Text { bytes } => {
                let seq = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                Inputs::text(Shape::new(1, seq)?, bytes.into_vec())
            }
            Self::Image { seq, item, bytes } => Inputs::image(Shape::new(1, seq)?, item, bytes.into_vec()),
        }
    }
}

impl Session {
    /// Asks a neighbour for logits.
    pub(super) fn question(&mut self, peer: &str, question: Question, done: oneshot::Sender<Answered>) {
        self.questions = self.questions.wrapping_add(1);
        let id = self.questions;
        let ask = question.inputs().and_then(|inputs| Ask::new(id, inputs, Want::Logits, Encoding::F32, PATIENCE_MS));
        let asked = match (ask, peer.parse::<PeerId>()) {
            (Ok(ask), Ok(peer)) => Ok((ask, peer)),
            (Err(error), _) => Err(format!("this cannot be asked: {error}")),
            (_, Err(_)) => Err(format!("{peer} is no peer id")),
        };
        let network = self.network.clone();
        spawn_local(async move {
            let answered = match asked {
                Ok((ask, peer)) => {
                    let deadline = Duration::from_millis(u64::from(PATIENCE_MS) + WAY_MS);
                    let response = network.exchange(peer, Request::Ask(ask).to_bytes(), deadline).await;
                    response.map_err(|error| error.to_string()).and_then(|bytes| last(&bytes, id))
                }
                Err(reason) => Err(reason),
            };
            // Whoever asked may be gone.
            let _ = done.send(answered);
        });
    }

    /// An own purchase is final: its seller is shown it, once it is connected.
    pub(super) fn on_bought(&mut self, seller: &str, claim: Vec<u8>) {
        if let Some(near) = self.neighbours.iter().find(|near| near.key == seller) {
            return self.show(near, claim);
        }
        let until = js_sys::Date::now() + HELD_MS;
        self.claims.held.push(Held { seller: seller.to_owned(), claim, until });
        self.alarm("a purchase is final; its seller is not connected now and is shown it when it comes back", false);
    }

    /// A neighbour is there: it is shown what it was not shown before.
    pub(super) fn show_held(&mut self, peer: PeerId) {
        let Some(near) = self.neighbours.iter().find(|near| near.id == peer) else { return };
        for held in self.claims.held.extract_if(.., |held| held.seller == near.key).collect::<Vec<_>>() {
            self.show(near, held.claim);
        }
    }

    /// Lets go of claims that no seller would credit any more.
    pub(super) fn forget_held(&mut self) {
        let now = js_sys::Date::now();
        let before = self.claims.held.len();
        self.claims.held.retain(|held| now < held.until);
        if self.claims.held.len() < before {
            self.alarm("a purchase was lost: its seller did not come back while it could be claimed", false);
        }
    }

    /// Shows a seller an own purchase, again after a while where that came to nothing.
    fn show(&self, near: &Near, claim: Vec<u8>) {
        let (network, listener) = (self.network.clone(), self.listener.clone());
        let (peer, name, all) = (near.id, near.peer.clone(), near.kind == Kind::Resident);
        spawn_local(async move {
            let mut refused = String::new();
            for wait in CLAIMS_MS {
                gloo_timers::future::TimeoutFuture::new(wait).await;
                let response = network.exchange(peer, claim.clone(), Duration::from_millis(WAY_MS + CLAIM_MS)).await;
                match response.map(|bytes| Response::from_bytes(&bytes)) {
                    Ok(Ok(Response::Credit { positions })) => {
                        let positions = positions as f64;
                        return listener.say(&PageEvent::Credit { peer: name, positions, all });
                    }
                    Ok(Ok(Response::Refuse(refuse))) => refused = format!("it says: {refuse}"),
                    Ok(_) => refused = "its reply cannot be read".into(),
                    Err(error) => refused = error.to_string(),
                }
            }
            let message = format!("a purchase is final, but its seller gives no credit for it: {refused}");
            listener.say(&PageEvent::Alarm { message: &message, fatal: false, stale: false });
        });
    }

    /// Somebody shows a purchase: the auditor verifies it.
    pub(super) fn on_claim(&mut self, peer: PeerId, bytes: Vec<u8>, respond: oneshot::Sender<Vec<u8>>) {
        let claims = &mut self.claims;
        claims.open.retain(|_, respond| !respond.is_canceled());
        let refuse = if !self.auditor.hears() || self.training != Training::Runs || self.stopping.is_some() {
            Some(Refuse::NotTraining)
        } else if claims.open.len() >= limits::OPEN {
            Some(Refuse::Busy { retry_ms: AGAIN_MS })
        } else {
            None
        };
        if let Some(refuse) = refuse {
            // Whoever shows it may be gone.
            let _ = respond.send(Response::Refuse(refuse).to_bytes());
            return;
        }
        claims.last = claims.last.wrapping_add(1);
        claims.open.insert(claims.last, respond);
        let (id, price) = (claims.last, self.learning.price.to_string());
        self.to_auditor(&auditor::Command::Claim { id, peer: peer.to_string(), price, bytes: ByteBuf::from(bytes) });
    }

    /// The auditor has verified it, or not.
    pub(super) fn on_claimed(&mut self, id: u32, peer: String, positions: Option<u64>, bytes: Vec<u8>) {
        if let Some(positions) = positions {
            self.to_trainer(&trainer::Command::Credit { peer, positions });
        }
        if let Some(respond) = self.claims.open.remove(&id) {
            // It may be gone meanwhile.
            let _ = respond.send(bytes);
        }
    }
}

/// The logits of the last position in a response to ask `id`.
fn last(response: &[u8], id: u64) -> Answered {
    match Response::from_bytes(response) {
        Ok(Response::Answer(answer)) if answer.id == id => {
            let values = answer.representation.values();
            let classes = answer.representation.dim() as usize;
            values
                .len()
                .checked_sub(classes)
                .map(|from| values[from..].to_vec())
                .ok_or_else(|| "it answered nothing".into())
        }
        Ok(Response::Refuse(refuse)) => Err(format!("the peer says: {refuse}")),
        Ok(_) => Err("it answered something else than was asked".into()),
        Err(error) => Err(format!("its answer cannot be read: {error}")),
    }
}

/// How long an own question waits for its turn, ms.
const PATIENCE_MS: u32 = 8_000;
/// Milliseconds for the way there and back.
const WAY_MS: u64 = 500;
/// How long a seller may take to verify a purchase, ms.
const CLAIM_MS: u64 = 10_000;
/// Pauses before each time that a seller is shown a purchase, ms: it may not know the block yet.
const CLAIMS_MS: [u32; 4] = [0, 2_000, 5_000, 15_000];
/// How long a seller takes a claim after its block, ms: what came back later is not credited.
const HELD_MS: f64 = 600_000.0;
/// When a claim that finds no place may come again, ms.
const AGAIN_MS: u32 = 2_000;

//! Answers for tokens: asks without training, own purchases that are final and are shown to their seller, and purchases of
//! others, which the light client verifies.
//!
//! What comes back from a neighbour is parsed once and only here; it could be anything, and whatever does not fit becomes a
//! sentence that says what was wrong.

use super::Session;
use crate::words::PageEvent;
use futures::channel::oneshot;
use network::PeerId;
use protocol::{
    exchange::{Ask, Encoding, Inputs, Request, Response, Shape, ShapeError, Want},
    port::{auditor, trainer},
};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use std::{collections::BTreeMap, time::Duration};
use wasm_bindgen_futures::spawn_local;

/// Claims of others that the auditor looks at.
#[derive(Default)]
pub(super) struct Claims {
    open: BTreeMap<u32, oneshot::Sender<Vec<u8>>>,
    last: u32,
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

    /// An own purchase is final: its seller is shown it, again after a while where that came to nothing.
    pub(super) fn on_bought(&self, seller: &str, claim: Vec<u8>) {
        let Some(near) = self.neighbours.iter().find(|near| near.key == seller) else {
            let message = "a purchase is final, but its seller is not connected now and was not shown it";
            return self.alarm(message, false);
        };
        let (network, listener) = (self.network.clone(), self.listener.clone());
        let (peer, name) = (near.id, near.peer.clone());
        spawn_local(async move {
            let mut refused = String::new();
            for wait in CLAIMS_MS {
                gloo_timers::future::TimeoutFuture::new(wait).await;
                let response = network.exchange(peer, claim.clone(), Duration::from_millis(WAY_MS + CLAIM_MS)).await;
                match response.map(|bytes| Response::from_bytes(&bytes)) {
                    Ok(Ok(Response::Credit { positions })) => {
                        let positions = positions as f64;
                        return listener.say(&PageEvent::Credit { peer: name, positions });
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

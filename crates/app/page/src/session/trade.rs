//! Answers for sale: the own price and what others show for it; own purchases and what sellers make of them.
//!
//! A price is named once the auditor says that purchases can be claimed here. What a neighbour shows goes to the auditor unread,
//! a bounded number at a time, and what that verified to the trainer. A seller could refuse an own purchase that is good:
//! that is told, and nothing can be done about it.

use super::{Session, Training, Word, hello};
use crate::words::PageEvent;
use futures::channel::oneshot;
use gloo_timers::future::TimeoutFuture;
use network::{Network, PeerId};
use protocol::{
    exchange::{Refuse, Response, Unpaid},
    limits,
    port::{auditor, trainer},
    record::Record,
};
use serde_bytes::ByteBuf;
use std::{collections::BTreeMap, time::Duration};
use wasm_bindgen_futures::spawn_local;

/// What is said of this tab as a seller, and claims that wait for the auditor.
#[derive(Default)]
pub(super) struct Trade {
    /// The own record.
    pub(super) record: Option<Record>,
    price: u64,
    sells: bool,
    claims: BTreeMap<u32, oneshot::Sender<Vec<u8>>>,
    last: u32,
}

impl Session {
    /// Says anew who this is.
    pub(super) fn say_hello(&self) {
        let price = if self.trade.sells { self.trade.price } else { 0 };
        let (network, hello) = (self.network.clone(), hello(self.chain, self.trade.record.clone(), price));
        spawn_local(async move {
            // A network that has stopped needs no hello.
            let _ = network.set_hello(hello).await;
        });
    }

    /// A person names the price of 1,024 positions.
    pub(super) fn price(&mut self, price: u64) {
        self.trade.price = price;
        self.to_trainer(&trainer::Command::Price { price });
        self.say_hello();
    }

    /// Whether purchases can be claimed here from now on.
    pub(super) fn on_selling(&mut self, sells: bool) {
        if core::mem::replace(&mut self.trade.sells, sells) != sells && self.trade.price > 0 {
            self.say_hello();
        }
    }

    /// A neighbour shows what it says is a purchase.
    pub(super) fn on_claim(&mut self, peer: PeerId, bytes: Vec<u8>, respond: oneshot::Sender<Vec<u8>>) {
        let trade = &mut self.trade;
        trade.claims.retain(|_, respond| !respond.is_canceled());
        let refuse = if !self.auditor.hears() || self.training != Training::Runs || self.stopping.is_some() {
            Some(Refuse::NotTraining)
        } else if trade.claims.len() >= limits::OPEN {
            Some(Refuse::Busy { retry_ms: AGAIN_MS })
        } else {
            None
        };
        if let Some(refuse) = refuse {
            // The other may be gone meanwhile.
            let _ = respond.send(Response::Refuse(refuse).to_bytes());
            return;
        }
        trade.last = trade.last.wrapping_add(1);
        let id = trade.last;
        trade.claims.insert(id, respond);
        let (peer, price) = (peer.to_string(), trade.price.to_string());
        self.to_auditor(&auditor::Command::Claim { id, peer, price, bytes: ByteBuf::from(bytes) });
    }

    /// What the auditor makes of it.
    pub(super) fn on_claimed(&mut self, id: u32, peer: String, positions: Option<u64>, bytes: Vec<u8>) {
        if let Some(positions) = positions {
            self.to_trainer(&trainer::Command::Credit { peer, positions });
        }
        if let Some(respond) = self.trade.claims.remove(&id) {
            let _ = respond.send(bytes);
        }
    }

    /// An own purchase is final: the seller is shown it.
    pub(super) fn on_bought(&self, seller: &str, bytes: &[u8]) {
        let Some((peer, _)) = self.neighbours.iter().find(|(_, key)| key == seller) else {
            return self
                .listener
                .trouble("who was paid is not connected any more, and cannot be shown the payment", false);
        };
        let (peer, network, words, bytes) = (*peer, self.network.clone(), self.words.clone(), bytes.to_vec());
        spawn_local(async move {
            let outcome = show(&network, peer, &bytes).await;
            drop(words.unbounded_send(Word::Shown(peer, outcome)));
        });
    }

    /// What the seller says to it.
    pub(super) fn on_shown(&self, seller: PeerId, outcome: Result<u64, String>) {
        let peer = seller.to_string();
        match outcome {
            Ok(positions) => self.listener.say(&PageEvent::Credit { peer, positions: positions.to_string() }),
            Err(reason) => self.listener.trouble(&format!("{peer} was paid and does not take it: it {reason}"), false),
        }
    }
}

/// Shows a purchase until the seller knows the block that it is in.
async fn show(network: &Network, seller: PeerId, bytes: &[u8]) -> Result<u64, String> {
    let mut reason = String::new();
    for _ in 0..TIMES {
        reason = match network.exchange(seller, bytes.to_vec(), CLAIM).await.map(|bytes| Response::from_bytes(&bytes)) {
            Ok(Ok(Response::Credit { positions })) => return Ok(positions),
            Ok(Ok(Response::Refuse(
                refuse @ (Refuse::Unpaid(Unpaid::NotYet) | Refuse::Busy { .. } | Refuse::NotTraining),
            ))) => refuse.to_string(),
            Ok(Ok(Response::Refuse(refuse))) => return Err(refuse.to_string()),
            Ok(Ok(_)) => return Err("answers something else".into()),
            Ok(Err(error)) => return Err(format!("answers what cannot be read: {error}")),
            Err(error) => format!("cannot be reached: {error}"),
        };
        TimeoutFuture::new(AGAIN_MS).await;
    }
    Err(reason)
}

/// How long a seller may take to verify a purchase.
const CLAIM: Duration = Duration::from_secs(10);
/// Between two times that a purchase is shown, ms, and how often it is.
const AGAIN_MS: u32 = 2_000;
/// See [`AGAIN_MS`].
const TIMES: u32 = 30;

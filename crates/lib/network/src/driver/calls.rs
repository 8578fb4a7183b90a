//! Own requests to others: hello, asks, gradients, ledger queries.

use super::{Driver, Respond, shorten};
use crate::exchange::{self, RequestId};
use crate::{ExchangeError, LedgerError, Path};
use libp2p::{
    PeerId,
    request_response::{Event, Message, OutboundRequestId},
};
use protocol::exchange::{Kind, Request, Response, is_refusal};
use std::collections::BTreeMap;
use web_time::Instant;

/// Requests under way.
#[derive(Default)]
pub(super) struct Calls {
    hellos: BTreeMap<RequestId, PeerId>,
    exchanges: BTreeMap<RequestId, Exchange>,
    queries: BTreeMap<OutboundRequestId, Respond<Result<Vec<u8>, LedgerError>>>,
}

struct Exchange {
    peer: PeerId,
    path: Path,
    kind: Kind,
    respond: Respond<Result<Vec<u8>, ExchangeError>>,
}

impl Driver {
    pub(super) fn say_hello(&mut self, peer: PeerId) {
        let Some(hello) = self.hello.clone() else { return };
        let bytes = Request::Hello(hello).to_bytes();
        if let Some(id) = self.put(peer, bytes) {
            self.calls.hellos.insert(id, peer);
        }
    }

    pub(super) fn exchange(&mut self, peer: PeerId, bytes: Vec<u8>, respond: Respond<Result<Vec<u8>, ExchangeError>>) {
        let known = self.peers.get(&peer).and_then(|state| Some((state.path(), state.hello.as_ref()?.kind)));
        let Some((path, kind)) = known else {
            // The asker may not wait any more, here and below.
            let _ = respond.send(Err(ExchangeError::NotConnected { peer }));
            return;
        };
        self.touch(&peer);
        let waits = |call: &&Exchange| call.peer == peer && !call.respond.is_canceled();
        let open = self.calls.exchanges.values().filter(waits).count();
        if open >= OPEN {
            let _ = respond.send(Err(ExchangeError::Crowded { peer, open }));
            return;
        }
        if let Some(id) = self.put(peer, bytes) {
            self.calls.exchanges.insert(id, Exchange { peer, path, kind, respond });
        }
    }

    /// Gives up asks whose askers have.
    pub(super) fn drop_cancelled(&mut self) {
        let cancelled = |(id, call): (&RequestId, &Exchange)| call.respond.is_canceled().then_some(*id);
        let cancelled: Vec<RequestId> = self.calls.exchanges.iter().filter_map(cancelled).collect();
        for id in cancelled {
            self.calls.exchanges.remove(&id);
            self.traffic.failed += 1;
            if let Some(exchange) = self.swarm.behaviour_mut().exchange.as_mut() {
                exchange.cancel(id);
            }
        }
    }

    /// Notes that `peer` is of use.
    pub(super) fn touch(&mut self, peer: &PeerId) {
        if let Some(state) = self.peers.get_mut(peer) {
            state.used = Some(Instant::now());
        }
    }

    /// Sends a request of the exchange; a node has none.
    fn put(&mut self, peer: PeerId, bytes: Vec<u8>) -> Option<RequestId> {
        let exchange = self.swarm.behaviour_mut().exchange.as_mut()?;
        self.traffic.bytes_out += bytes.len() as u64;
        Some(exchange.request(peer, bytes))
    }

    pub(super) fn ledger(
        &mut self,
        to: Option<PeerId>,
        bytes: Vec<u8>,
        respond: Respond<Result<Vec<u8>, LedgerError>>,
    ) {
        let source = match to {
            // What one answers is never taken for what another did.
            Some(peer) if self.peers.contains_key(&peer) => Ok(peer),
            Some(peer) => Err(LedgerError::NotConnected { peer }),
            None => self.nodes.any().ok_or(LedgerError::NoNode),
        };
        let source = match source {
            Ok(source) => source,
            Err(error) => {
                let _ = respond.send(Err(error));
                return;
            }
        };
        self.traffic.bytes_out += bytes.len() as u64;
        let id = self.swarm.behaviour_mut().ledger.send_request(&source, bytes);
        self.calls.queries.insert(id, respond);
    }

    pub(super) fn on_exchange(&mut self, event: exchange::Event, now: Instant) {
        match event {
            exchange::Event::Request { peer, bytes, channel } => self.on_request(peer, bytes.into(), channel, now),
            exchange::Event::Response { request, bytes } => {
                self.traffic.bytes_in += bytes.len() as u64;
                if let Some(peer) = self.calls.hellos.remove(&request) {
                    self.on_hello_response(peer, &bytes, now);
                } else if let Some(call) = self.calls.exchanges.remove(&request) {
                    let refusal = is_refusal(&bytes);
                    let in_time = call.respond.send(Ok(bytes.into())).is_ok();
                    if in_time && !refusal {
                        self.traffic.asked.count(call.path, call.kind);
                    } else {
                        self.traffic.failed += 1;
                    }
                }
            }
            exchange::Event::Failed { request, peer, reason } => {
                if self.calls.hellos.remove(&request).is_some() {
                    // A connection that ended tells itself.
                    if self.peers.contains_key(&peer) {
                        self.turn_away(peer, &format!("did not answer hello: {reason}"), now);
                    }
                } else if let Some(call) = self.calls.exchanges.remove(&request) {
                    self.traffic.failed += 1;
                    let _ = call.respond.send(Err(ExchangeError::Lost { reason: shorten(&reason) }));
                }
            }
        }
    }

    fn on_hello_response(&mut self, peer: PeerId, response: &[u8], now: Instant) {
        match Response::from_bytes(response) {
            Ok(Response::Hello(hello)) => {
                // A refusal of ours needs no answer: the other is turned away.
                let _ = self.meet(peer, hello, now);
            }
            Ok(Response::Refuse(refuse)) => self.turn_away(peer, &format!("refused the hello: {refuse}"), now),
            Ok(_) => self.turn_away(peer, "answered hello with something else", now),
            Err(error) => self.turn_away(peer, &error.to_string(), now),
        }
    }

    pub(super) fn on_ledger(&mut self, event: Event<Vec<u8>, Vec<u8>>) {
        match event {
            Event::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                self.on_query(peer, request, channel);
            }
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                self.traffic.bytes_in += response.len() as u64;
                // Nothing is no reply: whoever was asked has let go of the query.
                let reply = if response.is_empty() {
                    Err(LedgerError::Lost { reason: "no reply".into() })
                } else {
                    Ok(response)
                };
                if let Some(respond) = self.calls.queries.remove(&request_id) {
                    let _ = respond.send(reply);
                }
            }
            Event::OutboundFailure { request_id, error, .. } => {
                if let Some(respond) = self.calls.queries.remove(&request_id) {
                    let _ = respond.send(Err(LedgerError::Lost { reason: shorten(&error.to_string()) }));
                }
            }
            Event::InboundFailure { peer, error, .. } => tracing::debug!(%peer, %error, "query of a peer failed"),
            Event::ResponseSent { .. } => {}
        }
    }
}

/// Asks and gradients to one peer that may be open: a step's two and those of the step before.
const OPEN: usize = 8;

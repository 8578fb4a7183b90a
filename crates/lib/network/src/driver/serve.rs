//! Requests of others: hello is answered here, everything else by the owner.
//!
//! A hostile peer could ask faster than the owner answers: a few open requests a peer and a bounded number in all are passed on, the
//! rest is refused at once. Peer ids cost nothing, so of the queries that wait only some may come from one address, and each peer has a
//! bucket of them. An owner that never answers costs a bounded time.

use super::Driver;
use crate::{Event, bucket::Bucket, exchange};
use futures::{FutureExt, channel::oneshot, stream::FuturesUnordered};
use futures_timer::Delay;
use libp2p::{PeerId, request_response::ResponseChannel};
use protocol::{
    exchange::{Refuse, Request, Response, is_hello, is_refusal},
    limits,
    queue::OpenRequests,
};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use web_time::Instant;

/// Requests that wait for the owner.
pub(super) struct Serving {
    asks: OpenRequests<PeerId>,
    queries: OpenRequests<PeerId>,
    /// Queries by the address that they come from.
    sources: OpenRequests<IpAddr>,
    /// What each peer may query yet.
    budgets: BTreeMap<PeerId, Bucket>,
    /// Gives each that waits no more.
    pub(super) open: FuturesUnordered<Open>,
}

/// The way back of a response.
#[derive(Debug)]
enum Back {
    Exchange(exchange::Channel),
    Ledger(ResponseChannel<Vec<u8>>, Option<IpAddr>),
}

/// One that waits.
pub(super) struct Open {
    peer: PeerId,
    back: Option<Back>,
    response: oneshot::Receiver<Vec<u8>>,
    limit: Delay,
}

/// One that waits no more.
pub(super) struct Reply {
    peer: PeerId,
    back: Back,
    bytes: Option<Vec<u8>>,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            asks: OpenRequests::new(),
            queries: OpenRequests::new(),
            sources: OpenRequests::with_limits(QUERIES_PER_SOURCE, limits::OPEN),
            budgets: BTreeMap::new(),
            open: FuturesUnordered::new(),
        }
    }
}

impl Serving {
    /// Whether one more query of `peer`, which is connected from `source`, may wait now.
    fn admits(&mut self, peer: PeerId, source: Option<IpAddr>, now: Instant) -> bool {
        if self.budgets.len() >= BUDGETS {
            self.budgets.retain(|_, budget| !budget.is_full(now));
        }
        let budget = self.budgets.entry(peer).or_insert_with(|| Bucket::new(now));
        if !budget.try_take(QUERY, QUERY * QUERIES_AT_ONCE, now) || self.queries.enter(&peer).is_err() {
            return false;
        }
        let admitted = source.is_none_or(|source| self.sources.enter(&source).is_ok());
        if !admitted {
            self.queries.leave(&peer);
        }
        admitted
    }

    /// A query of `peer` waits no more.
    fn dismiss(&mut self, peer: &PeerId, source: Option<IpAddr>) {
        self.queries.leave(peer);
        if let Some(source) = source {
            self.sources.leave(&source);
        }
    }

    fn wait(&mut self, peer: PeerId, back: Back, response: oneshot::Receiver<Vec<u8>>) {
        self.open.push(Open { peer, back: Some(back), response, limit: Delay::new(LONGEST) });
    }
}

impl Future for Open {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reply> {
        let bytes = match self.response.poll_unpin(context) {
            Poll::Ready(response) => response.ok(),
            Poll::Pending => match self.limit.poll_unpin(context) {
                Poll::Ready(()) => None,
                Poll::Pending => return Poll::Pending,
            },
        };
        match self.back.take() {
            Some(back) => Poll::Ready(Reply { peer: self.peer, back, bytes }),
            None => Poll::Pending,
        }
    }
}

impl Driver {
    pub(super) fn on_request(&mut self, peer: PeerId, bytes: Vec<u8>, channel: exchange::Channel, now: Instant) {
        self.traffic.bytes_in += bytes.len() as u64;
        if self.peers.get(&peer).is_none_or(|state| state.leaving) {
            return;
        }
        if is_hello(&bytes) {
            let response = self.on_hello(peer, &bytes, now);
            self.respond(channel, response.to_bytes());
            return;
        }
        self.touch(&peer);
        let neighbour = self.peers.get(&peer).is_some_and(|state| state.hello.is_some());
        let refused = if neighbour { self.serving.asks.enter(&peer).err() } else { Some(EARLY) };
        if let Some(refuse) = refused {
            self.respond(channel, Response::Refuse(refuse).to_bytes());
            return;
        }
        let (respond, response) = oneshot::channel();
        if self.events.offer(Event::Request { peer, bytes, respond }).is_some() {
            self.serving.asks.leave(&peer);
            self.respond(channel, Response::Refuse(EARLY).to_bytes());
        } else {
            self.serving.wait(peer, Back::Exchange(channel), response);
        }
    }

    fn on_hello(&mut self, peer: PeerId, bytes: &[u8], now: Instant) -> Response {
        let Some(own) = self.hello.clone() else { return Response::Refuse(Refuse::NotTraining) };
        match Request::from_bytes(bytes) {
            Ok(Request::Hello(hello)) => match self.meet(peer, hello, now) {
                Ok(()) => Response::Hello(own),
                Err(refuse) => Response::Refuse(refuse),
            },
            Ok(_) => Response::Refuse(Refuse::Unreadable),
            Err(error) => {
                self.turn_away(peer, &error.to_string(), now);
                Response::Refuse(Refuse::Unreadable)
            }
        }
    }

    pub(super) fn on_query(&mut self, peer: PeerId, bytes: Vec<u8>, channel: ResponseChannel<Vec<u8>>) {
        self.traffic.bytes_in += bytes.len() as u64;
        let source = self.peers.get(&peer).and_then(|state| state.source);
        // Without a response the stream is reset, which tells the asker to come back.
        if !self.serving.admits(peer, source, Instant::now()) {
            return;
        }
        let (respond, response) = oneshot::channel();
        if self.events.offer(Event::LedgerQuery { peer, bytes, respond }).is_some() {
            self.serving.dismiss(&peer, source);
        } else {
            self.serving.wait(peer, Back::Ledger(channel, source), response);
        }
    }

    pub(super) fn on_reply(&mut self, reply: Reply) {
        let Reply { peer, back, bytes } = reply;
        match back {
            Back::Exchange(channel) => {
                self.serving.asks.leave(&peer);
                let bytes = bytes
                    .filter(|bytes| bytes.len() <= limits::MESSAGE_BYTES)
                    .unwrap_or_else(|| Response::Refuse(Refuse::NotTraining).to_bytes());
                let known = self.peers.get(&peer).and_then(|state| Some((state.path(), state.hello.as_ref()?.kind)));
                if let (false, Some((path, kind))) = (is_refusal(&bytes), known) {
                    self.traffic.served.count(path, kind);
                }
                self.respond(channel, bytes);
            }
            Back::Ledger(channel, source) => {
                self.serving.dismiss(&peer, source);
                if let Some(bytes) = bytes.filter(|bytes| bytes.len() <= limits::LEDGER_REPLY_BYTES) {
                    self.traffic.bytes_out += bytes.len() as u64;
                    let _ = self.swarm.behaviour_mut().ledger.send_response(channel, bytes);
                }
            }
        }
    }

    fn respond(&mut self, channel: exchange::Channel, bytes: Vec<u8>) {
        self.traffic.bytes_out += bytes.len() as u64;
        if let Some(exchange) = self.swarm.behaviour_mut().exchange.as_mut() {
            exchange.respond(channel, bytes);
        }
    }
}

/// To a peer that is not yet, or not now, listened to.
const EARLY: Refuse = Refuse::Busy { retry_ms: 200 };
/// Longest an owner may take; longer than any deadline.
const LONGEST: Duration = Duration::from_millis(limits::DEADLINE_MS as u64 + 1_000);
/// Queries from one address that may wait for an answer: half of all.
const QUERIES_PER_SOURCE: usize = limits::OPEN / 2;
/// What a query costs its peer, which may make 64 a second for as long as it likes …
const QUERY: Duration = Duration::from_micros(15_625);
/// … and so many at once: the tables of an epoch, of a chain with thousands of peers.
const QUERIES_AT_ONCE: u32 = 1_024;
/// Budgets that are kept before those that are full again are let go.
const BUDGETS: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_keeps_nobody_from_the_ledger_however_many_peers_it_is() {
        let mut serving = Serving::default();
        let (now, hostile) = (Instant::now(), Some(IpAddr::from([192, 0, 2, 1])));
        let peers: Vec<PeerId> = (0..64).map(|_| PeerId::random()).collect();
        let waiting = peers.iter().filter(|peer| serving.admits(**peer, hostile, now)).count();
        assert_eq!(waiting, QUERIES_PER_SOURCE);
        assert!(serving.admits(PeerId::random(), Some(IpAddr::from([192, 0, 2, 2])), now));
        serving.dismiss(&peers[0], hostile);
        assert!(serving.admits(peers[40], hostile, now), "what was answered makes room");
    }

    #[test]
    fn a_peer_queries_a_burst_and_then_so_many_a_second() {
        let mut serving = Serving::default();
        let (now, one) = (Instant::now(), PeerId::random());
        let mut asked = |peer: PeerId, now| {
            (0..2_000)
                .filter(|_| serving.admits(peer, None, now).then(|| serving.dismiss(&peer, None)).is_some())
                .count()
        };
        assert_eq!(asked(one, now), 1_024);
        assert_eq!(asked(PeerId::random(), now), 1_024);
        assert_eq!(asked(one, now + Duration::from_secs(1)), 64);
    }

    #[test]
    fn budgets_that_are_full_again_are_let_go() {
        let mut serving = Serving::default();
        let mut now = Instant::now();
        for _ in 0..2 * BUDGETS {
            now += QUERY * 2;
            serving.admits(PeerId::random(), None, now);
        }
        assert!(serving.budgets.len() <= BUDGETS);
    }
}

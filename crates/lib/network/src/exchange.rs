//! `/peerage/exchange/1`: requests and their responses over one long-lived stream a connection and direction.
//!
//! A stream for each request would cost a round trip to agree on its protocol, and over WebRTC an id that cannot be used again at once.
//! So whoever asks keeps one stream open: frames `u32 length, u32 id, bytes` go out with requests and come back with responses, in any
//! order. Of several connections with a peer the best is used: direct before websocket before relayed. What was under way on one that
//! ends is asked again, once, on another.
//!
//! A data channel cannot hold its sender back, so the asker does: at most [`limits::WINDOW`] bytes of its requests are unanswered.
//! A hostile peer could send more: reading stops at a number of unanswered requests a stream, and where that does not brake it the
//! transport resets the stream. It could open streams without end: the newest two are read. It could never answer: each request has
//! a deadline.

mod frame;
mod handler;

use crate::Path;
use bytes::Bytes;
use futures::FutureExt;
use futures_timer::Delay;
use handler::{Command, Handler, Report};
use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, THandlerInEvent, ToSwarm,
        behaviour::{ConnectionClosed, ConnectionEstablished},
    },
};
use protocol::limits;
use std::{
    collections::{BTreeMap, VecDeque},
    task::{Context, Poll},
    time::Duration,
};
use web_time::Instant;

/// Number of an own request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestId(u32);

/// Where a response to a request of another goes; dropped, the other waits for its deadline.
#[derive(Debug)]
pub(crate) struct Channel {
    peer: PeerId,
    connection: ConnectionId,
    stream: u64,
    id: u32,
}

/// What came in.
#[derive(Debug)]
pub(crate) enum Event {
    /// Another asks.
    Request { peer: PeerId, bytes: Bytes, channel: Channel },
    /// It answered.
    Response { request: RequestId, bytes: Bytes },
    /// It did not, and will not.
    Failed { request: RequestId, peer: PeerId, reason: String },
}

/// All connections with all peers.
pub(crate) struct Behaviour {
    connections: BTreeMap<PeerId, Vec<(ConnectionId, Path)>>,
    open: BTreeMap<RequestId, Call>,
    last: u32,
    actions: VecDeque<ToSwarm<Event, Command>>,
    tick: Delay,
}

/// An own request under way.
struct Call {
    peer: PeerId,
    connection: ConnectionId,
    /// Kept to ask again elsewhere; none after that.
    bytes: Option<Bytes>,
    until: Instant,
}

impl Behaviour {
    pub(crate) fn new() -> Self {
        Self {
            connections: BTreeMap::new(),
            open: BTreeMap::new(),
            last: 0,
            actions: VecDeque::new(),
            tick: Delay::new(TICK),
        }
    }

    /// Asks `peer`; the answer or its absence comes as an event.
    pub(crate) fn request(&mut self, peer: PeerId, bytes: Vec<u8>) -> RequestId {
        self.last = self.last.wrapping_add(1);
        let request = RequestId(self.last);
        let bytes = Bytes::from(bytes);
        match self.best(&peer, None) {
            Some(connection) => {
                self.tell(peer, connection, Command::Request { id: request.0, bytes: bytes.clone() });
                let call = Call { peer, connection, bytes: Some(bytes), until: Instant::now() + LONGEST };
                self.open.insert(request, call);
            }
            None => self.say(Event::Failed { request, peer, reason: "not connected".into() }),
        }
        request
    }

    /// Nobody waits for the answer to this any more.
    pub(crate) fn cancel(&mut self, request: RequestId) {
        if let Some(call) = self.open.get_mut(&request) {
            call.bytes = None;
            let (peer, connection) = (call.peer, call.connection);
            self.tell(peer, connection, Command::Cancel { id: request.0 });
        }
    }

    /// Answers another's request. Nothing happens where it is gone.
    #[expect(clippy::needless_pass_by_value, reason = "a request is answered once")]
    pub(crate) fn respond(&mut self, channel: Channel, bytes: Vec<u8>) {
        let Channel { peer, connection, stream, id } = channel;
        if self.connections.get(&peer).is_some_and(|links| links.iter().any(|(link, _)| *link == connection)) {
            self.tell(peer, connection, Command::Respond { stream, id, bytes: bytes.into() });
        }
    }

    /// The best connection with `peer` besides `not`.
    fn best(&self, peer: &PeerId, not: Option<ConnectionId>) -> Option<ConnectionId> {
        // Of equal ones the newest: an older one may be dead already, its remote having come anew.
        let links = self.connections.get(peer)?.iter().rev().filter(|(link, _)| Some(*link) != not);
        links.min_by_key(|(_, path)| path.rank()).map(|(link, _)| *link)
    }

    /// A request got no answer on its connection: another is tried, where there is one and it was not tried before.
    fn on_failed(&mut self, request: RequestId, reason: String) {
        let Some(mut call) = self.open.remove(&request) else { return };
        let other = self.best(&call.peer, Some(call.connection));
        match (call.bytes.take(), other) {
            (Some(bytes), Some(connection)) => {
                call.connection = connection;
                self.tell(call.peer, connection, Command::Request { id: request.0, bytes });
                self.open.insert(request, call);
            }
            _ => self.say(Event::Failed { request, peer: call.peer, reason }),
        }
    }

    fn give_up_late(&mut self, now: Instant) {
        let late: Vec<RequestId> =
            self.open.iter().filter(|(_, call)| call.until <= now).map(|(request, _)| *request).collect();
        for request in late {
            if let Some(call) = self.open.remove(&request) {
                self.tell(call.peer, call.connection, Command::Forget { id: request.0 });
                self.say(Event::Failed { request, peer: call.peer, reason: "no response in time".into() });
            }
        }
    }

    fn tell(&mut self, peer_id: PeerId, connection: ConnectionId, event: Command) {
        self.actions.push_back(ToSwarm::NotifyHandler { peer_id, handler: NotifyHandler::One(connection), event });
    }

    fn say(&mut self, event: Event) {
        self.actions.push_back(ToSwarm::GenerateEvent(event));
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished { peer_id, connection_id, endpoint, .. }) => {
                self.connections.entry(peer_id).or_default().push((connection_id, Path::of(endpoint)));
            }
            FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, connection_id, .. }) => {
                if let Some(links) = self.connections.get_mut(&peer_id) {
                    links.retain(|(link, _)| *link != connection_id);
                    if links.is_empty() {
                        self.connections.remove(&peer_id);
                    }
                }
                let lost: Vec<RequestId> = self
                    .open
                    .iter()
                    .filter(|(_, call)| call.connection == connection_id)
                    .map(|(request, _)| *request)
                    .collect();
                for request in lost {
                    self.on_failed(request, "the connection ended".into());
                }
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, connection: ConnectionId, report: Report) {
        match report {
            Report::Request { stream, id, bytes } => {
                let channel = Channel { peer, connection, stream, id };
                self.say(Event::Request { peer, bytes, channel });
            }
            Report::Response { id, bytes } => {
                let request = RequestId(id);
                // One that was asked again elsewhere is answered by that connection only.
                let asked = self.open.get(&request).is_some_and(|call| call.connection == connection);
                if asked {
                    self.open.remove(&request);
                    self.say(Event::Response { request, bytes });
                }
            }
            Report::Failed { id, reason } => {
                let request = RequestId(id);
                if self.open.get(&request).is_some_and(|call| call.connection == connection) {
                    self.on_failed(request, reason);
                }
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        loop {
            if let Some(action) = self.actions.pop_front() {
                return Poll::Ready(action);
            }
            if self.tick.poll_unpin(context).is_pending() {
                return Poll::Pending;
            }
            self.tick = Delay::new(TICK);
            self.give_up_late(Instant::now());
        }
    }
}

/// Between looks at deadlines.
const TICK: Duration = Duration::from_secs(1);
/// Longest wait for a response: the longest deadline that an ask may have, and the way there and back.
const LONGEST: Duration = Duration::from_millis(limits::DEADLINE_MS as u64 + 5_000);

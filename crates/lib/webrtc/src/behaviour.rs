//! The behaviour: finds or makes the relayed connection for each dial, runs the signalling over it, and tidies up once a direct
//! connection is there.
//!
//! A hostile peer could begin sessions without end: a few a peer and a bounded number in all run at once, each with a deadline; the
//! streams of others are reset.

use crate::{
    Config, Connection, Error, Initiator,
    address::{Target, is_circuit, is_webrtc},
    handler::{DialId, Handler, Open, Opened, Refused},
    rtc::{self, Heard},
    signaling::Role,
    surplus,
    transport::{Dial, Report},
};
use futures::{
    FutureExt, StreamExt,
    channel::{mpsc, oneshot},
    stream::FuturesUnordered,
};
use futures_timer::Delay;
use libp2p_core::{ConnectedPoint, Endpoint, Multiaddr, transport::PortUse};
use libp2p_identity::PeerId;
use libp2p_swarm::{
    CloseConnection, ConnectionDenied, ConnectionId, DialFailure, FromSwarm, NetworkBehaviour, NotifyHandler, Stream,
    THandlerInEvent, ToSwarm,
    behaviour::{ConnectionClosed, ConnectionEstablished},
    dial_opts::{DialOpts, PeerCondition},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use web_time::Instant;

/// What became of a session.
#[derive(Debug)]
pub enum Event {
    /// A direct connection was made; the swarm tells of it too.
    Connected {
        /// With whom.
        peer: PeerId,
        /// Who began.
        initiator: Initiator,
    },
    /// None was made. The relayed connection, if there is one, stays.
    Failed {
        /// With whom.
        peer: PeerId,
        /// Who began.
        initiator: Initiator,
        /// Why; the error of an own dial is told to whoever dialled, this is its text.
        reason: String,
        /// Whether the peer broke the protocol.
        blames_peer: bool,
    },
}

/// Makes direct connections for its [`crate::Transport`].
pub struct Behaviour {
    local: PeerId,
    config: Config,
    dialled: mpsc::Receiver<Dial>,
    reports: mpsc::UnboundedSender<Report>,
    peers: HashMap<PeerId, Vec<Link>>,
    /// Dials that wait for a circuit, and for a stream.
    circuits: HashMap<ConnectionId, Dial>,
    opening: BTreeMap<DialId, (ConnectionId, Dial)>,
    last: DialId,
    sessions: FuturesUnordered<Pin<Box<Session>>>,
    /// When to look at the connections with a peer again.
    looks: FuturesUnordered<Look>,
    /// Of the direct connections made last, until the swarm tells of them.
    fresh: HashMap<(PeerId, Initiator), Heard>,
    failures: Failures,
    actions: VecDeque<Action>,
}

/// A connection with a peer.
#[derive(Debug)]
struct Link {
    id: ConnectionId,
    way: Way,
    initiator: Initiator,
}

/// How a connection goes.
#[derive(Debug)]
enum Way {
    Direct(Heard),
    Relayed,
    Other,
}

/// Sessions that others began and that came to nothing, in the minute that is counted.
#[derive(Debug)]
struct Failures {
    since: Instant,
    by_peer: HashMap<PeerId, u32>,
    all: u32,
}

impl Default for Failures {
    fn default() -> Self {
        Self { since: Instant::now(), by_peer: HashMap::new(), all: 0 }
    }
}

impl Failures {
    fn add(&mut self, peer: PeerId, now: Instant) {
        self.pass(now);
        *self.by_peer.entry(peer).or_default() += 1;
        self.all += 1;
    }

    /// Whether `peer`, or all together, have had theirs of this minute.
    fn are_many(&mut self, peer: &PeerId, (most, most_in_all): (u32, u32), now: Instant) -> bool {
        self.pass(now);
        self.all >= most_in_all || self.by_peer.get(peer).is_some_and(|count| *count >= most)
    }

    fn pass(&mut self, now: Instant) {
        if now.saturating_duration_since(self.since) >= MINUTE {
            *self = Self { since: now, ..Self::default() };
        }
    }
}

/// One session that runs.
struct Session {
    peer: PeerId,
    /// Where its connection goes; none for one that the remote began.
    reply: Option<oneshot::Sender<Result<Connection, Error>>>,
    negotiation: rtc::Negotiation,
}

/// A look that is due after a while.
struct Look(PeerId, Delay);

type Action = ToSwarm<Event, Open>;

impl Behaviour {
    pub(crate) fn new(
        local: PeerId,
        config: Config,
        dialled: mpsc::Receiver<Dial>,
        reports: mpsc::UnboundedSender<Report>,
    ) -> Self {
        Self {
            local,
            config,
            dialled,
            reports,
            peers: HashMap::new(),
            circuits: HashMap::new(),
            opening: BTreeMap::new(),
            last: DialId(0),
            sessions: FuturesUnordered::new(),
            looks: FuturesUnordered::new(),
            fresh: HashMap::new(),
            failures: Failures::default(),
            actions: VecDeque::new(),
        }
    }

    fn dial(&mut self, dial: Dial) {
        let Target { peer, circuit } = dial.target.clone();
        if !rtc::is_available() {
            return self.give_up(dial, Error::Unsupported);
        }
        if self.busy() >= self.config.most_negotiating {
            return self.give_up(dial, Error::Busy);
        }
        // A direct connection serves too where there is no other way, but what is dialled anew may be meant to replace it.
        let links = self.peers.get(&peer).map_or(&[][..], Vec::as_slice);
        let link = links.iter().find(|link| !link.is_direct() || circuit.is_none());
        match (link.map(|link| link.id), circuit) {
            (Some(connection), _) => self.open(connection, dial),
            (None, Some(circuit)) => {
                // The swarm is dialling this peer already: us.
                let opts = DialOpts::peer_id(peer).condition(PeerCondition::Always).addresses(vec![circuit]).build();
                self.circuits.insert(opts.connection_id(), dial);
                self.actions.push_back(ToSwarm::Dial { opts });
            }
            (None, None) => self.give_up(dial, Error::NotConnected),
        }
    }

    fn open(&mut self, connection: ConnectionId, dial: Dial) {
        self.last = DialId(self.last.0 + 1);
        self.actions.push_back(ToSwarm::NotifyHandler {
            peer_id: dial.target.peer,
            handler: NotifyHandler::One(connection),
            event: Open(self.last),
        });
        self.opening.insert(self.last, (connection, dial));
    }

    fn give_up(&mut self, dial: Dial, error: Error) {
        self.failed(dial.target.peer, Initiator::Local, &error);
        // Nobody may wait any more.
        let _ = dial.reply.send(Err(error));
    }

    fn failed(&mut self, peer: PeerId, initiator: Initiator, error: &Error) {
        let (reason, blames_peer) = (error.to_string(), error.blames_peer());
        self.actions.push_back(ToSwarm::GenerateEvent(Event::Failed { peer, initiator, reason, blames_peer }));
    }

    /// Connections being made.
    fn busy(&self) -> usize {
        self.circuits.len() + self.opening.len() + self.sessions.len()
    }

    fn accept(&mut self, peer: PeerId, stream: Stream) {
        let own = self.sessions.iter().filter(|session| session.peer == peer && session.reply.is_none()).count();
        let most = self.config.most_negotiating - self.config.most_negotiating / 4;
        let often = self.failures.are_many(&peer, self.config.most_failures_a_minute, Instant::now());
        if often || self.busy() >= most || own >= self.config.most_negotiating_per_peer {
            // Dropped, the stream is reset.
            return self.failed(peer, Initiator::Remote, &Error::Busy);
        }
        let negotiation = rtc::negotiate(stream, Role::Responder, &self.config);
        self.sessions.push(Box::pin(Session { peer, reply: None, negotiation }));
    }

    fn on_session(&mut self, ended: Ended) {
        let Ended { peer, reply, result } = ended;
        let initiator = if reply.is_some() { Initiator::Local } else { Initiator::Remote };
        let heard = match &result {
            Ok(connection) => Some(connection.heard()),
            Err(error) => {
                self.failed(peer, initiator, error);
                None
            }
        };
        let taken = match (reply, result) {
            (Some(reply), result) => reply.send(result).is_ok(),
            (None, Ok(connection)) => self.reports.unbounded_send(Report::Incoming(peer, connection)).is_ok(),
            (None, Err(_)) => {
                self.failures.add(peer, Instant::now());
                false
            }
        };
        if let Some(heard) = heard.filter(|_| taken) {
            self.fresh.insert((peer, initiator), heard);
            self.actions.push_back(ToSwarm::GenerateEvent(Event::Connected { peer, initiator }));
        }
    }

    fn on_established(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let address = endpoint.get_remote_address();
        let initiator = if endpoint.is_dialer() { Initiator::Local } else { Initiator::Remote };
        let way = if is_webrtc(address) {
            self.looks.push(Look(peer, Delay::new(self.config.grace)));
            Way::Direct(self.fresh.remove(&(peer, initiator)).unwrap_or_default())
        } else if endpoint.is_relayed() {
            Way::Relayed
        } else {
            Way::Other
        };
        self.peers.entry(peer).or_default().push(Link { id, way, initiator });
        if let Some(dial) = self.circuits.remove(&id) {
            self.open(id, dial);
        }
    }

    fn on_closed(&mut self, peer: PeerId, id: ConnectionId) {
        if let Some(links) = self.peers.get_mut(&peer) {
            links.retain(|link| link.id != id);
            if links.is_empty() {
                self.peers.remove(&peer);
                self.fresh.retain(|(fresh, _), _| *fresh != peer);
            }
        }
        let lost: Vec<DialId> =
            self.opening.iter().filter(|(_, (connection, _))| *connection == id).map(|(dial, _)| *dial).collect();
        for dial in lost {
            if let Some((_, dial)) = self.opening.remove(&dial) {
                self.give_up(dial, Error::Relay { reason: "the relayed connection ended".into() });
            }
        }
    }

    /// Closes what a direct connection with `peer` has made superfluous: relayed ones once it carries traffic, and doubled ones.
    fn look(&mut self, peer: PeerId) {
        let Some(links) = self.peers.get(&peer) else { return };
        let direct: Vec<_> =
            links.iter().filter(|link| link.is_direct()).map(|link| (link.id, link.initiator)).collect();
        if direct.is_empty() {
            return;
        }
        let mut close = surplus(&direct, self.local < peer);
        let mut relayed = links.iter().filter(|link| matches!(link.way, Way::Relayed)).peekable();
        // An older one may be dead already, its remote having come anew.
        let newest = links.iter().rev().find(|link| link.is_direct());
        if newest.is_some_and(|link| matches!(&link.way, Way::Direct(heard) if heard.get())) {
            close.extend(relayed.map(|link| link.id));
        } else if relayed.peek().is_some() {
            // Not proven yet: look again.
            self.looks.push(Look(peer, Delay::new(self.config.grace)));
        }
        let action = |id| ToSwarm::CloseConnection { peer_id: peer, connection: CloseConnection::One(id) };
        self.actions.extend(close.into_iter().map(action));
    }
}

impl Link {
    fn is_direct(&self) -> bool {
        matches!(self.way, Way::Direct(_))
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
                self.on_established(peer_id, connection_id, endpoint);
            }
            FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, connection_id, .. }) => {
                self.on_closed(peer_id, connection_id);
            }
            FromSwarm::DialFailure(DialFailure { connection_id, error, .. }) => {
                if let Some(dial) = self.circuits.remove(&connection_id) {
                    self.give_up(dial, Error::Relay { reason: error.to_string() });
                }
            }
            FromSwarm::NewListenAddr(new) if is_circuit(new.addr) => {
                // The transport goes only with the swarm.
                let _ = self.reports.unbounded_send(Report::Circuit(new.addr.clone()));
            }
            FromSwarm::ExpiredListenAddr(expired) if is_circuit(expired.addr) => {
                let _ = self.reports.unbounded_send(Report::CircuitGone(expired.addr.clone()));
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, _: ConnectionId, event: Opened) {
        match event {
            Opened::Inbound(stream) => self.accept(peer, stream),
            Opened::Outbound(id, stream) => {
                if let Some((_, dial)) = self.opening.remove(&id) {
                    let negotiation = rtc::negotiate(stream, Role::Initiator, &self.config);
                    self.sessions.push(Box::pin(Session { peer, reply: Some(dial.reply), negotiation }));
                }
            }
            Opened::Failed(id, refused) => {
                if let Some((_, dial)) = self.opening.remove(&id) {
                    let error = match refused {
                        Refused::Unsupported => Error::SignalingUnsupported,
                        Refused::Failed(reason) => Error::SignalingEnded { reason },
                    };
                    self.give_up(dial, error);
                }
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        loop {
            if let Some(action) = self.actions.pop_front() {
                return Poll::Ready(action);
            }
            if let Poll::Ready(Some(ended)) = self.sessions.poll_next_unpin(context) {
                self.on_session(ended);
            } else if let Poll::Ready(Some(peer)) = self.looks.poll_next_unpin(context) {
                self.look(peer);
            } else if let Poll::Ready(Some(dial)) = self.dialled.poll_next_unpin(context) {
                self.dial(dial);
            } else {
                return Poll::Pending;
            }
        }
    }
}

/// How a session ended.
struct Ended {
    peer: PeerId,
    reply: Option<oneshot::Sender<Result<Connection, Error>>>,
    result: Result<Connection, Error>,
}

impl Future for Session {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended> {
        let waited_for = self.reply.as_mut().is_none_or(|reply| reply.poll_canceled(context).is_pending());
        let result = if waited_for {
            match self.negotiation.poll_unpin(context) {
                Poll::Ready(result) => result,
                Poll::Pending => return Poll::Pending,
            }
        } else {
            Err(Error::Cancelled)
        };
        Poll::Ready(Ended { peer: self.peer, reply: self.reply.take(), result })
    }
}

impl Future for Look {
    type Output = PeerId;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<PeerId> {
        self.1.poll_unpin(context).map(|()| self.0)
    }
}

/// What failures are counted over.
const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_many_for_one_peer_and_for_all_until_the_minute_is_over() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        let (loud, quiet) = (PeerId::random(), PeerId::random());
        failures.add(loud, now);
        failures.add(loud, now);
        assert!(failures.are_many(&loud, (2, 9), now) && !failures.are_many(&quiet, (2, 9), now));
        assert!(failures.are_many(&quiet, (2, 2), now));
        assert!(!failures.are_many(&loud, (2, 2), now + MINUTE));
    }
}

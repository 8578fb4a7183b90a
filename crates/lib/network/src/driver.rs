//! The one future that owns the swarm: commands in, events out, one turn at a time. Nothing in it waits for anything but the next
//! turn, so a slow owner or peer delays nobody else.
//!
//! | file | its part |
//! |---|---|
//! | `driver` | the loop, commands, events on their way out |
//! | `links` | connections made and ended, hello, doubled connections |
//! | `nodes` | staying connected with the own nodes, circuits reserved |
//! | `mesh` | whom to connect with, from directory and bootstrap |
//! | `choice` | whom to part with |
//! | `serve` | requests of others and their responses |
//! | `calls` | own requests and their responses |
//! | `gossip` | what is new on the ledger |

mod calls;
mod choice;
mod gossip;
mod links;
mod mesh;
mod nodes;
mod serve;

use crate::{
    Config, Connection, Event, Network, Role, Snapshot, StartError, Traffic,
    behaviour::{Behaviour, BehaviourEvent},
    directory::Directory,
    handle::Command,
    transport,
};
use calls::Calls;
use futures::{
    FutureExt, StreamExt,
    channel::{mpsc, oneshot},
    select,
};
use futures_timer::Delay;
use gossip::Gossip;
use libp2p::{
    Multiaddr, PeerId, Swarm, identify,
    multiaddr::Protocol,
    ping, relay,
    swarm::{ConnectionId, SwarmEvent},
};
use links::Peer;
use mesh::Mesh;
use nodes::Nodes;
use protocol::exchange::Hello;
use serve::Serving;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};
use web_time::Instant;

/// The running part of a swarm; see [`start`].
pub struct Driver {
    config: Config,
    swarm: Swarm<Behaviour>,
    commands: mpsc::Receiver<Command>,
    events: Outbox,
    hello: Option<Hello>,
    peers: BTreeMap<PeerId, Peer>,
    closing: Vec<(Instant, ConnectionId)>,
    nodes: Nodes,
    mesh: Mesh,
    directory: Directory,
    calls: Calls,
    serving: Serving,
    traffic: Traffic,
    gossip: Gossip,
}

/// Makes a swarm: a handle, its events, and the driver to be polled by the owner. Natively it must be called within a tokio runtime.
///
/// The events must be read: while they are not, requests of others are refused.
///
/// # Errors
/// [`StartError`].
pub fn start(config: Config) -> Result<(Network, mpsc::Receiver<Event>, Driver), StartError> {
    let local = config.identity.public().to_peer_id();
    let (circuit_transport, circuits) = relay::client::new(local);
    let failed = |reason| StartError::Swarm { reason };
    let direct = (config.role == Role::Tab).then(|| webrtc::new(local, mesh::direct(&config)));
    let (direct_transport, direct) = direct.unzip();
    let behaviour = Behaviour::new(&config, circuits, direct).map_err(failed)?;
    let mut swarm = transport::swarm(&config, circuit_transport, direct_transport, behaviour).map_err(failed)?;
    if config.role == Role::Tab {
        let address = Multiaddr::empty().with(Protocol::WebRTC);
        swarm.listen_on(address).map_err(|error| failed(error.to_string()))?;
    }
    for address in &config.listen {
        let refused = |reason| StartError::Listen { address: address.clone(), reason };
        transport::vacant(address).map_err(|error| refused(error.to_string()))?;
        swarm.listen_on(address.clone()).map_err(|error| refused(error.to_string()))?;
    }
    for address in &config.external {
        swarm.add_external_address(address.clone());
    }
    let now = Instant::now();
    let (network, commands) = Network::new(local);
    let (sender, receiver) = mpsc::channel(EVENTS);
    let driver = Driver {
        nodes: Nodes::new(&config.nodes, now)?,
        mesh: Mesh::new(&config.residents, now)?,
        hello: config.hello.clone(),
        gossip: Gossip::default(),
        commands,
        events: Outbox { sender, waiting: VecDeque::new() },
        peers: BTreeMap::new(),
        closing: Vec::new(),
        directory: Directory::default(),
        calls: Calls::default(),
        serving: Serving::default(),
        traffic: Traffic::default(),
        swarm,
        config,
    };
    Ok((network, receiver, driver))
}

impl Driver {
    /// Runs until [`Network::shutdown`] is called or every handle is gone.
    pub async fn run(mut self) {
        let mut tick = Delay::new(Duration::ZERO).fuse();
        let done = loop {
            select! {
                command = self.commands.next() => match command {
                    Some(Command::Shutdown(done)) => break Some(done),
                    Some(command) => self.obey(command),
                    None => break None,
                },
                event = self.swarm.select_next_some() => self.on_swarm(event, Instant::now()),
                reply = self.serving.open.select_next_some() => self.on_reply(reply),
                () = tick => {
                    self.on_tick(Instant::now());
                    tick = Delay::new(TICK).fuse();
                }
            }
            self.events.flush();
        };
        self.close().await;
        if let Some(done) = done {
            // Whoever asked may not wait.
            let _ = done.send(());
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Exchange { peer, bytes, respond } => self.exchange(peer, bytes, respond),
            Command::Ledger { to, bytes, respond } => self.ledger(to, bytes, respond),
            Command::Hello(hello) => {
                self.hello = Some(*hello);
                let neighbours: Vec<PeerId> =
                    self.peers.keys().filter(|peer| !self.nodes.contains(peer)).copied().collect();
                for peer in neighbours {
                    self.say_hello(peer);
                }
            }
            Command::Publish { topic, bytes } => self.publish(topic, bytes),
            Command::Prefer(worth) => self.mesh.prefer(worth),
            Command::Refresh => self.refresh(Instant::now()),
            Command::Judge { id, verdict } => self.judge(id, verdict),
            Command::Snapshot(respond) => {
                let _ = respond.send(self.snapshot());
            }
            Command::Shutdown(_) => {}
        }
    }

    fn snapshot(&self) -> Snapshot {
        let connection = |(peer, state): (&PeerId, &Peer)| Connection {
            peer: *peer,
            path: state.path(),
            node: self.nodes.contains(peer),
            kind: state.hello.as_ref().map(|hello| hello.kind),
            key: state.key.clone(),
            round_trip: state.round_trip,
        };
        Snapshot {
            nodes: self.nodes.states(),
            connections: self.peers.iter().map(connection).collect(),
            traffic: self.traffic,
            listeners: self.swarm.listeners().cloned().collect(),
        }
    }

    fn on_tick(&mut self, now: Instant) {
        self.close_doubled(now);
        self.drop_silent(now);
        self.drop_unjudged(now);
        self.drop_cancelled();
        self.tend_nodes(now);
        self.tend_mesh(now);
    }

    fn on_swarm(&mut self, event: SwarmEvent<BehaviourEvent>, now: Instant) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_connected(peer_id, connection_id, &endpoint, now);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, cause, .. } => {
                let reason = cause.map_or_else(|| "closed".into(), |cause| cause.to_string());
                self.on_closed(peer_id, connection_id, &reason, now);
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                self.on_dial_failed(peer, &error, now);
            }
            SwarmEvent::NewListenAddr { address, .. } if self.config.role == Role::Node => {
                // Without an external address a relay's reservations lead nowhere.
                self.swarm.add_external_address(address);
            }
            SwarmEvent::ListenerClosed { listener_id, reason, .. } => {
                let reason = reason.map_or_else(|error| error.to_string(), |()| "closed".into());
                self.on_listener_closed(listener_id, &reason, now);
            }
            SwarmEvent::Behaviour(event) => self.on_behaviour(event, now),
            _ => {}
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent, now: Instant) {
        match event {
            BehaviourEvent::Exchange(event) => self.on_exchange(event, now),
            BehaviourEvent::Ledger(event) => self.on_ledger(event),
            BehaviourEvent::Directory(event) => self.on_directory(event, now),
            BehaviourEvent::Circuits(relay::client::Event::ReservationReqAccepted { relay_peer_id, .. }) => {
                self.on_reserved(relay_peer_id, now);
            }
            BehaviourEvent::Ping(ping::Event { peer, connection, result }) => match result {
                Ok(round_trip) => {
                    if let Some(peer) = self.peers.get_mut(&peer) {
                        peer.round_trip = Some(round_trip);
                    }
                }
                Err(ping::Failure::Unsupported) => {}
                Err(failure) => {
                    tracing::debug!(%peer, %failure, "no answer to a ping, closing");
                    self.swarm.close_connection(connection);
                }
            },
            BehaviourEvent::Gossip(event) => self.on_gossip(event, now),
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                tracing::debug!(%peer_id, agent = info.agent_version, "identified");
            }
            _ => {}
        }
    }

    /// Ends every connection, and waits a moment for the others to be told.
    async fn close(&mut self) {
        let peers: Vec<PeerId> = self.peers.keys().copied().collect();
        for peer in peers {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let mut limit = Delay::new(CLOSING).fuse();
        while self.swarm.network_info().num_peers() > 0 {
            select! {
                _ = self.swarm.select_next_some() => {}
                () = limit => break,
            }
        }
    }
}

/// Events on their way to the owner. Those that tell of a state wait; those that come again are dropped where the owner is slow.
#[derive(Debug)]
struct Outbox {
    sender: mpsc::Sender<Event>,
    waiting: VecDeque<Event>,
}

impl Outbox {
    /// Tells it as soon as possible, in order.
    fn tell(&mut self, event: Event) {
        if self.waiting.len() >= WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(event);
        self.flush();
    }

    /// Tells it now or not at all; gives it back where it could not be told.
    fn offer(&mut self, event: Event) -> Option<Event> {
        self.flush();
        if self.waiting.is_empty() {
            self.sender.try_send(event).err().map(mpsc::TrySendError::into_inner)
        } else {
            Some(event)
        }
    }

    fn flush(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            match self.sender.try_send(event) {
                Ok(()) => {}
                Err(error) if error.is_full() => {
                    self.waiting.push_front(error.into_inner());
                    return;
                }
                // The owner does not listen any more.
                Err(_) => {}
            }
        }
    }
}

/// A bounded text for people.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 240;
    if text.chars().count() <= LONGEST { text.into() } else { text.chars().take(LONGEST).chain(['…']).collect() }
}

/// Between looks at what is due.
const TICK: Duration = Duration::from_millis(100);
/// Events that wait for the owner in the channel.
const EVENTS: usize = 256;
/// Events of state that wait for room in the channel; a change of each connection fits.
const WAITING: usize = 8_192;
/// Longest wait for connections to close.
const CLOSING: Duration = Duration::from_millis(500);

/// Where a response goes.
type Respond<T> = oneshot::Sender<T>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_wait_and_what_comes_again_is_dropped() {
        let (sender, mut receiver) = mpsc::channel(0);
        let mut outbox = Outbox { sender, waiting: VecDeque::new() };
        let peer = PeerId::random();
        outbox.tell(Event::NodeUp { peer });
        outbox.tell(Event::NeighbourGone { peer });
        assert!(outbox.offer(Event::Connections).is_some());
        assert!(matches!(receiver.try_recv(), Ok(Event::NodeUp { .. })));
        outbox.flush();
        assert!(matches!(receiver.try_recv(), Ok(Event::NeighbourGone { .. })));
        assert!(outbox.offer(Event::Connections).is_none());
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shorten("short"), "short");
        assert_eq!(shorten(&"é".repeat(300)).chars().count(), 241);
    }
}

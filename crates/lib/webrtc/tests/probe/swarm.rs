//! The swarm of the probe, and what is known of its connections.

use crate::direct::{self, Open, Opened};
use futures::{
    StreamExt,
    channel::{mpsc, oneshot},
    select,
};
use libp2p::{
    Multiaddr, PeerId, Swarm, Transport,
    core::{muxing::StreamMuxerBox, upgrade::Version},
    identify, identity, noise, ping, relay,
    swarm::{Config, ConnectionId, NetworkBehaviour, SwarmEvent, dial_opts::DialOpts},
    websocket_websys, yamux,
};
use peerage_webrtc::is_webrtc;
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, VecDeque},
    rc::Rc,
    time::Duration,
};

#[derive(NetworkBehaviour)]
pub struct Behaviour {
    // Before the relay's: a circuit that is there for signalling alone is asked for by it.
    webrtc: peerage_webrtc::Behaviour,
    circuits: relay::client::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    direct: direct::Behaviour,
}

/// What the page asks of the loop.
pub enum Command {
    Listen(Multiaddr),
    Dial(Multiaddr, oneshot::Sender<Result<Multiaddr, String>>),
    Close(Vec<ConnectionId>),
    Stop,
}

/// What the loop has seen.
#[derive(Default)]
pub struct Seen {
    pub addresses: Vec<Multiaddr>,
    pub connections: BTreeMap<ConnectionId, Connection>,
    /// The newest events, for whoever reads why a test failed.
    pub log: VecDeque<String>,
}

/// One connection.
pub struct Connection {
    pub peer: PeerId,
    pub address: Multiaddr,
    pub direct: bool,
    pub relayed: bool,
    /// Who the other side says it is, and what it speaks.
    pub identity: Option<(String, Vec<String>)>,
    /// Latest round trip, in ms.
    pub ping: Option<f64>,
}

/// Puts the transports together.
pub fn new(
    key: &identity::Keypair,
    config: peerage_webrtc::Config,
    wishes: mpsc::UnboundedReceiver<Open>,
    opened: mpsc::UnboundedSender<Opened>,
) -> Result<Swarm<Behaviour>, noise::Error> {
    let local = key.public().to_peer_id();
    let (direct, webrtc) = peerage_webrtc::new(local, config);
    let (circuit, circuits) = relay::client::new(local);
    let noise = noise::Config::new(key)?;
    // In this order: the relay's transport would take an address of /webrtc for its own, and websockets any of both.
    let transport = direct
        .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
        .or_transport(
            circuit
                .upgrade(Version::V1Lazy)
                .authenticate(noise.clone())
                .multiplex(yamux::Config::default())
                .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))),
        )
        .map(|either, _| either.into_inner())
        .or_transport(
            websocket_websys::Transport::default()
                .upgrade(Version::V1Lazy)
                .authenticate(noise)
                .multiplex(yamux::Config::default())
                .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))),
        )
        .map(|either, _| either.into_inner())
        .boxed();
    let identify = identify::Config::new("/probe/1".into(), key.public())
        .with_agent_version(concat!("peerage-webrtc/", env!("CARGO_PKG_VERSION")).into())
        // Remembered addresses would all be dialled again at once.
        .with_cache_size(0);
    let behaviour = Behaviour {
        webrtc,
        circuits,
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping::Config::new().with_interval(PING)),
        direct: direct::Behaviour::new(wishes, opened),
    };
    let config =
        Config::with_wasm_executor().with_idle_connection_timeout(IDLE).with_max_negotiating_inbound_streams(STREAMS);
    Ok(Swarm::new(transport, behaviour, local, config))
}

/// Runs it until it is told to stop.
pub async fn run(mut swarm: Swarm<Behaviour>, mut commands: mpsc::UnboundedReceiver<Command>, seen: Rc<RefCell<Seen>>) {
    let mut dials = HashMap::new();
    loop {
        select! {
            command = commands.next() => match command {
                Some(Command::Listen(address)) => if let Err(error) = swarm.listen_on(address.clone()) {
                    seen.borrow_mut().note(format!("cannot listen on {address}: {error}"));
                },
                Some(Command::Dial(address, reply)) => {
                    let options = DialOpts::from(address);
                    let id = options.connection_id();
                    match swarm.dial(options) {
                        Ok(()) => drop(dials.insert(id, reply)),
                        Err(error) => drop(reply.send(Err(error.to_string()))),
                    }
                }
                Some(Command::Close(ids)) => for id in ids {
                    swarm.close_connection(id);
                },
                Some(Command::Stop) | None => return,
            },
            event = swarm.select_next_some() => {
                let result = seen.borrow_mut().take(event);
                if let Some((id, result)) = result && let Some(reply) = dials.remove(&id) {
                    let _ = reply.send(result);
                }
                seen.borrow_mut().addresses = swarm.listeners().chain(swarm.external_addresses()).cloned().collect();
            }
        }
    }
}

/// A dial that has come to its end.
type Dialled = (ConnectionId, Result<Multiaddr, String>);

impl Seen {
    fn take(&mut self, event: SwarmEvent<BehaviourEvent>) -> Option<Dialled> {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                let address = endpoint.get_remote_address().clone();
                self.note(format!("{connection_id} made with {peer_id}: {address}"));
                let direct = is_webrtc(&address);
                self.connections.insert(
                    connection_id,
                    Connection {
                        peer: peer_id,
                        address: address.clone(),
                        direct,
                        relayed: !direct && endpoint.is_relayed(),
                        identity: None,
                        ping: None,
                    },
                );
                return Some((connection_id, Ok(address)));
            }
            SwarmEvent::ConnectionClosed { connection_id, cause, .. } => {
                self.note(format!("{connection_id} closed: {cause:?}"));
                self.connections.remove(&connection_id);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                self.note(format!("{connection_id} failed: {error}"));
                return Some((connection_id, Err(error.to_string())));
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
                connection_id, info, ..
            })) => {
                if let Some(connection) = self.connections.get_mut(&connection_id) {
                    let protocols = info.protocols.iter().map(ToString::to_string).collect();
                    connection.identity = Some((info.agent_version, protocols));
                }
            }
            SwarmEvent::Behaviour(BehaviourEvent::Ping(ping::Event { connection, result: Ok(trip), .. })) => {
                if let Some(connection) = self.connections.get_mut(&connection) {
                    connection.ping = Some(trip.as_secs_f64() * 1_000.0);
                }
            }
            SwarmEvent::Behaviour(BehaviourEvent::Webrtc(event)) => self.note(format!("{event:?}")),
            SwarmEvent::ListenerError { error, .. } => self.note(error.to_string()),
            SwarmEvent::ListenerClosed { reason: Err(error), .. } => self.note(error.to_string()),
            _ => {}
        }
        None
    }

    fn note(&mut self, line: String) {
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }
}

/// Connections end by order, not because nobody uses them.
const IDLE: Duration = Duration::from_secs(3_600);
/// Streams whose protocol is being agreed on, of one connection; the swarm drops what is beyond.
const STREAMS: usize = 512;
const PING: Duration = Duration::from_secs(1);
/// Events that are remembered.
const LOG: usize = 40;

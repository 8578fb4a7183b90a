//! The protocols of a swarm, with the limits of its role.
//!
//! What a hostile peer could exhaust is bounded here: connections, circuits and their bytes, reservations, lengths of messages, streams.

use crate::{Config, Role, Topic, bucket::Bucket, codec::Bounded, config::source_at, exchange};
use commonware_cryptography::{Hasher, Sha256, sha256::Digest};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol,
    connection_limits::{self, ConnectionLimits},
    gossipsub::{self, PeerScoreParams, PeerScoreThresholds, TopicScoreParams},
    identify, ping, relay,
    request_response::{self, ProtocolSupport},
    swarm::{NetworkBehaviour, behaviour::toggle::Toggle},
};
use protocol::limits;
use std::{collections::BTreeMap, net::IpAddr, num::NonZeroU32, time::Duration};
use web_time::Instant;

/// Everything a swarm speaks.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) limits: connection_limits::Behaviour,
    pub(crate) circuits: relay::client::Behaviour,
    pub(crate) direct: Toggle<webrtc::Behaviour>,
    pub(crate) relay: Toggle<relay::Behaviour>,
    pub(crate) identify: identify::Behaviour,
    pub(crate) ping: ping::Behaviour,
    pub(crate) exchange: Toggle<exchange::Behaviour>,
    pub(crate) ledger: request_response::Behaviour<Bounded>,
    pub(crate) directory: request_response::Behaviour<Bounded>,
    pub(crate) gossip: gossipsub::Behaviour,
}

impl Behaviour {
    /// The behaviours of `config.role`.
    pub(crate) fn new(
        config: &Config,
        circuits: relay::client::Behaviour,
        direct: Option<webrtc::Behaviour>,
    ) -> Result<Self, String> {
        let peer = config.identity.public().to_peer_id();
        let node = config.role == Role::Node;
        let (asks, serves) = (ProtocolSupport::Outbound, ProtocolSupport::Inbound);
        let identify = identify::Config::new("/peerage/1".into(), config.identity.public())
            .with_agent_version(concat!("peerage/", env!("CARGO_PKG_VERSION")).into())
            // Others would dial all remembered addresses at once.
            .with_cache_size(0);
        let mut gossip = gossipsub::Behaviour::new(
            gossipsub::MessageAuthenticity::Anonymous,
            gossipsub::ConfigBuilder::default()
                .max_transmit_size(limits::GOSSIP_BYTES)
                .validation_mode(gossipsub::ValidationMode::Anonymous)
                .message_id_fn(|message| Sha256::hash(&[&message.data]).to_vec().into())
                .validate_messages()
                .build()
                .map_err(|error| error.to_string())?,
        )?;
        gossip.with_peer_score(scores(config.chain), thresholds())?;
        for topic in Topic::ALL {
            gossip.subscribe(&topic.of(config.chain)).map_err(|error| error.to_string())?;
        }
        Ok(Self {
            limits: connection_limits::Behaviour::new(connections(config.role)),
            circuits,
            direct: direct.into(),
            relay: node.then(|| relay::Behaviour::new(peer, relay_limits())).into(),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping::Config::new().with_interval(PING).with_timeout(PING_TIMEOUT)),
            exchange: (!node).then(exchange::Behaviour::new).into(),
            ledger: service(
                "/peerage/ledger/1",
                match config.role {
                    Role::Node => serves.clone(),
                    Role::Resident => asks.clone(),
                    Role::Tab => ProtocolSupport::Full,
                },
                Bounded { request: limits::LEDGER_QUERY_BYTES, response: limits::LEDGER_REPLY_BYTES },
                Duration::from_secs(15),
            ),
            directory: service(
                "/peerage/directory/1",
                if node { serves } else { asks },
                Bounded { request: limits::DIRECTORY_BYTES, response: limits::DIRECTORY_BYTES },
                Duration::from_secs(10),
            ),
            gossip,
        })
    }
}

fn service(
    name: &'static str,
    support: ProtocolSupport,
    bounds: Bounded,
    timeout: Duration,
) -> request_response::Behaviour<Bounded> {
    let protocols = [(StreamProtocol::new(name), support)];
    let config = request_response::Config::default().with_request_timeout(timeout).with_max_concurrent_streams(STREAMS);
    request_response::Behaviour::with_codec(bounds, protocols, config)
}

/// Who hands on what is false is left out: each rejected message costs, the square of their number counts, and is forgotten within
/// minutes. Nothing else counts; many tabs share an address, and some topics are quiet.
fn scores(chain: Digest) -> PeerScoreParams {
    let topic = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -1.0,
        invalid_message_deliveries_decay: 0.98,
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: Topic::ALL.into_iter().map(|name| (name.of(chain).hash(), topic.clone())).collect(),
        ip_colocation_factor_weight: 0.0,
        slow_peer_weight: 0.0,
        behaviour_penalty_weight: -1.0,
        ..PeerScoreParams::default()
    }
}

/// One rejected message and a peer leaves the meshes for a while; some five in a row and it hears of nothing by itself, some eight and
/// nothing is published to it, some ten and it is not heard.
fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -16.0,
        publish_threshold: -49.0,
        graylist_threshold: -81.0,
        ..PeerScoreThresholds::default()
    }
}

fn connections(role: Role) -> ConnectionLimits {
    let most = match role {
        Role::Node => NODE_CONNECTIONS,
        Role::Resident => RESIDENT_CONNECTIONS,
        // For a moment each neighbour is connected through a circuit too; its nodes come on top.
        Role::Tab => 2 * limits::CONNECTIONS as u32 + 8,
    };
    ConnectionLimits::default()
        .with_max_established(Some(most))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER))
        .with_max_pending_incoming(Some(if role == Role::Node { NODE_PENDING } else { PENDING }))
        .with_max_pending_outgoing(Some(PENDING))
}

/// Lets begin as many circuits as one source may have, however many peers it is: so many at once and one a second, about half of all
/// that there are within the longest life of one.
fn by_source() -> impl FnMut(PeerId, &Multiaddr, Instant) -> bool + Send {
    let mut budgets: BTreeMap<IpAddr, Bucket> = BTreeMap::new();
    move |_, address, now| {
        let Some(source) = source_at(address) else { return true };
        if budgets.len() >= SOURCES {
            budgets.retain(|_, budget| !budget.is_full(now));
        }
        let budget = budgets.entry(source).or_insert_with(|| Bucket::new(now));
        budget.try_take(CIRCUIT_COST, CIRCUIT_COST * CIRCUITS_AT_ONCE, now)
    }
}

/// The fallback class of circuit (decisions.md, Relays): renewable, 256 KiB/s over ten minutes, as many as a classroom behind one address needs.
fn relay_limits() -> relay::Config {
    let minute = Duration::from_secs(60);
    let a_minute = NonZeroU32::new(120).unwrap_or(NonZeroU32::MIN);
    let config = relay::Config {
        // One a connection: who may have so many connections has no more of these.
        max_reservations: NODE_CONNECTIONS as usize,
        max_reservations_per_peer: 4,
        reservation_duration: Duration::from_secs(3_600),
        reservation_rate_limiters: Vec::new(),
        max_circuits: 2_048,
        max_circuits_per_peer: 2 * limits::CONNECTIONS,
        max_circuit_duration: CIRCUIT,
        max_circuit_bytes: CIRCUIT_RATE * CIRCUIT.as_secs(),
        circuit_src_rate_limiters: Vec::new(),
    };
    let mut config = config.reservation_rate_per_peer(a_minute, minute).circuit_src_per_peer(a_minute, minute);
    config.circuit_src_rate_limiters.push(Box::new(by_source()));
    config
}

/// Connections of a node: one tab has one or two.
const NODE_CONNECTIONS: u32 = 4_096;
/// Connections of a resident.
const RESIDENT_CONNECTIONS: u32 = 256;
/// Connections of one peer: one, another while it is replaced, and some that are being closed.
const CONNECTIONS_PER_PEER: u32 = 4;
/// Connections being made.
const PENDING: u32 = 64;
/// Connections being made to a node: more than one address may have, so that one that begins and does not go on keeps nobody out.
const NODE_PENDING: u32 = 1_024;
/// Streams of one protocol on one connection.
const STREAMS: usize = 32;
/// Bytes a second of a circuit.
const CIRCUIT_RATE: u64 = 256 << 10;
/// Circuits that one source may begin at once: sixteen for each tab of a classroom …
const CIRCUITS_AT_ONCE: u32 = 512;
/// … and after each, what it costs until there is room for the next.
const CIRCUIT_COST: Duration = Duration::from_secs(1);
/// Sources that are remembered before those that owe nothing are let go.
const SOURCES: usize = 4_096;
/// Longest life of a circuit.
const CIRCUIT: Duration = Duration::from_secs(600);
/// Between pings, which measure the round trip and notice the dead.
const PING: Duration = Duration::from_secs(5);
/// When a peer that does not answer a ping counts as dead.
const PING_TIMEOUT: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_begins_its_share_of_the_circuits_however_many_peers_it_is() {
        let (mut admits, now) = (by_source(), Instant::now());
        let (hostile, other) = ("/ip4/192.0.2.1/tcp/1/ws".parse().unwrap(), "/ip4/192.0.2.2/tcp/1/ws".parse().unwrap());
        let begun = (0..2_048).filter(|_| admits(PeerId::random(), &hostile, now)).count();
        assert_eq!(begun, CIRCUITS_AT_ONCE as usize);
        assert!(admits(PeerId::random(), &other, now));
        let later = now + CIRCUIT_COST;
        assert!(admits(PeerId::random(), &hostile, later) && !admits(PeerId::random(), &hostile, later));
        // Held for as long as they last, that is not much more than half of what there is.
        let held = u64::from(CIRCUITS_AT_ONCE) + CIRCUIT.as_secs();
        assert!(held * 5 <= relay_limits().max_circuits as u64 * 3, "{held}");
        let here = "/ip4/127.0.0.1/tcp/1/ws".parse().unwrap();
        assert!((0..2_048).all(|_| admits(PeerId::random(), &here, now)), "whose TLS was taken off");
    }
}

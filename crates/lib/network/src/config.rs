//! What a swarm is told at its start.

use commonware_cryptography::sha256::Digest;
use libp2p::{Multiaddr, PeerId, identity::Keypair, multiaddr::Protocol};
use protocol::exchange::Hello;
use std::net::{IpAddr, Ipv6Addr};
use webrtc::IceServer;

/// What the swarm serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Relay, directory and ledger; no asks.
    Node,
    /// Asks; listens on its own addresses.
    Resident,
    /// Asks and ledger; reached through circuits of a node.
    Tab,
}

/// Identity, chain and addresses of a swarm.
#[derive(Clone, Debug)]
pub struct Config {
    /// libp2p key.
    pub identity: Keypair,
    /// Hash of the genesis; peers of another chain are refused.
    pub chain: Digest,
    /// What it serves.
    pub role: Role,
    /// Nodes to stay connected with, each address ending in `/p2p/<peer id>`.
    pub nodes: Vec<Multiaddr>,
    /// Residents known from the start, likewise.
    pub residents: Vec<Multiaddr>,
    /// Where to listen. A tab listens nowhere: it reserves a circuit at its node.
    pub listen: Vec<Multiaddr>,
    /// Addresses under which others reach what it listens on, besides those found on its interfaces.
    pub external: Vec<Multiaddr>,
    /// Who it says it is; none for a node.
    pub hello: Option<Hello>,
    /// STUN and TURN servers that help a tab to connect directly with others.
    pub ice_servers: Vec<IceServer>,
    /// What one address may take of the ports that it listens on; none where something in front of them sees to that.
    #[cfg(not(target_arch = "wasm32"))]
    pub sources: Option<crate::Sources>,
}

/// Why a swarm cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot listen there; a port in use is the usual cause.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// Where.
        address: Multiaddr,
        /// What the system says.
        reason: String,
    },
    /// The address of a node or resident does not say who answers there.
    #[error("address {address} does not end in /p2p/ and a peer id")]
    NoPeer {
        /// The address.
        address: Multiaddr,
    },
    /// A text is not a multiaddress.
    #[error("{text} is not a multiaddress: {reason}")]
    Address {
        /// The text.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// Transport or behaviours could not be made.
    #[error("cannot make the swarm: {reason}")]
    Swarm {
        /// What is wrong.
        reason: String,
    },
}

impl Config {
    /// A swarm that knows nobody and listens nowhere.
    pub fn new(identity: Keypair, chain: Digest, role: Role) -> Self {
        Self {
            identity,
            chain,
            role,
            nodes: Vec::new(),
            residents: Vec::new(),
            listen: Vec::new(),
            external: Vec::new(),
            hello: None,
            ice_servers: Vec::new(),
            #[cfg(not(target_arch = "wasm32"))]
            sources: None,
        }
    }
}

/// Parses multiaddresses, as `/bootstrap.json` holds them.
///
/// # Errors
/// [`StartError::Address`] for the first that is none.
pub fn addresses(texts: &[String]) -> Result<Vec<Multiaddr>, StartError> {
    let parse = |text: &String| {
        text.parse().map_err(|error: libp2p::multiaddr::Error| StartError::Address {
            text: text.clone(),
            reason: error.to_string(),
        })
    };
    texts.iter().map(parse).collect()
}

/// The part of an address that one source has.
pub fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// Where whoever is at this address comes from; none where it comes through something else, or from this machine: one of loopback says
/// that TLS was taken off or a proxy is in front.
pub(crate) fn source_at(address: &Multiaddr) -> Option<IpAddr> {
    let mut found = None;
    for part in address {
        match part {
            Protocol::Ip4(ip) => found = Some(IpAddr::from(ip)),
            Protocol::Ip6(ip) => found = Some(IpAddr::from(ip)),
            Protocol::P2pCircuit => return None,
            _ => {}
        }
    }
    found.filter(|ip| !ip.to_canonical().is_loopback()).map(source_of)
}

/// The peer that an address ends in.
pub(crate) fn peer_of(address: &Multiaddr) -> Result<PeerId, StartError> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Ok(peer),
        _ => Err(StartError::NoPeer { address: address.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_known_where_an_address_says_it() {
        let at = |text: &str| source_at(&text.parse().unwrap()).map(|ip| ip.to_string());
        assert_eq!(at("/ip4/192.0.2.1/tcp/1/ws").as_deref(), Some("192.0.2.1"));
        assert_eq!(at("/ip6/2001:db8::7/tcp/1").as_deref(), Some("2001:db8::"));
        assert_eq!(at("/ip6/::ffff:192.0.2.1/tcp/1").as_deref(), Some("192.0.2.1"));
        for none in [
            "/ip4/127.0.0.1/tcp/1/ws",
            "/ip6/::1/tcp/1",
            "/ip6/::ffff:127.0.0.1/tcp/1",
            "/ip4/192.0.2.1/tcp/1/ws/p2p-circuit",
            "/dns/a/tcp/1",
        ] {
            assert_eq!(at(none), None, "{none}");
        }
    }

    #[test]
    fn addresses_name_their_peer_or_are_refused() {
        let peer = Keypair::generate_ed25519().public().to_peer_id();
        let good = addresses(&[format!("/ip4/127.0.0.1/tcp/1/ws/p2p/{peer}")]).unwrap();
        assert_eq!(peer_of(&good[0]).unwrap(), peer);
        let nameless = addresses(&["/ip4/127.0.0.1/tcp/1/ws".into()]).unwrap();
        assert!(matches!(peer_of(&nameless[0]), Err(StartError::NoPeer { .. })));
        assert!(matches!(addresses(&["127.0.0.1:1".into()]), Err(StartError::Address { .. })));
    }
}

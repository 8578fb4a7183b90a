//! The addresses of `/webrtc`: what is listened on, advertised, dialled and seen of an inbound connection.
//!
//! | address | what it is |
//! |---|---|
//! | `/webrtc` | listened on |
//! | `<relay>/p2p-circuit/webrtc/p2p/<local>` | advertised for each circuit that is reserved |
//! | `<relay>/p2p-circuit/webrtc/p2p/<peer>` | dialled; the circuit is dialled first where there is no connection yet |
//! | `/webrtc/p2p/<peer>` | dialled over a connection that exists; remote address of an inbound connection |

use libp2p_core::{Multiaddr, multiaddr::Protocol};
use libp2p_identity::PeerId;

/// Whether `address` is one of `/webrtc`, which `Multiaddr::is_relayed` would take for a relayed one.
pub fn is_webrtc(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::WebRTC)
}

/// Whom an address leads to, and the circuit under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) peer: PeerId,
    /// Ends in `/p2p/<peer>`; none where a connection must exist already.
    pub(crate) circuit: Option<Multiaddr>,
}

impl Target {
    /// Reads a dialled address; none if it is another transport's.
    pub(crate) fn parse(address: &Multiaddr) -> Option<Self> {
        let (mut relay, mut rest) = (Multiaddr::empty(), address.iter());
        for part in rest.by_ref() {
            if part == Protocol::WebRTC {
                break;
            }
            relay.push(part);
        }
        let (Some(Protocol::P2p(peer)), None) = (rest.next(), rest.next()) else { return None };
        let circuit = match relay.iter().last() {
            None => None,
            Some(Protocol::P2pCircuit) => Some(relay.with(Protocol::P2p(peer))),
            Some(_) => return None,
        };
        Some(Self { peer, circuit })
    }
}

/// Whether this is the address `/webrtc` and nothing else.
pub(crate) fn is_listener(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    parts.next() == Some(Protocol::WebRTC) && parts.next().is_none()
}

/// Whether `address` is a circuit reserved for us: `<relay>/p2p-circuit` with or without our own id.
pub(crate) fn is_circuit(address: &Multiaddr) -> bool {
    !is_webrtc(address) && address.iter().any(|part| part == Protocol::P2pCircuit)
}

/// What is advertised for a reserved `circuit` of `local`.
pub(crate) fn advertised(circuit: &Multiaddr, local: PeerId) -> Multiaddr {
    let mut address = circuit.clone();
    if matches!(address.iter().last(), Some(Protocol::P2p(_))) {
        address.pop();
    }
    address.with(Protocol::WebRTC).with(Protocol::P2p(local))
}

/// The remote address of a connection that `peer` made.
pub(crate) fn inbound(peer: PeerId) -> Multiaddr {
    Multiaddr::empty().with(Protocol::WebRTC).with(Protocol::P2p(peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELAY: &str = "/ip4/127.0.0.1/tcp/9/ws/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN/p2p-circuit";

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn dialled_addresses_are_read() {
        let peer = PeerId::random();
        let circuit = address(&format!("{RELAY}/p2p/{peer}"));
        let through = Target::parse(&address(&format!("{RELAY}/webrtc/p2p/{peer}")));
        assert_eq!(through, Some(Target { peer, circuit: Some(circuit) }));
        let over = Target::parse(&address(&format!("/webrtc/p2p/{peer}")));
        assert_eq!(over, Some(Target { peer, circuit: None }));
    }

    #[test]
    fn addresses_of_others_are_left_to_them() {
        let peer = PeerId::random();
        for text in [
            format!("{RELAY}/p2p/{peer}"),
            format!("{RELAY}/webrtc"),
            format!("/ip4/127.0.0.1/tcp/9/ws/webrtc/p2p/{peer}"),
            format!("{RELAY}/webrtc/p2p/{peer}/p2p-circuit"),
            "/ip4/127.0.0.1/udp/9/webrtc-direct".into(),
            "/webrtc".into(),
        ] {
            assert_eq!(Target::parse(&address(&text)), None, "{text}");
        }
    }

    #[test]
    fn a_circuit_is_advertised_once_with_the_own_id() {
        let local = PeerId::random();
        let expected = address(&format!("{RELAY}/webrtc/p2p/{local}"));
        assert_eq!(advertised(&address(RELAY), local), expected);
        assert_eq!(advertised(&address(&format!("{RELAY}/p2p/{local}")), local), expected);
        assert!(is_webrtc(&expected) && !is_circuit(&expected) && is_circuit(&address(RELAY)));
        assert!(is_listener(&address("/webrtc")) && !is_listener(&expected));
    }
}

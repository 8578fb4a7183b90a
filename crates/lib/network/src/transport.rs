//! Websockets under noise and yamux, beside circuits and WebRTC: the only place where a tab and a process differ.

use crate::{Config, behaviour::Behaviour};
#[cfg(not(target_arch = "wasm32"))]
use futures::TryFutureExt;
use libp2p::{
    Multiaddr, PeerId, Swarm, Transport,
    core::{
        muxing::StreamMuxerBox,
        transport::{Boxed, OptionalTransport, timeout::TransportTimeout},
        upgrade::Version,
    },
    noise, relay, swarm, yamux,
};
use std::time::Duration;

/// Longest a connection without use is kept. Timers of a browser hold at most 2^31 ms.
const IDLE: Duration = Duration::from_secs(6 * 3_600);
/// Longest a transport may take to make a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// The swarm over this platform's websockets, `circuits` and what is `direct`.
pub(crate) fn swarm(
    settings: &Config,
    circuits: relay::client::Transport,
    direct: Option<webrtc::Transport>,
    behaviour: Behaviour,
) -> Result<Swarm<Behaviour>, String> {
    let identity = &settings.identity;
    let noise = noise::Config::new(identity).map_err(|error| error.to_string())?;
    let circuits = circuits
        .upgrade(Version::V1Lazy)
        .authenticate(noise.clone())
        .multiplex(yamux::Config::default())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    // Circuits first: websockets would not refuse `/ip4/…/ws/p2p/…/p2p-circuit` but dial the node.
    let transport = circuits.or_transport(websockets(noise, settings)?).map(|either, _| either.into_inner());
    let transport = TransportTimeout::new(transport, CONNECT);
    // WebRTC before circuits, which would take its addresses for their own. It has a deadline of its own.
    let direct = direct.map(|direct| direct.map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection))));
    let direct = direct.map_or_else(OptionalTransport::none, OptionalTransport::some);
    let transport = direct.or_transport(transport).map(|either, _| either.into_inner()).boxed();
    Ok(Swarm::new(transport, behaviour, identity.public().to_peer_id(), config().with_idle_connection_timeout(IDLE)))
}

/// Whether nobody listens at `address` yet. The transport itself shares a port with any other of its kind.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn vacant(address: &Multiaddr) -> std::io::Result<()> {
    use libp2p::multiaddr::Protocol;
    let Some(ip) = ip_of(address) else { return Ok(()) };
    match address.iter().nth(1) {
        Some(Protocol::Tcp(port)) if port != 0 => std::net::TcpListener::bind((ip, port)).map(drop),
        _ => Ok(()),
    }
}

/// A tab listens on no port.
#[cfg(target_arch = "wasm32")]
pub(crate) fn vacant(_: &Multiaddr) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(target_arch = "wasm32"))]
fn websockets(noise: noise::Config, settings: &Config) -> Result<Boxed<(PeerId, StreamMuxerBox)>, String> {
    use crate::{Metered, Turned};
    use libp2p::{core::ConnectedPoint, dns, tcp, websocket};
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    let named = dns::tokio::Transport::system(tcp).map_err(|error| format!("names cannot be resolved: {error}"))?;
    let sources = settings.sources.clone();
    // Before the first byte is read: who is turned away costs no handshake.
    let bounded = named.and_then(move |stream, point| {
        let from = match &point {
            ConnectedPoint::Listener { send_back_addr, .. } => ip_of(send_back_addr),
            ConnectedPoint::Dialer { .. } => None,
        };
        let seat = sources.zip(from).map(|(sources, from)| sources.enter(from)).transpose();
        futures::future::ready(seat.map(|seat| Metered::new(stream, seat, None))).map_err(|turned: Turned| {
            tracing::debug!(%turned, "a connection was not taken");
            turned
        })
    });
    Ok(websocket::Config::new(bounded.boxed())
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux::Config::default())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .boxed())
}

/// The address of a machine.
#[cfg(not(target_arch = "wasm32"))]
fn ip_of(address: &Multiaddr) -> Option<std::net::IpAddr> {
    use libp2p::multiaddr::Protocol;
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    })
}

#[cfg(target_arch = "wasm32")]
fn websockets(noise: noise::Config, _: &Config) -> Result<Boxed<(PeerId, StreamMuxerBox)>, String> {
    Ok(libp2p::websocket_websys::Transport::default()
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux::Config::default())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .boxed())
}

#[cfg(not(target_arch = "wasm32"))]
fn config() -> swarm::Config {
    swarm::Config::with_tokio_executor()
}

#[cfg(target_arch = "wasm32")]
fn config() -> swarm::Config {
    swarm::Config::with_wasm_executor()
}

//! Two tabs that find each other through a relay and then speak directly: the smallest page with this transport.
//!
//! `index.html` beside this file says how to build and open it.
#![cfg(target_arch = "wasm32")]

use futures::{StreamExt, channel::mpsc, select};
use libp2p::{
    Multiaddr, Swarm, Transport,
    core::{muxing::StreamMuxerBox, upgrade::Version},
    identify,
    identity::Keypair,
    multiaddr::Protocol,
    noise, ping, relay,
    swarm::{Config, NetworkBehaviour, SwarmEvent},
    websocket_websys, yamux,
};
use wasm_bindgen::prelude::*;

#[derive(NetworkBehaviour)]
struct Behaviour {
    webrtc: peerage_webrtc::Behaviour,
    circuits: relay::client::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
}

/// A peer in this tab.
#[wasm_bindgen]
pub struct Peer {
    dials: mpsc::UnboundedSender<Multiaddr>,
}

#[wasm_bindgen]
impl Peer {
    /// Listens through `relay` (`/ip4/…/tcp/…/ws/p2p/…`) and directly; `say` hears what happens, line by line.
    #[wasm_bindgen(constructor)]
    pub fn new(relay: &str, say: js_sys::Function) -> Result<Peer, JsError> {
        let key = Keypair::generate_ed25519();
        let mut swarm = swarm(&key)?;
        swarm.listen_on(relay.parse::<Multiaddr>()?.with(Protocol::P2pCircuit))?;
        swarm.listen_on(Multiaddr::empty().with(Protocol::WebRTC))?;
        let (dials, mut dialled) = mpsc::unbounded::<Multiaddr>();
        wasm_bindgen_futures::spawn_local(async move {
            let say = |line: String| drop(say.call1(&JsValue::NULL, &line.into()));
            loop {
                select! {
                    address = dialled.select_next_some() => if let Err(error) = swarm.dial(address) { say(error.to_string()); },
                    event = swarm.select_next_some() => match event {
                        SwarmEvent::NewListenAddr { address, .. } if peerage_webrtc::is_webrtc(&address) => {
                            say(format!("dial me at {address}"));
                        }
                        SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                            say(format!("connected with {peer_id} by {}", endpoint.get_remote_address()));
                        }
                        SwarmEvent::ConnectionClosed { peer_id, .. } => say(format!("a connection with {peer_id} ended")),
                        SwarmEvent::OutgoingConnectionError { error, .. } => say(error.to_string()),
                        SwarmEvent::Behaviour(BehaviourEvent::Ping(ping::Event { peer, result: Ok(time), .. })) => {
                            say(format!("{peer} is {:.1} ms away", time.as_secs_f64() * 1e3));
                        }
                        _ => {}
                    },
                }
            }
        });
        Ok(Self { dials })
    }

    /// Dials an address that another tab has said.
    pub fn dial(&self, address: &str) -> Result<(), JsError> {
        Ok(self.dials.unbounded_send(address.parse()?)?)
    }
}

fn swarm(key: &Keypair) -> Result<Swarm<Behaviour>, noise::Error> {
    let local = key.public().to_peer_id();
    let (direct, webrtc) = peerage_webrtc::new(local, peerage_webrtc::Config::default());
    let (circuit, circuits) = relay::client::new(local);
    let noise = noise::Config::new(key)?;
    let circuit = circuit.upgrade(Version::V1Lazy).authenticate(noise.clone()).multiplex(yamux::Config::default());
    let websocket = websocket_websys::Transport::default();
    let websocket = websocket.upgrade(Version::V1Lazy).authenticate(noise).multiplex(yamux::Config::default());
    // Direct first, then circuits, then the relay itself: each would take the addresses of those before it.
    let transport = direct
        .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
        .or_transport(circuit.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))))
        .map(|either, _| either.into_inner())
        .or_transport(websocket.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))))
        .map(|either, _| either.into_inner())
        .boxed();
    let behaviour = Behaviour {
        webrtc,
        circuits,
        // Remembered addresses would all be dialled at once.
        identify: identify::Behaviour::new(identify::Config::new("/pair/1".into(), key.public()).with_cache_size(0)),
        ping: ping::Behaviour::default(),
    };
    Ok(Swarm::new(transport, behaviour, local, Config::with_wasm_executor()))
}

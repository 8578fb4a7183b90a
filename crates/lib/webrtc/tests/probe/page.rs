//! What JavaScript sees: one object whose methods start the peer, look at it and send it to its exercises.

use crate::{
    direct::Open,
    exercises::Peer,
    serve,
    swarm::{self, Command, Connection, Seen},
};
use futures::{
    channel::{mpsc, oneshot},
    future::{self, Either},
};
use futures_timer::Delay;
use libp2p::{Multiaddr, identity::Keypair, multiaddr::Protocol, swarm::ConnectionId};
use peerage_webrtc::{Config, IceServer};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, io, rc::Rc, time::Duration};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_time::Instant;

/// A peer that a page can have. `tests/webrtc/pages/js.mjs` is the same in JavaScript.
#[wasm_bindgen]
#[derive(Default)]
pub struct Probe {
    seen: Rc<RefCell<Seen>>,
    running: RefCell<Option<Running>>,
}

/// Where to send what.
#[derive(Clone)]
struct Running {
    commands: mpsc::UnboundedSender<Command>,
    wishes: mpsc::UnboundedSender<Open>,
}

/// How to start.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    relay: String,
    ice: Vec<String>,
    /// Longest a dial may take, in ms.
    timeout: Option<u32>,
}

#[derive(Serialize)]
struct Shown {
    peer: String,
    addr: String,
    direct: bool,
    relayed: bool,
}

#[derive(Serialize)]
struct Dialled {
    ms: f64,
    addr: String,
}

#[derive(Serialize)]
struct Agent {
    agent: String,
    protocols: Vec<String>,
}

#[derive(Serialize)]
struct Sunk {
    ms: f64,
}

#[wasm_bindgen]
impl Probe {
    /// Nothing runs yet.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        console_error_panic_hook::set_once();
        Self::default()
    }

    /// Listens through a relay and for direct connections; gives the peer id.
    pub fn start(&self, options: JsValue) -> Result<String, JsError> {
        let options: Options = serde_wasm_bindgen::from_value(options)?;
        let mut config = Config::default();
        if !options.ice.is_empty() {
            config.ice_servers = vec![IceServer { urls: options.ice, username: None, credential: None }];
        }
        if let Some(ms) = options.timeout {
            config.timeout = Duration::from_millis(ms.into());
        }
        let key = Keypair::generate_ed25519();
        let (commands, orders) = mpsc::unbounded();
        let (wishes, wished) = mpsc::unbounded();
        let (opened, arriving) = mpsc::unbounded();
        let swarm = swarm::new(&key, config, wished, opened)?;
        spawn_local(swarm::run(swarm, orders, Rc::clone(&self.seen)));
        spawn_local(serve::serve(arriving));
        let relay: Multiaddr = options.relay.parse()?;
        for address in [relay.with(Protocol::P2pCircuit), Multiaddr::empty().with(Protocol::WebRTC)] {
            let _ = commands.unbounded_send(Command::Listen(address));
        }
        self.running.replace(Some(Running { commands, wishes }));
        Ok(key.public().to_peer_id().to_string())
    }

    /// Own addresses that contain `part`.
    #[wasm_bindgen(js_name = waitAddr)]
    pub async fn wait_address(&self, part: String, ms: u32) -> Result<JsValue, JsError> {
        let found = self
            .until(ms, "an address", |seen| {
                let all = seen.addresses.iter().map(ToString::to_string);
                let found: Vec<String> = all.filter(|address| address.contains(&part)).collect();
                (!found.is_empty()).then_some(found)
            })
            .await?;
        value(&found)
    }

    /// All connections.
    pub fn conns(&self) -> Result<JsValue, JsError> {
        let seen = self.seen.borrow();
        let all = seen.connections.values().map(|connection| Shown {
            peer: connection.peer.to_string(),
            addr: connection.address.to_string(),
            direct: connection.direct,
            relayed: connection.relayed,
        });
        value(&all.collect::<Vec<_>>())
    }

    /// The newest events.
    pub fn log(&self) -> Vec<String> {
        self.seen.borrow().log.iter().cloned().collect()
    }

    /// Dials, and gives the time it took.
    pub async fn dial(&self, address: String, ms: u32) -> Result<JsValue, JsError> {
        let start = Instant::now();
        let (reply, done) = oneshot::channel();
        self.send(Command::Dial(address.parse()?, reply))?;
        match future::select(done, Delay::new(Duration::from_millis(ms.into()))).await {
            Either::Left((Ok(Ok(address)), _)) => {
                value(&Dialled { ms: start.elapsed().as_secs_f64() * 1_000.0, addr: address.to_string() })
            }
            Either::Left((Ok(Err(error)), _)) => Err(JsError::new(&error)),
            Either::Left((Err(_), _)) => Err(JsError::new("the peer has stopped")),
            Either::Right(_) => Err(JsError::new(&format!("not within {ms} ms"))),
        }
    }

    /// Who the other side says it is, on the direct connection.
    pub async fn agent(&self, peer: String) -> Result<JsValue, JsError> {
        let (agent, protocols) =
            self.until(10_000, "identified", |seen| direct(seen, &peer).find_map(|c| c.identity.clone())).await?;
        value(&Agent { agent, protocols })
    }

    /// Latest round trip of libp2p's ping on the direct connection, in ms.
    pub async fn ping(&self, peer: String) -> Result<f64, JsError> {
        self.until(10_000, "a ping", |seen| direct(seen, &peer).find_map(|c| c.ping)).await
    }

    /// Closes the relayed connections with `peer`.
    #[wasm_bindgen(js_name = closeRelayed)]
    pub async fn close_relayed(&self, peer: String) -> Result<(), JsError> {
        self.close(move |connection| connection.relayed && connection.peer.to_string() == peer).await
    }

    /// Closes every connection with `peer`.
    pub async fn hangup(&self, peer: String) -> Result<(), JsError> {
        self.close(move |connection| connection.peer.to_string() == peer).await
    }

    /// Ends the peer with all its connections.
    pub fn stop(&self) -> Result<(), JsError> {
        self.send(Command::Stop)
    }

    /// See [`Peer::echo`].
    pub async fn echo(&self, peer: String, bytes: u32, window: u32, seed: u32) -> Result<JsValue, JsError> {
        value(&self.peer(&peer)?.echo(bytes, window, seed).await?)
    }

    /// See [`Peer::streams`].
    pub async fn streams(&self, peer: String, n: u32, bytes: u32) -> Result<JsValue, JsError> {
        value(&self.peer(&peer)?.streams(n, bytes).await?)
    }

    /// See [`Peer::requests`].
    pub async fn requests(&self, peer: String, n: u32, bytes: u32, parallel: u32) -> Result<JsValue, JsError> {
        value(&self.peer(&peer)?.requests(n, bytes, parallel).await)
    }

    /// See [`Peer::half_close`].
    #[wasm_bindgen(js_name = halfClose)]
    pub async fn half_close(&self, peer: String, bytes: u32) -> Result<JsValue, JsError> {
        value(&self.peer(&peer)?.half_close(bytes).await?)
    }

    /// `local`: this side aborts; else the other.
    pub async fn reset(&self, peer: String, kind: String) -> Result<JsValue, JsError> {
        let peer = self.peer(&peer)?;
        value(&if kind == "local" { peer.reset_locally().await? } else { peer.reset_remotely().await? })
    }

    /// See [`Peer::rtt`].
    pub async fn rtt(&self, peer: String, n: u32) -> Result<JsValue, JsError> {
        value(&self.peer(&peer)?.rtt(n).await?)
    }

    /// See [`Peer::sink`].
    pub async fn sink(&self, peer: String, bytes: u32, part: u32) -> Result<JsValue, JsError> {
        value(&Sunk { ms: self.peer(&peer)?.sink(bytes, part).await? })
    }
}

impl Probe {
    fn running(&self) -> Result<Running, JsError> {
        self.running.borrow().clone().ok_or_else(|| JsError::new("the peer has not started"))
    }

    fn send(&self, command: Command) -> Result<(), JsError> {
        Ok(self.running()?.commands.unbounded_send(command)?)
    }

    fn peer(&self, id: &str) -> Result<Peer, JsError> {
        Ok(Peer { id: id.parse()?, wishes: self.running()?.wishes })
    }

    /// Closes what `chosen` chooses, and waits until it is closed.
    async fn close(&self, chosen: impl Fn(&Connection) -> bool) -> Result<(), JsError> {
        let ids: Vec<ConnectionId> = {
            let seen = self.seen.borrow();
            seen.connections.iter().filter(|(_, connection)| chosen(connection)).map(|(id, _)| *id).collect()
        };
        self.send(Command::Close(ids.clone()))?;
        self.until(10_000, "closed", |seen| ids.iter().all(|id| !seen.connections.contains_key(id)).then_some(())).await
    }

    /// What `probe` gives once it gives something.
    async fn until<T>(&self, ms: u32, what: &str, probe: impl Fn(&Seen) -> Option<T>) -> Result<T, JsError> {
        let start = Instant::now();
        loop {
            if let Some(found) = probe(&self.seen.borrow()) {
                return Ok(found);
            }
            if start.elapsed() > Duration::from_millis(ms.into()) {
                return Err(io::Error::other(format!("{what}: not within {ms} ms")).into());
            }
            Delay::new(Duration::from_millis(10)).await;
        }
    }
}

fn direct<'a>(seen: &'a Seen, peer: &str) -> impl Iterator<Item = &'a Connection> {
    seen.connections.values().filter(move |connection| connection.direct && connection.peer.to_string() == peer)
}

fn value(shown: &impl Serialize) -> Result<JsValue, JsError> {
    Ok(serde_wasm_bindgen::to_value(shown)?)
}

//! What only the page says, and how events reach the script.

use js_sys::{Function, Reflect};
use network::{ByKind, Connection, Path, PeerId, Snapshot, Tally};
use protocol::exchange::{Hello, Kind, Modalities};
use protocol::port::trainer;
use serde::Serialize;
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::prelude::JsValue;

/// Passes events to the script's function.
#[derive(Clone)]
pub(crate) struct Listener {
    function: Function,
    last: Rc<RefCell<JsValue>>,
}

/// An event of the page itself.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum PageEvent<'a> {
    /// What the browser can do, besides what a page needs to get here.
    Browser { webgpu: bool, webrtc: bool, locks: bool },
    /// Who this tab is. `kept`: from an earlier visit; `None`: for this tab alone. `cold`: the key that owns the stake; `None`:
    /// the hot key does.
    Identity { key: &'a str, chain: &'a str, peer: String, kept: Option<bool>, cold: Option<&'a str>, backed_up: bool },
    /// Where the network stands.
    Network(NetworkWords),
    /// A peer was turned away.
    Refused { peer: String, reason: &'a str },
    /// Something about learning that a person should know.
    Trouble { message: &'a str, fatal: bool },
    /// Something about the ledger that a person should know.
    Alarm { message: &'a str, fatal: bool, stale: bool },
    /// A seller owes so many positions. `all`: that is all it owes from now on, as a resident says it; otherwise it is what this
    /// purchase was worth, on top of what was open before: a tab's auditor, which answers a claim, does not know the rest.
    Credit { peer: String, positions: f64, all: bool },
    /// Everything has ended.
    Stopped,
}

/// A neighbour whose record verified.
#[derive(Debug)]
pub(crate) struct Near {
    pub(crate) id: PeerId,
    /// The same as text.
    pub(crate) peer: String,
    /// Its hot key, lower-case hex.
    pub(crate) key: String,
    pub(crate) kind: Kind,
    modalities: Modalities,
    /// Base units for 1,024 positions; 0: not for sale.
    price: u64,
}

/// The node as a person sees it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeWords {
    /// Whether it is connected.
    pub(crate) up: bool,
    /// Why not.
    pub(crate) reason: Option<String>,
    /// Milliseconds to the next attempt.
    pub(crate) retry_ms: Option<f64>,
}

/// The network as a person sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NetworkWords {
    peer: String,
    node: NodeWords,
    connections: Vec<ConnectionWords>,
    bytes_in: f64,
    bytes_out: f64,
    exchanges: Exchanges,
}

#[derive(Debug, Serialize)]
struct ConnectionWords {
    peer: String,
    key: Option<String>,
    kind: Option<&'static str>,
    path: &'static str,
    rtt: Option<f64>,
    /// What it represents, bits; `None` until its record verified.
    modalities: Option<u8>,
    /// Base units for 1,024 positions.
    price: Option<String>,
}

#[derive(Debug, Serialize)]
struct Exchanges {
    tab: f64,
    resident: f64,
    asked: TallyWords,
    served: TallyWords,
    failed: f64,
}

#[derive(Debug, Serialize)]
struct TallyWords {
    websocket: ByKindWords,
    relayed: ByKindWords,
    direct: ByKindWords,
}

#[derive(Debug, Serialize)]
struct ByKindWords {
    residents: f64,
    tabs: f64,
}

impl Listener {
    /// For `function`; what it hears of the network last is kept in `last`.
    pub(crate) fn new(function: Function, last: Rc<RefCell<JsValue>>) -> Self {
        Self { function, last }
    }

    /// Passes on an event of a worker as it came.
    pub(crate) fn pass(&self, event: &JsValue) {
        if let Err(error) = self.function.call1(&JsValue::NULL, event) {
            web_sys::console::error_2(&"onEvent threw".into(), &error);
        }
    }

    /// Says one of the page's own.
    pub(crate) fn say(&self, event: &PageEvent<'_>) {
        let serializer = serde_wasm_bindgen::Serializer::new().serialize_missing_as_null(true);
        match event.serialize(&serializer) {
            Ok(object) => {
                if let PageEvent::Network(_) = event {
                    self.last.replace(object.clone());
                }
                self.pass(&object);
            }
            Err(error) => web_sys::console::error_1(&error.to_string().into()),
        }
    }

    /// Something about learning that a person should know.
    pub(crate) fn trouble(&self, message: &str, fatal: bool) {
        self.say(&PageEvent::Trouble { message, fatal });
    }

    /// Says what this browser can do. A circuit does without WebRTC, a processor without WebGPU.
    pub(crate) fn browser(&self) {
        let has =
            |holder: &JsValue, name: &str| Reflect::get(holder, &name.into()).is_ok_and(|value| !value.is_undefined());
        let global = js_sys::global();
        let navigator = Reflect::get(&global, &"navigator".into()).unwrap_or_default();
        let webgpu = has(&navigator, "gpu");
        let locks = has(&navigator, "locks");
        self.say(&PageEvent::Browser { webgpu, webrtc: has(&global, "RTCPeerConnection"), locks });
    }
}

impl Near {
    /// Who `hello` is of.
    pub(crate) fn new(id: PeerId, key: String, hello: &Hello) -> Self {
        let Hello { kind, modalities, price, .. } = *hello;
        Self { id, peer: id.to_string(), key, kind, modalities, price }
    }

    /// As the trainer reads it.
    pub(crate) fn words(&self) -> trainer::Near {
        let (peer, key) = (self.peer.clone(), self.key.clone());
        trainer::Near { peer, key, modalities: self.modalities.bits(), price: self.price }
    }
}

impl NetworkWords {
    /// A snapshot in words.
    pub(crate) fn new(peer: PeerId, node: NodeWords, snapshot: &Snapshot, neighbours: &[Near]) -> Self {
        let traffic = &snapshot.traffic;
        let all = |of: fn(&ByKind) -> u64| {
            let Tally { websocket, relayed, direct } = &traffic.asked;
            [websocket, relayed, direct].into_iter().map(of).sum::<u64>() as f64
        };
        Self {
            peer: peer.to_string(),
            node,
            connections: snapshot
                .connections
                .iter()
                .map(|connection| {
                    let near = neighbours.iter().find(|near| near.id == connection.peer);
                    ConnectionWords::new(connection, near)
                })
                .collect(),
            bytes_in: traffic.bytes_in as f64,
            bytes_out: traffic.bytes_out as f64,
            exchanges: Exchanges {
                tab: all(|by_kind| by_kind.tabs),
                resident: all(|by_kind| by_kind.residents),
                asked: TallyWords::new(&traffic.asked),
                served: TallyWords::new(&traffic.served),
                failed: traffic.failed as f64,
            },
        }
    }
}

impl ConnectionWords {
    fn new(connection: &Connection, near: Option<&Near>) -> Self {
        let kind = match (connection.node, connection.kind) {
            (true, _) => Some("node"),
            (false, Some(Kind::Resident)) => Some("resident"),
            (false, Some(Kind::Tab)) => Some("tab"),
            (false, None) => None,
        };
        let path = match connection.path {
            Path::Websocket => "websocket",
            Path::Relayed => "relayed",
            Path::Direct => "direct",
        };
        Self {
            peer: connection.peer.to_string(),
            key: connection.key.as_ref().map(ToString::to_string),
            kind,
            path,
            rtt: connection.round_trip.map(|trip| trip.as_secs_f64() * 1e3),
            modalities: near.map(|near| near.modalities.bits()),
            price: near.map(|near| near.price.to_string()),
        }
    }
}

impl TallyWords {
    fn new(tally: &Tally) -> Self {
        let words = |by_kind: &ByKind| ByKindWords { residents: by_kind.residents as f64, tabs: by_kind.tabs as f64 };
        Self { websocket: words(&tally.websocket), relayed: words(&tally.relayed), direct: words(&tally.direct) }
    }
}

//! The swarm of a tab, a resident or a node on libp2p: relay, discovery, gossip of heads, asks between peers and ledger queries.
//!
//! [`start`] gives a [`Network`] handle, a stream of [`Event`]s and a [`Driver`]; nothing moves until [`Driver::run`] is polled. The same
//! code runs in a tab (websocket of the browser) and natively (websocket over tcp, on tokio); `transport` holds the only difference.
//!
//! | protocol | who answers | what for |
//! |---|---|---|
//! | `/peerage/exchange/1` | tabs and residents | hello, asks, gradients ([`protocol::exchange`]) |
//! | `/peerage/ledger/1` | nodes | queries to the ledger, opaque here |
//! | `/peerage/directory/1` | nodes | who else is there ([`protocol::directory`]) |
//! | gossipsub `/peerage/<chain>/{heads,transactions}` | everyone, once the owner has judged it | what is new on the ledger |
//!
//! Paths: tab → node and tab → resident by websocket, tab ↔ tab by WebRTC, through a circuit of the node where that cannot be. This crate
//! knows no ledger: heads and replies are bytes which the light client verifies. It holds no queue by stake; a few open requests a peer
//! are its only fairness.

mod backoff;
mod behaviour;
mod bucket;
mod codec;
mod config;
mod directory;
mod driver;
mod event;
mod exchange;
mod handle;
#[cfg(not(target_arch = "wasm32"))]
mod sources;
mod traffic;
mod transport;

pub use config::{Config, Role, StartError, addresses, source_of};
pub use driver::{Driver, start};
pub use event::{Connection, Event, GossipId, NodeState, Path, Snapshot, Topic, Verdict};
pub use handle::{ExchangeError, LedgerError, Network, Stopped};
pub use libp2p::{Multiaddr, PeerId, identity::Keypair};
#[cfg(not(target_arch = "wasm32"))]
pub use sources::{Metered, Seat, Share, Sources, Turned};
pub use traffic::{ByKind, Tally, Traffic};
pub use webrtc::IceServer;

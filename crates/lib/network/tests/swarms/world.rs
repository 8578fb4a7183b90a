//! Swarms to test with, each running on its own task, and waiting for what they say. Nothing sleeps: a test waits for an event, and
//! fails when it does not come within [`LIMIT`].

use commonware_cryptography::{Hasher, Sha256, Signer, ed25519::PrivateKey, sha256::Digest};
use futures::{StreamExt, channel::mpsc};
use peerage_network::{Config, Event, Keypair, Multiaddr, Network, PeerId, Role, start};
use protocol::{
    exchange::{Hello, Kind, Modality, PROTOCOL, Preset},
    record::Record,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::timeout;

/// Longest wait for an event.
pub const LIMIT: Duration = Duration::from_secs(40);

/// A running swarm.
pub struct Swarm {
    pub network: Network,
    pub events: mpsc::Receiver<Event>,
}

/// The chain of `name`.
pub fn chain(name: &str) -> Digest {
    Sha256::hash(&[name.as_bytes()])
}

/// The hello of the peer `identity` with the hot key of `seed`.
pub fn hello(chain: Digest, kind: Kind, identity: &Keypair, seed: u64) -> Hello {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let peer = identity.public().to_peer_id().to_bytes();
    let record = Record::sign(&PrivateKey::from_seed(seed), chain, peer, vec![], now + 3_600_000).unwrap();
    Hello {
        version: PROTOCOL,
        chain,
        kind,
        modalities: Modality::Text.into(),
        dim: 64,
        preset: Preset::Small,
        price: 0,
        record: Some(record),
    }
}

/// The public key of `seed`, as text.
pub fn key(seed: u64) -> String {
    PrivateKey::from_seed(seed).public_key().to_string()
}

impl Swarm {
    /// Starts one and runs it.
    pub fn start(config: Config) -> Self {
        let (network, events, driver) = start(config).unwrap();
        tokio::spawn(driver.run());
        Self { network, events }
    }

    /// A node; `address` of an earlier one, or any port of loopback.
    pub fn node(chain: Digest, identity: &Keypair, address: Option<Multiaddr>) -> Self {
        let listen = vec![address.unwrap_or_else(|| "/ip4/127.0.0.1/tcp/0/ws".parse().unwrap())];
        Self::start(Config { listen, ..Config::new(identity.clone(), chain, Role::Node) })
    }

    /// A resident of the node at `node`.
    pub fn resident(chain: Digest, node: &Multiaddr, seed: u64) -> Self {
        let identity = Keypair::generate_ed25519();
        let hello = Some(hello(chain, Kind::Resident, &identity, seed));
        let listen = vec!["/ip4/127.0.0.1/tcp/0/ws".parse().unwrap()];
        Self::start(Config { nodes: vec![node.clone()], listen, hello, ..Config::new(identity, chain, Role::Resident) })
    }

    /// A swarm that does what one in a tab does.
    pub fn tab(chain: Digest, node: &Multiaddr, seed: u64) -> Self {
        let identity = Keypair::generate_ed25519();
        let hello = Some(hello(chain, Kind::Tab, &identity, seed));
        Self::start(Config { nodes: vec![node.clone()], hello, ..Config::new(identity, chain, Role::Tab) })
    }

    pub fn peer(&self) -> PeerId {
        self.network.peer()
    }

    /// Where it listens, without and with its name.
    pub async fn address(&self) -> (Multiaddr, Multiaddr) {
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            if let Some(address) = self.network.snapshot().await.unwrap().listeners.first() {
                return (address.clone(), address.clone().with_p2p(self.peer()).unwrap());
            }
            assert!(tokio::time::Instant::now() < deadline, "listens nowhere");
            tokio::task::yield_now().await;
        }
    }

    /// The first event that `wanted` takes; those before are dropped.
    pub async fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let found = async {
            while let Some(event) = self.events.next().await {
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
            panic!("the swarm ended before: {what}");
        };
        timeout(LIMIT, found).await.unwrap_or_else(|_| panic!("did not come: {what}"))
    }

    /// Waits until `peer` is a neighbour.
    pub async fn meets(&mut self, peer: PeerId) -> Met {
        self.until("a neighbour", |event| match event {
            Event::Neighbour { peer: met, hello, key, path } if met == peer => {
                Some(Met { kind: hello.kind, key: key.map(|key| key.to_string()), path })
            }
            _ => None,
        })
        .await
    }

    /// Waits until the node is up.
    pub async fn up(&mut self) {
        self.until("the node is up", |event| matches!(event, Event::NodeUp { .. }).then_some(())).await;
    }

    /// Answers every request and every ledger query by its bytes in reverse, until the swarm ends.
    pub fn echo(mut self) -> Network {
        let network = self.network.clone();
        tokio::spawn(async move {
            while let Some(event) = self.events.next().await {
                if let Event::Request { mut bytes, respond, .. } | Event::LedgerQuery { mut bytes, respond, .. } = event
                {
                    bytes.reverse();
                    let _ = respond.send(bytes);
                }
            }
        });
        network
    }
}

/// What a neighbour is.
#[derive(Debug)]
pub struct Met {
    pub kind: Kind,
    pub key: Option<String>,
    pub path: peerage_network::Path,
}

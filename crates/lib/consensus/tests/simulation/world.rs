//! The nodes of a simulated chain, their disks, and the network between them.
//!
//! A [`Cast`] outlives a crash of the whole runtime: keys, snapshots, clocks. A [`World`] is one life of the runtime, in which
//! nodes start, crash and start again over what their storage kept.

use crate::adversary::{Conduct, Sin};
use crate::machine::{Hardware, Machine};
use crate::wire::{CHANNELS, Manager, Wire};
use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::Signer;
use commonware_p2p::simulated::{self, Link, Network, Oracle};
use commonware_runtime::deterministic::Context;
use commonware_runtime::{Clock, Handle, Quota, Spawner, Supervisor};
use commonware_utils::{NZU32, NZUsize, Probability};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{BoxFuture, Either, pending, select};
use ledger::{ChainId, Genesis, Header, PrivateKey, PublicKey, Query, Reply, State};
use peerage_consensus::application::Skew;
use peerage_consensus::engine::Disk;
use peerage_consensus::engine::voting::Channels;
use peerage_consensus::node::{Identity, Setup, Wires};
use peerage_consensus::records::Retention;
use peerage_consensus::snapshot::{Snapshot, SnapshotError, Vault};
use peerage_consensus::{FolderError, LedgerHandle, Node, OpenError, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What becomes of a message between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quality {
    /// Milliseconds on the way, on average, and their standard deviation.
    pub latency: u64,
    pub jitter: u64,
    /// Messages of a hundred that are lost.
    pub loss: u64,
}

/// Snapshots in memory, which survive crashes; as bytes, so that what is loaded was decoded.
#[derive(Default)]
pub struct Memory {
    hardware: Hardware,
    newest: Mutex<Option<(Vec<u8>, Vec<u8>)>>,
    kept: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Memory {
    /// On the disk of a machine.
    fn on(hardware: &Hardware) -> Self {
        Self { hardware: hardware.clone(), ..Self::default() }
    }

    fn room(&self) -> Result<(), SnapshotError> {
        let full = |source| FolderError::Disk { path: "snapshots".into(), source };
        Ok(self.hardware.room().map_err(full)?)
    }

    /// What was kept under a name.
    pub fn kept(&self, name: &str) -> Option<Vec<u8>> {
        self.kept.lock().unwrap().get(name).cloned()
    }
}

impl Vault for Memory {
    fn load(&self, _: ChainId) -> Result<Option<Snapshot>, SnapshotError> {
        let newest = self.newest.lock().unwrap().clone();
        Ok(newest.map(|(header, state)| Snapshot {
            header: Header::decode(header).unwrap(),
            state: State::decode(state).unwrap(),
        }))
    }

    fn save(&self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.room()?;
        *self.newest.lock().unwrap() = Some((snapshot.header.encode().to_vec(), snapshot.state.encode().to_vec()));
        Ok(())
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.room()?;
        self.kept.lock().unwrap().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

/// Where others ask a node, for as long as it runs.
#[derive(Clone, Default)]
pub struct Door(Arc<Mutex<Option<LedgerHandle>>>);

impl Source for Door {
    fn ask(&self, query: Query) -> BoxFuture<'_, Option<Reply>> {
        let ledger = self.0.lock().unwrap().clone();
        async move { Some(ledger?.query(query).await) }.boxed()
    }
}

/// What a node is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Validates, or stands ready to.
    Validator,
    /// Follows the node of this index.
    Follower(usize),
}

/// A node, running or not.
pub struct Actor {
    pub key: PrivateKey,
    pub address: SocketAddr,
    pub role: Role,
    pub hardware: Hardware,
    pub vault: Arc<Memory>,
    pub skew: Skew,
    pub sin: Option<Sin>,
    /// Begins with this state instead of that of genesis.
    pub state: Option<State>,
    /// Begins from the node of this index, where it has nothing yet.
    pub from: Option<usize>,
    pub door: Door,
    /// Is to run.
    pub up: bool,
}

impl Actor {
    pub fn new(seed: u64, role: Role) -> Self {
        let port = u16::try_from(1_000 + seed % 1_000).unwrap();
        let hardware = Hardware::default();
        Self {
            key: PrivateKey::from_seed(seed),
            address: ([127, 0, 0, 1], port).into(),
            role,
            vault: Arc::new(Memory::on(&hardware)),
            hardware,
            skew: Skew::default(),
            sin: None,
            state: None,
            from: None,
            door: Door::default(),
            up: true,
        }
    }

    pub fn name(&self) -> PublicKey {
        self.key.public_key()
    }

    pub const fn honest(&self) -> bool {
        self.sin.is_none()
    }
}

/// All that survives a crash of the runtime.
pub struct Cast {
    pub genesis: Genesis,
    pub actors: Vec<Actor>,
    /// Hot and cold keys of the peers of genesis, by uid.
    pub founders: Vec<PrivateKey>,
    /// Keys with a balance and no place.
    pub people: Vec<PrivateKey>,
}

struct Running {
    task: Handle<()>,
    ledger: LedgerHandle,
    manager: Manager,
}

/// One life of the runtime.
pub struct World<'a> {
    pub cast: &'a mut Cast,
    pub context: Context,
    oracle: Oracle<PublicKey, Context>,
    running: Vec<Option<Running>>,
    qualities: Vec<Vec<Quality>>,
    /// Ways that are cut, from and to.
    pub cuts: BTreeSet<(usize, usize)>,
    links: BTreeMap<(usize, usize), Quality>,
    /// Honest nodes and whom they blocked, as far as seen.
    pub blocked: BTreeSet<(usize, usize)>,
}

/// Largest message, bytes.
const LARGEST: u32 = 4 << 20;

impl<'a> World<'a> {
    /// A world in which nothing runs yet.
    pub async fn raise(context: Context, cast: &'a mut Cast, qualities: Vec<Vec<Quality>>) -> World<'a> {
        let config = simulated::Config {
            max_size: LARGEST,
            max_peers_per_set: NZUsize!(64),
            disconnect_on_block: true,
            tracked_peer_sets: NZUsize!(1),
        };
        let names: Vec<PublicKey> = cast.actors.iter().map(Actor::name).collect();
        let (network, oracle) = Network::new_with_peers(context.child("network"), config, names).await;
        network.start();
        let running = cast.actors.iter().map(|_| None).collect();
        let (cuts, links, blocked) = Default::default();
        Self { cast, context, oracle, running, qualities, cuts, links, blocked }
    }

    /// The ledger of a node that runs.
    pub fn ledger(&self, index: usize) -> Option<&LedgerHandle> {
        self.running[index].as_ref().map(|running| &running.ledger)
    }

    /// Nodes that run, and are honest.
    pub fn live(&self) -> impl Iterator<Item = (usize, &LedgerHandle)> {
        self.running.iter().enumerate().filter_map(|(index, running)| {
            running.as_ref().filter(|_| self.cast.actors[index].honest()).map(|running| (index, &running.ledger))
        })
    }

    /// Height of the newest final block of a node; 0 where it has none, or does not run.
    pub fn height(&self, index: usize) -> u64 {
        self.ledger(index).and_then(LedgerHandle::state).map_or(0, |state| state.height().get())
    }

    /// Starts a node over what it kept.
    pub async fn start(&mut self, index: usize) -> Result<(), Down> {
        let actor = &self.cast.actors[index];
        let (key, name) = (actor.key.clone(), actor.name());
        let setup = Setup {
            genesis: self.cast.genesis.clone(),
            vault: Arc::clone(&actor.vault) as Arc<dyn Vault>,
            disk: Disk::new(format!("{index}-")),
            skew: actor.skew.clone(),
            state: actor.state.clone(),
            source: actor.from.map(|from| Arc::new(self.cast.actors[from].door.clone()) as Arc<dyn Source>),
            retention: Retention::default(),
            watcher: Arc::new(|_| {}),
        };
        // A process that starts has blocked nobody.
        for other in &self.cast.actors {
            self.oracle.unblock(name.clone(), other.name()).await.unwrap();
        }
        let control = self.oracle.control(name);
        let tamper = actor.sin.as_ref().and_then(|sin| sin.tamper(&key, &self.cast.genesis.chain()));
        let mut channels = Vec::new();
        for (channel, rate) in (0..CHANNELS).zip([256, 256, 128, 512, 128, 128]) {
            let quota = Quota::per_second(NZU32!(rate));
            let (sender, receiver) = control.register(channel, quota).await.unwrap();
            channels.push((Wire::new(sender, channel, tamper.clone()), receiver));
        }
        let [votes, certificates, resolver, backfill, broadcast, transactions] =
            <[_; 6]>::try_from(channels).ok().unwrap();
        let voting = Channels { votes, certificates, resolver };
        let wires = Wires { voting, backfill, broadcast, transactions };
        let identity = Identity { key, address: actor.address, named: BTreeMap::new() };
        let followed = match actor.role {
            Role::Validator => None,
            Role::Follower(of) => Some(Arc::new(self.cast.actors[of].door.clone()) as Arc<dyn Source>),
        };
        let mind = actor.sin.as_ref().and_then(Sin::mind);
        let manager = Manager::default();
        let network = (manager.clone(), control);
        let (sender, opened) = oneshot::channel();
        let hardware = actor.hardware.clone();
        hardware.boot();
        let context = self.context.child("actor").with_attribute("index", index);
        let context = Machine::new(context, hardware.clone());
        let task = context.spawn(move |context| async move {
            let open = async {
                let node = Node::open(context.child("node"), setup).await?;
                match followed {
                    Some(source) => node.follow(source).await,
                    None => node.validate_as(identity, network, wires, |honest| Conduct::new(honest, mind)).await,
                }
            };
            let _ = sender.send(open.await);
            // Its tasks end with this one.
            pending::<()>().await;
        });
        let mut opened = opened;
        let result = loop {
            match select(opened, pin!(self.context.sleep(LOOK))).await {
                Either::Left((result, _)) => break result.expect("a node that opens does not end").map_err(Down::Open),
                Either::Right(_) if hardware.died() => break Err(Down::Died),
                Either::Right(((), rest)) => opened = rest,
            }
        };
        match result {
            Ok(ledger) => {
                *self.cast.actors[index].door.0.lock().unwrap() = Some(ledger.clone());
                self.running[index] = Some(Running { task, ledger, manager });
                Ok(())
            }
            Err(error) => {
                task.abort();
                self.pause(DYING).await;
                Err(error)
            }
        }
    }

    /// Ends a node without warning.
    pub async fn crash(&mut self, index: usize) {
        self.look_for_blocks().await;
        if let Some(Running { task, ledger, manager: _ }) = self.running[index].take() {
            self.cast.actors[index].door.0.lock().unwrap().take();
            drop(ledger);
            task.abort();
            // Files are open until every task is gone.
            self.pause(DYING).await;
        }
    }

    pub async fn pause(&self, ms: u64) {
        self.context.sleep(Duration::from_millis(ms)).await;
    }

    /// Slows all ways to and from a node down by so many ms.
    pub fn slow(&mut self, index: usize, by: u64) {
        self.delay(index, |latency| latency + by);
    }

    /// Ends that.
    pub fn unslow(&mut self, index: usize, by: u64) {
        self.delay(index, |latency| latency.saturating_sub(by));
    }

    fn delay(&mut self, index: usize, change: impl Fn(u64) -> u64) {
        for other in (0..self.qualities.len()).filter(|other| *other != index) {
            for (from, to) in [(index, other), (other, index)] {
                let latency = &mut self.qualities[from][to].latency;
                *latency = change(*latency);
            }
        }
    }

    /// The end of all faults of the network.
    pub fn heal(&mut self, qualities: Vec<Vec<Quality>>) {
        self.cuts.clear();
        self.qualities = qualities;
    }

    /// Links as they are to be: between nodes that run, track each other, and are not cut off.
    pub async fn settle(&mut self) {
        let count = self.running.len();
        let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to))).filter(|(from, to)| from != to);
        for (from, to) in pairs {
            let tracks = |a: usize, b: usize| {
                self.running[a].as_ref().is_some_and(|node| node.manager.tracks(&self.cast.actors[b].name()))
            };
            let linked = tracks(from, to) && tracks(to, from) && !self.cuts.contains(&(from, to));
            let wanted = linked.then_some(self.qualities[from][to]);
            let before = self.links.get(&(from, to)).copied();
            if wanted == before {
                continue;
            }
            let (origin, target) = (self.cast.actors[from].name(), self.cast.actors[to].name());
            if before.is_some() {
                self.oracle.remove_link(origin.clone(), target.clone()).await.unwrap();
                self.links.remove(&(from, to));
            }
            if let Some(quality) = wanted {
                let link = Link {
                    latency: Duration::from_millis(quality.latency),
                    jitter: Duration::from_millis(quality.jitter),
                    success_rate: Probability::new(100 - quality.loss, 100).unwrap(),
                };
                self.oracle.add_link(origin, target, link).await.unwrap();
                self.links.insert((from, to), quality);
            }
        }
    }

    /// Notes whom honest nodes blocked.
    pub async fn look_for_blocks(&mut self) {
        let index = |key: &PublicKey| self.cast.actors.iter().position(|actor| actor.name() == *key);
        for (from, to) in self.oracle.blocked().await.unwrap() {
            if let (Some(from), Some(to)) = (index(&from), index(&to))
                && self.cast.actors[from].honest()
            {
                self.blocked.insert((from, to));
            }
        }
    }

    /// Honest nodes that others blocked, who can have done nothing to earn it.
    pub fn wronged(&self) -> Vec<(usize, usize)> {
        self.blocked.iter().copied().filter(|(_, to)| self.cast.actors[*to].honest()).collect()
    }
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        // Nothing of a runtime may outlive it.
        for actor in &self.cast.actors {
            actor.door.0.lock().unwrap().take();
        }
    }
}

/// Why a node does not run.
#[derive(Debug)]
pub enum Down {
    /// It says so.
    Open(OpenError),
    /// A part of it panicked, over a disk that is full.
    Died,
}

/// Between two looks whether a node that opens died.
const LOOK: Duration = Duration::from_millis(50);

/// Time in which the tasks of a node that crashed are gone, ms.
const DYING: u64 = 20;

//! What lies between a node and the simulated network: its senders, which an adversary can tamper with, and whom it would be
//! connected with.
//!
//! The simulated network has one set of peers for all. Here every node has its own, as on machines: two nodes are linked while
//! each of them tracks the other.

use commonware_actor::{Feedback, Unreliable};
use commonware_p2p::{
    Address, AddressableManager, AddressableTrackedPeers, CheckedSender, LimitedSender, PeerSetSubscription,
    PeerSetUpdate, Provider, Recipients, Sender, TrackedPeers,
};
use commonware_runtime::{IoBuf, IoBufs};
use commonware_utils::channel::mpsc;
use commonware_utils::ordered::{Map, Set};
use ledger::PublicKey;
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// Channels as a validator registers them.
pub const VOTES: u64 = 0;
pub const RESOLVER: u64 = 2;
pub const BACKFILL: u64 = 3;
pub const CHANNELS: u64 = 6;

/// Messages and to whom they go.
pub type Mail = Vec<(Vec<PublicKey>, IoBuf)>;

/// Changes what a node sends.
pub trait Tamper: Send + Sync {
    /// What is sent instead of a message on a channel.
    fn send(&self, channel: u64, to: Vec<PublicKey>, message: IoBuf) -> Mail;
}

/// The sender of one channel.
#[derive(Clone)]
pub struct Wire<S> {
    inner: S,
    channel: u64,
    tamper: Option<Arc<dyn Tamper>>,
}

impl<S> Wire<S> {
    pub fn new(inner: S, channel: u64, tamper: Option<Arc<dyn Tamper>>) -> Self {
        Self { inner, channel, tamper }
    }
}

impl<S> Debug for Wire<S> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.channel)
    }
}

impl<S: Sender<PublicKey = PublicKey>> LimitedSender for Wire<S> {
    type PublicKey = PublicKey;
    type Checked<'a> = Checked<'a, S>;

    fn check(&mut self, recipients: Recipients<PublicKey>) -> Result<Checked<'_, S>, SystemTime> {
        match &self.tamper {
            None => self.inner.check(recipients).map(Checked::Plain),
            Some(tamper) => {
                let to = self.inner.check(recipients)?.recipients();
                Ok(Checked::Tampered(self.inner.clone(), self.channel, Arc::clone(tamper), to))
            }
        }
    }
}

/// A message that may be sent.
pub enum Checked<'a, S: Sender<PublicKey = PublicKey> + 'a> {
    Plain(S::Checked<'a>),
    Tampered(S, u64, Arc<dyn Tamper>, Vec<PublicKey>),
}

impl<S: Sender<PublicKey = PublicKey>> CheckedSender for Checked<'_, S> {
    type PublicKey = PublicKey;

    fn recipients(&self) -> Vec<PublicKey> {
        match self {
            Self::Plain(checked) => checked.recipients(),
            Self::Tampered(_, _, _, to) => to.clone(),
        }
    }

    fn send(self, message: impl Into<IoBufs> + Send, priority: bool) -> Unreliable<Feedback> {
        match self {
            Self::Plain(checked) => checked.send(message, priority),
            Self::Tampered(mut sender, channel, tamper, to) => {
                for (to, message) in tamper.send(channel, to, message.into().coalesce()) {
                    sender.send(Recipients::Some(to), message, priority);
                }
                Unreliable::new(Feedback::Ok)
            }
        }
    }
}

/// Peer sets that count at once, as on machines.
const SETS: usize = 4;

/// Whom one node would be connected with. Clones share it.
#[derive(Clone, Default)]
pub struct Manager(Arc<Mutex<Tracked>>);

#[derive(Default)]
struct Tracked {
    sets: BTreeMap<u64, TrackedPeers<PublicKey>>,
    watchers: Vec<mpsc::UnboundedSender<PeerSetUpdate<PublicKey>>>,
}

impl Tracked {
    fn all(&self) -> TrackedPeers<PublicKey> {
        TrackedPeers::primary(Set::from_iter_dedup(self.sets.values().flat_map(|peers| peers.primary.iter().cloned())))
    }

    fn update(&self) -> Option<PeerSetUpdate<PublicKey>> {
        let (index, latest) = self.sets.last_key_value()?;
        Some(PeerSetUpdate { index: *index, latest: latest.clone(), all: self.all() })
    }
}

impl Manager {
    /// Whether it would be connected with this key.
    pub fn tracks(&self, key: &PublicKey) -> bool {
        self.0.lock().unwrap().all().primary.position(key).is_some()
    }
}

impl Debug for Manager {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Manager")
    }
}

impl Provider for Manager {
    type PublicKey = PublicKey;

    async fn peer_set(&mut self, id: u64) -> Option<TrackedPeers<PublicKey>> {
        self.0.lock().unwrap().sets.get(&id).cloned()
    }

    async fn subscribe(&mut self) -> PeerSetSubscription<PublicKey> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut tracked = self.0.lock().unwrap();
        if let Some(update) = tracked.update() {
            let _ = sender.send(update);
        }
        tracked.watchers.push(sender);
        receiver
    }
}

impl AddressableManager for Manager {
    fn track<R>(&mut self, id: u64, peers: R) -> Feedback
    where
        R: Into<AddressableTrackedPeers<PublicKey>> + Send,
    {
        let mut tracked = self.0.lock().unwrap();
        if tracked.sets.last_key_value().is_some_and(|(last, _)| *last >= id) {
            return Feedback::Ok;
        }
        tracked.sets.insert(id, TrackedPeers::primary(peers.into().primary.into_keys()));
        while tracked.sets.len() > SETS {
            tracked.sets.pop_first();
        }
        if let Some(update) = tracked.update() {
            tracked.watchers.retain(|watcher| watcher.send(update.clone()).is_ok());
        }
        Feedback::Ok
    }

    fn overwrite(&mut self, _: Map<PublicKey, Address>) -> Feedback {
        Feedback::Ok
    }
}

//! A resident's neighbours, and the way to them over its swarm.
//!
//! Only those whose record verified are asked. What they answer is parsed here into a type or named unreadable; whether
//! it has the shape that was asked for is the peer's matter.

use async_trait::async_trait;
use ledger::{Amount, Key, PublicKey, text};
use network::{ExchangeError, Network, PeerId};
use peer::{Mesh, Neighbour, Unanswered};
use protocol::exchange::{Answer, Ask, Claim, Gradient, Hello, Modalities, Request, Response};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Who is connected, what each has at stake, and what its asks weigh here; shared.
#[derive(Clone, Debug, Default)]
pub struct Roll(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    keys: BTreeMap<PeerId, Met>,
    stakes: HashMap<Key, Amount>,
    askers: HashMap<Key, f64>,
}

/// One that said hello and whose record verified.
#[derive(Debug)]
struct Met {
    key: PublicKey,
    modalities: Modalities,
    price: u64,
}

impl Roll {
    /// `peer` said hello; `key` is its hot key if its record verified.
    pub fn met(&self, peer: PeerId, key: Option<PublicKey>, hello: &Hello) {
        let mut entries = self.lock();
        let &Hello { modalities, price, .. } = hello;
        match key {
            Some(key) => entries.keys.insert(peer, Met { key, modalities, price }),
            None => entries.keys.remove(&peer),
        };
    }

    /// `peer` is gone.
    pub fn left(&self, peer: &PeerId) {
        self.lock().keys.remove(peer);
    }

    /// What everyone has at stake, from the verified ledger.
    pub fn stakes(&self, stakes: impl IntoIterator<Item = (Key, Amount)>) {
        self.lock().stakes = stakes.into_iter().collect();
    }

    /// What the asks of others weigh here, from the verified ledger.
    pub fn askers(&self, askers: impl IntoIterator<Item = (Key, f64)>) {
        self.lock().askers = askers.into_iter().collect();
    }

    /// What an ask of `peer` weighs here: 0 without a record that verified.
    pub fn weight(&self, peer: &PeerId) -> f64 {
        let entries = self.lock();
        entries.keys.get(peer).and_then(|met| entries.askers.get(&(&met.key).into())).copied().unwrap_or(0.0)
    }

    /// Who can be asked, by stake, those without last.
    pub fn neighbours(&self) -> Vec<Neighbour> {
        let entries = self.lock();
        let mut ranked: Vec<_> =
            entries.keys.iter().map(|(peer, met)| (entries.stakes.get(&(&met.key).into()), peer, met)).collect();
        ranked.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(right.1)));
        let neighbour = |peer: &PeerId, met: &Met| Neighbour {
            peer: peer.to_string(),
            key: text::hex(&met.key),
            modalities: met.modalities,
            price: met.price,
        };
        ranked.into_iter().map(|(_, peer, met)| neighbour(peer, met)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Every change is one insert, removal or replacement: a panic elsewhere leaves the entries whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way to the neighbours.
pub struct Wire {
    /// The swarm.
    pub network: Network,
    /// Who is there.
    pub roll: Roll,
}

impl Wire {
    async fn put(&self, peer: &str, request: Request, deadline: Duration) -> Result<Response, Unanswered> {
        let peer = peer.parse().map_err(|_| Unanswered::Gone(format!("{peer} is no peer id")))?;
        match self.network.request(peer, &request, deadline).await {
            Ok(Response::Refuse(refuse)) => Err(Unanswered::Refused(refuse)),
            Ok(response) => Ok(response),
            Err(ExchangeError::Unreadable(error)) => Err(Unanswered::Unreadable(error.to_string())),
            Err(error) => Err(Unanswered::Gone(error.to_string())),
        }
    }
}

#[async_trait(?Send)]
impl Mesh for Wire {
    fn neighbours(&self) -> Vec<Neighbour> {
        self.roll.neighbours()
    }

    async fn ask(&self, peer: &str, ask: Ask) -> Result<Answer, Unanswered> {
        let deadline = Duration::from_millis(ask.deadline_ms().into()) + MARGIN;
        match self.put(peer, Request::Ask(ask), deadline).await? {
            Response::Answer(answer) => Ok(answer),
            _ => Err(Unanswered::Unreadable("no answer, but another response".into())),
        }
    }

    async fn gradient(&self, peer: &str, gradient: Gradient) -> Result<(), Unanswered> {
        match self.put(peer, Request::Gradient(gradient), GRADIENT).await? {
            Response::Applied => Ok(()),
            _ => Err(Unanswered::Unreadable("another response than to a gradient".into())),
        }
    }

    async fn claim(&self, peer: &str, claim: Claim) -> Result<u64, Unanswered> {
        match self.put(peer, Request::Claim(claim), CLAIM).await? {
            Response::Credit { positions } => Ok(positions),
            _ => Err(Unanswered::Unreadable("another response than to a claim".into())),
        }
    }
}

/// What the way there and back may take beyond the time given to the other peer.
const MARGIN: Duration = Duration::from_millis(500);

/// How long the other may take to lay a gradient by.
const GRADIENT: Duration = Duration::from_secs(5);

/// How long the other may take to verify a purchase.
const CLAIM: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_cryptography::Signer;
    use ledger::PrivateKey;

    fn hello() -> Hello {
        use protocol::exchange::{Kind, Modality, PROTOCOL, Preset};
        Hello {
            version: PROTOCOL,
            chain: ledger::Digest::from([1; 32]),
            kind: Kind::Tab,
            modalities: Modality::Image.into(),
            dim: 64,
            preset: Preset::Small,
            price: 7,
            record: None,
        }
    }

    #[test]
    fn neighbours_are_those_with_a_key_by_stake() {
        let roll = Roll::default();
        let key = |seed| PrivateKey::from_seed(seed).public_key();
        let peers: Vec<_> = (0..4).map(|_| network::Keypair::generate_ed25519().public().to_peer_id()).collect();
        let hello = hello();
        roll.met(peers[0], Some(key(0)), &hello);
        roll.met(peers[1], Some(key(1)), &hello);
        roll.met(peers[2], Some(key(2)), &hello);
        roll.met(peers[3], None, &hello);
        roll.stakes([(key(1).into(), Amount(5)), (key(2).into(), Amount(9))]);
        let order = |roll: &Roll| roll.neighbours().into_iter().map(|neighbour| neighbour.peer).collect::<Vec<_>>();
        assert_eq!(order(&roll), [&peers[2], &peers[1], &peers[0]].map(PeerId::to_string));
        let first = &roll.neighbours()[0];
        assert_eq!((&first.key, first.modalities, first.price), (&text::hex(&key(2)), hello.modalities, 7));
        roll.left(&peers[2]);
        roll.met(peers[1], None, &hello);
        assert_eq!(order(&roll), [peers[0].to_string()]);
    }

    #[test]
    fn only_a_verified_record_gives_weight() {
        let roll = Roll::default();
        let key = |seed| PrivateKey::from_seed(seed).public_key();
        let peers: Vec<_> = (0..3).map(|_| network::Keypair::generate_ed25519().public().to_peer_id()).collect();
        roll.askers([(key(0).into(), 1.0), (key(1).into(), 0.5)]);
        roll.met(peers[0], Some(key(1)), &hello());
        roll.met(peers[1], Some(key(2)), &hello());
        roll.met(peers[2], None, &hello());
        let weights = || [0, 1, 2].map(|i| roll.weight(&peers[i]));
        assert_eq!(weights(), [0.5, 0.0, 0.0]);
        roll.askers([(key(2).into(), 1.0)]);
        assert_eq!(weights(), [0.0, 1.0, 0.0]);
    }
}

//! A peer's own standing, computed from the tables of one verified header: nothing here is a source's word.
//!
//! Rank R_i, trust t_i, loss L and ∂L/∂a_i are those of the chain's mechanism over the stake, scaling and rows as
//! they stand at that block (specification: Trust; ledger, "Light client" 5). ∂s*_i/∂w_ib is the gradient of the soft
//! stake clipping, advisory on a chain that does not clip. Where a gradient does not exist the answer is the reason.
//!
//! Beyond M peers, those whose rows make trust are drawn by the number of an epoch. Here it is the one that comes: the
//! tables are what the next close will find if nothing changes. Its number follows from the verified height and the
//! tempo of genesis, since every block whose height the tempo divides closes one; no source's word is needed for it.
//!
//! Bonds and the number of weights that a chain demands are in other tables, and left out of these figures.
//!
//! It does not compare the chain's own epoch figures with these: that needs the tables as they stood before the epoch.

use crate::{Error, Own, Verified};
use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Read};
use commonware_cryptography::ed25519::PublicKey;
use ledger::{AccountLeaf, Amount, Key, NeuronLeaf, Parameters, Uid, WeightsLeaf, economy};
use mechanism::clipping;
use mechanism::epoch::Memory;
use std::collections::BTreeMap;

/// The tables of one verified header, parsed.
#[derive(Clone, Debug)]
pub struct Tables {
    at: Verified,
    neurons: Vec<NeuronLeaf>,
    weights: Vec<WeightsLeaf>,
    uids: BTreeMap<Key, Uid>,
}

impl Tables {
    /// Parses leaves that were checked against the roots of `at`.
    ///
    /// # Errors
    /// [`Error::Malformed`] and its like for a leaf that is none: the validators signed nonsense.
    pub fn parse(at: Verified, neurons: &[Bytes], weights: &[Bytes]) -> Result<Self, Error> {
        let neurons: Vec<NeuronLeaf> = parse("neuron", neurons)?;
        let weights: Vec<WeightsLeaf> = parse("row", weights)?;
        if neurons.len() != weights.len() {
            let reason = format!("{} rows for {} neurons", weights.len(), neurons.len());
            return Err(Error::Malformed { what: "tables", reason });
        }
        let here = neurons.iter().zip(0u32..).filter(|(neuron, _)| !neuron.vacant);
        let uids = here.map(|(neuron, uid)| (neuron.hot, Uid::new(uid))).collect();
        Ok(Self { at, neurons, weights, uids })
    }

    /// The block.
    pub const fn at(&self) -> &Verified {
        &self.at
    }

    /// The peers, by uid.
    pub fn neurons(&self) -> &[NeuronLeaf] {
        &self.neurons
    }

    /// Uids by hot key, of those who have not left.
    pub const fn uids(&self) -> &BTreeMap<Key, Uid> {
        &self.uids
    }

    /// The uid of `key`.
    pub fn uid(&self, key: &PublicKey) -> Option<Uid> {
        self.uids.get(&key.into()).copied()
    }

    /// The peer with this uid.
    pub fn neuron(&self, uid: Uid) -> Option<&NeuronLeaf> {
        self.neurons.get(uid.index())
    }

    /// The row of this uid, with its version.
    pub fn row(&self, uid: Uid) -> Option<&WeightsLeaf> {
        self.weights.get(uid.index())
    }

    /// What the asks of others weigh at `key`: s_i·w_ij of each peer i, as a share of the largest, for those above 0.
    ///
    /// w_ij is unknown where `key` is not registered, and where i has not set its row since `key` registered. For it
    /// stands an equal share, 1/n: what a peer gives that makes no difference between the n. So a newcomer answers by
    /// stake, and a peer that has weighed `key` and given it nothing is behind one that has not weighed it yet.
    pub fn askers(&self, key: &PublicKey) -> Vec<(Key, f64)> {
        let me = self.uid(key);
        let since = me.and_then(|uid| self.neuron(uid)).map(|neuron| neuron.registered);
        let weigh = |(neuron, weights): (&NeuronLeaf, &WeightsLeaf)| {
            let knows = |since| weights.version > 0 && weights.updated > since;
            let share = match (me, since) {
                (Some(me), Some(since)) if knows(since) => weights.row.share(me),
                _ => 1.0 / self.neurons.len() as f64,
            };
            (neuron.hot, neuron.stake.get() as f64 * share)
        };
        let mut askers: Vec<_> = self.neurons.iter().zip(&self.weights).map(weigh).collect();
        askers.retain(|(asker, weight)| *asker != *key && *weight > 0.0);
        let largest = askers.iter().fold(0.0, |largest: f64, (_, weight)| largest.max(*weight));
        askers.into_iter().map(|(asker, weight)| (asker, weight / largest)).collect()
    }

    /// The standing of `key`, whose account is `account`.
    pub fn own(&self, key: &PublicKey, account: Option<&AccountLeaf>, parameters: &Parameters) -> Own {
        let uid = self.uid(key);
        let neuron = uid.and_then(|uid| self.neuron(uid));
        let row = uid.and_then(|uid| self.row(uid));
        let mut own = Own {
            uid,
            height: self.at.height(),
            stake: neuron.map_or(Amount::ZERO, |neuron| neuron.stake),
            balance: account.map_or(Amount::ZERO, |account| account.balance),
            place: uid.map_or(0, |uid| self.place(uid)),
            peers: u32::try_from(self.uids.len()).unwrap_or(u32::MAX),
            rank: 0.0,
            trust: 0.0,
            scaling: neuron.map_or(1.0, |neuron| neuron.scaling),
            loss: 0.0,
            scaling_gradient: Err(UNREGISTERED.into()),
            clipping_gradient: Err(UNREGISTERED.into()),
            row: row.map(|weights| weights.row.clone()),
            version: row.map_or(0, |weights| weights.version),
        };
        self.evaluate(&mut own, uid, parameters);
        own
    }

    /// 1 + the number of peers with more stake, or as much and a lower uid.
    fn place(&self, uid: Uid) -> u32 {
        let stake = self.neuron(uid).map(|neuron| neuron.stake);
        let above = |(other, neuron): &(u32, &NeuronLeaf)| {
            let more = Some(neuron.stake) > stake || Some(neuron.stake) == stake && Uid::new(*other) < uid;
            more && !neuron.vacant
        };
        u32::try_from((0u32..).zip(&self.neurons).filter(above).count()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The mechanism's figures, and the two gradients where they exist.
    fn evaluate(&self, own: &mut Own, uid: Option<Uid>, parameters: &Parameters) {
        let epoch = economy::coming(self.at.height(), parameters);
        let memory = Memory::new(self.neurons.len());
        let (economy, found) = match economy::evaluate(&self.neurons, &self.weights, &memory, parameters, epoch) {
            Ok(both) => both,
            Err(error) => {
                own.scaling_gradient = Err(error.to_string());
                own.clipping_gradient = Err(error.to_string());
                return;
            }
        };
        own.loss = found.loss.unwrap_or_default();
        let Some(index) = uid.map(Uid::index) else { return };
        let figure = |column: &[f64]| column.get(index).copied();
        own.rank = figure(&found.rank).unwrap_or_default();
        own.trust = figure(&found.trust).unwrap_or_default();
        own.scaling_gradient = match &found.scaling_gradient {
            Ok(gradient) => figure(gradient).ok_or_else(|| UNREGISTERED.into()),
            Err(reason) => Err(reason.to_string()),
        };
        let (kappa, temperature) = economy::clipping(parameters, self.uids.len());
        own.clipping_gradient = clipping::own_gradient(&economy.world(), index, kappa, temperature)
            .map(|gradient| gradient.into_iter().map(|(uid, value)| (Uid::new(uid), value)).collect())
            .map_err(|reason| reason.to_string());
    }
}

fn parse<T: Read<Cfg = ()>>(what: &'static str, leaves: &[Bytes]) -> Result<Vec<T>, Error> {
    let one = |leaf: &Bytes| T::decode(leaf.clone()).map_err(|error| Error::codec(what, leaf.len(), &error));
    leaves.iter().map(one).collect()
}

const UNREGISTERED: &str = "not registered: there is no own row and no own stake yet";

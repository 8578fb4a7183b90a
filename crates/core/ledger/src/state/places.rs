//! Places: who takes one, who signs for it, who gives one up, who is replaced, and what becomes of the stake.
//!
//! A uid outlives its owner. When a peer leaves or is replaced, every row loses its entry for the uid to its own self-loop,
//! bonds of it and in it are gone, its pending emission never comes to be, and its stake unbonds into the account of its cold
//! key; its consensus keys are taken back. The next owner has the next generation, so that nothing said of the last one counts
//! for it.
//!
//! When all places are taken, whoever registers replaces the peer of least stake plus incentive, the higher uid of equal
//! ones, if its immunity is over; if not, there is no place. So somebody with many keys can replace peers that have neither,
//! pays for each, and then keeps others out for as long as the newcomers are immune.

use super::{Event, State, candidates};
use crate::codec::Item;
use crate::economy;
use crate::row::Row;
use crate::table::{NeuronLeaf, Standing, Unbonding, WeightsLeaf};
use crate::types::{Amount, Height, Uid};
use crate::{Key, PublicKey};

/// Where the next peer would stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind all others.
    New,
    /// In the place of one that left.
    Vacant(Uid),
    /// In the place of one that is replaced.
    Taken(Uid),
}

/// The place of the next peer; `None` where all are taken and no one can be replaced.
pub(super) fn next(state: &State, height: Height) -> Option<Place> {
    let uid = |index: usize| u32::try_from(index).ok().map(Uid);
    if let Some(vacant) = state.neurons.iter().position(|neuron| neuron.vacant) {
        return uid(vacant).map(Place::Vacant);
    }
    if state.neurons.len() < state.parameters.max_neurons as usize {
        return Some(Place::New);
    }
    let total = state.totals.stake.get().max(1);
    #[expect(clippy::cast_precision_loss, reason = "shares, compared the same everywhere")]
    let worth =
        |neuron: &NeuronLeaf, standing: &Standing| neuron.stake.get() as f64 / total as f64 + standing.incentive;
    let mut least: Option<(usize, f64)> = None;
    for (index, (neuron, standing)) in state.neurons.iter().zip(&state.standings).enumerate() {
        let worth = worth(neuron, standing);
        if least.is_none_or(|(_, least)| worth <= least) {
            least = Some((index, worth));
        }
    }
    // The least of all, or nobody: else newcomers, who cannot be replaced yet, would push out those who hold stake.
    let (index, _) = least?;
    let age = height.since(state.neurons.get(index)?.registered);
    uid(index).filter(|_| age >= state.parameters.immunity).map(Place::Taken)
}

/// Gives the next place to a peer. It must be there ([`next`]); where it is not, nothing happens.
pub(super) fn take(state: &mut State, hot: &PublicKey, cold: &PublicKey, modality: u8, height: Height) -> Vec<Event> {
    let mut events = Vec::new();
    let Some(place) = next(state, height) else { return events };
    let mut neuron = NeuronLeaf {
        hot: hot.into(),
        cold: cold.into(),
        modality,
        stake: Amount::ZERO,
        scaling: 1.0,
        accrued: height,
        pending: Amount::ZERO,
        registered: height,
        generation: 0,
        vacant: false,
    };
    let uid = match place {
        Place::New => {
            let uid = Uid(u32::try_from(state.neurons.len()).unwrap_or(u32::MAX));
            state.neurons.push(neuron);
            state.weights.push(WeightsLeaf { row: Row::own(uid), version: 0, updated: height });
            state.standings.push(Standing::default());
            uid
        }
        Place::Vacant(uid) | Place::Taken(uid) => {
            if let Place::Taken(uid) = place {
                events.push(free(state, uid, height, true));
            }
            if let Some(leaf) = state.neurons.get_mut(uid.index()) {
                neuron.generation = leaf.generation.saturating_add(1);
                *leaf = neuron;
            }
            if let Some(leaf) = state.weights.get_mut(uid.index()) {
                leaf.updated = height;
            }
            if let Some(standing) = state.standings.get_mut(uid.index()) {
                *standing = Standing::default();
            }
            uid
        }
    };
    state.uid_of.insert(hot.into(), uid);
    events.push(Event::Registered { uid, key: hot.clone() });
    events
}

/// Gives a peer that is there another hot key, which no present peer has. The old one may become that of a new peer.
pub(super) fn rekey(state: &mut State, uid: Uid, hot: &PublicKey) -> Option<Event> {
    let neuron = state.neurons.get_mut(uid.index())?;
    let before = core::mem::replace(&mut neuron.hot, hot.into());
    state.uid_of.remove(&before);
    state.uid_of.insert(hot.into(), uid);
    Some(Event::Rekeyed { uid, key: hot.clone() })
}

/// Frees the place of a peer that is there.
pub(super) fn free(state: &mut State, uid: Uid, height: Height, replaced: bool) -> Event {
    let mut stake = Amount::ZERO;
    if let Some(neuron) = state.neurons.get_mut(uid.index()) {
        stake = neuron.stake;
        let (hot, cold, generation) = (neuron.hot, neuron.cold, neuron.generation);
        neuron.vacant = true;
        neuron.stake = Amount::ZERO;
        neuron.pending = Amount::ZERO;
        neuron.scaling = 1.0;
        state.uid_of.remove(&hot);
        unbond(state, &cold, stake, height);
        candidates::orphan(state, uid, generation, height);
    }
    state.weights.update(|own, leaf| {
        if own == uid.index() {
            return Some(WeightsLeaf { row: Row::own(uid), version: 0, updated: height });
        }
        let row = leaf.row.without(uid, Uid(u32::try_from(own).ok()?))?;
        Some(WeightsLeaf { row, ..*leaf })
    });
    if !state.bonds.is_empty() {
        state.bonds = economy::bond_leaves(&economy::bonds(&state.bonds).without(uid.index())).into();
    }
    if let Some(standing) = state.standings.get_mut(uid.index()) {
        *standing = Standing::default();
    }
    Event::Left { uid, replaced, stake }
}

/// Sends stake on its way to the balance of `owner`. Where too many are under way, it joins the last.
pub(super) fn unbond(state: &mut State, owner: &Key, amount: Amount, height: Height) {
    if amount == Amount::ZERO {
        return;
    }
    let due = height.after(state.parameters.unbonding);
    let index = super::draft::open(state, owner);
    let Some(account) = state.accounts.get_mut(index) else { return };
    if account.unbonding.len() < Unbonding::MOST {
        account.unbonding.push(Unbonding { due, amount });
    } else if let Some(last) = account.unbonding.last_mut() {
        *last = Unbonding { due, amount: Amount(last.amount.get().saturating_add(amount.get())) };
    }
}

/// Turns what is due into balance.
pub(super) fn mature(state: &mut State) {
    let height = state.height;
    state.accounts.update(|_, account| {
        let due: u64 = account.unbonding.iter().filter(|one| one.due <= height).map(|one| one.amount.get()).sum();
        if due == 0 {
            return None;
        }
        let mut account = account.clone();
        account.unbonding.retain(|one| one.due > height);
        // The supply is at most 2^62, so no sum of balances overflows.
        account.balance = Amount(account.balance.get().saturating_add(due));
        Some(account)
    });
}

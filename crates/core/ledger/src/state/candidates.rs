//! Who would validate, who does, and what becomes of one that is convicted.
//!
//! The cold key of a peer names consensus keys, which its stake backs. A named key must say by its own signature that it runs
//! (`Ready`), which also proves that somebody holds it, and say so again within the vigil; else it gets no seat. At the end of
//! each epoch the seats are dealt by d'Hondt over the stake of the peers.
//!
//! Two votes of one key that contradict each other burn the stake of its peer, and all that its cold account is unbonding,
//! into the pool. So a key that resigned stands in the table for the unbonding time, in which its votes can still convict it;
//! a struck one stands there for ever. Somebody could name the key of another; what for, when the stake behind it is his own,
//! and its holder takes it back by `Resign`.

use super::{Event, State, draft};
use crate::PublicKey;
use crate::evidence::Evidence;
use crate::refusal::Refusal;
use crate::table::{CandidateLeaf, NeuronLeaf};
use crate::types::{Amount, Height, Uid};
use core::cmp::{Ordering, Reverse};
use std::net::SocketAddr;
use std::sync::Arc;

/// Most consensus keys that stand for one peer.
const KEYS: usize = 8;

impl State {
    /// Where a key stands among the candidates, or should.
    fn place_of(&self, key: &PublicKey) -> Result<usize, usize> {
        self.candidates.binary_search_by(|leaf| leaf.key.cmp(key))
    }

    /// The candidate of a consensus key.
    pub fn candidate(&self, key: &PublicKey) -> Option<&CandidateLeaf> {
        self.candidates.get(self.place_of(key).ok()?)
    }

    fn candidate_mut(&mut self, key: &PublicKey) -> Option<&mut CandidateLeaf> {
        let place = self.place_of(key).ok()?;
        Arc::make_mut(&mut self.candidates).get_mut(place)
    }

    /// The peer that backs a candidate, unless it left.
    fn backer(&self, leaf: &CandidateLeaf) -> Option<&NeuronLeaf> {
        let neuron = self.neurons.get(leaf.uid.index())?;
        (!neuron.vacant && neuron.generation == leaf.generation).then_some(neuron)
    }
}

/// Whether `signer` may name `key` for `uid`.
pub(super) fn check_name(state: &State, signer: &PublicKey, uid: Uid, key: &PublicKey) -> Result<(), Refusal> {
    let generation = draft::check_owner(state, signer, uid)?.generation;
    let own = |leaf: &&CandidateLeaf| leaf.uid == uid && leaf.generation == generation;
    match state.candidate(key) {
        Some(leaf) if leaf.struck => Err(Refusal::Struck),
        Some(leaf) if !own(&leaf) => Err(Refusal::OtherCandidate { uid: leaf.uid }),
        Some(_) => Ok(()),
        None if state.candidates.iter().filter(own).count() < KEYS => Ok(()),
        None => Err(Refusal::TooManyKeys { uid, most: u32::try_from(KEYS).unwrap_or(u32::MAX) }),
    }
}

/// The candidate of `key`, which is neither struck nor over.
fn standing<'a>(state: &'a State, key: &PublicKey) -> Result<&'a CandidateLeaf, Refusal> {
    let leaf = state.candidate(key).ok_or(Refusal::NotCandidate)?;
    match leaf.until {
        _ if leaf.struck => Err(Refusal::Struck),
        Some(until) => Err(Refusal::Resigned { until }),
        None => Ok(leaf),
    }
}

/// Whether `key` may say now that it runs.
pub(super) fn check_ready(state: &State, key: &PublicKey, height: Height) -> Result<(), Refusal> {
    let leaf = standing(state, key)?;
    let stake = state.backer(leaf).map_or(Amount::ZERO, |neuron| neuron.stake);
    if stake < state.parameters.seat {
        return Err(Refusal::Understaked { stake, wanted: state.parameters.seat });
    }
    let before = leaf.ready >= leaf.since && draft::epoch_of(state, leaf.ready) >= draft::epoch_of(state, height);
    if before { Err(Refusal::TooSoon { next: draft::next_epoch(state, height) }) } else { Ok(()) }
}

/// Whether `signer` may take `key` back.
pub(super) fn check_resign(state: &State, signer: &PublicKey, key: &PublicKey) -> Result<(), Refusal> {
    let leaf = standing(state, key)?;
    if leaf.key == *signer || leaf.cold == *signer { Ok(()) } else { Err(Refusal::NotOwned { uid: leaf.uid }) }
}

/// Whether the evidence convicts a candidate now. What is cheap comes before the signatures of the votes.
pub(super) fn check_evidence(state: &State, evidence: &Evidence, height: Height) -> Result<(), Refusal> {
    if state.candidate(&evidence.key).ok_or(Refusal::NotCandidate)?.struck {
        return Err(Refusal::Struck);
    }
    let oldest = height.get().saturating_sub(state.parameters.unbonding);
    let (epoch, first) = (evidence.epoch(), draft::epoch_of(state, Height(oldest)));
    if epoch < first {
        return Err(Refusal::Stale { epoch, first });
    }
    evidence.check(&state.chain).map_err(|error| Refusal::NoEvidence { error })
}

/// Names a checked key.
pub(super) fn name(state: &mut State, uid: Uid, key: &PublicKey, address: SocketAddr, height: Height) -> Option<Event> {
    let (generation, cold) = state.neurons.get(uid.index()).map(|neuron| (neuron.generation, neuron.cold))?;
    match state.place_of(key) {
        Ok(place) => {
            let leaf = Arc::make_mut(&mut state.candidates).get_mut(place)?;
            leaf.address = address;
            if leaf.until.take().is_some() {
                // Whoever held it took it back: it must say again that it runs.
                leaf.since = height;
            }
        }
        Err(place) => Arc::make_mut(&mut state.candidates).insert(
            place,
            CandidateLeaf {
                key: key.clone(),
                uid,
                generation,
                cold,
                address,
                since: height,
                ready: Height(0),
                until: None,
                struck: false,
            },
        ),
    }
    Some(Event::Named { uid, key: key.clone() })
}

/// Notes that a checked key runs.
pub(super) fn ready(state: &mut State, key: &PublicKey, address: SocketAddr, height: Height) -> Option<Event> {
    let leaf = state.candidate_mut(key)?;
    leaf.ready = height;
    leaf.address = address;
    Some(Event::Ready { key: key.clone(), address })
}

/// Takes a checked key back.
pub(super) fn resign(state: &mut State, key: &PublicKey, height: Height) -> Option<Event> {
    state.candidate_mut(key)?.until = Some(height);
    Some(Event::Resigned { key: key.clone() })
}

/// Takes back every key of a peer that leaves.
pub(super) fn orphan(state: &mut State, uid: Uid, generation: u32, height: Height) {
    for leaf in Arc::make_mut(&mut state.candidates) {
        if leaf.uid == uid && leaf.generation == generation && leaf.until.is_none() {
            leaf.until = Some(height);
        }
    }
}

/// Strikes a convicted key: what its peer staked, and what its cold account is unbonding, burns into the pool.
pub(super) fn strike(state: &mut State, key: &PublicKey, height: Height) -> Option<Event> {
    let leaf = state.candidate_mut(key)?;
    leaf.struck = true;
    let leaf = leaf.clone();
    let mut burned = 0u64;
    if let Some(stake) = state.backer(&leaf).map(|neuron| neuron.stake) {
        draft::restake(state, leaf.uid, height, |_| 0);
        burned = stake.get();
    }
    if let Some(index) = state.account(leaf.cold).map(|(index, _)| index)
        && let Some(account) = state.accounts.get_mut(index as usize)
    {
        let unbonding = core::mem::take(&mut account.unbonding);
        burned = unbonding.iter().fold(burned, |sum, one| sum.saturating_add(one.amount.get()));
    }
    state.totals.pool = Amount(state.totals.pool.get().saturating_add(burned));
    Some(Event::Struck { uid: leaf.uid, key: leaf.key, burned: Amount(burned) })
}

/// One peer in an election.
struct Bench<'a> {
    uid: Uid,
    stake: u64,
    /// Its keys that could take a seat, in the order in which they do.
    keys: Vec<&'a CandidateLeaf>,
    seats: usize,
}

impl Bench<'_> {
    /// The order of d'Hondt's quotients, stake/(seats + 1); of equal ones the lower uid is the greater.
    fn quotient(&self, other: &Self) -> Ordering {
        // At most 2^62 times 65.
        let times = |stake: u64, seats: usize| u128::from(stake) * (seats as u128 + 1);
        times(self.stake, other.seats)
            .cmp(&times(other.stake, self.seats))
            .then(Reverse(self.uid).cmp(&Reverse(other.uid)))
    }
}

/// The end of an epoch: deals the seats of the next one anew, and forgets who resigned long ago. Where nobody can take a
/// seat, those who validate go on.
pub(super) fn elect(state: &mut State) -> Option<Event> {
    let elected = seated(state);
    let changed = !elected.is_empty() && elected != *state.validators;
    if changed {
        let before = core::mem::replace(&mut state.validators, Arc::new(elected));
        let (height, after) = (state.height, Arc::clone(&state.validators));
        // Votes of who resigned and went on convict for as long as those of who goes now.
        for leaf in Arc::make_mut(&mut state.candidates) {
            if leaf.until.is_some() && before.contains(&leaf.key) && !after.contains(&leaf.key) {
                leaf.until = Some(height);
            }
        }
    }
    let (height, unbonding, validators) = (state.height, state.parameters.unbonding, Arc::clone(&state.validators));
    Arc::make_mut(&mut state.candidates).retain(|leaf| {
        leaf.struck
            || leaf.until.is_none_or(|until| until.after(unbonding) > height)
            // Whoever validates must be found here.
            || validators.contains(&leaf.key)
    });
    changed.then(|| Event::Elected { validators: state.validators.to_vec() })
}

/// The keys that take the seats, ascending.
fn seated(state: &State) -> Vec<PublicKey> {
    let mut benches: Vec<Bench<'_>> = Vec::new();
    let mut able: Vec<&CandidateLeaf> = state.candidates.iter().filter(|leaf| able(state, leaf)).collect();
    tiny_sort::stable::sort_by_key(&mut able, |leaf| (leaf.uid, leaf.since));
    for leaf in able {
        match benches.last_mut().filter(|bench| bench.uid == leaf.uid) {
            Some(bench) => bench.keys.push(leaf),
            None => {
                let stake = state.backer(leaf).map_or(0, |neuron| neuron.stake.get());
                benches.push(Bench { uid: leaf.uid, stake, keys: vec![leaf], seats: 0 });
            }
        }
    }
    let mut elected = Vec::new();
    for _ in 0..state.parameters.seats {
        // A seat for which a peer has no key stays empty: dealt to others, it would give them votes that their stake does not.
        let Some(bench) = benches.iter_mut().max_by(|a, b| a.quotient(b)) else { break };
        elected.extend(bench.keys.get(bench.seats).map(|leaf| leaf.key.clone()));
        bench.seats += 1;
    }
    tiny_sort::stable::sort(&mut elected);
    elected
}

/// Whether a candidate could take a seat now.
fn able(state: &State, leaf: &CandidateLeaf) -> bool {
    let runs = leaf.ready >= leaf.since && state.height.since(leaf.ready) <= state.parameters.vigil;
    let backed = state.backer(leaf).is_some_and(|neuron| neuron.stake >= state.parameters.seat);
    runs && backed && !leaf.struck && leaf.until.is_none()
}

//! A block being filled: each transaction is checked against the state that those before it left.
//!
//! Every check comes before any change, so a refused transaction leaves no trace. Cheap checks come before the signature,
//! so that a sender of rubbish costs little.

use super::{At, Event, State, candidates, epoch, places};
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::row::{Row, SUM};
use crate::table::{AccountLeaf, NeuronLeaf, WeightsLeaf};
use crate::transaction::{Action, Checked, Transaction};
use crate::types::{Amount, Height, Nonce, SUPPLY_LIMIT, Uid};
use crate::work::{Puzzle, RECENT};
use crate::{Key, PublicKey};
use mechanism::emission;
use std::sync::Arc;

/// A block being filled.
#[derive(Clone, Debug)]
pub struct Draft {
    state: State,
    at: At,
    events: Vec<Event>,
    /// Places that changed hands.
    places: usize,
}

/// Most places that change hands in a block: each may take a pass over all rows.
pub const PLACES: usize = 16;

/// How many times the wanted number of registrations an epoch may have.
const BURST: u32 = 4;

/// Most unstakings of one account under way.
const UNSTAKINGS: usize = 8;

impl Draft {
    pub(super) const fn new(state: State, at: At) -> Self {
        Self { state, at, events: Vec::new(), places: 0 }
    }

    /// Includes a transaction, or says why not.
    pub fn offer(&mut self, transaction: &Transaction) -> Result<(), Refusal> {
        self.include(transaction, check)
    }

    /// Includes a transaction whose signature was verified before, or says why not.
    pub fn offer_checked(&mut self, checked: &Checked) -> Result<(), Refusal> {
        self.include(checked.transaction(), admit)
    }

    /// Whether a transaction could be included next, its signature aside; if so, whether it pays for that.
    pub fn admits(&self, transaction: &Transaction) -> Result<bool, Refusal> {
        self.room(transaction)?;
        let charge = admit(&self.state, transaction, &self.at)?;
        Ok(pays(&self.state, transaction, charge, self.at.height))
    }

    fn include(
        &mut self,
        transaction: &Transaction,
        check: impl Fn(&State, &Transaction, &At) -> Result<Amount, Refusal>,
    ) -> Result<(), Refusal> {
        let places = self.room(transaction)?;
        let charge = check(&self.state, transaction, &self.at)?;
        self.places = places;
        self.events.extend(execute(&mut self.state, transaction, charge, self.at.height));
        Ok(())
    }

    /// Places that changed hands once this is included, if not too many do.
    const fn room(&self, transaction: &Transaction) -> Result<usize, Refusal> {
        match transaction.action {
            Action::Register { .. } | Action::Subscribe { .. } | Action::Leave { .. } if self.places >= PLACES => {
                Err(Refusal::Crowded { next: self.at.height.next() })
            }
            Action::Register { .. } | Action::Subscribe { .. } | Action::Leave { .. } => Ok(self.places + 1),
            _ => Ok(self.places),
        }
    }

    /// Ends the block, and the epoch where it is due.
    pub fn finish(self) -> (State, Vec<Event>) {
        let Self { mut state, at, mut events, .. } = self;
        state.height = at.height;
        state.time = at.time;
        state.recent.push_back(at.parent);
        while state.recent.len() as u64 > RECENT {
            state.recent.pop_front();
        }
        if at.height.get().is_multiple_of(state.parameters.tempo.max(1)) {
            events.extend(epoch::close(&mut state));
        }
        state.seal();
        (state, events)
    }
}

/// Whether `transaction` can be included in the block `at`, on top of `state`, and what it then takes from its signer's balance.
pub(super) fn check(state: &State, transaction: &Transaction, at: &At) -> Result<Amount, Refusal> {
    let charge = admit(state, transaction, at)?;
    if transaction.verify_signature() { Ok(charge) } else { Err(Refusal::Unsigned) }
}

/// As [`check`], for one that its signer is known to have signed.
fn admit(state: &State, transaction: &Transaction, at: &At) -> Result<Amount, Refusal> {
    if transaction.chain != state.chain {
        return Err(Refusal::ForeignChain);
    }
    if at.height > transaction.expires {
        return Err(Refusal::Expired { expires: transaction.expires, now: at.height });
    }
    let most = at.height.after(state.parameters.expiry);
    if transaction.expires > most {
        return Err(Refusal::ExpiresTooLate { expires: transaction.expires, most });
    }
    let (given, next) =
        (transaction.nonce, state.account(&transaction.signer).map_or(Nonce(0), |(_, account)| account.nonce));
    if given < next {
        return Err(Refusal::Replayed { given, next });
    }
    if given > next {
        return Err(Refusal::NonceAhead { given, next });
    }
    let signer = &transaction.signer;
    match &transaction.action {
        Action::Register { recent, work, .. } => check_registration(state, signer, *recent, *work, at)?,
        Action::SetWeights { uid, row, seen } => {
            check_weights(state, signer, *uid, row, at.height)?;
            check_seen(state, row, *seen)?;
        }
        Action::Transfer { to, amount } => check_transfer(state, signer, to.into(), *amount)?,
        Action::Purchase { uid, generation, amount, .. } => {
            let owner = here(state, *uid)?;
            if owner.generation != *generation {
                return Err(Refusal::Resold { uid: *uid, generation: owner.generation });
            }
            check_transfer(state, signer, owner.cold, *amount)?;
        }
        Action::Candidate { uid, key, .. } => candidates::check_name(state, signer, *uid, key)?,
        Action::Ready { .. } => candidates::check_ready(state, signer, at.height)?,
        Action::Resign { key } => candidates::check_resign(state, signer, key)?,
        Action::Evidence { evidence } => candidates::check_evidence(state, evidence, at.height)?,
        Action::Subscribe { .. } => check_place(state, signer, at.height)?,
        Action::Stake { uid, amount } => {
            check_owner(state, signer, *uid)?;
            check_balance(state, signer, *amount)?;
        }
        Action::Unstake { uid, amount } => check_unstake(state, signer, *uid, *amount)?,
        Action::Rekey { uid, hot } => {
            check_owner(state, signer, *uid)?;
            match state.uid(hot) {
                Some(same) if same == *uid => return Err(Refusal::SameKey { uid: *uid }),
                Some(other) => return Err(Refusal::HotElsewhere { uid: other }),
                None => {}
            }
        }
        Action::Leave { uid } => {
            // Not sooner: the work for a place counts for some blocks, and must not give one twice.
            let next = check_owner(state, signer, *uid)?.registered.after(state.parameters.immunity);
            if at.height < next {
                return Err(Refusal::TooSoon { next });
            }
        }
    }
    charge(state, transaction, at.height)
}

/// What a transaction takes from its signer's balance for the pool.
///
/// Work pays for a registration. What an update of a row costs comes first from the
/// self-loop's share of the emission that it releases, then from the balance; who has neither is free once an epoch. Who takes
/// out its stake, leaves or resigns pays what it has. To say that one runs and to convict are free: a key has a place to lose
/// by the one, and is convicted once.
fn charge(state: &State, transaction: &Transaction, height: Height) -> Result<Amount, Refusal> {
    let fee = state.parameters.fee;
    let balance = state.account(&transaction.signer).map_or(Amount::ZERO, |(_, account)| account.balance);
    match &transaction.action {
        Action::Register { .. } | Action::Ready { .. } | Action::Evidence { .. } => Ok(Amount::ZERO),
        Action::Subscribe { .. } => covered(balance, Amount::ZERO, state.parameters.subscription),
        Action::Transfer { amount, .. } | Action::Stake { amount, .. } | Action::Purchase { amount, .. } => {
            covered(balance, *amount, fee)
        }
        Action::Candidate { .. } | Action::Rekey { .. } => covered(balance, Amount::ZERO, fee),
        Action::Unstake { .. } | Action::Leave { .. } | Action::Resign { .. } => Ok(fee.min(balance)),
        Action::SetWeights { uid, .. } => {
            let rest = Amount(fee.get().saturating_sub(self_loop(state, *uid, height)));
            let last = state.weights.get(uid.index()).filter(|leaf| leaf.version > 0).map(|leaf| leaf.updated);
            if rest <= balance {
                Ok(rest)
            } else if last.is_none_or(|last| epoch_of(state, last) < epoch_of(state, height)) {
                Ok(Amount::ZERO)
            } else {
                Err(Refusal::Unpaid { fee, next: next_epoch(state, height) })
            }
        }
    }
}

/// Whether a transaction pays what it should, from the balance or from what it releases. Work is not a payment here.
fn pays(state: &State, transaction: &Transaction, charge: Amount, height: Height) -> bool {
    let fee = state.parameters.fee;
    match &transaction.action {
        Action::Register { .. } | Action::Ready { .. } | Action::Evidence { .. } => false,
        Action::SetWeights { uid, .. } => charge > Amount::ZERO || self_loop(state, *uid, height) >= fee.get(),
        _ => charge > Amount::ZERO || fee == Amount::ZERO,
    }
}

/// The charge, where the balance holds it beside what is spent.
fn covered(balance: Amount, spent: Amount, charge: Amount) -> Result<Amount, Refusal> {
    let wanted = Amount(spent.get().saturating_add(charge.get()));
    if balance < wanted { Err(Refusal::Overdrawn { balance, wanted }) } else { Ok(charge) }
}

/// The self-loop's share of the emission that an update now would release, rounded down.
fn self_loop(state: &State, uid: Uid, height: Height) -> u64 {
    let (Some(neuron), Some(leaf)) = (state.neurons.get(uid.index()), state.weights.get(uid.index())) else { return 0 };
    let own = leaf.row.entries().iter().find(|(entry, _)| *entry == uid).map_or(0, |(_, score)| score.get());
    let mut neuron = neuron.clone();
    accrue(&mut neuron, &state.parameters, state.totals.tau, height);
    u64::try_from(u128::from(neuron.pending.get()) * u128::from(own) / u128::from(SUM)).unwrap_or(u64::MAX)
}

/// Epochs that were over before this height; a block whose height the tempo divides is the last of its epoch.
pub(super) fn epoch_of(state: &State, height: Height) -> u64 {
    height.get().saturating_sub(1) / state.parameters.tempo.max(1)
}

/// First height of the epoch after that of a block at this height.
pub(super) fn next_epoch(state: &State, height: Height) -> Height {
    Height(epoch_of(state, height).saturating_add(1).saturating_mul(state.parameters.tempo).saturating_add(1))
}

fn check_registration(state: &State, key: &PublicKey, recent: Height, work: u64, at: &At) -> Result<(), Refusal> {
    check_place(state, key, at.height)?;
    let newest = Height(at.height.get().saturating_sub(1));
    let digest = if recent > newest || at.height.since(recent) > RECENT {
        None
    } else if recent == newest {
        Some(at.parent)
    } else {
        state.digest_at(recent)
    };
    let digest = digest.ok_or(Refusal::NotRecent { recent, newest })?;
    let difficulty = state.totals.difficulty;
    let puzzle = Puzzle { chain: state.chain, key: key.clone(), recent: digest, difficulty };
    if puzzle.check(work) { Ok(()) } else { Err(Refusal::NotEnoughWork { difficulty }) }
}

/// Whether `hot` could take a place now.
fn check_place(state: &State, hot: &PublicKey, height: Height) -> Result<(), Refusal> {
    if let Some(uid) = state.uid(hot) {
        return Err(Refusal::AlreadyRegistered { uid });
    }
    if state.totals.registered >= state.parameters.registrations.saturating_mul(BURST) {
        return Err(Refusal::Crowded { next: next_epoch(state, height) });
    }
    let full = Refusal::Full { most: state.parameters.max_neurons };
    places::next(state, height).map(|_| ()).ok_or(full)
}

/// The peer of this uid, which has not left.
fn here(state: &State, uid: Uid) -> Result<&NeuronLeaf, Refusal> {
    state.neurons.get(uid.index()).filter(|neuron| !neuron.vacant).ok_or(Refusal::UnknownUid { uid })
}

pub(super) fn check_owner<'a>(state: &'a State, key: &PublicKey, uid: Uid) -> Result<&'a NeuronLeaf, Refusal> {
    let neuron = here(state, uid)?;
    if neuron.cold == *key { Ok(neuron) } else { Err(Refusal::NotOwned { uid }) }
}

fn check_unstake(state: &State, key: &PublicKey, uid: Uid, amount: Amount) -> Result<(), Refusal> {
    let stake = check_owner(state, key, uid)?.stake;
    if amount == Amount::ZERO {
        return Err(Refusal::Nothing);
    }
    if stake < amount {
        return Err(Refusal::Understaked { stake, wanted: amount });
    }
    let under_way = state.account(key).map_or(&[][..], |(_, account)| account.unbonding.as_slice());
    match under_way.first().filter(|_| under_way.len() >= UNSTAKINGS) {
        Some(first) => {
            Err(Refusal::Unbonding { open: u32::try_from(under_way.len()).unwrap_or(u32::MAX), due: first.due })
        }
        None => Ok(()),
    }
}

/// Whether a key has so much, and it is something.
fn check_balance(state: &State, key: &PublicKey, amount: Amount) -> Result<(), Refusal> {
    if amount == Amount::ZERO {
        return Err(Refusal::Nothing);
    }
    let balance = state.account(key).map_or(Amount::ZERO, |(_, account)| account.balance);
    if balance < amount { Err(Refusal::Overdrawn { balance, wanted: amount }) } else { Ok(()) }
}

fn check_weights(state: &State, key: &PublicKey, uid: Uid, row: &Row, height: Height) -> Result<(), Refusal> {
    let neuron = here(state, uid)?;
    let current = state.weights.get(uid.index()).ok_or(Refusal::UnknownUid { uid })?;
    if neuron.hot != *key {
        return Err(Refusal::NotYours { uid });
    }
    let parameters = &state.parameters;
    if row.len() > parameters.max_weights as usize {
        let entries = u32::try_from(row.len()).unwrap_or(u32::MAX);
        return Err(Refusal::TooManyWeights { entries, most: parameters.max_weights });
    }
    let least = state.totals.min_weights.min(u32::try_from(state.uid_of.len()).unwrap_or(u32::MAX));
    if row.len() < least as usize {
        let entries = u32::try_from(row.len()).unwrap_or(u32::MAX);
        return Err(Refusal::TooFewWeights { entries, least });
    }
    if let Some((uid, _)) = row.entries().iter().find(|(uid, _)| here(state, *uid).is_err()) {
        return Err(Refusal::UnknownUid { uid: *uid });
    }
    if current.version == 0 {
        return Ok(());
    }
    let next = current.updated.after(parameters.interval);
    if height < next {
        return Err(Refusal::TooSoon { next });
    }
    if !current.row.within(row, parameters.epsilon) {
        return Err(Refusal::TooLargeStep { squared: current.row.distance_squared(row), bound: bound(parameters) });
    }
    Ok(())
}

/// Whether the row names those who are there: a row that was made before a uid changed hands means its last owner.
fn check_seen(state: &State, row: &Row, seen: Height) -> Result<(), Refusal> {
    if seen > state.height {
        return Err(Refusal::Unseen { seen, newest: state.height });
    }
    let registered = |uid: &Uid| state.neurons.get(uid.index()).map_or(Height(0), |neuron| neuron.registered);
    match row.entries().iter().map(|(uid, _)| (*uid, registered(uid))).find(|(_, registered)| *registered > seen) {
        Some((uid, registered)) => Err(Refusal::Outdated { uid, registered }),
        None => Ok(()),
    }
}

/// (ε·65,535)², rounded up: a step below it is allowed.
fn bound(parameters: &Parameters) -> u64 {
    let longest = parameters.epsilon * f64::from(SUM);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ε is from 0.0001 to 2")]
    let bound = (longest * longest).ceil() as u64;
    bound
}

fn check_transfer(state: &State, from: &PublicKey, to: Key, amount: Amount) -> Result<(), Refusal> {
    check_balance(state, from, amount)?;
    let least = state.parameters.opening;
    if amount < least && state.account(to).is_none() {
        return Err(Refusal::TooLittle { amount, least });
    }
    Ok(())
}

/// Changes `state` as a checked transaction asks.
fn execute(state: &mut State, transaction: &Transaction, charge: Amount, height: Height) -> Vec<Event> {
    let key = Key::from(&transaction.signer);
    let signer = open(state, &key);
    withdraw(state, signer, charge);
    state.totals.pool = Amount(state.totals.pool.get().saturating_add(charge.get()));
    if let Some(account) = state.accounts.get_mut(signer) {
        account.nonce = account.nonce.next();
    }
    let event = match &transaction.action {
        Action::Register { cold, modality, .. } | Action::Subscribe { cold, modality } => {
            state.totals.registered = state.totals.registered.saturating_add(1);
            return places::take(state, &transaction.signer, cold, *modality, height);
        }
        Action::Stake { uid, amount } => {
            withdraw(state, signer, *amount);
            restake(state, *uid, height, |stake| stake.saturating_add(amount.get()));
            Some(Event::Staked { uid: *uid, added: *amount, taken: Amount::ZERO })
        }
        Action::Unstake { uid, amount } => {
            restake(state, *uid, height, |stake| stake.saturating_sub(amount.get()));
            places::unbond(state, &key, *amount, height);
            Some(Event::Staked { uid: *uid, added: Amount::ZERO, taken: *amount })
        }
        Action::Leave { uid } => Some(places::free(state, *uid, height, false)),
        Action::Rekey { uid, hot } => places::rekey(state, *uid, hot),
        Action::SetWeights { uid, row, .. } => {
            let released = release(state, *uid, height);
            let mut version = 0;
            if let Some(leaf) = state.weights.get_mut(uid.index()) {
                version = leaf.version.saturating_add(1);
                *leaf = WeightsLeaf { row: row.clone(), version, updated: height };
            }
            Some(Event::WeightsSet { uid: *uid, version, released })
        }
        Action::Transfer { to, amount } => {
            pay(state, signer, &to.into(), *amount);
            Some(Event::Transferred { from: transaction.signer.clone(), to: to.clone(), amount: *amount })
        }
        Action::Purchase { uid, amount, order, .. } => {
            if let Some(owner) = state.neurons.get(uid.index()).map(|neuron| neuron.cold) {
                pay(state, signer, &owner, *amount);
            }
            Some(Event::Purchased { from: transaction.signer.clone(), uid: *uid, amount: *amount, order: *order })
        }
        Action::Candidate { uid, key, address } => candidates::name(state, *uid, key, *address, height),
        Action::Ready { address } => candidates::ready(state, &transaction.signer, *address, height),
        Action::Resign { key } => candidates::resign(state, key, height),
        Action::Evidence { evidence } => candidates::strike(state, &evidence.key, height),
    };
    event.into_iter().collect()
}

/// Moves balance from an account that holds so much to the one of `to`, which is opened if need be.
fn pay(state: &mut State, from: usize, to: &Key, amount: Amount) {
    let receiver = open(state, to);
    withdraw(state, from, amount);
    if let Some(account) = state.accounts.get_mut(receiver) {
        // The supply is at most 2^62, so no sum of balances overflows.
        account.balance = Amount(account.balance.get().saturating_add(amount.get()));
    }
}

/// Takes from a balance that holds so much.
fn withdraw(state: &mut State, account: usize, amount: Amount) {
    if let Some(account) = state.accounts.get_mut(account) {
        account.balance = Amount(account.balance.get().saturating_sub(amount.get()));
    }
}

/// Changes a stake, after what it emitted so far is counted.
pub(super) fn restake(state: &mut State, uid: Uid, height: Height, change: impl Fn(u64) -> u64) {
    let (parameters, tau) = (Arc::clone(&state.parameters), state.totals.tau);
    if let Some(neuron) = state.neurons.get_mut(uid.index()) {
        accrue(neuron, &parameters, tau, height);
        neuron.stake = Amount(change(neuron.stake.get()));
    }
}

/// The index of a key's account, which is opened if need be.
pub(super) fn open(state: &mut State, key: &Key) -> usize {
    if let Some((index, _)) = state.account(*key) {
        return index as usize;
    }
    let index = state.accounts.len();
    state.accounts.push(AccountLeaf { key: *key, balance: Amount::ZERO, nonce: Nonce(0), unbonding: Vec::new() });
    state.account_of.insert(*key, u32::try_from(index).unwrap_or(u32::MAX));
    index
}

/// Releases the emission of a peer into the pool, as far as the supply's limit allows; the rest never comes to be.
fn release(state: &mut State, uid: Uid, height: Height) -> Amount {
    let left = u128::from(SUPPLY_LIMIT.get()).saturating_sub(state.issued());
    let parameters = Arc::clone(&state.parameters);
    let Some(neuron) = state.neurons.get_mut(uid.index()) else { return Amount::ZERO };
    accrue(neuron, &parameters, state.totals.tau, height);
    let released = neuron.pending.get().min(u64::try_from(left).unwrap_or(u64::MAX));
    neuron.pending = Amount::ZERO;
    state.totals.pool = Amount(state.totals.pool.get().saturating_add(released));
    state.totals.minted = Amount(state.totals.minted.get().saturating_add(released));
    Amount(released)
}

/// Adds what the peer emitted since it was last accrued: e_i = τ·(a_i s_i)·Δt, rounded down.
pub(super) fn accrue(neuron: &mut NeuronLeaf, parameters: &Parameters, tau: f64, height: Height) {
    #[expect(clippy::cast_precision_loss, reason = "blocks × ms, exact below 2^53")]
    let years = height.since(neuron.accrued) as f64 * parameters.block_time as f64 / crate::parameters::YEAR as f64;
    let emitted = emission::accrued(neuron.stake.get(), neuron.scaling, tau, years);
    neuron.pending = Amount(neuron.pending.get().saturating_add(emitted));
    neuron.accrued = height;
}

//! A block being filled: each transaction is checked against the state that those before it left.
//!
//! Every check comes before any change, so a refused transaction leaves no trace. Cheap checks come before the signature,
//! so that a sender of rubbish costs little.

use super::{At, Event, State, epoch};
use crate::PublicKey;
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::row::{Row, SUM};
use crate::table::{AccountLeaf, NeuronLeaf, Standing, WeightsLeaf};
use crate::transaction::{Action, Transaction};
use crate::types::{Amount, Height, Nonce, SUPPLY_LIMIT, Uid};
use crate::work::{Puzzle, RECENT};
use mechanism::emission;
use std::sync::Arc;

/// A block being filled.
#[derive(Clone, Debug)]
pub struct Draft {
    state: State,
    at: At,
    events: Vec<Event>,
}

impl Draft {
    pub(super) const fn new(state: State, at: At) -> Self {
        Self { state, at, events: Vec::new() }
    }

    /// Includes a transaction, or says why not.
    pub fn offer(&mut self, transaction: &Transaction) -> Result<(), Refusal> {
        check(&self.state, transaction, &self.at)?;
        let event = execute(&mut self.state, transaction, self.at.height);
        self.events.push(event);
        Ok(())
    }

    /// Ends the block, and the epoch where it is due.
    pub fn finish(self) -> (State, Vec<Event>) {
        let Self { mut state, at, mut events } = self;
        state.height = at.height;
        state.time = at.time;
        state.recent.push_back(at.parent);
        while state.recent.len() as u64 > RECENT {
            state.recent.pop_front();
        }
        if at.height.get().is_multiple_of(state.parameters.tempo.max(1)) {
            events.push(epoch::close(&mut state));
        }
        (state, events)
    }
}

/// Whether `transaction` can be included in the block `at`, on top of `state`.
pub(super) fn check(state: &State, transaction: &Transaction, at: &At) -> Result<(), Refusal> {
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
    match &transaction.action {
        Action::Register { recent, work, .. } => check_registration(state, &transaction.signer, *recent, *work, at)?,
        Action::SetWeights { uid, row } => check_weights(state, &transaction.signer, *uid, row, at.height)?,
        Action::Transfer { to, amount } => check_transfer(state, &transaction.signer, to, *amount)?,
    }
    if transaction.verify_signature() { Ok(()) } else { Err(Refusal::Unsigned) }
}

fn check_registration(state: &State, key: &PublicKey, recent: Height, work: u64, at: &At) -> Result<(), Refusal> {
    if let Some(uid) = state.uid(key) {
        return Err(Refusal::AlreadyRegistered { uid });
    }
    let most = state.parameters.max_neurons;
    if state.neurons.len() >= most as usize {
        return Err(Refusal::Full { most });
    }
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

fn check_weights(state: &State, key: &PublicKey, uid: Uid, row: &Row, height: Height) -> Result<(), Refusal> {
    let neuron = state.neurons.get(uid.index()).ok_or(Refusal::UnknownUid { uid })?;
    let current = state.weights.get(uid.index()).ok_or(Refusal::UnknownUid { uid })?;
    if neuron.hot != *key {
        return Err(Refusal::NotYours { uid });
    }
    let parameters = &state.parameters;
    if row.len() > parameters.max_weights as usize {
        let entries = u32::try_from(row.len()).unwrap_or(u32::MAX);
        return Err(Refusal::TooManyWeights { entries, most: parameters.max_weights });
    }
    let least = state.totals.min_weights.min(u32::try_from(state.neurons.len()).unwrap_or(u32::MAX));
    if row.len() < least as usize {
        let entries = u32::try_from(row.len()).unwrap_or(u32::MAX);
        return Err(Refusal::TooFewWeights { entries, least });
    }
    if let Some((uid, _)) = row.entries().iter().find(|(uid, _)| uid.index() >= state.neurons.len()) {
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

/// (ε·65,535)², rounded up: a step below it is allowed.
fn bound(parameters: &Parameters) -> u64 {
    let longest = parameters.epsilon * f64::from(SUM);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ε is from 0.0001 to 2")]
    let bound = (longest * longest).ceil() as u64;
    bound
}

fn check_transfer(state: &State, from: &PublicKey, to: &PublicKey, amount: Amount) -> Result<(), Refusal> {
    if amount == Amount::ZERO {
        return Err(Refusal::Nothing);
    }
    let balance = state.account(from).map_or(Amount::ZERO, |(_, account)| account.balance);
    if balance < amount {
        return Err(Refusal::Overdrawn { balance, wanted: amount });
    }
    let least = state.parameters.opening;
    if amount < least && state.account(to).is_none() {
        return Err(Refusal::TooLittle { amount, least });
    }
    Ok(())
}

/// Changes `state` as a checked transaction asks.
fn execute(state: &mut State, transaction: &Transaction, height: Height) -> Event {
    let signer = open(state, &transaction.signer);
    if let Some(account) = state.accounts.get_mut(signer) {
        account.nonce = account.nonce.next();
    }
    match &transaction.action {
        Action::Register { cold, modality, .. } => {
            let uid = Uid(u32::try_from(state.neurons.len()).unwrap_or(u32::MAX));
            state.neurons.push(NeuronLeaf {
                hot: transaction.signer.clone(),
                cold: cold.clone(),
                modality: *modality,
                stake: Amount::ZERO,
                scaling: 1.0,
                accrued: height,
                pending: Amount::ZERO,
                registered: height,
                generation: 0,
            });
            state.weights.push(WeightsLeaf { row: Row::own(uid), version: 0, updated: height });
            state.standings.push(Standing::default());
            state.totals.registered = state.totals.registered.saturating_add(1);
            Arc::make_mut(&mut state.uid_of).insert(transaction.signer.clone(), uid);
            Event::Registered { uid, key: transaction.signer.clone() }
        }
        Action::SetWeights { uid, row } => {
            let released = release(state, *uid, height);
            let mut version = 0;
            if let Some(leaf) = state.weights.get_mut(uid.index()) {
                version = leaf.version.saturating_add(1);
                *leaf = WeightsLeaf { row: row.clone(), version, updated: height };
            }
            Event::WeightsSet { uid: *uid, version, released }
        }
        Action::Transfer { to, amount } => {
            let receiver = open(state, to);
            if let Some(account) = state.accounts.get_mut(signer) {
                account.balance = Amount(account.balance.get().saturating_sub(amount.get()));
            }
            if let Some(account) = state.accounts.get_mut(receiver) {
                // The supply is at most 2^62, so no sum of balances overflows.
                account.balance = Amount(account.balance.get().saturating_add(amount.get()));
            }
            Event::Transferred { from: transaction.signer.clone(), to: to.clone(), amount: *amount }
        }
    }
}

/// The index of a key's account, which is opened if need be.
fn open(state: &mut State, key: &PublicKey) -> usize {
    if let Some((index, _)) = state.account(key) {
        return index as usize;
    }
    let index = state.accounts.len();
    state.accounts.push(AccountLeaf { key: key.clone(), balance: Amount::ZERO, nonce: Nonce(0) });
    Arc::make_mut(&mut state.account_of).insert(key.clone(), u32::try_from(index).unwrap_or(u32::MAX));
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

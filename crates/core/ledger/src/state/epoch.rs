//! The end of an epoch: the mechanism, the one mint, the scaling, the difficulty; then who validates the next one.
//!
//! Decisions 2, 3 and 7. With L < 0 the pool is split by I/‖I‖ and paid into stake, and every a_i returns a little towards
//! 1; with L ≥ 0 the pool is carried over and A takes one descent step. Where there is nothing to divide by (nobody, no
//! stake, ‖I‖ = 0) the loss counts as 0: the pool is carried over and no number in the tables is anything but finite.

use super::{Event, State, candidates, draft, places};
use crate::economy;
use crate::parameters::Kind;
use crate::table::Standing;
use crate::types::Amount;
use mechanism::emission;
use std::sync::Arc;

/// Highest difficulty of a registration.
const HARDEST: u64 = 1_000_000_000_000_000;

/// Ends an epoch with the block whose height `state` has.
pub(super) fn close(state: &mut State) -> Vec<Event> {
    let parameters = Arc::clone(&state.parameters);
    for neuron in state.neurons.iter_mut() {
        draft::accrue(neuron, &parameters, state.totals.tau, state.height);
    }
    let stake: u64 = state.neurons.iter().fold(0, |sum, neuron| sum.saturating_add(neuron.stake.get()));
    let number = state.totals.number.saturating_add(1);
    let mut paid = 0u64;
    let mut loss = 0.0;
    let memory = economy::memory(&state.bonds, &state.totals);
    match economy::evaluate(&state.neurons, &state.weights, &memory, &parameters, number) {
        Ok((_, epoch)) => {
            let peers = state.neurons.len();
            loss = settled(epoch.loss.unwrap_or_default());
            let parts =
                if epoch.pays { emission::split(state.totals.pool.get(), &epoch.share) } else { vec![0; peers] };
            for ((neuron, part), a) in state.neurons.iter_mut().zip(&parts).zip(&epoch.scaling) {
                neuron.stake = Amount(neuron.stake.get().saturating_add(*part));
                neuron.scaling = settled(*a).clamp(0.0, 1.0);
                paid = paid.saturating_add(*part);
            }
            let found = epoch.rank.iter().zip(&epoch.trust).zip(&epoch.incentive).zip(&epoch.dividend).zip(&parts);
            state.standings = found
                .map(|((((rank, trust), incentive), dividend), part)| Standing {
                    rank: settled(*rank),
                    trust: settled(*trust),
                    incentive: settled(*incentive),
                    dividend: settled(*dividend),
                    paid: Amount(*part),
                })
                .collect();
            let present = u32::try_from(state.uid_of.len()).unwrap_or(u32::MAX).max(1);
            state.totals.min_weights = epoch.memory.min_weights.min(present);
            if parameters.mechanism == Kind::Consensus {
                state.bonds = economy::bond_leaves(&epoch.memory.bonds).into();
            }
            if parameters.mechanism == Kind::Competitive {
                state.totals.tau = settled(epoch.memory.inflation);
            }
        }
        // Cannot happen to a state that only this crate changed; should it, the chain goes on and nothing is paid.
        Err(_) => state.standings.iter_mut().for_each(|standing| *standing = Standing::default()),
    }
    places::mature(state);
    let totals = &mut state.totals;
    totals.number = number;
    totals.height = state.height;
    totals.loss = loss;
    totals.stake = Amount(stake);
    totals.paid = Amount(paid);
    totals.pool = Amount(totals.pool.get().saturating_sub(paid));
    totals.difficulty = next_difficulty(totals.difficulty, totals.registered, &parameters);
    totals.registered = 0;
    let epoch = Event::Epoch { number: totals.number, loss, paid: totals.paid, pool: totals.pool };
    core::iter::once(epoch).chain(candidates::elect(state)).collect()
}

/// Doubles above the wanted rate of registrations, halves below half of it, never below genesis.
fn next_difficulty(now: u64, registered: u32, parameters: &crate::Parameters) -> u64 {
    if registered > parameters.registrations {
        now.saturating_mul(2).min(HARDEST)
    } else if registered < parameters.registrations.div_ceil(2) {
        (now / 2).max(parameters.difficulty)
    } else {
        now
    }
}

/// A number as it stands in a table: −0.0 as 0.0, and 0.0 for what is not finite.
fn settled(value: f64) -> f64 {
    if value.is_finite() { value + 0.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parameters;

    #[test]
    fn difficulty_follows_the_rate_of_registrations() {
        let parameters = Parameters { difficulty: 100, registrations: 8, ..Parameters::dev() };
        assert_eq!(next_difficulty(100, 9, &parameters), 200);
        assert_eq!(next_difficulty(200, 8, &parameters), 200);
        assert_eq!(next_difficulty(200, 4, &parameters), 200);
        assert_eq!(next_difficulty(200, 3, &parameters), 100);
        assert_eq!(next_difficulty(100, 0, &parameters), 100);
        assert_eq!(next_difficulty(HARDEST, 9, &parameters), HARDEST);
    }

    #[test]
    fn numbers_are_settled_before_they_are_written() {
        assert_eq!(settled(-0.0).to_bits(), 0.0f64.to_bits());
        assert_eq!(settled(f64::NAN), 0.0);
        assert_eq!(settled(-1.5), -1.5);
    }
}

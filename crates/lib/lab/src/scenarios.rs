//! One file a scenario.

mod adaptive_inflation;
mod adversaries;
mod adversary_table;
mod bonders;
mod cabal_decay;
mod cabal_share;
mod direct_trust;
mod distillation;
mod emission;
pub(crate) mod gating;
pub(crate) mod loose_stake;
mod market_game;
mod market_play;
mod score_forms;
mod self_vote;
mod simulation;
mod stake_splitting;
mod three_thirds;
mod trust_sources;
mod zero_regret;

use crate::scenario::Scenario;

/// All, in the order of a lesson.
pub const ALL: &[&Scenario] = &[
    &cabal_decay::SCENARIO,
    &cabal_share::SCENARIO,
    &simulation::SCENARIO,
    &loose_stake::SCENARIO,
    &adversaries::SCENARIO,
    &adversary_table::SCENARIO,
    &stake_splitting::SCENARIO,
    &bonders::SCENARIO,
    &three_thirds::SCENARIO,
    &trust_sources::SCENARIO,
    &direct_trust::SCENARIO,
    &emission::SCENARIO,
    &market_game::SCENARIO,
    &market_play::SCENARIO,
    &adaptive_inflation::SCENARIO,
    &self_vote::SCENARIO,
    &zero_regret::SCENARIO,
    &score_forms::SCENARIO,
    &gating::SCENARIO,
    &distillation::SCENARIO,
];

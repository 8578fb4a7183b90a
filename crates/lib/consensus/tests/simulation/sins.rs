//! Each adversary by name, alone among three honest validators: what it does has the consequence that is due, and no other.

use crate::adversary::Sin;
use crate::run;
use crate::scenario::{Outcome, Scenario, person};
use commonware_consensus::CertifiableBlock;
use commonware_cryptography::Signer;
use ledger::{Amount, PublicKey};
use peerage_consensus::Block;

fn live_through(seed: u64, sin: Sin) -> Outcome {
    run(&Scenario::quiet(seed, Some(sin)))
}

/// The adversary is always the first.
fn sinner(outcome: &Outcome) -> PublicKey {
    outcome.cast.actors[0].name()
}

/// Final blocks that it proposed.
fn by_sinner(outcome: &Outcome) -> Vec<&Block> {
    let name = sinner(outcome);
    outcome.record.blocks().filter(|block| block.context().leader == name).collect()
}

#[test]
fn who_signs_two_histories_is_struck_and_its_stake_burns() {
    let outcome = live_through(1_001, Sin::Equivocates);
    let name = sinner(&outcome);
    let end = outcome.deeds.end.as_ref().unwrap();
    // All that it began with: what it took out since unbonds, and burns too.
    let least = outcome.cast.genesis.neurons[0].stake.get();
    assert!(outcome.deeds.struck.get(&name).is_some_and(|burned| *burned >= least), "{:?}", outcome.deeds.struck);
    assert_eq!(outcome.deeds.struck.len(), 1, "nobody else");
    assert!(end.candidate(&name).unwrap().struck);
    assert!(!end.validators().contains(&name));
}

#[test]
fn blocks_of_wrong_roots_are_refused_and_the_chain_goes_on() {
    let outcome = live_through(1_002, Sin::WrongRoot);
    assert!(by_sinner(&outcome).iter().all(|block| block.body().transactions.is_empty()));
    assert!(outcome.record.blocks().any(|block| !block.body().transactions.is_empty()));
}

#[test]
fn ends_of_epochs_by_other_parameters_are_refused_and_the_chain_goes_on() {
    let outcome = live_through(1_003, Sin::WrongEconomics);
    let tempo = outcome.cast.genesis.parameters.tempo;
    let closes = |block: &&&Block| block.header().height.get().is_multiple_of(tempo);
    assert!(!by_sinner(&outcome).is_empty());
    // Until rows are set the outcome is the same by all parameters.
    let updated = outcome
        .record
        .blocks()
        .find(|block| block.body().transactions.iter().any(|transaction| transaction.action.name() == "SetWeights"));
    let since = updated.unwrap().header().height;
    let wrong = by_sinner(&outcome).iter().filter(closes).filter(|block| block.header().height > since).count();
    assert_eq!(wrong, 0);
    assert!(outcome.deeds.epochs >= 4);
}

#[test]
fn what_one_censors_others_include() {
    let censored = person(0).public_key();
    let outcome = live_through(1_004, Sin::Censors(censored.clone()));
    let of_censored = |block: &Block| block.body().transactions.iter().any(|one| one.signer == censored);
    assert!(!by_sinner(&outcome).is_empty());
    assert!(by_sinner(&outcome).iter().all(|block| !of_censored(block)));
    let included = outcome.record.blocks().filter(|block| of_censored(block)).count();
    assert!(included > 0, "{:?}", outcome.deeds.actions);
}

#[test]
fn a_silent_validator_loses_its_seat_and_the_chain_goes_on() {
    let scenario = Scenario { blocks: 40, ..Scenario::quiet(1_005, Some(Sin::Silent)) };
    let outcome = run(&scenario);
    assert!(by_sinner(&outcome).is_empty());
    let end = outcome.deeds.end.as_ref().unwrap();
    assert!(!end.validators().contains(&sinner(&outcome)), "it never said that it runs");
    assert_eq!(end.validators().len(), 3);
}

#[test]
fn old_messages_sent_again_change_nothing() {
    let outcome = live_through(1_006, Sin::Replays);
    assert!(outcome.deeds.struck.is_empty());
}

#[test]
fn rubbish_on_every_channel_stops_nobody() {
    let outcome = live_through(1_007, Sin::Garbage);
    assert!(outcome.blocked > 0, "nobody noticed");
    assert!(outcome.deeds.struck.is_empty());
}

#[test]
fn wrong_answers_to_who_catches_up_are_found_out() {
    // Nodes crash and must ask for what they missed; whom they ask is chance.
    let noticed = (1_018..1_026).any(|seed| {
        let outcome = run(&Scenario { validators: 5, faults: true, ..Scenario::quiet(seed, Some(Sin::Liar)) });
        assert!(outcome.crashes > 0 && outcome.deeds.struck.is_empty());
        outcome.blocked > 0
    });
    assert!(noticed, "nobody noticed");
}

#[test]
fn transactions_that_were_accepted_become_final_or_expire() {
    let outcome = run(&Scenario::quiet(1_009, None));
    let end = outcome.deeds.end.as_ref().unwrap();
    let included: Vec<_> =
        outcome.record.blocks().flat_map(|block| &block.body().transactions).map(ledger::Transaction::digest).collect();
    let lost = outcome.accepted.iter().filter(|one| one.expires < end.height() && !included.contains(&one.digest()));
    // In a quiet network only what another transaction made impossible is left out.
    let (lost, accepted) = (lost.count(), outcome.accepted.len());
    assert!(accepted > 20 && lost * 5 < accepted, "{lost} of {accepted} lost");
    assert!(outcome.refused > 5);
    assert!(end.totals().minted > Amount::ZERO);
}

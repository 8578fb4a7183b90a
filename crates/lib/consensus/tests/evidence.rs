//! Votes made by the engine's own types convict whoever gave them on the ledger, and no honest ones do.

#![allow(clippy::unwrap_used, reason = "shared by tests")]

use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{
    Activity, ConflictingFinalize, ConflictingNotarize, Finalize, Notarize, Nullify, NullifyFinalize, Proposal,
};
use commonware_consensus::types::{Epoch, Round, View};
use commonware_cryptography::Signer;
use commonware_utils::ordered::Set;
use ledger::{
    Action, At, Digest, Event, Genesis, Height, Nonce, PrivateKey, PublicKey, Refusal, Seat, Transaction, Uid,
};
use peerage_consensus::evidence::evidence;

/// Two founders; the first backs the validators of the seeds 10 and 11, the second that of 12.
fn genesis() -> Genesis {
    let seat = |(seed, founder)| Seat {
        key: PrivateKey::from_seed(seed).public_key(),
        founder: Uid(founder),
        address: ([127, 0, 0, 1], 1_000).into(),
    };
    Genesis { validators: [(10, 0), (11, 0), (12, 1)].map(seat).to_vec(), ..Genesis::example() }
}

fn validators() -> Set<PublicKey> {
    Set::try_from(genesis().validator_keys()).unwrap()
}

fn scheme(seed: u64) -> Scheme {
    let namespace = ledger::namespace(&genesis().chain());
    Scheme::signer(&namespace, validators(), PrivateKey::from_seed(seed)).unwrap()
}

fn proposal(epoch: u64, view: u64, payload: u8) -> Proposal<Digest> {
    Proposal::new(Round::new(Epoch::new(epoch), View::new(view)), View::new(view / 2), Digest::from([payload; 32]))
}

/// One activity of each kind that is a fault of the validator with this seed.
fn faults(seed: u64) -> Vec<Activity<Scheme, Digest>> {
    let scheme = scheme(seed);
    // Views and epochs whose encodings take one byte, and more.
    [(0, 3), (200, 70_000)]
        .into_iter()
        .flat_map(|(epoch, view)| {
            let notarize = |payload| Notarize::sign(&scheme, proposal(epoch, view, payload)).unwrap();
            let finalize = |payload| Finalize::sign(&scheme, proposal(epoch, view, payload)).unwrap();
            let nullify = Nullify::sign::<Digest>(&scheme, Round::new(Epoch::new(epoch), View::new(view))).unwrap();
            [
                Activity::ConflictingNotarize(ConflictingNotarize::new(notarize(1), notarize(2))),
                Activity::ConflictingFinalize(ConflictingFinalize::new(finalize(1), finalize(2))),
                Activity::NullifyFinalize(NullifyFinalize::new(nullify, finalize(1))),
            ]
        })
        .collect()
}

#[test]
fn faults_of_the_engine_convict_on_the_ledger() {
    let genesis = genesis();
    let state = genesis.state().unwrap();
    let at = At { height: Height(1), time: genesis.time + 1_000, parent: genesis.header().unwrap().digest() };
    let accuser = PrivateKey::from_seed(77);
    let stake = genesis.neurons[0].stake;
    for fault in faults(11) {
        let evidence = evidence(&fault, &validators()).unwrap();
        assert_eq!(evidence.key, PrivateKey::from_seed(11).public_key());
        assert_eq!(evidence.check(&genesis.chain()), Ok(()));
        let key = evidence.key.clone();
        let action = Action::Evidence { evidence: Box::new(evidence) };
        let transaction = Transaction::sign(&accuser, genesis.chain(), Nonce(0), Height(9), action);
        let (after, events) = state.apply(&at, std::slice::from_ref(&transaction)).unwrap();
        assert_eq!(events, [Event::Struck { uid: Uid(0), key: key.clone(), burned: stake }]);
        assert!(after.candidate(&key).unwrap().struck);
        assert_eq!(after.supply(), state.supply());
    }
}

#[test]
fn another_chain_or_set_convicts_nobody() {
    let genesis = genesis();
    let fault = &faults(12)[0];
    let found = evidence(fault, &validators()).unwrap();
    let other = Genesis { name: "other".into(), ..genesis.clone() };
    assert!(found.check(&other.chain()).is_err());
    // Told of another set, it names another key, which did not sign.
    let reversed: Vec<PublicKey> = (20..23).map(|seed| PrivateKey::from_seed(seed).public_key()).collect();
    let strangers = Set::try_from(reversed).unwrap();
    assert!(evidence(fault, &strangers).unwrap().check(&genesis.chain()).is_err());
    assert_eq!(evidence(fault, &Set::try_from(Vec::new()).unwrap()), None);
    let honest = Activity::Notarize(Notarize::sign(&scheme(12), proposal(0, 3, 1)).unwrap());
    assert_eq!(evidence(&honest, &validators()), None);
    let action = Action::Evidence { evidence: Box::new(evidence(fault, &strangers).unwrap()) };
    let transaction = Transaction::sign(&PrivateKey::from_seed(1), genesis.chain(), Nonce(0), Height(9), action);
    let at = At { height: Height(1), time: genesis.time + 1_000, parent: genesis.header().unwrap().digest() };
    assert_eq!(genesis.state().unwrap().check(&transaction, &at), Err(Refusal::NotCandidate));
}

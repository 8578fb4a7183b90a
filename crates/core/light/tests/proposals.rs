//! Proposals of every policy on every chain: the ledger takes them, and their effect is what was predicted.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

extern crate peerage_light as light;

mod founders;

use founders::{Founders, Random, near, rules};
use ledger::{Action, Kind, Parameters, PublicKey, Row, Uid};
use light::own::{Position, Reason, figures, gradients};
use light::policy::Policy;
use light::proposal::{Proposal, propose};
use mechanism::fault::NotDefined;

const PEERS: usize = 9;

fn uid(index: usize) -> Uid {
    Uid::new(index as u32)
}

fn all_scores(founders: &Founders, random: &mut Random) -> Vec<(PublicKey, f64)> {
    (0..founders.keys.len()).map(|peer| (founders.key(peer), random.share())).collect()
}

/// Looks that the ledger takes the proposal, and that the figures are then those that were predicted.
fn takes(founders: &mut Founders, own: usize, proposal: &Proposal) {
    let before = figures(&founders.state, uid(own)).unwrap();
    assert_eq!(proposal.before, before);
    assert_eq!(proposal.from, founders.state.weights()[own].row);
    let squared = proposal.from.distance_squared(&proposal.row) as f64;
    near(proposal.length, squared.sqrt() / 65_535.0, 1e-15);
    let (parameters, first) = (founders.state.parameters(), founders.state.weights()[own].version == 0);
    assert!(first || proposal.length < parameters.epsilon);
    assert!(proposal.row.len() <= parameters.max_weights as usize);
    founders.block(&[founders.set(own, proposal.row.clone())]);
    let after = figures(&founders.state, uid(own)).unwrap();
    assert_eq!(
        (after.rank, &after.trust, &after.loss, &after.paid),
        (proposal.after.rank, &proposal.after.trust, &proposal.after.loss, &proposal.after.paid)
    );
    // Not by the same operations, but as exactly.
    near(*proposal.after.clipped.as_ref().unwrap(), after.clipped.unwrap(), 1e-9);
}

#[test]
fn every_policy_proposes_what_the_ledger_takes_and_predicts_its_effect() {
    for kind in Kind::ALL {
        for (seed, (epsilon, max_weights)) in (0..).zip([(0.5, 64), (0.05, 64), (0.1, 3), (1e-4, 5)]) {
            let mut parameters = Parameters { epsilon, tempo: 1_000, ..rules(kind) };
            let mut random = Random(seed);
            let mut founders = Founders::new(parameters.clone(), &[7_000_000_000; PEERS]);
            // Long rows, as from before a fork to a smaller limit: entries have to go.
            let rows: Vec<Row> = (0..PEERS).map(|own| founders::drawn_row(own, PEERS, &mut random)).collect();
            founders.set_all(&rows[..PEERS - 1]);
            parameters.max_weights = max_weights;
            founders.state = founders.state.ruled_by(parameters);
            for own in 0..PEERS {
                let scores = all_scores(&founders, &mut random);
                let shares = [(uid(2), 3.0), (uid(own), 1.0), (uid(7), 0.0)];
                for policy in [Policy::Scores, Policy::Hand, Policy::Payoff { alpha: 10.0 * random.share() }] {
                    let proposal = propose(&founders.state, uid(own), policy, &scores, Some(&shares));
                    match (kind, policy) {
                        (Kind::Consensus, Policy::Payoff { .. }) => {
                            assert_eq!(proposal, Err(NotDefined::Binary.into()));
                        }
                        _ if epsilon < 1e-3 && founders.state.weights()[own].row.len() > 5 => {
                            // No step so short takes an entry of a long row away, and none is proposed.
                            let proposal = proposal.unwrap();
                            assert_eq!((proposal.length, &proposal.row), (0.0, &proposal.from));
                        }
                        _ if founders.state.weights()[own].row.len() > max_weights as usize => {
                            let proposal = proposal.unwrap();
                            if proposal.row.len() <= max_weights as usize {
                                takes(&mut founders, own, &proposal);
                            } else {
                                assert_eq!(proposal.row, proposal.from, "all or nothing");
                            }
                        }
                        _ => takes(&mut founders, own, &proposal.unwrap()),
                    }
                }
            }
        }
    }
}

#[test]
fn the_first_row_is_the_target_and_later_ones_come_nearer() {
    let mut founders =
        Founders::new(Parameters { epsilon: 0.1, tempo: 1_000, ..rules(Kind::Trust) }, &[1_000_000_000; 3]);
    let hand = |founders: &Founders, shares: &[(Uid, f64)]| {
        propose(&founders.state, uid(0), Policy::Hand, &[], Some(shares)).unwrap()
    };
    let first = hand(&founders, &[(uid(1), 1.0)]);
    assert!(first.row.share(uid(1)) == 1.0 && first.length > 1.414, "exempt from ε");
    takes(&mut founders, 0, &first);
    let mut steps = 0;
    while founders.state.weights()[0].row.share(uid(2)) < 1.0 {
        let proposal = hand(&founders, &[(uid(2), 5.0)]);
        assert!(proposal.length > 0.099 || proposal.row.share(uid(2)) == 1.0, "{proposal:?}");
        takes(&mut founders, 0, &proposal);
        steps += 1;
    }
    assert_eq!(steps, 15, "√2 in steps just below a tenth");
    let arrived = hand(&founders, &[(uid(2), 5.0)]);
    assert_eq!((arrived.length, &arrived.before), (0.0, &arrived.after));
}

#[test]
fn rows_have_as_many_entries_as_the_chain_demands() {
    // Loners under `Consensus`: no majority, and every epoch demands a weight more.
    let parameters = Parameters { tempo: 2, epsilon: 0.1, ..rules(Kind::Consensus) };
    let mut founders = Founders::new(parameters, &[10_000_000_000; 12]);
    let loner = |own| Row::own(uid(own));
    founders.set_all(&std::array::from_fn::<Row, 12, _>(loner));
    for _ in 0..5 {
        founders.block(&[]);
        founders.end_epoch();
    }
    let slow = Parameters { tempo: 1_000, ..founders.state.parameters().clone() };
    founders.state = founders.state.ruled_by(slow);
    let least = founders.state.totals().min_weights as usize;
    assert!((4..12).contains(&least), "{least}");
    let scores = [(founders.key(3), 1.0)];
    for policy in [Policy::Scores, Policy::Hand] {
        let proposal = propose(&founders.state, uid(0), policy, &scores, Some(&[(uid(3), 1.0)])).unwrap();
        assert!(proposal.row.len() == least && proposal.row.share(uid(3)) > 0.03, "{proposal:?}");
        takes(&mut founders, 0, &proposal);
    }
    // Where even that many of the smallest entries are too long a step, it says so.
    let narrow = Parameters { epsilon: 1e-5, ..founders.state.parameters().clone() };
    let narrow = founders.state.ruled_by(narrow);
    let refused = propose(&narrow, uid(1), Policy::Scores, &scores, None);
    assert_eq!(refused.map(|_| ()).unwrap_err(), Reason::TooFew { entries: 1, least });
}

#[test]
fn each_reason_has_its_name() {
    let founders = Founders::new(rules(Kind::Competitive), &[10_000_000_000, 10_000_000_000, 0]);
    let position = |own| Position::new(&founders.state, uid(own)).unwrap();
    let scores = [(founders.key(1), 1.0)];
    let reason = |own, policy, by_hand: Option<&[(Uid, f64)]>| {
        position(own).propose(policy, &scores, by_hand, None).map(|_| ()).unwrap_err()
    };
    assert_eq!(reason(0, Policy::Never, None), Reason::Never);
    assert_eq!(reason(0, Policy::Hand, None), Reason::NoShares);
    assert_eq!(reason(0, Policy::Hand, Some(&[(uid(1), 0.0)])), Reason::NoShares);
    assert_eq!(reason(0, Policy::Hand, Some(&[(uid(9), 1.0)])), Reason::Stranger { uid: uid(9) });
    let negative = reason(0, Policy::Hand, Some(&[(uid(1), 1.0), (uid(0), -1.0)]));
    assert_eq!(negative, Reason::Share { uid: uid(0), share: -1.0 });
    assert_eq!(reason(2, Policy::Payoff { alpha: 1.0 }, None), Reason::NoStake);
    assert_eq!(reason(0, Policy::Payoff { alpha: -1.0 }, None), Reason::Alpha { alpha: -1.0 });
    for policy in [Policy::Scores, Policy::Payoff { alpha: 1.0 }] {
        assert_eq!(position(0).propose(policy, &[], None, None).map(|_| ()).unwrap_err(), Reason::NoScores);
    }
    assert_eq!(Policy::default(), Policy::Scores);
    assert!(Reason::Never.to_string().contains("choose another policy"));
}

#[test]
fn who_left_is_named_by_nothing() {
    let parameters = Parameters { immunity: 33, tempo: 1_000, ..rules(Kind::Competitive) };
    let mut founders = Founders::drawn(Parameters { tempo: 10, ..parameters }, 5, 1);
    while founders.state.height().get() < 40 {
        founders.block(&[]);
    }
    founders.block(&[founders.transaction(&founders.keys[2], Action::Leave { uid: uid(2) })]);
    assert!(founders.state.neurons()[2].vacant);
    let scores = all_scores(&founders, &mut Random(4));
    assert_eq!(figures(&founders.state, uid(2)), Err(Reason::Unregistered { uid: uid(2) }));
    let found = gradients(&founders.state, uid(0), &scores, 5.0).unwrap();
    for gradient in [&found.paid, &found.payoff] {
        let named: Vec<u32> = gradient.as_ref().unwrap().iter().map(|(uid, _)| uid.get()).collect();
        assert_eq!(named, [0, 1, 3, 4]);
    }
    for policy in [Policy::Scores, Policy::Payoff { alpha: 50.0 }] {
        let proposal = propose(&founders.state, uid(0), policy, &scores, None).unwrap();
        assert!(proposal.length > 0.0);
        takes(&mut founders, 0, &proposal);
    }
    let hand = propose(&founders.state, uid(0), Policy::Hand, &[], Some(&[(uid(2), 1.0)]));
    assert_eq!(hand.map(|_| ()).unwrap_err(), Reason::Stranger { uid: uid(2) });
}

#[test]
fn from_a_newer_own_row_the_step_and_its_effect_are_those_of_that_row() {
    for kind in Kind::ALL {
        let mut founders = Founders::drawn(Parameters { tempo: 1_000, epsilon: 0.05, ..rules(kind) }, PEERS, 5);
        let scores = all_scores(&founders, &mut Random(6));
        let older = founders.state.clone();
        for _ in 0..3 {
            let step = propose(&founders.state, uid(1), Policy::Hand, &[], Some(&[(uid(0), 1.0)])).unwrap();
            takes(&mut founders, 1, &step);
        }
        let newer = &founders.state.weights()[1];
        assert!(!older.weights()[1].row.within(&newer.row, 0.05), "farther than a step");
        let position = Position::new(&older, uid(1)).unwrap();
        for policy in [Policy::Scores, Policy::Payoff { alpha: 10.0 }] {
            let found = position.propose(policy, &scores, None, Some(newer));
            assert_eq!(found, propose(&founders.state, uid(1), policy, &scores, None));
            assert!(found.is_err() || found != position.propose(policy, &scores, None, None));
        }
    }
}

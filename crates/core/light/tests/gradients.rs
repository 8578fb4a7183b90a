//! Figures and gradients of the light client against the chain's own epochs, and against central differences of the mechanism at
//! the weights of a verified state; where there is none, the reason.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

extern crate peerage_light as light;

mod founders;

use founders::{Founders, Random, near, rules};
use ledger::{Amount, Body, Header, Kind, Parameters, Row, State, Table, Uid, economy, header};
use light::own::{Figures, Hint, Position, Reason, figures, gradients};
use mechanism::absorbing::LIMIT;
use mechanism::clipping;
use mechanism::competitive::Reading;
use mechanism::competitive::payoff::{self, Terms, Utility};
use mechanism::fault::{Fault, NotDefined};
use mechanism::rows::Rows;
use mechanism::world::World;

/// Peers of a drawn world.
const PEERS: usize = 9;

/// Of differences: small beside the width T_c of connectivity, and large beside rounding.
const STEP: f64 = 1e-6;

/// Differences of second order at [`STEP`] are off by about STEP² f‴/6 and 10⁻¹⁶/STEP.
const TOLERANCE: f64 = 1e-6;

fn worlds(kind: Kind) -> impl Iterator<Item = Founders> {
    // A target that keeps inflation rising, where there is such.
    (0..6).map(move |seed| Founders::drawn(Parameters { target: 10.0, ..rules(kind) }, PEERS, seed))
}

fn uid(index: usize) -> Uid {
    Uid::new(index as u32)
}

/// ∂f/∂x at 0, from both sides, or from above where nothing lies below; of second order.
fn slope(f: impl Fn(f64) -> f64, below: bool) -> f64 {
    if below {
        (f(STEP) - f(-STEP)) / (2.0 * STEP)
    } else {
        (4.0 * f(STEP) - 3.0 * f(0.0) - f(2.0 * STEP)) / (2.0 * STEP)
    }
}

/// Compares a gradient in the own row with differences in which the own self-loop gives what another entry takes.
fn in_the_own_row(founders: &Founders, own: usize, gradient: &[(Uid, f64)], of: impl Fn(&[Vec<f64>]) -> f64) {
    let matrix = founders.matrix();
    let at_loop = gradient.iter().find(|(uid, _)| uid.index() == own).map_or(0.0, |(_, slope)| *slope);
    let mut compared = 0;
    for (uid, found) in gradient.iter().filter(|(uid, _)| uid.index() != own) {
        let moved = |by: f64| {
            let mut moved = matrix.clone();
            moved[own][uid.index()] += by;
            moved[own][own] -= by;
            of(&moved)
        };
        near(found - at_loop, slope(moved, matrix[own][uid.index()] > 2.0 * STEP), TOLERANCE);
        compared += 1;
    }
    assert_eq!(compared, founders.state.neurons().len() - 1);
}

fn all_scores(founders: &Founders, random: &mut Random) -> Vec<(ledger::PublicKey, f64)> {
    (0..founders.keys.len()).map(|peer| (founders.key(peer), random.share())).collect()
}

#[test]
fn figures_are_what_the_next_epoch_writes() {
    let (mut pays, mut carries, mut funded) = (0, 0, 0);
    for kind in Kind::ALL {
        // Among loners no majority is trusted.
        let mut loners = Founders::new(Parameters { target: 10.0, ..rules(kind) }, &[3_000_000_000; PEERS]);
        loners.set_all(&std::array::from_fn::<Row, PEERS, _>(|own| Row::own(uid(own))));
        for mut founders in worlds(kind).chain([loners]) {
            // Some epochs, so that there are bonds, inflation and scalings.
            for _ in 0..3 {
                founders.end_epoch();
                founders.block(&[]);
            }
            // Rows that are set again release what accrued: there is something to pay.
            let rows: Vec<Row> = founders.state.weights().iter().map(|leaf| leaf.row.clone()).collect();
            if rows.iter().all(|row| row.len() >= founders.state.totals().min_weights as usize) {
                founders.set_all(&rows);
            }
            founders.before_the_end();
            let before = founders.state.clone();
            let foreseen: Vec<Figures> = (0..PEERS).map(|own| figures(&before, uid(own)).unwrap()).collect();
            founders.block(&[]);
            let totals = founders.state.totals();
            for (own, (figures, standing)) in foreseen.iter().zip(founders.state.standings()).enumerate() {
                assert_eq!(figures.rank, standing.rank);
                match kind {
                    Kind::Competitive => {
                        assert_eq!(figures.trust, Err(Reason::NoTrust));
                        assert_eq!(figures.loss, Err(NotDefined::NoLoss.into()));
                    }
                    _ => {
                        assert_eq!(figures.trust, Ok(standing.trust));
                        assert_eq!(figures.loss, Ok(totals.loss));
                    }
                }
                let pool = before.totals().pool.get();
                funded += usize::from(pool > 0);
                match &figures.paid {
                    // Of a pool in whole units.
                    Ok(paid) => {
                        assert!((paid * pool as f64 - standing.paid.get() as f64).abs() <= 1.0, "{kind:?}");
                        pays += 1;
                    }
                    Err(reason) => {
                        carries += 1;
                        assert_eq!(*reason, Reason::CarriedOver { loss: totals.loss });
                        assert!(totals.loss >= 0.0 && totals.paid == Amount::ZERO);
                    }
                }
                let clipped = *figures.clipped.as_ref().unwrap();
                let whole: u64 = before.neurons().iter().map(|neuron| neuron.stake.get()).sum();
                let share = before.neurons()[own].stake.get() as f64 / whole as f64;
                assert!(clipped > 0.0 && clipped <= share * (1.0 + 1e-12), "{clipped} of {share}");
            }
        }
    }
    // But for loners under `Competitive`, whose inflation does not rise.
    assert_eq!(funded, (4 * 7 - 1) * PEERS);
    assert!(pays > 100 && carries == 2 * PEERS, "paid {pays} times, carried over {carries} times");
}

#[test]
fn under_consensus_what_is_paid_depends_on_the_bonds_of_earlier_epochs() {
    let mut founders = Founders::new(rules(Kind::Consensus), &[10_000_000_000; 4]);
    let equal = Row::from_shares(&[0, 1, 2, 3].map(|peer| (uid(peer), 1.0)), 4).unwrap();
    let early = Row::from_shares(&[(uid(0), 1.0), (uid(1), 1.0), (uid(2), 2.0), (uid(3), 0.1)], 4).unwrap();
    founders.set_all(&[early, equal.clone(), equal.clone(), equal.clone()]);
    for _ in 0..4 {
        founders.end_epoch();
        founders.block(&[]);
    }
    // Now all rows are alike, and only the bonds tell who was early.
    let step = Row::from_shares(&[0, 1, 2, 3].map(|peer| (uid(peer), 1.0)), 4).unwrap();
    founders.set_all(&[step, equal.clone(), equal.clone(), equal]);
    founders.before_the_end();
    let paid = figures(&founders.state, uid(0)).unwrap().paid.unwrap();
    let memory = mechanism::epoch::Memory::new(4);
    let (_, forgetful) = economy::evaluate(
        founders.state.neurons(),
        founders.state.weights(),
        &memory,
        founders.state.parameters(),
        founders.state.totals().number + 1,
    )
    .unwrap();
    assert!((paid - forgetful.share[0]).abs() > 1e-3, "{paid} and {}", forgetful.share[0]);
}

#[test]
fn tables_that_were_assembled_say_what_the_state_says() {
    let founders = Founders::drawn(rules(Kind::Trust), PEERS, 7);
    let state = &founders.state;
    let tables: Vec<_> = Table::ALL.iter().map(|table| (*table, state.leaves(*table))).collect();
    let recent: Vec<_> = (1..=state.height().get()).map(|height| ledger::Digest::from([height as u8; 32])).collect();
    let header = Header {
        version: header::VERSION,
        context: ledger::Digest::from([0; 32]),
        parent: *recent.last().unwrap(),
        height: state.height(),
        time: state.time(),
        transactions: Body::default().root(),
        roots: state.roots(),
        validators: header::validators_digest(state.validators()),
    };
    let assembled = State::assemble(&founders.genesis, &header, state.validators().to_vec(), recent, &tables).unwrap();
    let scores = all_scores(&founders, &mut Random(1));
    for own in 0..PEERS {
        assert_eq!(figures(&assembled, uid(own)), figures(state, uid(own)));
        assert_eq!(gradients(&assembled, uid(own), &scores, 1.0), gradients(state, uid(own), &scores, 1.0));
    }
}

#[test]
fn the_scaling_gradient_meets_differences() {
    let mut inside = 0;
    for kind in Kind::ALL {
        for founders in worlds(kind) {
            for own in 0..PEERS {
                let found = gradients(&founders.state, uid(own), &[], 1.0).unwrap().scaling;
                if matches!(kind, Kind::Connectivity | Kind::Competitive) {
                    assert_eq!(found, Err(NotDefined::NoLoss.into()));
                    continue;
                }
                let (matrix, scaling) = (founders.matrix(), founders.scaling());
                let loss = |by: f64| {
                    let mut moved = scaling.clone();
                    moved[own] += by;
                    founders.epoch(&matrix, &moved).loss.unwrap()
                };
                // At 1, from below.
                let within = scaling[own] < 1.0 - 2.0 * STEP;
                inside += usize::from(within);
                let expected = if within { slope(loss, true) } else { -slope(|by| loss(-by), false) };
                near(found.unwrap(), expected, TOLERANCE);
            }
        }
    }
    assert!(inside > PEERS, "some stakes are scaled: {inside}");
}

#[test]
fn the_clipping_gradient_meets_differences_on_every_chain() {
    let (mut below, mut above) = (0, 0);
    for kind in Kind::ALL {
        // At the second threshold few reach half of the stake.
        let drawn = |kappa| move |seed| Founders::drawn(Parameters { kappa, ..rules(kind) }, PEERS, seed);
        for founders in (0..4).map(drawn(0.5)).chain((0..4).map(drawn(4.0))) {
            let peers = economy::present(founders.state.neurons());
            let (kappa, temperature) = economy::clipping(founders.state.parameters(), peers);
            let (matrix, ones) = (founders.matrix(), vec![1.0; PEERS]);
            for own in 0..PEERS {
                let found = gradients(&founders.state, uid(own), &[], 1.0).unwrap();
                assert_eq!(found.advisory, kind != Kind::Connectivity);
                let reach = |matrix: &[Vec<f64>]| {
                    founders.with(matrix, &ones, |world| clipping::reach(world, own, kappa, temperature).unwrap())
                };
                let fraction = reach(&matrix).fraction;
                if fraction >= 1.0 {
                    assert_eq!(found.clipping, Err(NotDefined::AboveClip { fraction }.into()));
                    above += 1;
                } else if fraction < 0.999 {
                    in_the_own_row(&founders, own, &found.clipping.unwrap(), |matrix| reach(matrix).clipped);
                    below += 1;
                }
            }
        }
    }
    assert!(below > 20 && above > 20, "{below} below the clip and {above} above");
}

#[test]
fn the_gradient_of_what_is_paid_meets_differences() {
    for kind in Kind::ALL {
        for founders in worlds(kind) {
            let (matrix, scaling) = (founders.matrix(), founders.scaling());
            let here = founders.epoch(&matrix, &scaling);
            if kind == Kind::Connectivity && here.trust.iter().any(|reach| (reach - 1.0).abs() < 1e-3) {
                continue;
            }
            for own in 0..PEERS {
                let found = gradients(&founders.state, uid(own), &[], 1.0).unwrap().paid;
                if kind == Kind::Consensus {
                    assert_eq!(found, Err(NotDefined::Binary.into()));
                    continue;
                }
                in_the_own_row(&founders, own, &found.unwrap(), |matrix| {
                    let incentive = founders.epoch(matrix, &scaling).incentive;
                    incentive[own] / incentive.iter().sum::<f64>()
                });
            }
        }
    }
}

#[test]
fn the_gradient_of_the_payoff_meets_differences() {
    for kind in Kind::ALL {
        for founders in worlds(kind) {
            let mut random = Random(3);
            let scores = all_scores(&founders, &mut random);
            for own in 0..PEERS {
                let alpha = 20.0 * random.share();
                let position = Position::new(&founders.state, uid(own)).unwrap();
                let found = position.gradients(&scores, alpha).payoff;
                if kind != Kind::Competitive {
                    assert_eq!(found, Err(Reason::NoMasks));
                    continue;
                }
                // From the definitions: stakes of mean 1, α + τ = 1, L = Σ u (1 − m).
                let temperature = founders.state.parameters().temperature;
                let utility = Utility::new(scores.iter().map(|(_, score)| *score).collect()).unwrap();
                let (alpha, tau) = (alpha / (1.0 + alpha), 1.0 / (1.0 + alpha));
                let terms = Terms { alpha, tau, temperature, reading: Reading::Right };
                let ones = vec![1.0; PEERS];
                let value = |matrix: &[Vec<f64>]| {
                    founders.with(matrix, &ones, |world| {
                        let stake: Vec<f64> = world.stake.iter().map(|s| s * PEERS as f64).collect();
                        payoff::of(&World { stake: &stake, ..*world }, own, &utility, &terms).unwrap().value
                    })
                };
                near(position.payoff(&scores, alpha / tau).unwrap().value, value(&founders.matrix()), 1e-12);
                in_the_own_row(&founders, own, &found.unwrap(), value);
            }
        }
    }
}

#[test]
fn the_gradient_of_the_own_trust_meets_differences() {
    for kind in Kind::ALL {
        for founders in worlds(kind) {
            let scaling = founders.scaling();
            for own in 0..PEERS {
                let found = gradients(&founders.state, uid(own), &[], 1.0).unwrap();
                match kind {
                    Kind::Trust => {
                        in_the_own_row(&founders, own, &found.trust.unwrap(), |matrix| {
                            founders.epoch(matrix, &scaling).trust[own]
                        });
                    }
                    Kind::Consensus => assert_eq!(found.trust, Err(NotDefined::Binary.into())),
                    _ => assert_eq!(found.trust, Err(Reason::NoTrust)),
                }
            }
        }
    }
}

#[test]
fn where_nobody_leads_back_the_own_row_does_not_move_the_own_trust_and_it_says_so() {
    // The others weigh each other, and the last weighs them.
    let mut founders = Founders::new(rules(Kind::Trust), &[10_000_000_000; 4]);
    let row = |peers: &[usize]| {
        Row::from_shares(&peers.iter().map(|peer| (uid(*peer), 1.0)).collect::<Vec<_>>(), 64).unwrap()
    };
    founders.set_all(&[row(&[0, 1, 2]), row(&[0, 1, 2]), row(&[0, 1, 2]), row(&[0, 1, 2, 3])]);
    let lonely = gradients(&founders.state, uid(3), &[], 1.0).unwrap();
    assert_eq!(lonely.hint, Some(Hint::NoWayBack));
    let others = lonely.trust.unwrap().into_iter().filter(|(to, _)| *to != uid(3));
    assert!(others.map(|(_, slope)| slope).all(|slope| slope == 0.0), "nothing leads back");
    assert!(Hint::NoWayBack.to_string().contains("lead back"));
    // Once one of them weighs it, there is a way.
    founders
        .block(&[founders
            .set(0, Row::from_shares(&[(uid(0), 0.3), (uid(1), 0.3), (uid(2), 0.3), (uid(3), 0.1)], 64).unwrap())]);
    let weighed = gradients(&founders.state, uid(3), &[], 1.0).unwrap();
    assert!(weighed.hint.is_none(), "{:?}", weighed.trust);
    // In a clique far above the threshold, a little more or less is nothing.
    let sharp = Parameters { temperature: 0.01, ..rules(Kind::Trust) };
    let mut clique = Founders::new(sharp, &[10_000_000_000; 4]);
    clique.set_all(&std::array::from_fn::<Row, 4, _>(|_| row(&[0, 1, 2, 3])));
    assert_eq!(gradients(&clique.state, uid(3), &[], 1.0).unwrap().hint, Some(Hint::Flat));
    assert_eq!(gradients(&Founders::drawn(rules(Kind::Consensus), 4, 0).state, uid(3), &[], 1.0).unwrap().hint, None);
}

#[test]
fn above_the_limit_of_the_exact_solve_clipping_gives_the_reason() {
    let peers = LIMIT + 1;
    let founders =
        Founders::new(Parameters { max_neurons: 2_048, ..rules(Kind::Competitive) }, &vec![1_000_000; peers]);
    let position = Position::new(&founders.state, uid(5)).unwrap();
    let many = || Reason::from(NotDefined::World(Fault::TooManyPeers { peers, limit: LIMIT }));
    assert_eq!(position.figures().clipped, Err(many()));
    let found = position.gradients(&[(founders.key(1), 1.0)], 1.0);
    assert_eq!(found.clipping, Err(many()));
    assert_eq!((found.paid.unwrap().len(), found.payoff.unwrap().len()), (peers, peers));
    assert!(many().to_string().contains("1025 peers are more than the 1024"), "{}", many());
}

#[test]
fn each_reason_has_its_name() {
    let founders = Founders::new(rules(Kind::Competitive), &[10_000_000_000, 5_000_000_000, 0]);
    let state = &founders.state;
    assert_eq!(figures(state, uid(3)), Err(Reason::Unregistered { uid: uid(3) }));
    let position = Position::new(state, uid(0)).unwrap();
    let scores = [(founders.key(1), 1.0)];
    assert_eq!(position.gradients(&[], 1.0).payoff, Err(Reason::NoScores));
    let strangers = [(founders::key(77), 1.0), (founders::key(1), f64::NAN)].map(|(key, score)| {
        use commonware_cryptography::Signer as _;
        (key.public_key(), score)
    });
    assert_eq!(position.gradients(&strangers, 1.0).payoff, Err(Reason::NoScores));
    for alpha in [-1.0, f64::INFINITY] {
        assert_eq!(position.gradients(&scores, alpha).payoff, Err(Reason::Alpha { alpha }));
    }
    let poor = gradients(state, uid(2), &scores, 1.0).unwrap();
    assert_eq!(poor.payoff, Err(Reason::NoStake));
    assert_eq!(poor.clipping, Err(NotDefined::NoStake { peer: 2 }.into()));
    let nobody = Founders::new(rules(Kind::Trust), &[0, 0]);
    let found = gradients(&nobody.state, uid(0), &[], 1.0).unwrap();
    assert_eq!((found.scaling, found.paid), (Err(NotDefined::Nothing.into()), Err(NotDefined::Nothing.into())));
    assert_eq!(found.trust, Err(NotDefined::Nothing.into()));
    let figures = figures(&nobody.state, uid(0)).unwrap();
    assert_eq!(figures.paid, Err(Reason::CarriedOver { loss: 0.0 }));
}

/// Three peers of stakes 2, 1 and 0 in parts of their mean; bids are stake times weight.
#[test]
fn masks_are_those_of_bids_against_the_mean_bid() {
    let mut founders = Founders::new(rules(Kind::Competitive), &[10_000_000_000, 5_000_000_000, 0]);
    let rows = [vec![(uid(1), 1.0)], vec![(uid(0), 0.5), (uid(1), 0.5)], vec![(uid(2), 1.0)]];
    founders.set_all(&rows.map(|shares| Row::from_shares(&shares, 64).unwrap()));
    let state = &founders.state;
    let temperature = state.parameters().temperature;
    let sigma = |x: f64| mechanism::arithmetic::logistic(x / temperature);
    let stakes = [2.0, 1.0, 0.0];
    let share = |i: usize, j: usize| state.weights()[i].row.share(uid(j));
    for i in 0..3 {
        let masks = Position::new(state, uid(i)).unwrap().masks().unwrap();
        for (j, mask) in masks.into_iter().enumerate() {
            let mean = (0..3).map(|k| stakes[k] * share(k, j)).sum::<f64>() / 3.0;
            assert!((mask - sigma(stakes[i] * share(i, j) - mean)).abs() < 1e-12, "{i} {j}: {mask}");
        }
    }
    let seen = Position::new(state, uid(0)).unwrap().masks().unwrap();
    assert!(seen[1] > 0.5 && seen[0] < 0.5, "it bids for 1 and not for itself: {seen:?}");
    for kind in [Kind::Trust, Kind::Consensus, Kind::Connectivity] {
        let founders = Founders::new(rules(kind), &[1_000_000; 3]);
        assert_eq!(Position::new(&founders.state, uid(0)).unwrap().masks(), Err(Reason::NoMasks));
    }
}

/// The world by way of the tables is the one that the rows say.
#[test]
fn helpers_of_this_test_see_the_market_that_the_ledger_sees() {
    for founders in worlds(Kind::Trust) {
        let economy = economy::world(founders.state.neurons(), founders.state.weights(), founders.state.parameters());
        let economy = economy.unwrap();
        founders.with(&founders.matrix(), &founders.scaling(), |world| {
            assert_eq!((world.stake, world.scaling), (&economy.stake[..], &economy.scaling[..]));
            let rows: &Rows = world.weights;
            assert_eq!(*rows, economy.rows);
        });
    }
}

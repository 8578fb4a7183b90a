//! Tests of the Competitive mechanism: who is masked out, where the payoff leads, and adaptive inflation.

use super::masks;
use super::payoff::{self, Quadratic, Terms, Utility};
use super::*;

/// Three peers with stake 1, of which the first bids most for the last.
fn weights() -> Rows {
    Rows::new(3, [vec![(0, 0.2), (2, 0.8)], vec![(1, 0.9), (2, 0.1)], vec![(2, 1.0)]]).unwrap()
}

fn world<'a>(stake: &'a [f64], weights: &'a Rows) -> World<'a> {
    World { stake, scaling: &[1.0; 3], weights }
}

#[test]
fn who_underbids_is_masked_out() {
    let weights = weights();
    let world = world(&[1.0; 3], &weights);
    let means = ranks(&world, Reading::Right);
    let bids = [0, 1, 2].map(|own| masks::of(&world, own, &means, 0.05).unwrap().values[2]);
    assert!(bids[0] > 0.9 && bids[1] < 0.01 && bids[2] > 0.99, "{bids:?}");
}

#[test]
fn the_literal_orientation_pays_each_its_own_stake() {
    let weights = weights();
    let ranks = ranks(&world(&[3.0, 2.0, 1.0], &weights), Reading::Literal);
    assert_eq!(ranks, [1.0, 2.0 / 3.0, 1.0 / 3.0]);
}

#[test]
fn without_worth_in_others_the_payoff_leads_to_oneself() {
    let weights = weights();
    let terms = Terms { alpha: 0.0, tau: 1.0, temperature: 0.25, reading: Reading::Right };
    let nothing = Utility::new(vec![0.0; 3]).unwrap();
    let payoff = payoff::of(&world(&[1.0; 3], &weights), 1, &nothing, &terms).unwrap();
    assert_eq!(payoff.gradient, [0.0, 1.0 / 3.0, 0.0]);
    // With a worth, the neighbour that is worth most pulls most; literally, it is pushed away.
    let scores = Utility::new(vec![2.0, 0.0, 1.0]).unwrap();
    let right = payoff::of(&world(&[1.0; 3], &weights), 1, &scores, &Terms { alpha: 9.0, ..terms }).unwrap();
    assert!(right.gradient[0] > 0.0 && right.gradient[2] > right.gradient[1]);
    let literal = Terms { alpha: 9.0, reading: Reading::Literal, ..terms };
    assert!(payoff::of(&world(&[1.0; 3], &weights), 1, &scores, &literal).unwrap().gradient[0] < 0.0);
}

#[test]
fn inflation_rises_until_the_diagonal_has_its_share() {
    let weights = weights();
    let mechanism = Competitive { target: 5.0, rise: 0.25 };
    let world = world(&[1.0; 3], &weights);
    let first = mechanism.evaluate(&world, &Memory::new(3)).unwrap();
    let second = mechanism.evaluate(&world, &first.memory).unwrap();
    assert_eq!((first.memory.inflation, second.memory.inflation), (0.25, 0.5));
    let reached = Competitive { target: 1.0, ..mechanism };
    assert_eq!(reached.evaluate(&world, &first.memory).unwrap().memory.inflation, 0.25);
    assert_eq!(self_share(&weights), 2.1 / 3.0);
}

#[test]
fn what_is_out_of_range_is_named() {
    let weights = weights();
    let world = world(&[1.0; 3], &weights);
    let refused = masks::of(&world, 0, &[0.0; 2], 0.25);
    assert_eq!(refused, Err(NotDefined::World(Fault::Size { name: "means", found: 2, expected: 3 })));
    assert_eq!(masks::of(&world, 3, &[0.0; 3], 0.25), Err(NotDefined::Peer { peer: 3, peers: 3 }));
    for temperature in [-1.0, f64::NAN, 1e-12] {
        let refused = masks::of(&world, 0, &[0.0; 3], temperature);
        assert!(matches!(refused, Err(NotDefined::World(Fault::Parameter { name: "temperature", .. }))));
    }
    assert!(matches!(Quadratic::new(vec![0.0; 8], 3), Err(Fault::Size { name: "hessian", .. })));
    assert!(matches!(Utility::new(vec![f64::NAN]), Err(Fault::NotFinite { name: "scores", position: 0, .. })));
    for (name, wrong) in
        [("target", Competitive { target: f64::NAN, rise: 0.1 }), ("rise", Competitive { target: 0.1, rise: -1.0 })]
    {
        let refused = wrong.evaluate(&world, &Memory::new(3));
        assert!(matches!(refused, Err(Fault::Parameter { name: given, .. }) if given == name));
    }
}

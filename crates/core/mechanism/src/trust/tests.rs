//! Tests of the Trust mechanism on degenerate worlds, and of every refusal.

use super::*;
use crate::fault::LARGEST;
use crate::rows::Rows;

fn alone(peers: u32) -> Rows {
    Rows::new(peers as usize, (0..peers).map(|i| [(i, 1.0)])).unwrap()
}

fn hard() -> Parameters {
    Parameters { beta: 10.0, kappa: 0.5, depth: 3, temperature: 0.0, sources: 256, seed: 0 }
}

#[test]
fn nobody_has_an_outcome() {
    let weights = alone(0);
    let world = World { stake: &[], scaling: &[], weights: &weights };
    let outcome = evaluate(&world, &hard()).unwrap();
    assert_eq!((outcome.scaled, outcome.loss, outcome.rank.len()), (0.0, 0.0, 0));
    assert_eq!(step_scaling(&world, &outcome, 5.0, 0.01), [0.0; 0]);
}

#[test]
fn without_scaled_stake_everything_is_nought_and_scaling_returns() {
    let weights = alone(2);
    for (stake, scaling) in [([0.0, 0.0], [1.0, 0.5]), ([0.5, 0.5], [0.0, 0.0]), ([0.0, 1.0], [1.0, 0.0])] {
        let world = World { stake: &stake, scaling: &scaling, weights: &weights };
        let outcome = evaluate(&world, &hard()).unwrap();
        assert_eq!((outcome.scaled, outcome.loss), (0.0, 0.0));
        for vector in [&outcome.rank, &outcome.trust, &outcome.incentive, &outcome.scaling_gradient] {
            assert_eq!(vector, &[0.0, 0.0]);
        }
        assert_eq!(outcome.trusted, [0.5, 0.5]);
        let next = step_scaling(&world, &outcome, 5.0, 0.25);
        assert_eq!(next, scaling.map(|a| f64::min(a + 0.25, 1.0)));
    }
}

#[test]
fn a_rank_of_nought_is_an_incentive_of_nought() {
    // Everyone scores peer 0; peer 1 has stake, no rank, and distrust from no one who counts.
    let weights = Rows::new(2, [[(0, 1.0)], [(0, 1.0)]]).unwrap();
    let world = World { stake: &[0.0, 1.0], scaling: &[1.0, 1.0], weights: &weights };
    let outcome = evaluate(&world, &hard()).unwrap();
    assert_eq!(outcome.rank, [1.0, 0.0]);
    assert_eq!(outcome.trust, [1.0, -1.0]);
    assert_eq!(outcome.incentive[1], 0.0);
    assert!(outcome.loss < 0.0);
}

#[test]
fn an_incentive_that_vanishes_is_still_an_outcome() {
    // At the steepest slope every loner's trust underflows to exactly 0.
    let weights = alone(3);
    let world = World { stake: &[0.34, 0.33, 0.33], scaling: &[1.0; 3], weights: &weights };
    let outcome = evaluate(&world, &Parameters { beta: LARGEST, ..hard() }).unwrap();
    assert_eq!(outcome.incentive, [0.0; 3]);
    assert_eq!(outcome.loss, 0.5);
    assert!(outcome.scaling_gradient.iter().all(|g| g.is_finite()));
}

#[test]
fn stakes_at_the_ends_of_binary64_stay_finite() {
    let weights = Rows::new(2, [[(0, 0.5), (1, 0.5)], [(0, 0.25), (1, 0.75)]]).unwrap();
    for stake in [[f64::MIN_POSITIVE, f64::MIN_POSITIVE / 8.0], [1e307, 1e307], [1e307, 5e-324]] {
        for scaling in [[1.0, 1.0], [1e-300, 1.0], [1e-300, 0.0]] {
            let world = World { stake: &stake, scaling: &scaling, weights: &weights };
            for sources in [1, 2] {
                let outcome = evaluate(&world, &Parameters { sources, ..Parameters::for_peers(2) }).unwrap();
                assert!(outcome.loss.is_finite() && outcome.trust.iter().chain(&outcome.rank).all(|x| x.is_finite()));
                assert!(outcome.scaling_gradient.iter().all(|g| !g.is_nan()));
                let next = step_scaling(&world, &outcome, 5.0, 0.01);
                assert!(next.iter().all(|a| (0.0..=1.0).contains(a)), "{next:?}");
            }
        }
    }
}

#[test]
fn scaling_returns_to_one_and_stops_there() {
    let weights = Rows::new(2, [[(0, 0.5), (1, 0.5)], [(0, 0.5), (1, 0.5)]]).unwrap();
    let world = World { stake: &[0.5, 0.5], scaling: &[0.0, 0.995], weights: &weights };
    let outcome = evaluate(&world, &hard()).unwrap();
    assert!(outcome.loss < 0.0);
    assert_eq!(step_scaling(&world, &outcome, 5.0, 0.01), [0.01, 1.0]);
}

#[test]
fn a_descent_that_would_leave_nothing_is_not_taken() {
    let weights = alone(3);
    let world = World { stake: &[0.4, 0.35, 0.25], scaling: &[1.0; 3], weights: &weights };
    let mut outcome = evaluate(&world, &hard()).unwrap();
    assert!(outcome.loss > 0.0);
    outcome.scaling_gradient = vec![1.0; 3];
    assert_eq!(step_scaling(&world, &outcome, 5.0, 0.01), [1.0; 3]);
    outcome.scaling_gradient = vec![1.0, 1.0, 0.1];
    assert_eq!(step_scaling(&world, &outcome, 5.0, 0.01), [0.0, 0.0, 0.5]);
}

#[test]
fn trust_is_a_majority_of_the_voices() {
    let weights = alone(5);
    let world =
        World { stake: &[0.125, 0.5, 0.25, 0.25, 0.125], scaling: &[1.0, 0.5, 1.0, 1.0, 1.0], weights: &weights };
    let all = evaluate(&world, &hard()).unwrap();
    assert_eq!((all.sources, all.voices), (vec![0, 1, 2, 3, 4], vec![0.125, 0.25, 0.25, 0.25, 0.125]));
    // In descending order 1, 2 and 3 fill a slot each of four, and 0 and 4 share the last.
    let mut last = [0; 5];
    for seed in 0..64 {
        let outcome = evaluate(&world, &Parameters { sources: 4, seed, ..hard() }).unwrap();
        assert_eq!(outcome.voices, [0.25; 4]);
        // Each knows itself and not the others.
        for peer in 0..5 {
            let speaks = outcome.sources.contains(&peer);
            assert_eq!(outcome.trust[peer as usize], if speaks { -0.5 } else { -1.0 });
            last[peer as usize] += u32::from(speaks);
        }
    }
    assert_eq!(last[1..4], [64; 3]);
    assert!(last[0] > 16 && last[4] > 16 && last[0] + last[4] == 64, "{last:?}");
}

#[test]
fn hard_connectivity_is_the_limit_of_soft() {
    let weights = Rows::new(3, [vec![(0, 0.5), (1, 0.5)], vec![(0, 1.0)], vec![(2, 1.0)]]).unwrap();
    let world = World { stake: &[0.5, 0.3, 0.2], scaling: &[1.0; 3], weights: &weights };
    let limit = evaluate(&world, &hard()).unwrap();
    let sharp = evaluate(&world, &Parameters { temperature: 1e-3, ..hard() }).unwrap();
    assert_eq!(limit, sharp);
}

#[test]
fn every_fault_of_a_world_has_its_name() {
    let weights = alone(2);
    let fault =
        |stake: &[f64], scaling: &[f64]| evaluate(&World { stake, scaling, weights: &weights }, &hard()).unwrap_err();
    assert_eq!(fault(&[1.0], &[1.0, 1.0]), Fault::Lengths { stake: 1, scaling: 2, rows: 2 });
    assert_eq!(fault(&[1.0, 1.0], &[1.0]), Fault::Lengths { stake: 2, scaling: 1, rows: 2 });
    assert_eq!(fault(&[1.0, -1.0], &[1.0, 1.0]), Fault::Stake { peer: 1, value: -1.0 });
    assert!(matches!(fault(&[f64::NAN, 1.0], &[1.0, 1.0]), Fault::Stake { peer: 0, .. }));
    assert!(matches!(fault(&[f64::INFINITY, 1.0], &[1.0, 1.0]), Fault::Stake { peer: 0, .. }));
    assert_eq!(fault(&[1.0, 1.0], &[1.5, 1.0]), Fault::Scaling { peer: 0, value: 1.5 });
    assert!(matches!(fault(&[1.0, 1.0], &[1.0, f64::NAN]), Fault::Scaling { peer: 1, .. }));
    assert_eq!(fault(&[f64::MAX, f64::MAX], &[1.0, 1.0]), Fault::Total);
}

#[test]
fn every_parameter_out_of_range_is_named() {
    let weights = alone(1);
    let world = World { stake: &[1.0], scaling: &[1.0], weights: &weights };
    let cases = [
        ("beta", Parameters { beta: 0.0, ..hard() }),
        ("beta", Parameters { beta: f64::NAN, ..hard() }),
        ("beta", Parameters { beta: 2.0 * LARGEST, ..hard() }),
        ("kappa", Parameters { kappa: -0.5, ..hard() }),
        ("kappa", Parameters { kappa: f64::INFINITY, ..hard() }),
        ("temperature", Parameters { temperature: -1.0, ..hard() }),
        ("temperature", Parameters { temperature: f64::NAN, ..hard() }),
        ("depth", Parameters { depth: 0, ..hard() }),
        ("depth", Parameters { depth: DEEPEST + 1, ..hard() }),
        ("sources", Parameters { sources: 0, ..hard() }),
    ];
    for (expected, parameters) in cases {
        let refused = evaluate(&world, &parameters);
        assert!(matches!(refused, Err(Fault::Parameter { name, .. }) if name == expected), "{parameters:?}");
    }
    assert!(evaluate(&world, &Parameters::for_peers(0)).is_ok());
}

#[test]
fn with_soft_connectivity_the_watershed_lies_a_little_below_one_half() {
    let weights = alone(2);
    let loss = |share: f64| {
        let world = World { stake: &[1.0 - share, share], scaling: &[1.0; 2], weights: &weights };
        let outcome = evaluate(&world, &Parameters::for_peers(2)).unwrap();
        (outcome.trust[1] > 0.0, outcome.loss)
    };
    assert!(!loss(0.4997).0);
    assert!(loss(0.4999).0 && loss(0.5).1 < 0.0);
}

//! Tests of the Connectivity mechanism: its level of resistance, clipping, and its refusals.

use super::*;
use crate::rows::Rows;

const HARD: Connectivity = Connectivity { kappa: 0.5, temperature: 0.0, clip: false, self_loop: 0.0 };

/// Loners with these stakes.
fn loners(stake: &[f64], mechanism: &Connectivity) -> Outcome {
    let weights = Rows::new(stake.len(), (0u32..).take(stake.len()).map(|i| [(i, 1.0)])).unwrap();
    mechanism.outcome(&World { stake, scaling: &vec![1.0; stake.len()], weights: &weights }).unwrap()
}

#[test]
fn a_fully_connected_graph_has_the_most_rank() {
    let weights = Rows::new(3, [[(0, 0.2), (1, 0.4), (2, 0.4)]; 3]).unwrap();
    let world = World { stake: &[0.5, 0.3, 0.2], scaling: &[1.0; 3], weights: &weights };
    for rho in [1.0, 4.0] {
        let stake = world.stake.iter().map(|s| s * rho).collect::<Vec<_>>();
        let near = Connectivity { kappa: 0.1, ..HARD };
        let outcome = near.outcome(&World { stake: &stake, ..world }).unwrap();
        assert!((sum(&outcome.rank) - (rho + rho * rho)).abs() < 1e-12);
        assert!((outcome.level - (rho + 0.5 * rho * rho)).abs() < 1e-12);
    }
}

#[test]
fn three_equal_thirds_stay_below_the_level_with_clipping_too() {
    let clip = Connectivity { clip: true, ..HARD };
    for mechanism in [HARD, clip] {
        let thirds = loners(&[1.0 / 3.0; 3], &mechanism);
        assert!(sum(&thirds.rank) < thirds.level - 1e-3);
        let majority = loners(&[0.6, 0.4], &mechanism);
        assert!(sum(&majority.rank) > majority.level + 1e-3);
    }
    // Half, three tenths and a fifth are below it, and clipping lifts them just to it.
    assert!(sum(&loners(&[0.5, 0.3, 0.2], &HARD).rank) < 1.4);
    let lifted = loners(&[0.5, 0.3, 0.2], &clip);
    assert!((sum(&lifted.rank) - lifted.level).abs() < 1e-12);
}

#[test]
fn a_minority_keeps_the_share_that_it_reaches() {
    let outcome = loners(&[0.6, 0.3, 0.1], &HARD);
    let near = |found: &[f64], expected: [f64; 3]| found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15);
    assert!(near(&outcome.reach, [1.2, 0.6, 0.2]));
    assert!(near(&outcome.clipped, [0.6, 0.18, 0.02]));
}

#[test]
fn what_cannot_be_evaluated_is_named() {
    let ring = Rows::new(2, [[(1, 1.0)], [(0, 1.0)]]).unwrap();
    let world = World { stake: &[0.5, 0.5], scaling: &[1.0; 2], weights: &ring };
    assert_eq!(HARD.outcome(&world), Err(Fault::Singular { peer: 0 }));
    assert!(Connectivity::default().outcome(&world).is_ok());
    let huge = World { stake: &[1e200, 1e200], ..world };
    assert_eq!(Connectivity::default().outcome(&huge), Err(Fault::Total));
    for (name, wrong) in [
        ("kappa", Connectivity { kappa: -1.0, ..HARD }),
        ("temperature", Connectivity { temperature: 1e-12, ..HARD }),
        ("self_loop", Connectivity { self_loop: 2.0, ..HARD }),
    ] {
        assert!(matches!(wrong.outcome(&world), Err(Fault::Parameter { name: given, .. }) if given == name));
    }
}

#[test]
fn nobody_and_nothing_have_an_outcome() {
    assert_eq!(loners(&[], &HARD).rank, [0.0; 0]);
    let nothing = loners(&[0.0, 0.0], &HARD);
    assert_eq!((nothing.rank, nothing.reach, nothing.level), (vec![0.0; 2], vec![0.0; 2], 0.0));
}

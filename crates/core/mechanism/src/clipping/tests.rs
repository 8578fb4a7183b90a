//! Tests of stake clipping: its named refusals, its bounds, and its gradient against central differences.

use super::*;
use crate::absorbing::LIMIT;
use crate::fault::Fault;
use crate::rows::Rows;
use proptest::prelude::*;

/// A clique of three and a fourth that stands alone but for `bridge`.
fn weights(bridge: f64) -> Rows {
    Rows::new(
        4,
        [
            vec![(0, 0.1), (1, 0.6), (2, 0.3)],
            vec![(0, 0.5), (1, 0.2), (2, 0.3)],
            vec![(0, 0.2), (1, 0.7), (2, 0.1)],
            vec![(0, bridge), (3, 1.0 - bridge)],
        ],
    )
    .unwrap()
}

const STAKE: [f64; 4] = [0.4, 0.2, 0.1, 0.3];
const ONES: [f64; 4] = [1.0; 4];

fn world<'a>(stake: &'a [f64], weights: &'a Rows) -> World<'a> {
    World { stake, scaling: &ONES[..stake.len()], weights }
}

#[test]
fn the_hard_form_clips_who_reaches_too_little() {
    let weights = weights(0.0);
    let world = world(&STAKE, &weights);
    let kept: Vec<f64> = (0..4).map(|i| reach(&world, i, 0.5, 0.0).unwrap().clipped).collect();
    assert_eq!(kept[..3], STAKE[..3]);
    assert!((kept[3] - 0.18).abs() < 1e-15);
}

#[test]
fn each_reason_has_its_name() {
    let weights = weights(0.03);
    let world = world(&STAKE, &weights);
    assert_eq!(own_gradient(&world, 3, 0.5, 0.0), Err(NotDefined::Hard));
    assert_eq!(own_gradient(&world, 4, 0.5, 0.25), Err(NotDefined::Peer { peer: 4, peers: 4 }));
    assert!(matches!(own_gradient(&world, 0, 0.5, 0.25), Err(NotDefined::AboveClip { fraction }) if fraction > 1.4));
    for (kappa, temperature, name) in [
        (-1.0, 0.25, "kappa"),
        (f64::NAN, 0.25, "kappa"),
        (0.5, -0.25, "temperature"),
        (0.5, 1e-12, "temperature"),
        (0.5, f64::NAN, "temperature"),
    ] {
        let refused = own_gradient(&world, 3, kappa, temperature);
        assert!(
            matches!(refused, Err(NotDefined::World(Fault::Parameter { name: given, .. })) if given == name),
            "{refused:?}"
        );
    }
    let poor = World { stake: &[0.5, 0.5, 0.0, 0.0], ..world };
    assert_eq!(own_gradient(&poor, 3, 0.5, 0.25), Err(NotDefined::NoStake { peer: 3 }));
    let nan = World { stake: &[0.5, f64::NAN, 0.0, 0.0], ..world };
    assert!(matches!(own_gradient(&nan, 0, 0.5, 0.25), Err(NotDefined::World(Fault::Stake { peer: 1, .. }))));
}

#[test]
fn more_peers_than_the_limit_are_refused() {
    let peers = LIMIT + 1;
    let weights = Rows::new(peers, (0u32..).take(peers).map(|i| [(i, 1.0)])).unwrap();
    let (stake, scaling) = (vec![1.0; peers], vec![1.0; peers]);
    let world = World { stake: &stake, scaling: &scaling, weights: &weights };
    assert_eq!(own_gradient(&world, 0, 0.5, 0.25), Err(Fault::TooManyPeers { peers, limit: LIMIT }.into()));
}

#[test]
fn a_closed_class_without_self_loops_has_an_answer() {
    let weights = Rows::new(3, [vec![(1, 1.0)], vec![(0, 1.0)], vec![(2, 1.0)]]).unwrap();
    let world = world(&[0.2, 0.2, 0.6], &weights);
    let reached = reach(&world, 0, 0.5, 0.25).unwrap();
    // Each step stays with probability 1 − δ, so 1/(1 − (1 − δ)²) visits at home.
    let stay = 1.0 - MINIMUM_SELF_LOOP;
    assert!((reached.visits[0] - 1.0 / (1.0 - stay * stay)).abs() < 1e-9);
    let gradient = own_gradient(&world, 0, 0.5, 0.25).unwrap();
    assert_eq!(gradient.iter().map(|&(b, _)| b).collect::<Vec<_>>(), [1, 2]);
    assert!(gradient.iter().all(|(_, slope)| slope.is_finite()));
}

/// A row of five raw numbers as shares; those below a fifth are left out, the self-loop of peer 0 aside.
fn sparse(raw: &[f64], own: usize) -> Vec<(u32, f64)> {
    let kept = |&(j, value): &(usize, f64)| j == own || value > 0.2;
    let kept: Vec<(usize, f64)> = raw.iter().copied().enumerate().filter(kept).collect();
    let sum: f64 = kept.iter().map(|(_, value)| value).sum();
    kept.into_iter().map(|(j, value)| (j as u32, value / sum)).collect()
}

proptest! {
    #[test]
    fn another_own_row_needs_no_other_factoring(
        raw in prop::collection::vec(prop::collection::vec(1e-9..1.0f64, 5), 6),
        stake in prop::collection::vec(0.05..1.0f64, 5),
        own in 0usize..5,
        temperature in prop_oneof![Just(0.0), 0.2..2.0f64],
        loopless: bool,
    ) {
        let rows: Vec<Vec<(u32, f64)>> = raw[..5].iter().enumerate().map(|(i, raw)| sparse(raw, i)).collect();
        let mut next = sparse(&raw[5], own);
        if loopless && next.len() > 1 {
            next.retain(|&(j, _)| j as usize != own);
            let sum: f64 = next.iter().map(|(_, w)| w).sum();
            next.iter_mut().for_each(|(_, w)| *w /= sum);
        }
        let mut moved = rows.clone();
        moved[own].clone_from(&next);
        let (before, after) = (Rows::new(5, rows).unwrap(), Rows::new(5, moved).unwrap());
        let ones = [1.0; 5];
        let world = |weights| World { stake: &stake, scaling: &ones, weights };
        let clipping = Clipping::new(&world(&before), own, 0.7, temperature).unwrap();
        prop_assert_eq!(clipping.reach(), &reach(&world(&before), own, 0.7, temperature).unwrap());
        let (found, expected) = (clipping.reach_with(&next), reach(&world(&after), own, 0.7, temperature).unwrap());
        for (found, expected) in found.visits.iter().zip(&expected.visits) {
            prop_assert!((found - expected).abs() < 1e-9 * (1.0 + expected), "{} {}", found, expected);
        }
        // Hard connectivity jumps where visits are at the threshold.
        prop_assume!(temperature > 0.0 || expected.visits.iter().all(|visits| (visits - 0.7).abs() > 1e-6));
        prop_assert!((found.clipped - expected.clipped).abs() < 1e-9);
    }

    #[test]
    fn the_gradient_meets_central_differences(
        raw in prop::collection::vec(prop::collection::vec(0.02..1.0f64, 5), 5),
        stake in prop::collection::vec(0.05..1.0f64, 5),
        kappa in 0.2..3.0f64,
        temperature in 0.2..2.0f64,
    ) {
        let shares: Vec<Vec<f64>> = raw.iter().map(|row| {
            let sum: f64 = row.iter().sum();
            row.iter().map(|value| value / sum).collect()
        }).collect();
        let with = |b: usize, by: f64| {
            let rows = shares.iter().enumerate().map(|(i, row)| {
                let moved = row.iter().enumerate().map(move |(j, share)| {
                    let change = if i != 0 { 0.0 } else if j == b { by } else if j == 0 { -by } else { 0.0 };
                    (j as u32, share + change)
                });
                moved.collect::<Vec<_>>()
            });
            Rows::new(5, rows).unwrap()
        };
        let ones = [1.0; 5];
        let kept = |rows: &Rows| {
            reach(&World { stake: &stake, scaling: &ones, weights: rows }, 0, kappa, temperature).unwrap()
        };
        let weights = with(1, 0.0);
        let here = kept(&weights);
        let found = own_gradient(&World { stake: &stake, scaling: &ones, weights: &weights }, 0, kappa, temperature);
        if here.fraction >= 1.0 {
            prop_assert_eq!(found, Err(NotDefined::AboveClip { fraction: here.fraction }));
            return Ok(());
        }
        // A difference across the clip would measure the kink.
        prop_assume!(here.fraction < 0.999);
        let gradient = found.unwrap();
        prop_assert_eq!(gradient.len(), 4);
        for (b, slope) in gradient {
            let step = 1e-6;
            let numeric = (kept(&with(b as usize, step)).clipped - kept(&with(b as usize, -step)).clipped) / (2.0 * step);
            prop_assert!((slope - numeric).abs() < 1e-7 * (1.0 + slope.abs()), "{} {}", slope, numeric);
        }
    }
}

//! Tests of the Consensus mechanism: the number of weights it demands, direct trust, and its refusals.

use super::*;

fn world<'a>(stake: &'a [f64], weights: &'a Rows) -> World<'a> {
    const ONES: [f64; 4] = [1.0; 4];
    World { stake, scaling: &ONES[..stake.len()], weights }
}

fn alone(peers: u32) -> Rows {
    Rows::new(peers as usize, (0..peers).map(|i| [(i, 1.0)])).unwrap()
}

#[test]
fn the_demand_rises_while_no_majority_is_trusted_and_stops_at_all_peers() {
    let (weights, mechanism) = (alone(3), Consensus::default());
    let world = world(&[0.4, 0.3, 0.3], &weights);
    let mut memory = Memory::new(3);
    for expected in [2, 3, 3, 3] {
        let epoch = mechanism.evaluate(&world, &memory).unwrap();
        assert!(!epoch.pays && epoch.loss.unwrap() > 0.0);
        assert_eq!(epoch.share, [0.0; 3]);
        memory = epoch.memory;
        assert_eq!(memory.min_weights, expected);
    }
    let two = Consensus { max_weights: 2, ..mechanism };
    assert_eq!(two.evaluate(&world, &memory).unwrap().memory.min_weights, 2);
}

#[test]
fn the_demand_stays_where_a_majority_is_trusted() {
    let weights = Rows::new(2, [[(0, 0.5), (1, 0.5)], [(0, 0.5), (1, 0.5)]]).unwrap();
    let memory = Memory { min_weights: 2, ..Memory::new(2) };
    let epoch = Consensus::default().evaluate(&world(&[0.5, 0.5], &weights), &memory).unwrap();
    assert!(epoch.pays);
    assert_eq!((epoch.memory.min_weights, epoch.memory.bonds.len()), (2, 4));
}

#[test]
fn a_row_with_too_few_weights_counts_as_its_self_loop() {
    let weights =
        Rows::new(3, [vec![(1, 1.0)], vec![(0, 0.5), (1, 0.5)], vec![(0, 0.5), (1, 0.25), (2, 0.25)]]).unwrap();
    let mechanism = Consensus { direct: 0.0, ..Consensus::default() };
    let memory = Memory { min_weights: 2, ..Memory::new(3) };
    let outcome = mechanism.outcome(&world(&[0.5, 0.25, 0.25], &weights), &memory).unwrap();
    assert_eq!(outcome.rank, [0.5 + 0.125 + 0.125, 0.125 + 0.0625, 0.0625]);
    assert_eq!(outcome.bonds.row(0).collect::<Vec<_>>(), [(0, 0.5)]);
}

#[test]
fn a_weight_below_the_threshold_ranks_and_does_not_trust() {
    let weights = Rows::new(2, [[(0, 0.995), (1, 0.005)], [(0, 0.5), (1, 0.5)]]).unwrap();
    let mechanism = Consensus { direct: 1.0 / 128.0, ..Consensus::default() };
    let outcome = mechanism.outcome(&world(&[0.5, 0.5], &weights), &Memory::new(2)).unwrap();
    assert_eq!(outcome.trust, [1.0, 0.5]);
    assert_eq!(outcome.rank[1], 0.0025 + 0.25);
}

#[test]
fn what_is_out_of_range_is_named() {
    let weights = alone(2);
    let world = world(&[0.5, 0.5], &weights);
    let good = Consensus::default();
    for (name, wrong) in [
        ("slope", Consensus { slope: 0.0, ..good }),
        ("kappa", Consensus { kappa: 1.5, ..good }),
        ("direct", Consensus { direct: f64::NAN, ..good }),
        ("max_weights", Consensus { max_weights: 0, ..good }),
        ("max_bonds", Consensus { max_bonds: 0, ..good }),
    ] {
        let refused = wrong.outcome(&world, &Memory::new(2));
        assert!(matches!(refused, Err(Fault::Parameter { name: given, .. }) if given == name), "{name}: {refused:?}");
    }
    let other = Memory { bonds: Bonds::new(3), ..Memory::new(2) };
    assert_eq!(good.outcome(&world, &other), Err(Fault::Bonds { bonds: 3, peers: 2 }));
    let none = World { stake: &[0.0, 0.0], ..world };
    assert_eq!(good.evaluate(&none, &Memory::new(2)).unwrap().scaling_gradient, Err(NotDefined::Nothing));
}

//! Vectors of the Trust mechanism.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::tools::{Golden, Hash, near};
use super::worlds;
use mechanism::scaling;
use mechanism::stake;
use mechanism::trust::readings::{Unit, printed};
use mechanism::trust::{Parameters, evaluate, step_scaling};
use mechanism::world::World;

/// The Trust mechanism on four peers with hard connectivity.
pub fn tiny003() -> u64 {
    let golden = Golden::of("tiny003");
    let weights = worlds::rows(&golden.matrix("W"));
    let (s, a) = (golden.vector("S"), golden.vector("A"));
    let world = World { stake: &s, scaling: &a, weights: &weights };
    let parameters =
        Parameters { beta: golden.number("beta"), kappa: 0.5, depth: 3, temperature: 0.0, sources: 256, seed: 0 };
    let outcome = evaluate(&world, &parameters).unwrap();
    near(&outcome.rank, &golden.vector("R_norm"), 1e-15);
    near(&outcome.trust, &golden.vector("t_norm"), 1e-15);
    near(&outcome.trusted, &golden.vector("T"), 1e-15);
    near(&outcome.incentive, &golden.vector("I"), 1e-15);
    near(&[outcome.loss], &[golden.number("L")], 1e-15);
    near(&outcome.scaling_gradient, &golden.vector("dL_dA_norm"), 1e-15);
    let mut hash = Hash::new();
    hash.outcome(&outcome);
    let next = stake::next(&s, &outcome.incentive, 0.1);
    near(&next, &golden.vector("S_next_eq5_tau0_1"), 1e-15);
    hash.numbers(&next);
    hash.0
}

/// Two groups of 40 % and 35 %, and 25 % held by peers who stand alone: the descent of A reaches a negative loss.
pub fn loose_stake() -> u64 {
    let golden = Golden::of("loose_stake_40_35_25").part("true_lr5");
    let (weights, s) = worlds::loose_stake();
    let parameters = Parameters { beta: 10.0, kappa: 0.1, depth: 3, temperature: 0.0, sources: 256, seed: 0 };
    let mut a = vec![1.0; s.len()];
    let mut hash = Hash::new();
    let mut steps = 0;
    loop {
        let world = World { stake: &s, scaling: &a, weights: &weights };
        let outcome = evaluate(&world, &parameters).unwrap();
        hash.outcome(&outcome);
        if steps == 0 {
            near(&[outcome.loss], &[golden.number("L0")], 1e-12);
        }
        if outcome.loss < 0.0 {
            near(&[outcome.loss], &[golden.number("L_last")], 1e-12);
            break;
        }
        a = step_scaling(&world, &outcome, 5.0, 0.01);
        steps += 1;
    }
    assert_eq!(f64::from(steps), golden.number("steps_to_negative"));
    let groups = golden.vector("A_groups");
    for (i, a) in a.iter().enumerate() {
        near(&[*a], &[groups[i / 5]], 1e-12);
    }
    hash.numbers(&a);
    hash.0
}

/// Eq. 6 as printed, with its sign mended, and as it should be.
pub fn readings() -> u64 {
    let golden = Golden::of("tiny003");
    let weights = worlds::rows(&golden.matrix("W"));
    let (s, a) = (golden.vector("S"), golden.vector("A"));
    let world = World { stake: &s, scaling: &a, weights: &weights };
    let parameters =
        Parameters { beta: golden.number("beta"), kappa: 0.5, depth: 3, temperature: 0.0, sources: 256, seed: 0 };
    let found = printed(&world, &parameters, Unit::One).unwrap();
    near(&[found.loss], &[golden.number("L_unnorm")], 1e-15);
    near(&found.gradient, &golden.vector("dL_dA_unnorm_beta10"), 1e-15);
    near(&found.literal, &golden.vector("eq6_literal_beta1"), 1e-15);
    near(&found.sign_fixed, &golden.vector("eq6_with_exp_minus_t_beta1"), 1e-15);
    let flat = printed(&world, &Parameters { beta: 1.0, ..parameters }, Unit::One).unwrap();
    let per_stake: Vec<f64> = flat.gradient.iter().zip(&s).map(|(g, s)| -g / s).collect();
    near(&per_stake, &golden.vector("minus_dLdA_over_S_unnorm_beta1"), 1e-15);
    let mut hash = Hash::new();
    for reading in [found, flat] {
        hash.numbers(&[reading.loss]);
        [reading.gradient, reading.literal, reading.sign_fixed].iter().for_each(|vector| hash.numbers(vector));
    }
    hash.0
}

/// The descent of A by the two readings of eq. 6, in steps of 0.05.
pub fn loose_stake_as_printed() -> u64 {
    let golden = Golden::of("loose_stake_40_35_25");
    let (weights, s) = worlds::loose_stake();
    let parameters = Parameters { beta: 10.0, kappa: 0.1, depth: 3, temperature: 0.0, sources: 256, seed: 0 };
    let mut hash = Hash::new();
    for (key, literal) in [("eq6_literal_lr0.05", true), ("eq6_expminus_lr0.05", false)] {
        let golden = golden.part(key);
        let mut a = vec![1.0; s.len()];
        let mut steps = 0;
        loop {
            let world = World { stake: &s, scaling: &a, weights: &weights };
            let found = printed(&world, &parameters, Unit::Scaled).unwrap();
            if steps == 0 {
                near(&[found.loss], &[golden.number("L0")], 1e-12);
            }
            if found.loss < 0.0 {
                near(&[found.loss], &[golden.number("L_last")], 1e-12);
                break;
            }
            let ascent = if literal { found.literal } else { found.sign_fixed };
            let descent: Vec<f64> = ascent.iter().map(|g| -g).collect();
            a = scaling::descend(&world, &descent, 0.05);
            steps += 1;
        }
        assert_eq!(f64::from(steps), golden.number("steps_to_negative"));
        near(&[a[0], a[5], a[10]], &golden.vector("A_groups"), 1e-12);
        hash.numbers(&a);
    }
    hash.0
}

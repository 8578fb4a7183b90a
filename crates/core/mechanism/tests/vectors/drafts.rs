//! Vectors of the other drafts: Connectivity and its clipping, Consensus, Competitive, and the forms of the pruning score.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::tools::{Golden, Hash, near};
use super::worlds;
use mechanism::clipping;
use mechanism::competitive::payoff::{self, Quadratic, Terms, Utility};
use mechanism::competitive::{Competitive, Reading};
use mechanism::connectivity::Connectivity;
use mechanism::consensus::Consensus;
use mechanism::epoch::{Mechanism as _, Memory};
use mechanism::pruning::{self, Form};
use mechanism::world::World;

/// Direct trust, consensus, bonds and dividends; the printed dividends lose mass.
pub fn tiny000() -> u64 {
    let golden = Golden::of("tiny000");
    let three = Golden::of("tiny003");
    let (weights, s) = (worlds::rows(&three.matrix("W")), three.vector("S"));
    let mechanism =
        Consensus { slope: golden.number("rho"), kappa: golden.number("kappa"), direct: 0.0, ..Consensus::default() };
    let world = World { stake: &s, scaling: &[1.0; 4], weights: &weights };
    let outcome = mechanism.outcome(&world, &Memory::new(4)).unwrap();
    near(&outcome.trust, &golden.vector("trust"), 1e-15);
    near(&outcome.consensus, &golden.vector("consensus"), 1e-15);
    near(&outcome.rank, &golden.vector("R"), 1e-15);
    near(&outcome.incentive, &golden.vector("I"), 1e-15);
    near(&outcome.share, &golden.vector("I_norm"), 1e-15);
    near(&[outcome.loss], &[golden.number("L")], 1e-15);
    for (i, bonds) in golden.matrix("dB").iter().enumerate() {
        let mut dense = [0.0; 4];
        outcome.bonds.row(i).for_each(|(j, bond)| dense[j as usize] = bond);
        near(&dense, bonds, 1e-15);
        let columns = outcome.bonds.sums(4);
        let normalised: Vec<f64> = dense.iter().zip(&columns).map(|(bond, sum)| bond / sum).collect();
        near(&normalised, &golden.matrix("B_colnorm")[i], 1e-15);
    }
    near(&outcome.dividend, &golden.vector("D_eq_B_I"), 1e-15);
    let printed = outcome.bonds.literal(&outcome.share);
    near(&printed, &golden.vector("BT_I_literal"), 1e-15);
    let literal: f64 = printed.iter().zip(&outcome.share).map(|(d, i)| 0.5 * d + 0.5 * i).sum();
    near(&[literal], &[golden.number("sum_dS_literal")], 1e-15);
    let epoch = mechanism.evaluate(&world, &Memory::new(4)).unwrap();
    near(&epoch.share, &golden.vector("dS"), 1e-15);
    near(&mechanism.stake(&s, &epoch, 0.1), &golden.vector("S_next_tau0_1"), 1e-15);
    let mut hash = Hash::new();
    hash.epoch(&epoch);
    hash.numbers(&printed);
    hash.0
}

/// Ranks by reachable stake, hard, without and with clipping; then what each peer reaches and keeps.
pub fn tiny002() -> u64 {
    let golden = Golden::of("tiny002");
    let three = Golden::of("tiny003");
    let (w, s) = (three.matrix("W"), three.vector("S"));
    let weights = worlds::rows(&w);
    let world = World { stake: &s, scaling: &[1.0; 4], weights: &weights };
    let plain = Connectivity { kappa: 0.5, temperature: 0.0, clip: false, self_loop: 0.0 };
    let outcome = plain.outcome(&world).unwrap();
    for (i, reached) in golden.matrix("C").iter().enumerate() {
        let held: Vec<f64> = outcome.connected[4 * i..4 * (i + 1)].iter().zip(&s).map(|(h, s)| h * s).collect();
        near(&held, reached, 1e-15);
    }
    near(&outcome.rank, &golden.vector("R_eq4"), 1e-15);
    near(&[outcome.rank.iter().sum()], &[golden.number("R_L1")], 1e-15);
    near(&outcome.clipped, &golden.vector("S_star"), 1e-15);
    let mut hash = Hash::new();
    hash.epoch(&plain.evaluate(&world, &Memory::new(4)).unwrap());
    let epoch = Connectivity { clip: true, ..plain }.evaluate(&world, &Memory::new(4)).unwrap();
    near(&epoch.trusted, &golden.vector("clip"), 1e-15);
    hash.epoch(&epoch);
    hash.word(clip(&w, &s, 0.5, 0.0, &golden.matrix("N"), &golden.vector("S_star"), None));
    hash.0
}

/// Competitive ranks, the L2 step of stake, payoffs and their gradients in both readings.
pub fn competitive() -> u64 {
    let (weights, s, a) = worlds::crowd(40, 8);
    let world = World { stake: &s, scaling: &a, weights: &weights };
    let mechanism = Competitive::default();
    let epoch = mechanism.evaluate(&world, &Memory::new(40)).unwrap();
    let mut hash = Hash::new();
    hash.epoch(&epoch);
    let next = mechanism.stake(&s, &epoch, 0.1);
    let moved: f64 = next.iter().zip(&s).map(|(next, s)| (next - s) * (next - s)).sum();
    near(&[moved.sqrt()], &[0.1], 1e-15);
    hash.numbers(&next);
    let scores: Vec<f64> = (0..40).map(|j| f64::from(j % 7)).collect();
    let hessian: Vec<f64> =
        (0..1600).map(|at| scores[at / 40] * scores[at % 40] + f64::from(u8::from(at % 41 == 0))).collect();
    let (quadratic, utility) = (Quadratic::new(hessian, 40).unwrap(), Utility::new(scores).unwrap());
    for reading in [Reading::Right, Reading::Literal] {
        let terms = Terms { alpha: 3.0, tau: 0.5, temperature: 0.01, reading };
        for payoff in [payoff::of(&world, 7, &quadratic, &terms), payoff::of(&world, 39, &utility, &terms)] {
            let payoff = payoff.unwrap();
            hash.numbers(&[payoff.loss, payoff.rank, payoff.value]);
            hash.numbers(&payoff.gradient);
        }
    }
    hash.0
}

/// The quadratic score with and without its ½; the former is the exact change of a quadratic loss.
pub fn removal() -> u64 {
    let golden = Golden::of("removal_rank");
    let (hessian, f) = (golden.matrix("H").concat(), golden.vector("f"));
    let whole = pruning::quadratic(&hessian, &f, Form::Whole).unwrap();
    let half = pruning::quadratic(&hessian, &f, Form::Half).unwrap();
    near(&whole, &golden.vector("w_eq3_no_half"), 1e-15);
    near(&half, &golden.vector("exact_dL"), 1e-15);
    let alone = |j: usize| pruning::joint(&hessian, &f, &[j], Form::Half).unwrap();
    near(&[alone(0), alone(1), alone(2)], &half, 1e-15);
    let mut hash = Hash::new();
    hash.numbers(&whole);
    hash.numbers(&half);
    hash.numbers(&[pruning::joint(&hessian, &f, &[0, 1, 2], Form::Half).unwrap()]);
    hash.numbers(&[pruning::fisher(&hessian, &hessian, 3).unwrap()]);
    hash.0
}

/// Soft stake clipping and the gradient in the own row of the fourth peer.
pub fn tiny002_soft() -> u64 {
    let golden = Golden::of("tiny002_soft");
    let s = Golden::of("tiny003").vector("S");
    let (kappa, temperature) = (golden.number("kappa"), golden.number("temp"));
    let slope = golden.vector("d_sstar3_d_w3b");
    let kept = golden.vector("S_star");
    clip(&golden.matrix("W"), &s, kappa, temperature, &golden.matrix("N"), &kept, Some((3, &slope)))
}

/// Compares visits, kept stake and the gradient of one peer, and hashes them.
fn clip(
    w: &[Vec<f64>],
    s: &[f64],
    kappa: f64,
    temperature: f64,
    visits: &[Vec<f64>],
    kept: &[f64],
    slope: Option<(usize, &[f64])>,
) -> u64 {
    let weights = worlds::rows(w);
    let ones = vec![1.0; s.len()];
    let world = World { stake: s, scaling: &ones, weights: &weights };
    let mut hash = Hash::new();
    for i in 0..s.len() {
        let reach = clipping::reach(&world, i, kappa, temperature).unwrap();
        near(&reach.visits, &visits[i], 2e-15);
        near(&[reach.clipped], &[kept[i]], 1e-15);
        hash.numbers(&reach.visits);
        hash.numbers(&[reach.fraction, reach.clipped]);
    }
    if let Some((own, slope)) = slope {
        for (b, found) in clipping::own_gradient(&world, own, kappa, temperature).unwrap() {
            near(&[found], &[slope[b as usize]], 2e-15);
            hash.numbers(&[found]);
        }
    }
    hash.0
}

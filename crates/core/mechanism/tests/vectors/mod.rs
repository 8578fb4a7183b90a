//! Golden vectors as plain functions: each compares results with the numbers in `tests/vectors/mechanism.json` of the
//! repository, and returns a hash over the bits of all that was computed. A native test and a browser test include
//! this file and compare the same hashes, so both compute the same bits.
//!
//! Whoever includes it names the crate `mechanism` and has `serde_json`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod drafts;
mod tools;
mod trust;
mod worlds;

use mechanism::arithmetic::{exp, logistic, tanh};
use mechanism::fault::NotDefined;
use mechanism::trust::{Parameters, evaluate, step_scaling};
use mechanism::world::World;
use mechanism::{clipping, emission, step};
use tools::{Golden, Hash};

/// Runs every check: (name, hash over the bits of its results, the hash it must have).
pub fn all() -> Vec<(&'static str, u64, u64)> {
    vec![
        ("exp and tanh", functions(), 0x35e2_5a50_e1fb_5068),
        ("tiny003", trust::tiny003(), 0xe689_4574_25d2_cc6b),
        ("tiny002", drafts::tiny002(), 0xfb19_4c1c_4b3e_8289),
        ("tiny002_soft", drafts::tiny002_soft(), 0xc61c_457c_ea26_c6b7),
        ("loose_stake_40_35_25", trust::loose_stake(), 0x8b04_5255_9036_9392),
        ("equation 6", trust::readings(), 0xf95b_eea2_5df1_5fc4),
        ("loose stake as printed", trust::loose_stake_as_printed(), 0x6c6b_c068_ef4b_af51),
        ("tiny000", drafts::tiny000(), 0x4bd8_7b0d_2c9e_4ebe),
        ("competitive", drafts::competitive(), 0x25ad_96e1_6b5c_6d69),
        ("removal_rank", drafts::removal(), 0x14f8_4c6c_989e_72d1),
        ("emission_compounding_tau0.1", compounding(), 0x95f6_3a15_0b4d_d600),
        ("a crowd", crowd(), 0x90b7_f865_dd47_01ea),
        ("integers", integers(), 0x7001_2a1f_78fe_a471),
    ]
}

/// exp, tanh and σ at points over their range, against [`FUNCTIONS`].
fn functions() -> u64 {
    let mut hash = Hash::new();
    for (x, power, tangent) in FUNCTIONS {
        let (found, also) = (exp(x), tanh(x));
        assert_eq!((found.to_bits(), also.to_bits()), (power, tangent), "exp and tanh of {x}: {found:e} {also:e}");
        hash.numbers(&[found, also, logistic(x)]);
    }
    // A dense sweep, so that every branch of the approximations is in the hash.
    for index in -4_000i32..=4_000 {
        let x = f64::from(index) / 128.0;
        hash.numbers(&[logistic(x), tanh(x), tanh(x / 64.0)]);
    }
    hash.0
}

/// Who emits more often compounds: a stake of 10⁹ units after one unit of time at τ = 0.1.
fn compounding() -> u64 {
    let golden = Golden::of("emission_compounding_tau0.1");
    let mut hash = Hash::new();
    for times in [1u32, 2, 10, 100] {
        let mut held: u64 = 1_000_000_000_000;
        for _ in 0..times {
            held += emission::accrued(held, 1.0, 0.1, 1.0 / f64::from(times));
        }
        let expected = golden.number(&times.to_string());
        assert!((held as f64 / 1e12 - expected).abs() < 1e-9, "{times} times: {held}");
        hash.word(held);
    }
    hash.0
}

/// 300 peers with 16 weights each and 64 samples for the trust sources: every loop runs long enough for an order to matter.
fn crowd() -> u64 {
    let (weights, s, a) = worlds::crowd(300, 16);
    let world = World { stake: &s, scaling: &a, weights: &weights };
    let parameters = Parameters { sources: 64, ..Parameters::for_peers(300) };
    let outcome = evaluate(&world, &parameters).unwrap();
    assert!((32..=64).contains(&outcome.sources.len()));
    assert!((outcome.voices.iter().sum::<f64>() / outcome.scaled - 1.0).abs() < 1e-12);
    let euler: f64 = a.iter().zip(&outcome.scaling_gradient).map(|(a, g)| a * g).sum();
    assert!(euler.abs() < 1e-12, "Σ a_i ∂L/∂a_i = {euler:e}");
    let mut hash = Hash::new();
    hash.outcome(&outcome);
    hash.numbers(&outcome.voices);
    hash.numbers(&step_scaling(&world, &outcome, 5.0, 0.01));
    for (own, kappa) in [(0, 1.0), (150, 2.0), (299, 4.0)] {
        match clipping::own_gradient(&world, own, kappa, kappa / 4.0) {
            Ok(gradient) => gradient.iter().for_each(|&(_, slope)| hash.numbers(&[slope])),
            Err(NotDefined::AboveClip { fraction }) => hash.numbers(&[fraction]),
            Err(other) => panic!("{other}"),
        }
    }
    hash.0
}

/// The split of pools and bounded steps of rows.
fn integers() -> u64 {
    let (_, s, a) = worlds::crowd(300, 16);
    let mut hash = Hash::new();
    for pool in [0, 1, 299, 1_000_003, u64::MAX] {
        let parts = emission::split(pool, &s);
        assert_eq!(parts.iter().map(|&part| u128::from(part)).sum::<u128>(), u128::from(pool));
        parts.iter().for_each(|&part| hash.word(part));
    }
    let target: Vec<(u32, f64)> = (0u32..).zip(&a).map(|(uid, &a)| (uid * 7 % 300, a)).collect();
    let mut row = vec![(17, u16::MAX)];
    for epsilon in [0.5, 0.3, 0.3, 0.1] {
        let next = step::bounded(&row, &target, epsilon, 64);
        assert!(step::within(&row, &next, epsilon) && next.len() <= 64);
        row = next;
        row.iter().for_each(|&(uid, score)| hash.word(u64::from(uid) << 16 | u64::from(score)));
    }
    hash.0
}

/// (x, bits of e^x, bits of tanh x).
const FUNCTIONS: [(f64, u64, u64); 24] = [
    (0.0, 0x3ff0_0000_0000_0000, 0x0000_0000_0000_0000),
    (-0.0, 0x3ff0_0000_0000_0000, 0x8000_0000_0000_0000),
    (1e-300, 0x3ff0_0000_0000_0000, 0x01a5_6e1f_c2f8_f359),
    (1e-9, 0x3ff0_0000_0044_b830, 0x3e11_2e0b_e826_d695),
    (-1e-9, 0x3fef_ffff_ff76_8fa1, 0xbe11_2e0b_e826_d695),
    (0.01, 0x3ff0_292a_5d2f_2226, 0x3f84_7ab4_8ae4_595e),
    (-0.01, 0x3fef_ae7c_fd2b_9cfe, 0xbf84_7ab4_8ae4_595e),
    (0.25, 0x3ff4_8b5e_3c3e_8186, 0x3fcf_597e_a69a_1c86),
    (-0.25, 0x3fe8_ebef_9eac_820b, 0xbfcf_597e_a69a_1c86),
    (0.5, 0x3ffa_6129_8e1e_069c, 0x3fdd_9353_d756_8af3),
    (-0.5, 0x3fe3_68b2_fc6f_960a, 0xbfdd_9353_d756_8af3),
    (1.0, 0x4005_bf0a_8b14_576a, 0x3fe8_5efa_b514_f394),
    (-1.0, 0x3fd7_8b56_362c_ef38, 0xbfe8_5efa_b514_f394),
    (1.5, 0x4011_ed3f_e64f_c541, 0x3fec_f6f9_786d_f577),
    (-2.0, 0x3fc1_52aa_a3bf_81cc, 0xbfee_d950_5e1b_c3d4),
    (3.0, 0x4034_15e5_bf6f_b106, 0x3fef_d77d_111a_0b00),
    (-4.0, 0x3f92_c155_b821_3cf4, 0xbfef_fa81_708a_0b42),
    (4.0, 0x404b_4c90_2e27_3a58, 0x3fef_fa81_708a_0b42),
    (7.5, 0x409c_402b_6eb1_f6ad, 0x3fef_fffe_b78a_3c73),
    (-10.0, 0x3f07_cd79_b564_7c9a, 0xbfef_ffff_fdc9_6f35),
    (10.0, 0x40d5_829d_cf95_0560, 0x3fef_ffff_fdc9_6f35),
    (-30.0, 0x3d3a_56e0_c2ac_7f75, 0xbff0_0000_0000_0000),
    (30.0, 0x42a3_7047_0aec_28ed, 0x3ff0_0000_0000_0000),
    (700.0, 0x7f0d_945d_f4f8_ec8e, 0x3ff0_0000_0000_0000),
];

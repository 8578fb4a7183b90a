//! Golden vectors as plain functions: each compares results with the numbers in `tests/vectors/mechanism.json` of the
//! repository, and returns a hash over the bits of all that was computed. A native test and a browser test include
//! this file and compare the same hashes, so both compute the same bits.
//!
//! Whoever includes it names the crate `mechanism` and has `serde_json`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod worlds;

use mechanism::arithmetic::{exp, logistic, tanh};
use mechanism::fault::NotDefined;
use mechanism::trust::{Parameters, evaluate, step_scaling};
use mechanism::world::World;
use mechanism::{clipping, emission, stake, step};
use serde_json::Value;

/// Runs every check: (name, hash over the bits of its results, the hash it must have).
pub fn all() -> Vec<(&'static str, u64, u64)> {
    vec![
        ("exp and tanh", functions(), 0x35e2_5a50_e1fb_5068),
        ("tiny003", tiny003(), 0xe689_4574_25d2_cc6b),
        ("tiny002", tiny002(), 0x9522_6de8_e6a0_f217),
        ("tiny002_soft", tiny002_soft(), 0xc61c_457c_ea26_c6b7),
        ("loose_stake_40_35_25", loose_stake(), 0x8b04_5255_9036_9392),
        ("emission_compounding_tau0.1", compounding(), 0x95f6_3a15_0b4d_d600),
        ("a crowd", crowd(), 0x6d7e_4831_56eb_4c2a),
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

/// The Trust mechanism on four peers with hard connectivity.
fn tiny003() -> u64 {
    let golden = Golden::of("tiny003");
    let weights = worlds::rows(&golden.matrix("W"));
    let (s, a) = (golden.vector("S"), golden.vector("A"));
    let world = World { stake: &s, scaling: &a, weights: &weights };
    let parameters = Parameters { beta: golden.number("beta"), kappa: 0.5, depth: 3, temperature: 0.0, sources: 256 };
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

/// Hard stake clipping.
fn tiny002() -> u64 {
    let golden = Golden::of("tiny002");
    let three = Golden::of("tiny003");
    clip(&three.matrix("W"), &three.vector("S"), 0.5, 0.0, &golden.matrix("N"), &golden.vector("S_star"), None)
}

/// Soft stake clipping and the gradient in the own row of the fourth peer.
fn tiny002_soft() -> u64 {
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

/// Two groups of 40 % and 35 %, and 25 % held by peers who stand alone: the descent of A reaches a negative loss.
fn loose_stake() -> u64 {
    let golden = Golden::of("loose_stake_40_35_25");
    let golden = Golden(golden.0["true_lr5"].clone());
    let (weights, s) = worlds::loose_stake();
    let parameters = Parameters { beta: 10.0, kappa: 0.1, depth: 3, temperature: 0.0, sources: 256 };
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

/// 300 peers with 16 weights each and 64 trust sources: every loop runs long enough for an order to matter.
fn crowd() -> u64 {
    let (weights, s, a) = worlds::crowd(300, 16);
    let world = World { stake: &s, scaling: &a, weights: &weights };
    let parameters = Parameters { sources: 64, ..Parameters::for_peers(300) };
    let outcome = evaluate(&world, &parameters).unwrap();
    assert_eq!(outcome.sources.len(), 64);
    let euler: f64 = a.iter().zip(&outcome.scaling_gradient).map(|(a, g)| a * g).sum();
    assert!(euler.abs() < 1e-12, "Σ a_i ∂L/∂a_i = {euler:e}");
    let mut hash = Hash::new();
    hash.outcome(&outcome);
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

/// One object of the golden file.
struct Golden(Value);

impl Golden {
    fn of(key: &str) -> Self {
        let file: Value = serde_json::from_str(FILE).unwrap();
        Self(file[key].clone())
    }

    fn number(&self, key: &str) -> f64 {
        self.0[key].as_f64().unwrap()
    }

    fn vector(&self, key: &str) -> Vec<f64> {
        numbers(&self.0[key])
    }

    fn matrix(&self, key: &str) -> Vec<Vec<f64>> {
        self.0[key].as_array().unwrap().iter().map(numbers).collect()
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Asserts that two vectors agree within `tolerance`, entry by entry.
fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "entry {index}: {found:?}, not {expected:?}");
    }
}

/// FNV-1a, 64 bits, over little-endian words.
struct Hash(u64);

impl Hash {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn word(&mut self, word: u64) {
        for byte in word.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn numbers(&mut self, numbers: &[f64]) {
        for number in numbers {
            self.word(number.to_bits());
        }
    }

    fn outcome(&mut self, outcome: &mechanism::trust::Outcome) {
        self.numbers(&[outcome.scaled, outcome.loss]);
        outcome.sources.iter().for_each(|&source| self.word(u64::from(source)));
        for vector in [&outcome.rank, &outcome.trust, &outcome.trusted, &outcome.incentive, &outcome.scaling_gradient] {
            self.numbers(vector);
        }
    }
}

const FILE: &str = include_str!("../../../../../tests/vectors/mechanism.json");

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

//! Every analytic gradient of the mechanisms against Burn's autodiff, in double precision, on random graphs.
//!
//! The forward pass is written as tensors straight from the definitions, and Burn derives what this project derived by hand.
//! Numbers multiply tensors here and never divide them: Burn 0.22 divides by a number in single precision.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::prelude::*;
use burn::tensor::{DType, activation::sigmoid};
use mechanism::clipping;
use mechanism::competitive::Reading;
use mechanism::competitive::payoff::{self, Quadratic, Terms};
use mechanism::connectivity::Connectivity;
use mechanism::consensus::Consensus;
use mechanism::epoch::Memory;
use mechanism::rows::Rows;
use mechanism::trust::{self, Parameters};
use mechanism::world::World;
use peerage_lab::random::Random;

const N: usize = 8;
const GRAPHS: u64 = 12;

/// A random graph, as numbers and as tensors that gradients are taken by.
struct Graph {
    weights: Rows,
    stake: Vec<f64>,
    scaling: Vec<f64>,
    random: Random,
    device: Device,
    /// `[N, N]`
    w: Tensor<2>,
    /// `[1, N]`
    s: Tensor<2>,
    /// `[1, N]`
    a: Tensor<2>,
}

impl Graph {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let device = Device::flex().autodiff();
        let row = |random: &mut Random, i: usize| {
            let raw: Vec<f64> =
                (0..N).map(|j| if i == j || random.uniform() < 0.7 { random.between(0.1, 1.0) } else { 0.0 }).collect();
            let sum: f64 = raw.iter().sum();
            raw.into_iter().map(|w| w / sum).collect::<Vec<_>>()
        };
        let dense: Vec<Vec<f64>> = (0..N).map(|i| row(&mut random, i)).collect();
        let sparse = dense.iter().map(|row| (0u32..).zip(row.clone()).filter(|&(_, w)| w > 0.0).collect::<Vec<_>>());
        let weights = Rows::new(N, sparse).unwrap();
        let raw: Vec<f64> = (0..N).map(|_| random.between(0.05, 1.0)).collect();
        let total: f64 = raw.iter().sum();
        let stake: Vec<f64> = raw.iter().map(|s| s / total).collect();
        let scaling: Vec<f64> = (0..N).map(|_| random.between(0.2, 0.9)).collect();
        let w = tensor(&dense.concat(), N, &device).require_grad();
        let s = tensor(&stake, 1, &device);
        let a = tensor(&scaling, 1, &device).require_grad();
        Self { weights, stake, scaling, random, device, w, s, a }
    }

    fn world(&self) -> World<'_> {
        World { stake: &self.stake, scaling: &self.scaling, weights: &self.weights }
    }

    /// sc, `[1, N]`.
    fn scaled(&self) -> Tensor<2> {
        self.a.clone() * self.s.clone()
    }

    fn constant(&self, values: &[f64], rows: usize) -> Tensor<2> {
        tensor(values, rows, &self.device)
    }

    /// The identity.
    fn one(&self) -> Tensor<2> {
        self.constant(&(0..N * N).map(|at| f64::from(u8::from(at % (N + 1) == 0))).collect::<Vec<_>>(), N)
    }

    /// (I − Q)⁻¹ = (I + Q)(I + Q²)(I + Q⁴)…
    fn visits(&self) -> Tensor<2> {
        let mut power = self.w.clone() * (self.one().neg() + 1.0);
        let mut product = self.one() + power.clone();
        for _ in 0..10 {
            power = power.clone().matmul(power);
            product = product.matmul(self.one() + power.clone());
        }
        product
    }
}

fn tensor(values: &[f64], rows: usize, device: &Device) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [rows, values.len() / rows]);
    Tensor::from_data(data, (device, DType::F64))
}

/// ∂`of`/∂`by`, row by row.
fn derived(of: Tensor<2>, by: &Tensor<2>) -> Vec<f64> {
    let gradients = of.sum().backward();
    by.grad(&gradients).unwrap().into_data().try_to_vec::<f64>().unwrap()
}

fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()), "entry {index}: {found:?}, not {expected:?}");
    }
}

/// L = −R·(σ − ½).
fn loss(rank: Tensor<2>, trusted: Tensor<2>) -> Tensor<2> {
    (rank * (trusted - 0.5)).neg()
}

/// x_0 / Σ x.
fn share(x: Tensor<2>) -> Tensor<2> {
    x.clone().slice([0..1, 0..1]) / x.sum().unsqueeze()
}

#[test]
fn trust() {
    for seed in 0..GRAPHS {
        let mut graph = Graph::new(seed);
        let parameters = Parameters {
            beta: graph.random.between(1.0, 12.0),
            kappa: graph.random.between(0.1, 0.6),
            depth: 3,
            temperature: graph.random.between(0.1, 0.6),
            sources: 256,
            seed: 0,
        };
        // Burn keeps no graph after a backward pass, so each derivative has a forward pass of its own.
        let forward = || {
            let w = graph.w.clone();
            let squared = w.clone().matmul(w.clone());
            let visits = w.clone() + squared.clone() + squared.matmul(w.clone());
            let connected = ((visits - parameters.kappa) * (1.0 / parameters.temperature)).tanh();
            let part = graph.scaled() / graph.scaled().sum().unsqueeze();
            (part.clone().matmul(w), sigmoid(part.matmul(connected) * parameters.beta))
        };
        let (rank, trusted) = forward();
        let outcome = trust::evaluate(&graph.world(), &parameters).unwrap();
        near(&outcome.scaling_gradient, &derived(loss(rank, trusted), &graph.a));
        let (rank, trusted) = forward();
        let found = trust::own_gradient(&graph.world(), &parameters, 0).unwrap();
        near(&found, &derived(share(rank * trusted), &graph.w)[..N]);
    }
}

#[test]
fn consensus() {
    for seed in 0..GRAPHS {
        let mut graph = Graph::new(seed);
        let mechanism = Consensus { slope: graph.random.between(1.0, 12.0), direct: 0.0, ..Consensus::default() };
        let direct: Vec<f64> =
            (0..N * N).map(|at| f64::from(u8::from(graph.weights.get(at / N, at % N) > 0.0))).collect();
        let part = graph.scaled() / graph.scaled().sum().unsqueeze();
        let trust = part.clone().matmul(graph.constant(&direct, N));
        let consensus = sigmoid((trust - mechanism.kappa) * mechanism.slope);
        let outcome = mechanism.outcome(&graph.world(), &Memory::new(N)).unwrap();
        near(&outcome.scaling_gradient, &derived(loss(part.matmul(graph.w.clone()), consensus), &graph.a));
    }
}

#[test]
fn connectivity_with_and_without_clipping() {
    for seed in 0..GRAPHS {
        let mut graph = Graph::new(seed);
        let (kappa, temperature) = (graph.random.between(1.0, 2.5), graph.random.between(0.2, 1.0));
        for clip in [false, true] {
            let near_by = sigmoid((graph.visits() - kappa) * (1.0 / temperature));
            let held = graph.scaled();
            let reach = held.clone().matmul(near_by.clone().transpose()) / (held.clone().sum() * 0.5).unsqueeze();
            let counted = if clip { held * reach.clamp_max(1.0) } else { held };
            let reached = counted.clone().matmul(near_by);
            let rank = counted.clone().matmul(graph.w.clone()) + counted * reached;
            let mechanism = Connectivity { kappa, temperature, clip, self_loop: 0.0 };
            let found = mechanism.own_gradient(&graph.world(), 0).unwrap();
            near(&found, &derived(share(rank), &graph.w)[..N]);
        }
    }
}

#[test]
fn clipped_stake() {
    let mut met = 0;
    for seed in 0..GRAPHS {
        let mut graph = Graph::new(seed);
        let (kappa, temperature) = (graph.random.between(1.5, 3.0), graph.random.between(0.2, 1.0));
        let near_by = sigmoid((graph.visits() - kappa) * (1.0 / temperature));
        let half = graph.stake.iter().sum::<f64>() * 0.5;
        let reach = graph.s.clone().matmul(near_by.transpose()) * (1.0 / half);
        let kept = (graph.s.clone() * reach.clamp_max(1.0)).slice([0..1, 0..1]);
        // Above the clip there is no gradient, and the analytic answer says so.
        if let Ok(found) = clipping::own_gradient(&graph.world(), 0, kappa, temperature) {
            let expected = derived(kept, &graph.w);
            near(&found.iter().map(|(_, slope)| *slope).collect::<Vec<_>>(), &expected[1..N]);
            met += 1;
        }
    }
    assert!(met > 2);
}

#[test]
fn payoff_of_bids() {
    for seed in 0..GRAPHS {
        let mut graph = Graph::new(seed);
        let factor: Vec<f64> = (0..N * N).map(|_| graph.random.normal()).collect();
        let factor = graph.constant(&factor, N);
        let hessian = factor.clone().matmul(factor.transpose());
        let numbers = hessian.clone().into_data().try_to_vec::<f64>().unwrap();
        let (alpha, tau, temperature) = (graph.random.between(0.1, 20.0), graph.random.uniform(), 0.1);
        for reading in [Reading::Right, Reading::Literal] {
            let bids = graph.w.clone() * graph.scaled().transpose();
            let means = bids.clone().mean_dim(0);
            let unseen = sigmoid((bids.clone().slice([0..1, 0..N]) - means.clone()) / temperature).neg() + 1.0;
            let loss = (unseen.clone().matmul(hessian.clone()) * unseen).sum() * 0.5;
            let (sign, rank) = match reading {
                Reading::Right => (-1.0, means.slice([0..1, 0..1]).sum()),
                Reading::Literal => (1.0, bids.slice([0..1, 0..N]).sum() * (1.0 / N as f64)),
            };
            let value = loss * (sign * alpha) + rank * tau;
            let terms = Terms { alpha, tau, temperature, reading };
            let loss = Quadratic::new(numbers.clone(), N).unwrap();
            let found = payoff::of(&graph.world(), 0, &loss, &terms).unwrap();
            near(&found.gradient, &derived(value.unsqueeze(), &graph.w)[..N]);
        }
    }
}

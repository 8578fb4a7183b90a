//! Times whole epochs of a mechanism, natively and in a tab: the same worlds, and a hash that shows the same bits.
//!
//! Natively: `epochs MECHANISM PEERS WEIGHTS ROUNDS` prints one line of JSON. In a tab the module exports `epochs` with the
//! same arguments, which returns that line.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on should stop"
)]

use lab::random::Random;
use mechanism::competitive::Competitive;
use mechanism::connectivity::Connectivity;
use mechanism::consensus::Consensus;
use mechanism::epoch::{Epoch, Mechanism, Memory};
use mechanism::rows::Rows;
use mechanism::trust::{Parameters, Trust};
use mechanism::world::World;
use wasm_bindgen::prelude::wasm_bindgen;
use web_time::Instant;

extern crate peerage_lab as lab;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else { return };
    let numbers: Vec<usize> = arguments.map(|argument| argument.parse().unwrap()).collect();
    println!("{}", epochs(&name, numbers[0], numbers[1], numbers[2]));
}

/// Milliseconds of each of `rounds` epochs of `peers` peers with `weights` weights, after one that is not counted.
#[wasm_bindgen]
#[must_use]
pub fn epochs(mechanism: &str, peers: usize, weights: usize, rounds: usize) -> String {
    let market = Market::new(peers, weights);
    let mechanism = named(mechanism, peers);
    let world = World { stake: &market.stake, scaling: &market.scaling, weights: &market.weights };
    let mut memory = Memory::new(peers);
    let mut times = Vec::new();
    let mut hash = 0;
    for round in 0..=rounds {
        let start = Instant::now();
        let epoch = mechanism.evaluate(&world, &memory).unwrap();
        if round > 0 {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        hash = bits(&epoch);
        memory = epoch.memory;
    }
    let entries = market.weights.entries();
    format!(r#"{{"peers":{peers},"entries":{entries},"hash":"{hash:016x}","ms":{times:?}}}"#)
}

fn named(name: &str, peers: usize) -> Box<dyn Mechanism> {
    match name {
        "trust" => Box::new(Trust { parameters: Parameters::for_peers(peers as u32), descent: 5.0, recovery: 0.01 }),
        "connectivity" => Box::new(Connectivity::default()),
        "consensus" => Box::new(Consensus::default()),
        "competitive" => Box::new(Competitive::default()),
        other => panic!("no mechanism {other}"),
    }
}

/// A market of peers that weigh others at random, each with a stake of its own.
struct Market {
    stake: Vec<f64>,
    scaling: Vec<f64>,
    weights: Rows,
}

impl Market {
    fn new(peers: usize, weights: usize) -> Self {
        let mut random = Random::new(1);
        let mut stake: Vec<f64> = (0..peers).map(|_| random.uniform() * random.uniform()).collect();
        let total: f64 = stake.iter().sum();
        stake.iter_mut().for_each(|s| *s /= total);
        let scaling = (0..peers).map(|_| random.between(0.5, 1.0)).collect();
        let mut row = |i: usize| {
            let mut columns: Vec<u32> = (1..weights).map(|_| random.below(peers) as u32).collect();
            columns.push(i as u32);
            columns.sort_unstable();
            columns.dedup();
            let values: Vec<f64> = columns.iter().map(|_| random.between(0.01, 1.0)).collect();
            let sum: f64 = values.iter().sum();
            columns.into_iter().zip(values.into_iter().map(|value| value / sum).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        let rows: Vec<_> = (0..peers).map(&mut row).collect();
        Self { stake, scaling, weights: Rows::new(peers, rows).unwrap() }
    }
}

/// FNV-1a over the bits of everything that an epoch says.
fn bits(epoch: &Epoch) -> u64 {
    let vectors =
        [&epoch.rank, &epoch.trust, &epoch.trusted, &epoch.incentive, &epoch.dividend, &epoch.share, &epoch.scaling];
    let scalars = [epoch.loss.unwrap_or_default(), epoch.memory.inflation, f64::from(epoch.memory.min_weights)];
    let bonds = (0..epoch.memory.bonds.peers()).flat_map(|i| epoch.memory.bonds.row(i).map(|(_, bond)| bond));
    let gradient = epoch.scaling_gradient.iter().flatten().copied();
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for number in vectors.into_iter().flatten().copied().chain(scalars).chain(gradient).chain(bonds) {
        hash = (hash ^ number.to_bits()).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

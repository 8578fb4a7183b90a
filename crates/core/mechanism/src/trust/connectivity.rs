//! Connectivity of the trust sources: expected visits C_d = Σ_{k=1..d} W^k, a few sources' rows at a time.
//!
//! The rows of [`LANES`] sources are spread forward d steps together through the sparse rows; only the peers that they
//! reach are touched. Each lane is a sum of its own, in ascending index, so lanes change the speed and not the bits. A
//! peer that is not reached has c_0 = tanh(−κ/T_c) (hard: −1), which is added once for all.
//!
//! Trust and the gradient both need every source's row, the gradient only after trust is known. The rows are kept in
//! between while they are few ([`KEPT`]), and spread again, to the same bits, where they are many.

use super::Parameters;
use super::sources::Sources;
use crate::arithmetic::{sum, tanh};
use crate::rows::Rows;
use crate::world::World;

/// Sources that are spread together: one cache line of values a peer.
const LANES: usize = 8;

/// Most connectivities that are kept between two passes: 36 MiB with their peers.
const KEPT: usize = 1 << 22;

/// Forward spread of the trust sources of one world.
pub(super) struct Connectivity<'a> {
    weights: &'a Rows,
    sources: Vec<u32>,
    voices: Vec<f64>,
    kappa: f64,
    temperature: f64,
    depth: u32,
    base: f64,
    now: Front,
    next: Front,
    visits: Front,
    kept: Option<Vec<Block>>,
}

/// Connectivity of up to [`LANES`] sources, above that of a peer that is not reached.
struct Block {
    /// Place of the first of them among the sources.
    first: usize,
    /// (k, c_ik − c_0 by source) for every k that any of them reaches, k ascending.
    above: Vec<(u32, [f64; LANES])>,
}

/// A sparse vector over the peers for each lane: dense values, and which peers are set.
struct Front {
    values: Vec<[f64; LANES]>,
    seen: Vec<bool>,
    reached: Vec<u32>,
}

impl<'a> Connectivity<'a> {
    /// Chooses the sources, for `scaled` that sums to `z` > 0.
    pub(super) fn new(world: &World<'a>, scaled: &[f64], z: f64, parameters: &Parameters) -> Self {
        let n = world.peers();
        let Sources { peers: sources, voices } = Sources::new(world.stake, scaled, z, parameters);
        let mut connectivity = Self {
            weights: world.weights,
            kept: (sources.len().saturating_mul(n) <= KEPT).then(Vec::new),
            sources,
            voices,
            kappa: parameters.kappa,
            temperature: parameters.temperature,
            depth: parameters.depth,
            base: 0.0,
            now: Front::new(n),
            next: Front::new(n),
            visits: Front::new(n),
        };
        connectivity.base = connectivity.squash(0.0);
        connectivity
    }

    /// The sources, ascending.
    pub(super) fn sources(&self) -> &[u32] {
        &self.sources
    }

    /// v, the voice of each source.
    pub(super) fn voices(&self) -> &[f64] {
        &self.voices
    }

    /// t = Cᵀ v / Σ v.
    pub(super) fn trust(&mut self) -> Vec<f64> {
        let mut trust = vec![0.0; self.weights.peers()];
        let voices = std::mem::take(&mut self.voices);
        self.each_block(|block| {
            for (k, above) in &block.above {
                for (v, c) in voices[block.first..].iter().zip(above) {
                    trust[*k as usize] += v * c;
                }
            }
        });
        self.voices = voices;
        let total = sum(&self.voices);
        for t in &mut trust {
            *t = (*t + self.base * total) / total;
        }
        trust
    }

    /// C q: Σ_k c_ik q_k for every source i, in their order.
    pub(super) fn times(&mut self, q: &[f64]) -> Vec<f64> {
        let common = self.base * sum(q);
        let mut connected = vec![0.0; self.sources.len()];
        self.each_block(|block| {
            for (k, above) in &block.above {
                for (sum, c) in connected[block.first..].iter_mut().zip(above) {
                    *sum += c * q[*k as usize];
                }
            }
        });
        connected.iter_mut().for_each(|sum| *sum += common);
        connected
    }

    /// Σ_m h_m c′_mk for every k, c′ = (1 − c²)/T_c the slope in visits; `heard` is h of the sources, in their order. Only for
    /// T_c > 0.
    pub(super) fn slopes(&mut self, heard: &[f64]) -> Vec<f64> {
        let (base, temperature) = (self.base, self.temperature);
        let unreached = (1.0 - base * base) * sum(heard);
        let mut slopes = vec![0.0; self.weights.peers()];
        self.each_block(|block| {
            for (k, above) in &block.above {
                for (h, above) in heard[block.first..].iter().zip(above) {
                    // (1 − c²) − (1 − c_0²), c = c_0 + above.
                    slopes[*k as usize] -= h * above * (2.0 * base + above);
                }
            }
        });
        slopes.iter_mut().for_each(|slope| *slope = (*slope + unreached) / temperature);
        slopes
    }

    /// Calls `take` with every block of sources, ascending.
    fn each_block(&mut self, mut take: impl FnMut(&Block)) {
        if let Some(kept) = self.kept.as_ref().filter(|kept| !kept.is_empty()) {
            kept.iter().for_each(take);
            return;
        }
        for first in (0..self.sources.len()).step_by(LANES) {
            let block = self.block(first);
            take(&block);
            if let Some(kept) = &mut self.kept {
                kept.push(block);
            }
        }
    }

    /// The block whose first source stands at place `first`.
    fn block(&mut self, first: usize) -> Block {
        self.spread(first);
        let above = |visits: &f64| if *visits > 0.0 { self.squash(*visits) - self.base } else { 0.0 };
        let entry = |&k: &u32| (k, self.visits.values[k as usize].each_ref().map(above));
        Block { first, above: self.visits.reached.iter().map(entry).collect() }
    }

    /// Sets `visits` to the rows of C_d of the sources from place `first` on.
    fn spread(&mut self, first: usize) {
        self.visits.clear();
        self.now.clear();
        for (lane, &source) in self.sources[first..].iter().take(LANES).enumerate() {
            self.now.slot(source)[lane] = 1.0;
        }
        for _ in 0..self.depth {
            self.next.clear();
            for &j in &self.now.reached {
                let x = self.now.values[j as usize];
                let (columns, values) = self.weights.slices(j as usize);
                for (&k, &w) in columns.iter().zip(values) {
                    for (sum, x) in self.next.slot(k).iter_mut().zip(&x) {
                        *sum += x * w;
                    }
                }
            }
            self.next.sort();
            for &k in &self.next.reached {
                for (sum, x) in self.visits.slot(k).iter_mut().zip(&self.next.values[k as usize]) {
                    *sum += x;
                }
            }
            std::mem::swap(&mut self.now, &mut self.next);
        }
        self.visits.sort();
    }

    /// c of `visits` expected visits.
    fn squash(&self, visits: f64) -> f64 {
        if self.temperature > 0.0 {
            tanh((visits - self.kappa) / self.temperature)
        } else if visits > self.kappa {
            1.0
        } else {
            -1.0
        }
    }
}

impl Front {
    fn new(n: usize) -> Self {
        Self { values: vec![[0.0; LANES]; n], seen: vec![false; n], reached: Vec::new() }
    }

    fn clear(&mut self) {
        for &k in &self.reached {
            self.values[k as usize] = [0.0; LANES];
            self.seen[k as usize] = false;
        }
        self.reached.clear();
    }

    /// The values of peer k, which is reached from now on.
    fn slot(&mut self, k: u32) -> &mut [f64; LANES] {
        if !self.seen[k as usize] {
            self.seen[k as usize] = true;
            self.reached.push(k);
        }
        &mut self.values[k as usize]
    }

    /// Puts `reached` in ascending order, by whichever of sorting and scanning is cheaper; both give the same list.
    fn sort(&mut self) {
        if self.reached.len() * 16 < self.seen.len() {
            self.reached.sort_unstable();
        } else {
            self.reached.clear();
            self.reached.extend((0u32..).zip(&self.seen).filter(|&(_, &seen)| seen).map(|(k, _)| k));
        }
    }
}

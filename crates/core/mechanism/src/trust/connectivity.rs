//! Connectivity of the trust sources: expected visits C_d = Σ_{k=1..d} W^k, one source's row at a time.
//!
//! A source's row is spread forward d steps through the sparse rows; only the peers it reaches are touched, and only
//! one row is held at a time. A peer that is not reached has c_0 = tanh(−κ/T_c) (hard: −1), which is added once for all.

use super::{Parameters, World};
use crate::arithmetic::tanh;
use crate::rows::Rows;

/// Forward spread of the trust sources of one world.
pub(super) struct Connectivity<'a> {
    weights: &'a Rows,
    scaled: &'a [f64],
    sources: Vec<u32>,
    kappa: f64,
    temperature: f64,
    depth: u32,
    base: f64,
    now: Front,
    next: Front,
    visits: Front,
}

/// A sparse vector over the peers: dense values, and which of them are set.
struct Front {
    values: Vec<f64>,
    seen: Vec<bool>,
    reached: Vec<u32>,
}

impl<'a> Connectivity<'a> {
    /// Chooses the sources: the M largest of `scaled`, ties by lower index, peers without stake never.
    pub(super) fn new(world: &World<'a>, scaled: &'a [f64], parameters: &Parameters) -> Self {
        let n = world.peers();
        let mut sources: Vec<u32> = (0u32..).zip(world.stake).filter(|&(_, &s)| s > 0.0).map(|(i, _)| i).collect();
        sources.sort_by(|&a, &b| scaled[b as usize].total_cmp(&scaled[a as usize]).then(a.cmp(&b)));
        sources.truncate(parameters.sources);
        sources.sort_unstable();
        let mut connectivity = Self {
            weights: world.weights,
            scaled,
            sources,
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

    /// z_M, the scaled stake of the sources.
    pub(super) fn scaled(&self) -> f64 {
        let mut total = 0.0;
        for &source in &self.sources {
            total += self.scaled[source as usize];
        }
        total
    }

    /// c_0, the connectivity of a peer that is not reached.
    pub(super) const fn base(&self) -> f64 {
        self.base
    }

    /// t = Cᵀ sc / z_M; z_M > 0.
    pub(super) fn trust(&mut self) -> Vec<f64> {
        let mut trust = vec![0.0; self.scaled.len()];
        let total = self.scaled();
        let base = self.base;
        for index in 0..self.sources.len() {
            let source = self.sources[index] as usize;
            let sc = self.scaled[source];
            if sc > 0.0 {
                self.each_reached(source, |k, above| trust[k] += sc * above);
            }
        }
        for t in &mut trust {
            *t = (*t + base * total) / total;
        }
        trust
    }

    /// Calls `take(k, c_ik − c_0)` for every peer k that `source` reaches, ascending.
    pub(super) fn each_reached(&mut self, source: usize, mut take: impl FnMut(usize, f64)) {
        self.spread(source);
        for &k in &self.visits.reached {
            let k = k as usize;
            take(k, self.squash(self.visits.values[k]) - self.base);
        }
    }

    /// Sets `visits` to row `source` of C_d.
    fn spread(&mut self, source: usize) {
        self.visits.clear();
        self.now.clear();
        self.now.add(source, 1.0);
        for _ in 0..self.depth {
            self.next.clear();
            for &j in &self.now.reached {
                let x = self.now.values[j as usize];
                let (columns, values) = self.weights.slices(j as usize);
                for (&k, &w) in columns.iter().zip(values) {
                    self.next.add(k as usize, x * w);
                }
            }
            self.next.sort();
            for &k in &self.next.reached {
                self.visits.add(k as usize, self.next.values[k as usize]);
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
        Self { values: vec![0.0; n], seen: vec![false; n], reached: Vec::new() }
    }

    fn clear(&mut self) {
        for &k in &self.reached {
            self.values[k as usize] = 0.0;
            self.seen[k as usize] = false;
        }
        self.reached.clear();
    }

    fn add(&mut self, k: usize, x: f64) {
        if !self.seen[k] {
            self.seen[k] = true;
            self.reached.push(k as u32);
        }
        self.values[k] += x;
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

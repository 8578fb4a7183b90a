//! Expected visits of the weights read as an absorbing Markov chain: N = (I − Q)⁻¹, Q = W − diag W.
//!
//! A walker at peer i goes on to j with probability w_ij and is absorbed by i's self-loop with w_ii; N_ij is how often it
//! is at j when it started at i. N exists where from every peer a self-loop can be reached. A closed class without one is
//! [`Fault::Singular`], found in the graph before anything is computed; a ledger counts every row with a self-loop of at
//! least [`MINIMUM_SELF_LOOP`], its other entries shrinking in proportion, so that it cannot happen.
//!
//! The solve is dense and exact, up to [`LIMIT`] peers.

mod solve;

use crate::fault::Fault;
use crate::rows::Rows;
use solve::Factors;

/// δ, the least self-loop that a ledger counts a row with.
pub const MINIMUM_SELF_LOOP: f64 = 1.0 / 1024.0;

/// Most peers that the dense solve takes: 8 MiB and a third of a billion multiplications.
pub const LIMIT: usize = 1024;

/// The factored chain of some weights.
#[derive(Debug)]
pub struct Absorbing {
    factors: Factors,
    peers: usize,
}

impl Absorbing {
    /// Factors I − Q, every self-loop counted as at least `self_loop` (0: as it is), which is at most 1.
    ///
    /// # Errors
    /// [`Fault::TooManyPeers`] above [`LIMIT`], [`Fault::Parameter`] for a self-loop outside \[0, 1\], [`Fault::Singular`]
    /// where a closed class has none.
    pub fn new(weights: &Rows, self_loop: f64) -> Result<Self, Fault> {
        let peers = weights.peers();
        if peers > LIMIT {
            return Err(Fault::TooManyPeers { peers, limit: LIMIT });
        }
        if !(0.0..=1.0).contains(&self_loop) {
            return Err(Fault::Parameter { name: "self_loop", value: self_loop });
        }
        if self_loop == 0.0
            && let Some(peer) = captive(weights)
        {
            return Err(Fault::Singular { peer });
        }
        let factors = Factors::new(transitions(weights, self_loop), peers);
        // A self-loop too small for binary64 to tell from none.
        match factors.singular() {
            Some(peer) => Err(Fault::Singular { peer }),
            None => Ok(Self { factors, peers }),
        }
    }

    /// Number of peers n.
    #[must_use]
    pub const fn peers(&self) -> usize {
        self.peers
    }

    /// N_i·, the visits from peer i to each of the n; `i` < n.
    #[must_use]
    pub fn row(&self, i: usize) -> Vec<f64> {
        self.factors.row(i)
    }

    /// N x for n values x.
    #[must_use]
    pub fn times(&self, x: Vec<f64>) -> Vec<f64> {
        self.factors.solve(x)
    }

    /// xᵀ N for n values x.
    #[must_use]
    pub fn left_times(&self, x: Vec<f64>) -> Vec<f64> {
        self.factors.left(x, 0)
    }

    /// N, n × n, row by row.
    #[must_use]
    pub fn matrix(&self) -> Vec<f64> {
        (0..self.peers).flat_map(|i| self.row(i)).collect()
    }
}

/// A peer from which no self-loop can be reached, if there is one.
fn captive(weights: &Rows) -> Option<usize> {
    let n = weights.peers();
    let mut sources: Vec<Vec<usize>> = vec![Vec::new(); n];
    for i in 0..n {
        for (j, w) in weights.row(i) {
            if w > 0.0 {
                sources[j].push(i);
            }
        }
    }
    let mut free: Vec<bool> = (0..n).map(|i| weights.get(i, i) > 0.0).collect();
    let mut open: Vec<usize> = (0..n).filter(|&i| free[i]).collect();
    while let Some(j) = open.pop() {
        for &i in &sources[j] {
            if !free[i] {
                free[i] = true;
                open.push(i);
            }
        }
    }
    free.iter().position(|&free| !free)
}

/// What the other entries of a row with the self-loop `own` are multiplied by, so that it counts as at least `self_loop`.
pub(crate) fn shrink(own: f64, self_loop: f64) -> f64 {
    if own < self_loop { (1.0 - self_loop) / (1.0 - own) } else { 1.0 }
}

/// I − Q, row by row, with every self-loop at least `self_loop`.
fn transitions(weights: &Rows, self_loop: f64) -> Vec<f64> {
    let n = weights.peers();
    let mut matrix = vec![0.0; n * n];
    for i in 0..n {
        let shrink = shrink(weights.get(i, i), self_loop);
        for (j, w) in weights.row(i) {
            matrix[i * n + j] = -(shrink * w);
        }
        matrix[i * n + i] = 1.0;
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Rows;

    #[test]
    fn a_closed_class_without_a_self_loop_is_named() {
        let weights = Rows::new(4, [vec![(1, 1.0)], vec![(0, 1.0)], vec![(0, 0.5), (3, 0.5)], vec![(3, 1.0)]]).unwrap();
        assert_eq!(Absorbing::new(&weights, 0.0).unwrap_err(), Fault::Singular { peer: 0 });
        let visits = Absorbing::new(&weights, MINIMUM_SELF_LOOP).unwrap().row(0);
        // Each step stays with probability 1 − δ, so 1/(1 − (1 − δ)²) visits at home.
        let stay = 1.0 - MINIMUM_SELF_LOOP;
        assert!((visits[0] - 1.0 / (1.0 - stay * stay)).abs() < 1e-9);
        assert_eq!(visits[2..], [0.0, 0.0]);
    }

    #[test]
    fn a_self_loop_at_the_end_of_a_path_is_enough() {
        let weights = Rows::new(3, [vec![(1, 1.0)], vec![(2, 1.0)], vec![(2, 1.0)]]).unwrap();
        let chain = Absorbing::new(&weights, 0.0).unwrap();
        assert_eq!(chain.matrix(), [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
        assert_eq!(chain.times(vec![1.0, 0.0, 2.0]), [3.0, 2.0, 2.0]);
        assert_eq!(chain.left_times(vec![1.0, 0.0, 2.0]), [1.0, 1.0, 3.0]);
    }

    #[test]
    fn a_self_loop_below_precision_is_none() {
        let weights = Rows::new(2, [vec![(0, 1e-300), (1, 1.0)], vec![(0, 1.0)]]).unwrap();
        assert!(matches!(Absorbing::new(&weights, 0.0), Err(Fault::Singular { .. })));
    }

    #[test]
    fn what_is_too_large_or_out_of_range_is_refused() {
        let peers = LIMIT + 1;
        let many = Rows::new(peers, (0u32..).take(peers).map(|i| [(i, 1.0)])).unwrap();
        assert_eq!(Absorbing::new(&many, 0.5).unwrap_err(), Fault::TooManyPeers { peers, limit: LIMIT });
        let one = Rows::new(1, [[(0, 1.0)]]).unwrap();
        for value in [-0.1, 1.1, f64::NAN] {
            assert!(matches!(Absorbing::new(&one, value), Err(Fault::Parameter { name: "self_loop", .. })));
        }
    }
}

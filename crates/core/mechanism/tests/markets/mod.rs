//! Random markets for property tests, dense, so that an oracle can read them.

#![allow(clippy::unwrap_used, dead_code, reason = "a test fails by panicking, and not every test needs everything")]

use ndarray::{Array2, ArrayView1};
use peerage_mechanism::rows::Rows;
use peerage_mechanism::world::World;
use proptest::prelude::*;

/// A random world: dense matrix (with zeros), stake (with zeros) and scaling.
#[derive(Clone, Debug)]
pub struct Market {
    pub matrix: Array2<f64>,
    pub stake: Vec<f64>,
    pub scaling: Vec<f64>,
}

impl Market {
    pub fn rows(&self) -> Rows {
        let row = |row: ArrayView1<'_, f64>| (0u32..).zip(row.to_vec()).filter(|&(_, w)| w > 0.0).collect::<Vec<_>>();
        Rows::new(self.stake.len(), self.matrix.rows().into_iter().map(row)).unwrap()
    }

    /// Calls `ask` with this market as a world.
    pub fn with<T>(&self, ask: impl FnOnce(&World<'_>) -> T) -> T {
        let weights = self.rows();
        ask(&World { stake: &self.stake, scaling: &self.scaling, weights: &weights })
    }

    /// The same market in which peer i moved `by` from its self-loop to peer j.
    pub fn moved(&self, i: usize, j: usize, by: f64) -> Self {
        let mut moved = self.clone();
        moved.matrix[[i, j]] += by;
        moved.matrix[[i, i]] -= by;
        moved
    }

    /// The same market with peer i called `names[i]`.
    pub fn renamed(&self, names: &[usize]) -> Self {
        let mut renamed = self.clone();
        for (i, &name) in names.iter().enumerate() {
            renamed.stake[name] = self.stake[i];
            renamed.scaling[name] = self.scaling[i];
            for (j, &other) in names.iter().enumerate() {
                renamed.matrix[[name, other]] = self.matrix[[i, j]];
            }
        }
        renamed
    }
}

/// Markets of up to `most` peers with sparse rows; every peer keeps some self-loop.
pub fn markets(most: usize) -> impl Strategy<Value = Market> {
    let sparse = |lowest: f64| prop_oneof![Just(0.0), lowest..1.0f64];
    (2..=most)
        .prop_flat_map(move |n| {
            (
                prop::collection::vec(sparse(0.01), n * n),
                prop::collection::vec(sparse(0.001), n),
                prop::collection::vec(0.05..1.0f64, n),
            )
        })
        .prop_map(|(raw, mut stake, scaling)| {
            let n = stake.len();
            let mut matrix = Array2::from_shape_vec((n, n), raw).unwrap();
            for i in 0..n {
                matrix[[i, i]] += 0.05;
                let sum = matrix.row(i).sum();
                matrix.row_mut(i).mapv_inplace(|w| w / sum);
            }
            stake[0] += 0.01;
            Market { matrix, stake, scaling }
        })
}

pub fn near(a: &[f64], b: &[f64], tolerance: f64) -> Result<(), TestCaseError> {
    prop_assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        prop_assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{} and {}", a, b);
    }
    Ok(())
}

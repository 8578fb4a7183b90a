//! Worlds that the vectors are computed on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use mechanism::rows::Rows;

/// Rows from a dense matrix, without its zeros.
pub fn rows(matrix: &[Vec<f64>]) -> Rows {
    let row = |row: &Vec<f64>| (0u32..).zip(row.clone()).filter(|&(_, value)| value != 0.0).collect::<Vec<_>>();
    Rows::new(matrix.len(), matrix.iter().map(row)).unwrap()
}

/// Five peers who share 40 % and score each other alike, five with 35 %, and five with 5 % each who score themselves.
pub fn loose_stake() -> (Rows, Vec<f64>) {
    let mut matrix = vec![vec![0.0; 15]; 15];
    let mut stake = Vec::new();
    for (i, row) in matrix.iter_mut().enumerate() {
        let group = i / 5;
        stake.push([0.08, 0.07, 0.05][group]);
        if group < 2 {
            row[5 * group..5 * (group + 1)].fill(0.2);
        } else {
            row[i] = 1.0;
        }
    }
    (rows(&matrix), stake)
}

/// `peers` peers with up to `entries` weights, stake and scaling drawn from a fixed sequence; stakes sum to 1.
pub fn crowd(peers: u32, entries: usize) -> (Rows, Vec<f64>, Vec<f64>) {
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    let mut stake: Vec<f64> = (0..peers).map(|_| draw.unit() * draw.unit()).collect();
    let total: f64 = stake.iter().sum();
    stake.iter_mut().for_each(|s| *s /= total);
    let scaling = (0..peers).map(|_| 0.5 + 0.5 * draw.unit()).collect();
    let rows = (0..peers).map(|i| {
        let mut columns: Vec<u32> = (1..entries).map(|_| (draw.unit() * f64::from(peers)) as u32).collect();
        columns.push(i);
        columns.sort_unstable();
        columns.dedup();
        let values: Vec<f64> = columns.iter().map(|_| 0.01 + draw.unit()).collect();
        let sum: f64 = values.iter().sum();
        columns.into_iter().zip(values.into_iter().map(move |value| value / sum)).collect::<Vec<_>>()
    });
    let rows: Vec<_> = rows.collect();
    (Rows::new(peers as usize, rows).unwrap(), stake, scaling)
}

/// A fixed sequence of numbers in [0, 1): splitmix64.
struct Draw(u64);

impl Draw {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) >> 11) as f64 / 9_007_199_254_740_992.0
    }
}

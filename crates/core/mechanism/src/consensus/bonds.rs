//! Bonds B: b_ij is what peer i holds in peer j for having weighed it, and shares j's incentive by.
//!
//! Sparse rows, columns ascending. A row grows with every peer that its holder ever weighed, so it is cut to the largest
//! bonds; what is cut is forfeited to the other holders, since columns are normalised when they are paid out.

use crate::rows::Rows;

/// Sparse n × n bonds, never negative.
#[derive(Clone, Debug, PartialEq)]
pub struct Bonds {
    offsets: Vec<usize>,
    entries: Vec<(u32, f64)>,
}

impl Default for Bonds {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Bonds {
    /// No bonds among `peers` peers.
    #[must_use]
    pub fn new(peers: usize) -> Self {
        Self { offsets: vec![0; peers + 1], entries: Vec::new() }
    }

    /// Number of peers that may hold bonds.
    #[must_use]
    pub const fn peers(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of bonds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody holds a bond.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What peer i holds: (j, b_ij), ascending; nothing for an i outside.
    #[must_use]
    pub fn row(&self, i: usize) -> &[(u32, f64)] {
        match (self.offsets.get(i), self.offsets.get(i + 1)) {
            (Some(&start), Some(&end)) => &self.entries[start..end],
            _ => &[],
        }
    }

    /// B + ΔB with Δb_ij = w_ij p_i for the parts p of the scaled stake, each row cut to its `most` largest bonds.
    #[must_use]
    pub fn with(&self, weights: &Rows, parts: &[f64], most: usize) -> Self {
        let mut next = Self { offsets: vec![0], entries: Vec::with_capacity(self.len().max(weights.entries())) };
        let mut row = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            row.clear();
            merge(self.row(i), weights.row(i).map(|(j, w)| (j as u32, w * part)), &mut row);
            cut(&mut row, most);
            next.entries.extend_from_slice(&row);
            next.offsets.push(next.entries.len());
        }
        next
    }

    /// Σ_i b_ij for every j of the peers.
    #[must_use]
    pub fn columns(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.peers()];
        for &(j, bond) in &self.entries {
            sums[j as usize] += bond;
        }
        sums
    }

    /// With B's columns normalised: (B x, Bᵀ x). What has no bonds pays its x to its own peer in the first.
    #[must_use]
    pub fn dividends(&self, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let columns = self.columns();
        let mut paid: Vec<f64> = x.iter().zip(&columns).map(|(x, sum)| if *sum > 0.0 { 0.0 } else { *x }).collect();
        let mut literal = vec![0.0; x.len()];
        for (i, own) in x.iter().enumerate() {
            for &(j, bond) in self.row(i) {
                let j = j as usize;
                // A column that holds anything has a sum above 0.
                if bond > 0.0 {
                    let share = bond / columns[j];
                    paid[i] += share * x[j];
                    literal[j] += share * own;
                }
            }
        }
        (paid, literal)
    }

    /// Without what `peer` holds and what others hold in it: it was replaced.
    #[must_use]
    pub fn without(&self, peer: usize) -> Self {
        let mut next = Self { offsets: vec![0], entries: Vec::with_capacity(self.len()) };
        for i in 0..self.peers() {
            let kept = self.row(i).iter().filter(|&&(j, _)| i != peer && j as usize != peer);
            next.entries.extend(kept);
            next.offsets.push(next.entries.len());
        }
        next
    }
}

/// Adds two rows that ascend by column; bonds of 0 are left out.
fn merge(held: &[(u32, f64)], added: impl Iterator<Item = (u32, f64)>, into: &mut Vec<(u32, f64)>) {
    let mut held = held.iter().copied().peekable();
    for (column, bond) in added.filter(|&(_, bond)| bond > 0.0) {
        while let Some(before) = held.next_if(|&(other, _)| other < column) {
            into.push(before);
        }
        let old = held.next_if(|&(other, _)| other == column).map_or(0.0, |(_, old)| old);
        into.push((column, old + bond));
    }
    into.extend(held);
}

/// Keeps the `most` largest, ties to the lower column, in ascending order.
fn cut(row: &mut Vec<(u32, f64)>, most: usize) {
    if row.len() > most {
        row.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        row.truncate(most);
        row.sort_by_key(|&(column, _)| column);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights() -> Rows {
        Rows::new(3, [vec![(1, 1.0)], vec![(0, 0.25), (2, 0.75)], vec![(2, 1.0)]]).unwrap()
    }

    #[test]
    fn bonds_add_up_and_are_cut_to_the_largest() {
        let once = Bonds::new(0).with(&weights(), &[0.5, 0.25, 0.25], 8);
        assert_eq!((once.peers(), once.len()), (3, 4));
        assert_eq!(once.row(1), [(0, 0.0625), (2, 0.1875)]);
        let twice = once.with(&weights(), &[0.0, 0.5, 0.5], 8);
        assert_eq!(twice.row(0), [(1, 0.5)]);
        assert_eq!(twice.row(1), [(0, 0.1875), (2, 0.5625)]);
        assert_eq!(twice.with(&weights(), &[0.0; 3], 1).row(1), [(2, 0.5625)]);
        assert_eq!(twice.columns(), [0.1875, 0.5, 0.5625 + 0.75]);
    }

    #[test]
    fn whoever_holds_a_bond_is_paid_and_nothing_is_lost() {
        let bonds = Bonds::new(0).with(&weights(), &[0.5, 0.25, 0.25], 8);
        let (paid, _) = bonds.dividends(&[0.2, 0.3, 0.5]);
        assert!((paid.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert_eq!(paid[0], 0.3);
        assert_eq!(Bonds::new(3).dividends(&[0.2, 0.3, 0.5]).0, [0.2, 0.3, 0.5]);
    }

    #[test]
    fn who_was_replaced_holds_nothing_and_is_held_by_nobody() {
        let bonds = Bonds::new(0).with(&weights(), &[0.5, 0.25, 0.25], 8).without(2);
        assert_eq!((bonds.row(0), bonds.row(1)), (&[(1, 0.5)][..], &[(0, 0.0625)][..]));
        assert!(bonds.row(2).is_empty() && bonds.row(7).is_empty() && bonds.peers() == 3);
        assert!(Bonds::default().is_empty());
    }
}

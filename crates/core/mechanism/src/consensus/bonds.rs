//! Bonds B: b_ij is what peer i holds in peer j for having weighed it, and shares j's incentive by.
//!
//! Sparse rows, columns ascending. A row grows with every peer that its holder ever weighed, so it is cut to the largest
//! bonds; what is cut is forfeited to the other holders, since columns are normalised when they are paid out.

use crate::rows::Rows;

/// Sparse n × n bonds, never negative.
#[derive(Clone, Debug, PartialEq)]
pub struct Bonds {
    offsets: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
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
        Self { offsets: vec![0; peers + 1], columns: Vec::new(), values: Vec::new() }
    }

    /// Bonds from one iterator of (j, b_ij) a holder; what does not ascend, is not above 0 or names no holder counts as none.
    pub fn from_rows<R>(rows: impl ExactSizeIterator<Item = R>) -> Self
    where
        R: Iterator<Item = (u32, f64)>,
    {
        let peers = rows.len();
        let mut bonds = Self::empty(0);
        for row in rows {
            let mut before = None;
            let good = row.filter(|&(j, bond)| {
                let good = (j as usize) < peers && bond > 0.0 && bond.is_finite() && before < Some(j);
                before = before.max(Some(j));
                good
            });
            bonds.push(&good.collect::<Vec<_>>());
        }
        bonds
    }

    /// Number of peers that may hold bonds.
    #[must_use]
    pub const fn peers(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of bonds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether nobody holds a bond.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// What peer i holds: (j, b_ij), j ascending; nothing for an i outside.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (u32, f64)> + '_ {
        let (columns, values) = match (self.offsets.get(i), self.offsets.get(i + 1)) {
            (Some(&start), Some(&end)) => (&self.columns[start..end], &self.values[start..end]),
            _ => (&[][..], &[][..]),
        };
        columns.iter().copied().zip(values.iter().copied())
    }

    /// B + ΔB with Δb_ij = w_ij p_i for the parts p of the scaled stake, each row cut to its `most` largest bonds.
    #[must_use]
    pub fn with(&self, weights: &Rows, parts: &[f64], most: usize) -> Self {
        let mut next = Self::empty(self.len().max(weights.entries()));
        let mut row = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            row.clear();
            merge(self.row(i), weights.row(i).map(|(j, w)| (j as u32, w * part)), &mut row);
            cut(&mut row, most);
            next.push(&row);
        }
        next
    }

    /// Σ_i b_ij for every j of `peers` peers.
    #[must_use]
    pub fn sums(&self, peers: usize) -> Vec<f64> {
        let mut sums = vec![0.0; peers];
        for (j, bond) in self.columns.iter().zip(&self.values) {
            sums[*j as usize] += bond;
        }
        sums
    }

    /// B x with B's columns normalised; what has no bonds pays its x to its own peer.
    #[must_use]
    pub fn dividends(&self, x: &[f64]) -> Vec<f64> {
        let sums = self.sums(x.len());
        let paid = |i: usize| {
            let mut paid = if sums[i] > 0.0 { 0.0 } else { x[i] };
            for (j, bond) in self.row(i) {
                // The share first: it is at most 1, however small the bonds are.
                paid += bond / sums[j as usize] * x[j as usize];
            }
            paid
        };
        (0..x.len()).map(paid).collect()
    }

    /// Bᵀx with B's columns normalised, as the notes print dividends: it loses mass.
    #[must_use]
    pub fn literal(&self, x: &[f64]) -> Vec<f64> {
        let sums = self.sums(x.len());
        let mut paid = vec![0.0; x.len()];
        for (i, x) in x.iter().enumerate() {
            for (j, bond) in self.row(i) {
                paid[j as usize] += bond * x;
            }
        }
        paid.iter().zip(&sums).map(|(paid, sum)| if *sum > 0.0 { paid / sum } else { 0.0 }).collect()
    }

    /// Without what `peer` holds and what others hold in it: it was replaced.
    #[must_use]
    pub fn without(&self, peer: usize) -> Self {
        let mut next = Self::empty(self.len());
        for i in 0..self.peers() {
            let row: Vec<_> = self.row(i).filter(|&(j, _)| i != peer && j as usize != peer).collect();
            next.push(&row);
        }
        next
    }

    fn empty(capacity: usize) -> Self {
        Self { offsets: vec![0], columns: Vec::with_capacity(capacity), values: Vec::with_capacity(capacity) }
    }

    fn push(&mut self, row: &[(u32, f64)]) {
        self.columns.extend(row.iter().map(|&(column, _)| column));
        self.values.extend(row.iter().map(|&(_, bond)| bond));
        self.offsets.push(self.columns.len());
    }
}

/// Adds two rows that ascend by column; bonds of 0 are left out.
fn merge(held: impl Iterator<Item = (u32, f64)>, added: impl Iterator<Item = (u32, f64)>, into: &mut Vec<(u32, f64)>) {
    let mut held = held.peekable();
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
        tiny_sort::stable::sort_by(row, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        row.truncate(most);
        tiny_sort::stable::sort_by_key(row, |&(column, _)| column);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights() -> Rows {
        Rows::new(3, [vec![(1, 1.0)], vec![(0, 0.25), (2, 0.75)], vec![(2, 1.0)]]).unwrap()
    }

    fn row(bonds: &Bonds, i: usize) -> Vec<(u32, f64)> {
        bonds.row(i).collect()
    }

    #[test]
    fn bonds_add_up_and_are_cut_to_the_largest() {
        let once = Bonds::new(0).with(&weights(), &[0.5, 0.25, 0.25], 8);
        assert_eq!((once.peers(), once.len()), (3, 4));
        assert_eq!(row(&once, 1), [(0, 0.0625), (2, 0.1875)]);
        let twice = once.with(&weights(), &[0.0, 0.5, 0.5], 8);
        assert_eq!(row(&twice, 0), [(1, 0.5)]);
        assert_eq!(row(&twice, 1), [(0, 0.1875), (2, 0.5625)]);
        assert_eq!(row(&twice.with(&weights(), &[0.0; 3], 1), 1), [(2, 0.5625)]);
        assert_eq!(twice.sums(3), [0.1875, 0.5, 0.5625 + 0.75]);
    }

    #[test]
    fn whoever_holds_a_bond_is_paid_and_nothing_is_lost() {
        let bonds = Bonds::new(0).with(&weights(), &[0.5, 0.25, 0.25], 8);
        let paid = bonds.dividends(&[0.2, 0.3, 0.5]);
        assert!((paid.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert_eq!(paid[0], 0.3);
        assert_eq!(Bonds::new(3).dividends(&[0.2, 0.3, 0.5]), [0.2, 0.3, 0.5]);
        let dust = Bonds::new(0).with(&weights(), &[0.0, 1e-320, 0.0], 8);
        assert_eq!(dust.dividends(&[0.2, 0.3, 0.5]), [0.0, 0.2 + 0.3 + 0.5, 0.0]);
    }

    #[test]
    fn who_was_replaced_holds_nothing_and_is_held_by_nobody() {
        let bonds = Bonds::new(0).with(&weights(), &[0.5, 0.25, 0.25], 8).without(2);
        assert_eq!((row(&bonds, 0), row(&bonds, 1)), (vec![(1, 0.5)], vec![(0, 0.0625)]));
        assert!(row(&bonds, 2).is_empty() && row(&bonds, 7).is_empty() && bonds.peers() == 3);
        assert!(Bonds::default().is_empty());
    }
}

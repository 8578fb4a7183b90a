//! Sparse row-stochastic weights W: w_ij is the score that i gives j, w_ii its self-loop.
//!
//! Compressed rows: `offsets[i]..offsets[i + 1]` are the entries of row i, columns ascending and unique. A value of
//! this type was checked once, when it was made: every entry is finite and not negative, every row sums to 1 within
//! [`TOLERANCE`]. What reads it afterwards checks nothing again.
//!
//! A hostile sender could hand rows that are not stochastic, point outside the set, repeat a column, or hide NaN in
//! them; each is a [`RowsError`] with its place.

use crate::arithmetic;

/// How far the sum of a row may be from 1.
pub const TOLERANCE: f64 = 1e-9;

/// The sum of the integer scores of a row.
pub const FULL: u16 = u16::MAX;

/// Sparse row-stochastic n × n weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    offsets: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

/// Why bytes or numbers are not row-stochastic weights.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RowsError {
    /// The number of rows is not the number of peers.
    #[error("{rows} rows for {peers} peers")]
    Count {
        /// Rows given.
        rows: usize,
        /// Peers named.
        peers: usize,
    },
    /// More entries or peers than a `u32` counts.
    #[error("{entries} entries are more than 32 bits count")]
    TooLarge {
        /// Entries or peers given.
        entries: usize,
    },
    /// Offsets do not start at 0, fall, or do not end at the number of entries.
    #[error("offset {offset} at position {position} does not fit {entries} entries")]
    Offsets {
        /// Position in the offsets.
        position: usize,
        /// What stands there.
        offset: u32,
        /// Number of entries.
        entries: usize,
    },
    /// Columns and values differ in number.
    #[error("{columns} columns for {values} values")]
    Lengths {
        /// Columns given.
        columns: usize,
        /// Values given.
        values: usize,
    },
    /// A column that names no peer.
    #[error("row {row} scores peer {column}, but there are {peers}")]
    Column {
        /// Row.
        row: usize,
        /// Column.
        column: u32,
        /// Number of peers.
        peers: usize,
    },
    /// Columns of a row do not ascend, or one repeats.
    #[error("row {row}: column {column} follows {before}")]
    Order {
        /// Row.
        row: usize,
        /// Column.
        column: u32,
        /// The column before it.
        before: u32,
    },
    /// An entry is NaN, infinite or negative (−0 included).
    #[error("row {row} gives peer {column} {value}, which is no score")]
    Value {
        /// Row.
        row: usize,
        /// Column.
        column: u32,
        /// The entry.
        value: f64,
    },
    /// A row does not sum to 1.
    #[error("row {row} sums to {sum}, not 1")]
    NotStochastic {
        /// Row.
        row: usize,
        /// Its sum.
        sum: f64,
    },
    /// The integer scores of a row do not sum to 65,535.
    #[error("the scores of row {row} sum to {sum}, not 65,535")]
    Scores {
        /// Row.
        row: usize,
        /// Their sum.
        sum: u64,
    },
}

impl Rows {
    /// Weights of `peers` peers from one iterator of (column, value) a row, columns ascending.
    ///
    /// # Errors
    /// Any [`RowsError`] but [`RowsError::Offsets`], [`RowsError::Lengths`] and [`RowsError::Scores`].
    pub fn new<I, R>(peers: usize, rows: I) -> Result<Self, RowsError>
    where
        I: IntoIterator<Item = R>,
        R: IntoIterator<Item = (u32, f64)>,
    {
        let mut offsets = vec![0];
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for row in rows {
            for (column, value) in row {
                columns.push(column);
                values.push(value);
            }
            offsets.push(u32::try_from(columns.len()).map_err(|_| RowsError::TooLarge { entries: columns.len() })?);
        }
        if offsets.len() - 1 != peers {
            return Err(RowsError::Count { rows: offsets.len() - 1, peers });
        }
        Self::checked(offsets, columns, values)
    }

    /// Weights from compressed rows: `offsets` has one entry more than there are peers, from 0 to the number of entries.
    ///
    /// # Errors
    /// Any [`RowsError`] but [`RowsError::Count`] and [`RowsError::Scores`].
    pub fn from_parts(offsets: &[u32], columns: &[u32], values: &[f64]) -> Result<Self, RowsError> {
        Self::checked(offsets.to_vec(), columns.to_vec(), values.to_vec())
    }

    /// Weights from integer scores that sum to [`FULL`] a row; the weight of a score is score ÷ 65,535.
    ///
    /// # Errors
    /// [`RowsError::Scores`] for another sum; else as [`Rows::new`].
    pub fn from_scores<I, R>(peers: usize, rows: I) -> Result<Self, RowsError>
    where
        I: IntoIterator<Item = R>,
        R: IntoIterator<Item = (u32, u16)>,
    {
        let mut checked = Vec::with_capacity(peers);
        for (index, row) in rows.into_iter().enumerate() {
            let row: Vec<(u32, u16)> = row.into_iter().collect();
            let sum: u64 = row.iter().map(|&(_, score)| u64::from(score)).sum();
            if sum != u64::from(FULL) {
                return Err(RowsError::Scores { row: index, sum });
            }
            checked.push(row);
        }
        let weight = |(column, score): (u32, u16)| (column, f64::from(score) / f64::from(FULL));
        Self::new(peers, checked.into_iter().map(|row| row.into_iter().map(weight)))
    }

    /// Number of peers n.
    #[must_use]
    pub const fn peers(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Number of stored entries.
    #[must_use]
    pub const fn entries(&self) -> usize {
        self.columns.len()
    }

    /// Row i as (column, value), columns ascending; nothing for an i outside.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let (columns, values) = self.slices(i);
        columns.iter().zip(values).map(|(&column, &value)| (column as usize, value))
    }

    /// The entry w_ij; 0 where none is stored.
    #[must_use]
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.row(i).find(|&(column, _)| column == j).map_or(0.0, |(_, value)| value)
    }

    /// Wᵀx: Σ_i x_i w_ij for every j, i ascending; rows with x_i = 0 are passed over. `x` has n values.
    #[must_use]
    pub fn transposed_times(&self, x: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.peers()];
        for (i, &x) in x.iter().enumerate() {
            if x != 0.0 {
                for (j, w) in self.row(i) {
                    product[j] += x * w;
                }
            }
        }
        product
    }

    /// W x: Σ_j w_ij x_j for every i, j ascending. `x` has n values.
    #[must_use]
    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        let one = |i| {
            let mut sum = 0.0;
            for (j, w) in self.row(i) {
                sum += w * x[j];
            }
            sum
        };
        (0..self.peers()).map(one).collect()
    }

    /// The same, but for rows that `is_loop`, which are their self-loops.
    #[must_use]
    pub fn with_loops(&self, is_loop: impl Fn(usize) -> bool) -> Self {
        let mut rows = Self { offsets: vec![0], columns: Vec::new(), values: Vec::new() };
        for i in 0..self.peers() {
            if is_loop(i) {
                rows.columns.push(i as u32);
                rows.values.push(1.0);
            } else {
                let (columns, values) = self.slices(i);
                rows.columns.extend_from_slice(columns);
                rows.values.extend_from_slice(values);
            }
            // Never more entries than before, but for an empty row, and there is none: its sum is not 1.
            rows.offsets.push(rows.columns.len() as u32);
        }
        rows
    }

    /// Columns and values of row i; empty for an i outside.
    pub(crate) fn slices(&self, i: usize) -> (&[u32], &[f64]) {
        match (self.offsets.get(i), self.offsets.get(i + 1)) {
            (Some(&start), Some(&end)) => {
                (&self.columns[start as usize..end as usize], &self.values[start as usize..end as usize])
            }
            _ => (&[], &[]),
        }
    }

    fn checked(offsets: Vec<u32>, columns: Vec<u32>, values: Vec<f64>) -> Result<Self, RowsError> {
        if columns.len() != values.len() {
            return Err(RowsError::Lengths { columns: columns.len(), values: values.len() });
        }
        let entries = columns.len();
        if offsets.len() > u32::MAX as usize || entries > u32::MAX as usize {
            return Err(RowsError::TooLarge { entries: entries.max(offsets.len()) });
        }
        let mut before = 0;
        for (position, &offset) in offsets.iter().enumerate() {
            let first = position == 0 && offset != 0;
            let last = position + 1 == offsets.len() && offset as usize != entries;
            if first || last || offset < before || offset as usize > entries {
                return Err(RowsError::Offsets { position, offset, entries });
            }
            before = offset;
        }
        if offsets.is_empty() {
            return Err(RowsError::Offsets { position: 0, offset: 0, entries });
        }
        let rows = Self { offsets, columns, values };
        for row in 0..rows.peers() {
            rows.check_row(row)?;
        }
        Ok(rows)
    }

    fn check_row(&self, row: usize) -> Result<(), RowsError> {
        let (columns, values) = self.slices(row);
        let mut before = None;
        for (&column, &value) in columns.iter().zip(values) {
            if column as usize >= self.peers() {
                return Err(RowsError::Column { row, column, peers: self.peers() });
            }
            if let Some(before) = before.filter(|&before| before >= column) {
                return Err(RowsError::Order { row, column, before });
            }
            if !value.is_finite() || value.is_sign_negative() {
                return Err(RowsError::Value { row, column, value });
            }
            before = Some(column);
        }
        let sum = arithmetic::sum(values);
        // Written so that a sum which overflowed is refused too.
        if (sum - 1.0).abs() <= TOLERANCE { Ok(()) } else { Err(RowsError::NotStochastic { row, sum }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constructors_agree() {
        let listed = Rows::new(2, [vec![(0, 0.25), (1, 0.75)], vec![(1, 1.0)]]).unwrap();
        let parts = Rows::from_parts(&[0, 2, 3], &[0, 1, 1], &[0.25, 0.75, 1.0]).unwrap();
        assert_eq!(listed, parts);
        assert_eq!((listed.peers(), listed.entries()), (2, 3));
        assert_eq!((listed.get(0, 1), listed.get(1, 0), listed.get(7, 0)), (0.75, 0.0, 0.0));
        assert_eq!(listed.row(0).collect::<Vec<_>>(), [(0, 0.25), (1, 0.75)]);
    }

    #[test]
    fn scores_become_weights() {
        let rows = Rows::from_scores(2, [vec![(0, 13_107), (1, 52_428)], vec![(1, 65_535)]]).unwrap();
        assert_eq!((rows.get(0, 0), rows.get(0, 1), rows.get(1, 1)), (0.2, 0.8, 1.0));
        let short = Rows::from_scores(1, [vec![(0, 65_534)]]);
        assert_eq!(short, Err(RowsError::Scores { row: 0, sum: 65_534 }));
    }

    #[test]
    fn nobody_is_a_valid_set() {
        let none = Rows::new(0, Vec::<Vec<(u32, f64)>>::new()).unwrap();
        assert_eq!((none.peers(), none.entries()), (0, 0));
        assert_eq!(Rows::from_parts(&[0], &[], &[]).unwrap(), none);
    }

    #[test]
    fn each_fault_has_its_name() {
        let one = |row: Vec<(u32, f64)>| Rows::new(1, [row]).unwrap_err();
        assert_eq!(Rows::new(2, [vec![(0, 1.0)]]), Err(RowsError::Count { rows: 1, peers: 2 }));
        assert_eq!(one(vec![(1, 1.0)]), RowsError::Column { row: 0, column: 1, peers: 1 });
        assert_eq!(one(vec![(0, 0.5), (0, 0.5)]), RowsError::Order { row: 0, column: 0, before: 0 });
        assert!(matches!(one(vec![(0, f64::NAN)]), RowsError::Value { row: 0, column: 0, value } if value.is_nan()));
        assert_eq!(one(vec![(0, f64::INFINITY)]), RowsError::Value { row: 0, column: 0, value: f64::INFINITY });
        assert_eq!(one(vec![(0, -1.0)]), RowsError::Value { row: 0, column: 0, value: -1.0 });
        assert!(matches!(one(vec![(0, -0.0)]), RowsError::Value { .. }));
        assert_eq!(one(vec![(0, 0.5)]), RowsError::NotStochastic { row: 0, sum: 0.5 });
        assert_eq!(one(vec![]), RowsError::NotStochastic { row: 0, sum: 0.0 });
        let huge = Rows::new(2, [vec![(0, f64::MAX), (1, f64::MAX)], vec![(1, 1.0)]]);
        assert_eq!(huge, Err(RowsError::NotStochastic { row: 0, sum: f64::INFINITY }));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let lengths = Rows::from_parts(&[0, 1], &[0], &[]);
        assert_eq!(lengths, Err(RowsError::Lengths { columns: 1, values: 0 }));
        for (offsets, position, offset) in
            [(&[][..], 0, 0), (&[1, 1], 0, 1), (&[0, 2], 1, 2), (&[0, 0], 1, 0), (&[0, 1, 0, 1], 2, 0)]
        {
            let refused = Rows::from_parts(offsets, &[0], &[1.0]);
            assert_eq!(refused, Err(RowsError::Offsets { position, offset, entries: 1 }));
        }
    }
}

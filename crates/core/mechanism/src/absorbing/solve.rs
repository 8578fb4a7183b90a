//! LU factors of I − Q, dense.
//!
//! Every row of Q is non-negative and sums to at most 1, and from every peer a row that sums to less is reached: I − Q is a
//! non-singular M-matrix. Elimination needs no exchange of rows, every pivot is above 0, and the order of operations is
//! fixed.

/// I − Q = LU, L with a unit diagonal below, U on and above the diagonal.
#[derive(Debug)]
pub(super) struct Factors {
    n: usize,
    lu: Vec<f64>,
}

impl Factors {
    /// Factors the n × n `matrix`, given row by row.
    pub(super) fn new(mut matrix: Vec<f64>, n: usize) -> Self {
        for k in 0..n {
            let (done, rest) = matrix.split_at_mut((k + 1) * n);
            let pivot = &done[k * n..];
            for row in rest.chunks_exact_mut(n) {
                // Skipping a factor of 0 leaves the row as the subtraction would.
                if row[k] != 0.0 {
                    let factor = row[k] / pivot[k];
                    row[k] = factor;
                    for (x, p) in row[k + 1..].iter_mut().zip(&pivot[k + 1..]) {
                        *x -= factor * p;
                    }
                }
            }
        }
        Self { n, lu: matrix }
    }

    /// The first peer whose pivot vanished, or overflowed, in binary64.
    pub(super) fn singular(&self) -> Option<usize> {
        (0..self.n).find(|&k| {
            let pivot = self.lu[k * self.n + k];
            !pivot.is_finite() || pivot <= PIVOT
        })
    }

    /// x with (I − Q) x = `right`.
    pub(super) fn solve(&self, mut right: Vec<f64>) -> Vec<f64> {
        for i in 0..self.n {
            let row = self.line(i);
            for j in 0..i {
                right[i] -= row[j] * right[j];
            }
        }
        for i in (0..self.n).rev() {
            let row = self.line(i);
            for j in i + 1..self.n {
                right[i] -= row[j] * right[j];
            }
            right[i] /= row[i];
        }
        right
    }

    /// Row i of (I − Q)⁻¹.
    pub(super) fn row(&self, i: usize) -> Vec<f64> {
        let mut x = vec![0.0; self.n];
        x[i] = 1.0;
        self.left(x, i)
    }

    /// x with xᵀ (I − Q) = `left`ᵀ, whose entries below `first` are 0.
    pub(super) fn left(&self, left: Vec<f64>, first: usize) -> Vec<f64> {
        let mut x = left;
        for k in first..self.n {
            let row = self.line(k);
            x[k] /= row[k];
            for j in k + 1..self.n {
                x[j] -= x[k] * row[j];
            }
        }
        for k in (0..self.n).rev() {
            let row = self.line(k);
            for j in 0..k {
                x[j] -= x[k] * row[j];
            }
        }
        x
    }

    fn line(&self, i: usize) -> &[f64] {
        &self.lu[i * self.n..(i + 1) * self.n]
    }
}

/// Least pivot: below it the visits would be noise.
const PIVOT: f64 = 1e-12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_of_the_inverse() {
        // I − Q for Q = [[0, ½], [¼, 0]]: the inverse is 8/7 · [[1, ½], [¼, 1]].
        let factors = Factors::new(vec![1.0, -0.5, -0.25, 1.0], 2);
        let near = |a: &[f64], b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-15);
        assert!(near(&factors.row(0), [8.0 / 7.0, 4.0 / 7.0]));
        assert!(near(&factors.row(1), [2.0 / 7.0, 8.0 / 7.0]));
        assert!(near(&factors.solve(vec![1.0, 0.0]), [8.0 / 7.0, 2.0 / 7.0]));
        assert!(near(&factors.solve(vec![0.0, 1.0]), [4.0 / 7.0, 8.0 / 7.0]));
    }
}

//! Means with intervals, and rank correlation: what a table of an experiment is made of.

use serde::Serialize;

/// A mean over seeds with its 95 % interval (Student's t).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Half the width of the 95 % interval; 0 for a single value.
    pub half: f64,
    /// How many values.
    pub values: usize,
}

impl Interval {
    /// Of `values`; not a number where there are none.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let half = if n < 2 {
            0.0
        } else {
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
            STUDENT.get(n - 2).copied().unwrap_or(1.96) * (variance / n as f64).sqrt()
        };
        Self { mean, half, values: n }
    }

    /// Of the differences a − b of pairs of the same seed.
    #[must_use]
    pub fn of_differences(a: &[f64], b: &[f64]) -> Self {
        Self::of(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
    }
}

/// 97.5 % quantiles of Student's t for 1 to 19 degrees of freedom.
const STUDENT: [f64; 19] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093,
];

/// Spearman's rank correlation, ties at their mean rank; 0 where one side does not vary.
#[must_use]
pub fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let n = a.len().min(b.len()) as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let cross: f64 = a.iter().zip(&b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum();
    let square = |values: &[f64], mean: f64| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let scale = (square(&a, mean_a) * square(&b, mean_b)).sqrt();
    if scale > 0.0 { cross / scale } else { 0.0 }
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|i, j| values[*i].total_cmp(&values[*j]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let tied = order[first..].iter().take_while(|i| values[**i] == values[order[first]]).count();
        for i in &order[first..first + tied] {
            ranks[*i] = first as f64 + (tied - 1) as f64 / 2.0;
        }
        first += tied;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_that_of_the_t_distribution() {
        let interval = Interval::of(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!((interval.mean, interval.values), (3.0, 5));
        assert!((interval.half - 2.776 * (2.5f64 / 5.0).sqrt()).abs() < 1e-12);
        assert_eq!(Interval::of(&[2.0]).half, 0.0);
        assert_eq!(Interval::of_differences(&[3.0, 4.0], &[1.0, 2.0]), Interval { mean: 2.0, half: 0.0, values: 2 });
    }

    #[test]
    fn rank_correlation_looks_at_order_alone() {
        assert_eq!(spearman(&[1.0, 2.0, 30.0], &[-1.0, 0.0, 0.1]), 1.0);
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), -1.0);
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
        let tied = spearman(&[1.0, 2.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0]);
        assert!((tied - 0.948_683_298_050_513_8).abs() < 1e-12, "{tied}");
    }
}

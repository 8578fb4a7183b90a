//! The pruning score of a neighbour (paper, "Learning Weights"): E_x[(h_j · f_j)²], the Fisher form of the loss change
//! when neighbour j is left out. Units (decisions 11): the loss is nats, mean over the bytes of a sequence; the square is
//! taken once a sequence.
//!
//! It is of first order: where a peer's answer settles the matter the loss is near zero, its gradient too, and the score
//! says little; and it has no sign, so that a peer which misleads scores as well. The exact change, [`crate::Removal`], is
//! measured on a sample of steps beside it (docs/adr/0024-scores.md).

use std::collections::BTreeMap;

/// Mean over sequences of (Σ g · f)².
///
/// `answer` and `gradient` are `[batch, seq · dim]`, row by row; the gradient is of a loss that is the mean over the
/// batch, and is scaled back by `batch` before squaring. Sizes that disagree give 0.
#[must_use]
pub fn fisher(answer: &[f32], gradient: &[f32], batch: usize) -> f64 {
    if batch == 0 || answer.len() != gradient.len() || !answer.len().is_multiple_of(batch) || answer.is_empty() {
        return 0.0;
    }
    let row = answer.len() / batch;
    let sum: f64 = answer
        .chunks_exact(row)
        .zip(gradient.chunks_exact(row))
        .map(|(f, g)| {
            let inner: f64 = f.iter().zip(g).map(|(f, g)| f64::from(*f) * f64::from(*g)).sum();
            (inner * batch as f64).powi(2)
        })
        .sum();
    sum / batch as f64
}

/// A score and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Mean of the newest steps.
    pub mean: f64,
    /// Standard error of that mean; `None` after a single step.
    pub error: Option<f64>,
    /// Steps that it was taken of.
    pub steps: u64,
}

/// Scores smoothed over steps, by hot key: each step counts 0.9 of the next one.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    sums: BTreeMap<String, Sums>,
}

/// Sums of weighted steps, the newest of weight 1.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    steps: u64,
    weights: f64,
    squared_weights: f64,
    values: f64,
    squares: f64,
}

impl Sums {
    /// What a step counts of the one after it.
    const KEPT: f64 = 0.9;

    fn take(&mut self, value: f64) {
        self.steps += 1;
        self.weights = Self::KEPT * self.weights + 1.0;
        self.squared_weights = Self::KEPT * Self::KEPT * self.squared_weights + 1.0;
        self.values = Self::KEPT * self.values + value;
        self.squares = Self::KEPT * self.squares + value * value;
    }

    fn score(&self) -> Score {
        let mean = self.values / self.weights;
        let variance = (self.squares / self.weights - mean * mean).max(0.0);
        // Of the weighted mean, from the unbiased variance: both corrections hang on Σw² / (Σw)².
        let part = self.squared_weights / (self.weights * self.weights);
        let error = (self.steps > 1).then(|| (variance * part / (1.0 - part)).sqrt());
        Score { mean, error, steps: self.steps }
    }
}

impl Scores {
    /// Most keys that are remembered; the lowest score makes room.
    pub const MOST: usize = 64;

    /// Takes the score of one step; 0 where the neighbour was not routed to. What is not finite counts as 0.
    pub fn take(&mut self, key: &str, score: f64) {
        let score = if score.is_finite() { score.max(0.0) } else { 0.0 };
        if !self.sums.contains_key(key) && self.sums.len() >= Self::MOST {
            let mean = |sums: &Sums| sums.score().mean;
            let lowest = self.sums.iter().min_by(|a, b| mean(a.1).total_cmp(&mean(b.1))).map(|(key, _)| key.clone());
            if let Some(lowest) = lowest {
                self.sums.remove(&lowest);
            }
        }
        self.sums.entry(key.to_owned()).or_default().take(score);
    }

    /// Every key and its score.
    #[must_use]
    pub fn list(&self) -> Vec<(String, Score)> {
        self.sums.iter().map(|(key, sums)| (key.clone(), sums.score())).collect()
    }

    /// The row w_i·: every key's share of all scores. Shares sum to 1; there are none while every score is 0.
    #[must_use]
    pub fn row(&self) -> Vec<(String, f64)> {
        let total: f64 = self.sums.values().map(|sums| sums.score().mean).sum();
        let share = |sums: &Sums| sums.score().mean / total;
        let row = self.sums.iter().map(|(key, sums)| (key.clone(), share(sums)));
        if total > 0.0 { row.collect() } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_mean_square_of_the_inner_products() {
        // Two sequences of two values; gradients of the batch mean are half of the sequences' own.
        let answer = [1.0, 2.0, 3.0, 4.0];
        let gradient = [0.5, 0.25, -0.5, 0.5];
        let expected = ((1.0f64 + 1.0).powi(2) + (-3.0f64 + 4.0).powi(2)) / 2.0;
        assert!((fisher(&answer, &gradient, 2) - expected).abs() < 1e-12);
    }

    #[test]
    fn sizes_that_disagree_give_zero() {
        assert_eq!(fisher(&[1.0], &[1.0, 2.0], 1), 0.0);
        assert_eq!(fisher(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 2), 0.0);
        assert_eq!(fisher(&[], &[], 0), 0.0);
    }

    #[test]
    fn scores_follow_slowly_and_stay_bounded() {
        let mut scores = Scores::default();
        let mean = |scores: &Scores, key: &str| scores.list().iter().find(|(k, _)| k == key).unwrap().1.mean;
        scores.take("a", 1.0);
        assert_eq!(mean(&scores, "a"), 1.0);
        (0..100).for_each(|_| scores.take("a", 1.0));
        scores.take("a", f64::NAN);
        assert!((mean(&scores, "a") - 0.9).abs() < 1e-4);
        for i in 0..1000 {
            scores.take(&format!("{i}"), 0.5);
        }
        assert_eq!(scores.list().len(), Scores::MOST);
        assert!(scores.list().iter().any(|(key, _)| key == "a"));
    }

    /// The error of the mean of many runs is what their means differ by.
    #[test]
    fn the_standard_error_is_the_deviation_of_the_mean() {
        let mut random = data::Random::new(4, 0);
        let (mut means, mut errors) = (Vec::new(), Vec::new());
        for _ in 0..2000 {
            let mut scores = Scores::default();
            (0..30).for_each(|_| scores.take("a", f64::from(10.0 + random.normal())));
            let score = scores.list()[0].1;
            means.push(score.mean);
            errors.push(score.error.unwrap().powi(2));
        }
        let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let mean = average(&means);
        let spread = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / means.len() as f64;
        assert!((mean - 10.0).abs() < 0.02, "{mean}");
        assert!((average(&errors) / spread - 1.0).abs() < 0.1, "{} {spread}", average(&errors));
    }

    #[test]
    fn a_row_sums_to_one_and_one_step_has_no_error() {
        let mut scores = Scores::default();
        assert!(scores.row().is_empty());
        scores.take("a", 0.0);
        assert!(scores.row().is_empty());
        scores.take("b", 3.0);
        scores.take("c", 1.0);
        assert_eq!(scores.row(), [("a".into(), 0.0), ("b".into(), 0.75), ("c".into(), 0.25)]);
        assert_eq!(scores.list()[0].1.error, None);
    }
}

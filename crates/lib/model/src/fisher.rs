//! The pruning score of a neighbour (paper, "Learning Weights"): E_x[(h_j · f_j)²], the Fisher form of the loss change
//! when neighbour j is left out. Units (decisions 11): the loss is nats, mean over the bytes of a sequence; the square is
//! taken once a sequence.

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

/// Scores smoothed over steps, by hot key.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    values: BTreeMap<String, f64>,
}

impl Scores {
    /// Share of the newest step in the mean.
    const NEW: f64 = 0.1;
    /// Most keys that are remembered; the lowest score makes room.
    pub const MOST: usize = 64;

    /// Takes the score of one step; 0 where the neighbour was not routed to. What is not finite counts as 0.
    pub fn take(&mut self, key: &str, score: f64) {
        let score = if score.is_finite() { score.max(0.0) } else { 0.0 };
        if let Some(value) = self.values.get_mut(key) {
            *value += Self::NEW * (score - *value);
            return;
        }
        if self.values.len() >= Self::MOST {
            let lowest = self.values.iter().min_by(|a, b| a.1.total_cmp(b.1)).map(|(key, _)| key.clone());
            if let Some(lowest) = lowest {
                self.values.remove(&lowest);
            }
        }
        self.values.insert(key.to_owned(), score);
    }

    /// Every key and its score.
    #[must_use]
    pub fn list(&self) -> Vec<(String, f64)> {
        self.values.iter().map(|(key, value)| (key.clone(), *value)).collect()
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
        scores.take("a", 1.0);
        scores.take("a", f64::NAN);
        assert!((scores.list()[0].1 - 0.9).abs() < 1e-12);
        for i in 0..1000 {
            scores.take(&format!("{i}"), 0.5);
        }
        assert_eq!(scores.list().len(), Scores::MOST);
        assert!(scores.list().iter().any(|(key, _)| key == "a"));
    }
}

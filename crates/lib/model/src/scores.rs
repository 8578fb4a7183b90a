//! The pruning score of a neighbour (paper, "Learning Weights"): E_x[(h_j · f_j)²], the Fisher form of the loss change
//! when neighbour j is left out. Units (decisions 11): the loss is nats, mean over the bytes of a sequence; the square is
//! taken once a sequence.
//!
//! Beside it stands the part of each answer in what the loss falls by with all of them, nats: −½ (h_j⁰ + h_j) · f_j, from the
//! gradient h_j⁰ where no answer counts and h_j where all do. That is the share of Aumann and Shapley ("Values of Non-Atomic Games",
//! 1974) along the way from the loss alone to the loss with peers, by the trapezoid rule: it has a sign, and
//! over all peers it sums to what they gain, to third order.
//!
//! The Fisher score is of first order: where a peer's answer settles the matter the loss is near zero, its gradient too, and the score
//! says little; and it has no sign, so that a peer which misleads scores as well. The exact change, [`crate::Removal`], is
//! measured on a sample of steps beside it (docs/adr/0024-scores.md).

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
}

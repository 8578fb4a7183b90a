//! Mean, deviation, quantiles and rank correlation of a few numbers, and their product; each sum in the order of its
//! argument.

/// The mean; 0 of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { sum(values.iter().copied()) / real(values.len()) }
}

/// The standard deviation of a sample (divisor n − 1); 0 of fewer than two.
#[must_use]
pub fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    (sum(values.iter().map(|value| (value - mean) * (value - mean))) / (real(values.len()) - 1.0)).sqrt()
}

/// The quantile at `level` in \[0, 1\], linear between neighbours (type 7 of Hyndman and Fan 1996); 0 of nothing.
#[must_use]
pub fn quantile(values: &[f64], level: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = level.clamp(0.0, 1.0) * real(last);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the last index")]
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
}

/// Pearson's correlation of two lists of equal length; 0 where one of them is constant, or they are of unequal length.
#[must_use]
pub fn pearson(a: &[f64], b: &[f64]) -> f64 {
    if a.len() != b.len() {
        return 0.0;
    }
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        ab += (a - mean_a) * (b - mean_b);
        aa += (a - mean_a) * (a - mean_a);
        bb += (b - mean_b) * (b - mean_b);
    }
    if aa > 0.0 && bb > 0.0 { ab / (aa.sqrt() * bb.sqrt()) } else { 0.0 }
}

/// Spearman's rank correlation: [`pearson`] of the [`places`].
#[must_use]
pub fn spearman(a: &[f64], b: &[f64]) -> f64 {
    pearson(&places(a), &places(b))
}

/// The place of every value in ascending order, from 1; those who tie share the mean of their places.
#[must_use]
pub fn places(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut places = vec![0.0; values.len()];
    let mut before = 0.0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let many = real(tied.len());
        for &index in tied {
            places[index] = before + 0.5 * (many + 1.0);
        }
        before += many;
    }
    places
}

/// Σ a_i b_i, in order.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum(a.iter().zip(b).map(|(a, b)| a * b))
}

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
#[must_use]
pub const fn real(count: usize) -> f64 {
    count as f64
}

fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut total = 0.0;
    for value in values {
        total += value;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_four_numbers() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!((mean(&values), quantile(&values, 0.5)), (2.5, 2.5));
        assert_eq!((quantile(&values, 0.0), quantile(&values, 1.0), quantile(&values, 0.25)), (1.0, 4.0, 1.75));
        assert!((deviation(&values) - (5.0_f64 / 3.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn of_nothing_and_of_one() {
        assert_eq!((mean(&[]), deviation(&[]), quantile(&[], 0.5)), (0.0, 0.0, 0.0));
        assert_eq!((mean(&[3.0]), deviation(&[3.0]), quantile(&[3.0], 0.9)), (3.0, 0.0, 3.0));
        assert_eq!(
            (spearman(&[], &[]), spearman(&[1.0, 1.0], &[1.0, 2.0]), spearman(&[1.0], &[1.0, 2.0])),
            (0.0, 0.0, 0.0)
        );
    }

    #[test]
    fn order_is_all_that_counts() {
        assert!((spearman(&[1.0, 2.0, 3.0, 4.0], &[1.0, 10.0, 11.0, 1e9]) - 1.0).abs() < 1e-15);
        assert!((spearman(&[1.0, 2.0, 3.0, 4.0], &[-1.0, -10.0, -11.0, -1e9]) + 1.0).abs() < 1e-15);
        // 1 − 6 Σd²/(n (n² − 1)) where nobody ties.
        assert!((spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 1.0, 4.0, 3.0, 5.0]) - 0.8).abs() < 1e-15);
    }

    #[test]
    fn who_ties_shares_the_places() {
        assert_eq!(places(&[5.0, 1.0, 5.0, 0.0]), [3.5, 2.0, 3.5, 1.0]);
        assert!((spearman(&[1.0, 2.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0]) - 0.948_683_298_050_513_8).abs() < 1e-15);
    }
}

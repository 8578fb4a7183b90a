//! Rows in real numbers: the Euclidean projection on the simplex, and a gradient step on it no longer than ε.
//!
//! Integer rows of a ledger have [`crate::step`]; this is what simulations and gradient methods move on.

/// The nearest point to `point` with entries ≥ 0 that sum to 1 (Duchi et al. 2008); empty for none, and equal shares for a
/// point that is not finite.
#[must_use]
pub fn project(point: &[f64]) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "fewer entries than 2^52")]
    let count = point.len() as f64;
    if point.iter().any(|value| !value.is_finite()) {
        return vec![1.0 / count; point.len()];
    }
    // A common shift moves the projection nowhere, and with the largest at 0 no sum loses the 1.
    let largest = point.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let point: Vec<f64> = point.iter().map(|value| value - largest).collect();
    let mut sorted = point.clone();
    tiny_sort::stable::sort_by(&mut sorted, |a, b| b.total_cmp(a));
    // The largest threshold for which what is above it sums to 1.
    let (mut sum, mut threshold, mut kept) = (0.0, 0.0, 0.0);
    for value in &sorted {
        sum += value;
        kept += 1.0;
        let candidate = (sum - 1.0) / kept;
        if *value <= candidate {
            break;
        }
        threshold = candidate;
    }
    point.iter().map(|value| if *value > threshold { value - threshold } else { 0.0 }).collect()
}

/// `row` after a step of `rate` along `gradient`, projected, and shortened to ε where it is longer.
///
/// The row is on the simplex, and so is every point between it and the projection.
#[must_use]
pub fn ascend(row: &[f64], gradient: &[f64], rate: f64, epsilon: f64) -> Vec<f64> {
    let aim: Vec<f64> = row.iter().zip(gradient).map(|(w, g)| w + rate * g).collect();
    let next = project(&aim);
    let mut squares = 0.0;
    for (next, w) in next.iter().zip(row) {
        squares += (next - w) * (next - w);
    }
    let length = squares.sqrt();
    if length <= epsilon {
        return next;
    }
    let part = epsilon / length;
    next.iter().zip(row).map(|(next, w)| w + part * (next - w)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_on_the_simplex_stays() {
        assert_eq!(project(&[0.25, 0.75]), [0.25, 0.75]);
        assert_eq!(project(&[2.0, 0.0]), [1.0, 0.0]);
        assert_eq!(project(&[-3.0, -3.0]), [0.5, 0.5]);
        assert_eq!(project(&[1e17, 0.0]), [1.0, 0.0]);
        assert_eq!(project(&[1e16 + 2.0, 1e16]), [1.0, 0.0]);
        assert_eq!(project(&[f64::MAX, f64::MIN]), [1.0, 0.0]);
        assert_eq!(project(&[f64::NAN, 1.0]), [0.5, 0.5]);
        assert_eq!(project(&[]), [0.0; 0]);
    }

    proptest! {
        #[test]
        fn no_point_of_the_simplex_is_nearer(
            point in prop::collection::vec(-3.0..3.0f64, 1..12),
            raw in prop::collection::vec(0.0..1.0f64, 12),
        ) {
            let near = project(&point);
            prop_assert!((near.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(near.iter().all(|value| *value >= 0.0));
            let raw = &raw[..point.len()];
            let sum: f64 = raw.iter().sum();
            prop_assume!(sum > 0.0);
            let distance = |other: &[f64]| other.iter().zip(&point).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            let other: Vec<f64> = raw.iter().map(|value| value / sum).collect();
            prop_assert!(distance(&near) <= distance(&other) + 1e-12);
        }

        #[test]
        fn a_step_is_bounded_and_stays_on_the_simplex(
            raw in prop::collection::vec(0.01..1.0f64, 2..10),
            gradient in prop::collection::vec(-2.0..2.0f64, 10),
            rate in prop_oneof![0.0..4.0f64, 1e15..1e20f64],
            epsilon in 0.001..1.0f64,
        ) {
            let sum: f64 = raw.iter().sum();
            let row: Vec<f64> = raw.iter().map(|value| value / sum).collect();
            let next = ascend(&row, &gradient[..row.len()], rate, epsilon);
            prop_assert!((next.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(next.iter().all(|value| *value >= -1e-15));
            let length = next.iter().zip(&row).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
            prop_assert!(length <= epsilon * (1.0 + 1e-12));
        }
    }
}

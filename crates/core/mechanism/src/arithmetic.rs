//! The two transcendental functions of the protocol, and the sum in index order.
//!
//! `exp` and `tanh` come from the pinned `libm`, so that x86-64, aarch64 and wasm give the same bits; a golden table in
//! the tests guards them. The platform's own `f64::exp` must not be used anywhere in this crate.

/// The logistic function σ(x) = 1 / (1 + e^−x), in \[0, 1\] for every x that is not NaN.
#[must_use]
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// e^x.
#[must_use]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// The hyperbolic tangent, in \[−1, 1\] for every x that is not NaN.
#[must_use]
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// The sum of `values` from first to last.
#[must_use]
pub fn sum(values: &[f64]) -> f64 {
    let mut total = 0.0;
    for value in values {
        total += value;
    }
    total
}

/// The sum of products from first to last, of as many entries as both have.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut total = 0.0;
    for (a, b) in a.iter().zip(b) {
        total += a * b;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logistic_saturates_without_nan() {
        assert_eq!(logistic(f64::INFINITY), 1.0);
        assert_eq!(logistic(f64::NEG_INFINITY), 0.0);
        assert_eq!(logistic(-1e4), 0.0);
        assert_eq!(logistic(0.0), 0.5);
    }

    #[test]
    fn sum_runs_from_first_to_last() {
        // 1 is lost beside 1e16 when it comes first, and kept when the large terms cancel before it.
        assert_eq!(sum(&[1.0, 1e16, -1e16]), 0.0);
        assert_eq!(sum(&[1e16, -1e16, 1.0]), 1.0);
    }
}

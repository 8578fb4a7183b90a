//! Emission in integers: what a stake accrues, and how a pool is split so that not a unit is lost.
//!
//! A pool is split by largest remainder. The shares are real numbers; they are first turned into integers relative to
//! the largest of them, after which the arithmetic is exact in 128 bits, so that two machines cannot disagree and the
//! parts sum to the pool for every input.

/// Splits `pool` units by `shares`: floor of the exact quota each, what is left one unit each to the largest
/// remainders, ties by lower index.
///
/// A share that is NaN, infinite or not positive counts as 0. The parts sum to `pool` exactly where any share counts,
/// and are all 0 where none does (the caller carries the pool over). A share below 2⁻⁵² of the largest counts as 0.
#[must_use]
pub fn split(pool: u64, shares: &[f64]) -> Vec<u64> {
    let mut largest = 0.0;
    for &share in shares {
        if counts(share) && share > largest {
            largest = share;
        }
    }
    if largest <= 0.0 {
        return vec![0; shares.len()];
    }
    let weights: Vec<u128> =
        shares.iter().map(|&share| if counts(share) { ((share / largest) * SCALE) as u128 } else { 0 }).collect();
    let total: u128 = weights.iter().sum();

    let mut parts = Vec::with_capacity(shares.len());
    let mut remainders = Vec::with_capacity(shares.len());
    let mut given: u64 = 0;
    for (index, weight) in weights.iter().enumerate() {
        // At most 2^64 · 2^52; the quotient is at most the pool, since a weight is at most the total.
        let quota = u128::from(pool) * weight;
        let part = (quota / total) as u64;
        given += part;
        parts.push(part);
        remainders.push((quota % total, index));
    }
    tiny_sort::stable::sort_by(&mut remainders, |a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    // Fewer units are left than there are remainders above 0.
    for &(_, index) in remainders.iter().take((pool - given) as usize) {
        parts[index] += 1;
    }
    parts
}

/// Emission that a stake accrues: ⌊τ · a · s · Δt⌋ base units, with τ a unit of the time that `elapsed` is in.
///
/// `scaling` is in \[0, 1\]; a product that is NaN or negative gives 0, one above `u64` its largest value.
#[must_use]
pub fn accrued(stake: u64, scaling: f64, tau: f64, elapsed: f64) -> u64 {
    // `as` saturates and takes NaN to 0; the conversion of the stake rounds to nearest even, the same everywhere.
    (tau * (scaling * stake as f64) * elapsed) as u64
}

/// 2⁵², so that the largest share has as many bits as binary64 carries exactly.
const SCALE: f64 = 4_503_599_627_370_496.0;

/// Whether a share counts.
fn counts(share: f64) -> bool {
    share.is_finite() && share > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_remainders_get_what_is_left() {
        assert_eq!(split(10, &[1.0, 1.0, 1.0]), [4, 3, 3]);
        assert_eq!(split(11, &[1.0, 1.0, 1.0]), [4, 4, 3]);
        assert_eq!(split(7, &[0.6, 0.1, 0.3]), [4, 1, 2]);
        assert_eq!(split(1, &[0.25, 0.75]), [0, 1]);
        assert_eq!(split(0, &[0.25, 0.75]), [0, 0]);
    }

    #[test]
    fn without_shares_nothing_is_split() {
        assert_eq!(split(10, &[]), [0; 0]);
        assert_eq!(split(10, &[0.0, -1.0, f64::NAN, f64::INFINITY]), [0; 4]);
        assert_eq!(split(10, &[f64::NAN, 1e-300, f64::NEG_INFINITY]), [0, 10, 0]);
    }

    #[test]
    fn a_whole_u64_is_split_exactly() {
        assert_eq!(split(u64::MAX, &[1.0, 1.0, 1.0]), [u64::MAX / 3; 3]);
        assert_eq!(split(u64::MAX, &[f64::MAX, f64::MIN_POSITIVE]), [u64::MAX, 0]);
    }

    #[test]
    fn accrual_is_a_floor_and_total() {
        assert_eq!(accrued(1_000_000_000, 1.0, 0.1, 1.0), 100_000_000);
        assert_eq!(accrued(1_000_000_000, 0.5, 0.1, 0.000_000_03), 1);
        assert_eq!(accrued(1_000_000_000, 0.0, 0.1, 1.0), 0);
        assert_eq!(accrued(1, 1.0, f64::NAN, 1.0), 0);
        assert_eq!(accrued(1, 1.0, -1.0, 1.0), 0);
        assert_eq!(accrued(u64::MAX, 1.0, f64::MAX, 2.0), u64::MAX);
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_pool(pool: u64, shares in prop::collection::vec(0.0..1.0f64, 1..40)) {
            let parts = split(pool, &shares);
            let sum: u128 = parts.iter().map(|&part| u128::from(part)).sum();
            let any = shares.iter().any(|&share| share > 0.0);
            prop_assert_eq!(sum, if any { u128::from(pool) } else { 0 });
        }

        #[test]
        fn a_part_is_within_a_unit_of_its_quota(pool in 0u64..1 << 40, shares in prop::collection::vec(0.01..1.0f64, 1..40)) {
            let total: f64 = shares.iter().sum();
            for (part, share) in split(pool, &shares).iter().zip(&shares) {
                let quota = pool as f64 * share / total;
                prop_assert!((*part as f64 - quota).abs() < 1.01);
            }
        }

        #[test]
        fn a_larger_share_never_gets_less(pool: u64, shares in prop::collection::vec(0.0..1.0f64, 2..40)) {
            // Larger by what a share is counted in, that is: of two that count the same, the first may get a unit more.
            let least = shares.iter().fold(0.0, |most: f64, share| most.max(*share)) / SCALE;
            let parts = split(pool, &shares);
            for i in 0..shares.len() {
                for j in 0..shares.len() {
                    prop_assert!(shares[i] <= shares[j] + least || parts[i] >= parts[j]);
                }
            }
        }
    }
}

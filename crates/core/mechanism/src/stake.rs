//! The step of stake in real numbers: S′ = S + τ‖S‖ I/‖I‖, so that ΣS′ = (1 + τ) ΣS.
//!
//! This is the reference that vectors, papers and simulations state. The ledger mints in integers instead
//! ([`crate::emission`]); it does not call this.

use crate::arithmetic::sum;

/// S′ of `stake` and `incentive` (as many entries, none negative) at rate `tau`; S itself where ‖S‖ or ‖I‖ is 0.
#[must_use]
pub fn next(stake: &[f64], incentive: &[f64], tau: f64) -> Vec<f64> {
    let norm = sum(incentive);
    if norm <= 0.0 {
        return stake.to_vec();
    }
    let minted = tau * sum(stake);
    stake.iter().zip(incentive).map(|(s, i)| s + minted * (i / norm)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_minted_is_tau_of_the_total() {
        let after = next(&[1.0, 2.0, 5.0], &[0.0, 3.0, 1.0], 0.5);
        assert_eq!(after, [1.0, 5.0, 6.0]);
    }

    #[test]
    fn without_incentive_or_stake_nothing_moves() {
        assert_eq!(next(&[1.0, 2.0], &[0.0, 0.0], 0.5), [1.0, 2.0]);
        assert_eq!(next(&[0.0, 0.0], &[1.0, 1.0], 0.5), [0.0, 0.0]);
        assert_eq!(next(&[], &[], 0.5), [0.0; 0]);
    }
}

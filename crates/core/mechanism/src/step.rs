//! The bounded step of a row of integer scores: from where it is towards a target, on the simplex.
//!
//! A row is (uid, score), ascending by uid, with scores that sum to 65,535. An update must satisfy ‖ΔW_i‖₂ < ε, checked
//! in integers as Σ(Δscore)² < (ε·65,535)², and hold at most `max_weights` entries. [`within`] is the check a ledger
//! makes, [`bounded`] a longest step towards a target that passes it. What the target should be is the caller's policy.

use crate::emission::split;
use crate::rows::FULL;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Whether the step from `current` to `next` is shorter than ε: Σ(Δscore)² < (ε·65,535)². Both ascend by uid.
#[must_use]
pub fn within(current: &[(u32, u16)], next: &[(u32, u16)], epsilon: f64) -> bool {
    let bound = epsilon * f64::from(FULL);
    epsilon > 0.0 && (length_squared(current, next) as f64) < bound * bound
}

/// Σ(Δscore)² between two rows that ascend by uid; exact.
#[must_use]
pub fn length_squared(current: &[(u32, u16)], next: &[(u32, u16)]) -> u64 {
    let mut total = 0;
    let (mut before, mut after) = (current.iter().peekable(), next.iter().peekable());
    loop {
        let order = match (before.peek(), after.peek()) {
            (Some(here), Some(there)) => here.0.cmp(&there.0),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return total,
        };
        let from = if order.is_le() { before.next() } else { None };
        let to = if order.is_ge() { after.next() } else { None };
        let score = |entry: Option<&(u32, u16)>| entry.map_or(0, |&(_, score)| score);
        let change = u64::from(score(from).abs_diff(score(to)));
        total += change * change;
    }
}

/// A longest step from `current` towards `target` that is shorter than `epsilon` and leaves at most `max_weights`
/// entries. The result ascends by uid, sums to 65,535 and holds no score of 0.
///
/// `target` needs no order and no norm: values that are not finite and positive are left out, those of one uid are
/// added, and of more than `max_weights` uids the largest stay (ties: the lower uid). `current` is a row as a ledger
/// holds it. Where a full row has to let entries go, those outside the target go first, smallest first; where that alone
/// would be too long a step, fewer new uids enter. Without a target, or where nothing moves within ε, the result is
/// `current`. An `epsilon` of infinity lifts the bound, as for a first row.
#[must_use]
pub fn bounded(current: &[(u32, u16)], target: &[(u32, f64)], epsilon: f64, max_weights: usize) -> Vec<(u32, u16)> {
    let goal = normalised(target, max_weights);
    if current.is_empty() {
        return rounded(&goal);
    }
    let held: BTreeMap<u32, f64> =
        current.iter().map(|&(uid, score)| (uid, f64::from(score) / f64::from(FULL))).collect();
    let mut new: Vec<(u32, f64)> = goal.iter().filter(|(uid, _)| !held.contains_key(uid)).map(pair).collect();
    largest_first(&mut new);
    for entering in (0..=new.len()).rev() {
        let enters = |uid: u32| held.contains_key(&uid) || new[..entering].iter().any(|&(other, _)| other == uid);
        let part: Vec<(u32, f64)> = goal.iter().map(pair).filter(|&(uid, _)| enters(uid)).collect();
        let goal = normalised(&part, max_weights);
        let base = opened(&held, &goal, (held.len() + entering).saturating_sub(max_weights));
        if let Some(row) = longest(current, &base, &goal, epsilon) {
            return row;
        }
    }
    current.to_vec()
}

/// The longest of the steps to base + λ (goal − base), λ in \[0, 1\], that stays within ε; `None` if λ = 0 does not.
fn longest(
    current: &[(u32, u16)],
    base: &BTreeMap<u32, f64>,
    goal: &BTreeMap<u32, f64>,
    epsilon: f64,
) -> Option<Vec<(u32, u16)>> {
    if goal.is_empty() {
        return None;
    }
    let at = |lambda: f64| {
        let mut point: BTreeMap<u32, f64> = base.iter().map(|(&uid, share)| (uid, (1.0 - lambda) * share)).collect();
        for (&uid, share) in goal {
            *point.entry(uid).or_insert(0.0) += lambda * share;
        }
        let row = rounded(&point);
        within(current, &row, epsilon).then_some(row)
    };
    let whole = at(1.0);
    if whole.is_some() {
        return whole;
    }
    let mut best = at(0.0)?;
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if let Some(row) = at(middle) {
            best = row;
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(best)
}

/// `held` after its `leaving` smallest entries outside the goal gave their shares to the goal.
fn opened(held: &BTreeMap<u32, f64>, goal: &BTreeMap<u32, f64>, leaving: usize) -> BTreeMap<u32, f64> {
    let mut outside: Vec<(u32, f64)> = held.iter().filter(|(uid, _)| !goal.contains_key(uid)).map(pair).collect();
    largest_first(&mut outside);
    let mut base = held.clone();
    let mut freed = 0.0;
    for &(uid, share) in outside.iter().rev().take(leaving) {
        base.remove(&uid);
        freed += share;
    }
    if freed > 0.0 {
        for (&uid, share) in goal {
            *base.entry(uid).or_insert(0.0) += freed * share;
        }
    }
    base
}

/// The `most` largest positive entries of `target`, added up by uid and divided by their sum.
fn normalised(target: &[(u32, f64)], most: usize) -> BTreeMap<u32, f64> {
    let mut merged: BTreeMap<u32, f64> = BTreeMap::new();
    for &(uid, value) in target {
        if value.is_finite() && value > 0.0 {
            // Added values stay finite, so that the quotients below are numbers.
            let held = merged.entry(uid).or_insert(0.0);
            *held = (*held + value).min(f64::MAX);
        }
    }
    let mut entries: Vec<(u32, f64)> = merged.iter().map(pair).collect();
    largest_first(&mut entries);
    entries.truncate(most);
    let largest = entries.first().map_or(1.0, |&(_, value)| value);
    let goal: BTreeMap<u32, f64> = entries.iter().map(|&(uid, value)| (uid, value / largest)).collect();
    let mut sum = 0.0;
    for share in goal.values() {
        sum += share;
    }
    goal.iter().map(|(&uid, share)| (uid, share / sum)).collect()
}

/// Integer scores that sum to 65,535, by largest remainder, without those of 0.
fn rounded(shares: &BTreeMap<u32, f64>) -> Vec<(u32, u16)> {
    let values: Vec<f64> = shares.values().copied().collect();
    let scores = split(u64::from(FULL), &values);
    let score = |part| u16::try_from(part).unwrap_or(FULL);
    shares.keys().zip(scores).map(|(&uid, part)| (uid, score(part))).filter(|&(_, score)| score > 0).collect()
}

/// Largest value first, ties by lower uid.
fn largest_first(entries: &mut [(u32, f64)]) {
    entries.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
}

/// An entry of a map by value.
fn pair((&uid, &share): (&u32, &f64)) -> (u32, f64) {
    (uid, share)
}

/// Halvings of λ: the step is then within 2⁻²⁴ of the longest, far below one score.
const HALVINGS: usize = 24;

#[cfg(test)]
mod tests;

//! Tests of the bounded step.

use super::*;
use proptest::prelude::*;

fn total(row: &[(u32, u16)]) -> u64 {
    row.iter().map(|&(_, score)| u64::from(score)).sum()
}

#[test]
fn lengths_are_exact() {
    assert_eq!(length_squared(&[], &[]), 0);
    assert_eq!(length_squared(&[(1, 3)], &[]), 9);
    assert_eq!(length_squared(&[(1, 3), (4, 7)], &[(0, 2), (4, 5), (9, 1)]), 9 + 4 + 4 + 1);
    let far = length_squared(&[(0, FULL)], &[(1, FULL)]);
    assert_eq!(far, 2 * u64::from(FULL) * u64::from(FULL));
    assert!(!within(&[(0, FULL)], &[(1, FULL)], 1.4));
    assert!(within(&[(0, FULL)], &[(1, FULL)], 1.5));
}

#[test]
fn the_bound_is_strict() {
    let (from, to) = ([(0, 40_000), (1, 25_535)], [(0, 39_997), (1, 25_535), (2, 3)]);
    let length = (18.0f64).sqrt() / f64::from(FULL);
    assert!(within(&from, &to, length * 1.000_001));
    assert!(!within(&from, &to, length * 0.999_999));
    assert!(!within(&from, &from, 0.0));
    assert!(!within(&from, &from, f64::NAN));
    assert!(!within(&from, &from, -1.0));
}

#[test]
fn a_step_within_reach_arrives() {
    let row = bounded(&[(0, FULL)], &[(0, 3.0), (7, 1.0)], 2.0, 64);
    assert_eq!(row, [(0, 49_151), (7, 16_384)]);
    assert_eq!(bounded(&[(3, FULL)], &[(1, 1.0), (2, 1.0)], f64::INFINITY, 64), [(1, 32_768), (2, 32_767)]);
}

#[test]
fn a_step_out_of_reach_is_as_long_as_allowed() {
    let row = bounded(&[(0, FULL)], &[(1, 1.0)], 0.5, 64);
    let length = (length_squared(&[(0, FULL)], &row) as f64).sqrt() / f64::from(FULL);
    assert!(length < 0.5 && length > 0.4999, "{length}");
    assert_eq!(total(&row), u64::from(FULL));
}

#[test]
fn without_a_target_nothing_moves() {
    let row = [(0, 60_000), (5, 5_535)];
    assert_eq!(bounded(&row, &[], 0.5, 64), row);
    assert_eq!(bounded(&row, &[(1, f64::NAN), (2, -1.0), (3, 0.0), (4, f64::INFINITY)], 0.5, 64), row);
    assert_eq!(bounded(&row, &[(1, 1.0)], 0.0, 64), row);
    assert_eq!(bounded(&row, &[(1, 1.0)], f64::NAN, 64), row);
    assert_eq!(bounded(&[], &[(1, 1.0)], 0.5, 64), [(1, FULL)]);
    assert_eq!(bounded(&[], &[], 0.5, 64), []);
}

#[test]
fn a_uid_named_twice_counts_once() {
    let once = bounded(&[(0, FULL)], &[(1, 2.0), (2, 2.0)], 9.0, 64);
    assert_eq!(bounded(&[(0, FULL)], &[(2, 1.0), (1, 2.0), (2, 1.0)], 9.0, 64), once);
    let huge = bounded(&[(0, FULL)], &[(2, f64::MAX), (1, f64::MAX), (2, f64::MAX)], 9.0, 64);
    assert_eq!(huge, [(1, 32_768), (2, 32_767)]);
}

#[test]
fn of_too_many_the_largest_stay() {
    let target: Vec<(u32, f64)> = (0..10).map(|uid| (uid, f64::from(uid + 1))).collect();
    let row = bounded(&[(0, FULL)], &target, 9.0, 3);
    assert_eq!(row.iter().map(|&(uid, _)| uid).collect::<Vec<_>>(), [7, 8, 9]);
}

#[test]
fn a_full_row_makes_room_for_newcomers() {
    // Four equal entries, four others wanted, and steps that allow less than one replacement at a time.
    let mut row: Vec<(u32, u16)> = vec![(0, 16_384), (1, 16_384), (2, 16_384), (3, 16_383)];
    let target: Vec<(u32, f64)> = (3..7).map(|uid| (uid, 1.0)).collect();
    for _ in 0..60 {
        let next = bounded(&row, &target, 0.2, 4);
        assert!(within(&row, &next, 0.2) && next.len() <= 4);
        row = next;
    }
    assert_eq!(row.iter().map(|&(uid, _)| uid).collect::<Vec<_>>(), [3, 4, 5, 6]);
}

/// A row as a ledger holds it: up to `most` uids below 24, ascending, summing to 65,535.
fn rows(most: usize) -> impl Strategy<Value = Vec<(u32, u16)>> {
    prop::collection::btree_map(0u32..24, 0.001..1.0f64, 1..=most).prop_map(|shares| rounded(&shares))
}

proptest! {
    #[test]
    fn every_step_is_a_valid_row(
        current in rows(8),
        target in prop::collection::vec((0u32..24, -0.5..1.0f64), 0..20),
        epsilon in 0.001..1.5f64,
        most in 1usize..12,
    ) {
        let next = bounded(&current, &target, epsilon, most);
        prop_assert_eq!(total(&next), u64::from(FULL));
        prop_assert!(next.windows(2).all(|pair| pair[0].0 < pair[1].0));
        prop_assert!(next.iter().all(|&(_, score)| score > 0));
        prop_assert!(next == current || within(&current, &next, epsilon));
        prop_assert!(next == current || next.len() <= most);
    }

    #[test]
    fn a_step_comes_nearer(current in rows(8), goal in rows(8), epsilon in 0.05..1.0f64) {
        let target: Vec<(u32, f64)> = goal.iter().map(|&(uid, score)| (uid, f64::from(score))).collect();
        let next = bounded(&current, &target, epsilon, 64);
        if within(&current, &goal, epsilon) {
            prop_assert_eq!(next, goal);
        } else {
            prop_assert!(length_squared(&next, &goal) < length_squared(&current, &goal));
        }
    }
}

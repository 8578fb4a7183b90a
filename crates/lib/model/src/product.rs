//! The best of n = √n · √n slots from 2 √n scores (Lample et al. 2019, "Large Memory Layers with Product Keys"): slot
//! (i, j) scores a_i + b_j, so both halves are sorted and the pairs are walked from the best one down, lazily, until
//! enough are found. The result is exact. 10,000 slots cost 200 dot products, and few pairs are looked at where most slots
//! are known.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A pair of places in the two sorted halves.
struct Pair {
    score: f32,
    places: [usize; 2],
}

/// The `n` best slots among the `known` ones, best first, and how many pairs were looked at. A score that is no number is
/// the smallest.
///
/// `first` and `second` are the scores of the halves; slot (i, j) has the number i · len(second) + j.
#[must_use]
pub fn best(first: &[f32], second: &[f32], n: usize, known: impl Fn(usize) -> bool) -> (Vec<usize>, usize) {
    let orders = [order(first), order(second)];
    let pair = |places: [usize; 2]| {
        let [i, j] = [*orders[0].get(places[0])?, *orders[1].get(places[1])?];
        Some((Pair { score: number(first[i]) + number(second[j]), places }, i * second.len() + j))
    };
    let mut heap = BinaryHeap::from_iter(pair([0, 0]));
    let (mut found, mut looked) = (Vec::with_capacity(n), 0);
    while found.len() < n {
        let Some((Pair { places: [i, j], .. }, slot)) = heap.pop() else { break };
        looked += 1;
        if known(slot) {
            found.push(slot);
        }
        // Every pair has one predecessor: (i, j) opens (i, j + 1), and the first of a row also the next row.
        heap.extend(pair([i, j + 1]));
        if j == 0 {
            heap.extend(pair([i + 1, 0]));
        }
    }
    (found, looked)
}

/// Numbers of the scores, largest first.
pub(crate) fn order(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| number(scores[*b]).total_cmp(&number(scores[*a])));
    order
}

/// The score, or the smallest where it is no number.
fn number(score: f32) -> f32 {
    if score.is_finite() { score } else { f32::MIN / 4.0 }
}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then_with(|| other.places.cmp(&self.places))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gate;
    use data::Random;
    use proptest::prelude::*;

    /// Scores of the `n` best, from all pairs.
    fn brute(first: &[f32], second: &[f32], n: usize, known: impl Fn(usize) -> bool) -> Vec<f32> {
        let all = first.iter().flat_map(|a| second.iter().map(move |b| a + b)).enumerate();
        let mut scores: Vec<f32> = all.filter(|(slot, _)| known(*slot)).map(|(_, score)| score).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        scores.truncate(n);
        scores
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_best_of_ten_thousand_are_those_of_brute_force(seed in any::<u64>(), n in 1..40usize, share in 0..100u64) {
            let mut random = Random::new(seed, 0);
            // Few distinct values, so that there are ties.
            let mut half = || (0..100).map(|_| (random.normal() * 8.0).round() / 8.0).collect::<Vec<f32>>();
            let (first, second) = (half(), half());
            let known = |slot: usize| Random::new(seed, slot as u64).next() % 100 <= share;
            let (found, _) = best(&first, &second, n, known);
            let scores: Vec<f32> = found.iter().map(|slot| first[slot / 100] + second[slot % 100]).collect();
            prop_assert_eq!(scores, brute(&first, &second, n, known));
            prop_assert!(found.iter().all(|slot| known(*slot)));
        }
    }

    #[test]
    fn ten_thousand_slots_cost_two_hundred_dot_products_and_few_pairs() {
        assert_eq!(Gate::Product.width(10_000), 200);
        assert_eq!(Gate::Flat.width(10_000), 10_000);
        let mut random = Random::new(1, 0);
        for _ in 0..50 {
            let scores: Vec<f32> = (0..200).map(|_| random.normal()).collect();
            let (found, looked) = best(&scores[..100], &scores[100..], 8, |_| true);
            assert_eq!((found.len(), looked), (8, 8));
        }
    }

    #[test]
    fn what_is_no_number_comes_last() {
        let (found, _) = best(&[f32::NAN, 1.0], &[0.0, f32::INFINITY], 4, |_| true);
        assert_eq!(found[0], 2);
        assert_eq!(found.len(), 4);
        assert!(best(&[], &[], 3, |_| true).0.is_empty());
    }
}

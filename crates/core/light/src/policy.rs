//! The row that a peer sets: a bounded step towards a target, which follows from its policy ([`Policy`]).
//!
//! By default the target is its neighbours' shares of the smoothed scores, its own among them: w_ij ∝ score of j, over
//! the peers that have a uid; the share of those that have none goes to the
//! self-loop w_ii, as does what does not fit into the entries allowed. Whatever the target, the row moves towards it by less
//! than ε: Σ(Δscore)² < (ε·65,535)²; the first row of a uid is exempt and is the target itself. Where the chain demands more
//! entries than that leaves, peers that were not scored get the least that counts.
//!
//! What the other policies aim at is found in [`crate::proposal`]. Scores that are not finite or negative count
//! as zero: they come from training on answers of strangers.

use commonware_cryptography::ed25519::PublicKey;
use ledger::{Row, Score, State, Uid};
use std::collections::{BTreeMap, BTreeSet};

/// What an own row is to follow.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Policy {
    /// The smoothed scores.
    #[default]
    Scores,
    /// The gradient of the own payoff; on chains without masks, of the share of what is paid.
    Payoff {
        /// α, worth of the loss in units of the worth τ of the rank.
        alpha: f64,
    },
    /// Shares given by hand.
    Hand,
    /// Nothing: no row is set.
    Never,
}

/// What a chain allows a row.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most entries.
    pub max_weights: usize,
    /// ε: bound of the step's length, the whole row being 1.
    pub epsilon: f64,
    /// Least entries, demanded while no majority is trusted.
    pub min_weights: usize,
    /// Least weight that counts as trust.
    pub direct: f64,
}

impl Limits {
    /// Those of the chain with this state, now.
    pub fn of(state: &State) -> Self {
        let parameters = state.parameters();
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Self {
            max_weights: count(parameters.max_weights),
            epsilon: parameters.epsilon,
            min_weights: count(state.totals().min_weights),
            direct: parameters.direct,
        }
    }
}

/// The row for peer `own` from `current` towards `target`, (uid, share) at any scale, or the target itself where `current` is
/// `None`. Without a target it is `current`, or the self-loop. `there` are all who may be named.
pub fn towards(own: Uid, current: Option<&Row>, target: &[(Uid, f64)], there: &BTreeSet<Uid>, limits: Limits) -> Row {
    let step = |part: f64| match current {
        None => Row::from_shares(target, limits.max_weights).unwrap_or_else(|_| Row::own(own)),
        Some(current) if target.is_empty() => current.clone(),
        Some(current) => bounded(current, target, Limits { epsilon: part * limits.epsilon, ..limits }),
    };
    let whole = step(1.0);
    if whole.len() >= limits.min_weights.min(there.len()) {
        return whole;
    }
    // A shorter step leaves more of ε for the entries that are missing, and so do entries too small to be trust.
    let filled = PARTS.iter().flat_map(|part| {
        let base = step(*part);
        [limits.direct, 0.0].map(|least| filled(&base, own, there, limits.min_weights, least))
    });
    let taken = |row: &Row| current.is_none_or(|current| current.within(row, limits.epsilon));
    filled.flatten().find(taken).unwrap_or(whole)
}

/// Parts of ε that are tried for the step to the target where a row lacks entries.
const PARTS: [f64; 3] = [1.0, 0.5, 0.0];

/// The row with as many entries as the chain demands: the peers that follow `own` by uid get `least`, but a score of 1 at least, from
/// the largest entry. `None` where nothing is missing or the largest entry has not enough.
fn filled(row: &Row, own: Uid, there: &BTreeSet<Uid>, min_weights: usize, least: f64) -> Option<Row> {
    let missing = min_weights.min(there.len()).checked_sub(row.len()).filter(|missing| *missing > 0)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 65,535")]
    let least = (least * f64::from(u16::MAX)).ceil().clamp(1.0, f64::from(u16::MAX)) as u16;
    let mut entries: BTreeMap<Uid, Score> = row.entries().iter().copied().collect();
    let largest = *entries.iter().max_by_key(|(_, score)| **score)?.0;
    let following = there.range(own..).chain(there.range(..own));
    let given: Vec<Uid> = following.copied().filter(|uid| row.share(*uid) == 0.0).take(missing).collect();
    let total = u16::try_from(given.len()).ok()?.checked_mul(least)?;
    let left = entries.get(&largest)?.get().checked_sub(total).filter(|left| *left > 0)?;
    entries.insert(largest, Score::new(left));
    entries.extend(given.into_iter().map(|uid| (uid, Score::new(least))));
    Row::new(entries.into_iter().collect()).ok()
}

/// Scores by uid, strangers' and those that do not fit given to `own`. Empty without any positive score.
pub(crate) fn shares(
    own: Uid,
    scores: &[(PublicKey, f64)],
    uid: impl Fn(&PublicKey) -> Option<Uid>,
    max_weights: usize,
) -> Vec<(Uid, f64)> {
    let scale = scores.iter().map(|(_, score)| *score).filter(|score| score.is_finite()).fold(0.0, f64::max);
    if scale <= 0.0 {
        return Vec::new();
    }
    let mut shares = BTreeMap::<Uid, f64>::new();
    for (key, score) in scores {
        if score.is_finite() && *score > 0.0 {
            *shares.entry(uid(key).unwrap_or(own)).or_default() += score / scale;
        }
    }
    if shares.len() > max_weights {
        let mut others: Vec<(Uid, f64)> =
            shares.iter().filter(|(uid, _)| **uid != own).map(|(u, s)| (*u, *s)).collect();
        others.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        for (uid, score) in others.into_iter().skip(max_weights.saturating_sub(1)) {
            shares.remove(&uid);
            *shares.entry(own).or_default() += score;
        }
    }
    shares.into_iter().collect()
}

/// The longest step from `current` towards `shares` that the chain takes.
fn bounded(current: &Row, shares: &[(Uid, f64)], limits: Limits) -> Row {
    let current_entries: Vec<(u32, u16)> =
        current.entries().iter().map(|(uid, score)| (uid.get(), score.get())).collect();
    let target: Vec<(u32, f64)> = shares.iter().map(|(uid, share)| (uid.get(), *share)).collect();
    let next = mechanism::step::bounded(&current_entries, &target, limits.epsilon, limits.max_weights);
    let next = next.into_iter().map(|(uid, score)| (Uid::new(uid), Score::new(score))).collect();
    Row::new(next).ok().filter(|next| current.within(next, limits.epsilon)).unwrap_or_else(|| current.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
    use ledger::Key;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { max_weights: 4, epsilon: 0.5, min_weights: 1, direct: 0.001 };

    fn key(seed: u64) -> PublicKey {
        PrivateKey::from_seed(seed).public_key()
    }

    /// Keys 0 to 7 have the uids 0 to 7.
    fn uids() -> BTreeMap<Key, Uid> {
        (0..8).map(|seed| (key(u64::from(seed)).into(), Uid::new(seed))).collect()
    }

    /// The row for peer `own` by `scores` (hot key, score): from `current` towards the target, or the target itself where
    /// `current` is `None` (the first row is exempt from ε). Without any positive score it is `current`, or the self-loop.
    fn row(
        own: Uid,
        current: Option<&Row>,
        scores: &[(PublicKey, f64)],
        uids: &BTreeMap<Key, Uid>,
        limits: Limits,
    ) -> Row {
        let target = shares(own, scores, |key| uids.get(&key.into()).copied(), limits.max_weights);
        towards(own, current, &target, &uids.values().copied().collect(), limits)
    }

    fn shares_of(row: &Row) -> Vec<(u32, f64)> {
        row.entries().iter().map(|(uid, _)| (uid.get(), (row.share(*uid) * 100.0).round() / 100.0)).collect()
    }

    #[test]
    fn the_first_row_is_the_target_and_strangers_go_to_the_self_loop() {
        let scores = [(key(1), 2.0), (key(2), 1.0), (key(99), 1.0)];
        let row = row(Uid::new(0), None, &scores, &uids(), LIMITS);
        assert_eq!(shares_of(&row), [(0, 0.25), (1, 0.5), (2, 0.25)]);
    }

    #[test]
    fn a_chain_that_demands_more_weights_gets_the_least_that_count() {
        let limits = Limits { min_weights: 4, ..LIMITS };
        let row = row(Uid::new(6), None, &[(key(1), 2.0), (key(7), 1.0)], &uids(), limits);
        let entries: Vec<_> = row.entries().iter().map(|(uid, score)| (uid.get(), score.get())).collect();
        assert_eq!(entries, [(0, 66), (1, 43_690 - 2 * 66), (6, 66), (7, 21_845)]);
        // More than there are peers is not asked of anyone.
        let there = (0..4).map(Uid::new).collect();
        assert_eq!(filled(&row, Uid::new(6), &there, 9, LIMITS.direct), None);
    }

    #[test]
    fn entries_that_are_demanded_come_before_the_step_to_the_target() {
        // The whole step to the target takes all of ε; so do four entries of a seventh, but not four of the least score.
        let limits = Limits { max_weights: 8, epsilon: 0.1, min_weights: 6, direct: 0.001 };
        let (own, there) = (Uid::new(0), (0..8).map(Uid::new).collect());
        let next = towards(own, Some(&Row::own(own)), &[(Uid::new(1), 1.0)], &there, limits);
        assert!(next.len() == 6 && Row::own(own).within(&next, 0.1), "{next:?}");
        assert!(next.share(Uid::new(1)) > 0.03, "and half the step is taken: {next:?}");
        let dear = towards(own, Some(&Row::own(own)), &[(Uid::new(1), 1.0)], &there, Limits { direct: 0.14, ..limits });
        assert!(dear.len() == 6 && dear.score(Uid::new(5)) == Score::new(1), "{dear:?}");
        // None fits: the ledger will say so.
        let narrow = Limits { epsilon: 1e-5, ..limits };
        assert_eq!(towards(own, Some(&Row::own(own)), &[(Uid::new(1), 1.0)], &there, narrow).len(), 1);
    }

    #[test]
    fn what_does_not_fit_goes_to_the_self_loop() {
        let scores: Vec<_> = (1..7).map(|seed| (key(seed), seed as f64)).collect();
        let row = row(Uid::new(0), None, &scores, &uids(), LIMITS);
        assert_eq!(shares_of(&row), [(0, 0.29), (4, 0.19), (5, 0.24), (6, 0.29)]);
    }

    #[test]
    fn later_rows_stay_within_epsilon_and_arrive() {
        let scores = [(key(1), 1.0)];
        let mut current = Row::own(Uid::new(0));
        let target = Row::own(Uid::new(1));
        let mut steps = 0;
        while current != target {
            let next = row(Uid::new(0), Some(&current), &scores, &uids(), LIMITS);
            assert!(current.within(&next, LIMITS.epsilon));
            assert!(next.distance_squared(&target) < current.distance_squared(&target), "no progress at {next:?}");
            current = next;
            steps += 1;
        }
        assert_eq!(steps, 3, "the way is √2, a step just under ½");
    }

    #[test]
    fn scores_that_are_no_numbers_count_as_nothing() {
        let scores = [(key(1), f64::NAN), (key(2), f64::INFINITY), (key(3), -1.0)];
        let current = Row::own(Uid::new(5));
        assert_eq!(row(Uid::new(0), Some(&current), &scores, &uids(), LIMITS), current);
        assert_eq!(row(Uid::new(0), None, &scores, &uids(), LIMITS), Row::own(Uid::new(0)));
    }

    proptest! {
        #[test]
        fn any_scores_give_a_row_the_ledger_takes(
            first in prop::collection::vec((0u64..12, any::<f64>()), 0..12),
            then in prop::collection::vec((0u64..12, 0.0..1e12f64), 0..12),
        ) {
            let named = |scores: Vec<(u64, f64)>| scores.into_iter().map(|(seed, score)| (key(seed), score)).collect::<Vec<_>>();
            let current = row(Uid::new(0), None, &named(first), &uids(), LIMITS);
            prop_assert!(current.len() <= LIMITS.max_weights);
            let next = row(Uid::new(0), Some(&current), &named(then), &uids(), LIMITS);
            prop_assert!(next.len() <= LIMITS.max_weights);
            prop_assert!(current.within(&next, LIMITS.epsilon));
        }
    }
}

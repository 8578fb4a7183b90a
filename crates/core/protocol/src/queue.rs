//! In which order others are answered (network.md, "Queue"): by the asker's stake times the weight it gives to this peer,
//! s_i·w_ij, aged so that no one starves.
//!
//! A request is due when it comes if nobody weighs more than its asker, [`PATIENCE`] later if its asker weighs nothing, and
//! each halving of the weight in between puts it off by the same time. What is due first is answered first. So of two that
//! wait together the heavier goes first, however little both weigh; and nothing that comes later than [`PATIENCE`] after a
//! request is answered before it.
//!
//! A hostile peer could ask without end: a few of its requests wait, the rest is refused. Many peers together could fill the
//! queue: one that is due sooner takes the place of the one due last, which is given back to be refused with the time to come
//! back. So many without stake cannot keep out one that has it, and only many that weigh more, asking all the time, can keep
//! out one that weighs less. Which connections carry a key's weight is the caller's matter.
//!
//! Who has no stake may pay: an ask whose positions [`Credits`] hold enters with the weight [`PAYING`].

mod credit;
mod open;

pub use credit::{Credits, amount, positions};
pub use open::OpenRequests;

use crate::{exchange::Refuse, limits};
use std::{collections::BTreeMap, time::Duration};

/// Requests `T` of peers `P` that wait for an answer. Times are counted from any fixed moment.
#[derive(Clone, Debug)]
pub struct Queue<P, T> {
    per_peer: usize,
    total: usize,
    /// By the time when they are due, those due together in the order in which they entered.
    waiting: BTreeMap<(Duration, u64), (P, T)>,
    entered: u64,
    /// The last turn, where something waited on.
    turn: Option<Duration>,
    /// Smoothed time between two turns while something waits.
    pace: Duration,
}

impl<P: PartialEq, T> Queue<P, T> {
    /// With the bounds of [`limits`].
    pub fn new() -> Self {
        Self::with_limits(limits::OPEN_PER_PEER, limits::WAITING)
    }

    /// With other bounds.
    pub fn with_limits(per_peer: usize, total: usize) -> Self {
        Self { per_peer, total, waiting: BTreeMap::new(), entered: 0, turn: None, pace: FIRST_PACE }
    }

    /// A request of `peer` came at `arrived`. `weight` is s_i·w_ij as a share of the heaviest asker's, from 0 to 1.
    ///
    /// Gives back what has no place, to be refused with [`Self::busy`]: this request, or the one whose place it takes.
    #[must_use = "what has no place is to be refused"]
    pub fn enter(&mut self, peer: P, weight: f64, item: T, arrived: Duration) -> Option<(P, T)> {
        if self.waiting.values().filter(|(other, _)| *other == peer).count() >= self.per_peer {
            return Some((peer, item));
        }
        self.entered += 1;
        self.waiting.insert((arrived.saturating_add(patience(weight)), self.entered), (peer, item));
        if self.waiting.len() > self.total { self.waiting.pop_last().map(|(_, last)| last) } else { None }
    }

    /// The request whose turn it is at `now`.
    pub fn take(&mut self, now: Duration) -> Option<(P, T)> {
        let (_, first) = self.waiting.pop_first()?;
        if let Some(turn) = self.turn {
            let gap = now.saturating_sub(turn).min(LONGEST_RETRY);
            self.pace = (self.pace * 7 + gap) / 8;
        }
        self.turn = (!self.waiting.is_empty()).then_some(now);
        Some(first)
    }

    /// The refusal of what finds no place: to come back when those that wait now will have been answered.
    pub fn busy(&self) -> Refuse {
        let turns = u32::try_from(self.len()).unwrap_or(u32::MAX).saturating_add(1);
        let retry = self.pace.saturating_mul(turns).clamp(LEAST_RETRY, LONGEST_RETRY);
        Refuse::Busy { retry_ms: u32::try_from(retry.as_millis()).unwrap_or(u32::MAX) }
    }

    /// Number that wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl<P: PartialEq, T> Default for Queue<P, T> {
    fn default() -> Self {
        Self::new()
    }
}

/// How long after it came a request of this weight is due; what is no number weighs nothing.
fn patience(weight: f64) -> Duration {
    if weight > 0.0 {
        // The bits of a positive number are its logarithm to base 2, but for straight lines between the powers of two.
        let halvings =
            1f64.to_bits().saturating_sub(weight.to_bits()) as f64 / (1u64 << (f64::MANTISSA_DIGITS - 1)) as f64;
        PATIENCE.mul_f64((halvings / HALVINGS).min(1.0))
    } else {
        PATIENCE
    }
}

/// Time after which a request of no weight goes before all that come then: half of the longest time that a peer waits for an
/// answer, so that even then it is answered in time. A full queue on a CPU is worked off in less than half of it, so that a
/// crowd without weight does not age past a hundredth of the heaviest.
pub const PATIENCE: Duration = Duration::from_secs(4);
/// Weight of an ask that is paid for: that of a stakeholder with an eighth of the heaviest one's product. It is due 750 ms after
/// it came, so before a crowd without stake and after those who hold the most.
pub const PAYING: f64 = 0.125;
/// Halvings of the weight that come to nothing: a row says no share finer than 2⁻¹⁶.
const HALVINGS: f64 = 16.0;
/// Time between two turns before it was measured: about one answer of preset S on a CPU.
const FIRST_PACE: Duration = Duration::from_millis(50);
/// Soonest time to come back.
const LEAST_RETRY: Duration = Duration::from_millis(50);
/// Latest time to come back: nobody works longer on one answer.
const LONGEST_RETRY: Duration = Duration::from_millis(limits::DEADLINE_MS as u64);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PER_PEER: usize = 2;
    const TOTAL: usize = 6;
    /// Less than this comes to nothing.
    const NOTHING: f64 = 1.0 / 65_536.0;

    /// One thing that happens to a queue, this many ms after the one before.
    #[derive(Clone, Debug)]
    enum Happens {
        Comes { peer: u8, weight: f64 },
        Turn,
    }

    fn weights() -> impl Strategy<Value = f64> {
        prop_oneof![Just(0.0), 0.0..=1.0, (0..20u32).prop_map(|halvings| 1.0 / f64::from(1u32 << halvings))]
    }

    fn lives() -> impl Strategy<Value = Vec<(u64, Happens)>> {
        (1..=6u8).prop_flat_map(|peers| {
            let comes = (0..peers, weights()).prop_map(|(peer, weight)| Happens::Comes { peer, weight });
            let happens = prop_oneof![2 => comes, 1 => Just(Happens::Turn)];
            prop::collection::vec((0..400u64, happens), 0..200)
        })
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Weight and time of a request.
    type Item = (f64, Duration);

    /// Requests that wait.
    fn waiting(queue: &Queue<u8, Item>) -> impl Iterator<Item = &(u8, Item)> {
        queue.waiting.values()
    }

    proptest! {
        #[test]
        fn bounds_hold_and_everything_leaves_once(life in lives()) {
            let mut queue = Queue::with_limits(PER_PEER, TOTAL);
            let (mut now, mut came, mut left) = (Duration::ZERO, vec![], vec![]);
            for (after, happens) in life {
                now += ms(after);
                match happens {
                    Happens::Comes { peer, weight } => {
                        let id = came.len();
                        came.push(id);
                        left.extend(queue.enter(peer, weight, id, now).map(|(_, id)| id));
                    }
                    Happens::Turn => left.extend(queue.take(now).map(|(_, id)| id)),
                }
                prop_assert!(queue.len() <= TOTAL);
                for peer in 0..6 {
                    prop_assert!(queue.waiting.values().filter(|(other, _)| *other == peer).count() <= PER_PEER);
                }
                prop_assert_eq!(queue.len() + left.len(), came.len());
                let Refuse::Busy { retry_ms } = queue.busy() else { panic!() };
                prop_assert!((50..=limits::DEADLINE_MS).contains(&retry_ms));
            }
            left.extend(std::iter::from_fn(|| queue.take(now)).map(|(_, id)| id));
            left.sort_unstable();
            prop_assert_eq!(left, came);
        }

        #[test]
        fn those_that_wait_together_leave_by_weight(weights in prop::collection::vec(weights(), 0..40)) {
            let mut queue = Queue::with_limits(1, weights.len());
            for (peer, weight) in weights.iter().enumerate() {
                prop_assert_eq!(queue.enter(peer, *weight, *weight, ms(7)), None);
            }
            let left: Vec<_> = std::iter::from_fn(|| queue.take(ms(8))).collect();
            for pair in left.windows(2) {
                let [(first, heavier), (second, lighter)] = pair else { panic!() };
                prop_assert!(heavier > lighter || first < second && *lighter <= heavier + NOTHING, "{pair:?}");
            }
        }

        /// Who is given back weighs less than the one that takes its place, and no more than any that stays and came later.
        #[test]
        fn the_lightest_makes_room_for_a_heavier(life in lives()) {
            let mut queue = Queue::with_limits(PER_PEER, TOTAL);
            let mut now = Duration::ZERO;
            for (after, happens) in life {
                now += ms(after);
                let Happens::Comes { peer, weight } = happens else { queue.take(now); continue };
                let full = queue.len() == TOTAL;
                let own = waiting(&queue).filter(|(other, _)| *other == peer).count();
                match queue.enter(peer, weight, (weight, now), now) {
                    None => prop_assert!(!full && own < PER_PEER),
                    Some((_, (_, came))) if came == now => prop_assert!(full || own == PER_PEER),
                    Some((_, (lightest, came))) => {
                        prop_assert!(full && lightest < weight && now < came + PATIENCE);
                        for (_, (weight, later)) in waiting(&queue) {
                            prop_assert!(*later < came || lightest <= weight + NOTHING);
                        }
                    }
                }
            }
        }

        /// Whatever comes: a request of no weight is given back within [`PATIENCE`], or it is answered after at most as
        /// many turns as there are places.
        #[test]
        fn one_of_no_weight_is_answered_whatever_comes(before in lives(), after in lives()) {
            let mut queue = Queue::with_limits(PER_PEER, TOTAL);
            let mut now = Duration::ZERO;
            let mut entered = None;
            let mut turns = 0;
            let middle = before.len();
            for (step, (gap, happens)) in before.into_iter().chain(after).enumerate() {
                now += ms(gap);
                if step == middle {
                    queue.take(now);
                    prop_assert_eq!(queue.enter(99, 0.0, (), now), None);
                    entered = Some(now);
                }
                match happens {
                    Happens::Comes { peer, weight } => {
                        if let Some((99, _)) = queue.enter(peer, weight, (), now) {
                            prop_assert!(now < entered.take().unwrap() + PATIENCE);
                        }
                    }
                    Happens::Turn => {
                        turns += usize::from(entered.is_some_and(|entered| now >= entered + PATIENCE));
                        if let Some((99, _)) = queue.take(now) {
                            entered = None;
                        }
                        prop_assert!(entered.is_none() || turns < TOTAL);
                    }
                }
            }
        }

        #[test]
        fn any_number_is_a_weight(weight in any::<f64>()) {
            prop_assert!(patience(weight) <= PATIENCE);
        }
    }

    #[test]
    fn a_heavier_one_goes_first_until_the_lighter_has_waited() {
        let next = |later: u64| {
            let mut queue = Queue::new();
            assert_eq!(queue.enter('l', 0.25, (), ms(0)), None);
            assert_eq!(queue.enter('h', 0.5, (), ms(later)), None);
            queue.take(ms(later)).unwrap().0
        };
        assert_eq!((next(0), next(249), next(250), next(251)), ('h', 'h', 'l', 'l'));
        assert_eq!([1.0, 0.75, 0.5, 0.25, 0.0].map(patience), [0, 125, 250, 500, 4_000].map(ms));
        assert_eq!(
            [f64::NAN, f64::INFINITY, -1.0, -0.0, 1e-300].map(patience),
            [4_000, 0, 4_000, 4_000, 4_000].map(ms)
        );
    }

    #[test]
    fn a_crowd_without_stake_keeps_nobody_out_who_has_some() {
        let mut queue = Queue::new();
        for peer in 0..1_000 {
            assert_eq!(queue.enter(peer, 0.0, (), ms(peer)).is_some(), peer >= 32);
        }
        assert_eq!(queue.enter(1_000, 0.01, (), ms(1_000)), Some((31, ())));
        assert_eq!(queue.take(ms(1_000)), Some((1_000, ())));
    }

    #[test]
    fn one_that_paid_goes_before_the_crowd_and_after_the_heaviest() {
        let mut queue = Queue::new();
        for peer in 0..32 {
            assert_eq!(queue.enter(peer, 0.0, (), ms(0)), None);
        }
        assert_eq!(queue.enter(100, PAYING, (), ms(0)), Some((31, ())));
        assert_eq!(queue.enter(101, 1.0, (), ms(0)), Some((30, ())));
        assert_eq!([queue.take(ms(1)), queue.take(ms(1))], [Some((101, ())), Some((100, ()))]);
        assert_eq!(patience(PAYING), ms(750));
    }

    #[test]
    fn the_time_to_come_back_follows_the_turns() {
        let mut queue = Queue::with_limits(64, 64);
        for i in 0..64 {
            assert_eq!(queue.enter('a', 1.0, i, ms(0)), None);
        }
        assert_eq!(queue.enter('a', 1.0, 64, ms(0)), Some(('a', 64)));
        assert_eq!(queue.busy(), Refuse::Busy { retry_ms: 65 * 50 });
        for turn in 0..60 {
            queue.take(ms(turn * 200));
        }
        let Refuse::Busy { retry_ms } = queue.busy() else { panic!() };
        assert!((990..=1_000).contains(&retry_ms), "four wait, and five turns of 200 ms: {retry_ms}");
        while queue.take(ms(12_000)).is_some() {}
        assert_eq!(queue.enter('b', 0.0, 0, ms(3_600_000)), None);
        let idle = queue.busy();
        queue.take(ms(3_600_000));
        assert_eq!(queue.enter('b', 0.0, 0, ms(3_600_000)), None);
        assert_eq!(queue.busy(), idle, "an hour without requests is no slow turn");
    }
}

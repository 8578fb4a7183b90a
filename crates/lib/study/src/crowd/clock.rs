//! Virtual time: what happens next, in the order of its time and of its entry, so that a run repeats to the bit.
//!
//! A wheel of buckets a millisecond wide holds what comes soon, a heap what comes later; only the bucket that is open is in
//! order. With a million messages under way that is several times as fast as one heap.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Microseconds since the start of a run.
pub type Time = u64;

/// A millisecond and a second of it.
pub const MILLI: Time = 1_000;
/// A second of it.
pub const SECOND: Time = 1_000 * MILLI;

/// Things `T` to come.
#[derive(Debug)]
pub struct Clock<T> {
    now: Time,
    entered: u64,
    /// Number of the bucket that is open.
    bucket: u64,
    open: BinaryHeap<Entry<T>>,
    wheel: Vec<Vec<Entry<T>>>,
    /// How many are on the wheel.
    soon: usize,
    far: BinaryHeap<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    at: Time,
    number: u64,
    what: T,
}

impl<T> Clock<T> {
    /// At time 0, with nothing to come.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: 0,
            entered: 0,
            bucket: 0,
            open: BinaryHeap::new(),
            wheel: (0..BUCKETS).map(|_| Vec::new()).collect(),
            soon: 0,
            far: BinaryHeap::new(),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// Lets `what` happen at `at`, or now where that is over.
    pub fn at(&mut self, at: Time, what: T) {
        let at = at.max(self.now);
        self.entered += 1;
        let entry = Entry { at, number: self.entered, what };
        let bucket = at / WIDTH;
        if bucket <= self.bucket {
            self.open.push(entry);
        } else if bucket < self.bucket + BUCKETS as u64 {
            self.wheel[(bucket % BUCKETS as u64) as usize].push(entry);
            self.soon += 1;
        } else {
            self.far.push(entry);
        }
    }

    /// What happens next; its time is now.
    pub fn advance(&mut self) -> Option<T> {
        loop {
            if let Some(Entry { at, what, .. }) = self.open.pop() {
                self.now = at;
                return Some(what);
            }
            if self.soon == 0 {
                // Nothing on the way there.
                self.bucket = self.bucket.max((self.far.peek()?.at / WIDTH).saturating_sub(1));
            }
            self.bucket += 1;
            let due = std::mem::take(&mut self.wheel[(self.bucket % BUCKETS as u64) as usize]);
            self.soon -= due.len();
            self.open.extend(due);
            while self.far.peek().is_some_and(|entry| entry.at / WIDTH <= self.bucket) {
                self.open.extend(self.far.pop());
            }
        }
    }
}

impl<T> Default for Clock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Ord for Entry<T> {
    /// The earliest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for Entry<T> {}

/// Width of a bucket.
const WIDTH: Time = MILLI;
/// Buckets: sixteen seconds, which is longer than any deadline.
const BUCKETS: usize = 1 << 14;

#[cfg(test)]
mod tests {
    use super::*;
    use data::Random;

    #[test]
    fn everything_happens_once_in_the_order_of_time_and_entry() {
        let (mut clock, mut random, mut told) = (Clock::new(), Random::new(1, 1), Vec::new());
        for number in 0..5_000u64 {
            clock.at(random.next() % (60 * SECOND), number);
        }
        let mut more = 5_000;
        while let Some(number) = clock.advance() {
            told.push((clock.now(), number));
            if more < 9_000 {
                // Soon, at once, far and in the past.
                let after = [0, 300, 20 * SECOND, 3 * MILLI][(more % 4) as usize];
                clock.at((clock.now() + after).saturating_sub(more % 2), more);
                more += 1;
            }
        }
        assert_eq!(told.len(), 9_000);
        assert!(told.is_sorted_by_key(|(at, _)| *at));
        let mut numbers: Vec<u64> = told.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..9_000));
    }

    #[test]
    fn what_is_due_together_happens_in_the_order_of_entry() {
        let mut clock = Clock::new();
        (0..10).for_each(|number| clock.at(40 * SECOND, number));
        assert!(std::iter::from_fn(|| clock.advance()).eq(0..10));
        assert_eq!(clock.now(), 40 * SECOND);
    }
}

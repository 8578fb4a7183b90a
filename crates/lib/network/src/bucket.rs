//! A token bucket as one moment (the generic cell rate algorithm): when all that was taken will have been given back. It needs no turn
//! of its own, and one that is full again says nothing and can be forgotten.

use std::time::Duration;
use web_time::Instant;

/// A bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    full: Instant,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(now: Instant) -> Self {
        Self { full: now }
    }

    /// Takes what needs `cost` to be given back; how much longer than `depth` all of it needs then.
    pub(crate) fn take(&mut self, cost: Duration, depth: Duration, now: Instant) -> Duration {
        self.full = self.full.max(now) + cost;
        self.full.saturating_duration_since(now).saturating_sub(depth)
    }

    /// Takes it where all of it is given back within `depth`, else nothing; whether it did.
    pub(crate) fn try_take(&mut self, cost: Duration, depth: Duration, now: Instant) -> bool {
        let mut taken = *self;
        let fits = taken.take(cost, depth, now).is_zero();
        if fits {
            *self = taken;
        }
        fits
    }

    /// Whether nothing is to be given back.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.full <= now
    }
}

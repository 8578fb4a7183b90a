//! Growing pauses between attempts: each failure doubles the pause up to a bound, success starts over.

use std::time::Duration;

/// The pause before the next attempt.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// Pauses from `first` to `most`.
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, next: first }
    }

    /// An attempt failed: how long to wait now.
    pub(crate) fn fail(&mut self) -> Duration {
        let pause = self.next;
        self.next = self.most.min(pause.saturating_mul(2));
        pause
    }

    /// An attempt succeeded.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_the_bound_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(8));
        let pauses: Vec<u128> = (0..6).map(|_| backoff.fail().as_millis()).collect();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 8_000]);
        backoff.reset();
        assert_eq!(backoff.fail().as_millis(), 500);
    }
}

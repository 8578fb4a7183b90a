//! The open queries of a participant: at most [`MAX_OPEN`], each with a deadline, and a growing pause after failures.
//!
//! Ids are never used twice, so a late reply finds nothing open and is dropped. A purpose that failed pauses ½ s,
//! then 1, 2, 4, at most 8 s; a success ends the pause.

use crate::Verified;
use commonware_cryptography::sha256::Digest;
use ledger::Table;
use std::collections::BTreeMap;

/// What a query is for; one of each may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// The newest head.
    Head,
    /// The links from the newest epoch whose validators are known.
    Links,
    /// The next piece of a table for the survey.
    Piece(Piece),
    /// The chain's totals for the survey.
    Totals,
    /// The own account for the survey.
    Account,
    /// Hand in the pending transaction.
    Submit,
    /// Whether the pending transaction took effect.
    Probe,
}

/// The whole tables of a survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Piece {
    Neurons,
    Weights,
}

impl Piece {
    pub(super) const ALL: [Self; 2] = [Self::Neurons, Self::Weights];

    pub(super) const fn table(self) -> Table {
        match self {
            Self::Neurons => Table::Neurons,
            Self::Weights => Table::Weights,
        }
    }
}

/// An open query.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) purpose: Purpose,
    /// The block that the reply is checked against, where there is one.
    pub(super) at: Option<Verified>,
    /// The own transaction that it is about, where there is one.
    pub(super) about: Option<Digest>,
    deadline: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Queries {
    last: u32,
    open: BTreeMap<u32, Open>,
    pauses: BTreeMap<Purpose, Pause>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    until: u64,
    length: u64,
}

impl Queries {
    /// Whether one for `purpose` may go out at `now`.
    pub(super) fn free(&self, purpose: Purpose, now: u64) -> bool {
        self.open.len() < MAX_OPEN
            && !self.is_open(purpose)
            && self.pauses.get(&purpose).is_none_or(|pause| pause.until <= now)
    }

    pub(super) fn is_open(&self, purpose: Purpose) -> bool {
        self.open.values().any(|open| open.purpose == purpose)
    }

    /// Opens one and gives its id.
    pub(super) fn open(&mut self, purpose: Purpose, at: Option<Verified>, about: Option<Digest>, now: u64) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.open.insert(self.last, Open { purpose, at, about, deadline: now.saturating_add(DEADLINE_MS) });
        self.last
    }

    /// Closes query `id`, if it is open.
    pub(super) fn close(&mut self, id: u32) -> Option<Open> {
        self.open.remove(&id)
    }

    /// Closes those past their deadline, each of which counts as failed, and gives them.
    pub(super) fn expire(&mut self, now: u64) -> Vec<Open> {
        let late: Vec<u32> = self.open.iter().filter(|(_, open)| open.deadline <= now).map(|(id, _)| *id).collect();
        let late: Vec<Open> = late.into_iter().filter_map(|id| self.close(id)).collect();
        for open in &late {
            self.failed(open.purpose, now);
        }
        late
    }

    /// Notes that a query for `purpose` came to nothing.
    pub(super) fn failed(&mut self, purpose: Purpose, now: u64) {
        let length = self.pauses.get(&purpose).map_or(PAUSE_MS, |pause| (pause.length * 2).min(MAX_PAUSE_MS));
        self.pauses.insert(purpose, Pause { until: now.saturating_add(length), length });
    }

    /// Notes that a query for `purpose` was answered well.
    pub(super) fn succeeded(&mut self, purpose: Purpose) {
        self.pauses.remove(&purpose);
    }

    /// Whether queries for `purpose` have come to nothing for a while.
    pub(super) fn in_vain(&self, purpose: Purpose) -> bool {
        self.pauses.get(&purpose).is_some_and(|pause| pause.length >= IN_VAIN_MS)
    }

    /// Forgets what is open for `purpose`: its reply will find nothing.
    pub(super) fn drop_open(&mut self, purpose: Purpose) {
        self.open.retain(|_, open| open.purpose != purpose);
    }

    /// The next time at which something changes by itself.
    pub(super) fn deadline(&self, now: u64) -> Option<u64> {
        let ends = self.pauses.values().map(|pause| pause.until).filter(|until| *until > now);
        self.open.values().map(|open| open.deadline).chain(ends).min()
    }
}

/// Most queries open at once.
pub(super) const MAX_OPEN: usize = 4;

/// Time for a reply, ms.
pub(super) const DEADLINE_MS: u64 = 5_000;

const PAUSE_MS: u64 = 500;
const MAX_PAUSE_MS: u64 = 8_000;
/// The pause after the third failure in a row.
const IN_VAIN_MS: u64 = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_four_are_open_and_one_a_purpose() {
        let mut queries = Queries::default();
        for purpose in [Purpose::Head, Purpose::Totals, Purpose::Piece(Piece::Neurons), Purpose::Piece(Piece::Weights)]
        {
            assert!(queries.free(purpose, 0));
            queries.open(purpose, None, None, 0);
            assert!(!queries.free(purpose, 0));
        }
        assert!(!queries.free(Purpose::Submit, 0), "the fifth waits");
    }

    #[test]
    fn a_late_reply_finds_nothing_and_pauses_grow_to_a_bound() {
        let mut queries = Queries::default();
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let id = queries.open(Purpose::Head, None, None, now);
            queries.expire(now + DEADLINE_MS - 1);
            assert!(queries.is_open(Purpose::Head));
            now += DEADLINE_MS;
            assert_eq!(queries.expire(now).len(), 1);
            assert!(queries.close(id).is_none());
            assert!(!queries.free(Purpose::Head, now));
            let until = queries.deadline(now).unwrap();
            pauses.push(until - now);
            assert_eq!(queries.in_vain(Purpose::Head), pauses.len() >= 3);
            now = until;
            assert!(queries.free(Purpose::Head, now));
        }
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
        queries.succeeded(Purpose::Head);
        assert_eq!(queries.deadline(now), None);
    }
}

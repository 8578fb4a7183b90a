//! The open queries of a follower: at most [`MAX_OPEN`], each with a deadline; for each purpose who was tried, and a growing pause once
//! all were.
//!
//! Ids are never used twice, so a late reply finds nothing open and is dropped. A purpose for which everyone failed pauses ½ s,
//! then 1, 2, 4, at most 8 s; a success ends the pause.

use super::Subject;
use crate::{Source, Verified};
use commonware_cryptography::sha256::Digest;
use ledger::{Height, Table};
use std::collections::{BTreeMap, BTreeSet};

/// What a query is for; one of each may be open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// Hand in a transaction.
    Submit(Digest),
    /// The links from the newest epoch whose validators are known.
    Links,
    /// The newest head.
    Head,
    /// A leaf at the head.
    Prove(Subject),
    /// The block of a transaction.
    Find(Digest),
    /// The headers from that block on.
    Attest(Digest, Height),
    /// Something for the audit.
    Audit(Need),
    /// The next piece of a table at the end of a past epoch.
    Past(u64, Table),
}

/// What an audit needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// The headers up to the end of the epoch.
    Headers,
    /// The validators of the epoch.
    Validators,
    /// How many peers there are.
    Size,
    /// The transactions of the last block.
    Body,
    /// The next piece of a table before it.
    Piece(Table),
    /// The next piece of a table after it that differs.
    Differing(Table),
}

/// An open query.
#[derive(Debug)]
pub(super) struct Open {
    pub purpose: Purpose,
    pub source: Source,
    /// The block that the reply is checked against, where there is one.
    pub at: Option<Verified>,
    deadline: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Queries {
    last: u32,
    open: BTreeMap<u32, Open>,
    failures: BTreeMap<Purpose, Failure>,
}

#[derive(Clone, Debug)]
struct Failure {
    tried: BTreeSet<Source>,
    until: u64,
    length: u64,
}

impl Queries {
    /// Whether one for `purpose` may go out at `now`.
    pub fn free(&self, purpose: &Purpose, now: u64) -> bool {
        self.open.len() < MAX_OPEN
            && !self.is_open(purpose)
            && self.failures.get(purpose).is_none_or(|failure| failure.until <= now)
    }

    pub fn is_open(&self, purpose: &Purpose) -> bool {
        self.open.values().any(|open| open.purpose == *purpose)
    }

    /// Who was asked in vain for `purpose` since the last pause.
    pub fn tried(&self, purpose: &Purpose) -> BTreeSet<Source> {
        self.failures.get(purpose).map(|failure| failure.tried.clone()).unwrap_or_default()
    }

    /// Opens one and gives its id.
    pub fn open(&mut self, purpose: Purpose, source: Source, at: Option<Verified>, now: u64) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.open.insert(self.last, Open { purpose, source, at, deadline: now.saturating_add(DEADLINE_MS) });
        self.last
    }

    /// Closes query `id`, if it is open.
    pub fn close(&mut self, id: u32) -> Option<Open> {
        self.open.remove(&id)
    }

    /// Closes those past their deadline.
    pub fn expire(&mut self, now: u64) -> Vec<Open> {
        self.extract(|open| open.deadline <= now)
    }

    /// Closes those put to a source.
    pub fn abandon(&mut self, source: &Source) -> Vec<Open> {
        self.extract(|open| open.source == *source)
    }

    fn extract(&mut self, which: impl Fn(&Open) -> bool) -> Vec<Open> {
        self.open.extract_if(.., |_, open| which(open)).map(|(_, open)| open).collect()
    }

    /// Notes that `source` was asked for `purpose` in vain.
    pub fn failed(&mut self, purpose: Purpose, source: Source, now: u64) {
        self.failure(purpose, now).tried.insert(source);
    }

    fn failure(&mut self, purpose: Purpose, now: u64) -> &mut Failure {
        self.failures.entry(purpose).or_insert(Failure { tried: BTreeSet::new(), until: now, length: 0 })
    }

    /// Notes that nobody is left to ask for `purpose`: everyone may be asked again after a pause.
    pub fn pause(&mut self, purpose: Purpose, now: u64) {
        let failure = self.failure(purpose, now);
        failure.length = (failure.length * 2).clamp(PAUSE_MS, MAX_PAUSE_MS);
        failure.until = now.saturating_add(failure.length);
        failure.tried.clear();
    }

    /// Notes that a query for `purpose` was answered well.
    pub fn succeeded(&mut self, purpose: &Purpose) {
        self.failures.remove(purpose);
    }

    /// The clock was set back.
    pub fn rewind(&mut self, now: u64) {
        self.open.values_mut().for_each(|open| open.deadline = open.deadline.min(now.saturating_add(DEADLINE_MS)));
        self.failures.values_mut().for_each(|failure| failure.until = failure.until.min(now));
    }

    /// Whether queries for `purpose` have come to nothing for a while.
    pub fn in_vain(&self, purpose: &Purpose) -> bool {
        self.failures.get(purpose).is_some_and(|failure| failure.length >= IN_VAIN_MS)
    }

    /// Forgets what is open for these purposes, and their failures: replies will find nothing.
    pub fn forget(&mut self, which: impl Fn(&Purpose) -> bool) -> Vec<Open> {
        self.failures.retain(|purpose, _| !which(purpose));
        self.extract(|open| which(&open.purpose))
    }

    /// The next time at which something changes by itself.
    pub fn deadline(&self, now: u64) -> Option<u64> {
        let ends = self.failures.values().map(|failure| failure.until).filter(|until| *until > now);
        self.open.values().map(|open| open.deadline).chain(ends).min()
    }
}

/// Most queries open at once.
pub(super) const MAX_OPEN: usize = 6;

/// Time for a reply, ms.
pub(super) const DEADLINE_MS: u64 = 5_000;

const PAUSE_MS: u64 = 500;
const MAX_PAUSE_MS: u64 = 8_000;
/// The pause after everyone failed for the third time in a row.
const IN_VAIN_MS: u64 = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> Source {
        Source::new(name)
    }

    #[test]
    fn a_few_are_open_and_one_a_purpose() {
        let mut queries = Queries::default();
        for table in Table::ALL {
            let purpose = Purpose::Audit(Need::Piece(table));
            assert!(queries.free(&purpose, 0));
            queries.open(purpose.clone(), source("a"), None, 0);
            assert!(!queries.free(&purpose, 0));
        }
        assert!(!queries.free(&Purpose::Head, 0), "the seventh waits");
    }

    #[test]
    fn a_late_reply_finds_nothing_and_pauses_grow_to_a_bound() {
        let mut queries = Queries::default();
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let id = queries.open(Purpose::Head, source("a"), None, now);
            assert!(queries.expire(now + DEADLINE_MS - 1).is_empty());
            now += DEADLINE_MS;
            assert_eq!(queries.expire(now).len(), 1);
            assert!(queries.close(id).is_none());
            queries.failed(Purpose::Head, source("a"), now);
            assert!(queries.free(&Purpose::Head, now) && queries.tried(&Purpose::Head).contains(&source("a")));
            queries.pause(Purpose::Head, now);
            assert!(!queries.free(&Purpose::Head, now) && queries.tried(&Purpose::Head).is_empty());
            let until = queries.deadline(now).unwrap();
            pauses.push(until - now);
            assert_eq!(queries.in_vain(&Purpose::Head), pauses.len() >= 3);
            now = until;
            assert!(queries.free(&Purpose::Head, now));
        }
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
        queries.succeeded(&Purpose::Head);
        assert_eq!(queries.deadline(now), None);
    }
}

//! The search of a registration's proof of work, in slices sized by how long the last one took.
//!
//! A puzzle names a recent block; after [`RENEW`] blocks the search begins anew on a newer one, so that what is found
//! leaves half of the allowed age for its way into a block.

use super::{Participant, Step};
use crate::{Event, Intent, Signer};
use ledger::{Height, Puzzle, work::RECENT};

/// A search under way.
#[derive(Debug)]
pub(super) struct Search {
    puzzle: Puzzle,
    recent: Height,
    next: u64,
    count: u64,
    tried: u64,
    began: u64,
    told: u64,
    asked: Option<u64>,
}

impl Search {
    fn new(puzzle: Puzzle, recent: Height, now: u64) -> Self {
        Self { puzzle, recent, next: 0, count: FIRST, tried: 0, began: now, told: now, asked: None }
    }

    /// Whether a slice may go out: none is under way.
    pub(super) const fn ready(&self) -> bool {
        self.asked.is_none()
    }
}

impl Participant {
    /// Whether the state allows a new registration: known to be absent, and nothing under way.
    fn may_register(&self) -> bool {
        let settled = self.wallet.settled(Signer::Hot);
        let absent = self.mine.neuron().is_some_and(|(at, neuron)| neuron.is_none() && at >= settled);
        let in_tables = self.follower.tables().is_none_or(|tables| tables.uid(&self.me).is_some());
        self.joined
            && absent
            && !in_tables
            && self.follower.refuted().is_none()
            && self.wallet.is_idle(Signer::Hot, self.now)
            && self.is_current(Signer::Hot, settled)
    }

    /// Begins, renews or ends the search as the state asks; who has the price of a subscription pays that.
    pub(super) fn plan_search(&mut self) {
        let Some(head) = self.follower.head().cloned().filter(|_| self.may_register()) else {
            self.search = None;
            return;
        };
        let subscription = self.parameters().subscription;
        if self.mine.account(Signer::Hot).is_some_and(|account| account.balance >= subscription) {
            self.search = None;
            return self.ask(Intent::Subscribe);
        }
        let recent = head.height();
        let difficulty = self.follower.tables().map_or(u64::MAX, |tables| tables.state().totals().difficulty);
        let fits = |search: &Search| recent.since(search.recent) <= RENEW && search.puzzle.difficulty >= difficulty;
        if !self.search.as_ref().is_some_and(fits) {
            let puzzle =
                Puzzle { chain: self.follower.chain(), key: self.me.clone(), recent: head.digest(), difficulty };
            let mut search = Search::new(puzzle, recent, self.now);
            if let Some(old) = self.search.take() {
                (search.count, search.tried, search.began, search.told, search.asked) =
                    (old.count, old.tried, old.began, old.told, old.asked);
            }
            self.search = Some(search);
        }
    }

    /// Tells how far the search is.
    fn tell_work(&mut self) {
        let Some(search) = self.search.as_ref() else { return };
        let elapsed = self.now.saturating_sub(search.began).max(1);
        #[expect(clippy::cast_precision_loss, reason = "figures to show")]
        let rate = search.tried as f64 * 1_000.0 / elapsed as f64;
        let (tried, expected, paused) = (search.tried, search.puzzle.expected(), self.holds_work);
        self.events.push_back(Event::Working { tried, expected, rate, paused });
    }

    /// Holds the proof of work, or goes on with it.
    pub fn hold_work(&mut self, hold: bool) {
        self.holds_work = hold;
        self.tell_work();
    }

    /// The next slice, if one is due.
    pub(super) fn next_slice(&mut self) -> Option<Step> {
        let hold = self.holds_work;
        let search = self.search.as_mut().filter(|search| search.ready() && !hold)?;
        search.asked = Some(self.now);
        let (start, count) = (search.next, search.count);
        search.next = start.wrapping_add(count);
        Some(Step::Search { puzzle: search.puzzle.clone(), start, count })
    }

    /// A slice of the search ended after `tried` hashes, with what it found.
    pub fn handle_search(&mut self, found: Option<u64>, tried: u64, now: u64) {
        self.now = now;
        let Some(search) = self.search.as_mut() else { return };
        let Some(asked) = search.asked.take() else { return };
        let took = now.saturating_sub(asked);
        if took < SLICE_MS / 2 {
            search.count = search.count.saturating_mul(2).min(LARGEST);
        } else if took > SLICE_MS * 3 / 2 {
            search.count = (search.count / 2).max(SMALLEST);
        }
        search.tried = search.tried.saturating_add(tried);
        // What was found for a puzzle that was renewed meanwhile does not solve the new one.
        let solved = found.filter(|work| search.puzzle.check(*work));
        if solved.is_some() || now.saturating_sub(search.told) >= TELL_MS {
            search.told = now;
            self.tell_work();
        }
        if let Some(work) = solved {
            let Some(search) = self.search.take() else { return };
            let recent = search.recent;
            self.register(recent, work);
        }
    }
}

/// Blocks after which a puzzle is renewed.
const RENEW: u64 = RECENT / 2;

/// How long a slice should take, ms: a worker answers messages between two.
const SLICE_MS: u64 = 24;

/// Hashes in the first slice, the smallest and the largest.
const FIRST: u64 = 1_024;
const SMALLEST: u64 = 64;
const LARGEST: u64 = 1 << 20;

/// Time between two reports, ms.
const TELL_MS: u64 = 250;

//! Heads and links: when to ask for them, from whomever, and what gossip brings.
//!
//! The next head is asked for when it should be there. Links are asked for where the newest block elected validators who are not
//! known, or where a head was heard of that they certify. After a long absence each reply brings [`MAX_LINKS`] epochs nearer,
//! within the trust period. A hostile peer that tells of an epoch far ahead costs one question, which has the pauses of all
//! questions; a source without the links is asked again while the newest block itself calls for them.

use super::queries::Purpose;
use super::{Follower, Step};
use crate::gossip::{self, Judgement};
use crate::{Accepted, Alarm, Error, Seen, Verified, epochs};
use bytes::Bytes;
use ledger::query::{Link, MAX_LINKS};
use ledger::{Header, Height, Query, Reply};

/// When to ask for heads and links, and since when there was no head.
#[derive(Debug)]
pub(super) struct Heads {
    pub next: u64,
    asked: u64,
    hinted: bool,
    last_new: u64,
    stalled: bool,
    /// The newest epoch that a head was heard of, by the word of whoever passed it on.
    heard: u64,
    /// Height of the newest head that was passed on.
    passed: Option<Height>,
}

impl Heads {
    pub const fn new(now: u64) -> Self {
        Self { next: now, asked: 0, hinted: false, last_new: now, stalled: false, heard: 0, passed: None }
    }
}

impl Heads {
    /// The clock was set back.
    pub fn rewind(&mut self, now: u64) {
        self.next = self.next.min(now);
        self.asked = self.asked.min(now);
        self.last_new = self.last_new.min(now);
    }
}

impl Follower {
    /// There may be a newer head: ask soon.
    pub fn hint(&mut self) {
        self.heads.hinted = true;
        self.heads.next = self.heads.next.min(self.heads.asked.saturating_add(MIN_HEAD_MS));
    }

    /// Somebody says that `bytes` are a newer head: takes it over where it is, and says what it is worth.
    pub fn handle_gossiped_head(&mut self, bytes: &[u8], now: u64) -> Judgement {
        self.now = now;
        if self.stopped {
            return Judgement::Ignore;
        }
        let Ok((header, finalization)) = gossip::head(bytes) else { return Judgement::Reject };
        let height = header.height;
        let heard = self.heads.passed >= Some(height) || height < self.client.height();
        let known = || self.client.verified_at(height) == Some(header.digest());
        if self.client.is_past(height) || heard && known() {
            return Judgement::Ignore;
        }
        match self.take_head(header, &finalization) {
            Ok(Accepted::Known) if heard => Judgement::Ignore,
            Ok(_) => {
                self.heads.passed = Some(height);
                Judgement::Accept
            }
            Err(error) => {
                let judgement = Judgement::of_head(&error);
                // A person is told where it ends things; what else strangers say is not worth a word each.
                if error.fatal() {
                    self.stop(error);
                }
                judgement
            }
        }
    }

    /// Time without a new head after which the chain counts as stalled, ms.
    fn patience(&self) -> u64 {
        self.parameters().block_time.saturating_mul(STALL_BLOCKS).max(STALL_MS)
    }

    pub(super) fn stall_at(&self) -> Option<u64> {
        (!self.heads.stalled).then_some(self.heads.last_new.saturating_add(self.patience()))
    }

    pub(super) fn notice_stall(&mut self) {
        let silent_ms = self.now.saturating_sub(self.heads.last_new);
        if self.heads.stalled || silent_ms < self.patience() {
            return;
        }
        self.heads.stalled = true;
        let height = self.client.height();
        self.events.push_back(Seen::Alarm(Alarm::Stalled { silent_ms, height }));
    }

    pub(super) fn next_head(&mut self) -> Option<Step> {
        if self.heads.next > self.now {
            return None;
        }
        let step = self.ask(Purpose::Head, Query::Head, None)?;
        self.heads.asked = self.now;
        self.heads.hinted = false;
        self.heads.next = self.now.saturating_add(self.parameters().block_time);
        Some(step)
    }

    pub(super) fn on_head(&mut self, reply: Reply) -> Result<(), Error> {
        let Reply::Head { header, finalization } = reply else { return Err(Error::WrongReply) };
        match self.take_head(header, &finalization) {
            // Where links are missing they come first.
            Ok(Accepted::New(_)) | Err(Error::NeedsLinks { .. }) => {}
            Ok(Accepted::Known) | Err(Error::NonMonotonicHeight { .. }) => {
                self.ask_head_at(self.now.saturating_add(self.parameters().block_time / 2));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes a head from whomever, and asks for the next when that should be there.
    fn take_head(&mut self, header: Header, finalization: &Bytes) -> Result<Accepted, Error> {
        let now = self.now;
        let epoch = epochs::of(header.height, self.parameters().tempo);
        let accepted = self.client.accept(header, finalization, now).inspect_err(|error| {
            if matches!(error, Error::NeedsLinks { .. }) {
                self.heads.heard = self.heads.heard.max(epoch);
            }
        })?;
        if let Accepted::New(head) = &accepted {
            self.on_new_head(head.clone());
        }
        Ok(accepted)
    }

    pub(super) fn on_new_head(&mut self, head: Verified) {
        self.heads.last_new = self.now;
        self.heads.stalled = false;
        let due = head.header().time.saturating_add(self.parameters().block_time).saturating_add(FINALITY_MS);
        self.ask_head_at(due);
        self.compare_claims(head.height());
        self.events.push_back(Seen::Head { head: Box::new(head), now: self.now });
        self.keep_links();
    }

    /// What the party that named the checkpoint said is looked at once the chain is there.
    pub(super) fn compare_claims(&mut self, height: Height) {
        for claim in core::mem::take(&mut self.claims) {
            match self.client.verified_at(claim.height) {
                Some(got) if got != claim.digest => {
                    let (height, expected) = (claim.height, claim.digest);
                    self.events.push_back(Seen::Alarm(Alarm::Reply(Error::NotTheCheckpoint { height, expected, got })));
                }
                None if claim.height > height => self.claims.push(claim),
                _ => {}
            }
        }
    }

    /// Asks for the next head at `time`, or sooner after a hint, but not too soon and not much later.
    fn ask_head_at(&mut self, time: u64) {
        let soonest = self.now.saturating_add(MIN_HEAD_MS);
        let latest = soonest.max(self.now.saturating_add(self.parameters().block_time));
        self.heads.next = if self.heads.hinted { soonest } else { time.clamp(soonest, latest) };
    }

    /// Whether the next block, or one that was heard of, is certified by validators who are not known.
    fn lacks_links(&self) -> bool {
        self.client.awaits_link() || self.heads.heard > self.client.epoch()
    }

    /// A source has no links to where a head was heard of: that may be nowhere.
    pub(super) const fn forget_heard(&mut self) {
        self.heads.heard = 0;
    }

    /// Asks for links, where some are missing.
    pub(super) fn next_links(&mut self) -> Option<Step> {
        if !self.lacks_links() {
            return None;
        }
        let from = self.client.epoch().saturating_add(1);
        let limit = u32::try_from(MAX_LINKS).unwrap_or(u32::MAX);
        self.ask(Purpose::Links, Query::Epochs { from, limit }, None)
    }

    /// Whether a reply for `purpose` says no more than that its source is behind.
    pub(super) fn nothing_new(&self, purpose: &Purpose, reply: &Reply) -> bool {
        match (purpose, reply) {
            (Purpose::Links, Reply::Epochs { links }) => {
                let number = |link: &Link| epochs::after(link.header.height, self.parameters().tempo);
                links.last().is_none_or(|last| number(last) <= self.client.epoch())
            }
            (Purpose::Audit(need), reply) => self.is_behind(*need, reply),
            _ => false,
        }
    }

    /// Follows the links, and asks for the head once none is missing.
    pub(super) fn on_links(&mut self, reply: Reply) -> Result<(), Error> {
        let Reply::Epochs { links } = reply else { return Err(Error::WrongReply) };
        let before = self.client.height();
        let outcome = self.client.accept_links(&links, self.now);
        if let Some(head) = self.client.head().filter(|head| head.height() > before) {
            self.on_new_head(head.clone());
        }
        self.keep_links();
        if !self.lacks_links() {
            self.ask_head_at(self.now);
        }
        outcome
    }
}

/// Least time between two questions for the head, ms.
const MIN_HEAD_MS: u64 = 200;

/// A block is final about this long after the time in its header, ms (one validator: 9 to 26, four: 110 to 210).
const FINALITY_MS: u64 = 150;

/// Blocks without a head, and least time, after which the chain counts as stalled.
const STALL_BLOCKS: u64 = 10;
const STALL_MS: u64 = 15_000;

//! From epoch to epoch: asks for links where the newest block elected validators who are not known, or where a head was
//! heard of that they certify.
//!
//! After a long absence each reply brings [`MAX_LINKS`] epochs nearer, within the trust period. A hostile peer that tells of
//! an epoch far ahead costs one question, which has the pauses of all questions; a source without the links is asked
//! again while the newest block itself calls for them.

use super::queries::Purpose;
use super::{Participant, Step};
use crate::{Error, epochs};
use ledger::query::{Link, MAX_LINKS};
use ledger::{Query, Reply};

impl Participant {
    /// Whether the next block, or one that was heard of, is certified by validators who are not known.
    fn lacks_links(&self) -> bool {
        self.client.awaits_link() || self.follow.heard > self.client.epoch()
    }

    /// A source has no links to where a head was heard of: that may be nowhere.
    pub(super) const fn forget_heard(&mut self) {
        self.follow.heard = 0;
    }

    /// Asks for links, where some are missing.
    pub(super) fn next_links(&mut self) -> Option<Step> {
        let now = self.now;
        if !self.lacks_links() || !self.queries.free(Purpose::Links, now) {
            return None;
        }
        let from = self.client.epoch().saturating_add(1);
        let limit = u32::try_from(MAX_LINKS).unwrap_or(u32::MAX);
        let id = self.queries.open(Purpose::Links, None, None, now);
        Some(Step::Query { id, query: Query::Epochs { from, limit } })
    }

    /// Whether a reply for `purpose` holds no link that was not followed before: its source is behind.
    pub(super) fn nothing_new(&self, purpose: Purpose, reply: &Reply) -> bool {
        let (Purpose::Links, Reply::Epochs { links }) = (purpose, reply) else { return false };
        let number = |link: &Link| epochs::after(link.header.height, self.parameters.tempo);
        links.last().is_none_or(|last| number(last) <= self.client.epoch())
    }

    /// Follows the links, and asks for the head once none is missing.
    pub(super) fn on_links(&mut self, reply: Reply) -> Result<(), Error> {
        let Reply::Epochs { links } = reply else { return Err(Error::WrongReply) };
        let before = self.client.height();
        let outcome = self.client.accept_links(&links, self.now);
        if let Some(head) = self.client.head().filter(|head| head.height() > before) {
            self.on_new_head(head.clone());
        }
        if !self.lacks_links() {
            self.ask_head_at(self.now);
        }
        outcome
    }
}

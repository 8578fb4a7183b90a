//! What is kept for the next visit, and what is made of it then ([`Shelf`]).
//!
//! Links are appended as they are verified; the checkpoint that they begin from and the newest head are written with each end of an
//! epoch, the tables with each audit. On the next visit verification begins from that checkpoint and checks every kept signature and root
//! again. When the checkpoint has half of the trust period behind it the newest end of an epoch takes its place, and the links before are
//! let go.

use super::auditing::Base;
use super::{Follower, Options};
use crate::shelf::{self, Begin};
use crate::{Alarm, Checkpoint, Client, Error, Seen, Shelf, Tables, epochs};
use bytes::{Bytes, BytesMut};
use ledger::query::Link;

impl Follower {
    /// What `shelf` held at the end of the last visit. To be called before the first poll, in the order of [`Shelf::ALL`].
    ///
    /// What is damaged is told and written anew; what is too old is left alone.
    pub fn restore(&mut self, shelf: Shelf, bytes: &[u8], now: u64) {
        self.now = now;
        let outcome = match shelf {
            Shelf::Links => self.restore_links(bytes),
            _ if bytes.is_empty() => Ok(()),
            Shelf::Head => self.restore_head(bytes),
            Shelf::Epoch => self.restore_epoch(bytes),
            Shelf::Own => Ok(()),
        };
        if let Err(error) = outcome {
            self.damaged(shelf, error);
        }
    }

    /// Tells that a shelf cannot be used, and empties it.
    pub(crate) fn damaged(&mut self, shelf: Shelf, error: Error) {
        self.events.push_back(Seen::Alarm(Alarm::Damaged { shelf, error }));
        self.keep(shelf, Bytes::new(), false);
    }

    fn restore_head(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Begin { checkpoint, head, refuted } = Begin::from_bytes(bytes)?;
        if let Some(difference) = refuted {
            self.events.push_back(Seen::Alarm(Alarm::WrongEconomics(difference.clone())));
            self.refuted = Some(difference);
        }
        let given = self.client.checkpoint().clone();
        match Client::new(&self.genesis, checkpoint, self.now) {
            Ok(client) => self.client = client,
            // The visit before is too long ago: what the page says is newer.
            Err(Error::StaleCheckpoint { .. }) => {
                self.keep(Shelf::Links, Bytes::new(), false);
                self.stale = true;
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        if given.height != self.client.checkpoint().height {
            self.claims.push(given);
        } else if given.digest != self.client.checkpoint().digest {
            let (height, expected, got) = (given.height, self.client.checkpoint().digest, given.digest);
            self.events.push_back(Seen::Alarm(Alarm::Reply(Error::NotTheCheckpoint { height, expected, got })));
        }
        self.kept = head;
        Ok(())
    }

    fn restore_links(&mut self, bytes: &[u8]) -> Result<(), Error> {
        // Links that a checkpoint of too long ago began are let go with it.
        let (links, mut outcome) = shelf::links(if self.stale { &[] } else { bytes });
        let mut good = 0;
        for (link, end) in links {
            let followed = epochs::after(link.header.height, self.parameters().tempo) <= self.client.epoch();
            if followed {
                good = end;
                continue;
            }
            if let Err(error) = self.client.accept_links(core::slice::from_ref(&link), self.now) {
                outcome = Err(error);
                break;
            }
            good = end;
        }
        self.serve_links();
        if let Err(error) = outcome {
            self.events.push_back(Seen::Alarm(Alarm::Damaged { shelf: Shelf::Links, error }));
            self.keep(Shelf::Links, Bytes::copy_from_slice(bytes.get(..good).unwrap_or_default()), false);
        }
        if let Some((header, finalization)) = self.kept.take() {
            // It may be of an epoch whose link is lost; the sources have newer ones. The link that it ends may be lost too.
            let _ = self.client.accept(header, &finalization, self.now);
            self.keep_links();
        }
        self.compare_claims(self.client.height());
        let epochs = self.links.len() as u64;
        if epochs > 0 || self.client.head().is_some() {
            self.events.push_back(Seen::Restored { height: self.client.height(), epochs, tables: false });
        }
        Ok(())
    }

    fn restore_epoch(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let state = shelf::state(bytes)?;
        let height = state.height();
        let known = self.client.end().filter(|(end, _)| *end == height);
        let Some(header) = known.and_then(|_| self.client.certified(height)).map(|(header, _)| header.clone()) else {
            // Of another epoch than the newest that is known: the sources have that one.
            return Ok(());
        };
        let table = ledger::Table::ALL.into_iter().find(|table| state.roots().of(*table) != header.root(*table));
        if let Some(table) = table {
            return Err(Error::WrongRoot { table, height });
        }
        if state.chain() != self.chain || *state.parameters() != self.genesis.parameters {
            return Err(Error::WrongChain { expected: self.chain.0, got: state.chain().0 });
        }
        self.base = Some(Base::kept(header, Tables::new(state)));
        let epochs = self.links.len() as u64;
        self.events.push_back(Seen::Restored { height, epochs, tables: true });
        Ok(())
    }

    /// Keeps the links that were verified, and the head with them.
    pub(super) fn keep_links(&mut self) {
        let links = self.serve_links();
        if links.is_empty() {
            return;
        }
        if self.renew_checkpoint() {
            return;
        }
        let mut bytes = BytesMut::new();
        links.iter().for_each(|link| bytes.extend_from_slice(&shelf::link(link)));
        self.keep(Shelf::Links, bytes.freeze(), true);
        self.keep_head();
    }

    /// Keeps where verification begins the next time, and how far it got.
    pub(super) fn keep_head(&mut self) {
        self.keep_begin(self.client.checkpoint().clone());
    }

    fn keep_begin(&mut self, checkpoint: Checkpoint) {
        let head = self.client.head().and_then(|head| self.client.certified(head.height()));
        let head = head.map(|(header, finalization)| (header.clone(), finalization.clone()));
        let begin = Begin { checkpoint, head, refuted: self.refuted.clone() };
        self.keep(Shelf::Head, begin.to_bytes(), false);
    }

    /// Lets verification begin from the newest end of an epoch the next time, where the checkpoint grows old.
    fn renew_checkpoint(&mut self) -> bool {
        let age = self.now.saturating_sub(self.client.checkpoint().time);
        if age <= self.parameters().trust_period / 2 {
            return false;
        }
        let Some((end, digest)) = self.client.end() else { return false };
        let Some((header, _)) = self.client.certified(end) else { return false };
        let Some(validators) = self.client.validators(epochs::after(end, self.parameters().tempo)) else {
            return false;
        };
        let checkpoint = Checkpoint { height: end, digest, time: header.time, validators };
        // First what the links that are left belong to.
        self.keep(Shelf::Links, Bytes::new(), false);
        self.keep_begin(checkpoint);
        true
    }

    /// Takes over the links that were verified, to be served; gives them.
    fn serve_links(&mut self) -> Vec<Link> {
        let links = self.client.take_links();
        self.past.remember(&links);
        self.links.extend(links.iter().cloned());
        while self.links.len() > SERVED {
            self.links.pop_front();
        }
        links
    }
}

impl Options {
    /// Whether a chain of so many peers is audited.
    pub(super) const fn takes(&self, peers: u32) -> bool {
        peers <= self.whole && self.whole > 0
    }
}

/// Links that are held to be served.
const SERVED: usize = 1_024;

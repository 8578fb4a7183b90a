//! The market after a past epoch, on request: its tables, each against its root in the last header of that epoch.
//!
//! That header is verified already: it is the link that was followed to the next validators. Nodes keep the epoch table of thousands of
//! epochs, and the tables of peers, rows and bonds of the newest few: what nobody has is left out, and said so. What
//! was computed at this visit is given at once.
//!
//! A source could give other tables (they do not meet the root: it is named and not asked any more), or say that it has none (its word, and
//! the others are asked). It is asked for a few epochs at a time, so that heads and audits have room.

use super::queries::Purpose;
use super::{Follower, Step};
use crate::market::{Market, Peers};
use crate::tables::Assembly;
use crate::{Error, Seen, Source, epochs};
use ledger::query::Link;
use ledger::table::Tree;
use ledger::{Header, Query, Reply, Table};
use std::collections::VecDeque;

/// The verified ends of epochs, and what is wanted of them.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Ascending.
    ends: VecDeque<Header>,
    wanted: Vec<Want>,
}

/// The tables of one epoch on their way.
#[derive(Debug)]
struct Want {
    epoch: u64,
    end: Header,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    table: Table,
    coming: Assembly,
    from: Option<Source>,
    whole: Option<Tree>,
}

impl Want {
    fn new(epoch: u64, end: Header) -> Self {
        let part = |table| Part { table, coming: Assembly::new(table), from: None, whole: None };
        Self { epoch, end, parts: TABLES.map(part).into() }
    }

    /// The first part that is not there.
    fn open(&mut self) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.whole.is_none())
    }

    /// Takes the whole tables, in the order in which they are asked for.
    fn market(&self) -> Result<Market, Error> {
        let whole: Vec<&Tree> = self.parts.iter().filter_map(|part| part.whole.as_ref()).collect();
        let [totals, rest @ ..] = &whole[..] else { return Err(Error::WrongReply) };
        let mut market = Market::proven(self.epoch, &self.end, totals.leaves())?;
        if let [neurons, weights, bonds] = rest {
            market.peers = Some(Peers::proven(neurons.leaves(), weights.leaves(), bonds.leaves())?);
        }
        Ok(market)
    }
}

impl Past {
    /// Remembers ends of epochs that were verified.
    pub fn remember(&mut self, links: &[Link]) {
        self.ends.extend(links.iter().map(|link| link.header.clone()));
        while self.ends.len() > MOST_ENDS {
            self.ends.pop_front();
        }
    }

    /// Takes out what is wanted of an epoch.
    fn take(&mut self, epoch: u64) -> Option<Want> {
        let at = self.wanted.iter().position(|want| want.epoch == epoch)?;
        Some(self.wanted.remove(at))
    }
}

impl Follower {
    /// The first and the last epoch that can be asked for.
    pub fn epochs(&self) -> Option<(u64, u64)> {
        let number = |end: &Header| epochs::after(end.height, self.parameters().tempo);
        let (first, last) = (self.past.ends.front().map(number), self.past.ends.back().map(number));
        let newest = self.newest_epoch();
        Some((first.or(newest)?, last.max(newest)?))
    }

    /// The epoch of the newest whole tables.
    fn newest_epoch(&self) -> Option<u64> {
        self.base.as_ref().map(|base| epochs::after(base.end.height, self.parameters().tempo))
    }

    /// That of the newest whole tables: those of [`Follower::tables`].
    pub fn newest_market(&self) -> Option<Market> {
        let (base, epoch) = (self.base.as_ref()?, self.newest_epoch()?);
        Some(Market::of(base.tables(), epoch, epoch == 0 || base.before.is_some()))
    }

    /// Asks for the market after a past epoch: [`Seen::Market`] or [`Seen::NoMarket`], sooner or later.
    pub fn market(&mut self, epoch: u64) {
        if self.newest_epoch() == Some(epoch) {
            return self.events.extend(self.newest_market().map(|market| Seen::Market(Box::new(market))));
        }
        let tempo = self.parameters().tempo;
        let Some(end) = self.past.ends.iter().find(|end| epochs::after(end.height, tempo) == epoch).cloned() else {
            let reason = match self.epochs() {
                Some((first, last)) => format!("its end is not verified here: epochs {first} to {last} are"),
                None => "no end of an epoch is verified here yet".into(),
            };
            return self.no_market(epoch, reason);
        };
        if self.past.wanted.len() >= MOST_WANTED {
            return self.no_market(epoch, format!("{MOST_WANTED} others are asked for: wait for these"));
        }
        if !self.has_source() {
            return self.no_market(epoch, "nobody can be asked".into());
        }
        if self.past.wanted.iter().all(|want| want.epoch != epoch) {
            self.past.wanted.push(Want::new(epoch, end));
        }
    }

    fn no_market(&mut self, epoch: u64, reason: String) {
        self.events.push_back(Seen::NoMarket { epoch, reason });
    }

    pub(super) fn next_of_past(&mut self) -> Option<Step> {
        let now = self.now;
        for want in self.past.wanted.iter_mut().take(AT_ONCE) {
            let (epoch, height) = (want.epoch, want.end.height);
            let Some(part) = want.open() else { continue };
            let purpose = Purpose::Past(epoch, part.table);
            if !self.queries.free(&purpose, now) {
                continue;
            }
            let again = part.from.clone().filter(|_| part.coming.next() > 0);
            let source = match again {
                Some(source) if self.sources.pick_this(&source, now) => source,
                _ => {
                    part.coming = Assembly::new(part.table);
                    self.sources.pick(&self.queries.tried(&purpose), now)?
                }
            };
            part.from = Some(source.clone());
            let (table, from) = (part.table, part.coming.next());
            let query = match table {
                Table::Epoch => Query::History { epoch, from },
                table => Query::Table { height, table, from },
            };
            let id = self.queries.open(purpose, source.clone(), None, now);
            return Some(Step::Query { id, source, query });
        }
        None
    }

    pub(super) fn on_past(&mut self, epoch: u64, table: Table, source: &Source, reply: Reply) -> Result<(), Error> {
        let Reply::Table { total, from, leaves } = reply else { return Err(Error::WrongReply) };
        let Some(want) = self.past.wanted.iter_mut().find(|want| want.epoch == epoch) else { return Ok(()) };
        let end = want.end.clone();
        let Some(part) = want.open().filter(|part| part.table == table && part.from.as_ref() == Some(source)) else {
            return Ok(());
        };
        match part.coming.add(&end, total, from, leaves) {
            Ok(whole) => part.whole = whole,
            Err(error) => {
                part.coming = Assembly::new(table);
                return Err(error);
            }
        }
        if want.open().is_none() {
            self.close_past(epoch);
        }
        Ok(())
    }

    /// No source has this table: without the first there is nothing, without another there are no peers.
    pub(super) fn on_past_lacking(&mut self, epoch: u64, table: Table) {
        self.queries.succeeded(&Purpose::Past(epoch, table));
        if table != Table::Epoch {
            return self.close_past(epoch);
        }
        if self.past.take(epoch).is_some() {
            self.no_market(epoch, "no source has what it came to".into());
        }
    }

    fn close_past(&mut self, epoch: u64) {
        let Some(want) = self.past.take(epoch) else { return };
        match want.market() {
            Ok(market) => self.events.push_back(Seen::Market(Box::new(market))),
            Err(error) => self.no_market(epoch, error.to_string()),
        }
    }
}

/// In the order in which they are asked for.
const TABLES: [Table; 4] = [Table::Epoch, Table::Neurons, Table::Weights, Table::Bonds];

/// Ends of epochs that are remembered, some 300 bytes each.
const MOST_ENDS: usize = 4_096;

/// Epochs that can be asked for at once, and how many of these sources are asked for.
const MOST_WANTED: usize = 256;
const AT_ONCE: usize = 2;

//! Answers others from what was verified, so that they need no node for it: the newest head, links, headers up to the last end of an
//! epoch, and tables, leaves and transactions of its last block.
//!
//! Everything given was checked here, and is checked again by whoever asked. An answer costs at most one part of a table; how often somebody may
//! ask is for the owner to bound.

use super::Follower;
use crate::epochs;
use ledger::query::{Link, MAX_LINKS};
use ledger::{Height, Query, Reply, State};

impl Follower {
    /// The answer to somebody else's query.
    pub fn answer(&self, query: &Query) -> Reply {
        let found = match query {
            Query::Head => self.newest(),
            Query::Epochs { from, limit } => self.links_from(*from, *limit),
            Query::Headers { from, limit } => self.headers_from(*from, *limit),
            Query::Leaf { height, .. } | Query::Account { height, .. } | Query::Neuron { height, .. } => {
                self.state_at(*height).and_then(|state| state.reply(query))
            }
            Query::Table { height, table, from } => self.state_at(*height).map(|state| state.part(*table, *from)),
            Query::Body { height } => self.base.as_ref().and_then(|base| {
                let body = base.body.clone().filter(|_| base.end.height == *height)?;
                Some(Reply::Body { body })
            }),
            Query::Genesis => {
                use commonware_codec::Encode as _;
                Some(Reply::Genesis { bytes: self.genesis.encode() })
            }
            _ => None,
        };
        found.unwrap_or_else(|| Reply::Unavailable { reason: "a light client does not have that".into() })
    }

    fn newest(&self) -> Option<Reply> {
        let (header, finalization) = self.client.certified(self.client.head()?.height())?;
        Some(Reply::Head { header: header.clone(), finalization: finalization.clone() })
    }

    fn links_from(&self, from: u64, limit: u32) -> Option<Reply> {
        let number = |link: &Link| epochs::after(link.header.height, self.parameters().tempo);
        let first = self.links.front().map(number)?;
        let skip = usize::try_from(from.checked_sub(first)?).ok()?;
        let limit = usize::try_from(limit).unwrap_or(MAX_LINKS).clamp(1, MAX_LINKS);
        let links: Vec<Link> = self.links.iter().skip(skip).take(limit).cloned().collect();
        (!links.is_empty()).then_some(Reply::Epochs { links })
    }

    /// Headers of the last end of an epoch and before it, and heads that follow one another.
    fn headers_from(&self, from: Height, limit: u32) -> Option<Reply> {
        let base = self.base.as_ref()?;
        let from_base = base.headers.iter().position(|header| header.height == from);
        let covers = from.get().saturating_add(u64::from(limit.max(1))) <= base.end.height.get().saturating_add(1);
        if let (Some(first), Some((_, finalization)), true) =
            (from_base, self.client.certified(base.end.height), covers)
        {
            let headers = base.headers.get(first..)?.to_vec();
            return Some(Reply::Headers { headers, finalization: finalization.clone() });
        }
        let mut headers = Vec::new();
        let mut certificate = None;
        let mut height = from;
        while let Some((header, finalization)) = self.client.certified(height) {
            headers.push(header.clone());
            certificate = Some(finalization.clone());
            if headers.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
                break;
            }
            height = height.next();
        }
        let whole = headers.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        whole.then_some(Reply::Headers { headers, finalization: certificate? })
    }

    /// The tables at the end of the last epoch that was audited, and before its last block.
    fn state_at(&self, height: Height) -> Option<&State> {
        let base = self.base.as_ref()?;
        let states = [Some(base.tables().state()), base.before.as_ref()];
        states.into_iter().flatten().find(|state| state.height() == height)
    }
}

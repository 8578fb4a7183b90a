//! Begins in the middle of a chain: the newest end of an epoch, from a source that need not be trusted.
//!
//! The links of all epochs are followed from genesis, each certified by the set that the one before elected. The last of them
//! names the roots of all tables, and the tables must meet them. What then is known is what replaying every block would have
//! given, at the cost of some hundred bytes an epoch and one copy of the tables.

use crate::engine::Runtime;
use crate::engine::committees::Committees;
use crate::engine::epochs::Epochs;
use crate::snapshot::Snapshot;
use crate::source::Source;
use bytes::Bytes;
use commonware_codec::Decode;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Finalization;
use commonware_consensus::types::Epoch;
use commonware_cryptography::certificate::Provider;
use commonware_parallel::Sequential;
use ledger::genesis::MAX_VALIDATORS;
use ledger::header::validators_digest;
use ledger::query::{Link, MAX_LINKS};
use ledger::state::AssembleError;
use ledger::table::Tree;
use ledger::work::RECENT;
use ledger::{Digest, Genesis, Header, Height, Query, Reply, State, Table};
use std::sync::Arc;

/// How far it is, for a person who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Epochs whose certificates were checked.
    Epochs {
        /// So many.
        done: u64,
    },
    /// Leaves of a table that came.
    Leaves {
        /// The table.
        table: Table,
        /// So many.
        done: u32,
        /// Of so many.
        total: u32,
    },
    /// Blocks that were followed.
    Blocks {
        /// Up to this height.
        height: Height,
        /// The source's newest.
        newest: Height,
    },
}

/// Told of progress.
pub type Watcher = Arc<dyn Fn(Progress) + Send + Sync>;

/// Why a node cannot begin from a source.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// No answer, or not the one that was asked for.
    #[error("the source gives no {what}: name another one with --from, or try again later")]
    Silent {
        /// What was asked for.
        what: String,
    },
    /// An answer that does not hold.
    #[error("the source lies about {what}: name another one with --from")]
    Wrong {
        /// About what.
        what: String,
    },
    /// Tables that meet their roots, but are no state.
    #[error("the tables of the source are no state ({0}): it runs another version of the program")]
    Assemble(#[from] AssembleError),
}

/// What a node begins with.
pub(crate) struct Start {
    /// All links, from the first epoch on.
    pub links: Vec<Link>,
    /// The state at the end of the last.
    pub snapshot: Snapshot,
}

/// Fetches the newest end of an epoch; `None` while the first epoch is not over.
pub(crate) async fn fetch<E: Runtime>(
    context: &mut E,
    genesis: &Genesis,
    source: &dyn Source,
    watcher: &Watcher,
) -> Result<Option<Start>, SyncError> {
    let links = follow(context, genesis, source, watcher).await?;
    let Some(last) = links.last() else { return Ok(None) };
    let header = last.header.clone();
    let recent = recent(source, &header).await?;
    let mut trees = Vec::new();
    for table in Table::ALL {
        trees.push(tree(source, &header, table, watcher).await?);
    }
    let state = State::from_trees(genesis, &header, last.validators.clone(), recent, trees)?;
    Ok(Some(Start { links, snapshot: Snapshot { header, state } }))
}

/// The links of all epochs, each certified.
async fn follow<E: Runtime>(
    context: &mut E,
    genesis: &Genesis,
    source: &dyn Source,
    watcher: &Watcher,
) -> Result<Vec<Link>, SyncError> {
    let committees = Committees::new(ledger::namespace(&genesis.chain()), None);
    committees.insert(Epoch::zero(), &genesis.validator_keys(), false);
    let epochs = Epochs::new(&genesis.parameters);
    let mut links: Vec<Link> = Vec::new();
    loop {
        let done = links.len() as u64;
        watcher(Progress::Epochs { done });
        let limit = u32::try_from(MAX_LINKS).unwrap_or(u32::MAX);
        let reply = source.ask(Query::Epochs { from: done + 1, limit }).await;
        let Some(Reply::Epochs { links: more }) = reply else { return Err(silent("links of epochs")) };
        if more.is_empty() {
            return Ok(links);
        }
        for link in more {
            let number = links.len() as u64 + 1;
            let wrong = || wrong(format!("the end of epoch {number}"));
            let header = &link.header;
            let epoch = epochs.of(header.height);
            let in_place = epochs.ends_with(header.height) && epoch.get() + 1 == number;
            let finalization = Finalization::<Scheme, Digest>::decode_cfg(link.finalization.clone(), &MAX_VALIDATORS)
                .map_err(|_| wrong())?;
            let scheme = committees.scoped(epoch).filter(|_| in_place).ok_or_else(wrong)?;
            let of_block =
                finalization.proposal.payload == header.digest() && finalization.proposal.round.epoch() == epoch;
            if !of_block || !finalization.verify(context, &scheme, &Sequential) {
                return Err(wrong());
            }
            if validators_digest(&link.validators) != header.validators {
                return Err(wrong());
            }
            committees.insert(epoch.next(), &link.validators, false);
            links.push(link);
        }
    }
}

/// Digests of the newest blocks before `header`, its parent last.
async fn recent(source: &dyn Source, header: &Header) -> Result<Vec<Digest>, SyncError> {
    let from = Height(header.height.get().saturating_sub(RECENT));
    let limit = u32::try_from(header.height.since(from)).unwrap_or(u32::MAX);
    let reply = source.ask(Query::Headers { from, limit }).await;
    let Some(Reply::Headers { headers, .. }) = reply else { return Err(silent("headers")) };
    let mut wanted = header.parent;
    let mut digests = Vec::new();
    for parent in headers.iter().rev().skip_while(|parent| parent.height >= header.height) {
        if parent.digest() != wanted {
            return Err(wrong(format!("header {}", parent.height)));
        }
        digests.push(wanted);
        wanted = parent.parent;
    }
    if digests.len() as u64 != header.height.since(from) {
        return Err(silent("headers before the end of the epoch"));
    }
    digests.reverse();
    Ok(digests)
}

/// Most leaves of a table that are taken before its root can be looked at, and most bytes of one.
const MOST_LEAVES: u32 = 1 << 21;
const MOST_BYTES: usize = 1 << 14;

/// The tree over a whole table, which meets its root.
async fn tree(source: &dyn Source, header: &Header, table: Table, watcher: &Watcher) -> Result<Tree, SyncError> {
    let mut leaves: Vec<Bytes> = Vec::new();
    let mut all = None;
    loop {
        let from = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
        let reply = source.ask(Query::Table { height: header.height, table, from }).await;
        let (total, more) = match reply {
            Some(Reply::Table { total, from: given, leaves }) if given == from => (total, leaves),
            _ => return Err(silent(format!("{table} of height {}", header.height))),
        };
        let long = more.iter().any(|leaf| leaf.len() > MOST_BYTES);
        if total > MOST_LEAVES || all.is_some_and(|all| all != total) || long {
            return Err(wrong(format!("the size of {table}")));
        }
        all = Some(total);
        let empty = more.is_empty();
        leaves.extend(more);
        let done = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
        watcher(Progress::Leaves { table, done, total });
        if done >= total {
            break;
        }
        if empty {
            return Err(silent(format!("the rest of {table}")));
        }
    }
    let tree = Tree::new(table, leaves);
    if tree.root() == header.root(table) {
        Ok(tree)
    } else {
        Err(wrong(format!("{table} of height {}", header.height)))
    }
}

fn silent(what: impl Into<String>) -> SyncError {
    SyncError::Silent { what: what.into() }
}

fn wrong(what: impl Into<String>) -> SyncError {
    SyncError::Wrong { what: what.into() }
}

/// The certificate of a link, as the engine begins from it.
pub(crate) fn certificate(link: &Link) -> Option<Finalization<Scheme, Digest>> {
    Finalization::decode_cfg(link.finalization.clone(), &MAX_VALIDATORS).ok()
}

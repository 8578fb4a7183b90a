//! Answers to light clients: the newest final blocks, their tables with proofs, and the queue of transactions.
//!
//! Tables are kept for the [`KEPT`] newest final heights; trees over them are built when first asked for. Headers and
//! certificates of all heights come from the engine's archive. A hostile client can ask much, but each answer is bounded;
//! how often it may ask is the network's to limit.

use crate::engine::Marshal;
use crate::mempool::Mempool;
use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode};
use commonware_consensus::types::Height as EngineHeight;
use ledger::query::{KEPT_HEIGHTS, MAX_HEADERS, MAX_TABLE_BYTES};
use ledger::table::{Table, Tree};
use ledger::{Digest, Header, Height, Query, Refusal, Reply, State, Transaction, TransactionStatus};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::watch;

/// Final heights whose tables are kept.
pub const KEPT: usize = 2 * KEPT_HEIGHTS;

/// Most leaves of one reply.
const MAX_LEAVES: usize = 65_536;

/// A final header with its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The header.
    pub header: Header,
    /// Its encoded finalization.
    pub finalization: Bytes,
}

impl Head {
    /// As it is sent to light clients.
    pub fn reply(&self) -> Reply {
        Reply::Head { header: self.header.clone(), finalization: self.finalization.clone() }
    }
}

/// The ledger of a running node. Clones share it.
#[derive(Clone)]
pub struct LedgerHandle(Arc<Inner>);

struct Inner {
    marshal: Marshal,
    mempool: Arc<Mutex<Mempool>>,
    kept: Mutex<VecDeque<Arc<Kept>>>,
    heads: watch::Sender<Option<Head>>,
}

/// A final block's header and state.
pub(crate) struct Kept {
    header: Header,
    finalization: Option<Bytes>,
    state: Arc<State>,
    trees: [OnceLock<Tree>; 6],
}

impl Kept {
    pub fn new(header: Header, finalization: Option<Bytes>, state: Arc<State>) -> Self {
        Self { header, finalization, state, trees: Default::default() }
    }

    fn tree(&self, table: Table) -> &Tree {
        let [accounts, neurons, weights, bonds, epoch, candidates] = &self.trees;
        let slot = match table {
            Table::Accounts => accounts,
            Table::Neurons => neurons,
            Table::Weights => weights,
            Table::Bonds => bonds,
            Table::Epoch => epoch,
            Table::Candidates => candidates,
        };
        slot.get_or_init(|| self.state.tree(table))
    }
}

impl LedgerHandle {
    pub(crate) fn new(marshal: Marshal, mempool: Arc<Mutex<Mempool>>) -> Self {
        Self(Arc::new(Inner { marshal, mempool, kept: Mutex::default(), heads: watch::Sender::new(None) }))
    }

    /// Answers a query.
    pub async fn query(&self, query: Query) -> Reply {
        match query {
            Query::Head => self.head().map_or_else(|| unavailable("no block is final yet"), |head| head.reply()),
            Query::Headers { from, limit } => self.headers(from, limit).await,
            Query::Leaf { height, table, index } => self.at(height, |kept| leaf(kept.tree(table), index)),
            Query::Account { height, key } => self.at(height, |kept| {
                let index = kept.state.account(&key).map(|(index, _)| index);
                index.map_or(Reply::NoSuch, |index| leaf(kept.tree(Table::Accounts), index))
            }),
            Query::Table { height, table, from } => self.at(height, |kept| part(kept.tree(table), from)),
            Query::Submit { transaction } => match self.submit(transaction) {
                Ok(digest) => Reply::Accepted { digest },
                Err(refusal) => Reply::Refused { refusal },
            },
            Query::Status { digest } => Reply::Status(self.status(&digest)),
            Query::Epochs { .. } | Query::History { .. } => unavailable("past epochs are not kept"),
            Query::Inclusion { .. } | Query::Block { .. } => unavailable("blocks are not served"),
            Query::Genesis => unavailable("the genesis is not served"),
        }
    }

    /// Answers an encoded query with an encoded reply; bytes that are no query are answered too.
    pub async fn answer(&self, query: &[u8]) -> Bytes {
        let reply = match Query::decode(Bytes::copy_from_slice(query)) {
            Ok(query) => self.query(query).await,
            Err(error) => unavailable(format!("no query: {error}")),
        };
        reply.encode()
    }

    /// Lets a transaction wait to be included, or refuses it.
    pub fn submit(&self, transaction: Transaction) -> Result<Digest, Refusal> {
        self.mempool().submit(transaction)
    }

    /// Where a transaction stands, as far as is remembered.
    pub fn status(&self, digest: &Digest) -> TransactionStatus {
        self.mempool().status(digest)
    }

    /// The newest final header that has a certificate; `None` before the first block.
    pub fn head(&self) -> Option<Head> {
        self.0.heads.borrow().clone()
    }

    /// Follows [`LedgerHandle::head`].
    pub fn heads(&self) -> watch::Receiver<Option<Head>> {
        self.0.heads.subscribe()
    }

    /// The newest final state.
    pub fn state(&self) -> Option<Arc<State>> {
        self.kept().back().map(|kept| Arc::clone(&kept.state))
    }

    /// Keeps a final block and tells those who follow.
    pub(crate) fn keep(&self, kept: Kept) {
        let head = kept.finalization.clone().map(|finalization| Head { header: kept.header.clone(), finalization });
        {
            let mut all = self.kept();
            all.push_back(Arc::new(kept));
            while all.len() > KEPT {
                all.pop_front();
            }
        }
        if let Some(head) = head {
            self.0.heads.send_replace(Some(head));
        }
    }

    fn at(&self, height: Height, answer: impl FnOnce(&Kept) -> Reply) -> Reply {
        let kept = {
            let all = self.kept();
            let found = all.iter().rev().find(|kept| kept.header.height == height).cloned();
            found.ok_or_else(|| all.front().zip(all.back()).map(|(old, new)| (old.header.height, new.header.height)))
        };
        match kept {
            Ok(kept) => answer(&kept),
            Err(Some((old, new))) => unavailable(format!("tables are kept for heights {old} to {new}, not {height}")),
            Err(None) => unavailable("no block is final yet"),
        }
    }

    async fn headers(&self, from: Height, limit: u32) -> Reply {
        let limit = usize::try_from(limit).unwrap_or(MAX_HEADERS).clamp(1, MAX_HEADERS);
        let mut headers = Vec::new();
        let mut certified = None;
        let mut height = from;
        while headers.len() < MAX_HEADERS {
            let engine_height = EngineHeight::new(height.get());
            let Some(block) = self.0.marshal.get_block(engine_height).await else { break };
            headers.push(block.inner().header().clone());
            if let Some(finalization) = self.0.marshal.get_finalization(engine_height).await {
                certified = Some((headers.len(), finalization.encode()));
                if headers.len() >= limit {
                    break;
                }
            }
            height = height.next();
        }
        match certified {
            Some((count, finalization)) => {
                headers.truncate(count);
                Reply::Headers { headers, finalization }
            }
            None => unavailable(format!("no certified header from height {from} on")),
        }
    }

    fn mempool(&self) -> MutexGuard<'_, Mempool> {
        self.0.mempool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Kept>>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn leaf(tree: &Tree, index: u32) -> Reply {
    match tree.prove(index) {
        Some(proven) => Reply::Leaf { index, leaf: proven.leaf, proof: proven.proof },
        None => Reply::NoSuch,
    }
}

fn part(tree: &Tree, from: u32) -> Reply {
    let all = tree.leaves();
    let Some(rest) = all.get(from as usize..) else { return Reply::NoSuch };
    let mut bytes = 0;
    let fits = |leaf: &&Bytes| {
        bytes += leaf.len() + 5;
        bytes <= MAX_TABLE_BYTES
    };
    let leaves = rest.iter().take(MAX_LEAVES).take_while(fits).cloned().collect();
    Reply::Table { total: u32::try_from(all.len()).unwrap_or(u32::MAX), from, leaves }
}

fn unavailable(reason: impl Into<String>) -> Reply {
    Reply::Unavailable { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_table_comes_in_parts_that_make_the_whole() {
        let leaves: Vec<Bytes> = (0..4_000u32).map(|index| Bytes::from(vec![index as u8; 300])).collect();
        let tree = Tree::new(Table::Weights, leaves.clone());
        let mut got = Vec::new();
        let mut parts = 0;
        while got.len() < leaves.len() {
            let Reply::Table { total, from, leaves } = part(&tree, got.len() as u32) else { unreachable!() };
            assert_eq!((total, from as usize), (4_000, got.len()));
            assert!(!leaves.is_empty());
            let reply = Reply::Table { total, from, leaves: leaves.clone() };
            assert!(reply.encode().len() <= ledger::query::MAX_REPLY_BYTES);
            got.extend(leaves);
            parts += 1;
        }
        assert_eq!((got, parts), (leaves, 3));
        assert_eq!(part(&tree, 4_001), Reply::NoSuch);
    }
}

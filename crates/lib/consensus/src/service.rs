//! Answers to light clients: the newest final blocks, their tables with proofs, and the queue of transactions.
//!
//! Tables are kept for the [`KEPT`] newest final heights, and for the [`ENDS`] newest ends of epochs with the block before each:
//! what an audit recomputes an epoch from. States share what did not change between them. Leaves are encoded when first asked
//! for. Headers, certificates and blocks come from the engine's archive, what is older from the records. A hostile
//! client can ask much, but each answer is bounded; how often it may ask is the network's to limit.

mod kept;

pub use kept::{ENDS, KEPT};
pub(crate) use kept::{Kept, Position};

use crate::engine::Marshal;
use crate::mempool::Mempool;
use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode, EncodeSize};
use commonware_consensus::types::Height as EngineHeight;
use futures::channel::mpsc;
use futures::future::BoxFuture;
use ledger::query::{Certified, Link, MAX_BLOCKS, MAX_HEADERS, MAX_LINKS, MAX_TABLE_BYTES};
use ledger::{
    Digest, Genesis, Header, Height, PublicKey, Query, Refusal, Reply, State, Transaction, TransactionStatus,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Accepted transactions that wait to be told to others.
const WAITING: usize = 16_384;

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

/// Where a client begins that trusts this node: the newest end of an epoch, or genesis before the first. The epoch that it ended
/// can be audited at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The header.
    pub header: Header,
    /// Who validates the next block, ascending.
    pub validators: Vec<PublicKey>,
}

/// The ledger of a running node. Clones share it.
#[derive(Clone)]
pub struct LedgerHandle(Arc<Inner>);

struct Inner {
    genesis: Bytes,
    /// Where a client begins before the first epoch is over.
    first: Option<Checkpoint>,
    marshal: Marshal,
    mempool: Arc<Mutex<Mempool>>,
    past: Box<dyn Past>,
    accepted: Mutex<mpsc::Sender<Transaction>>,
    kept: Mutex<VecDeque<Arc<Kept>>>,
    heads: watch::Sender<Option<Head>>,
    halts: watch::Sender<Option<Halt>>,
}

/// What a node wrote down of the past.
pub(crate) trait Past: Send + Sync {
    /// The link of an epoch, by its number.
    fn link(&self, number: u64) -> BoxFuture<'_, Option<Link>>;
    /// The epoch table at the end of an epoch.
    fn standings(&self, number: u64) -> BoxFuture<'_, Option<Vec<Bytes>>>;
    /// Height and place of a transaction.
    fn place<'a>(&'a self, transaction: &'a Digest) -> BoxFuture<'a, Option<(Height, u32)>>;
}

/// A node that stopped: a final block that it could not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Height of the block.
    pub height: Height,
    /// What is wrong, and what to do.
    pub reason: String,
    /// The encoded block.
    pub block: Bytes,
    /// Its encoded certificate, where it has one of its own.
    pub finalization: Option<Bytes>,
}

impl Halt {
    /// Block and certificate in one, as they are kept: each with its length before it.
    pub fn evidence(&self) -> Bytes {
        (self.block.clone(), self.finalization.clone().unwrap_or_default()).encode()
    }
}

impl LedgerHandle {
    /// The ledger of a node, and the transactions that it accepts.
    pub(crate) fn new(
        genesis: &Genesis,
        marshal: Marshal,
        mempool: Arc<Mutex<Mempool>>,
        past: Box<dyn Past>,
    ) -> (Self, mpsc::Receiver<Transaction>) {
        let (accepted, receiver) = mpsc::channel(WAITING);
        let inner = Inner {
            genesis: genesis.encode(),
            first: first(genesis),
            marshal,
            mempool,
            past,
            accepted: Mutex::new(accepted),
            kept: Mutex::default(),
            heads: watch::Sender::new(None),
            halts: watch::Sender::new(None),
        };
        (Self(Arc::new(inner)), receiver)
    }

    /// Answers a query.
    pub async fn query(&self, query: Query) -> Reply {
        match query {
            Query::Head => self.head().map_or_else(|| unavailable("no block is final yet"), |head| head.reply()),
            Query::Headers { from, limit } => self.headers(from, limit).await,
            Query::Leaf { height, .. } | Query::Account { height, .. } | Query::Neuron { height, .. } => {
                self.at(height, |kept| kept.state.reply(&query).unwrap_or(Reply::NoSuch))
            }
            Query::Table { height, table, from } => self.at(height, |kept| part(kept.leaves(table), from)),
            Query::Submit { transaction } => match self.submit(transaction) {
                Ok(digest) => Reply::Accepted { digest },
                Err(refusal) => Reply::Refused { refusal },
            },
            Query::Status { digest } => Reply::Status(self.standing(&digest).await),
            Query::Epochs { from, limit } => self.links(from, limit).await,
            Query::History { epoch, from } => match self.0.past.standings(epoch).await {
                Some(leaves) => part(&leaves, from),
                None => unavailable(format!("the standings of epoch {epoch} are not kept here")),
            },
            Query::Inclusion { digest } => self.inclusion(&digest).await,
            Query::Blocks { from, limit } => self.blocks(from, limit).await,
            Query::Genesis => Reply::Genesis { bytes: self.0.genesis.clone() },
            Query::Body { height } => match self.0.marshal.get_block(EngineHeight::new(height.get())).await {
                Some(block) => Reply::Body { body: block.inner().body().clone() },
                None => unavailable(format!("block {height} is not kept here")),
            },
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

    /// Lets a transaction wait to be included, or refuses it. The other validators hear of it.
    pub fn submit(&self, transaction: Transaction) -> Result<Digest, Refusal> {
        let (digest, waited) = {
            let mut mempool = self.mempool();
            let waited = mempool.checked(&transaction.digest()).is_some();
            (mempool.submit(transaction.clone())?, waited)
        };
        if waited {
            return Ok(digest);
        }
        // Where too much waits the others hear of it from whoever sent it, or when it is included here.
        let _ = self.0.accepted.lock().unwrap_or_else(PoisonError::into_inner).try_send(transaction);
        Ok(digest)
    }

    /// Where a transaction stands, as far as is remembered.
    pub fn status(&self, digest: &Digest) -> TransactionStatus {
        self.mempool().status(digest)
    }

    /// Where a transaction stands, as far as is remembered or written down.
    async fn standing(&self, digest: &Digest) -> TransactionStatus {
        match self.status(digest) {
            TransactionStatus::Unknown => match self.0.past.place(digest).await {
                Some((height, _)) => TransactionStatus::Included { height },
                None => TransactionStatus::Unknown,
            },
            known => known,
        }
    }

    /// Transactions that wait to be included.
    pub fn waiting(&self) -> usize {
        self.mempool().len()
    }

    /// Why the node stopped; `None` while it goes on.
    pub fn halts(&self) -> watch::Receiver<Option<Halt>> {
        self.0.halts.subscribe()
    }

    /// The node stops.
    pub(crate) fn halt(&self, halt: Halt) {
        self.0.halts.send_replace(Some(halt));
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

    /// Where a client begins.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let all = self.kept();
        let end = all.iter().rev().find(|kept| kept.position == Position::End);
        let checkpoint =
            |kept: &Arc<Kept>| Checkpoint { header: kept.header.clone(), validators: kept.state.validators().to_vec() };
        end.map(checkpoint).or_else(|| self.0.first.clone())
    }

    /// Keeps a final block and tells those who follow.
    pub(crate) fn keep(&self, kept: Kept) {
        let head = kept.finalization.clone().map(|finalization| Head { header: kept.header.clone(), finalization });
        {
            let mut all = self.kept();
            all.push_back(Arc::new(kept));
            kept::forget(&mut all);
        }
        if let Some(head) = head {
            self.0.heads.send_replace(Some(head));
        }
    }

    fn at(&self, height: Height, answer: impl FnOnce(&Kept) -> Reply) -> Reply {
        let kept = {
            let all = self.kept();
            let found = all.iter().rev().find(|kept| kept.header.height == height).cloned();
            let oldest = all.len().checked_sub(KEPT.min(all.len())).and_then(|oldest| all.get(oldest));
            found.ok_or_else(|| oldest.zip(all.back()).map(|(old, new)| (old.header.height, new.header.height)))
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

    /// Links of epochs, as many as fit.
    async fn links(&self, from: u64, limit: u32) -> Reply {
        let most = usize::try_from(limit).unwrap_or(MAX_LINKS).clamp(1, MAX_LINKS);
        let (mut links, mut bytes) = (Vec::new(), 0);
        for number in from.max(1)..=u64::MAX {
            let Some(link) = self.0.past.link(number).await else { break };
            bytes += link.encode_size();
            if links.len() >= most || bytes > MAX_TABLE_BYTES {
                break;
            }
            links.push(link);
        }
        Reply::Epochs { links }
    }

    /// The block of a transaction, and the proof that it holds it.
    async fn inclusion(&self, digest: &Digest) -> Reply {
        let Some((height, index)) = self.0.past.place(digest).await else {
            return unavailable("the transaction is in no block that is kept here");
        };
        let block = self.0.marshal.get_block(EngineHeight::new(height.get())).await;
        match block.and_then(|block| block.inner().body().prove(index)) {
            Some(proof) => Reply::Inclusion { height, index, proof },
            None => unavailable(format!("block {height} is not kept here any longer")),
        }
    }

    /// Blocks with their certificates, as many as fit, and one in any case.
    async fn blocks(&self, from: Height, limit: u32) -> Reply {
        let most = usize::try_from(limit).unwrap_or(MAX_BLOCKS).clamp(1, MAX_BLOCKS);
        let (mut blocks, mut bytes) = (Vec::new(), 0);
        let mut height = from;
        while blocks.len() < most {
            let engine_height = EngineHeight::new(height.get());
            let Some(block) = self.0.marshal.get_block(engine_height).await else { break };
            let finalization = self.0.marshal.get_finalization(engine_height).await;
            let finalization = finalization.map(|finalization| finalization.encode()).unwrap_or_default();
            let certified = Certified { block: block.inner().encode(), finalization };
            bytes += certified.encode_size();
            if !blocks.is_empty() && bytes > MAX_TABLE_BYTES {
                break;
            }
            blocks.push(certified);
            height = height.next();
        }
        if blocks.is_empty() { unavailable(format!("block {from} is not kept here")) } else { Reply::Blocks { blocks } }
    }

    fn mempool(&self) -> MutexGuard<'_, Mempool> {
        self.0.mempool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Kept>>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Genesis as a checkpoint.
fn first(genesis: &Genesis) -> Option<Checkpoint> {
    Some(Checkpoint { header: genesis.header().ok()?, validators: genesis.validator_keys() })
}

fn part(all: &[Bytes], from: u32) -> Reply {
    Reply::part(all.len(), from, all.iter().skip(from as usize).cloned())
}

fn unavailable(reason: impl Into<String>) -> Reply {
    Reply::Unavailable { reason: reason.into() }
}

//! Where a node that is not connected to validators has blocks from: anyone who answers queries.
//!
//! Nothing of what a source says is believed: certificates are checked against the set of their epoch, tables against the roots of
//! a header. A hostile source can hold things back, or waste the time that it takes to find out.

use bytes::Bytes;
use commonware_codec::DecodeExt;
use commonware_consensus::marshal::resolver::handler::Key;
use commonware_cryptography::Digestible;
use commonware_resolver::opaque::Fetcher;
use futures::future::BoxFuture;
use ledger::{Digest, Height, Query, Reply};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Anyone who answers queries.
pub trait Source: Send + Sync + 'static {
    /// The reply; `None` where none came.
    fn ask(&self, query: Query) -> BoxFuture<'_, Option<Reply>>;

    /// What it says leads nowhere: if there are several behind it, another is to be asked.
    fn next(&self) {}
}

/// Heights of blocks whose digest is known, of which so many are remembered.
const REMEMBERED: usize = 4_096;

/// Asks a source for the blocks that the engine wants.
#[derive(Clone)]
pub(crate) struct Blocks {
    source: Arc<dyn Source>,
    heights: Arc<Mutex<BTreeMap<Digest, Height>>>,
}

impl Blocks {
    /// Blocks of `source`; `known` stands at its height.
    pub fn new(source: Arc<dyn Source>, known: (Digest, Height)) -> Self {
        Self { source, heights: Arc::new(Mutex::new(BTreeMap::from([known]))) }
    }

    /// A block with its certificate, which may be empty.
    async fn at(&self, height: Height) -> Option<(Bytes, Bytes)> {
        let Reply::Block { block, finalization } = self.source.ask(Query::Block { height }).await? else { return None };
        let decoded = crate::Block::decode(block.clone()).ok()?;
        let mut heights = self.heights.lock().unwrap_or_else(PoisonError::into_inner);
        heights.insert(decoded.digest(), height);
        heights.insert(decoded.header().parent, Height(height.get().saturating_sub(1)));
        while heights.len() > REMEMBERED {
            let lowest = heights.iter().min_by_key(|(_, height)| **height).map(|(digest, _)| *digest)?;
            heights.remove(&lowest);
        }
        Some((block, finalization))
    }
}

impl Fetcher for Blocks {
    type Key = Key<Digest>;
    type Value = Bytes;

    async fn fetch(&self, key: Key<Digest>) -> Option<Bytes> {
        match key {
            Key::Finalized { height } => {
                let (block, finalization) = self.at(Height(height.get())).await?;
                (!finalization.is_empty()).then(|| [&finalization[..], &block[..]].concat().into())
            }
            Key::Block(digest) => {
                let height = *self.heights.lock().unwrap_or_else(PoisonError::into_inner).get(&digest)?;
                self.at(height).await.map(|(block, _)| block)
            }
            Key::Notarized { .. } => None,
        }
    }
}

//! Takes final blocks in order: applies them, writes down what is asked for later, begins the next epoch, and only then lets the
//! engine go on.
//!
//! What must survive a crash is durable before a block is acknowledged: records first, then the snapshot that makes following
//! them again unnecessary. A final block that does not apply means that more than two thirds of the validators signed something
//! that this program takes for wrong. Then the node stops with the block and its certificate as evidence, and keeps answering what
//! it knew before.

use crate::application::Final;
use crate::block::Block;
use crate::chain::{Chain, Invalid};
use crate::engine::committees::Committees;
use crate::engine::epochs::Epochs;
use crate::engine::voting::Beginning;
use crate::engine::{Marshal, Runtime};
use crate::mempool::Mempool;
use crate::records::{Records, Retention};
use crate::service::{Halt, Kept, LedgerHandle, Position};
use crate::snapshot::{Snapshot, Vault};
use bytes::Bytes;
use commonware_codec::Encode;
use commonware_consensus::types::{Epoch, Height as EngineHeight};
use commonware_cryptography::Digestible;
use commonware_storage::archive;
use commonware_utils::Acknowledgement;
use futures::StreamExt;
use futures::channel::mpsc;
use ledger::query::Link;
use ledger::{Digest, Header, Height, State};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A final block and the state after it.
pub(crate) struct Tip {
    pub header: Header,
    pub digest: Digest,
    pub state: Arc<State>,
}

/// Keeps final blocks, one after the other.
pub(crate) struct Keeper<E: Runtime> {
    pub context: E,
    pub vault: Arc<dyn Vault>,
    pub chain: Chain,
    pub marshal: Marshal,
    pub ledger: LedgerHandle,
    pub records: Records<E>,
    pub retention: Retention,
    pub committees: Committees,
    pub epochs: Epochs,
    pub mempool: Arc<Mutex<Mempool>>,
    /// Told when an epoch begins; ends with the keeper.
    pub beginnings: mpsc::UnboundedSender<Beginning>,
    /// Told who may be connected, after each block.
    pub neighbours: Box<dyn FnMut(&State) + Send + Sync>,
    pub tip: Tip,
    /// The epoch in which this node began in the middle: what it signed there before, if it did, it does not know.
    pub abstains: Option<Epoch>,
}

/// Between two looks for the certificate of the last block of an epoch.
const CERTIFICATE_PAUSE: Duration = Duration::from_millis(50);

/// Why the blocks in the data folder cannot be followed.
#[derive(Debug, thiserror::Error)]
#[error("block {height} in the data folder is {what}: start with an empty folder (a copy may sign twice)")]
pub struct Unusable {
    /// Height of the block.
    pub height: Height,
    /// "missing", or what is wrong with it.
    pub what: String,
}

/// Why a final block was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// It is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The disk refuses.
    #[error("the disk refuses ({0}): make room or mend it, then start again; nothing that was final is lost")]
    Disk(#[from] archive::Error),
}

impl<E: Runtime> Keeper<E> {
    /// From the snapshot to the newest block that was acknowledged before; then the epoch begins.
    pub async fn resume(&mut self) -> Result<(), Unusable> {
        let from = self.tip.header.height;
        let missing = |height| Unusable { height, what: "missing".into() };
        self.begin();
        if from > Height(0) {
            let finalization = self.finalization(from).await;
            self.ledger.keep(Kept::new(
                self.tip.header.clone(),
                finalization,
                Arc::clone(&self.tip.state),
                Position::End,
            ));
        }
        let processed = self.marshal.get_processed().await.map_or(0, |processed| processed.height().get());
        while self.tip.header.height.get() < processed {
            let height = self.tip.header.height.next();
            let block = self.marshal.get_block(EngineHeight::new(height.get())).await.ok_or_else(|| missing(height))?;
            self.follow(block.inner()).await.map_err(|error| Unusable { height, what: error.to_string() })?;
        }
        tracing::info!(snapshot = %from, height = %self.tip.header.height, "ledger is open");
        Ok(())
    }

    /// Takes final blocks until the engine ends, or one is wrong.
    pub async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Final>) {
        while let Some((block, acknowledgement)) = queue.next().await {
            let is_new = block.inner().header().height > self.tip.header.height;
            if is_new && let Err(refused) = self.follow(block.inner()).await {
                self.halt(block.inner(), &refused).await;
                // Without an acknowledgement the engine stays here, and answers what it knew; without beginnings nobody votes.
                self.beginnings.close_channel();
                return futures::future::pending().await;
            }
            acknowledgement.acknowledge();
        }
    }

    async fn follow(&mut self, block: &Block) -> Result<(), Refused> {
        let state = self.chain.follow(&self.tip.state, block, &self.mempool)?;
        let (header, digest) = (block.header().clone(), block.digest());
        let height = header.height;
        self.records.index(height, block.body()).await?;
        let mut finalization = self.finalization(height).await;
        let closes = self.epochs.ends_with(height);
        // The last block of an epoch has a certificate of its own, which a crash may have taken: it is asked for again by who
        // votes or follows, and without it nobody could begin from here.
        while closes && finalization.is_none() {
            self.context.sleep(CERTIFICATE_PAUSE).await;
            finalization = self.finalization(height).await;
        }
        if closes && let Some(finalization) = finalization.clone() {
            let link = Link { header: header.clone(), finalization, validators: state.validators().to_vec() };
            self.records.close(state.totals().number, link, &state).await?;
        }
        self.chain.settle(&digest, &state);
        self.mempool.lock().unwrap_or_else(PoisonError::into_inner).settle(&header, &state, &block.body().transactions);
        (self.neighbours)(&state);
        let position = match closes {
            true => Position::End,
            false if self.epochs.ends_with(height.next()) => Position::BeforeEnd,
            false => Position::Within,
        };
        self.ledger.keep(Kept::new(header.clone(), finalization, Arc::clone(&state), position));
        self.tip = Tip { header, digest, state };
        if closes {
            self.begin();
            self.records.sync().await?;
            self.save().await;
            self.prune().await?;
        }
        Ok(())
    }

    /// The epoch of the next block begins.
    fn begin(&self) {
        let epoch = self.epochs.after(self.tip.header.height);
        let member = self.committees.insert(epoch, self.tip.state.validators(), self.abstains != Some(epoch));
        // Where nobody listens this node never votes.
        let _ = self.beginnings.unbounded_send(Beginning { epoch, floor: self.tip.digest, member });
    }

    /// Writes a snapshot. Where the disk refuses, the one before still serves.
    async fn save(&self) {
        let Tip { header, state, .. } = &self.tip;
        let snapshot = Snapshot { header: header.clone(), state: (**state).clone() };
        let vault = Arc::clone(&self.vault);
        let written = self.context.child("snapshot").shared(true).spawn(move |_| async move { vault.save(&snapshot) });
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "no snapshot written"),
            Err(error) => tracing::error!(%error, "no snapshot written"),
        }
    }

    /// Forgets what is older than the node is to keep. Links, snapshots and what they need stay.
    async fn prune(&self) -> Result<(), archive::Error> {
        let number = self.tip.state.totals().number;
        let tempo = self.tip.state.parameters().tempo;
        let epoch = number.saturating_sub(self.retention.standings);
        let height = Height(number.saturating_sub(self.retention.blocks).saturating_mul(tempo));
        if height > Height(0) {
            self.marshal.prune(EngineHeight::new(height.get()));
        }
        self.records.prune(epoch, height).await
    }

    /// Keeps what cannot be followed, and says so.
    async fn halt(&self, block: &Block, refused: &Refused) {
        let height = block.header().height;
        let finalization = self.finalization(height).await;
        let halt = Halt { height, reason: refused.to_string(), block: block.encode(), finalization };
        tracing::error!(%height, reason = %halt.reason, "a final block cannot be taken: this node stops here");
        if matches!(refused, Refused::Invalid(_)) {
            let evidence = halt.evidence();
            match self.vault.keep(&format!("evidence-{height}"), &evidence) {
                Ok(()) => tracing::error!(%height, "block and certificate are kept as evidence"),
                Err(error) => tracing::error!(%error, "the evidence cannot be kept"),
            }
        }
        self.ledger.halt(halt);
    }

    async fn finalization(&self, height: Height) -> Option<Bytes> {
        self.marshal.get_finalization(EngineHeight::new(height.get())).await.map(|finalization| finalization.encode())
    }
}

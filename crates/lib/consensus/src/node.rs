//! A node of a chain: opens what is kept, follows what came after the last snapshot, and then validates or follows.
//!
//! Generic in runtime, network and where snapshots are kept, so that a simulation runs the same code as a machine.

use crate::application::{Application, Behaviour, Final, Skew};
use crate::block::Block;
use crate::chain::Chain;
use crate::duty::Duty;
use crate::engine::blocks::{Begin, Blocks, Exchange};
use crate::engine::committees::Committees;
use crate::engine::epochs::Epochs;
use crate::engine::voting::{Beginning, Channels, Voting};
use crate::engine::{Disk, Marshal, Runtime};
use crate::gossip;
use crate::keeper::{Keeper, Tip, Unusable};
use crate::mempool::Mempool;
use crate::network::Neighbours;
use crate::records::{Records, Retention};
use crate::service::LedgerHandle;
use crate::snapshot::{Snapshot, SnapshotError, Vault};
use crate::source::{self, Source};
use crate::sync::{self, Progress, SyncError, Watcher};
use commonware_consensus::marshal::Start;
use commonware_consensus::types::{Epoch, Epocher, Height as EngineHeight};
use commonware_cryptography::{Digestible, Signer};
use commonware_p2p::{AddressableManager, Blocker, Receiver, Sender};
use commonware_storage::archive;
use commonware_utils::vec::NonEmptyVec;
use futures::StreamExt;
use futures::channel::mpsc;
use futures::future::select;
use ledger::header::namespace;
use ledger::{ChainId, Genesis, GenesisError, Height, PrivateKey, PublicKey, Query, Reply, State, Transaction};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a node needs to open.
pub struct Setup {
    /// The chain.
    pub genesis: Genesis,
    /// Where snapshots are.
    pub vault: Arc<dyn Vault>,
    /// Its files in the runtime's storage.
    pub disk: Disk,
    /// How far its clock is off.
    pub skew: Skew,
    /// The state to begin with in place of genesis' own, where nothing is kept: of a chain whose rules were changed.
    pub state: Option<State>,
    /// Where to begin from if nothing is kept yet, instead of from genesis.
    pub source: Option<Arc<dyn Source>>,
    /// What stays.
    pub retention: Retention,
    /// Told of progress.
    pub watcher: Watcher,
}

/// Why a node does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no whole snapshot to start from.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The genesis cannot begin a chain.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// An archive cannot be opened.
    #[error(
        "the block archive cannot be opened ({0}): if the disk is full make room, and if files are damaged start with an empty \
         folder (a copy may sign twice)"
    )]
    Archive(#[from] archive::Error),
    /// What is kept cannot be followed.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The source cannot be begun from.
    #[error(transparent)]
    Sync(#[from] SyncError),
}

/// A node that was opened, and does nothing yet.
pub struct Node<E: Runtime> {
    context: E,
    vault: Arc<dyn Vault>,
    genesis: Genesis,
    retention: Retention,
    watcher: Watcher,
    records: Records<E>,
    disk: Disk,
    skew: Skew,
    tip: Tip,
    abstains: Option<Epoch>,
    begin: Begin,
}

/// Pieces of evidence that wait to be signed into a transaction.
const EVIDENCE: usize = 64;

/// The channels between validators.
pub struct Wires<S, R> {
    /// Votes, certificates and questions for them.
    pub voting: Channels<S, R>,
    /// Questions for blocks, and answers.
    pub backfill: (S, R),
    /// Blocks as they are proposed.
    pub broadcast: (S, R),
    /// Transactions.
    pub transactions: (S, R),
}

/// Who a validator is.
pub struct Identity {
    /// Its key.
    pub key: PrivateKey,
    /// Where others reach it.
    pub address: SocketAddr,
    /// Where the operator says that others are.
    pub named: BTreeMap<PublicKey, SocketAddr>,
}

impl<E: Runtime> Node<E> {
    /// The chain.
    pub fn chain(&self) -> ChainId {
        self.genesis.chain()
    }

    /// Opens what is kept; where nothing is, begins from the source or from genesis.
    pub async fn open(mut context: E, setup: Setup) -> Result<Self, OpenError> {
        let Setup { genesis, vault, disk, skew, state: changed, source, retention, watcher } = setup;
        let begin = Block::genesis(&genesis)?.digested();
        let records = Records::open(&context, &disk).await?;
        let mut snapshot = vault.load(genesis.chain())?;
        if let (None, Some(source)) = (&snapshot, &source)
            && let Some(start) = sync::fetch(&mut context, &genesis, source.as_ref(), &watcher).await?
        {
            for (number, link) in (1..).zip(start.links) {
                records.remember(number, link).await?;
            }
            records.sync().await?;
            vault.save(&start.snapshot)?;
            snapshot = Some(start.snapshot);
        }
        let (tip, begin) = match snapshot {
            Some(Snapshot { header, state }) => {
                let (digest, height) = (header.digest(), header.height);
                let link = records.link(state.totals().number).await.filter(|link| link.header == header);
                let missing = || Unusable { height, what: "missing".into() };
                let start = link.as_ref().and_then(sync::certificate).map(Start::Floor).ok_or_else(missing)?;
                (Tip { header, digest, state: Arc::new(state) }, start)
            }
            None => {
                let state = Arc::new(changed.map_or_else(|| genesis.state(), Ok)?);
                (Tip { header: begin.inner().header().clone(), digest: begin.digest(), state }, Start::Genesis(begin))
            }
        };
        // A node that closed an epoch itself wrote down its standings; one that begins in the middle has the link alone.
        let number = tip.state.totals().number;
        let began_here = number > 0 && records.standings(number).await.is_none();
        let abstains = began_here.then(|| Epochs::new(&genesis.parameters).after(tip.header.height));
        Ok(Self { context, vault, genesis, retention, watcher, records, disk, skew, tip, abstains, begin })
    }

    /// Validates, or stands ready to: connected, voting whenever the ledger elects its key.
    pub async fn validate<M, B, S, R>(
        self,
        identity: Identity,
        network: (M, B),
        wires: Wires<S, R>,
    ) -> Result<LedgerHandle, OpenError>
    where
        M: AddressableManager<PublicKey = PublicKey> + Sync,
        B: Blocker<PublicKey = PublicKey> + Sync,
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        self.validate_as(identity, network, wires, |application| application).await
    }

    /// The same with another behaviour in proposing and verifying.
    pub async fn validate_as<M, B, S, R, A>(
        self,
        identity: Identity,
        (manager, blocker): (M, B),
        wires: Wires<S, R>,
        behave: impl FnOnce(Application) -> A,
    ) -> Result<LedgerHandle, OpenError>
    where
        M: AddressableManager<PublicKey = PublicKey> + Sync,
        B: Blocker<PublicKey = PublicKey> + Sync,
        A: Behaviour<E>,
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        let Identity { key, address, named } = identity;
        let mut neighbours =
            Neighbours { manager: manager.clone(), own: (key.public_key(), address), named, known: BTreeMap::new() };
        neighbours.follow(&self.tip.state);
        let follow = move |state: &State| neighbours.follow(state);
        let exchange = Exchange {
            key: key.public_key(),
            provider: manager,
            blocker: blocker.clone(),
            backfill: wires.backfill,
            broadcast: wires.broadcast,
        };
        let block_time = Duration::from_millis(self.genesis.parameters.block_time);
        let chain = self.chain();
        let disk = self.disk.clone();
        let (mut parts, blocks) = self.wire(Some(key.clone()), Box::new(follow)).await?;
        blocks.join(parts.application.clone(), exchange);
        parts.keeper.resume().await?;
        let (convictions, evidence) = mpsc::channel(EVIDENCE);
        let voting = Voting {
            context: parts.context.child("engine"),
            chain,
            committees: parts.keeper.committees.clone(),
            epochs: parts.keeper.epochs,
            marshal: parts.keeper.marshal.clone(),
            application: behave(parts.application),
            blocker,
            evidence: convictions,
            block_time,
            disk,
        };
        voting.start(wires.voting, parts.beginnings);
        gossip::start(&parts.context, Arc::clone(&parts.keeper.mempool), parts.accepted, wires.transactions);
        let ledger = parts.keeper.ledger.clone();
        let duty = Duty { key, address, ledger: ledger.clone(), evidence };
        parts.context.child("duty").spawn(|_| duty.run());
        parts.context.child("keeper").spawn(|_| parts.keeper.run(parts.queue));
        Ok(ledger)
    }

    /// Follows a source.
    pub async fn follow(self, source: Arc<dyn Source>) -> Result<LedgerHandle, OpenError> {
        let watcher = Arc::clone(&self.watcher);
        let known = (self.tip.digest, self.tip.header.height);
        let block_time = self.genesis.parameters.block_time;
        let (mut parts, blocks) = self.wire(None, Box::new(|_| {})).await?;
        blocks.follow(parts.application, source::Blocks::new(Arc::clone(&source), known));
        parts.keeper.resume().await?;
        let ledger = parts.keeper.ledger.clone();
        let chase = Chase {
            context: parts.context.child("chase"),
            pause: Duration::from_millis((block_time / 2).clamp(100, 2_000)),
            block_time,
            source: Arc::clone(&source),
            marshal: parts.keeper.marshal.clone(),
            epochs: parts.keeper.epochs,
            ledger: ledger.clone(),
            watcher,
            begun_at: known.1,
            // The engine wants to know whom to ask; a source has no key, so any will do.
            target: parts.keeper.tip.state.validators().first().cloned(),
        };
        parts.context.child("chase").spawn(|_| chase.run());
        let mut accepted = parts.accepted;
        parts.context.child("forward").spawn(|_| async move {
            while let Some(transaction) = accepted.next().await {
                if let Some(Reply::Refused { refusal }) = source.ask(Query::Submit { transaction }).await {
                    tracing::debug!(%refusal, "the source refuses a transaction that was accepted here");
                }
            }
        });
        parts.context.child("keeper").spawn(|_| parts.keeper.run(parts.queue));
        Ok(ledger)
    }

    /// What validating and following share.
    async fn wire(
        self,
        key: Option<PrivateKey>,
        neighbours: Box<dyn FnMut(&State) + Send + Sync>,
    ) -> Result<(Parts<E>, Blocks<E>), OpenError> {
        let Self { context, vault, genesis, retention, records, disk, skew, tip, abstains, begin, .. } = self;
        let epochs = Epochs::new(&genesis.parameters);
        let committees = Committees::new(namespace(&genesis.chain()), key);
        committees.insert(epochs.of(tip.header.height), &certifiers(&records, &genesis, &tip).await?, false);
        let chain = Chain::default();
        chain.insert(tip.digest, Arc::clone(&tip.state));
        let unusable = || Unusable { height: tip.header.height, what: "no block to build on".into() };
        let mempool = Mempool::new(&tip.header, &tip.state).ok_or_else(unusable)?;
        let mempool = Arc::new(Mutex::new(mempool));
        let (finals, queue) = mpsc::unbounded();
        let application = Application { chain: chain.clone(), mempool: Arc::clone(&mempool), finals, skew };
        let blocks = Blocks::open(context.child("blocks"), committees.clone(), epochs, begin, &disk).await?;
        let past = Box::new(records.clone());
        let (ledger, accepted) = LedgerHandle::new(&genesis, blocks.marshal.clone(), Arc::clone(&mempool), past);
        let (sender, beginnings) = mpsc::unbounded();
        let keeper = Keeper {
            context: context.child("keeper"),
            vault,
            chain,
            marshal: blocks.marshal.clone(),
            ledger,
            records,
            retention,
            committees,
            epochs,
            mempool,
            beginnings: sender,
            neighbours,
            tip,
            abstains,
        };
        Ok((Parts { context, application, keeper, queue, accepted, beginnings }, blocks))
    }
}

/// The set that certified the tip: what the epoch before it elected.
async fn certifiers<E: Runtime>(
    records: &Records<E>,
    genesis: &Genesis,
    tip: &Tip,
) -> Result<Vec<PublicKey>, Unusable> {
    let before = tip.state.totals().number.saturating_sub(1);
    if before == 0 {
        return Ok(genesis.validator_keys());
    }
    let missing = || Unusable { height: tip.header.height, what: "without the validators who certified it".into() };
    records.link(before).await.map(|link| link.validators).ok_or_else(missing)
}

/// A node before it runs.
struct Parts<E: Runtime> {
    context: E,
    application: Application,
    keeper: Keeper<E>,
    queue: mpsc::UnboundedReceiver<Final>,
    accepted: mpsc::Receiver<Transaction>,
    beginnings: mpsc::UnboundedReceiver<Beginning>,
}

/// Asks a source for its newest block, again and again.
struct Chase<E> {
    context: E,
    /// Between two questions.
    pause: Duration,
    /// ms.
    block_time: u64,
    source: Arc<dyn Source>,
    marshal: Marshal,
    epochs: Epochs,
    ledger: LedgerHandle,
    watcher: Watcher,
    /// Height of what the node began with.
    begun_at: Height,
    target: Option<PublicKey>,
}

impl<E: Runtime> Chase<E> {
    async fn run(self) {
        let mut newest = Height(0);
        let mut progressing = source::Progressing::new(self.block_time, self.pause);
        let mut heads = self.ledger.heads();
        while self.ledger.halts().borrow().is_none() {
            // Before the first block there is no state to be asked for.
            let height = self.ledger.state().map_or(self.begun_at, |state| state.height());
            // While blocks come, there is no need to know a newer one.
            if (height >= newest || progressing.waits())
                && let Some(Reply::Head { header, .. }) = self.source.ask(Query::Head).await
            {
                newest = header.height;
            }
            if progressing.another(height, newest) {
                // What it says leads nowhere: another may have what can be followed.
                self.source.next();
            }
            let mut wanted = Height(u64::MAX);
            if height < newest {
                (self.watcher)(Progress::Blocks { height, newest });
                let last = self.epochs.last(self.epochs.after(height));
                wanted = last.map_or(newest, |last| newest.min(Height(last.get())));
                if let Some(target) = self.target.clone() {
                    self.marshal.hint_finalized(EngineHeight::new(wanted.get()), NonEmptyVec::new(target));
                }
            }
            // The next epoch is asked for as soon as its validators are known.
            let reached = heads.wait_for(|head| head.as_ref().is_some_and(|head| head.header.height >= wanted));
            select(pin!(reached), pin!(self.context.sleep(self.pause))).await;
        }
    }
}

//! Starts a validator: opens what is kept, replays what came after the last snapshot, joins the network, votes.

use crate::application::{Application, Final};
use crate::block::Block;
use crate::chain::Chain;
use crate::engine::{EngineError, Marshal, Prepared, Settings};
use crate::folder::{Folder, FolderError};
use crate::mempool::Mempool;
use crate::service::{KEPT, Kept, LedgerHandle};
use crate::snapshot::{Snapshot, SnapshotError};
use bytes::Bytes;
use commonware_codec::Encode;
use commonware_consensus::marshal;
use commonware_consensus::marshal::standard::Standard;
use commonware_consensus::simplex;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::types::Height as EngineHeight;
use commonware_cryptography::{ChaCha20Poly1305, Digestible, Signer};
use commonware_p2p::authenticated::lookup;
use commonware_p2p::{Address, AddressableManager, max_message_size};
use commonware_runtime::{Quota, Spawner, Supervisor, tokio as runtime};
use commonware_stream::cups::{self, Cups};
use commonware_stream::sake::{self, Sake};
use commonware_utils::ordered::{Map, Set};
use commonware_utils::{Acknowledgement, NZU32, NZUsize, TryCollect};
use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use ledger::header::namespace;
use ledger::{Digest, Genesis, GenesisError, Header, Height, PrivateKey, PublicKey, State};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a validator needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its memory. Start it in [`Folder::runner`] of the same folder.
    pub folder: Folder,
    /// The chain.
    pub genesis: Genesis,
    /// Its key, one of the genesis' validators.
    pub key: PrivateKey,
    /// Where other validators reach it; `None` where there are none.
    pub listen: Option<SocketAddr>,
    /// Where the other validators are.
    pub peers: Vec<(PublicKey, SocketAddr)>,
}

/// Why a validator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// There is no whole snapshot to start from.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The genesis cannot begin a chain.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The key is not among the validators.
    #[error("key {key} is not among the validators of the chain: use the key of this data folder")]
    NotValidator {
        /// The key.
        key: PublicKey,
    },
    /// Someone listens there already.
    #[error("{address} cannot be listened on ({source}): choose another port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The block archive cannot be opened.
    #[error("the block archive is damaged ({what}): restore the data folder from a copy, or start with an empty one")]
    Archive {
        /// What the engine says.
        what: String,
    },
    /// A block between snapshot and head is missing or does not lead to its own header.
    #[error("block {height} in the data folder is {what}: restore the folder from a copy, or start with an empty one")]
    Block {
        /// Its height.
        height: Height,
        /// "missing" or what is wrong.
        what: String,
    },
}

/// A running validator. It ends with its runtime.
pub struct Validator;

/// A final block and the state after it.
struct Tip {
    header: Header,
    digest: Digest,
    state: Arc<State>,
}

impl Validator {
    /// Starts it inside the runtime of its folder; it runs in tasks of its own from then on.
    ///
    /// Boxed, so that the engine is compiled here and not once more in every program that starts it.
    pub fn start(context: runtime::Context, config: Config) -> BoxFuture<'static, Result<LedgerHandle, StartError>> {
        Self::wire(context, config).boxed()
    }

    async fn wire(context: runtime::Context, config: Config) -> Result<LedgerHandle, StartError> {
        let Config { folder, genesis, key, listen, peers } = config;
        let begin = Block::genesis(&genesis)?.digested();
        folder.bind(&genesis)?;
        let chain_id = genesis.chain();
        let snapshot = Snapshot::load(&folder, chain_id)?;
        let tip = match snapshot {
            Some(Snapshot { header, state }) => Tip { digest: header.digest(), header, state: Arc::new(state) },
            None => Tip {
                header: begin.inner().header().clone(),
                digest: begin.digest(),
                state: Arc::new(genesis.state()?),
            },
        };
        let chain = Chain::default();
        chain.insert(tip.digest, Arc::clone(&tip.state));
        let mempool = Mempool::new(&tip.header, &tip.state);
        let mempool =
            mempool.ok_or(StartError::Block { height: tip.header.height, what: "no block to build on".into() })?;
        let mempool = Arc::new(Mutex::new(mempool));
        let (finals, queue) = mpsc::unbounded();
        let application = Application { chain: chain.clone(), mempool: Arc::clone(&mempool), finals };

        let validators: Set<PublicKey> = genesis
            .validator_keys()
            .into_iter()
            .try_collect()
            .map_err(|_| GenesisError::Validators(genesis.validators.len()))?;
        let namespace = namespace(&chain_id);
        let (mut network, mut oracle) = network(&context, &namespace, &key, listen, validators.len())?;
        oracle.track(0, addresses(&key, listen, peers));
        let quota = Quota::per_second(NZU32!(128));
        let [votes, certificates, resolver, backfill, broadcast] =
            [0, 1, 2, 3, 4].map(|channel| network.register(channel, quota));
        let settings = Settings {
            namespace,
            key: key.clone(),
            validators,
            genesis: begin,
            block_time: Duration::from_millis(genesis.parameters.block_time),
            provider: oracle.clone(),
            blocker: oracle,
        };
        let prepared = Prepared::new(context.child("engine"), settings, application.clone(), backfill, broadcast).await;
        let prepared = prepared.map_err(|error| match error {
            EngineError::NotValidator => StartError::NotValidator { key: key.public_key() },
            EngineError::Archive(error) => StartError::Archive { what: error.to_string() },
        })?;
        let ledger = LedgerHandle::new(prepared.marshal.clone(), mempool);
        let mut keeper = Keeper {
            folder,
            chain,
            marshal: prepared.marshal.clone(),
            ledger: ledger.clone(),
            tip,
            mempool: Arc::clone(&application.mempool),
        };
        keeper.resume().await?;
        context.child("keeper").spawn(|_| keeper.run(queue));
        prepared.vote(application, votes, certificates, resolver);
        network.start();
        Ok(ledger)
    }
}

type Network = lookup::Network<runtime::Context, Cups<Sake<PrivateKey>, ChaCha20Poly1305>>;
type Oracle = lookup::Oracle<PublicKey>;

/// The network between validators.
fn network(
    context: &runtime::Context,
    namespace: &[u8],
    key: &PrivateKey,
    listen: Option<SocketAddr>,
    validators: usize,
) -> Result<(Network, Oracle), StartError> {
    let address = listen.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
    // The engine ends the process where it cannot listen, so try before.
    TcpListener::bind(address).map_err(|source| StartError::Listen { address, source })?;
    let count = u32::try_from(validators).unwrap_or(u32::MAX);
    let largest = max_message_size(&[
        simplex::max_payload_size::<Scheme, Digest>(count),
        marshal::max_payload_size::<Standard<Block>, Scheme>(count, &()),
    ]);
    let handshake = Cups::<_, ChaCha20Poly1305>::new(
        Sake {
            signer: key.clone(),
            synchrony_bound: Duration::from_secs(5),
            max_handshake_age: Duration::from_secs(10),
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    let config = lookup::Config::local(handshake, namespace, address, NZUsize!(64), largest, NZUsize!(1000));
    Ok(lookup::Network::new(context.child("network"), config))
}

/// Where each validator is, this one among them.
fn addresses(
    key: &PrivateKey,
    listen: Option<SocketAddr>,
    peers: Vec<(PublicKey, SocketAddr)>,
) -> Map<PublicKey, Address> {
    let own = listen.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
    let all = peers.into_iter().filter(|(peer, _)| *peer != key.public_key()).chain([(key.public_key(), own)]);
    Map::from_iter_dedup(all.map(|(peer, address)| (peer, address.into())))
}

/// Keeps final blocks: state, certificate, snapshot, queue; in order.
struct Keeper {
    folder: Folder,
    chain: Chain,
    marshal: Marshal,
    ledger: LedgerHandle,
    mempool: Arc<Mutex<Mempool>>,
    tip: Tip,
}

impl Keeper {
    /// From the snapshot to the newest block that was acknowledged before.
    async fn resume(&mut self) -> Result<(), StartError> {
        let from = self.tip.header.height;
        let missing = |height| StartError::Block { height, what: "missing".into() };
        if from > Height(0) {
            let block = self.marshal.get_block(EngineHeight::new(from.get())).await.ok_or_else(|| missing(from))?;
            if block.digest() != self.tip.digest {
                return Err(StartError::Block { height: from, what: "another than the snapshot's".into() });
            }
            let finalization = self.finalization(from).await;
            self.ledger.keep(Kept::new(self.tip.header.clone(), finalization, Arc::clone(&self.tip.state)));
        }
        let processed = self.marshal.get_processed().await.map_or(0, |processed| processed.height().get());
        while self.tip.header.height.get() < processed {
            let height = self.tip.header.height.next();
            let block = self.marshal.get_block(EngineHeight::new(height.get())).await.ok_or_else(|| missing(height))?;
            self.follow(block.inner()).await.map_err(|error| StartError::Block { height, what: error.to_string() })?;
        }
        tracing::info!(snapshot = %from, height = %self.tip.header.height, kept = KEPT, "ledger is open");
        Ok(())
    }

    /// Takes final blocks until the engine ends.
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Final>) {
        while let Some((block, acknowledgement)) = queue.next().await {
            if block.inner().header().height > self.tip.header.height {
                if let Err(error) = self.follow(block.inner()).await {
                    // A final block that does not apply: the validators disagree with this program. Without an
                    // acknowledgement the engine stops here instead of going on with a wrong state.
                    tracing::error!(height = %block.inner().header().height, %error, "a final block does not apply");
                    return;
                }
                self.save().await;
            }
            acknowledgement.acknowledge();
        }
    }

    async fn follow(&mut self, block: &Block) -> Result<(), crate::chain::Invalid> {
        let state = self.chain.follow(&self.tip.state, block)?;
        let digest = block.digest();
        self.chain.settle(&digest, &state);
        let header = block.header().clone();
        let finalization = self.finalization(header.height).await;
        self.mempool.lock().unwrap_or_else(PoisonError::into_inner).settle(&header, &state, &block.body().transactions);
        self.ledger.keep(Kept::new(header.clone(), finalization, Arc::clone(&state)));
        self.tip = Tip { header, digest, state };
        Ok(())
    }

    /// Writes a snapshot at the end of an epoch. Where the disk refuses, the one before still serves.
    async fn save(&self) {
        let Tip { header, state, .. } = &self.tip;
        if !header.height.get().is_multiple_of(state.parameters().tempo.max(1)) {
            return;
        }
        let (folder, header, state) = (self.folder.clone(), header.clone(), Arc::clone(state));
        let write = move || Snapshot { header, state: (*state).clone() }.save(&folder);
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "no snapshot written"),
            Err(error) => tracing::error!(%error, "no snapshot written"),
        }
    }

    async fn finalization(&self, height: Height) -> Option<Bytes> {
        self.marshal.get_finalization(EngineHeight::new(height.get())).await.map(|finalization| finalization.encode())
    }
}

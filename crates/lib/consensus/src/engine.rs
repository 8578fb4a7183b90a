//! The wiring of commonware's Simplex: archives, marshal, broadcast, backfill and votes over five channels.
//!
//! Generic in runtime and network, so that the same wiring can run in a simulation.

use crate::application::Application;
use crate::block::Block;
use commonware_broadcast::buffered;
use commonware_consensus::marshal::core::{Actor, Mailbox};
use commonware_consensus::marshal::resolver::p2p as marshal_resolver;
use commonware_consensus::marshal::standard::{Deferred, Standard};
use commonware_consensus::marshal::{self, Start};
use commonware_consensus::simplex::elector::RoundRobin;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::{self, Floor, ForwardPolicy, SkipBudget, SkipPolicy};
use commonware_consensus::types::{Epoch, FixedEpocher, ViewDelta};
use commonware_cryptography::certificate::ConstantProvider;
use commonware_cryptography::{Digested, Digestible, Sha256, Signer};
use commonware_p2p::{Blocker, Provider, Receiver, Sender};
use commonware_parallel::Sequential;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::{Clock, Metrics, Spawner, Storage};
use commonware_storage::archive::{self, prunable};
use commonware_storage::translator::TwoCap;
use commonware_utils::ordered::Set;
use commonware_utils::{NZDuration, NZU16, NZU64, NZUsize};
use ledger::{PrivateKey, PublicKey};
use rand_core::CryptoRng;
use std::time::Duration;

/// The part of the engine that keeps and orders final blocks.
pub(crate) type Marshal = Mailbox<Scheme, Standard<Block>>;

/// Who runs it and how fast.
pub(crate) struct Settings<P, B> {
    pub namespace: Vec<u8>,
    pub key: PrivateKey,
    pub validators: Set<PublicKey>,
    pub genesis: Digested<Block>,
    pub block_time: Duration,
    pub provider: P,
    pub blocker: B,
}

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// The key is not among the validators.
    #[error("the key is not among the validators")]
    NotValidator,
    /// The archives cannot be opened.
    #[error("archive: {0}")]
    Archive(#[from] archive::Error),
}

/// Everything but the votes: final blocks are delivered to `application`, nothing is proposed yet.
pub(crate) struct Prepared<E, P, B> {
    context: E,
    settings: Settings<P, B>,
    scheme: Scheme,
    cache: CacheRef,
    epocher: FixedEpocher,
    pub marshal: Marshal,
}

impl<E, P, B> Prepared<E, P, B>
where
    E: Clock + CryptoRng + Spawner + Storage + Metrics,
    P: Provider<PublicKey = PublicKey>,
    B: Blocker<PublicKey = PublicKey>,
{
    /// Opens the archives and starts what keeps them.
    pub async fn new<S, R>(
        context: E,
        settings: Settings<P, B>,
        application: Application,
        backfill: (S, R),
        broadcast: (S, R),
    ) -> Result<Self, EngineError>
    where
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        let scheme = Scheme::signer(&settings.namespace, settings.validators.clone(), settings.key.clone())
            .ok_or(EngineError::NotValidator)?;
        let cache = CacheRef::new(NZU16!(4096), NZUsize!(1024));
        let epocher = FixedEpocher::new(NZU64!(u64::MAX / 2));
        let signatures = settings.validators.len();
        let finalizations = prunable::Archive::init(
            context.child("finalizations"),
            archive_config("finalizations", &cache, signatures),
        )
        .await?;
        let blocks = prunable::Archive::init(context.child("blocks"), archive_config("blocks", &cache, ())).await?;
        let (actor, marshal, _floor) = Actor::<_, Standard<Block>, _, _, _, _, _>::init(
            context.child("marshal"),
            finalizations,
            blocks,
            marshal::Config {
                provider: ConstantProvider::<Scheme, Epoch>::new(scheme.clone()),
                epocher: epocher.clone(),
                start: Start::Genesis(settings.genesis.clone()),
                partition_prefix: "marshal".into(),
                mailbox_size: NZUsize!(1024),
                view_retention: RETENTION,
                prunable_items_per_section: NZU64!(1024),
                page_cache: cache.clone(),
                replay_buffer: BUFFER,
                key_write_buffer: BUFFER,
                value_write_buffer: BUFFER,
                block_codec_config: (),
                max_repair: NZUsize!(16),
                max_pending_acks: NZUsize!(16),
                strategy: Sequential,
            },
        )
        .await;
        let resolver = marshal_resolver::init(
            context.child("marshal_resolver"),
            marshal_resolver::Config {
                public_key: settings.key.public_key(),
                peer_provider: settings.provider.clone(),
                blocker: settings.blocker.clone(),
                mailbox_size: NZUsize!(1024),
                fetch_timeout: NZDuration!(Duration::from_secs(2)),
                fetch_retry_delay: Duration::from_millis(100),
                priority_requests: false,
                priority_responses: false,
            },
            backfill,
        );
        let (broadcaster, buffer) = buffered::Engine::new(
            context.child("broadcast"),
            buffered::Config {
                public_key: settings.key.public_key(),
                mailbox_size: NZUsize!(1024),
                deque_size: 16,
                priority: true,
                codec_config: (),
                peer_provider: settings.provider.clone(),
                strategy: Sequential,
            },
        );
        broadcaster.start(broadcast);
        actor.start(application, buffer, resolver);
        Ok(Self { context, settings, scheme, cache, epocher, marshal })
    }

    /// Starts to propose and vote.
    pub fn vote<S, R>(self, application: Application, votes: (S, R), certificates: (S, R), resolver: (S, R))
    where
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        let Self { context, settings, scheme, cache, epocher, marshal } = self;
        let deferred = Deferred::new(context.child("deferred"), application, marshal, epocher);
        // A leader sleeps until its block is due, so the others must wait longer than a block time.
        let leader_timeout = (settings.block_time * 3).max(Duration::from_secs(3));
        let engine = simplex::Engine::new(
            context.child("simplex"),
            simplex::Config {
                scheme,
                elector: RoundRobin::<Sha256>::default(),
                blocker: settings.blocker,
                automaton: deferred.clone(),
                relay: deferred.clone(),
                reporter: deferred,
                strategy: Sequential,
                partition: "simplex".into(),
                mailbox_size: NZUsize!(1024),
                epoch: Epoch::zero(),
                floor: Floor::Genesis(settings.genesis.digest()),
                replay_buffer: BUFFER,
                write_buffer: BUFFER,
                page_cache: cache,
                leader_timeout,
                certification_timeout: leader_timeout + Duration::from_secs(1),
                timeout_retry: Duration::from_secs(2),
                view_retention: RETENTION,
                skip: SkipPolicy::Enabled { timeout: leader_timeout * 3, budget: SkipBudget::Participants },
                fetch_timeout: NZDuration!(Duration::from_secs(2)),
                fetch_retry_delay: Duration::from_millis(500),
                forward: ForwardPolicy::SilentVoters,
                track_historical_votes: false,
            },
        );
        engine.start(votes, certificates, resolver);
    }
}

/// Views whose votes are kept after they are final.
const RETENTION: ViewDelta = ViewDelta::new(256);

/// Bytes of a read or write buffer.
const BUFFER: std::num::NonZeroUsize = NZUsize!(1 << 20);

fn archive_config<C>(name: &str, cache: &CacheRef, codec_config: C) -> prunable::Config<TwoCap, C> {
    prunable::Config {
        translator: TwoCap,
        metadata_partition: format!("{name}-meta"),
        key_partition: format!("{name}-key"),
        key_page_cache: cache.clone(),
        value_partition: format!("{name}-value"),
        compression: None,
        codec_config,
        items_per_section: NZU64!(1024),
        key_write_buffer: BUFFER,
        value_write_buffer: BUFFER,
        replay_buffer: BUFFER,
    }
}

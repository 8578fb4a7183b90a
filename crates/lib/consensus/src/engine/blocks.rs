//! Final blocks: archives, and the actor that brings what is final into order and hands it on.
//!
//! Blocks come from the other validators, or from a source that is asked for one after the other. Every certificate is checked
//! against the set of its epoch before its block counts.

use super::committees::Committees;
use super::epochs::Epochs;
use super::{BUFFER, Disk, MAILBOX, Marshal, Runtime};
use crate::application::Application;
use crate::block::Block;
use bytes::Bytes;
use commonware_broadcast::buffered;
use commonware_consensus::marshal::core::Actor;
use commonware_consensus::marshal::resolver::{handler, p2p as marshal_resolver};
use commonware_consensus::marshal::standard::Standard;
use commonware_consensus::marshal::{self, Start};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Finalization;
use commonware_cryptography::Digested;
use commonware_p2p::{Blocker, Provider, Receiver, Sender};
use commonware_parallel::Sequential;
use commonware_resolver::opaque::{self, Fetcher};
use commonware_storage::archive::{self, prunable};
use commonware_storage::translator::TwoCap;
use commonware_utils::{NZDuration, NZU64, NZUsize};
use ledger::genesis::MAX_VALIDATORS;
use ledger::{Digest, PublicKey};
use std::sync::Arc;
use std::time::Duration;

/// The archives and the actor, which does nothing before [`Blocks::join`] or [`Blocks::follow`].
pub struct Blocks<E: Runtime> {
    context: E,
    actor: BlocksActor<E>,
    /// Where final blocks are asked for.
    pub marshal: Marshal,
}

type BlocksActor<E> = Actor<
    E,
    Standard<Block>,
    Committees,
    prunable::Archive<TwoCap, E, Digest, Finalization<Scheme, Digest>>,
    prunable::Archive<TwoCap, E, Digest, Arc<Block>>,
    Epochs,
    Sequential,
>;

/// Where a node begins.
pub type Begin = Start<Scheme, Digest, Digested<Block>>;

/// How blocks travel between validators.
pub struct Exchange<P, B, S, R> {
    /// Own name.
    pub key: PublicKey,
    /// Who is connected.
    pub provider: P,
    /// Who is no longer to be.
    pub blocker: B,
    /// Questions for blocks, and answers.
    pub backfill: (S, R),
    /// Blocks as they are proposed.
    pub broadcast: (S, R),
}

impl<E: Runtime> Blocks<E> {
    /// Opens the archives. What was kept before goes before `begin`.
    pub async fn open(
        context: E,
        committees: Committees,
        epochs: Epochs,
        begin: Begin,
        disk: &Disk,
    ) -> Result<Self, archive::Error> {
        let finalizations = disk.archive(TwoCap, "finalizations", 1_024, MAX_VALIDATORS);
        let finalizations = prunable::Archive::init(context.child("finalizations"), finalizations).await?;
        let blocks = disk.archive(TwoCap, "blocks", 1_024, ());
        let blocks = prunable::Archive::init(context.child("blocks"), blocks).await?;
        let (actor, marshal, _floor) = Actor::init(
            context.child("marshal"),
            finalizations,
            blocks,
            marshal::Config {
                provider: committees,
                epocher: epochs,
                start: begin,
                partition_prefix: disk.partition("marshal"),
                mailbox_size: MAILBOX,
                view_retention: epochs.retention(),
                prunable_items_per_section: NZU64!(1024),
                page_cache: disk.cache.clone(),
                replay_buffer: BUFFER,
                key_write_buffer: BUFFER,
                value_write_buffer: BUFFER,
                block_codec_config: (),
                max_repair: NZUsize!(64),
                max_pending_acks: NZUsize!(16),
                strategy: Sequential,
            },
        )
        .await;
        Ok(Self { context, actor, marshal })
    }

    /// Exchanges blocks with other validators from now on.
    pub fn join<P, B, S, R>(self, application: Application, exchange: Exchange<P, B, S, R>)
    where
        P: Provider<PublicKey = PublicKey>,
        B: Blocker<PublicKey = PublicKey>,
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        let Exchange { key, provider, blocker, backfill, broadcast } = exchange;
        let resolver = marshal_resolver::init(
            self.context.child("marshal_resolver"),
            marshal_resolver::Config {
                public_key: key.clone(),
                peer_provider: provider.clone(),
                blocker,
                mailbox_size: MAILBOX,
                fetch_timeout: NZDuration!(Duration::from_secs(2)),
                fetch_retry_delay: Duration::from_millis(100),
                priority_requests: false,
                priority_responses: false,
            },
            backfill,
        );
        let (broadcaster, buffer) = buffered::Engine::new(
            self.context.child("broadcast"),
            buffered::Config {
                public_key: key,
                mailbox_size: MAILBOX,
                deque_size: 16,
                priority: true,
                codec_config: (),
                peer_provider: provider,
                strategy: Sequential,
            },
        );
        broadcaster.start(broadcast);
        self.actor.start(application, buffer, resolver);
    }

    /// Takes blocks from a source from now on.
    pub fn follow<F>(self, application: Application, source: F)
    where
        F: Fetcher<Key = handler::Key<Digest>, Value = Bytes> + Clone + Send + 'static,
    {
        let (receiver, handler) = handler::init(self.context.child("handler"), MAILBOX);
        let again = Duration::from_millis(500);
        let resolver = opaque::init(self.context.child("resolver"), source, handler, MAILBOX, again);
        self.actor.start_unbuffered(application, (receiver, resolver));
    }
}

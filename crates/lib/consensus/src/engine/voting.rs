//! The engine of the current epoch: started with the epoch where this node is in its set, ended with it.
//!
//! Votes, certificates and the engine's questions travel in channels of their own for each epoch. What comes for an epoch whose
//! engine does not run here tells two things: votes of a later epoch, that this node has fallen behind, so that the end of its own
//! epoch is asked for; certificates of its own epoch, which block is final, for a node that watches.
//!
//! A hostile peer could send rubbish for any epoch: certificates count only when they hold, and a question goes to whoever caused
//! it.

use super::committees::{Committees, Member};
use super::epochs::Epochs;
use super::{BUFFER, Disk, MAILBOX, Marshal, Runtime};
use crate::application::Behaviour;
use crate::witness::Witness;
use commonware_codec::Decode as _;
use commonware_consensus::marshal::standard::Deferred;
use commonware_consensus::simplex::elector::RoundRobin;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{Activity, Certificate};
use commonware_consensus::simplex::{self, Floor, ForwardPolicy, SkipBudget, SkipPolicy};
use commonware_consensus::types::{Epoch, Epocher};
use commonware_consensus::{Epochable, Reporter, Reporters};
use commonware_cryptography::Sha256;
use commonware_cryptography::certificate::{Provider as _, Scheme as _};
use commonware_p2p::utils::mux::{Builder, MuxHandle, Muxer};
use commonware_p2p::{Blocker, Receiver, Sender};
use commonware_parallel::Sequential;
use commonware_runtime::Handle;
use commonware_utils::NZDuration;
use commonware_utils::vec::NonEmptyVec;
use futures::StreamExt;
use futures::channel::mpsc;
use ledger::genesis::MAX_VALIDATORS;
use ledger::{ChainId, Digest, Evidence, PublicKey};
use std::time::Duration;

/// An epoch begins.
#[derive(Clone, Copy, Debug)]
pub struct Beginning {
    /// Which.
    pub epoch: Epoch,
    /// Digest of the block before its first.
    pub floor: Digest,
    /// What this node is in it.
    pub member: Member,
}

/// What voting needs, the same for every epoch.
pub struct Voting<E, A, B> {
    /// The runtime.
    pub context: E,
    /// The chain.
    pub chain: ChainId,
    /// Who signs when.
    pub committees: Committees,
    /// Which heights.
    pub epochs: Epochs,
    /// Final blocks.
    pub marshal: Marshal,
    /// The ledger.
    pub application: A,
    /// Who is no longer to be connected.
    pub blocker: B,
    /// Told of validators that sign two histories.
    pub evidence: mpsc::Sender<Evidence>,
    /// Time from one block to the next.
    pub block_time: Duration,
    /// Its files.
    pub disk: Disk,
}

/// The three channels of voting.
pub struct Channels<S, R> {
    /// Votes.
    pub votes: (S, R),
    /// Certificates.
    pub certificates: (S, R),
    /// Questions for certificates, and answers.
    pub resolver: (S, R),
}

impl<E, A, B> Voting<E, A, B>
where
    E: Runtime,
    A: Behaviour<E>,
    B: Blocker<PublicKey = PublicKey> + Sync,
{
    /// Votes in every epoch that begins, until there are no more.
    pub fn start<S, R>(self, channels: Channels<S, R>, beginnings: mpsc::UnboundedReceiver<Beginning>) -> Handle<()>
    where
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        let context = self.context.child("voting");
        context.spawn(|_| self.run(channels, beginnings))
    }

    async fn run<S, R>(mut self, channels: Channels<S, R>, mut beginnings: mpsc::UnboundedReceiver<Beginning>)
    where
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        let (votes, mut vote_handle, mut stray_votes) =
            Muxer::builder(self.context.child("votes"), channels.votes.0, channels.votes.1).with_backup().build();
        let (certificates, mut certificate_handle, mut stray_certificates) =
            Muxer::builder(self.context.child("certificates"), channels.certificates.0, channels.certificates.1)
                .with_backup()
                .build();
        let (resolver, mut resolver_handle) =
            Muxer::new(self.context.child("resolver"), channels.resolver.0, channels.resolver.1);
        votes.start();
        certificates.start();
        resolver.start();
        let mut now = None;
        let mut running: Option<Engine> = None;
        let (mut seen, mut next) = (None, self.context.current() + self.patience());
        loop {
            let look = self.context.sleep_until(next);
            tokio::select! {
                biased;
                beginning = beginnings.next() => {
                    let Some(mut beginning) = beginning else { break };
                    // What was followed at once is over: only in the last of these epochs there is still a vote.
                    while let Ok(newer) = beginnings.try_recv() {
                        beginning = newer;
                    }
                    drop(running.take());
                    now = Some(beginning.epoch);
                    if beginning.member == Member::Voter {
                        let mut handles = [&mut vote_handle, &mut certificate_handle, &mut resolver_handle];
                        running = self.enter(beginning, &mut handles).await;
                    }
                    self.forget(beginning.epoch).await;
                }
                Some((epoch, (from, _))) = stray_votes.recv() => self.behind(now, Epoch::new(epoch), from),
                Some((epoch, (from, bytes))) = stray_certificates.recv() => {
                    if now == Some(Epoch::new(epoch)) {
                        self.watch(Epoch::new(epoch), bytes);
                    } else {
                        self.behind(now, Epoch::new(epoch), from);
                    }
                }
                () = look => {
                    let processed = self.marshal.get_processed().await.map(|processed| processed.height());
                    if processed == seen {
                        self.ask_for_the_end(now);
                    }
                    seen = processed;
                    next = self.context.current() + self.patience();
                }
            }
        }
    }

    /// How long nothing may become final before the others are asked whether the epoch is over.
    fn patience(&self) -> Duration {
        (self.block_time * 10).max(Duration::from_secs(10))
    }

    /// Asks all who validate for the last block of this epoch. Where everyone who will vote in the next one missed its
    /// certificate, nobody would tell of it: those who made it are silent by then.
    fn ask_for_the_end(&self, now: Option<Epoch>) {
        let Some(now) = now else { return };
        let targets = NonEmptyVec::try_from(self.committees.validators(now));
        if let (Some(last), Ok(targets)) = (self.epochs.last(now), targets) {
            self.marshal.hint_finalized(last, targets);
        }
    }

    /// Starts the engine of an epoch.
    async fn enter<S>(&self, beginning: Beginning, handles: &mut [&mut MuxHandle<S>; 3]) -> Option<Engine>
    where
        S: Sender<PublicKey = PublicKey>,
    {
        let Beginning { epoch, floor, .. } = beginning;
        let scheme = self.committees.scheme(epoch)?;
        let deferred = Deferred::new(
            self.context.child("deferred").with_attribute("epoch", epoch),
            self.application.clone(),
            self.marshal.clone(),
            self.epochs,
        );
        // A leader sleeps until its block is due, so the others must wait longer than a block time.
        let leader_timeout = (self.block_time * 3).max(Duration::from_secs(3));
        let engine = simplex::Engine::new(
            self.context.child("simplex").with_attribute("epoch", epoch),
            simplex::Config {
                scheme: scheme.as_ref().clone(),
                elector: RoundRobin::<Sha256>::default(),
                blocker: self.blocker.clone(),
                automaton: deferred.clone(),
                relay: deferred.clone(),
                reporter: Reporters::from((
                    deferred,
                    Witness::new(self.chain, scheme.participants().clone(), self.evidence.clone()),
                )),
                strategy: Sequential,
                partition: self.partition(epoch),
                mailbox_size: MAILBOX,
                epoch,
                floor: Floor::Genesis(floor),
                replay_buffer: BUFFER,
                write_buffer: BUFFER,
                page_cache: self.disk.cache.clone(),
                leader_timeout,
                certification_timeout: leader_timeout + Duration::from_secs(1),
                timeout_retry: Duration::from_secs(2),
                view_retention: self.epochs.retention(),
                skip: SkipPolicy::Enabled { timeout: leader_timeout * 3, budget: SkipBudget::Participants },
                fetch_timeout: NZDuration!(Duration::from_secs(2)),
                fetch_retry_delay: Duration::from_millis(500),
                forward: ForwardPolicy::SilentVoters,
                track_historical_votes: false,
            },
        );
        let [votes, certificates, resolver] = handles;
        let votes = votes.register(epoch.get()).await.ok()?;
        let certificates = certificates.register(epoch.get()).await.ok()?;
        let resolver = resolver.register(epoch.get()).await.ok()?;
        tracing::info!(%epoch, validators = scheme.participants().len(), "voting");
        Some(Engine(engine.start(votes, certificates, resolver)))
    }

    /// Somebody is in a later epoch: the end of this one is final, and is asked for.
    fn behind(&self, now: Option<Epoch>, theirs: Epoch, from: PublicKey) {
        let Some(now) = now.filter(|now| *now < theirs) else { return };
        if let Some(last) = self.epochs.last(now) {
            self.marshal.hint_finalized(last, NonEmptyVec::new(from));
        }
    }

    /// A certificate of this epoch came, in which this node does not vote.
    fn watch(&mut self, epoch: Epoch, bytes: commonware_runtime::IoBuf) {
        let Ok(Certificate::Finalization(finalization)) =
            Certificate::<Scheme, Digest>::decode_cfg(bytes, &MAX_VALIDATORS)
        else {
            return;
        };
        let Some(scheme) = self.committees.scoped(epoch) else { return };
        if finalization.epoch() == epoch && finalization.verify(&mut self.context, &scheme, &Sequential) {
            self.marshal.report(Activity::Finalization(finalization));
        }
    }

    /// Votes of epochs that are long over can go.
    async fn forget(&self, epoch: Epoch) {
        let Some(old) = epoch.get().checked_sub(2) else { return };
        match self.context.remove(&self.partition(Epoch::new(old)), None).await {
            Ok(()) | Err(commonware_runtime::Error::PartitionMissing(_)) => {}
            Err(error) => tracing::warn!(epoch = old, %error, "old votes stay"),
        }
    }

    fn partition(&self, epoch: Epoch) -> String {
        self.disk.partition(&format!("simplex-{epoch}"))
    }
}

/// A running engine, ended when dropped.
struct Engine(Handle<()>);

impl Drop for Engine {
    fn drop(&mut self) {
        self.0.abort();
    }
}

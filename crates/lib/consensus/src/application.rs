//! What the engine asks of the ledger: propose a block, verify a block, take final blocks.
//!
//! A proposer keeps only transactions that apply; a block that holds any other is invalid for every honest validator. A
//! hostile proposer could send a block with a wrong root, an invalid transaction, a time before its parent's or too soon
//! after it (each refused for good), or a time in the future (waited for: the engine's own timeouts pass it over).

use crate::block::{Block, BlockContext};
use crate::chain::Chain;
use crate::mempool::Mempool;
use commonware_actor::Feedback;
use commonware_codec::EncodeSize;
use commonware_consensus::marshal::Update;
use commonware_consensus::marshal::ancestry::Ancestry;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::{Application as EngineApplication, Reporter};
use commonware_cryptography::{Digested, Digestible};
use commonware_runtime::{Clock, Metrics, Spawner};
use commonware_utils::SystemTimeExt;
use commonware_utils::acknowledgement::Exact;
use futures::StreamExt;
use futures::channel::mpsc;
use ledger::{At, Body, Digest, State};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A block from the future is verified when at most this is left, ms.
const AHEAD: u64 = 500;

/// Longest that a clock is believed for such a wait.
const AGAIN: Duration = Duration::from_secs(1);

/// A final block, to be acknowledged when it is kept.
pub type Final = (Digested<Block>, Exact);

/// How far the clock of a node is from the true time, ms: nothing on a machine, whose clock is what it is. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Skew(Arc<AtomicI64>);

impl Skew {
    /// Moves the clock.
    pub fn set(&self, ms: i64) {
        self.0.store(ms, Ordering::Relaxed);
    }

    /// What the clock shows, ms since the Unix epoch.
    fn of(&self, true_time: SystemTime) -> u64 {
        true_time.epoch_millis().saturating_add_signed(self.0.load(Ordering::Relaxed))
    }
}

/// What proposes and verifies blocks: [`Application`], or in a simulation something that does not keep to the rules.
pub trait Behaviour<E: Clock + Spawner + Metrics>:
    EngineApplication<E, Block = Block, Context = BlockContext, SigningScheme = Scheme, Input = ()> + Clone + Sync
{
}

impl<E, T> Behaviour<E> for T
where
    E: Clock + Spawner + Metrics,
    T: EngineApplication<E, Block = Block, Context = BlockContext, SigningScheme = Scheme, Input = ()> + Clone + Sync,
{
}

/// The ledger as the engine sees it.
#[derive(Clone)]
pub struct Application {
    pub(crate) chain: Chain,
    pub(crate) mempool: Arc<Mutex<Mempool>>,
    pub(crate) finals: mpsc::UnboundedSender<Final>,
    pub(crate) skew: Skew,
}

impl Application {
    /// The state after `tip`: known, or computed from the nearest ancestor that is.
    async fn state_of(&self, tip: Digested<Block>, ancestry: &mut impl Ancestry<Block>) -> Option<Arc<State>> {
        let mut unknown = Vec::new();
        let mut block = tip;
        let mut state = loop {
            if let Some(state) = self.chain.state(&block.digest()) {
                break state;
            }
            unknown.push(block);
            let parent = ancestry.next().await;
            // While it waited one of them may have become final, and with it the states before were forgotten.
            let known = |(newer, block): (usize, &Digested<Block>)| Some((newer, self.chain.state(&block.digest())?));
            if let Some((newer, state)) = unknown.iter().enumerate().find_map(known) {
                unknown.truncate(newer);
                break state;
            }
            block = parent?;
        };
        while let Some(block) = unknown.pop() {
            match self.chain.follow(&state, block.inner(), &self.mempool) {
                Ok(next) => state = next,
                Err(error) => {
                    tracing::warn!(height = %block.inner().header().height, %error, "invalid block");
                    return None;
                }
            }
        }
        Some(state)
    }

    /// The state after a block, where it is known.
    pub fn state(&self, digest: &Digest) -> Option<Arc<State>> {
        self.chain.state(digest)
    }

    /// Remembers the state after a block that it did not make.
    pub fn remember(&self, digest: Digest, state: State) {
        self.chain.insert(digest, Arc::new(state));
    }

    /// Fills a block with what waits and applies.
    fn fill(&self, state: &State, at: At) -> Option<(Body, State)> {
        let offers = self.mempool.lock().unwrap_or_else(PoisonError::into_inner).offers();
        let mut draft = state.draft(at).ok()?;
        let mut body = Body::default();
        let mut bytes = 0;
        for checked in offers {
            let transaction = checked.transaction();
            if !body.fits(bytes, transaction) {
                break;
            }
            if draft.offer_checked(&checked).is_ok() {
                bytes += transaction.encode_size();
                body.transactions.push(transaction.clone());
            }
        }
        let (state, _) = draft.finish();
        Some((body, state))
    }
}

impl<E: Clock + Spawner + Metrics> EngineApplication<E> for Application {
    type SigningScheme = Scheme;
    type Context = BlockContext;
    type Block = Block;
    type Input = ();

    async fn propose(
        &mut self,
        (runtime, context): (E, BlockContext),
        mut ancestry: impl Ancestry<Block>,
        (): (),
    ) -> Option<Digested<Block>> {
        let parent = ancestry.next().await?;
        let (digest, header) = (parent.digest(), parent.inner().header().clone());
        let state = self.state_of(parent, &mut ancestry).await?;
        let block_time = state.parameters().block_time;
        let due = header.time.saturating_add(block_time);
        let now = self.skew.of(runtime.current());
        if now < due {
            // A clock that was set back must not stop the chain, so no longer than one block time.
            runtime.sleep(Duration::from_millis((due - now).min(block_time))).await;
        }
        let time = self.skew.of(runtime.current()).max(due);
        let at = At { height: header.height.next(), time, parent: digest };
        let (body, state) = self.fill(&state, at)?;
        let block = Block::new(context, &at, &state, body).digested();
        self.chain.insert(block.digest(), Arc::new(state));
        Some(block)
    }

    async fn verify(&mut self, (runtime, _): (E, BlockContext), mut ancestry: impl Ancestry<Block>) -> bool {
        let Some(block) = ancestry.next().await else { return false };
        let time = block.inner().header().time;
        // The clock is asked again and again: one that was set back may be right before this is over.
        while let ahead @ 1.. = time.saturating_sub(self.skew.of(runtime.current())).saturating_sub(AHEAD) {
            runtime.sleep(Duration::from_millis(ahead).min(AGAIN)).await;
        }
        self.state_of(block, &mut ancestry).await.is_some()
    }
}

impl Reporter for Application {
    type Activity = Update<Block>;

    fn report(&mut self, update: Self::Activity) -> Feedback {
        if let Update::Block(block, acknowledgement) = update
            && self.finals.unbounded_send((block, acknowledgement)).is_err()
        {
            tracing::error!("final blocks are no longer kept");
        }
        Feedback::Ok
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_consensus::CertifiableBlock;
    use futures::Stream;
    use futures::executor::block_on;
    use ledger::Genesis;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// Gives one block after the other, and makes another final before the last.
    #[derive(Clone)]
    struct Walk {
        blocks: Vec<Digested<Block>>,
        chain: Chain,
        becomes_final: (Digest, Arc<State>),
    }

    impl Stream for Walk {
        type Item = Digested<Block>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            if self.blocks.len() == 1 {
                let (digest, state) = &self.becomes_final;
                self.chain.insert(*digest, Arc::clone(state));
                self.chain.settle(digest, state);
            }
            Poll::Ready(self.blocks.pop())
        }
    }

    impl Ancestry<Block> for Walk {
        fn peek(&self) -> Option<&Digested<Block>> {
            self.blocks.last()
        }
    }

    #[test]
    fn a_parent_that_becomes_final_meanwhile_does_not_make_a_block_invalid() {
        let genesis = Genesis::example();
        let begin = Block::genesis(&genesis).unwrap();
        let follow = |parent: &Block, state: &State| {
            let time = state.time() + genesis.parameters.block_time;
            let at = At { height: parent.header().height.next(), time, parent: parent.digest() };
            let (state, _) = state.apply(&at, &[]).unwrap();
            (Block::new(parent.context(), &at, &state, Body::default()), Arc::new(state))
        };
        let before = Arc::new(genesis.state().unwrap());
        let (first, after_first) = follow(&begin, &before);
        let (second, after_second) = follow(&first, &after_first);

        let chain = Chain::default();
        chain.insert(begin.digest(), Arc::clone(&before));
        let mempool = Arc::new(Mutex::new(Mempool::new(begin.header(), &before).unwrap()));
        let (finals, _) = mpsc::unbounded();
        let application = Application { chain: chain.clone(), mempool, finals, skew: Skew::default() };
        let becomes_final = (first.digest(), after_first);
        let mut walk = Walk { blocks: vec![begin.digested(), first.digested()], chain, becomes_final };
        let state = block_on(application.state_of(second.digested(), &mut walk));
        assert_eq!(state.as_deref(), Some(&*after_second));
    }
}

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
use futures::lock::Mutex as Lock;
use ledger::query::{Certified, MAX_BLOCKS};
use ledger::{Digest, Height, Query, Reply};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
///
/// The engine wants the lowest blocks that it lacks, many at once and each by itself. One question is for a run of them: the first
/// that is wanted asks, the others wait for its answer.
#[derive(Clone)]
pub(crate) struct Blocks {
    source: Arc<dyn Source>,
    heights: Arc<Mutex<BTreeMap<Digest, Height>>>,
    run: Arc<Lock<Run>>,
}

/// What the last questions for a run gave, and what came alone since then.
#[derive(Default)]
struct Run {
    blocks: BTreeMap<Height, Certified>,
    /// What the engine had of it, and whether for the sake of the certificate.
    given: BTreeSet<(Height, bool)>,
    /// First height after the run.
    next: Height,
}

impl Run {
    /// Whether a block is among those that the run goes on with.
    const fn ahead(&self, height: Height) -> bool {
        height.get() >= self.next.get() && height.get() < self.next.after(MAX_BLOCKS as u64).get()
    }

    /// Goes on. As many blocks as a question gives stay behind, for whoever comes late.
    fn extend(&mut self, blocks: Vec<Certified>) {
        let oldest = Height(self.next.get().saturating_sub(MAX_BLOCKS as u64));
        self.blocks = self.blocks.split_off(&oldest);
        self.given = self.given.split_off(&(oldest, false));
        for certified in blocks {
            self.blocks.insert(self.next, certified);
            self.next = self.next.next();
        }
    }
}

impl Blocks {
    /// Blocks of `source`; `known` stands at its height.
    pub fn new(source: Arc<dyn Source>, known: (Digest, Height)) -> Self {
        let run = Run { next: known.1.next(), ..Run::default() };
        Self { source, heights: Arc::new(Mutex::new(BTreeMap::from([known]))), run: Arc::new(Lock::new(run)) }
    }

    /// A block, with a certificate of its own where that is `needed`.
    ///
    /// It is given once for each: where the engine refuses it and wants it again, it is asked for again.
    async fn at(&self, height: Height, needed: bool) -> Option<Certified> {
        let mut run = self.run.lock().await;
        while run.ahead(height) {
            let blocks = self.ask(run.next, MAX_BLOCKS).await.filter(|blocks| !blocks.is_empty())?;
            run.extend(blocks);
        }
        if !run.blocks.contains_key(&height) || !run.given.insert((height, needed)) {
            // The end of a gap is wanted with what begins it: it comes alone, and so does what was refused.
            let certified = self.ask(height, 1).await?.into_iter().next()?;
            run.blocks.insert(height, certified);
            run.given.insert((height, needed));
        }
        let certified = run.blocks.get(&height)?.clone();
        drop(run);
        self.remember(height, &certified.block)?;
        (!needed || !certified.finalization.is_empty()).then_some(certified)
    }

    /// Blocks from a height on.
    async fn ask(&self, from: Height, most: usize) -> Option<Vec<Certified>> {
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        match self.source.ask(Query::Blocks { from, limit }).await? {
            Reply::Blocks { blocks } => Some(blocks),
            _ => None,
        }
    }

    /// Remembers at which heights a block and its parent are; `None` where it is none of this height.
    fn remember(&self, height: Height, block: &Bytes) -> Option<()> {
        let block = crate::Block::decode(block.clone()).ok().filter(|block| block.header().height == height)?;
        let mut heights = self.heights.lock().unwrap_or_else(PoisonError::into_inner);
        heights.insert(block.digest(), height);
        heights.insert(block.header().parent, Height(height.get().saturating_sub(1)));
        while heights.len() > REMEMBERED {
            let lowest = heights.iter().min_by_key(|(_, height)| **height).map(|(digest, _)| *digest)?;
            heights.remove(&lowest);
        }
        Some(())
    }
}

impl Fetcher for Blocks {
    type Key = Key<Digest>;
    type Value = Bytes;

    async fn fetch(&self, key: Key<Digest>) -> Option<Bytes> {
        match key {
            Key::Finalized { height } => {
                let Certified { block, finalization } = self.at(Height(height.get()), true).await?;
                Some([&finalization[..], &block[..]].concat().into())
            }
            Key::Block(digest) => {
                let height = *self.heights.lock().unwrap_or_else(PoisonError::into_inner).get(&digest)?;
                self.at(height, false).await.map(|certified| certified.block)
            }
            Key::Notarized { .. } => None,
        }
    }
}

/// Questions without a new block after which another source is asked, where this one says that there is one.
const STILL: u32 = 20;

/// Block times without a new block after which another source is asked, where this one knows of none.
const IDLE: u64 = 10;

/// Whether a source leads on, by the questions for its newest block.
pub(crate) struct Progressing {
    /// Questions in vain, where the source says that there is more.
    still: u32,
    /// Questions in vain.
    idle: u32,
    /// How many of these are borne.
    patience: u32,
    /// The same while blocks come.
    usual: u32,
    before: Option<Height>,
}

impl Progressing {
    /// Of a chain of this block time, in ms, asked every `pause`.
    pub fn new(block_time: u64, pause: Duration) -> Self {
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX).max(1);
        let usual = u32::try_from((IDLE * block_time).div_ceil(pause)).unwrap_or(u32::MAX).max(STILL);
        Self { still: 0, idle: 0, patience: usual, usual, before: None }
    }

    /// Whether the source names blocks that it has not given.
    pub const fn waits(&self) -> bool {
        self.still > 0
    }

    /// Whether another source is to be asked: this one names a `newest` block and does not give it, or has stood at `height` for long.
    /// Where the others know of none either, the chain may stand: they are asked more and more seldom.
    pub fn another(&mut self, height: Height, newest: Height) -> bool {
        let same = self.before.replace(height) == Some(height);
        if !same {
            self.patience = self.usual;
        }
        self.idle = if same { self.idle.saturating_add(1) } else { 0 };
        self.still = if same && height < newest { self.still + 1 } else { 0 };
        let tired = self.idle >= self.patience;
        if tired {
            self.patience = self.patience.saturating_mul(2);
        }
        if tired || self.still >= STILL {
            (self.still, self.idle) = (0, 0);
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Block;
    use commonware_codec::Encode;
    use commonware_consensus::CertifiableBlock;
    use commonware_consensus::types::Height as EngineHeight;
    use futures::FutureExt;
    use futures::executor::block_on;
    use futures::future::join_all;
    use ledger::{At, Body, Genesis};

    /// A chain of empty blocks, and the questions it was asked. Every seventh block has no certificate.
    struct Chain {
        blocks: Vec<Block>,
        questions: Mutex<Vec<(u64, u32)>>,
    }

    impl Chain {
        fn new(length: u64) -> Arc<Self> {
            let genesis = Genesis::example();
            let mut blocks = vec![Block::genesis(&genesis).unwrap()];
            let mut state = genesis.state().unwrap();
            for height in 1..=length {
                let last = blocks.last().unwrap();
                let at = At { height: Height(height), time: state.time() + 1, parent: last.digest() };
                state = state.apply(&at, &[]).unwrap().0;
                blocks.push(Block::new(last.context(), &at, &state, Body::default()));
            }
            Arc::new(Self { blocks, questions: Mutex::default() })
        }
    }

    impl Source for Chain {
        fn ask(&self, query: Query) -> BoxFuture<'_, Option<Reply>> {
            let Query::Blocks { from, limit } = query else { unreachable!() };
            self.questions.lock().unwrap().push((from.get(), limit));
            let certified = |block: &Block| Certified {
                block: block.encode(),
                finalization: if block.header().height.get().is_multiple_of(7) {
                    Bytes::new()
                } else {
                    Bytes::from_static(b"c")
                },
            };
            let (from, limit) = (usize::try_from(from.get()).unwrap(), usize::try_from(limit).unwrap());
            let blocks: Vec<_> = self.blocks.iter().skip(from).take(limit).map(certified).collect();
            futures::future::ready(Some(Reply::Blocks { blocks })).boxed()
        }
    }

    fn at(height: u64) -> Key<Digest> {
        Key::Finalized { height: EngineHeight::new(height) }
    }

    #[test]
    fn one_question_is_for_many_blocks_and_the_end_of_a_gap_comes_alone() {
        let chain = Chain::new(150);
        let blocks = Blocks::new(chain.clone(), (chain.blocks[0].digest(), Height(0)));
        let wanted = std::iter::once(150).chain(1..=130).map(|height| blocks.fetch(at(height)));
        let got = block_on(join_all(wanted));
        let expected: Vec<u64> = std::iter::once(150).chain(1..=130).filter(|height| height % 7 != 0).collect();
        assert_eq!(got.iter().flatten().count(), expected.len());
        assert_eq!(*chain.questions.lock().unwrap(), [(150, 1), (1, 64), (65, 64), (129, 64)]);
        // What has no certificate is had by its digest, which the block after it tells.
        let (questions, block) = (chain.questions.lock().unwrap().len(), &chain.blocks[133]);
        assert!(block_on(blocks.fetch(at(134))).is_some());
        assert_eq!(block_on(blocks.fetch(at(133))), None);
        assert_eq!(block_on(blocks.fetch(Key::Block(block.digest()))), Some(block.encode()));
        assert_eq!(chain.questions.lock().unwrap().len(), questions);
        // What was refused is asked for again.
        assert!(block_on(blocks.fetch(at(131))).is_some());
        assert!(block_on(blocks.fetch(at(131))).is_some());
        assert_eq!(chain.questions.lock().unwrap().last(), Some(&(131, 1)));
    }

    #[test]
    fn blocks_of_other_heights_are_refused() {
        let mut chain = Chain::new(3);
        Arc::get_mut(&mut chain).unwrap().blocks.swap(1, 2);
        let blocks = Blocks::new(chain.clone(), (chain.blocks[0].digest(), Height(0)));
        assert_eq!(block_on(blocks.fetch(at(1))), None);
        assert!(block_on(blocks.fetch(at(3))).is_some());
    }

    /// Questions until another source is wanted, the source naming `newest`.
    fn questions(progressing: &mut Progressing, height: u64, newest: u64) -> u32 {
        (1..).find(|_| progressing.another(Height(height), Height(newest))).unwrap()
    }

    #[test]
    fn a_source_that_names_blocks_and_gives_none_is_left() {
        let mut progressing = Progressing::new(60_000, Duration::from_secs(2));
        assert_eq!(questions(&mut progressing, 5, 6), STILL + 1);
    }

    #[test]
    fn a_source_that_stands_still_is_left_and_where_all_do_they_are_asked_ever_less() {
        let mut progressing = Progressing::new(1_000, Duration::from_millis(500));
        assert_eq!(questions(&mut progressing, 5, 5), 21, "ten block times");
        assert_eq!(questions(&mut progressing, 5, 5), 40);
        assert_eq!(questions(&mut progressing, 5, 5), 80);
        assert_eq!(questions(&mut progressing, 6, 6), 21, "a block came");
        let mut slow = Progressing::new(3_600_000, Duration::from_secs(2));
        assert_eq!(questions(&mut slow, 5, 5), 18_001, "blocks of an hour may take ten");
    }
}

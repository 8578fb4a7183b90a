//! Nodes that break the rules, each in one way.
//!
//! Most are honest nodes whose messages are tampered with on the wire ([`Tamper`]); those that lie in blocks have a [`Mind`] of
//! their own between engine and ledger.

mod censor;
mod equivocator;
mod garbage;
mod liar;
mod replayer;
mod silent;
mod wrong_economics;
mod wrong_root;

use crate::wire::Tamper;
use commonware_consensus::Application as EngineApplication;
use commonware_consensus::marshal::ancestry::Ancestry;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_cryptography::Digested;
use commonware_runtime::{Clock, Metrics, Spawner};
use ledger::{ChainId, PrivateKey, PublicKey};
use peerage_consensus::Block;
use peerage_consensus::application::Application;
use peerage_consensus::block::BlockContext;
use std::sync::Arc;

pub use wrong_economics::other;

/// What a node does wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sin {
    /// Gives every vote twice, for two blocks.
    Equivocates,
    /// Proposes blocks whose roots are of another state.
    WrongRoot,
    /// Proposes ends of epochs that are reckoned by other parameters.
    WrongEconomics,
    /// Includes no transaction of this key.
    Censors(PublicKey),
    /// Sends nothing.
    Silent,
    /// Sends old messages again: votes, certificates, blocks, transactions.
    Replays,
    /// Sends rubbish on every channel, and damaged copies of messages.
    Garbage,
    /// Answers questions for blocks and certificates with wrong ones.
    Liar,
}

impl Sin {
    /// All of them.
    pub fn all(censored: PublicKey) -> [Self; 8] {
        [
            Self::Equivocates,
            Self::WrongRoot,
            Self::WrongEconomics,
            Self::Censors(censored),
            Self::Silent,
            Self::Replays,
            Self::Garbage,
            Self::Liar,
        ]
    }

    /// What becomes of its messages.
    pub fn tamper(&self, key: &PrivateKey, chain: &ChainId) -> Option<Arc<dyn Tamper>> {
        match self {
            Self::Equivocates => Some(Arc::new(equivocator::Equivocator::new(key.clone(), chain))),
            Self::Silent => Some(Arc::new(silent::Silent)),
            Self::Replays => Some(Arc::new(replayer::Replayer::default())),
            Self::Garbage => Some(Arc::new(garbage::Garbage::default())),
            Self::Liar => Some(Arc::new(liar::Liar::default())),
            Self::WrongRoot | Self::WrongEconomics | Self::Censors(_) => None,
        }
    }

    /// What it proposes.
    pub fn mind(&self) -> Option<Arc<dyn Mind>> {
        match self {
            Self::WrongRoot => Some(Arc::new(wrong_root::WrongRoot)),
            Self::WrongEconomics => Some(Arc::new(wrong_economics::WrongEconomics)),
            Self::Censors(key) => Some(Arc::new(censor::Censor(key.clone()))),
            Self::Equivocates | Self::Silent | Self::Replays | Self::Garbage | Self::Liar => None,
        }
    }
}

/// Proposes another block than an honest node would.
pub trait Mind: Send + Sync {
    /// The block instead; `None` where the honest one will do.
    fn instead(&self, application: &Application, honest: &Block) -> Option<Block>;
}

/// The ledger as the engine of a node sees it that may have a mind of its own.
#[derive(Clone)]
pub struct Conduct {
    honest: Application,
    mind: Option<Arc<dyn Mind>>,
}

impl Conduct {
    pub fn new(honest: Application, mind: Option<Arc<dyn Mind>>) -> Self {
        Self { honest, mind }
    }
}

impl<E: Clock + Spawner + Metrics> EngineApplication<E> for Conduct {
    type SigningScheme = Scheme;
    type Context = BlockContext;
    type Block = Block;
    type Input = ();

    async fn propose(
        &mut self,
        context: (E, BlockContext),
        ancestry: impl Ancestry<Block>,
        (): (),
    ) -> Option<Digested<Block>> {
        let honest = self.honest.propose(context, ancestry, ()).await?;
        let instead = self.mind.as_ref().and_then(|mind| mind.instead(&self.honest, honest.inner()));
        Some(instead.map_or(honest, Block::digested))
    }

    async fn verify(&mut self, context: (E, BlockContext), ancestry: impl Ancestry<Block>) -> bool {
        self.honest.verify(context, ancestry).await
    }
}

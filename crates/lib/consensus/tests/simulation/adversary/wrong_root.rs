//! Proposes blocks that claim to lead to the state before them.

use super::Mind;
use commonware_consensus::CertifiableBlock;
use commonware_cryptography::Digestible;
use peerage_consensus::Block;
use peerage_consensus::application::Application;

pub struct WrongRoot;

impl Mind for WrongRoot {
    fn instead(&self, application: &Application, honest: &Block) -> Option<Block> {
        let at = honest.at();
        let before = application.state(&at.parent)?;
        let block = Block::new(honest.context(), &at, &before, honest.body().clone());
        // An empty block in the middle of an epoch changes nothing.
        if block.digest() == honest.digest() {
            return None;
        }
        application.remember(block.digest(), (*before).clone());
        Some(block)
    }
}

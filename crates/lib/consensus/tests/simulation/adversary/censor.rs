//! Proposes blocks without the transactions of one key.

use super::Mind;
use commonware_consensus::CertifiableBlock;
use commonware_cryptography::Digestible;
use ledger::{Body, PublicKey};
use peerage_consensus::Block;
use peerage_consensus::application::Application;

pub struct Censor(pub PublicKey);

impl Mind for Censor {
    fn instead(&self, application: &Application, honest: &Block) -> Option<Block> {
        let at = honest.at();
        let before = application.state(&at.parent)?;
        let mut draft = before.draft(at).ok()?;
        let mut body = Body::default();
        for transaction in honest.body().transactions.iter().filter(|transaction| transaction.signer != self.0) {
            if draft.offer(transaction).is_ok() {
                body.transactions.push(transaction.clone());
            }
        }
        let (state, _) = draft.finish();
        let block = Block::new(honest.context(), &at, &state, body);
        application.remember(block.digest(), state);
        Some(block)
    }
}

//! Proposes ends of epochs as other parameters would have them: another trust, and so another emission for everybody.

use super::Mind;
use commonware_consensus::CertifiableBlock;
use commonware_cryptography::Digestible;
use ledger::Parameters;
use peerage_consensus::Block;
use peerage_consensus::application::Application;

pub struct WrongEconomics;

/// The parameters by which it reckons: trust follows one step, comes easier, and is worth less.
pub fn other(parameters: &Parameters) -> Parameters {
    Parameters {
        depth: 1,
        beta: parameters.beta / 20.0,
        kappa: parameters.kappa / 10.0,
        tau: parameters.tau * 2.0,
        ..parameters.clone()
    }
}

impl Mind for WrongEconomics {
    fn instead(&self, application: &Application, honest: &Block) -> Option<Block> {
        let (at, body) = (honest.at(), honest.body());
        let before = application.state(&at.parent)?;
        if !at.height.get().is_multiple_of(before.parameters().tempo) {
            return None;
        }
        let other = before.ruled_by(other(before.parameters()));
        let (state, _) = other.apply(&at, &body.transactions).ok()?;
        let block = Block::new(honest.context(), &at, &state, body.clone());
        application.remember(block.digest(), state);
        Some(block)
    }
}

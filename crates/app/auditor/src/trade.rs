//! Buying answers of others, and crediting what others bought here, in the port's words (decisions.md 15).
//!
//! A neighbour could show anything as a purchase: it is bounded and parsed here before the light client verifies it.

use crate::Session;
use crate::port::alarm;
use crate::settings::parse_peer;
use commonware_cryptography::{Hasher as _, Sha256, ed25519::PublicKey};
use ledger::Amount;
use light::Signer;
use protocol::exchange::{Claim, Refuse, Request, Response};
use protocol::port::auditor::Event;
use serde_bytes::ByteBuf;

/// What was said and done so far.
#[derive(Debug, Default)]
pub(crate) struct Trade {
    /// Whether purchases could be claimed when that was said last.
    pub(crate) sells: bool,
    /// Own purchases of this visit.
    bought: u64,
}

impl Session {
    /// Buys answers, to be asked from this tab.
    pub(crate) fn purchase(&mut self, from: Signer, seller: &PublicKey, amount: Amount) {
        self.trade.bought += 1;
        let nonce = nonce(&self.seed, self.now, self.trade.bought);
        if let Err(reason) = self.participant.purchase(from, seller, amount, &self.peer, nonce) {
            self.events.push(alarm(format!("not signed: {reason}")));
        }
    }

    /// A neighbour shows what it says is a purchase.
    pub(crate) fn claim(&mut self, id: u32, peer: String, price: &str, bytes: &[u8]) {
        let credited = match Request::from_bytes(bytes) {
            Ok(Request::Claim(claim)) => self.credit(&claim, &peer, price),
            _ => Err(Refuse::Unreadable),
        };
        let (positions, response) = match credited {
            Ok(positions) => (Some(positions), Response::Credit { positions }),
            Err(refuse) => (None, Response::Refuse(refuse)),
        };
        self.events.push(Event::Claimed { id, peer, positions, bytes: ByteBuf::from(response.to_bytes()) });
    }

    fn credit(&mut self, claim: &Claim, peer: &str, price: &str) -> Result<u64, Refuse> {
        let peer = parse_peer(peer).ok_or(Refuse::Unreadable)?;
        // What is no price sells nothing.
        let price = price.parse().unwrap_or(0);
        let positions = self.participant.claim(claim, &peer, price, self.now).map_err(Refuse::Unpaid)?;
        Ok(positions.min(LARGEST))
    }
}

/// A number that nobody else can guess, another for each purchase.
fn nonce(seed: &[u8; 32], now: u64, number: u64) -> [u8; 32] {
    Sha256::hash(&[b"peerage/nonce/1", seed, &now.to_le_bytes(), &number.to_le_bytes()]).0
}

/// Most positions that a number of JavaScript tells exactly.
const LARGEST: u64 = (1 << 53) - 1;

//! The order of a purchase: what binds it to its buyer (decisions.md 15).

use commonware_cryptography::sha256::Digest;
use ledger::ChainId;
use ledger::hash::{Domain, tagged};

/// The order of a purchase on `chain` by whoever holds the connection of `peer` (bytes of its peer id), with a `nonce` of the
/// buyer's choice that nobody can guess, so that the order does not tell the ledger's readers who the buyer is.
pub fn order(chain: ChainId, peer: &[u8], nonce: &[u8; 32]) -> Digest {
    tagged(Domain::Order, [chain.0.as_ref(), nonce, peer])
}

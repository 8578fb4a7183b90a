//! Purchases: the buyer's, from its order to the claim that the seller is shown; and what others claim of the own peer.
//!
//! A purchase goes the way of every own transaction ([`super::wallet`]). Once its place in a final block is proven,
//! [`Event::Bought`] hands out what the seller needs to see it. Orders are not kept: where this visit ends before that, the
//! purchase is paid and cannot be claimed.

use super::Participant;
use crate::{Event, Goods, Inclusion, Signer};
use commonware_codec::Encode as _;
use commonware_cryptography::{ed25519::PublicKey, sha256::Digest};
use ledger::{Action, Amount, Reply, Transaction};
use protocol::exchange::{Claim, Unpaid};
use std::collections::VecDeque;

/// Orders of purchases that are under way: what each was made of, and for whom.
#[derive(Debug, Default)]
pub(super) struct Orders(VecDeque<(Digest, [u8; 32], PublicKey)>);

impl Participant {
    /// Buys answers of the peer with the hot key `seller`, for `amount`: to be asked from the connection of `peer` (bytes of the
    /// own peer id). `nonce` is chosen by the caller, anew each time, so that nobody can guess it. Sooner or later comes
    /// [`Event::Bought`], or a refusal of the transaction.
    ///
    /// # Errors
    /// Why it cannot be signed, in words.
    pub fn purchase(
        &mut self,
        from: Signer,
        seller: &PublicKey,
        amount: Amount,
        peer: &[u8],
        nonce: [u8; 32],
    ) -> Result<(), String> {
        let tables = self.follower.tables().ok_or("the tables of the chain are not verified yet: try again soon")?;
        let uid = tables.uid(seller).ok_or_else(|| format!("{seller} is not on the verified tables"))?;
        let generation = tables.neuron(uid).map_or(0, |neuron| neuron.generation);
        if amount == Amount::ZERO {
            return Err("nothing is bought for nothing".into());
        }
        let order = crate::order(self.follower.chain(), peer, &nonce);
        let signer = if self.cold.is_some() { from } else { Signer::Hot };
        self.queue(signer, Action::Purchase { uid, generation, amount, order })?;
        self.orders.0.push_back((order, nonce, seller.clone()));
        if self.orders.0.len() > ORDERS {
            self.orders.0.pop_front();
        }
        Ok(())
    }

    /// An own transaction is in a final block: a purchase is handed out as a claim.
    pub(super) fn bought(&mut self, transaction: &Transaction, inclusion: Inclusion) {
        let Action::Purchase { order, .. } = &transaction.action else { return };
        let Some(at) = self.orders.0.iter().position(|(known, ..)| known == order) else { return };
        let Some((_, nonce, seller)) = self.orders.0.remove(at) else { return };
        let Inclusion { index, proof, headers, finalization, .. } = inclusion;
        let claim = Claim {
            transaction: transaction.encode().into(),
            index,
            proof: proof.into(),
            headers: Reply::Headers { headers, finalization }.encode().into(),
            nonce,
        };
        self.events.push_back(Event::Bought { digest: transaction.digest(), seller, claim: Box::new(claim) });
    }

    /// Positions that `claim`, shown by `peer` (bytes of the peer id of its connection), pays the own peer for at `price` base
    /// units for 1,024: [`crate::Follower::claim`].
    ///
    /// # Errors
    /// [`Unpaid`].
    pub fn claim(&mut self, claim: &Claim, peer: &[u8], price: u64, now: u64) -> Result<u64, Unpaid> {
        self.now = now;
        let (uid, generation) = self.place().ok_or(Unpaid::NotYet)?;
        let positions = self.follower.claim(claim, peer, &Goods { uid, generation, price }, now);
        self.hear();
        positions
    }

    /// The own uid and its generation, by what is newest.
    fn place(&self) -> Option<(ledger::Uid, u32)> {
        let uid = self.own_uid()?;
        let by_proof = self.mine.neuron().and_then(|(_, neuron)| neuron).filter(|(own, _)| *own == uid);
        let generation = match by_proof {
            Some((_, neuron)) => neuron.generation,
            None => self.follower.tables()?.neuron(uid)?.generation,
        };
        Some((uid, generation))
    }
}

/// Most orders that are known: more than transactions of both keys can wait.
const ORDERS: usize = 64;

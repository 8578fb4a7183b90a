//! The seller's side of a purchase: what a buyer shows is verified and credited once (decisions.md 15).
//!
//! A [`Claim`] carries the signed purchase, its place under the root of a header, and that header with the certificate that makes it
//! final: nobody needs to be asked. The order of the purchase is a hash of the chain, the peer id of the buyer's connection and a
//! nonce ([`crate::order`]), so that nobody else can show it.
//!
//! Nothing is credited twice, without a file: purchases are remembered for as long as their claim may come, [`CLAIM_MS`] by
//! the time of their block; those of before the start of this visit are refused, with [`SKEW_MS`] for clocks that differ, and
//! those whose block is later than the own clock by more than that are refused until it is not. Where more purchases come than are
//! remembered, the oldest are let go and all as old refused from then on. So a seller should name its price only once it
//! [`Follower::sells`]. What this rests on is that the own clock is not set back between two visits.
//!
//! A hostile buyer could try: another's purchase, one that paid another peer or an earlier owner of the place, one in no block or
//! in a block that is not final, one of long ago, the same again, one too small. Each has its name in [`Unpaid`]. What is cheap is
//! checked first; at most one certificate is verified for a claim.

use super::Follower;
use crate::Error;
use commonware_codec::{Copying, DecodeExt as _};
use commonware_cryptography::sha256::Digest;
use ledger::block::verify_inclusion;
use ledger::{Action, Reply, Transaction, Uid};
use protocol::exchange::{Claim, Unpaid};
use protocol::queue;
use std::collections::BTreeSet;

/// What a peer sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goods {
    /// Its uid.
    pub uid: Uid,
    /// Generation of the uid.
    pub generation: u32,
    /// Base units for 1,024 positions; 0: nothing is sold.
    pub price: u64,
}

/// Purchases that were credited, while they could be shown again.
#[derive(Debug)]
pub(super) struct Till {
    /// Purchases in blocks up to this time are refused, ms since 1970. It never falls.
    floor: u64,
    /// By the time of their block.
    credited: BTreeSet<(u64, Digest)>,
}

impl Till {
    pub(super) const fn new(now: u64) -> Self {
        Self { floor: now.saturating_add(SKEW_MS), credited: BTreeSet::new() }
    }

    /// Whether the purchase `digest` in a block of this time may be credited.
    fn admits(&mut self, time: u64, digest: &Digest, now: u64) -> Result<(), Unpaid> {
        self.forget(now);
        if time <= self.floor {
            Err(Unpaid::TooOld { seconds: CLAIM_MS / 1_000 })
        } else if time > now.saturating_add(SKEW_MS) {
            Err(Unpaid::NotYet)
        } else if self.credited.contains(&(time, *digest)) {
            Err(Unpaid::Again)
        } else {
            Ok(())
        }
    }

    fn credit(&mut self, time: u64, digest: Digest, now: u64) {
        self.credited.insert((time, digest));
        self.forget(now);
    }

    /// Forgets what may not be shown any more.
    fn forget(&mut self, now: u64) {
        self.floor = self.floor.max(now.saturating_sub(CLAIM_MS));
        while self.credited.len() > REMEMBERED || self.credited.first().is_some_and(|(time, _)| *time <= self.floor) {
            let Some((time, _)) = self.credited.pop_first() else { return };
            self.floor = self.floor.max(time);
        }
    }
}

impl Follower {
    /// Whether a purchase in the next block can be claimed here: the chain has gone on since this visit began.
    pub fn sells(&self) -> bool {
        self.client.head().is_some_and(|head| head.header().time > self.till.floor) && !self.stopped
    }

    /// Positions that `claim`, shown by `peer` (bytes of the peer id of its connection), pays for at the price of `goods`. It
    /// counts once.
    ///
    /// # Errors
    /// [`Unpaid`]; what is refused is not remembered.
    pub fn claim(&mut self, claim: &Claim, peer: &[u8], goods: &Goods, now: u64) -> Result<u64, Unpaid> {
        self.now = now;
        if goods.price == 0 {
            return Err(Unpaid::NotForSale);
        }
        if self.stopped || self.refuted.is_some() {
            return Err(Unpaid::NotYet);
        }
        let transaction = Transaction::decode(Copying(&claim.transaction)).map_err(|_| Unpaid::NoPurchase)?;
        let Action::Purchase { uid, generation, amount, order } = &transaction.action else {
            return Err(Unpaid::NoPurchase);
        };
        if transaction.chain != self.chain {
            return Err(Unpaid::NoPurchase);
        }
        if (*uid, *generation) != (goods.uid, goods.generation) {
            return Err(Unpaid::OtherSeller);
        }
        if *order != crate::order(self.chain, peer, &claim.nonce) {
            return Err(Unpaid::OtherBuyer);
        }
        let positions = queue::positions(amount.get(), goods.price).filter(|positions| *positions > 0);
        let positions = positions.ok_or_else(|| Unpaid::TooLittle { least: goods.price.div_ceil(PRICED) })?;
        let digest = transaction.digest();
        let time = self.prove_claim(claim, &digest, now)?;
        self.till.credit(time, digest, now);
        Ok(positions)
    }

    /// The time of the final block that the purchase is in, where it may be credited still.
    fn prove_claim(&mut self, claim: &Claim, digest: &Digest, now: u64) -> Result<u64, Unpaid> {
        let Ok(Reply::Headers { headers, finalization }) = Reply::decode(Copying(&claim.headers)) else {
            return Err(Unpaid::Proof);
        };
        let header = headers.first().ok_or(Unpaid::Proof)?;
        let time = header.time;
        self.till.admits(time, digest, now)?;
        verify_inclusion(&header.transactions, claim.index, digest, &claim.proof).map_err(|_| Unpaid::Proof)?;
        match self.client.attest(&headers, &finalization, now) {
            Ok(()) => Ok(time),
            Err(Error::NeedsLinks { .. }) => Err(Unpaid::NotYet),
            Err(Error::NonMonotonicHeight { .. }) => Err(Unpaid::TooOld { seconds: CLAIM_MS / 1_000 }),
            Err(error) => {
                // Two histories that a quorum signed end everything, whoever shows them.
                if error.fatal() {
                    self.stop(error);
                }
                Err(Unpaid::Proof)
            }
        }
    }
}

/// How long after its block a purchase can be claimed, ms.
pub const CLAIM_MS: u64 = 600_000;

/// How far the time of a block may be ahead of the own clock, ms.
pub const SKEW_MS: u64 = 10_000;

/// Most purchases that are remembered.
const REMEMBERED: usize = 4_096;

/// Positions that a price pays for.
const PRICED: u64 = protocol::limits::PRICED;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(number: u16) -> Digest {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&number.to_le_bytes());
        Digest::from(bytes)
    }

    /// The time at which purchase `number` stands in its block.
    fn time(number: u16) -> u64 {
        SKEW_MS + u64::from(number) * 700
    }

    proptest! {
        /// However often it is shown, over visits that begin anew without a memory: a purchase counts once, and a memory has its
        /// bound.
        #[test]
        fn a_purchase_is_credited_once(
            shown in prop::collection::vec((0..4_000u64, prop::option::weighted(0.95, 0..3_000u16)), 0..2_000),
        ) {
            let mut now = 0;
            let mut till = Till::new(now);
            let mut credited = BTreeSet::new();
            for (after, number) in shown {
                now += after;
                let Some(number) = number else {
                    till = Till::new(now);
                    continue;
                };
                if till.admits(time(number), &digest(number), now).is_ok() {
                    till.credit(time(number), digest(number), now);
                    prop_assert!(credited.insert(number), "{number} twice");
                }
                prop_assert!(till.credited.len() <= REMEMBERED);
            }
        }
    }

    #[test]
    fn where_too_many_come_the_oldest_cannot_be_shown_again() {
        let mut till = Till::new(0);
        let now = SKEW_MS + 5_000;
        for number in 0..=REMEMBERED as u16 {
            let time = SKEW_MS + 1 + u64::from(number);
            assert_eq!(till.admits(time, &digest(number), now), Ok(()));
            till.credit(time, digest(number), now);
        }
        assert_eq!(till.credited.len(), REMEMBERED);
        let too_old = Err(Unpaid::TooOld { seconds: 600 });
        assert_eq!(till.admits(SKEW_MS + 1, &digest(0), now), too_old, "it was let go");
        assert_eq!(till.admits(SKEW_MS + 1, &digest(9_999), now), too_old, "and what is as old with it");
        assert_eq!(till.admits(SKEW_MS + 2, &digest(1), now), Err(Unpaid::Again));
    }

    #[test]
    fn a_claim_has_its_time() {
        let mut till = Till::new(1_000);
        let too_old = Err(Unpaid::TooOld { seconds: 600 });
        let at = |till: &mut Till, time, now| till.admits(time, &digest(0), now);
        assert_eq!(at(&mut till, 1_000 + SKEW_MS, 5_000), too_old, "it may be of the visit before");
        assert_eq!(at(&mut till, 1_001 + SKEW_MS, 1_001), Ok(()));
        assert_eq!(at(&mut till, 1_001 + SKEW_MS, 1_000), Err(Unpaid::NotYet));
        let late = 1_001 + SKEW_MS + CLAIM_MS;
        assert_eq!(at(&mut till, 1_001 + SKEW_MS, late - 1), Ok(()));
        assert_eq!(at(&mut till, 1_001 + SKEW_MS, late), too_old);
        assert_eq!(at(&mut till, 1_001 + SKEW_MS, 2_000), too_old, "a clock that is set back brings nothing back");
    }
}

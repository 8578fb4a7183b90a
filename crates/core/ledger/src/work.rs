//! The proof of work of a registration: a number whose hash, with the chain, the key and a recent block, is small.
//!
//! The recent block stops working ahead of time; chain and key stop use of one's work by another. It does not stop a
//! party with much hardware: difficulty only sets what a key costs.

use crate::hash::{Domain, tagged};
use crate::types::ChainId;
use crate::{Digest, PublicKey};
use bytes::Buf as _;

/// What must be solved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Puzzle {
    /// The chain.
    pub chain: ChainId,
    /// The hot key that registers.
    pub key: PublicKey,
    /// Digest of a block at most [`RECENT`] blocks old.
    pub recent: Digest,
    /// Expected number of hashes, at least 1.
    pub difficulty: u64,
}

/// Most blocks between the block in a proof of work and the block that includes it.
pub const RECENT: u64 = 32;

impl Puzzle {
    /// Whether `work` solves the puzzle.
    pub fn check(&self, work: u64) -> bool {
        self.attempt(&self.seed(), work)
    }

    /// Tries `count` numbers from `start` on; the first that solves the puzzle.
    pub fn search(&self, start: u64, count: u64) -> Option<u64> {
        let seed = self.seed();
        (0..count).map(|step| start.wrapping_add(step)).find(|work| self.attempt(&seed, *work))
    }

    /// Expected number of hashes.
    #[expect(clippy::cast_precision_loss, reason = "an expectation to show")]
    pub fn expected(&self) -> f64 {
        self.difficulty.max(1) as f64
    }

    /// One hash over all that does not change between attempts, so that an attempt is one block of SHA-256 more.
    fn seed(&self) -> Digest {
        tagged(Domain::Puzzle, [self.chain.as_ref(), &self.key, &self.recent])
    }

    fn attempt(&self, seed: &Digest, work: u64) -> bool {
        let digest = tagged(Domain::Attempt, [seed, &work.to_be_bytes(), &[]]);
        let mut first: &[u8] = &digest;
        first.get_u64() <= u64::MAX / self.difficulty.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PrivateKey;
    use commonware_cryptography::Signer;

    fn puzzle(difficulty: u64) -> Puzzle {
        let key = PrivateKey::from_seed(1).public_key();
        Puzzle { chain: ChainId(Digest::from([1; 32])), key, recent: Digest::from([2; 32]), difficulty }
    }

    #[test]
    fn found_work_checks_and_binds_every_field() {
        let puzzle = puzzle(256);
        let work = puzzle.search(0, 100_000).unwrap();
        assert!(puzzle.check(work));
        assert_eq!(puzzle.search(work, 1), Some(work));
        assert_eq!(puzzle.search(0, work), None);
        let other = Puzzle { key: PrivateKey::from_seed(2).public_key(), ..puzzle };
        assert!(!other.check(work));
        assert!(!Puzzle { recent: Digest::from([3; 32]), ..puzzle.clone() }.check(work));
        assert!(!Puzzle { chain: ChainId(Digest::from([3; 32])), ..puzzle }.check(work));
    }

    #[test]
    fn difficulty_is_the_expected_number_of_hashes() {
        let puzzle = puzzle(64);
        let solved = (0..64_000).filter(|work| puzzle.check(*work)).count();
        assert!((850..1150).contains(&solved), "{solved} of 64,000 at one in 64");
    }

    #[test]
    fn difficulty_zero_is_one() {
        assert!(puzzle(0).check(7));
    }
}

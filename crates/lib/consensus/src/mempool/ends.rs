//! What became of transactions that wait no longer.

use ledger::{Digest, TransactionStatus};
use std::collections::{HashMap, VecDeque};

/// Most transactions whose end is remembered: half a minute of the fullest blocks.
const REMEMBERED: usize = 65_536;

/// The newest ends, by digest.
#[derive(Debug, Default)]
pub(super) struct Ends {
    of: HashMap<Digest, TransactionStatus>,
    order: VecDeque<Digest>,
}

impl Ends {
    /// Remembers how a transaction ended, instead of what was known of it before.
    pub fn insert(&mut self, digest: Digest, status: TransactionStatus) {
        if self.of.insert(digest, status).is_none() {
            self.order.push_back(digest);
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.of.remove(&oldest);
            }
        }
    }

    /// How a transaction ended, as far as is remembered.
    pub fn get(&self, digest: &Digest) -> Option<&TransactionStatus> {
        self.of.get(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::hash::{Domain, tagged};
    use ledger::{Height, Refusal};

    #[test]
    fn the_oldest_end_is_forgotten_and_a_new_one_takes_the_place_of_the_last() {
        let digest = |number: usize| tagged(Domain::Leaf, [&number.to_be_bytes(), &[], &[]]);
        let mut ends = Ends::default();
        ends.insert(digest(0), TransactionStatus::Refused { refusal: Refusal::Nothing });
        let included = TransactionStatus::Included { height: Height(7) };
        ends.insert(digest(0), included.clone());
        assert_eq!(ends.get(&digest(0)), Some(&included));
        for number in 1..=REMEMBERED {
            assert!(ends.get(&digest(0)).is_some());
            ends.insert(digest(number), included.clone());
        }
        assert_eq!(ends.get(&digest(0)), None);
        assert_eq!(ends.get(&digest(1)), Some(&included));
    }
}

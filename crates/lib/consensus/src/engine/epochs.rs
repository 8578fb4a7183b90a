//! Which heights the engine's epochs cover.
//!
//! Epoch e of the engine ends with the block that ends epoch e + 1 of the ledger, in which the validators of the next one are
//! elected: heights e·tempo + 1 to (e + 1)·tempo. Genesis belongs to the first.

use commonware_consensus::types::{Epoch, EpochInfo, Epocher, Height, ViewDelta};
use ledger::Parameters;

/// Epochs of `tempo` blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    tempo: u64,
}

impl Epochs {
    /// Those of a chain.
    pub fn new(parameters: &Parameters) -> Self {
        Self { tempo: parameters.tempo.max(1) }
    }

    /// The epoch of a block.
    pub const fn of(self, height: ledger::Height) -> Epoch {
        Epoch::new(height.get().saturating_sub(1) / self.tempo)
    }

    /// The epoch of the block after one of this height.
    pub const fn after(self, height: ledger::Height) -> Epoch {
        Epoch::new(height.get() / self.tempo)
    }

    /// Whether a block is the last of its epoch.
    pub const fn ends_with(self, height: ledger::Height) -> bool {
        height.get() > 0 && height.get().is_multiple_of(self.tempo)
    }

    /// Views whose votes are kept after they are final. Files are kept by the epoch, so of short epochs fewer.
    pub fn retention(self) -> ViewDelta {
        ViewDelta::new(self.tempo.clamp(8, 256))
    }

    /// First and last height; the first epoch begins with genesis.
    fn bounds(self, epoch: Epoch) -> Option<(Height, Height)> {
        let last = epoch.get().checked_add(1)?.checked_mul(self.tempo)?;
        let first = if epoch.is_zero() { 0 } else { last - self.tempo + 1 };
        Some((Height::new(first), Height::new(last)))
    }
}

impl Epocher for Epochs {
    fn containing(&self, height: Height) -> Option<EpochInfo> {
        let epoch = self.of(ledger::Height(height.get()));
        self.bounds(epoch).map(|(first, last)| EpochInfo::new(epoch, height, first, last))
    }

    fn first(&self, epoch: Epoch) -> Option<Height> {
        self.bounds(epoch).map(|(first, _)| first)
    }

    fn last(&self, epoch: Epoch) -> Option<Height> {
        self.bounds(epoch).map(|(_, last)| last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_follow_one_another_and_end_where_the_ledgers_do() {
        for tempo in [1, 2, 10] {
            let epochs = Epochs::new(&Parameters { tempo, ..Parameters::dev() });
            let mut next = 0;
            for epoch in (0..5).map(Epoch::new) {
                let (first, last) = (epochs.first(epoch).unwrap().get(), epochs.last(epoch).unwrap().get());
                assert_eq!((first, last % tempo), (next, 0));
                for height in first..=last {
                    let info = epochs.containing(Height::new(height)).unwrap();
                    assert_eq!((info.epoch(), info.first().get(), info.last().get()), (epoch, first, last));
                    assert_eq!(epochs.of(ledger::Height(height)), epoch);
                    assert_eq!(epochs.ends_with(ledger::Height(height)), height == last);
                }
                assert_eq!(epochs.after(ledger::Height(last)), epoch.next());
                next = last + 1;
            }
        }
        assert_eq!(Epochs { tempo: 2 }.last(Epoch::new(u64::MAX)), None);
    }
}

//! Epochs by height. Epoch e has the heights e·tempo + 1 to (e + 1)·tempo, genesis belongs to epoch 0. Its blocks are
//! certified by one set of validators; its last header commits to the set of epoch e + 1, and is link e + 1 to whoever
//! follows the sets.

use ledger::Height;

/// The epoch of a block at this height.
pub fn of(height: Height, tempo: u64) -> u64 {
    height.get().saturating_sub(1).checked_div(tempo).unwrap_or_default()
}

/// The epoch of the block after one at this height.
pub fn after(height: Height, tempo: u64) -> u64 {
    height.get().checked_div(tempo).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_follow_one_another() {
        for tempo in [1, 3, 10] {
            for height in (1..50).map(Height::new) {
                assert_eq!(after(height, tempo), of(height.next(), tempo));
                assert_eq!(after(height, tempo) > of(height, tempo), height.get() % tempo == 0);
            }
            assert_eq!((of(Height::new(0), tempo), of(Height::new(tempo), tempo)), (0, 0));
        }
        assert_eq!((of(Height::new(9), 0), after(Height::new(9), 0)), (0, 0), "no chain has such a tempo");
    }
}

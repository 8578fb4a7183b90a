//! How many requests of others are let in: a few a peer, a bounded number in all. For those who pass requests on unread.
//!
//! A hostile peer could ask without end to keep others out; it fills its own share and no more. Many peers together can fill
//! the whole: whoever comes then is told when to come back. Nothing is put in order here.

use crate::{exchange::Refuse, limits};
use std::collections::BTreeMap;

/// Open requests by peer.
#[derive(Clone, Debug)]
pub struct OpenRequests<P> {
    per_peer: usize,
    total: usize,
    open: BTreeMap<P, usize>,
}

impl<P: Ord + Clone> OpenRequests<P> {
    /// With the bounds of [`limits`].
    pub fn new() -> Self {
        Self::with_limits(limits::OPEN_PER_PEER, limits::OPEN)
    }

    /// With other bounds.
    pub fn with_limits(per_peer: usize, total: usize) -> Self {
        Self { per_peer, total, open: BTreeMap::new() }
    }

    /// A request of `peer` came in.
    ///
    /// # Errors
    /// [`Refuse::Busy`] with a pause that grows with how full the queue is.
    pub fn enter(&mut self, peer: &P) -> Result<(), Refuse> {
        let own = self.open.get(peer).copied().unwrap_or(0);
        if own >= self.per_peer || self.len() >= self.total {
            let retry_ms =
                RETRY_MS.saturating_mul(u32::try_from(1 + self.len() / self.per_peer.max(1)).unwrap_or(u32::MAX));
            return Err(Refuse::Busy { retry_ms });
        }
        *self.open.entry(peer.clone()).or_default() += 1;
        Ok(())
    }

    /// A request of `peer` was answered, or it is gone.
    pub fn leave(&mut self, peer: &P) {
        if let Some(own) = self.open.get_mut(peer) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.open.remove(peer);
            }
        }
    }

    /// Open requests of all peers.
    pub fn len(&self) -> usize {
        self.open.values().sum()
    }

    /// Whether nothing is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

impl<P: Ord + Clone> Default for OpenRequests<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// Pause asked of a refused peer for each peer's share that is open, ms: about one answer of preset S on a CPU.
const RETRY_MS: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_peer_fills_its_share_only() {
        let mut queue = OpenRequests::with_limits(2, 3);
        assert_eq!(queue.enter(&'a'), Ok(()));
        assert_eq!(queue.enter(&'a'), Ok(()));
        assert_eq!(queue.enter(&'a'), Err(Refuse::Busy { retry_ms: 100 }));
        assert_eq!(queue.enter(&'b'), Ok(()));
        assert_eq!(queue.enter(&'c'), Err(Refuse::Busy { retry_ms: 100 }));
        queue.leave(&'a');
        assert_eq!(queue.enter(&'c'), Ok(()));
    }

    proptest! {
        #[test]
        fn bounds_hold_and_everything_leaves(steps in prop::collection::vec((0..5u8, any::<bool>()), 0..200)) {
            let mut queue = OpenRequests::with_limits(2, 6);
            let mut open = vec![];
            for (peer, enter) in steps {
                if enter {
                    if queue.enter(&peer).is_ok() { open.push(peer); }
                } else {
                    queue.leave(&peer);
                    if let Some(at) = open.iter().position(|other| *other == peer) { open.swap_remove(at); }
                }
                prop_assert!(queue.len() <= 6);
                prop_assert_eq!(queue.len(), open.len());
                for peer in &open { prop_assert!(open.iter().filter(|other| *other == peer).count() <= 2); }
            }
            for peer in open { queue.leave(&peer); }
            prop_assert!(queue.is_empty());
        }
    }
}

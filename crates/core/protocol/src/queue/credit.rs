//! What buyers have paid for and not used yet, in positions (decisions.md 15).
//!
//! An ask holds its positions when it enters the queue; they are spent when it is answered and given back when it is not. So as
//! many positions are answered as were paid for, however many asks are open at a time.
//!
//! A hostile buyer could pay for little, many times under many names: where there are more buyers than are kept, the one with the
//! least left makes room, so that each place costs more than what it takes away.

use crate::limits;
use std::collections::BTreeMap;

/// Positions of each buyer.
#[derive(Clone, Debug)]
pub struct Credits<P> {
    buyers: usize,
    open: BTreeMap<P, Credit>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Credit {
    left: u64,
    held: u64,
}

impl<P: Ord + Clone> Credits<P> {
    /// With the bound of [`limits`].
    pub fn new() -> Self {
        Self::with_limit(limits::BUYERS)
    }

    /// With another number of buyers.
    pub fn with_limit(buyers: usize) -> Self {
        Self { buyers, open: BTreeMap::new() }
    }

    /// `peer` has paid for so many more positions; gives back how many are open to it now. None are where as many buyers as are
    /// kept have as much left ([`crate::exchange::Unpaid::Full`]).
    pub fn take(&mut self, peer: &P, positions: u64) -> u64 {
        if positions > 0 && !self.open.contains_key(peer) && self.open.len() >= self.buyers {
            let least = self.open.iter().min_by_key(|(_, credit)| credit.left.saturating_add(credit.held));
            match least.map(|(least, credit)| (least.clone(), credit.left.saturating_add(credit.held))) {
                Some((least, left)) if left < positions => drop(self.open.remove(&least)),
                _ => return 0,
            }
        }
        if positions > 0 {
            let credit = self.open.entry(peer.clone()).or_default();
            credit.left = credit.left.saturating_add(positions);
        }
        self.left(peer)
    }

    /// Positions that `peer` may still ask for.
    pub fn left(&self, peer: &P) -> u64 {
        self.open.get(peer).map_or(0, |credit| credit.left)
    }

    /// Holds `positions` of `peer` for an ask, if there are as many.
    #[must_use = "what is not held is not paid for"]
    pub fn hold(&mut self, peer: &P, positions: u64) -> bool {
        let Some(credit) = self.open.get_mut(peer) else { return false };
        let Some(left) = credit.left.checked_sub(positions) else { return false };
        *credit = Credit { left, held: credit.held.saturating_add(positions) };
        true
    }

    /// The ask that `positions` were held for was answered.
    pub fn spend(&mut self, peer: &P, positions: u64) {
        if let Some(credit) = self.open.get_mut(peer) {
            credit.held = credit.held.saturating_sub(positions);
            if credit.left == 0 && credit.held == 0 {
                self.open.remove(peer);
            }
        }
    }

    /// The ask that `positions` were held for was not answered.
    pub fn give_back(&mut self, peer: &P, positions: u64) {
        if let Some(credit) = self.open.get_mut(peer) {
            let back = positions.min(credit.held);
            *credit = Credit { left: credit.left.saturating_add(back), held: credit.held - back };
        }
    }

    /// Number of buyers with credit.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether nobody has credit.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

impl<P: Ord + Clone> Default for Credits<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// Positions that `amount` base units pay for at a price of `price` base units for [`limits::PRICED`] positions; `None` where
/// nothing is sold.
pub fn positions(amount: u64, price: u64) -> Option<u64> {
    let paid = u128::from(amount) * u128::from(limits::PRICED);
    let positions = paid.checked_div(u128::from(price))?;
    Some(u64::try_from(positions).unwrap_or(u64::MAX))
}

/// Base units that pay for `positions` at `price`, rounded up; `None` beyond a `u64`, and where nothing is sold.
pub fn amount(positions: u64, price: u64) -> Option<u64> {
    let paid = u128::from(positions) * u128::from(price);
    (price > 0).then(|| u64::try_from(paid.div_ceil(u128::from(limits::PRICED))).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One thing that happens between a seller and buyer `0..6`.
    #[derive(Clone, Debug)]
    enum Happens {
        Pays(u8, u64),
        Asks(u8, u64),
        Answered(usize),
        Refused(usize),
    }

    fn lives() -> impl Strategy<Value = Vec<Happens>> {
        let happens = prop_oneof![
            (0..6u8, 0..2_000u64).prop_map(|(peer, positions)| Happens::Pays(peer, positions)),
            (0..6u8, 0..2_000u64).prop_map(|(peer, positions)| Happens::Asks(peer, positions)),
            any::<usize>().prop_map(Happens::Answered),
            any::<usize>().prop_map(Happens::Refused),
        ];
        prop::collection::vec(happens, 0..200)
    }

    proptest! {
        /// Whatever happens: paid = answered + held + left for those who were never pushed out, and no more for anybody.
        #[test]
        fn no_more_is_answered_than_was_paid_and_nothing_is_lost(life in lives(), buyers in 1..8usize) {
            let mut credits = Credits::with_limit(buyers);
            let mut open: Vec<(u8, u64)> = vec![];
            let (mut paid, mut answered) = ([0u64; 6], [0u64; 6]);
            for happens in life {
                match happens {
                    Happens::Pays(peer, positions) => {
                        let before = credits.left(&peer);
                        let left = credits.take(&peer, positions);
                        prop_assert!(left == before + positions || buyers < 6 && left == 0);
                        paid[usize::from(peer)] += positions;
                    }
                    Happens::Asks(peer, positions) => {
                        let left = credits.left(&peer);
                        let held = credits.hold(&peer, positions);
                        prop_assert!(!held || positions <= left);
                        prop_assert_eq!(credits.left(&peer), if held { left - positions } else { left });
                        if held { open.push((peer, positions)); }
                    }
                    Happens::Answered(at) if !open.is_empty() => {
                        let (peer, positions) = open.swap_remove(at % open.len());
                        credits.spend(&peer, positions);
                        answered[usize::from(peer)] += positions;
                    }
                    Happens::Refused(at) if !open.is_empty() => {
                        let (peer, positions) = open.swap_remove(at % open.len());
                        credits.give_back(&peer, positions);
                    }
                    Happens::Answered(_) | Happens::Refused(_) => {}
                }
                prop_assert!(credits.len() <= buyers);
                for peer in 0..6u8 {
                    let held: u64 = open.iter().filter(|(other, _)| *other == peer).map(|(_, held)| held).sum();
                    let had = answered[usize::from(peer)] + held + credits.left(&peer);
                    prop_assert!(had <= paid[usize::from(peer)]);
                    prop_assert!(buyers < 6 || had == paid[usize::from(peer)]);
                }
            }
        }

        #[test]
        fn the_amount_for_positions_pays_for_them_and_one_unit_less_does_not(
            wanted in 1..1u64 << 40, price in 1..1u64 << 30,
        ) {
            let least = amount(wanted, price).unwrap();
            prop_assert!(positions(least, price).unwrap() >= wanted);
            prop_assert!(positions(least - 1, price).unwrap() < wanted);
        }
    }

    #[test]
    fn several_asks_at_a_time_share_what_was_paid() {
        let mut credits = Credits::new();
        assert!(!credits.hold(&'a', 1));
        assert_eq!(credits.take(&'a', 100), 100);
        assert!(credits.hold(&'a', 60) && !credits.hold(&'a', 60) && credits.hold(&'a', 40));
        credits.give_back(&'a', 60);
        credits.spend(&'a', 40);
        assert_eq!((credits.left(&'a'), credits.take(&'a', 5)), (60, 65));
        assert!(credits.hold(&'a', 65));
        credits.spend(&'a', 65);
        assert!(credits.is_empty());
    }

    #[test]
    fn who_has_the_least_makes_room_for_who_paid_more() {
        let mut credits = Credits::with_limit(2);
        assert_eq!((credits.take(&'a', 10), credits.take(&'b', 5)), (10, 5));
        assert_eq!(credits.take(&'c', 5), 0, "as little as the least");
        assert_eq!(credits.take(&'c', 6), 6);
        assert_eq!([credits.left(&'a'), credits.left(&'b'), credits.left(&'c')], [10, 0, 6]);
    }

    #[test]
    fn a_price_of_nothing_sells_nothing() {
        assert_eq!((positions(1_000, 0), amount(1_000, 0)), (None, None));
        assert_eq!(positions(u64::MAX, 1), Some(u64::MAX));
        assert_eq!((positions(3, 4_096), positions(4, 4_096)), (Some(0), Some(1)));
        assert_eq!(amount(u64::MAX, u64::MAX), None);
    }
}

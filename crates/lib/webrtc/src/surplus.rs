//! Two peers that dial each other at the same time make two connections; one is enough.
//!
//! Both sides see the same connections, perhaps in another order, and nothing is exchanged about them. So the rule is one that each can
//! follow alone: one made by the lower peer id stays, and each side closes only what it made itself. Together they never close all.

/// Who made a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initiator {
    /// This side dialled.
    Local,
    /// The other side dialled.
    Remote,
}

/// Which of the `connections` with one peer this side has to close. `lower`: the own peer id is the lower one.
pub fn surplus<I: Copy + PartialEq>(connections: &[(I, Initiator)], lower: bool) -> Vec<I> {
    let by_lower = if lower { Initiator::Local } else { Initiator::Remote };
    let preferred = connections.iter().find(|(_, initiator)| *initiator == by_lower);
    let Some((keep, _)) = preferred.or(connections.first()) else { return Vec::new() };
    let own = connections.iter().filter(|(id, initiator)| id != keep && *initiator == Initiator::Local);
    own.map(|(id, _)| *id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The two sides together leave exactly one, and it is the lower peer's where there is one.
        #[test]
        fn both_sides_together_keep_one(made_by_lower in prop::collection::vec(any::<bool>(), 1..5), turn in 0..5usize) {
            let seen = |own: bool| {
                let who = |made: bool| if made == own { Initiator::Local } else { Initiator::Remote };
                made_by_lower.iter().enumerate().map(|(id, made)| (id, who(*made))).collect::<Vec<_>>()
            };
            let lower = seen(true);
            let mut higher = seen(false);
            let turn = turn % higher.len();
            higher.rotate_left(turn);
            let closed = [surplus(&lower, true), surplus(&higher, false)].concat();
            let left: Vec<_> = lower.iter().filter(|(id, _)| !closed.contains(id)).collect();
            prop_assert_eq!(left.len(), 1);
            prop_assert!(left[0].1 == Initiator::Local || !made_by_lower.contains(&true));
        }
    }

    #[test]
    fn one_connection_is_never_too_many() {
        assert_eq!(surplus(&[(7, Initiator::Local)], true), Vec::<i32>::new());
        assert_eq!(surplus(&[(7, Initiator::Local)], false), Vec::<i32>::new());
        assert_eq!(surplus::<i32>(&[], false), Vec::<i32>::new());
    }
}

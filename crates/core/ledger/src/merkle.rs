//! A Merkle tree that is renewed along the leaves that changed.
//!
//! Node for node the tree of `commonware_storage::bmt`: leaves hashed with their position, the last node of an odd level
//! paired with itself, the root over the number of leaves. That crate builds a whole tree at once; this one keeps the levels
//! in shared chunks ([`Chunks`]), so that the trees of a state and of the one after it differ in the paths that changed.

use crate::Digest;
use crate::column::Chunks;
use commonware_codec::Encode;
use commonware_cryptography::{Hasher, Sha256};
use commonware_storage::bmt;

/// A tree over the digests of leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Merkle {
    /// From the leaves to the top, which is one node; none over no leaves.
    levels: Vec<Chunks<Digest>>,
}

impl Merkle {
    /// The tree over these digests.
    pub fn new(leaves: &[Digest]) -> Self {
        let mut tree = Self::default();
        tree.update(leaves.len(), (0u32..).take(leaves.len()).collect(), |index| leaves.get(index).copied());
        tree
    }

    /// Brings the tree to `count` leaves, of which those at `changed` (ascending, all new ones among them) are no longer what
    /// they were.
    pub fn update(&mut self, count: usize, mut changed: Vec<u32>, leaf: impl Fn(usize) -> Option<Digest>) {
        if count == 0 {
            self.levels.clear();
            return;
        }
        let before = self.levels.first().map_or(0, Chunks::len);
        #[expect(clippy::cast_possible_truncation, reason = "tables have at most 2^24 leaves")]
        let last = count as u32 - 1;
        // Where the list became shorter, the nodes above its end changed too.
        if count < before && changed.last().is_none_or(|index| *index < last) {
            changed.push(last);
        }
        if self.levels.is_empty() {
            self.levels.push(Chunks::default());
        }
        if let Some(leaves) = self.levels.first_mut() {
            leaves.truncate(count);
            for index in &changed {
                let Some(digest) = leaf(*index as usize) else { continue };
                put(leaves, *index, Sha256::hash(&[&index.to_be_bytes(), &digest]));
            }
        }
        let (mut level, mut nodes) = (0, count);
        while nodes > 1 {
            nodes = nodes.div_ceil(2);
            for index in &mut changed {
                *index /= 2;
            }
            changed.dedup();
            if self.levels.len() == level + 1 {
                self.levels.push(Chunks::default());
            }
            let (below, above) = self.levels.split_at_mut(level + 1);
            if let (Some(below), Some(above)) = (below.last(), above.first_mut()) {
                above.truncate(nodes);
                for index in &changed {
                    let Some(left) = below.get(*index as usize * 2) else { continue };
                    let right = below.get(*index as usize * 2 + 1).unwrap_or(left);
                    put(above, *index, Sha256::hash(&[left, right]));
                }
            }
            level += 1;
        }
        self.levels.truncate(level + 1);
    }

    /// The root: it commits to the leaves, their order and their number.
    pub fn root(&self) -> Digest {
        let top = self.levels.last().and_then(Chunks::last).copied().unwrap_or_else(|| Sha256::hash(&[]));
        Sha256::hash(&[&self.count().to_be_bytes(), &top])
    }

    /// The encoded proof that a leaf stands at `index`; `None` where there is no such leaf.
    pub fn prove(&self, index: u32) -> Option<bytes::Bytes> {
        let leaf_count = self.count();
        if index >= leaf_count {
            return None;
        }
        let path = self.levels.iter().scan(index as usize, |at, level| {
            let sibling = level.get(*at ^ 1).copied();
            *at /= 2;
            Some(sibling)
        });
        let proof = bmt::Proof::<Digest> { leaf_count, siblings: path.flatten().collect() };
        Some(proof.encode())
    }

    #[expect(clippy::cast_possible_truncation, reason = "tables have at most 2^24 leaves")]
    fn count(&self) -> u32 {
        self.levels.first().map_or(0, Chunks::len) as u32
    }
}

/// Sets the node at `index`, which is in the level or just behind it.
fn put(level: &mut Chunks<Digest>, index: u32, digest: Digest) {
    match level.get_mut(index as usize) {
        Some(node) => *node = digest,
        None => level.push(digest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(value: u32) -> Digest {
        Sha256::hash(&[&value.to_be_bytes()])
    }

    fn whole(leaves: &[Digest]) -> bmt::Tree<Digest> {
        let mut builder = bmt::Builder::<Sha256>::new(leaves.len());
        for leaf in leaves {
            builder.add(leaf);
        }
        builder.build()
    }

    proptest! {
        #[test]
        fn renewed_along_what_changed_it_is_the_tree_of_the_whole(steps in prop::collection::vec((0usize..150, prop::collection::vec((any::<usize>(), any::<u32>()), 0..8)), 1..20)) {
            let mut leaves: Vec<Digest> = Vec::new();
            let mut tree = Merkle::default();
            prop_assert_eq!(tree.root(), whole(&leaves).root());
            for (count, set) in steps {
                let mut changed: Vec<u32> = (leaves.len() as u32..count as u32).collect();
                leaves.resize(count, digest(0));
                for (index, value) in set.into_iter().filter(|_| count > 0) {
                    leaves[index % count] = digest(value);
                    changed.push((index % count) as u32);
                }
                changed.sort_unstable();
                changed.dedup();
                tree.update(count, changed, |index| leaves.get(index).copied());
                let reference = whole(&leaves);
                prop_assert_eq!(tree.root(), reference.root());
                prop_assert_eq!(&tree, &Merkle::new(&leaves));
                for index in 0..=count as u32 {
                    prop_assert_eq!(tree.prove(index), reference.proof(index).ok().map(|proof| proof.encode()));
                }
            }
        }
    }
}

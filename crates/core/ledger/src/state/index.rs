//! Where a key stands in a table, shared by states as [`crate::column`] is.

use crate::Key;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Buckets, by the first byte of a key: who opens one account copies a 256th of the index.
const BUCKETS: usize = 256;

type Bucket<V> = BTreeMap<Key, V>;

/// Numbers by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index<V> {
    buckets: Arc<Vec<Arc<Bucket<V>>>>,
    len: usize,
}

impl<V: Copy> Index<V> {
    /// Number of keys.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// The number of a key.
    pub fn get(&self, key: &Key) -> Option<V> {
        self.buckets.get(bucket(key))?.get(key).copied()
    }

    /// Sets the number of a key.
    pub fn insert(&mut self, key: Key, number: V) {
        if let Some(bucket) = Arc::make_mut(&mut self.buckets).get_mut(bucket(&key)) {
            self.len += usize::from(Arc::make_mut(bucket).insert(key, number).is_none());
        }
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: &Key) {
        if let Some(bucket) = Arc::make_mut(&mut self.buckets).get_mut(bucket(key)) {
            self.len -= usize::from(Arc::make_mut(bucket).remove(key).is_some());
        }
    }
}

/// Where a key comes twice, its last number counts.
impl<V: Copy> FromIterator<(Key, V)> for Index<V> {
    fn from_iter<I: IntoIterator<Item = (Key, V)>>(all: I) -> Self {
        let mut lists = vec![Vec::new(); BUCKETS];
        for (key, number) in all {
            if let Some(list) = lists.get_mut(bucket(&key)) {
                list.push((key, number));
            }
        }
        let buckets: Vec<Arc<Bucket<V>>> = lists.into_iter().map(|list| Arc::new(filled(list))).collect();
        let len = buckets.iter().map(|bucket| bucket.len()).sum();
        Self { buckets: Arc::new(buckets), len }
    }
}

/// One by one: the lists are short, and a sort would be more code than all of this.
fn filled<V>(list: Vec<(Key, V)>) -> Bucket<V> {
    let mut bucket = Bucket::new();
    bucket.extend(list);
    bucket
}

fn bucket(key: &Key) -> usize {
    let [first, ..] = key.bytes();
    usize::from(*first) % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PrivateKey;
    use commonware_cryptography::Signer;

    #[test]
    fn a_copy_stays_as_it_was_and_shares_the_other_buckets() {
        let keys: Vec<Key> = (0..1_000).map(|seed| PrivateKey::from_seed(seed).public_key().into()).collect();
        let old: Index<u32> = keys.iter().copied().zip(0..).collect();
        let mut new = old.clone();
        new.remove(&keys[7]);
        new.remove(&keys[7]);
        new.insert(keys[8], 88);
        assert_eq!((old.len(), new.len()), (1_000, 999));
        assert_eq!((old.get(&keys[7]), old.get(&keys[8])), (Some(7), Some(8)));
        assert_eq!((new.get(&keys[7]), new.get(&keys[8]), new.get(&keys[9])), (None, Some(88), Some(9)));
        let copied = old.buckets.iter().zip(new.buckets.iter()).filter(|(a, b)| !Arc::ptr_eq(a, b)).count();
        assert!((1..=2).contains(&copied));
        new.insert(keys[7], 7);
        new.insert(keys[8], 8);
        assert_eq!(new, old);
    }
}

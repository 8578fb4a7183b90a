//! Lists that states share.
//!
//! A [`Column`] is a list in small chunks, each behind an `Arc`: a copy costs one pointer, and a change copies one chunk and
//! the pointers to all. So a block costs what it changes, and not what there is. A column also remembers which of
//! its items changed, so that its tree (`merkle`) is renewed along these alone; nothing can change an item unseen.

use crate::codec::{Field, Item};
use bytes::BufMut;
use commonware_codec::{Buf, Error as CodecError};
use core::ops::{Deref, Index};
use std::sync::Arc;

/// A list in chunks; every chunk but the last is full.
#[derive(Clone, Debug)]
pub struct Chunks<T> {
    chunks: Arc<Vec<Arc<Vec<T>>>>,
    len: usize,
}

impl<T> Chunks<T> {
    /// Items of a chunk: about 1 KiB of them. Larger ones cost more where a block changes an item here and there, smaller
    /// ones where it changes few: all pointers are copied.
    const CHUNK: usize = match 1_024usize.checked_div(size_of::<T>()) {
        Some(items) if items <= 4 => 4,
        Some(items) if items < 32 => items,
        _ => 32,
    };

    /// Number of items.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no item.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at `index`.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / Self::CHUNK)?.get(index % Self::CHUNK)
    }

    /// The last item.
    pub fn last(&self) -> Option<&T> {
        self.chunks.last()?.last()
    }

    /// The items, in order.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { list: self, next: 0, chunk: [].iter() }
    }
}

impl<T: Clone> Chunks<T> {
    /// The item at `index`, to be changed.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        if index >= self.len {
            return None;
        }
        let chunk = Arc::make_mut(&mut self.chunks).get_mut(index / Self::CHUNK)?;
        Arc::make_mut(chunk).get_mut(index % Self::CHUNK)
    }

    /// Adds an item behind all others.
    pub fn push(&mut self, item: T) {
        let chunks = Arc::make_mut(&mut self.chunks);
        if self.len.is_multiple_of(Self::CHUNK) {
            chunks.push(Arc::default());
        }
        if let Some(last) = chunks.last_mut() {
            let last = Arc::make_mut(last);
            last.reserve_exact(Self::CHUNK - last.len());
            last.push(item);
            self.len += 1;
        }
    }

    /// Keeps the first `len` items.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        let chunks = Arc::make_mut(&mut self.chunks);
        chunks.truncate(len.div_ceil(Self::CHUNK));
        if let Some(last) = chunks.last_mut().filter(|_| !len.is_multiple_of(Self::CHUNK)) {
            Arc::make_mut(last).truncate(len % Self::CHUNK);
        }
        self.len = len;
    }
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: Arc::default(), len: 0 }
    }
}

impl<T> FromIterator<T> for Chunks<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let (mut items, mut chunks, mut len) = (items.into_iter(), Vec::new(), 0);
        loop {
            let chunk: Vec<T> = items.by_ref().take(Self::CHUNK).collect();
            if chunk.is_empty() {
                return Self { chunks: Arc::new(chunks), len };
            }
            len += chunk.len();
            chunks.push(Arc::new(chunk));
        }
    }
}

impl<T: PartialEq> PartialEq for Chunks<T> {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (&Arc<Vec<T>>, &Arc<Vec<T>>)| Arc::ptr_eq(a, b) || a == b;
        self.len == other.len && self.chunks.iter().zip(other.chunks.iter()).all(same)
    }
}

impl<T> Index<usize> for Chunks<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.chunks[index / Self::CHUNK][index % Self::CHUNK]
    }
}

/// The items of a list, in order.
#[derive(Debug)]
pub struct Iter<'a, T> {
    list: &'a Chunks<T>,
    /// The chunk that follows.
    next: usize,
    chunk: core::slice::Iter<'a, T>,
}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self { list: self.list, next: self.next, chunk: self.chunk.clone() }
    }
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        loop {
            if let Some(item) = self.chunk.next() {
                return Some(item);
            }
            self.chunk = self.list.chunks.get(self.next)?.iter();
            self.next += 1;
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.list.len.saturating_sub(self.next * Chunks::<T>::CHUNK) + self.chunk.len();
        (left, Some(left))
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

/// A list that states share, and which of its items changed since its tree was last renewed.
#[derive(Clone, Debug)]
pub struct Column<T> {
    items: Chunks<T>,
    changed: Vec<u32>,
}

impl<T: Clone> Column<T> {
    /// The item at `index`, to be changed.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let item = self.items.get_mut(index)?;
        mark(&mut self.changed, index);
        Some(item)
    }

    /// Adds an item behind all others.
    pub(crate) fn push(&mut self, item: T) {
        mark(&mut self.changed, self.items.len());
        self.items.push(item);
    }

    /// Changes the items for which `change`, given the index and the item, has another.
    pub(crate) fn update(&mut self, mut change: impl FnMut(usize, &T) -> Option<T>) {
        for index in 0..self.items.len() {
            let new = self.items.get(index).and_then(|item| change(index, item));
            if let Some(new) = new
                && let Some(item) = self.get_mut(index)
            {
                *item = new;
            }
        }
    }

    /// All items, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.changed = all(self.items.len());
        Arc::make_mut(&mut self.items.chunks).iter_mut().flat_map(|chunk| Arc::make_mut(chunk).iter_mut())
    }

    /// A list of which nothing changed since its tree was built.
    pub(crate) fn settled(items: Vec<T>) -> Self {
        Self { items: items.into_iter().collect(), changed: Vec::new() }
    }

    /// Indices of the items that changed since this was asked last, ascending.
    pub(crate) fn take_changed(&mut self) -> Vec<u32> {
        let mut changed = core::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        changed
    }
}

#[expect(clippy::cast_possible_truncation, reason = "tables have at most 2^24 leaves")]
fn mark(changed: &mut Vec<u32>, index: usize) {
    if changed.last() != Some(&(index as u32)) {
        changed.push(index as u32);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "tables have at most 2^24 leaves")]
fn all(count: usize) -> Vec<u32> {
    (0..count as u32).collect()
}

impl<T> Deref for Column<T> {
    type Target = Chunks<T>;

    fn deref(&self) -> &Chunks<T> {
        &self.items
    }
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { items: Chunks::default(), changed: Vec::new() }
    }
}

/// A new list, all of which changed.
impl<T> FromIterator<T> for Column<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let items: Chunks<T> = items.into_iter().collect();
        Self { changed: all(items.len()), items }
    }
}

impl<T> From<Vec<T>> for Column<T> {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl<T: PartialEq> PartialEq for Column<T> {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items
    }
}

impl<'a, T> IntoIterator for &'a Column<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.items.iter()
    }
}

impl<T: Field + Item> Field for Column<T> {
    fn put(&self, buf: &mut impl BufMut) {
        commonware_codec::Write::write(&self.len(), buf);
        for item in self {
            item.put(buf);
        }
    }

    fn size(&self) -> usize {
        commonware_codec::EncodeSize::encode_size(&self.len()) + self.iter().map(Field::size).sum::<usize>()
    }

    fn take(buf: &mut impl Buf) -> Result<Self, CodecError> {
        Vec::take(buf).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Set(usize, u32),
        Push(u32),
        Update(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (any::<usize>(), any::<u32>()).prop_map(|(index, value)| Step::Set(index, value)),
            any::<u32>().prop_map(Step::Push),
            (2u32..5).prop_map(Step::Update),
        ]
    }

    #[test]
    fn a_copy_shares_all_but_the_chunk_that_changed() {
        let old: Column<u32> = (0..100).collect();
        let mut new = old.clone();
        *new.get_mut(40).unwrap() = 7;
        let shared: Vec<bool> =
            old.items.chunks.iter().zip(new.items.chunks.iter()).map(|(a, b)| Arc::ptr_eq(a, b)).collect();
        assert_eq!(shared, [true, false, true, true]);
        assert_eq!((old[40], new[40]), (40, 7));
        assert!(new.get_mut(100).is_none());
    }

    #[test]
    fn cut_at_any_place() {
        for keep in 0..70 {
            let mut list: Chunks<u32> = (0..70).collect();
            list.truncate(keep);
            assert_eq!((list.len(), list.last().copied()), (keep, (keep as u32).checked_sub(1)));
            list.push(9);
            assert_eq!(list.iter().copied().collect::<Vec<_>>(), (0..keep as u32).chain([9]).collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn a_column_is_a_list_and_tells_what_changed(begin in prop::collection::vec(any::<u32>(), 0..100), steps in prop::collection::vec(step(), 0..40)) {
            let mut list = begin.clone();
            let mut column = Column::from(begin.clone());
            prop_assert_eq!(column.take_changed().len(), begin.len());
            for step in steps {
                match step {
                    Step::Set(index, value) => {
                        let index = index % (list.len() + 1);
                        prop_assert_eq!(column.get_mut(index).is_some(), index < list.len());
                        if let (Some(new), Some(old)) = (column.get_mut(index), list.get_mut(index)) {
                            (*new, *old) = (value, value);
                        }
                    }
                    Step::Push(value) => {
                        column.push(value);
                        list.push(value);
                    }
                    Step::Update(by) => {
                        column.update(|_, value| value.is_multiple_of(by).then(|| value / by));
                        list.iter_mut().filter(|value| value.is_multiple_of(by)).for_each(|value| *value /= by);
                    }
                }
                prop_assert_eq!(column.iter().len(), list.len());
                prop_assert!(column.iter().eq(&list));
            }
            let changed = column.take_changed();
            for (index, value) in list.iter().enumerate() {
                prop_assert!(begin.get(index) == Some(value) || changed.contains(&(index as u32)));
            }
            prop_assert!(column.take_changed().is_empty());
        }
    }
}

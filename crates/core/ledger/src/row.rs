//! A row of W: what one peer thinks the others are worth, in parts of 65,535.
//!
//! A [`Row`] is parsed once: entries are sorted by uid without repetition, every score is above zero and they sum to
//! 65,535. A hostile sender can therefore neither overspend a row nor write one opinion in two ways.

use crate::types::{Score, Uid};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, Read, ReadExt, Write};
use std::sync::Arc;

/// What the scores of a row sum to.
pub const SUM: u32 = 65_535;

/// Most entries of a row on any chain; a chain's own limit is `Parameters::max_weights`.
pub const LIMIT: usize = 1_024;

/// A row of W, normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(Arc<[(Uid, Score)]>);

/// Why entries are not a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// No entry at all.
    #[error("a row needs at least one entry")]
    Empty,
    /// More entries than any chain allows.
    #[error("a row has {0} entries, but at most {LIMIT} are allowed")]
    TooLong(usize),
    /// Entries are not strictly ascending by uid.
    #[error("entries of a row must ascend by uid, but {0} comes after {1}")]
    NotSorted(Uid, Uid),
    /// A score of zero: leave the entry out.
    #[error("the score of uid {0} is zero: leave it out")]
    Zero(Uid),
    /// The scores have another sum.
    #[error("the scores of a row must sum to {SUM}, but sum to {0}")]
    Sum(u64),
    /// A share that is negative or not a number.
    #[error("the share of uid {0} is not a number from 0 up")]
    Share(Uid),
}

impl Row {
    /// The row of these entries.
    pub fn new(entries: Vec<(Uid, Score)>) -> Result<Self, RowError> {
        if entries.is_empty() {
            return Err(RowError::Empty);
        }
        if entries.len() > LIMIT {
            return Err(RowError::TooLong(entries.len()));
        }
        for pair in entries.windows(2) {
            if let [(before, _), (after, _)] = pair
                && before >= after
            {
                return Err(RowError::NotSorted(*after, *before));
            }
        }
        if let Some((uid, _)) = entries.iter().find(|(_, score)| score.get() == 0) {
            return Err(RowError::Zero(*uid));
        }
        let sum: u64 = entries.iter().map(|(_, score)| u64::from(score.get())).sum();
        if sum != u64::from(SUM) {
            return Err(RowError::Sum(sum));
        }
        Ok(Self(entries.into()))
    }

    /// The row of a peer that scores nobody but itself: what every new uid starts with.
    pub fn own(uid: Uid) -> Self {
        Self(Arc::new([(uid, Score(u16::MAX))]))
    }

    /// The row nearest to these shares (any scale, ≥ 0): the `most` largest are kept, normalised and rounded by largest
    /// remainder, ties to the lower uid. Shares of one uid are added.
    pub fn from_shares(shares: &[(Uid, f64)], most: usize) -> Result<Self, RowError> {
        let mut merged = std::collections::BTreeMap::<Uid, f64>::new();
        for (uid, share) in shares {
            if !share.is_finite() || *share < 0.0 {
                return Err(RowError::Share(*uid));
            }
            *merged.entry(*uid).or_default() += share;
        }
        let mut largest: Vec<(Uid, f64)> = merged.into_iter().filter(|(_, share)| *share > 0.0).collect();
        tiny_sort::stable::sort_by(&mut largest, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        largest.truncate(most.clamp(1, LIMIT));
        tiny_sort::stable::sort_by_key(&mut largest, |(uid, _)| *uid);
        let scale = largest.iter().fold(0.0f64, |most, (_, share)| most.max(*share));
        let total: f64 = largest.iter().map(|(_, share)| share / scale).sum();
        if largest.is_empty() || !total.is_finite() {
            return Err(RowError::Empty);
        }
        let exact: Vec<f64> = largest.iter().map(|(_, share)| share / scale / total * f64::from(SUM)).collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ x ≤ 65,535 by construction")]
        let mut scores: Vec<u32> = exact.iter().map(|x| x.floor().min(f64::from(SUM)) as u32).collect();
        let given: u32 = scores.iter().sum();
        let mut order: Vec<usize> = (0..exact.len()).collect();
        tiny_sort::stable::sort_by(&mut order, |&a, &b| {
            (exact[b] - exact[b].floor()).total_cmp(&(exact[a] - exact[a].floor())).then(a.cmp(&b))
        });
        for &index in order.iter().cycle().take(SUM.saturating_sub(given) as usize) {
            scores[index] += 1;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a score is at most the sum, 65,535")]
        let entries = largest.iter().zip(scores).map(|((uid, _), score)| (*uid, Score(score as u16)));
        Self::new(entries.filter(|(_, score)| score.get() > 0).collect())
    }

    /// The row of peer `own` without its entry for `gone`, whose score goes to the self-loop; `None` where it has none.
    pub fn without(&self, gone: Uid, own: Uid) -> Option<Self> {
        let freed = self.entries().iter().find(|(uid, _)| *uid == gone && gone != own)?.1.get();
        let mut entries = std::collections::BTreeMap::<Uid, Score>::new();
        entries.extend(self.entries().iter().copied());
        entries.remove(&gone);
        let own = entries.entry(own).or_insert(Score(0));
        *own = Score(own.get().saturating_add(freed));
        Some(Self(entries.into_iter().collect()))
    }

    /// The entries, ascending by uid.
    pub fn entries(&self) -> &[(Uid, Score)] {
        &self.0
    }

    /// Number of entries.
    #[expect(clippy::len_without_is_empty, reason = "a row is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The score of `uid`; 0 where it has none.
    pub fn score(&self, uid: Uid) -> Score {
        self.0
            .binary_search_by_key(&uid, |(uid, _)| *uid)
            .ok()
            .and_then(|index| self.0.get(index))
            .map_or(Score(0), |(_, score)| *score)
    }

    /// The share of `uid`, w_ij from 0 to 1.
    pub fn share(&self, uid: Uid) -> f64 {
        f64::from(self.score(uid).get()) / f64::from(SUM)
    }

    /// Σ (Δscore)² over all uids: the square of the length of the step from here to `other`, in parts of 65,535².
    pub fn distance_squared(&self, other: &Self) -> u64 {
        let (mut here, mut there) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut sum = 0;
        loop {
            let uid = match (here.peek(), there.peek()) {
                (Some((a, _)), Some((b, _))) => *a.min(b),
                (Some((a, _)), None) | (None, Some((a, _))) => *a,
                (None, None) => return sum,
            };
            let from = here.next_if(|(a, _)| *a == uid).map_or(0, |(_, score)| score.get());
            let to = there.next_if(|(b, _)| *b == uid).map_or(0, |(_, score)| score.get());
            sum += u64::from(from.abs_diff(to)).pow(2);
        }
    }

    /// Whether the step from here to `other` is shorter than ε: Σ(Δscore)² < (ε·65,535)².
    pub fn within(&self, other: &Self, epsilon: f64) -> bool {
        let bound = epsilon * f64::from(SUM);
        #[expect(clippy::cast_precision_loss, reason = "at most 2·65,535² < 2^53")]
        let distance = self.distance_squared(other) as f64;
        distance < bound * bound
    }
}

/// Bytes of an entry: the uid and the score, big-endian. Rows are most of a block, so their entries are not written and
/// read one number at a time.
const ENTRY: usize = 6;

impl Row {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * ENTRY);
        for (uid, score) in self.0.iter() {
            let ([a, b, c, d], [e, f]) = (uid.get().to_be_bytes(), score.get().to_be_bytes());
            bytes.extend_from_slice(&[a, b, c, d, e, f]);
        }
        bytes
    }

    fn of(bytes: &[u8]) -> Result<Self, RowError> {
        let entry = |[a, b, c, d, e, f]: &[u8; ENTRY]| {
            (Uid(u32::from_be_bytes([*a, *b, *c, *d])), Score(u16::from_be_bytes([*e, *f])))
        };
        Self::new(bytes.as_chunks().0.iter().map(entry).collect())
    }
}

impl Write for Row {
    fn write(&self, buf: &mut impl BufMut) {
        #[expect(clippy::cast_possible_truncation, reason = "at most LIMIT entries")]
        (self.0.len() as u16).write(buf);
        buf.put_slice(&self.bytes());
    }
}

impl EncodeSize for Row {
    fn encode_size(&self) -> usize {
        2 + self.0.len() * ENTRY
    }
}

impl Read for Row {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let length = usize::from(u16::read(buf)?);
        if length > LIMIT {
            return Err(CodecError::InvalidLength(length));
        }
        let mut bytes = vec![0; length * ENTRY];
        buf.try_copy_to_slice(&mut bytes).map_err(|_| CodecError::EndOfBuffer)?;
        Self::of(&bytes).map_err(|error| CodecError::Wrapped("row", Box::new(error)))
    }
}

crate::codec::plain_fields!(Row);

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_codec::{DecodeExt, Encode};
    use proptest::prelude::*;

    fn row(entries: &[(u32, u16)]) -> Result<Row, RowError> {
        Row::new(entries.iter().map(|(uid, score)| (Uid(*uid), Score(*score))).collect())
    }

    fn shares() -> impl Strategy<Value = Row> {
        prop::collection::vec((0u32..40, 1.0f64..1e3), 1..30).prop_map(|shares| {
            let shares: Vec<(Uid, f64)> = shares.into_iter().map(|(uid, share)| (Uid(uid), share)).collect();
            Row::from_shares(&shares, 64).unwrap()
        })
    }

    #[test]
    fn each_malformed_row_is_named() {
        assert_eq!(row(&[]), Err(RowError::Empty));
        assert_eq!(row(&[(1, 65_000)]), Err(RowError::Sum(65_000)));
        assert_eq!(row(&[(1, 65_535), (2, 1)]), Err(RowError::Sum(65_536)));
        assert_eq!(row(&[(1, 65_535), (2, 0)]), Err(RowError::Zero(Uid(2))));
        assert_eq!(row(&[(2, 65_534), (1, 1)]), Err(RowError::NotSorted(Uid(1), Uid(2))));
        assert_eq!(row(&[(2, 65_534), (2, 1)]), Err(RowError::NotSorted(Uid(2), Uid(2))));
        let long: Vec<(u32, u16)> = (0..1025).map(|uid| (uid, 1)).collect();
        assert_eq!(row(&long), Err(RowError::TooLong(1025)));
        assert_eq!(Row::from_shares(&[(Uid(3), f64::NAN)], 4), Err(RowError::Share(Uid(3))));
        assert_eq!(Row::from_shares(&[(Uid(3), -1.0)], 4), Err(RowError::Share(Uid(3))));
        assert_eq!(Row::from_shares(&[(Uid(3), 0.0)], 4), Err(RowError::Empty));
    }

    #[test]
    fn steps_are_measured_over_both_rows() {
        let from = row(&[(0, 65_535)]).unwrap();
        let to = row(&[(0, 65_535 - 3), (7, 3)]).unwrap();
        assert_eq!(from.distance_squared(&to), 18);
        assert_eq!(to.distance_squared(&from), 18);
        let far = Row::own(Uid(1));
        assert!(!from.within(&far, 1.4));
        assert!(from.within(&far, 1.415));
    }

    #[test]
    fn extreme_shares_still_make_a_row() {
        let row = Row::from_shares(&[(Uid(0), f64::MAX), (Uid(1), f64::MAX), (Uid(2), f64::MIN_POSITIVE)], 64).unwrap();
        assert_eq!(row.entries(), &[(Uid(0), Score(32_768)), (Uid(1), Score(32_767))]);
    }

    proptest! {
        #[test]
        fn shares_become_rows_that_survive_the_codec(shares in prop::collection::vec((0u32..200, 0.0f64..1e6), 1..100), most in 1usize..80) {
            let shares: Vec<(Uid, f64)> = shares.into_iter().map(|(uid, share)| (Uid(uid), share)).collect();
            match Row::from_shares(&shares, most) {
                Ok(row) => {
                    prop_assert!(row.len() <= most);
                    prop_assert_eq!(row.entries().iter().map(|(_, s)| u32::from(s.get())).sum::<u32>(), SUM);
                    prop_assert_eq!(Row::decode(row.encode()).unwrap(), row);
                }
                Err(error) => {
                    prop_assert_eq!(error, RowError::Empty);
                    prop_assert!(shares.iter().all(|(_, share)| *share == 0.0));
                }
            }
        }

        #[test]
        fn a_step_is_as_long_as_its_entries_say(from in shares(), to in shares()) {
            let squared = |uid| u64::from(from.score(Uid(uid)).get().abs_diff(to.score(Uid(uid)).get())).pow(2);
            prop_assert_eq!(from.distance_squared(&to), (0..40).map(squared).sum::<u64>());
        }

        #[test]
        fn entries_are_written_as_numbers_are(row in shares()) {
            let mut bytes = vec![0, row.len() as u8];
            for (uid, score) in row.entries() {
                uid.write(&mut bytes);
                score.write(&mut bytes);
            }
            prop_assert_eq!(row.encode(), bytes);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Row::decode(bytes);
        }
    }
}

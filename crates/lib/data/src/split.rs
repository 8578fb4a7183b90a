//! Which examples are held out: a tenth, chosen by what they hold, so that everyone with the same file holds out the
//! same ones, in whatever order they stand, and what stands twice is never in both parts.

use crate::{Error, Random, limits};

/// Indices of training and held-out examples.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    pub training: Vec<usize>,
    pub held: Vec<usize>,
}

impl Split {
    /// Splits the examples with these hashes.
    ///
    /// # Errors
    /// [`Error::TooFew`], and [`Error::Alike`] where one part would be empty.
    pub fn new(hashes: &[u64]) -> Result<Self, Error> {
        let examples = hashes.len();
        if examples < limits::EXAMPLES_LEAST {
            return Err(Error::TooFew { examples });
        }
        let mut order: Vec<usize> = (0..examples).collect();
        order.sort_unstable_by_key(|index| (hashes[*index], *index));
        let parts = |at: &usize| hashes[order[at - 1]] != hashes[order[*at]];
        let near = examples - examples / 10;
        let cut =
            (1..=near).rev().find(parts).or_else(|| (near..examples).find(parts)).ok_or(Error::Alike { examples })?;
        let held = order.split_off(cut);
        Ok(Self { training: order, held })
    }
}

/// A hash of what an example holds; nothing rests on its being hard to invert.
pub(crate) fn hash<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    let field = |hash, field: &[u8]| mix(field.iter().fold(hash, |hash, byte| mix(hash, *byte)), 0xFF);
    Random::new(fields.into_iter().fold(0xCBF2_9CE4_8422_2325, field), 1).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_held_out_whatever_the_order() {
        let hashes: Vec<u64> = (0..100u8).map(|i| hash([[i].as_slice()])).collect();
        let split = Split::new(&hashes).unwrap();
        assert_eq!((split.training.len(), split.held.len()), (90, 10));
        let turned: Vec<u64> = hashes.iter().rev().copied().collect();
        let other = Split::new(&turned).unwrap();
        let values = |split: &Split, hashes: &[u64]| split.held.iter().map(|index| hashes[*index]).collect::<Vec<_>>();
        assert_eq!(values(&split, &hashes), values(&other, &turned));
    }

    #[test]
    fn what_stands_twice_is_in_one_part() {
        let hashes: Vec<u64> = (0..100u8).map(|i| hash([[i / 7].as_slice()])).collect();
        let split = Split::new(&hashes).unwrap();
        assert!(!split.held.is_empty());
        assert!(split.held.iter().all(|held| split.training.iter().all(|other| hashes[*held] != hashes[*other])));
    }

    #[test]
    fn too_few_and_all_alike_are_refused() {
        assert_eq!(Split::new(&[1; 19]).unwrap_err(), Error::TooFew { examples: 19 });
        assert_eq!(Split::new(&[1; 50]).unwrap_err(), Error::Alike { examples: 50 });
    }
}

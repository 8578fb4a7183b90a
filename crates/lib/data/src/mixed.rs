//! Two datasets of one spec as one, one of them seen more often: a peer that holds much of some labels and little of others.

use crate::{Error, Random, Spec, batch::Examples, dataset::Source};
use std::sync::Arc;

/// Validation is that of `one`.
#[derive(Debug)]
pub(crate) struct Mixed {
    one: Arc<dyn Source>,
    other: Arc<dyn Source>,
    share: f32,
}

impl Mixed {
    /// `share` of the training examples are of `other`.
    ///
    /// # Errors
    /// [`Error::Mixed`] where the two are not of one spec.
    pub fn new(one: Arc<dyn Source>, other: Arc<dyn Source>, share: f32) -> Result<Self, Error> {
        if one.spec() != other.spec() {
            return Err(Error::Mixed);
        }
        Ok(Self { one, other, share })
    }
}

impl Source for Mixed {
    fn spec(&self) -> &Spec {
        self.one.spec()
    }

    fn pick(&self, random: &mut Random) -> u64 {
        let other = random.unit() < self.share;
        let example = if other { self.other.pick(random) } else { self.one.pick(random) };
        example << 1 | u64::from(other)
    }

    fn held_out(&self) -> usize {
        self.one.held_out()
    }

    fn held(&self, index: usize) -> u64 {
        self.one.held(index) << 1
    }

    fn write(&self, example: u64, into: &mut Examples) {
        let source = if example & 1 == 1 { &self.other } else { &self.one };
        source.write(example >> 1, into);
    }

    fn describe(&self) -> String {
        let percent = (self.share * 100.0).round();
        format!("{} {percent} % of the examples are of: {}", self.one.describe(), self.other.describe())
    }

    fn bytes(&self) -> usize {
        self.one.bytes()
    }

    fn labels(&self) -> &[String] {
        self.one.labels()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Dataset, Error, Random, glyphs};

    #[test]
    fn the_share_is_kept_and_everything_else_is_the_first_ones() {
        let all = Dataset::glyphs(&glyphs::bundled(), 7).unwrap();
        let few = all.restrict(&[3, 4]).unwrap();
        let mixed = all.mixed(&few, 0.9).unwrap();
        let mut random = Random::new(1, 1);
        let targets: Vec<u16> = (0..50).flat_map(|_| mixed.batch(8, &mut random).targets).collect();
        let held = targets.iter().filter(|target| [3, 4].contains(*target)).count();
        assert!((340..390).contains(&held), "{held} of 400");
        assert!(targets.iter().any(|target| ![3, 4].contains(target)));
        assert_eq!(mixed.validation(8, 3), all.validation(8, 3));
    }

    #[test]
    fn what_one_model_cannot_learn_does_not_mix() {
        let text = Dataset::text(&[b'a'; 4096], None, 64).unwrap();
        let glyphs = Dataset::glyphs(&glyphs::bundled(), 7).unwrap();
        assert!(matches!(text.mixed(&glyphs, 0.5), Err(Error::Mixed)));
    }
}

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

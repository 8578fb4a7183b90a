//! Examples with a class each, of one part: rows of a table, pictures.

use crate::{Error, Part, Random, Spec, batch::Examples, dataset::Source, limits, split::Split};
use std::sync::Arc;

/// All examples and which of them are held out.
#[derive(Clone, Debug)]
pub(crate) struct Labelled {
    spec: Spec,
    values: Arc<Values>,
    targets: Arc<Vec<u16>>,
    names: Vec<String>,
    split: Split,
    story: String,
}

/// Values of all examples, one after the other.
#[derive(Debug)]
pub(crate) enum Values {
    /// IMAGE.
    Bytes(Vec<u8>),
    /// TENSOR.
    Reals(Vec<f32>),
}

impl Labelled {
    /// Examples of `part` with the classes `targets`, numbers into `names`; `story` says what they are.
    ///
    /// # Errors
    /// [`Error::OneClass`], [`Error::Classes`].
    pub fn new(
        part: Part,
        values: Values,
        targets: Vec<u16>,
        names: Vec<String>,
        split: Split,
        story: String,
    ) -> Result<Self, Error> {
        if names.len() < 2 {
            return Err(Error::OneClass { label: names.concat(), examples: targets.len() });
        }
        if names.len() > limits::CLASSES {
            return Err(Error::Classes { classes: names.len() });
        }
        let spec = Spec { parts: vec![part], classes: names.len(), each: false };
        Ok(Self { spec, values: Arc::new(values), targets: Arc::new(targets), names, split, story })
    }

    fn width(&self) -> usize {
        self.spec.own().map_or(0, Part::values)
    }
}

impl Source for Labelled {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn pick(&self, random: &mut Random) -> u64 {
        self.split.training[random.below(self.split.training.len())] as u64
    }

    fn held_out(&self) -> usize {
        self.split.held.len()
    }

    fn held(&self, index: usize) -> u64 {
        self.split.held[index] as u64
    }

    fn write(&self, example: u64, into: &mut Examples) {
        let index = usize::try_from(example).unwrap_or(usize::MAX);
        let range = index * self.width()..(index + 1) * self.width();
        match &*self.values {
            Values::Bytes(bytes) => into.bytes(0, bytes[range].iter().copied()),
            Values::Reals(reals) => into.reals(0, reals[range].iter().copied()),
        }
        into.targets([self.targets[index]]);
    }

    fn describe(&self) -> String {
        let Split { training, held } = &self.split;
        format!("{}; {} for training, {} for validation", self.story, training.len(), held.len())
    }

    fn bytes(&self) -> usize {
        let value = self.spec.own().map_or(0, Part::value_bytes);
        self.split.training.len() * self.width() * value
    }

    fn labels(&self) -> &[String] {
        &self.names
    }

    fn restrict(&self, labels: &[u16]) -> Result<Arc<dyn Source>, Error> {
        let keep = |indices: &[usize]| -> Vec<usize> {
            indices.iter().copied().filter(|index| labels.contains(&self.targets[*index])).collect()
        };
        let split = Split { training: keep(&self.split.training), held: keep(&self.split.held) };
        if split.training.is_empty() || split.held.is_empty() {
            return Err(Error::Restricted { training: split.training.len(), validation: split.held.len() });
        }
        Ok(Arc::new(Self { split, ..self.clone() }))
    }
}

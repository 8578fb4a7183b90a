//! Examples of one step, and the buffers they are gathered in.

use crate::{Part, Spec};
use protocol::exchange::{Inputs, Modality, Shape, ShapeError};

/// Examples with what is to be learned about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The parts of the [`Spec`], each of the same number of examples; the first is the own modality.
    pub parts: Vec<Inputs>,
    /// `[batch, seq]` where there is one a position ([`Spec::each`]), else `[batch]`; below [`Spec::classes`].
    pub targets: Vec<u16>,
}

impl Batch {
    /// Examples.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.parts.first().map_or(0, |inputs| inputs.shape().batch() as usize)
    }

    /// These examples, in this order; `None` where one does not exist.
    #[must_use]
    pub fn rows(&self, rows: &[usize]) -> Option<Self> {
        let each = self.targets.len() / self.batch().max(1);
        let parts = self.parts.iter().map(|inputs| inputs.rows(rows)).collect::<Option<_>>()?;
        let mut targets = Vec::with_capacity(rows.len() * each);
        for row in rows {
            targets.extend_from_slice(self.targets.get(row * each..(row + 1) * each)?);
        }
        Some(Self { parts, targets })
    }
}

/// Where the examples of a batch are written, one after the other.
#[derive(Debug)]
pub(crate) struct Examples {
    parts: Vec<Values>,
    targets: Vec<u16>,
}

/// Values of one part, in the vector of its modality.
#[derive(Debug)]
struct Values {
    part: Part,
    bytes: Vec<u8>,
    reals: Vec<f32>,
}

impl Examples {
    /// Room for `batch` examples of `spec`.
    pub fn new(spec: &Spec, batch: usize) -> Self {
        let room = |part: &Part| match part.modality {
            Modality::Text | Modality::Image => (batch * part.values(), 0),
            Modality::Speech | Modality::Tensor => (0, batch * part.values()),
        };
        let values = |part: &Part| {
            let (bytes, reals) = room(part);
            Values { part: *part, bytes: Vec::with_capacity(bytes), reals: Vec::with_capacity(reals) }
        };
        Self { parts: spec.parts.iter().map(values).collect(), targets: Vec::with_capacity(batch * spec.targets()) }
    }

    /// Adds bytes to part `part`, a TEXT or IMAGE one.
    pub fn bytes(&mut self, part: usize, values: impl IntoIterator<Item = u8>) {
        if let Some(one) = self.parts.get_mut(part) {
            one.bytes.extend(values);
        }
    }

    /// Adds numbers to part `part`, a SPEECH or TENSOR one.
    pub fn reals(&mut self, part: usize, values: impl IntoIterator<Item = f32>) {
        if let Some(one) = self.parts.get_mut(part) {
            one.reals.extend(values);
        }
    }

    /// Adds targets.
    pub fn targets(&mut self, targets: impl IntoIterator<Item = u16>) {
        self.targets.extend(targets);
    }

    /// The bytes of the first part and the first target.
    pub fn taken(self) -> (Vec<u8>, u16) {
        let target = self.targets.first().copied().unwrap_or_default();
        (self.parts.into_iter().next().map(|one| one.bytes).unwrap_or_default(), target)
    }

    /// The batch of the `batch` examples that were written.
    ///
    /// # Errors
    /// [`ShapeError`] where they are too many or too large, or some were not written whole.
    pub fn finish(self, batch: usize) -> Result<Batch, ShapeError> {
        let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let one = |Values { part, bytes, reals }: Values| {
            let shape = Shape::new(count(batch), count(part.seq))?;
            let item = part.item.map(count);
            match part.modality {
                Modality::Text => Inputs::text(shape, bytes),
                Modality::Image => Inputs::image(shape, item, bytes),
                Modality::Speech => Inputs::speech(shape, item[0], reals),
                Modality::Tensor => Inputs::tensor(shape, item[0], reals),
            }
        };
        Ok(Batch { parts: self.parts.into_iter().map(one).collect::<Result<_, _>>()?, targets: self.targets })
    }
}

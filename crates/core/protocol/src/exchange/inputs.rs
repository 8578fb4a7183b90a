//! What a representation is asked of: values of one modality in the shape [batch, seq, item] (learning.md, "Shapes").
//!
//! | modality | one position holds | as |
//! |---|---|---|
//! | TEXT | one byte | bytes |
//! | IMAGE | a patch, [channels, rows, columns] of pixels | bytes |
//! | SPEECH | a log-mel frame, [bands] | reals |
//! | TENSOR | a row of features, [features] | reals |
//!
//! A hostile asker could claim a shape that its values do not have, a patch of no pixels or of billions, not-a-numbers, or reals
//! so large that they overflow a model. None of them parses, and no memory is given to values that did not arrive.

use super::{Modality, Shape, ShapeError};
use crate::{limits, wire};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, Read, ReadExt, Write};

/// Values of one modality, row-major [batch, seq, item].
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    modality: Modality,
    shape: Shape,
    item: [u32; 3],
    values: Values,
}

/// The values of inputs, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Of TEXT and IMAGE.
    Bytes(Vec<u8>),
    /// Of SPEECH and TENSOR: finite, of magnitude [`limits::REAL`] at most.
    Reals(Vec<f32>),
}

impl Values {
    /// Their number.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Reals(reals) => reals.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Reals(reals) => reals.len().saturating_mul(f32::SIZE),
        }
    }
}

impl Inputs {
    /// TEXT: bytes, [batch, seq].
    ///
    /// # Errors
    /// [`ShapeError::Inputs`] where they are not as many as the shape says.
    pub fn text(shape: Shape, bytes: Vec<u8>) -> Result<Self, ShapeError> {
        Self::new(Modality::Text, shape, [1, 1, 1], Values::Bytes(bytes))
    }

    /// IMAGE: pixels of patches `item` = [channels, rows, columns], [batch, seq, channels, rows, columns].
    ///
    /// # Errors
    /// [`ShapeError::Item`], [`ShapeError::Inputs`], [`ShapeError::TooLong`].
    pub fn image(shape: Shape, item: [u32; 3], pixels: Vec<u8>) -> Result<Self, ShapeError> {
        Self::new(Modality::Image, shape, item, Values::Bytes(pixels))
    }

    /// SPEECH: log-mel frames, [batch, seq, bands].
    ///
    /// # Errors
    /// [`ShapeError::Item`], [`ShapeError::Inputs`], [`ShapeError::TooLong`], [`ShapeError::Real`].
    pub fn speech(shape: Shape, bands: u32, frames: Vec<f32>) -> Result<Self, ShapeError> {
        Self::new(Modality::Speech, shape, [bands, 1, 1], Values::Reals(frames))
    }

    /// TENSOR: rows of features, [batch, seq, features].
    ///
    /// # Errors
    /// [`ShapeError::Item`], [`ShapeError::Inputs`], [`ShapeError::TooLong`], [`ShapeError::Real`].
    pub fn tensor(shape: Shape, features: u32, rows: Vec<f32>) -> Result<Self, ShapeError> {
        Self::new(Modality::Tensor, shape, [features, 1, 1], Values::Reals(rows))
    }

    fn new(modality: Modality, shape: Shape, item: [u32; 3], values: Values) -> Result<Self, ShapeError> {
        let expected = shape.tokens() * width(item)?;
        if values.len() != expected {
            return Err(ShapeError::Inputs { expected, got: values.len() });
        }
        if values.bytes() > limits::INPUT_BYTES {
            return Err(ShapeError::TooLong { bytes: values.bytes() });
        }
        if let Values::Reals(reals) = &values
            && let Some(index) = reals.iter().position(|real| !(real.abs() <= limits::REAL))
        {
            return Err(ShapeError::Real { index });
        }
        Ok(Self { modality, shape, item, values })
    }

    /// What they are.
    pub fn modality(&self) -> Modality {
        self.modality
    }

    /// Sequences and positions.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The sides of what stands at one position: TEXT [1, 1, 1], IMAGE [channels, rows, columns], SPEECH [bands, 1, 1],
    /// TENSOR [features, 1, 1].
    pub fn item(&self) -> [u32; 3] {
        self.item
    }

    /// Number of values at one position.
    pub fn width(&self) -> usize {
        self.item.iter().map(|side| *side as usize).product()
    }

    /// The values, row-major [batch, seq, item].
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// These examples (indices into the batch), in this order; `None` where one does not exist, none is named, or they are
    /// too many for a batch or a message.
    pub fn rows(&self, examples: &[usize]) -> Option<Self> {
        let shape = Shape::new(u32::try_from(examples.len()).ok()?, self.shape.seq()).ok()?;
        let row = self.shape.seq() as usize * self.width();
        let values = match &self.values {
            Values::Bytes(bytes) => Values::Bytes(gather(bytes, row, examples)?),
            Values::Reals(reals) => Values::Reals(gather(reals, row, examples)?),
        };
        Self::new(self.modality, shape, self.item, values).ok()
    }
}

/// Values at a position of these sides.
fn width(item: [u32; 3]) -> Result<usize, ShapeError> {
    let width = item.iter().try_fold(1u32, |product, side| product.checked_mul(*side));
    match width {
        Some(width) if (1..=limits::WIDTH).contains(&width) => Ok(width as usize),
        _ => Err(ShapeError::Item { item }),
    }
}

fn gather<T: Copy>(values: &[T], row: usize, examples: &[usize]) -> Option<Vec<T>> {
    let mut rows = Vec::with_capacity(row * examples.len());
    for example in examples {
        let start = example.checked_mul(row)?;
        rows.extend_from_slice(values.get(start..start.checked_add(row)?)?);
    }
    Some(rows)
}

impl Write for Inputs {
    fn write(&self, buf: &mut impl BufMut) {
        self.modality.write(buf);
        self.shape.write(buf);
        match self.modality {
            Modality::Text => {}
            Modality::Image => self.item.write(buf),
            Modality::Speech | Modality::Tensor => self.item[0].write(buf),
        }
        match &self.values {
            Values::Bytes(bytes) => buf.put_slice(bytes),
            Values::Reals(reals) => reals.iter().for_each(|real| real.write(buf)),
        }
    }
}

impl EncodeSize for Inputs {
    fn encode_size(&self) -> usize {
        let item = match self.modality {
            Modality::Text => 0,
            Modality::Image => 3 * u32::SIZE,
            Modality::Speech | Modality::Tensor => u32::SIZE,
        };
        Modality::SIZE + Shape::SIZE + item + self.values.bytes()
    }
}

impl Read for Inputs {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let modality = Modality::read(buf)?;
        let shape = Shape::read(buf)?;
        let item = match modality {
            Modality::Text => [1, 1, 1],
            Modality::Image => <[u32; 3]>::read(buf)?,
            Modality::Speech | Modality::Tensor => [u32::read(buf)?, 1, 1],
        };
        let refused = |error| wire::invalid("inputs", error);
        let values = shape.tokens() * width(item).map_err(refused)?;
        let values = match modality {
            Modality::Text | Modality::Image => Values::Bytes(wire::read_exactly(buf, values)?),
            Modality::Speech | Modality::Tensor => Values::Reals(wire::read_reals(buf, values)?),
        };
        Self::new(modality, shape, item, values).map_err(refused)
    }
}

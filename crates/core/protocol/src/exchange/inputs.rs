//! What a representation is asked of: values of one modality in the shape [batch, seq, item] (learning.md, "Shapes").
//!
//! | modality | one position holds | as |
//! |---|---|---|
//! | TEXT | one byte | bytes |
//! | IMAGE | a patch, `[channels, rows, columns]` of pixels | bytes |
//! | SPEECH | a log-mel frame, `[bands]` | reals |
//! | TENSOR | a row of features, `[features]` | reals |
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
            && let Some(index) = reals.iter().position(|real| real.is_nan() || real.abs() > limits::REAL)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(batch: u32, seq: u32) -> Shape {
        Shape::new(batch, seq).unwrap()
    }

    #[test]
    fn values_fill_the_shape() {
        let error = Inputs::text(shape(2, 3), vec![0; 5]).unwrap_err();
        assert_eq!(error, ShapeError::Inputs { expected: 6, got: 5 });
        assert_eq!(error.to_string(), "5 values of input for a shape of 6");
        let error = Inputs::image(shape(2, 3), [3, 2, 2], vec![0; 71]).unwrap_err();
        assert_eq!(error, ShapeError::Inputs { expected: 72, got: 71 });
        let error = Inputs::speech(shape(2, 3), 40, vec![0.; 241]).unwrap_err();
        assert_eq!(error, ShapeError::Inputs { expected: 240, got: 241 });
    }

    #[test]
    fn a_position_holds_something_and_not_too_much() {
        for item in [[0, 1, 1], [1, 0, 1], [1, 1, 0], [limits::WIDTH + 1, 1, 1], [1 << 16, 1 << 16, 1]] {
            assert_eq!(Inputs::image(shape(1, 1), item, vec![]), Err(ShapeError::Item { item }));
        }
        let widest = Inputs::tensor(shape(1, 1), limits::WIDTH, vec![0.; limits::WIDTH as usize]).unwrap();
        assert_eq!((widest.width(), widest.item()), (12_288, [12_288, 1, 1]));
    }

    #[test]
    fn a_message_holds_only_so_much() {
        let bytes = limits::BATCH as usize * 256 * 256;
        let error = Inputs::image(shape(limits::BATCH, 256), [1, 16, 16], vec![0; bytes]).unwrap_err();
        assert_eq!(error, ShapeError::TooLong { bytes });
    }

    #[test]
    fn reals_are_numbers_within_their_bound() {
        for (index, bad) in [(0, f32::NAN), (3, f32::INFINITY), (5, -10_001.0)] {
            let mut reals = vec![limits::REAL; 6];
            reals[index] = bad;
            assert_eq!(Inputs::tensor(shape(1, 2), 3, reals), Err(ShapeError::Real { index }));
        }
        assert!(Inputs::speech(shape(1, 2), 3, vec![-limits::REAL; 6]).is_ok());
    }

    #[test]
    fn a_shape_that_lies_on_the_wire_is_refused() {
        let inputs = Inputs::text(shape(2, 3), vec![7; 6]).unwrap();
        let mut bytes = wire::encode(&inputs);
        bytes[Modality::SIZE + 3] = 3; // batch 2 → 3
        assert!(wire::decode::<Inputs>(&bytes, 1_000).is_err());
        bytes[Modality::SIZE + 3] = 1;
        let error = wire::decode::<Inputs>(&bytes, 1_000).unwrap_err();
        assert!(error.to_string().contains("3 bytes remained"), "{error}");
    }

    #[test]
    fn examples_are_chosen_in_any_order_and_more_than_once() {
        let image = Inputs::image(shape(3, 2), [1, 1, 2], (0..12).collect()).unwrap();
        let chosen = image.rows(&[2, 0, 2]).unwrap();
        assert_eq!(chosen.values(), &Values::Bytes(vec![8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]));
        assert_eq!((chosen.shape(), chosen.item()), (shape(3, 2), [1, 1, 2]));
        assert_eq!(image.rows(&[0, 3]), None, "there is no fourth");
        assert_eq!(image.rows(&[]), None);
        assert_eq!(image.rows(&[usize::MAX]), None);
        assert_eq!(image.rows(&[0; 65]), None, "no batch is so large");
    }
}

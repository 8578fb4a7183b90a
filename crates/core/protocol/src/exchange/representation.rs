//! f_j(x) or its gradient, parsed once: as many values as the shape says, all of them finite.
//!
//! A hostile peer could send a not-a-number to poison the sum it enters, a shape that does not fit, or fewer values than it claims.
//! The first and the last do not parse; [`Representation::check`] refuses the second. Values may still be useless or huge: what a
//! peer is worth is the score's matter, and the join bounds what enters it.

use super::{Carry, Encoding, Shape};
use crate::{limits, wire};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, Read, ReadExt, Write};

/// Finite values in the shape [batch, seq, dim], row-major, as the receiver sees them.
#[derive(Clone, Debug, PartialEq)]
pub struct Representation {
    shape: Shape,
    dim: u32,
    encoding: Encoding,
    values: Vec<f32>,
}

/// Why a representation is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepresentationError {
    /// No width, or too much.
    #[error("width {dim}, allowed are 1 to {}", limits::DIM)]
    Width {
        /// Width claimed.
        dim: u32,
    },
    /// The values are not as many as the shape says, or more than a message holds.
    #[error("{got} values for a shape of {expected}, at most {} fit a message", limits::VALUES)]
    Values {
        /// Values in the shape.
        expected: usize,
        /// Values there are.
        got: usize,
    },
    /// A value is infinite or not a number.
    #[error("value {index} is not a finite number")]
    NotFinite {
        /// Place of the first such value.
        index: usize,
    },
    /// Another shape than the one asked for.
    #[error("shape {got:?} where {expected:?} was asked for")]
    Shape {
        /// [batch, seq, dim] asked for.
        expected: [u32; 3],
        /// [batch, seq, dim] received.
        got: [u32; 3],
    },
    /// The errors carried on are of another width.
    #[error("errors of width {carried} carried to a representation of width {dim}")]
    Carry {
        /// Width of the representation.
        dim: u32,
        /// Width of the errors.
        carried: usize,
    },
}

impl Representation {
    /// `values` in the shape [batch, seq, dim], row-major, to travel as they are.
    ///
    /// # Errors
    /// [`RepresentationError::Width`], [`RepresentationError::Values`], [`RepresentationError::NotFinite`].
    pub fn new(shape: Shape, dim: u32, values: Vec<f32>) -> Result<Self, RepresentationError> {
        let expected = bounds(shape, dim)?;
        if values.len() != expected {
            return Err(RepresentationError::Values { expected, got: values.len() });
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(RepresentationError::NotFinite { index }),
            None => Ok(Self { shape, dim, encoding: Encoding::F32, values }),
        }
    }

    /// `values` in the shape [batch, seq, dim], row-major, rounded to what `encoding` can say. With `carry`, the error of one
    /// position is added to the next one's values before they are rounded, and that of the last is kept for the next message.
    ///
    /// # Errors
    /// As [`Self::new`], and [`RepresentationError::Carry`].
    pub fn encoded(
        shape: Shape,
        dim: u32,
        values: &[f32],
        encoding: Encoding,
        carry: Option<&mut Carry>,
    ) -> Result<Self, RepresentationError> {
        let expected = bounds(shape, dim)?;
        if values.len() != expected {
            return Err(RepresentationError::Values { expected, got: values.len() });
        }
        let mut representation = Self { encoding, ..Self::new(shape, dim, values.to_vec())? };
        let positions = representation.values.chunks_exact_mut(dim as usize);
        match carry {
            None => positions.for_each(|position| encoding.round(position)),
            Some(carry) if carry.values().len() == dim as usize => {
                positions.for_each(|position| encoding.round_carried(position, carry));
            }
            Some(carry) => return Err(RepresentationError::Carry { dim, carried: carry.values().len() }),
        }
        Ok(representation)
    }

    /// Whether it has the shape that was asked for.
    ///
    /// # Errors
    /// [`RepresentationError::Shape`], naming both.
    pub fn check(&self, shape: Shape, dim: u32) -> Result<(), RepresentationError> {
        if self.shape == shape && self.dim == dim {
            Ok(())
        } else {
            let expected = [shape.batch(), shape.seq(), dim];
            Err(RepresentationError::Shape { expected, got: self.dims() })
        }
    }

    /// Sequences and positions.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Width.
    pub fn dim(&self) -> u32 {
        self.dim
    }

    /// [batch, seq, dim].
    pub fn dims(&self) -> [u32; 3] {
        [self.shape.batch(), self.shape.seq(), self.dim]
    }

    /// How the values travel.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The values, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values, row-major.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }
}

/// Number of values of the shape [batch, seq, dim], if a message holds them.
fn bounds(shape: Shape, dim: u32) -> Result<usize, RepresentationError> {
    if !(1..=limits::DIM).contains(&dim) {
        return Err(RepresentationError::Width { dim });
    }
    let expected = shape.tokens() * dim as usize;
    if expected <= limits::VALUES { Ok(expected) } else { Err(RepresentationError::Values { expected, got: expected }) }
}

impl Write for Representation {
    fn write(&self, buf: &mut impl BufMut) {
        self.shape.write(buf);
        self.dim.write(buf);
        self.encoding.write(buf);
        for position in self.values.chunks_exact(self.dim as usize) {
            self.encoding.write_position(position, buf);
        }
    }
}

impl EncodeSize for Representation {
    fn encode_size(&self) -> usize {
        let values = self.encoding.bytes(self.shape.tokens(), self.dim as usize);
        Shape::SIZE + u32::SIZE + Encoding::SIZE + values
    }
}

impl Read for Representation {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let shape = Shape::read(buf)?;
        let dim = u32::read(buf)?;
        let encoding = Encoding::read(buf)?;
        let refused = |error| wire::invalid("representation", error);
        let number = bounds(shape, dim).map_err(refused)?;
        wire::arrived(buf, encoding.bytes(shape.tokens(), dim as usize))?;
        let mut values = Vec::with_capacity(number);
        for _ in 0..shape.tokens() {
            encoding.read_position(buf, dim as usize, &mut values)?;
        }
        Ok(Self { encoding, ..Self::new(shape, dim, values).map_err(refused)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape::new(2, 3).unwrap()
    }

    #[test]
    fn widths_have_bounds() {
        for dim in [0, limits::DIM + 1] {
            assert_eq!(Representation::new(shape(), dim, vec![]), Err(RepresentationError::Width { dim }));
        }
    }

    #[test]
    fn values_fill_the_shape() {
        let error = Representation::new(shape(), 4, vec![0.; 23]).unwrap_err();
        assert_eq!(error, RepresentationError::Values { expected: 24, got: 23 });
    }

    #[test]
    fn not_a_number_and_infinity_are_refused() {
        for (index, bad) in [(0, f32::NAN), (5, f32::INFINITY), (23, f32::NEG_INFINITY)] {
            let mut values = vec![0.; 24];
            values[index] = bad;
            assert_eq!(Representation::new(shape(), 4, values), Err(RepresentationError::NotFinite { index }));
        }
    }

    #[test]
    fn a_not_a_number_on_the_wire_is_refused() {
        let good = Representation::new(shape(), 4, vec![1.; 24]).unwrap();
        let mut bytes = wire::encode(&good);
        let at = bytes.len() - 4;
        bytes[at..].copy_from_slice(&f32::NAN.to_be_bytes());
        let error = wire::decode::<Representation>(&bytes, 1_000).unwrap_err();
        assert_eq!(error.to_string(), "unreadable message: representation: value 23 is not a finite number");
    }

    #[test]
    fn another_shape_is_named_on_both_sides() {
        let representation = Representation::new(shape(), 4, vec![0.; 24]).unwrap();
        assert_eq!(representation.check(shape(), 4), Ok(()));
        let error = representation.check(Shape::new(3, 3).unwrap(), 8).unwrap_err();
        assert_eq!(error.to_string(), "shape [2, 3, 4] where [3, 3, 8] was asked for");
    }

    #[test]
    fn the_largest_batch_of_the_largest_preset_does_not_fit_one_message() {
        let shape = Shape::new(limits::BATCH, limits::SEQUENCE).unwrap();
        let values = vec![0.; shape.tokens() * 64];
        assert!(matches!(Representation::new(shape, 64, values), Err(RepresentationError::Values { .. })));
    }
}

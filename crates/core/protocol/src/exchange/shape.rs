//! Sequences and positions of a batch, bounded before anything is done with them.

use crate::{limits, wire};
use bytes::BufMut;
use commonware_codec::{Buf, Error as CodecError, FixedSize, Read, ReadExt, Write};

/// Sequences and positions of a batch of inputs: 1 to 64 sequences of 1 to 1,024 positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    batch: u32,
    seq: u32,
}

/// Why a shape, or inputs of a shape, are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A side of the batch is zero or too long.
    #[error("{batch} sequences of {seq} positions, allowed are 1 to {} of 1 to {}", limits::BATCH, limits::SEQUENCE)]
    Bounds {
        /// Sequences.
        batch: u32,
        /// Positions.
        seq: u32,
    },
    /// What stands at one position has no values, or too many.
    #[error("{item:?} values at a position, allowed are 1 to {} in all", limits::WIDTH)]
    Item {
        /// The sides of it.
        item: [u32; 3],
    },
    /// The inputs are not as many as the shape says.
    #[error("{got} values of input for a shape of {expected}")]
    Inputs {
        /// Values in the shape.
        expected: usize,
        /// Values of input.
        got: usize,
    },
    /// The inputs are more than a message holds.
    #[error("{bytes} bytes of input, at most {} fit a message", limits::INPUT_BYTES)]
    TooLong {
        /// Bytes of input.
        bytes: usize,
    },
    /// A real value is not a number or too large.
    #[error("value {index} of the input is not a number from -{real} to {real}", real = limits::REAL)]
    Real {
        /// Place of the first such value.
        index: usize,
    },
    /// The asker would wait longer than anybody works.
    #[error("deadline of {deadline_ms} ms, at most {} are allowed", limits::DEADLINE_MS)]
    Deadline {
        /// Deadline asked for.
        deadline_ms: u32,
    },
}

impl Shape {
    /// A batch of `batch` sequences of `seq` positions.
    ///
    /// # Errors
    /// [`ShapeError::Bounds`].
    pub fn new(batch: u32, seq: u32) -> Result<Self, ShapeError> {
        if (1..=limits::BATCH).contains(&batch) && (1..=limits::SEQUENCE).contains(&seq) {
            Ok(Self { batch, seq })
        } else {
            Err(ShapeError::Bounds { batch, seq })
        }
    }

    /// Sequences.
    pub fn batch(self) -> u32 {
        self.batch
    }

    /// Positions in a sequence.
    pub fn seq(self) -> u32 {
        self.seq
    }

    /// Positions in all sequences.
    pub fn tokens(self) -> usize {
        self.batch as usize * self.seq as usize
    }
}

impl Write for Shape {
    fn write(&self, buf: &mut impl BufMut) {
        self.batch.write(buf);
        self.seq.write(buf);
    }
}

impl FixedSize for Shape {
    const SIZE: usize = 2 * u32::SIZE;
}

impl Read for Shape {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Self::new(u32::read(buf)?, u32::read(buf)?).map_err(|error| wire::invalid("shape", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_bounds() {
        for (batch, seq) in [(0, 1), (1, 0), (limits::BATCH + 1, 1), (1, limits::SEQUENCE + 1)] {
            assert_eq!(Shape::new(batch, seq), Err(ShapeError::Bounds { batch, seq }));
        }
        assert_eq!(Shape::new(limits::BATCH, limits::SEQUENCE).unwrap().tokens(), 65_536);
    }
}

//! Inputs for another peer to represent. A hostile asker could claim a shape that its bytes do not have, or none at all; neither
//! parses.

use super::Modality;
use crate::{limits, wire};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, Read, ReadExt, Write};

/// Sequences and positions of a batch of inputs: 1 to 64 sequences of 1 to 1,024 positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    batch: u32,
    seq: u32,
}

/// Please represent these inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    id: u64,
    modality: Modality,
    shape: Shape,
    inputs: Vec<u8>,
    deadline_ms: u32,
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
    /// The inputs are not as many as the shape says.
    #[error("{got} bytes of input for a shape of {expected}")]
    Inputs {
        /// Positions in the shape.
        expected: usize,
        /// Bytes of input.
        got: usize,
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

impl Ask {
    /// An ask of `inputs` (TEXT: bytes, row-major [batch, seq]) that is worth an answer for `deadline_ms` from its arrival.
    ///
    /// # Errors
    /// [`ShapeError::Inputs`] and [`ShapeError::Deadline`].
    pub fn new(
        id: u64,
        modality: Modality,
        shape: Shape,
        inputs: Vec<u8>,
        deadline_ms: u32,
    ) -> Result<Self, ShapeError> {
        if inputs.len() != shape.tokens() {
            return Err(ShapeError::Inputs { expected: shape.tokens(), got: inputs.len() });
        }
        if deadline_ms > limits::DEADLINE_MS {
            return Err(ShapeError::Deadline { deadline_ms });
        }
        Ok(Self { id, modality, shape, inputs, deadline_ms })
    }

    /// Chosen by the asker, named again by answer and gradient.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What the inputs are.
    pub fn modality(&self) -> Modality {
        self.modality
    }

    /// Their shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The inputs, row-major [batch, seq].
    pub fn inputs(&self) -> &[u8] {
        &self.inputs
    }

    /// An answer later than this after the arrival of the ask is useless, ms.
    pub fn deadline_ms(&self) -> u32 {
        self.deadline_ms
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

impl Write for Ask {
    fn write(&self, buf: &mut impl BufMut) {
        self.id.write(buf);
        self.modality.write(buf);
        self.shape.write(buf);
        self.deadline_ms.write(buf);
        self.inputs.write(buf);
    }
}

impl EncodeSize for Ask {
    fn encode_size(&self) -> usize {
        u64::SIZE + Modality::SIZE + Shape::SIZE + u32::SIZE + self.inputs.encode_size()
    }
}

impl Read for Ask {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let id = u64::read(buf)?;
        let modality = Modality::read(buf)?;
        let shape = Shape::read(buf)?;
        let deadline_ms = u32::read(buf)?;
        let inputs = wire::read_bytes(buf, shape.tokens())?;
        Self::new(id, modality, shape, inputs, deadline_ms).map_err(|error| wire::invalid("ask", error))
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

    #[test]
    fn inputs_fill_the_shape() {
        let shape = Shape::new(2, 3).unwrap();
        let error = Ask::new(1, Modality::TEXT, shape, vec![0; 5], 100).unwrap_err();
        assert_eq!(error, ShapeError::Inputs { expected: 6, got: 5 });
        assert_eq!(error.to_string(), "5 bytes of input for a shape of 6");
    }

    #[test]
    fn deadlines_have_a_bound() {
        let shape = Shape::new(1, 1).unwrap();
        let deadline_ms = limits::DEADLINE_MS + 1;
        assert_eq!(Ask::new(1, Modality::TEXT, shape, vec![0], deadline_ms), Err(ShapeError::Deadline { deadline_ms }));
    }

    #[test]
    fn a_shape_that_lies_on_the_wire_is_refused() {
        let ask = Ask::new(1, Modality::TEXT, Shape::new(2, 3).unwrap(), vec![7; 6], 100).unwrap();
        let mut bytes = wire::encode(&ask);
        bytes[u64::SIZE + 1 + 3] = 3; // batch 2 → 3
        let error = wire::decode::<Ask>(&bytes, 1_000).unwrap_err();
        assert_eq!(error.to_string(), "unreadable message: ask: 6 bytes of input for a shape of 9");
    }
}

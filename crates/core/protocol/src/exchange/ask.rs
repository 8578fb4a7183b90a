//! Inputs for another peer to represent, what of them is wanted, and how it is to be written.

use super::{Encoding, Inputs, ShapeError};
use crate::{limits, wire};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, Read, ReadExt, Write};

/// Please represent these inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    id: u64,
    inputs: Inputs,
    want: Want,
    encoding: Encoding,
    deadline_ms: u32,
}

/// What of the inputs is wanted. Whoever is asked asks nobody: the student stands in the market's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Want {
    /// The peer's own encoding f(x), [batch, seq, dim].
    Encoding,
    /// The same with its student in the market's place, [batch, seq, dim]; what training asks for.
    Joined,
    /// The scores of the classes that follow from that, [batch, seq, classes], or [batch, 1, classes] where an example has
    /// one target; what a consumer asks for.
    Logits,
}

impl Ask {
    /// An ask of `inputs` that is worth an answer for `deadline_ms` from its arrival, to be written in `encoding`.
    ///
    /// # Errors
    /// [`ShapeError::Deadline`].
    pub fn new(id: u64, inputs: Inputs, want: Want, encoding: Encoding, deadline_ms: u32) -> Result<Self, ShapeError> {
        if deadline_ms > limits::DEADLINE_MS {
            return Err(ShapeError::Deadline { deadline_ms });
        }
        Ok(Self { id, inputs, want, encoding, deadline_ms })
    }

    /// Chosen by the asker, named again by answer and gradient.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The inputs.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// What of them is wanted.
    pub fn want(&self) -> Want {
        self.want
    }

    /// How the answer is to be written.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// An answer later than this after the arrival of the ask is useless, ms.
    pub fn deadline_ms(&self) -> u32 {
        self.deadline_ms
    }

    /// The inputs alone, for who remembers them.
    pub fn into_inputs(self) -> Inputs {
        self.inputs
    }
}

impl Write for Want {
    fn write(&self, buf: &mut impl BufMut) {
        let tag: u8 = match self {
            Self::Encoding => 0,
            Self::Joined => 1,
            Self::Logits => 2,
        };
        tag.write(buf);
    }
}

impl FixedSize for Want {
    const SIZE: usize = u8::SIZE;
}

impl Read for Want {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        match u8::read(buf)? {
            0 => Ok(Self::Encoding),
            1 => Ok(Self::Joined),
            2 => Ok(Self::Logits),
            other => Err(CodecError::InvalidEnum(other)),
        }
    }
}

impl Write for Ask {
    fn write(&self, buf: &mut impl BufMut) {
        self.id.write(buf);
        self.want.write(buf);
        self.encoding.write(buf);
        self.deadline_ms.write(buf);
        self.inputs.write(buf);
    }
}

impl EncodeSize for Ask {
    fn encode_size(&self) -> usize {
        u64::SIZE + Want::SIZE + Encoding::SIZE + u32::SIZE + self.inputs.encode_size()
    }
}

impl Read for Ask {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let id = u64::read(buf)?;
        let want = Want::read(buf)?;
        let encoding = Encoding::read(buf)?;
        let deadline_ms = u32::read(buf)?;
        let inputs = Inputs::read(buf)?;
        Self::new(id, inputs, want, encoding, deadline_ms).map_err(|error| wire::invalid("ask", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Shape;

    #[test]
    fn deadlines_have_a_bound() {
        let inputs = Inputs::text(Shape::new(1, 1).unwrap(), vec![0]).unwrap();
        let deadline_ms = limits::DEADLINE_MS + 1;
        let ask = Ask::new(1, inputs, Want::Joined, Encoding::F32, deadline_ms);
        assert_eq!(ask, Err(ShapeError::Deadline { deadline_ms }));
    }

    #[test]
    fn what_is_wanted_and_how_is_known_or_refused() {
        let inputs = Inputs::text(Shape::new(1, 2).unwrap(), vec![3, 4]).unwrap();
        let bytes = wire::encode(&Ask::new(1, inputs, Want::Encoding, Encoding::F32, 100).unwrap());
        for place in [u64::SIZE, u64::SIZE + 1] {
            for tag in 0..=u8::MAX {
                let mut bytes = bytes.clone();
                bytes[place] = tag;
                assert_eq!(wire::decode::<Ask>(&bytes, 1_000).is_ok(), tag < 3);
            }
        }
    }
}

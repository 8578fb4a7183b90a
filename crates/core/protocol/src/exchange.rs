//! What two peers say to each other: who they are, asks, answers, gradients (learning.md; protocol `/peerage/exchange/1`).
//!
//! A peer opens with [`Hello`] and gets one back. It then asks for f_j(x) of its inputs and, once it has used the [`Answer`],
//! sends ∂L/∂f_j(x) back under the same id. Who has no stake may pay for answers: a [`Claim`] shows the purchase. Each request
//! gets one response.
//!
//! A hostile peer could send shapes that do not match, not-a-numbers, messages without end, gradients nobody waits for or too many
//! at a time. Everything but the last two is refused while it is parsed; those two belong to the receiver's queue.

mod ask;
mod claim;
mod encoding;
mod hello;
mod inputs;
mod modality;
mod refuse;
mod representation;
mod shape;
#[cfg(test)]
mod tests;

pub use ask::{Ask, Want};
pub use claim::{Claim, Unpaid};
pub use encoding::{Carry, Encoding};
pub use hello::{Hello, HelloError, Kind, PROTOCOL, Preset};
pub use inputs::{Inputs, Values};
pub use modality::{Modalities, Modality, ModalityError};
pub use refuse::Refuse;
pub use representation::{Representation, RepresentationError};
pub use shape::{Shape, ShapeError};

use crate::{limits, wire};
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, Read, ReadExt, Write};

/// First byte of every message of the exchange.
pub const VERSION: u8 = 1;

/// What a peer wants of another.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Who the sender is. First message of a connection; again when something changed.
    Hello(Hello),
    /// Represent these inputs.
    Ask(Ask),
    /// How the loss moves with an earlier answer.
    Gradient(Gradient),
    /// A purchase that paid the receiver; comes before the asks it pays for.
    Claim(Claim),
}

/// What it gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// Reply to [`Request::Hello`].
    Hello(Hello),
    /// Reply to [`Request::Ask`].
    Answer(Answer),
    /// No, and why; to anything.
    Refuse(Refuse),
    /// Reply to [`Request::Gradient`]: it will be used.
    Applied,
    /// Reply to [`Request::Claim`]: so many positions are open to the sender now, with what was left before.
    Credit {
        /// Positions that it may ask for.
        positions: u64,
    },
}

/// The representation asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Id of the ask.
    pub id: u64,
    /// f_j(x), [batch, seq, dim].
    pub representation: Representation,
}

/// ∂L/∂f_j(x) for an answer given before.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    /// Id of the ask.
    pub id: u64,
    /// The gradient, of the answer's shape.
    pub representation: Representation,
}

/// Whether `bytes` begin like a [`Request::Hello`]; for those who pass messages on unread.
pub fn is_hello(bytes: &[u8]) -> bool {
    bytes.starts_with(&[VERSION, 0])
}

/// Whether `bytes` begin like a [`Request::Claim`].
pub fn is_claim(bytes: &[u8]) -> bool {
    bytes.starts_with(&[VERSION, 3])
}

/// Whether `bytes` begin like a [`Response::Refuse`].
pub fn is_refusal(bytes: &[u8]) -> bool {
    bytes.starts_with(&[VERSION, 2])
}

impl Request {
    /// The encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Parses and bounds.
    ///
    /// # Errors
    /// [`wire::Error`] for anything but exactly one request.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, wire::Error> {
        wire::decode(bytes, limits::MESSAGE_BYTES)
    }
}

impl Response {
    /// The encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Parses and bounds.
    ///
    /// # Errors
    /// [`wire::Error`] for anything but exactly one response.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, wire::Error> {
        wire::decode(bytes, limits::MESSAGE_BYTES)
    }
}

impl Write for Request {
    fn write(&self, buf: &mut impl BufMut) {
        VERSION.write(buf);
        match self {
            Self::Hello(hello) => {
                0u8.write(buf);
                hello.write(buf);
            }
            Self::Ask(ask) => {
                1u8.write(buf);
                ask.write(buf);
            }
            Self::Gradient(Gradient { id, representation }) => {
                2u8.write(buf);
                id.write(buf);
                representation.write(buf);
            }
            Self::Claim(claim) => {
                3u8.write(buf);
                claim.write(buf);
            }
        }
    }
}

impl EncodeSize for Request {
    fn encode_size(&self) -> usize {
        2 + match self {
            Self::Hello(hello) => hello.encode_size(),
            Self::Ask(ask) => ask.encode_size(),
            Self::Gradient(gradient) => u64::SIZE + gradient.representation.encode_size(),
            Self::Claim(claim) => claim.encode_size(),
        }
    }
}

impl Read for Request {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        wire::version(buf, VERSION, "request")?;
        match u8::read(buf)? {
            0 => Ok(Self::Hello(Hello::read(buf)?)),
            1 => Ok(Self::Ask(Ask::read(buf)?)),
            2 => Ok(Self::Gradient(Gradient { id: u64::read(buf)?, representation: Representation::read(buf)? })),
            3 => Ok(Self::Claim(Claim::read(buf)?)),
            other => Err(CodecError::InvalidEnum(other)),
        }
    }
}

impl Write for Response {
    fn write(&self, buf: &mut impl BufMut) {
        VERSION.write(buf);
        match self {
            Self::Hello(hello) => {
                0u8.write(buf);
                hello.write(buf);
            }
            Self::Answer(Answer { id, representation }) => {
                1u8.write(buf);
                id.write(buf);
                representation.write(buf);
            }
            Self::Refuse(refuse) => {
                2u8.write(buf);
                refuse.write(buf);
            }
            Self::Applied => 3u8.write(buf),
            Self::Credit { positions } => (4u8, *positions).write(buf),
        }
    }
}

impl EncodeSize for Response {
    fn encode_size(&self) -> usize {
        2 + match self {
            Self::Hello(hello) => hello.encode_size(),
            Self::Answer(answer) => u64::SIZE + answer.representation.encode_size(),
            Self::Refuse(refuse) => refuse.encode_size(),
            Self::Applied => 0,
            Self::Credit { .. } => u64::SIZE,
        }
    }
}

impl Read for Response {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        wire::version(buf, VERSION, "response")?;
        match u8::read(buf)? {
            0 => Ok(Self::Hello(Hello::read(buf)?)),
            1 => Ok(Self::Answer(Answer { id: u64::read(buf)?, representation: Representation::read(buf)? })),
            2 => Ok(Self::Refuse(Refuse::read(buf)?)),
            3 => Ok(Self::Applied),
            4 => Ok(Self::Credit { positions: u64::read(buf)? }),
            other => Err(CodecError::InvalidEnum(other)),
        }
    }
}

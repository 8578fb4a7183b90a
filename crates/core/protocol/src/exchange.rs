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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use commonware_cryptography::{Hasher, Sha256, Signer, ed25519::PrivateKey};
    use proptest::prelude::*;

    fn shapes() -> impl Strategy<Value = Shape> {
        (1..=8u32, 1..=16u32).prop_map(|(batch, seq)| Shape::new(batch, seq).unwrap())
    }

    fn representations() -> impl Strategy<Value = Representation> {
        (shapes(), 1..=8u32).prop_flat_map(|(shape, dim)| {
            let values = shape.tokens() * dim as usize;
            prop::collection::vec(-1e6f32..1e6, values)
                .prop_map(move |values| Representation::new(shape, dim, values).unwrap())
        })
    }

    fn asks() -> impl Strategy<Value = Ask> {
        (any::<u64>(), 0..=limits::DEADLINE_MS, shapes()).prop_flat_map(|(id, deadline, shape)| {
            prop::collection::vec(any::<u8>(), shape.tokens())
                .prop_map(move |inputs| Ask::new(id, Modality::TEXT, shape, inputs, deadline).unwrap())
        })
    }

    fn hellos() -> impl Strategy<Value = Hello> {
        (any::<u64>(), any::<bool>(), any::<u8>(), any::<bool>()).prop_map(|(seed, tab, modality, known)| {
            let key = PrivateKey::from_seed(seed);
            let chain = Sha256::hash(&[&seed.to_le_bytes()]);
            let record = Record::sign(&key, chain, vec![1, 2, 3], vec!["/memory/1".into()], seed).unwrap();
            Hello {
                version: PROTOCOL,
                chain,
                kind: if tab { Kind::Tab } else { Kind::Resident },
                modality: Modality(modality),
                dim: 64,
                preset: Preset::Small,
                record: known.then_some(record),
            }
        })
    }

    fn refuses() -> impl Strategy<Value = Refuse> {
        prop_oneof![
            any::<u32>().prop_map(|retry_ms| Refuse::Busy { retry_ms }),
            Just(Refuse::WrongModality { own: Modality::TEXT, asked: Modality(3) }),
            (any::<[u32; 3]>(), any::<[u32; 3]>()).prop_map(|(expected, got)| Refuse::WrongShape { expected, got }),
            any::<u64>().prop_map(|id| Refuse::Forgotten { id }),
            Just(Refuse::NotTraining),
            Just(Refuse::TooLate),
            Just(Refuse::Unreadable),
            any::<[u8; 32]>().prop_map(|chain| Refuse::WrongChain { own: Sha256::hash(&[&chain]) }),
            any::<u16>().prop_map(|own| Refuse::WrongVersion { own }),
        ]
    }

    fn requests() -> impl Strategy<Value = Request> {
        prop_oneof![
            hellos().prop_map(Request::Hello),
            asks().prop_map(Request::Ask),
            (any::<u64>(), representations())
                .prop_map(|(id, representation)| Request::Gradient(Gradient { id, representation })),
        ]
    }

    fn responses() -> impl Strategy<Value = Response> {
        prop_oneof![
            hellos().prop_map(Response::Hello),
            (any::<u64>(), representations())
                .prop_map(|(id, representation)| Response::Answer(Answer { id, representation })),
            refuses().prop_map(Response::Refuse),
            Just(Response::Applied),
        ]
    }

    proptest! {
        #[test]
        fn requests_come_back(request in requests()) {
            let bytes = request.to_bytes();
            prop_assert_eq!(bytes.len(), request.encode_size());
            prop_assert_eq!(is_hello(&bytes), matches!(request, Request::Hello(_)));
            prop_assert_eq!(Request::from_bytes(&bytes).unwrap(), request);
        }

        #[test]
        fn responses_come_back(response in responses()) {
            let bytes = response.to_bytes();
            prop_assert_eq!(bytes.len(), response.encode_size());
            prop_assert_eq!(is_refusal(&bytes), matches!(response, Response::Refuse(_)));
            prop_assert_eq!(Response::from_bytes(&bytes).unwrap(), response);
        }

        #[test]
        fn cut_or_lengthened_messages_are_refused(request in requests(), cut in any::<prop::sample::Index>()) {
            let bytes = request.to_bytes();
            prop_assert!(Request::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
            prop_assert!(Request::from_bytes(&[bytes, vec![0]].concat()).is_err());
        }

        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            for version in [bytes.clone(), [vec![VERSION, 1], bytes.clone()].concat(), [vec![VERSION, 2], bytes].concat()] {
                if let Ok(request) = Request::from_bytes(&version) {
                    prop_assert_eq!(request.to_bytes(), version.clone());
                }
                if let Ok(response) = Response::from_bytes(&version) {
                    prop_assert_eq!(response.to_bytes(), version);
                }
            }
        }
    }

    #[test]
    fn another_version_is_named() {
        let error = Response::from_bytes(&[2, 3]).unwrap_err();
        assert_eq!(error.to_string(), "unreadable message: response: of another version of the protocol");
    }

    #[test]
    fn an_oversized_message_is_refused_unread() {
        let bytes = vec![0; limits::MESSAGE_BYTES + 1];
        assert!(matches!(Request::from_bytes(&bytes), Err(wire::Error::TooLong { .. })));
    }
}

//! Messages of the signalling: `uvarint length, Message { type, data }` in proto3.
//!
//! A hostile peer could send anything of any length: more than [`MAX_MESSAGE`] bytes, bytes that are no message and types that do not
//! exist are errors, after which nothing is read.

use crate::delimited::{Delimited, LengthError};
use bytes::Bytes;
use prost::Message as _;

/// Longest message, bytes: a session description of Chromium for one data channel has 500 to 2,000.
pub const MAX_MESSAGE: usize = 16 << 10;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Session description of the initiator (SDP).
    Offer(String),
    /// Session description of the responder (SDP).
    Answer(String),
    /// An ICE candidate, as JSON of `RTCIceCandidate`.
    Candidate(String),
}

/// Why messages cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Its length is wrong.
    #[error(transparent)]
    Length(#[from] LengthError),
    /// It is no message of the protocol.
    #[error("not a signalling message: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// It is of a type that does not exist.
    #[error("a signalling message of type {0}")]
    Type(i32),
}

impl Message {
    /// The message behind its length.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, data) = match self {
            Self::Offer(sdp) => (Kind::SdpOffer, sdp),
            Self::Answer(sdp) => (Kind::SdpAnswer, sdp),
            Self::Candidate(json) => (Kind::IceCandidate, json),
        };
        // The type is written even where it is zero: readers of other languages tell "absent" from "offer".
        Wire { kind: Some(kind.into()), data: Some(data.clone()) }.encode_length_delimited_to_vec()
    }
}

/// Reads messages from what a stream brings.
#[derive(Clone, Debug)]
pub struct Decoder(Delimited);

impl Default for Decoder {
    fn default() -> Self {
        Self(Delimited::new(MAX_MESSAGE))
    }
}

impl Decoder {
    /// Takes what was read from the stream; call [`Self::message`] until it gives nothing before taking more.
    pub fn push(&mut self, chunk: Bytes) {
        self.0.push(chunk);
    }

    /// The next whole message.
    ///
    /// # Errors
    /// [`MessageError`], after which nothing can be read.
    pub fn message(&mut self) -> Result<Option<Message>, MessageError> {
        let Some(bytes) = self.0.message()? else { return Ok(None) };
        let wire = Wire::decode(bytes)?;
        let kind = wire.kind.unwrap_or_default();
        let data = wire.data.unwrap_or_default();
        match Kind::try_from(kind) {
            Ok(Kind::SdpOffer) => Ok(Some(Message::Offer(data))),
            Ok(Kind::SdpAnswer) => Ok(Some(Message::Answer(data))),
            Ok(Kind::IceCandidate) => Ok(Some(Message::Candidate(data))),
            Err(_) => Err(MessageError::Type(kind)),
        }
    }

    /// Whether the stream would end in the middle of a message.
    pub fn is_partial(&self) -> bool {
        self.0.is_partial()
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Wire {
    #[prost(enumeration = "Kind", optional, tag = "1")]
    kind: Option<i32>,
    #[prost(string, optional, tag = "2")]
    data: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum Kind {
    SdpOffer = 0,
    SdpAnswer = 1,
    IceCandidate = 2,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Vec<Message>, MessageError> {
        let mut decoder = Decoder::default();
        decoder.push(Bytes::copy_from_slice(bytes));
        let mut messages = Vec::new();
        while let Some(message) = decoder.message()? {
            messages.push(message);
        }
        Ok(messages)
    }

    #[test]
    fn the_bytes_are_those_of_other_implementations() {
        assert_eq!(Message::Offer("o".into()).to_bytes(), [5, 8, 0, 0x12, 1, b'o']);
        assert_eq!(Message::Candidate("{}".into()).to_bytes(), [6, 8, 2, 0x12, 2, b'{', b'}']);
        assert_eq!(read(&[3, 0x12, 1, b'o']), Ok(vec![Message::Offer("o".into())]), "a type of zero may be left out");
    }

    #[test]
    fn what_is_no_message_is_named() {
        assert_eq!(read(&[4, 8, 7, 0x12, 0]), Err(MessageError::Type(7)));
        assert!(matches!(read(&[3, 0x12, 9, 1]), Err(MessageError::Malformed(_))));
        assert!(matches!(read(&[4, 0x12, 2, 0xff, 0xfe]), Err(MessageError::Malformed(_))), "not UTF-8");
        assert!(matches!(read(&[0x81, 0x80, 0x01]), Err(MessageError::Length(_))));
    }

    proptest! {
        #[test]
        fn messages_come_back(data in ".{0,200}") {
            for message in [Message::Offer(data.clone()), Message::Answer(data.clone()), Message::Candidate(data)] {
                prop_assert_eq!(read(&message.to_bytes()), Ok(vec![message]));
            }
        }

        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }
    }
}

//! Frames of a stream (libp2p specs, webrtc/README.md, "Multiplexing"): `uvarint length, Message { flag?, message? }`.
//!
//! A frame may span several messages of the data channel, and one message may hold several frames. A hostile sender could announce
//! frames of any length: beyond [`MAX_FRAME`] the stream is over.

use crate::delimited::{Delimited, LengthError};
use bytes::Bytes;
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len},
};

/// Longest frame with its length, bytes: what every browser carries in one message of a data channel.
pub const MAX_FRAME: usize = 16 << 10;
/// Longest payload of a frame, bytes: its length, its flag, and key and length of the payload fit beside it.
pub const MAX_PAYLOAD: usize = MAX_FRAME - 3 - 2 - 1 - 3;

/// What a side says of its halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Flag {
    /// It sends no more.
    Fin = 0,
    /// It reads no more.
    StopSending = 1,
    /// It is done with both at once.
    Reset = 2,
    /// It has got the FIN.
    FinAck = 3,
}

/// One frame as it came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Of those that are known; others mean nothing.
    pub flag: Option<Flag>,
    /// Bytes of the stream, possibly none.
    pub payload: Bytes,
}

/// Why frames cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Its length is wrong.
    #[error(transparent)]
    Length(#[from] LengthError),
    /// It is no message of the protocol.
    #[error("not a frame: {0}")]
    Malformed(#[from] prost::DecodeError),
}

/// Reads frames from what a data channel brings.
#[derive(Clone, Debug)]
pub struct Decoder(Delimited);

impl Default for Decoder {
    fn default() -> Self {
        Self(Delimited::new(MAX_FRAME))
    }
}

impl Decoder {
    /// Takes one message of the data channel; call [`Self::frame`] until it gives nothing before taking more.
    pub fn push(&mut self, message: Bytes) {
        self.0.push(message);
    }

    /// The next whole frame.
    ///
    /// # Errors
    /// [`FrameError`], after which nothing can be read.
    pub fn frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(bytes) = self.0.message()? else { return Ok(None) };
        let wire = Wire::decode(bytes)?;
        let flag = wire.flag.and_then(|flag| Flag::try_from(flag).ok());
        Ok(Some(Frame { flag, payload: wire.message.unwrap_or_default() }))
    }
}

/// Appends a frame of `payload`, at most [`MAX_PAYLOAD`] bytes, to `out`.
pub fn encode_payload(payload: &[u8], out: &mut Vec<u8>) {
    debug_assert!(payload.len() <= MAX_PAYLOAD);
    let length = payload.len() as u64;
    encode_varint((key_len(PAYLOAD) + encoded_len_varint(length)) as u64 + length, out);
    encode_key(PAYLOAD, WireType::LengthDelimited, out);
    encode_varint(length, out);
    out.extend_from_slice(payload);
}

/// A frame that carries `flag` alone.
pub fn encode_flag(flag: Flag) -> Vec<u8> {
    Wire { flag: Some(flag.into()), message: None }.encode_length_delimited_to_vec()
}

/// `Message` of webrtc.proto (proto2).
#[derive(Clone, PartialEq, prost::Message)]
struct Wire {
    #[prost(enumeration = "Flag", optional, tag = "1")]
    flag: Option<i32>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    message: Option<Bytes>,
}

/// Tag of the payload.
const PAYLOAD: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Vec<Frame>, FrameError> {
        let mut decoder = Decoder::default();
        decoder.push(Bytes::copy_from_slice(bytes));
        let mut frames = Vec::new();
        while let Some(frame) = decoder.frame()? {
            frames.push(frame);
        }
        Ok(frames)
    }

    #[test]
    fn the_bytes_are_those_of_other_implementations() {
        assert_eq!(encode_flag(Flag::Fin), [2, 8, 0]);
        assert_eq!(encode_flag(Flag::FinAck), [2, 8, 3]);
        let mut out = Vec::new();
        encode_payload(b"peer", &mut out);
        assert_eq!(out, [6, 0x12, 4, b'p', b'e', b'e', b'r']);
        // Both in one frame, fields in either order.
        let both = Frame { flag: Some(Flag::Fin), payload: Bytes::from_static(b"x") };
        assert_eq!(read(&[5, 8, 0, 0x12, 1, b'x']), Ok(vec![both.clone()]));
        assert_eq!(read(&[5, 0x12, 1, b'x', 8, 0]), Ok(vec![both]));
    }

    #[test]
    fn unknown_fields_and_flags_are_passed_over() {
        assert_eq!(read(&[4, 8, 9, 0x18, 1]), Ok(vec![Frame::default()]));
        assert_eq!(read(&[0]), Ok(vec![Frame::default()]));
    }

    #[test]
    fn the_longest_payload_fits_and_more_is_refused() {
        let mut out = Vec::new();
        encode_payload(&vec![7; MAX_PAYLOAD], &mut out);
        assert!(out.len() <= MAX_FRAME, "{}", out.len());
        assert_eq!(read(&out).unwrap()[0].payload.len(), MAX_PAYLOAD);
        assert!(matches!(read(&[0x81, 0x80, 0x01]), Err(FrameError::Length(LengthError::TooLong { .. }))));
        assert!(matches!(read(&[2, 0x12, 9]), Err(FrameError::Malformed(_))));
    }

    proptest! {
        #[test]
        fn payloads_come_back(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6)) {
            let mut out = Vec::new();
            for payload in &payloads { encode_payload(payload, &mut out); }
            let frames = read(&out).unwrap();
            prop_assert_eq!(frames.iter().map(|frame| frame.payload.to_vec()).collect::<Vec<_>>(), payloads);
        }

        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }
    }
}

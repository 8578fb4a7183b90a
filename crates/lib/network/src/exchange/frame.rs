//! Frames of the exchange: `u32 length, u32 id, bytes`, little-endian.
//!
//! A hostile peer could announce any length: one above the bound ends the stream before memory is given to it.

use asynchronous_codec::{BytesMut, Decoder, Encoder};
use bytes::{Buf, BufMut, Bytes};
use protocol::limits;
use std::io;

/// A request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) id: u32,
    pub(super) bytes: Bytes,
}

/// Reads and writes frames of at most [`limits::MESSAGE_BYTES`] bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Codec;

impl Encoder for Codec {
    type Item<'a> = Frame;
    type Error = io::Error;

    fn encode(&mut self, Frame { id, bytes }: Frame, out: &mut BytesMut) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(|_| too_long(bytes.len()))?;
        out.reserve(HEADER + bytes.len());
        out.put_u32_le(length);
        out.put_u32_le(id);
        out.put_slice(&bytes);
        Ok(())
    }
}

impl Decoder for Codec {
    type Item = Frame;
    type Error = io::Error;

    fn decode(&mut self, input: &mut BytesMut) -> io::Result<Option<Frame>> {
        let Some(mut header) = input.get(..HEADER) else { return Ok(None) };
        let (length, id) = (header.get_u32_le() as usize, header.get_u32_le());
        if length > limits::MESSAGE_BYTES {
            return Err(too_long(length));
        }
        if input.len() < HEADER + length {
            return Ok(None);
        }
        input.advance(HEADER);
        Ok(Some(Frame { id, bytes: input.split_to(length).freeze() }))
    }
}

fn too_long(length: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("message of {length} bytes"))
}

/// Bytes before those of the message.
const HEADER: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_come_back_however_they_are_cut(
            frames in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..90)), 0..6),
            cut in 1..40usize,
        ) {
            let frames: Vec<Frame> = frames.into_iter().map(|(id, bytes)| Frame { id, bytes: bytes.into() }).collect();
            let mut wire = BytesMut::new();
            for frame in &frames { Codec.encode(frame.clone(), &mut wire).unwrap(); }
            let (mut input, mut read) = (BytesMut::new(), Vec::new());
            for part in wire.chunks(cut) {
                input.extend_from_slice(part);
                while let Some(frame) = Codec.decode(&mut input).unwrap() { read.push(frame); }
            }
            prop_assert_eq!(read, frames);
            prop_assert!(input.is_empty());
        }
    }

    #[test]
    fn the_bound_is_the_last_that_passes() {
        let header = |length: usize| BytesMut::from(&[&(length as u32).to_le_bytes()[..], &[0; 4]].concat()[..]);
        assert!(matches!(Codec.decode(&mut header(limits::MESSAGE_BYTES)), Ok(None)));
        let error = Codec.decode(&mut header(limits::MESSAGE_BYTES + 1)).unwrap_err();
        assert_eq!(error.to_string(), format!("message of {} bytes", limits::MESSAGE_BYTES + 1));
    }
}

//! Messages behind their lengths, as they come: in parts, several at once, or not at all.
//!
//! A hostile sender could announce a length and never send it: what is held is never longer than one message may be, and nothing is
//! reserved in advance.

use bytes::{Bytes, BytesMut};
use unsigned_varint::decode;

/// Splits bytes into messages of at most `most` bytes.
#[derive(Clone, Debug)]
pub(crate) struct Delimited {
    rest: Bytes,
    most: usize,
}

/// The bytes hold no message; nothing after them can be read either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LengthError {
    /// The length is not a number.
    #[error("a length that is no number")]
    Malformed,
    /// The message is too long.
    #[error("a message of {length} bytes, of which {most} are allowed")]
    TooLong {
        /// As announced.
        length: usize,
        /// The bound.
        most: usize,
    },
}

impl Delimited {
    pub(crate) fn new(most: usize) -> Self {
        Self { rest: Bytes::new(), most }
    }

    /// Takes what came in. Call [`Self::message`] until it gives nothing before taking more.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if self.rest.is_empty() {
            self.rest = chunk;
        } else {
            let mut joined = BytesMut::with_capacity(self.rest.len() + chunk.len());
            joined.extend_from_slice(&self.rest);
            joined.extend_from_slice(&chunk);
            self.rest = joined.freeze();
        }
    }

    /// The next whole message, without its length. After an error nothing is held.
    pub(crate) fn message(&mut self) -> Result<Option<Bytes>, LengthError> {
        let message = self.split();
        if message.is_err() {
            self.rest = Bytes::new();
        }
        message
    }

    fn split(&mut self) -> Result<Option<Bytes>, LengthError> {
        let (length, prefix) = match decode::usize(&self.rest) {
            Ok((length, after)) => (length, self.rest.len() - after.len()),
            Err(decode::Error::Insufficient) => return Ok(None),
            Err(_) => return Err(LengthError::Malformed),
        };
        if length > self.most {
            return Err(LengthError::TooLong { length, most: self.most });
        }
        if self.rest.len() - prefix < length {
            return Ok(None);
        }
        let message = self.rest.slice(prefix..prefix + length);
        self.rest = self.rest.slice(prefix + length..);
        Ok(Some(message))
    }

    /// Whether a message has begun and not ended.
    pub(crate) fn is_partial(&self) -> bool {
        !self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unsigned_varint::encode;

    fn all(delimited: &mut Delimited) -> Result<Vec<Bytes>, LengthError> {
        let mut messages = Vec::new();
        while let Some(message) = delimited.message()? {
            messages.push(message);
        }
        Ok(messages)
    }

    proptest! {
        /// However the bytes are cut, the messages are the same, and no more than one message is held.
        #[test]
        fn any_split_gives_the_messages(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
            cuts in prop::collection::vec(1..64usize, 1..64),
        ) {
            let mut wire = Vec::new();
            for message in &messages {
                wire.extend_from_slice(encode::usize(message.len(), &mut encode::usize_buffer()));
                wire.extend_from_slice(message);
            }
            let mut delimited = Delimited::new(200);
            let (mut read, mut from) = (Vec::new(), 0);
            for cut in cuts.iter().cycle() {
                let to = (from + cut).min(wire.len());
                delimited.push(Bytes::copy_from_slice(&wire[from..to]));
                read.extend(all(&mut delimited).unwrap());
                prop_assert!(delimited.rest.len() <= 202);
                from = to;
                if from == wire.len() { break; }
            }
            prop_assert_eq!(read, messages);
            prop_assert!(!delimited.is_partial());
        }
    }

    #[test]
    fn what_is_too_long_is_said_before_it_comes() {
        let mut delimited = Delimited::new(300);
        delimited.push(Bytes::from_static(&[0xad, 0x02]));
        assert_eq!(delimited.message(), Err(LengthError::TooLong { length: 301, most: 300 }));
        assert!(!delimited.is_partial(), "what follows is not added to it");
        let mut endless = Delimited::new(300);
        endless.push(Bytes::from_static(&[0xff; 12]));
        assert_eq!(endless.message(), Err(LengthError::Malformed));
    }
}

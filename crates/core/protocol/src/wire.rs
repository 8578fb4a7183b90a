//! From values to bytes and back, with the outer bound and one error type.
//!
//! A hostile sender may send any bytes: [`decode`] refuses what is too long before it reads, what is cut short, and what has bytes
//! left over. Bounds on the parts are each type's own.

use bytes::BufMut;
/// Bytes as text and back: lower-case hex.
pub use commonware_formatting::{from_hex, hex};

use commonware_codec::{
    Buf, Copying, DecodeExt, EncodeSize, Error as CodecError, FixedSize, RangeCfg, Read, ReadExt, Write,
};

/// Why bytes are not a message.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Longer than any message of its kind may be.
    #[error("message of {bytes} bytes, at most {limit} are allowed")]
    TooLong {
        /// Bytes received.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not the encoding of such a message.
    #[error("unreadable message: {}", reason(.0))]
    Malformed(#[from] CodecError),
}

/// The encoding of `value`.
pub fn encode<T: Write + EncodeSize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.encode_size());
    value.write(&mut bytes);
    bytes
}

/// The value that `bytes` encode, if they are at most `limit` long, complete and nothing is left over.
///
/// # Errors
/// [`Error::TooLong`] and [`Error::Malformed`].
pub fn decode<T: Read<Cfg = ()>>(bytes: &[u8], limit: usize) -> Result<T, Error> {
    if bytes.len() > limit {
        return Err(Error::TooLong { bytes: bytes.len(), limit });
    }
    Ok(T::decode(Copying(bytes))?)
}

/// A codec error with the error it wraps, since the wrapper alone says too little.
fn reason(error: &CodecError) -> String {
    match error {
        CodecError::Wrapped(context, source) => format!("{context}: {source}"),
        CodecError::Invalid(context, message) => format!("{context}: {message}"),
        other => other.to_string(),
    }
}

/// Reads the version byte of a top-level message and refuses every other.
pub(crate) fn version(buf: &mut impl Buf, expected: u8, context: &'static str) -> Result<(), CodecError> {
    match u8::read(buf)? {
        version if version == expected => Ok(()),
        _ => Err(CodecError::Invalid(context, "of another version of the protocol")),
    }
}

/// Wraps a semantic error of ours into the codec's error.
pub(crate) fn invalid(context: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> CodecError {
    CodecError::Wrapped(context, Box::new(error))
}

/// Refuses to make room for `bytes` that have not arrived.
pub(crate) fn arrived(buf: &impl Buf, bytes: usize) -> Result<(), CodecError> {
    if buf.remaining() >= bytes { Ok(()) } else { Err(CodecError::EndOfBuffer) }
}

/// Reads exactly `count` bytes, whose number is known from what came before.
pub(crate) fn read_exactly(buf: &mut impl Buf, count: usize) -> Result<Vec<u8>, CodecError> {
    arrived(buf, count)?;
    let mut bytes = vec![0; count];
    buf.copy_to_slice(&mut bytes);
    Ok(bytes)
}

/// Reads exactly `count` numbers, likewise.
pub(crate) fn read_reals(buf: &mut impl Buf, count: usize) -> Result<Vec<f32>, CodecError> {
    arrived(buf, count.saturating_mul(f32::SIZE))?;
    (0..count).map(|_| f32::read(buf)).collect()
}

/// Reads at most `limit` bytes with their length.
pub(crate) fn read_bytes(buf: &mut impl Buf, limit: usize) -> Result<Vec<u8>, CodecError> {
    Vec::<u8>::read_cfg(buf, &(RangeCfg::new(0..=limit), ()))
}

/// Reads a text of at most `limit` bytes with its length.
pub(crate) fn read_text(buf: &mut impl Buf, limit: usize) -> Result<String, CodecError> {
    String::from_utf8(read_bytes(buf, limit)?).map_err(|error| invalid("text", error))
}

/// Writes texts with their number and lengths.
pub(crate) fn write_texts(texts: &[String], buf: &mut impl BufMut) {
    texts.len().write(buf);
    for text in texts {
        text.as_bytes().write(buf);
    }
}

/// Reads at most `limit` texts of at most `bytes` each.
pub(crate) fn read_texts(buf: &mut impl Buf, limit: usize, bytes: usize) -> Result<Vec<String>, CodecError> {
    let count = usize::read_cfg(buf, &RangeCfg::new(0..=limit))?;
    (0..count).map(|_| read_text(buf, bytes)).collect()
}

/// Encoded size of texts with their number and lengths.
pub(crate) fn texts_size(texts: &[String]) -> usize {
    texts.len().encode_size() + texts.iter().map(|text| text.as_bytes().encode_size()).sum::<usize>()
}

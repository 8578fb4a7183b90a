//! Keys and digests as text: lower-case hexadecimal, two digits a byte, nothing before or after.

use commonware_codec::{DecodeExt, Encode};

/// Why a text is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A character that is not a lower-case hexadecimal digit, or an odd number of digits.
    #[error("not lower-case hexadecimal at character {0}")]
    NotHexadecimal(usize),
    /// The digits are well formed, but no value of the type wanted has these bytes.
    #[error("{bytes} bytes that are no {wanted}")]
    NoValue {
        /// Bytes given.
        bytes: usize,
        /// Type wanted.
        wanted: &'static str,
    },
}

/// `bytes` as text.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

/// The bytes of a text.
pub fn bytes(text: &str) -> Result<Vec<u8>, TextError> {
    let digits: Vec<u8> = text
        .bytes()
        .enumerate()
        .map(|(index, byte)| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(TextError::NotHexadecimal(index)),
        })
        .collect::<Result<_, _>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(TextError::NotHexadecimal(text.len()));
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Any value with a codec as text: its encoding.
pub fn encode<T: Encode>(value: &T) -> String {
    hex(&value.encode())
}

/// The value whose encoding a text is.
pub fn decode<T: DecodeExt<()>>(text: &str) -> Result<T, TextError> {
    let bytes = bytes(text)?;
    let length = bytes.len();
    T::decode(bytes).map_err(|_| TextError::NoValue { bytes: length, wanted: short_name::<T>() })
}

/// The last part of a type's path.
fn short_name<T>() -> &'static str {
    core::any::type_name::<T>().rsplit("::").next().unwrap_or("value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, PublicKey};

    #[test]
    fn round_trip_and_errors() {
        let digest = Digest::from([0xa5; 32]);
        assert_eq!(encode(&digest), "a5".repeat(32));
        assert_eq!(encode(&digest), digest.to_string());
        assert_eq!(decode::<Digest>(&"a5".repeat(32)), Ok(digest));
        assert_eq!(decode::<Digest>("A5"), Err(TextError::NotHexadecimal(0)));
        assert_eq!(decode::<Digest>("a5a"), Err(TextError::NotHexadecimal(3)));
        assert_eq!(decode::<Digest>("a5a5"), Err(TextError::NoValue { bytes: 2, wanted: "Digest" }));
        assert!(decode::<PublicKey>("00").is_err());
    }
}

//! A key as it stands in a table: its bytes.
//!
//! A [`PublicKey`] is a point of the curve, and to find the point of 32 bytes takes longer than to hash five rows. Tables hold the
//! keys of everybody, and almost none of them is verified with: who does asks for the point ([`Key::public`]). Into a table
//! keys come from transactions and from genesis, where they are points, so bytes that are none stand in no table of an honest
//! chain; in a false one they are the key of nobody.

use crate::PublicKey;
use crate::text::hex;
use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, DecodeExt, EncodeFixed, Error as CodecError, FixedSize, Read, ReadExt, Write};
use core::fmt;

/// The bytes of a key, in the order of the keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; Self::SIZE]);

impl Key {
    /// The key to verify with; `None` where the bytes are no point of the curve.
    pub fn public(&self) -> Option<PublicKey> {
        PublicKey::decode(Bytes::copy_from_slice(&self.0)).ok()
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }
}

impl From<&PublicKey> for Key {
    fn from(key: &PublicKey) -> Self {
        Self(key.encode_fixed())
    }
}

impl From<PublicKey> for Key {
    fn from(key: PublicKey) -> Self {
        Self::from(&key)
    }
}

/// What a table is asked by: a key, or its bytes.
pub trait Named {
    /// The bytes.
    fn key(self) -> Key;
}

impl Named for Key {
    fn key(self) -> Key {
        self
    }
}

impl Named for &PublicKey {
    fn key(self) -> Key {
        self.into()
    }
}

impl PartialEq<PublicKey> for Key {
    fn eq(&self, other: &PublicKey) -> bool {
        self.0[..] == other[..]
    }
}

impl PartialEq<Key> for PublicKey {
    fn eq(&self, other: &Key) -> bool {
        self[..] == other.0[..]
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Write for Key {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl FixedSize for Key {
    const SIZE: usize = PublicKey::SIZE;
}

impl Read for Key {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self(<[u8; Self::SIZE]>::read(buf)?))
    }
}

crate::codec::plain_fields!(Key);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PrivateKey;
    use commonware_codec::Encode;
    use commonware_cryptography::Signer;

    #[test]
    fn a_key_and_its_bytes_are_written_shown_and_ordered_alike() {
        let mut keys: Vec<PublicKey> = (0..20).map(|seed| PrivateKey::from_seed(seed).public_key()).collect();
        keys.sort();
        let bytes: Vec<Key> = keys.iter().map(Key::from).collect();
        assert!(bytes.is_sorted());
        for (key, bytes) in keys.iter().zip(&bytes) {
            assert_eq!((bytes.encode(), bytes.to_string()), (key.encode(), key.to_string()));
            assert_eq!(bytes.public().as_ref(), Some(key));
            assert_eq!((bytes == key, key == bytes), (true, true));
        }
        assert_eq!((bytes[0] == keys[1], keys[1] == bytes[0]), (false, false));
    }

    #[test]
    fn bytes_that_are_no_point_are_nobodys_key() {
        let nobody = (0..=u8::MAX).map(|byte| Key([byte; 32])).find(|key| key.public().is_none()).unwrap();
        assert_eq!(Key::decode(nobody.encode()).unwrap(), nobody);
        assert!(PublicKey::decode(nobody.encode()).is_err());
    }
}

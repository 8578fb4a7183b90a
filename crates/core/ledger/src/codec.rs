//! One way to write a field, over `commonware-codec`.
//!
//! Fixed-width integers are big-endian as that codec writes them; a collection is its length (varint) and its items, at
//! most as many as its item type allows; a `f64` is its IEEE bits, and NaN, the infinities and −0.0 are refused, so that
//! equal numbers have equal bytes. A sender who lies about a length gets an error before memory is taken for it.

use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, EncodeSize, Error, RangeCfg, Read, ReadExt, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// A value that can be a field of a message.
pub(crate) trait Field: Sized {
    /// Writes the value.
    fn put(&self, buf: &mut impl BufMut);
    /// Bytes that [`Field::put`] writes.
    fn size(&self) -> usize;
    /// Reads what [`Field::put`] wrote.
    fn take(buf: &mut impl Buf) -> Result<Self, Error>;
}

/// The most items a collection of this type may hold on the wire.
pub(crate) trait Item {
    /// Upper bound, inclusive.
    const MOST: usize;
}

/// Fields whose codec is the library's, without settings.
macro_rules! plain_fields {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::codec::Field for $type {
            fn put(&self, buf: &mut impl bytes::BufMut) {
                commonware_codec::Write::write(self, buf);
            }
            fn size(&self) -> usize {
                commonware_codec::EncodeSize::encode_size(self)
            }
            fn take(buf: &mut impl commonware_codec::Buf) -> Result<Self, commonware_codec::Error> {
                <Self as commonware_codec::ReadExt>::read(buf)
            }
        }
    )*};
}

/// A struct is its fields in the order given here.
macro_rules! message {
    ($type:ident { $($field:ident),* $(,)? }) => {
        impl commonware_codec::Write for $type {
            fn write(&self, buf: &mut impl bytes::BufMut) {
                $( $crate::codec::Field::put(&self.$field, buf); )*
            }
        }
        impl commonware_codec::EncodeSize for $type {
            fn encode_size(&self) -> usize {
                0 $( + $crate::codec::Field::size(&self.$field) )*
            }
        }
        impl commonware_codec::Read for $type {
            type Cfg = ();
            fn read_cfg(buf: &mut impl commonware_codec::Buf, (): &()) -> Result<Self, commonware_codec::Error> {
                Ok(Self { $( $field: $crate::codec::Field::take(buf)?, )* })
            }
        }
        $crate::codec::plain_fields!($type);
    };
}

/// An enum is its tag byte and the fields of the variant in the order given here.
macro_rules! choice {
    ($type:ident { $($tag:literal => $variant:ident { $($field:tt $(: $bind:ident)?),* }),* $(,)? }) => {
        impl commonware_codec::Write for $type {
            fn write(&self, buf: &mut impl bytes::BufMut) {
                match self {
                    $( Self::$variant { $($field $(: $bind)?),* } => {
                        $crate::codec::Field::put(&($tag as u8), buf);
                        $( $crate::codec::put_bound!(buf, $field $($bind)?); )*
                    } )*
                }
            }
        }
        impl commonware_codec::EncodeSize for $type {
            fn encode_size(&self) -> usize {
                match self {
                    $( Self::$variant { $($field $(: $bind)?),* } => {
                        1 $( + $crate::codec::size_bound!($field $($bind)?) )*
                    } )*
                }
            }
        }
        impl commonware_codec::Read for $type {
            type Cfg = ();
            fn read_cfg(buf: &mut impl commonware_codec::Buf, (): &()) -> Result<Self, commonware_codec::Error> {
                match <u8 as $crate::codec::Field>::take(buf)? {
                    $( $tag => Ok(Self::$variant { $( $field: $crate::codec::Field::take(buf)? ),* }), )*
                    other => Err(commonware_codec::Error::InvalidEnum(other)),
                }
            }
        }
        $crate::codec::plain_fields!($type);
    };
}

/// The name a field is bound to in a `choice!` pattern: `name`, or `bind` of `0: bind`.
macro_rules! put_bound {
    ($buf:ident, $field:ident) => {
        $crate::codec::Field::put($field, $buf)
    };
    ($buf:ident, $field:tt $bind:ident) => {
        $crate::codec::Field::put($bind, $buf)
    };
}

/// As `put_bound!`, for the size.
macro_rules! size_bound {
    ($field:ident) => {
        $crate::codec::Field::size($field)
    };
    ($field:tt $bind:ident) => {
        $crate::codec::Field::size($bind)
    };
}

pub(crate) use {choice, message, plain_fields, put_bound, size_bound};

plain_fields!(
    u8,
    u16,
    u32,
    u64,
    bool,
    commonware_cryptography::sha256::Digest,
    commonware_cryptography::ed25519::PublicKey,
    commonware_cryptography::ed25519::Signature,
);

impl Field for f64 {
    fn put(&self, buf: &mut impl BufMut) {
        self.to_bits().write(buf);
    }

    fn size(&self) -> usize {
        8
    }

    fn take(buf: &mut impl Buf) -> Result<Self, Error> {
        let value = Self::from_bits(u64::read(buf)?);
        if canonical(value) { Ok(value) } else { Err(Error::Invalid("f64", "NaN, infinite or negative zero")) }
    }
}

/// Whether a number may stand in a table: finite, and not −0.0.
pub(crate) fn canonical(value: f64) -> bool {
    value.is_finite() && value.to_bits() != (-0.0f64).to_bits()
}

impl<T: Field + Item> Field for Vec<T> {
    fn put(&self, buf: &mut impl BufMut) {
        self.len().write(buf);
        for item in self {
            item.put(buf);
        }
    }

    fn size(&self) -> usize {
        self.len().encode_size() + self.iter().map(Field::size).sum::<usize>()
    }

    fn take(buf: &mut impl Buf) -> Result<Self, Error> {
        let length = usize::read_cfg(buf, &RangeCfg::from(0..=T::MOST))?;
        let mut items = Self::with_capacity(length.min(256));
        for _ in 0..length {
            items.push(T::take(buf)?);
        }
        Ok(items)
    }
}

/// An IPv6 address, where that of IPv4 is mapped into it, and the port: 18 bytes.
impl Field for SocketAddr {
    fn put(&self, buf: &mut impl BufMut) {
        let ip = match self.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        buf.put_slice(&ip.octets());
        self.port().put(buf);
    }

    fn size(&self) -> usize {
        18
    }

    fn take(buf: &mut impl Buf) -> Result<Self, Error> {
        let ip = Ipv6Addr::from(<[u8; 16]>::read(buf)?);
        Ok(Self::new(IpAddr::V6(ip).to_canonical(), u16::take(buf)?))
    }
}

/// A byte that says whether a value follows, and the value.
impl<T: Field> Field for Option<T> {
    fn put(&self, buf: &mut impl BufMut) {
        self.is_some().put(buf);
        if let Some(value) = self {
            value.put(buf);
        }
    }

    fn size(&self) -> usize {
        1 + self.as_ref().map_or(0, Field::size)
    }

    fn take(buf: &mut impl Buf) -> Result<Self, Error> {
        bool::take(buf)?.then(|| T::take(buf)).transpose()
    }
}

impl<T: Field> Field for Box<T> {
    fn put(&self, buf: &mut impl BufMut) {
        self.as_ref().put(buf);
    }

    fn size(&self) -> usize {
        self.as_ref().size()
    }

    fn take(buf: &mut impl Buf) -> Result<Self, Error> {
        T::take(buf).map(Self::new)
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    fn put(&self, buf: &mut impl BufMut) {
        self.0.put(buf);
        self.1.put(buf);
    }

    fn size(&self) -> usize {
        self.0.size() + self.1.size()
    }

    fn take(buf: &mut impl Buf) -> Result<Self, Error> {
        Ok((A::take(buf)?, B::take(buf)?))
    }
}

/// Longest text of a message, bytes.
pub(crate) const TEXT_LIMIT: usize = 200;

impl Field for String {
    fn put(&self, buf: &mut impl BufMut) {
        let text = shortened(self);
        text.len().write(buf);
        buf.put_slice(text.as_bytes());
    }

    fn size(&self) -> usize {
        let text = shortened(self);
        text.len().encode_size() + text.len()
    }

    fn take(buf: &mut impl Buf) -> Result<Self, Error> {
        let bytes = Bytes::read_cfg(buf, &RangeCfg::from(0..=TEXT_LIMIT))?;
        Self::from_utf8(bytes.to_vec()).map_err(|_| Error::Invalid("text", "not UTF-8"))
    }
}

/// The longest beginning of `text` that fits [`TEXT_LIMIT`] and ends between characters.
fn shortened(text: &str) -> &str {
    let mut end = text.len().min(TEXT_LIMIT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Longest run of raw bytes in a message: no reply is longer.
const BYTES_LIMIT: usize = crate::query::MAX_REPLY_BYTES;

impl Field for Bytes {
    fn put(&self, buf: &mut impl BufMut) {
        self.write(buf);
    }

    fn size(&self) -> usize {
        self.encode_size()
    }

    fn take(buf: &mut impl Buf) -> Result<Self, Error> {
        Self::read_cfg(buf, &RangeCfg::from(0..=BYTES_LIMIT))
    }
}

/// A byte that must have this value: the version of a message.
pub(crate) fn take_version(buf: &mut impl Buf, expected: u8, what: &'static str) -> Result<(), Error> {
    if u8::read(buf)? == expected { Ok(()) } else { Err(Error::Invalid(what, "unknown version")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded<T: Field>(value: &T) -> Bytes {
        let mut buf = Vec::new();
        value.put(&mut buf);
        assert_eq!(buf.len(), value.size());
        Bytes::from(buf)
    }

    #[test]
    fn numbers_that_have_two_encodings_are_refused() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0] {
            assert!(f64::take(&mut encoded(&bad)).is_err(), "{bad}");
        }
        for good in [0.0, -1.5, f64::MIN_POSITIVE, f64::MAX] {
            assert_eq!(f64::take(&mut encoded(&good)).unwrap().to_bits(), good.to_bits());
        }
    }

    #[test]
    fn an_address_has_one_encoding() {
        for (given, back) in
            [("10.0.0.1:9", "10.0.0.1:9"), ("[::ffff:10.0.0.1]:9", "10.0.0.1:9"), ("[fe80::1%3]:9", "[fe80::1]:9")]
        {
            let given: SocketAddr = given.parse().unwrap();
            assert_eq!(SocketAddr::take(&mut encoded(&given)).unwrap(), back.parse().unwrap());
        }
    }

    #[test]
    fn an_option_is_one_byte_and_its_value() {
        for option in [None, Some(7u64)] {
            let bytes = encoded(&option);
            assert_eq!(
                (bytes.len(), Field::take(&mut bytes.clone()).unwrap()),
                (if option.is_some() { 9 } else { 1 }, option)
            );
        }
        assert!(<Option<u8> as Field>::take(&mut Bytes::from_static(&[2, 0])).is_err());
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let text = "é".repeat(150);
        let back = String::take(&mut encoded(&text)).unwrap();
        assert_eq!(back, "é".repeat(100));
    }

    #[test]
    fn a_length_beyond_the_limit_takes_no_memory() {
        let mut buf = Vec::new();
        (u32::MAX as usize).write(&mut buf);
        assert!(matches!(Bytes::take(&mut Bytes::from(buf)), Err(Error::InvalidLength(_))));
    }
}

//! One type a quantity, so that a height is never taken for an amount.

use crate::Digest;
use core::fmt;

macro_rules! quantity {
    ($(#[$docs:meta])* $name:ident($inner:ty)) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl $name {
            /// The quantity of this value.
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// The value.
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl commonware_codec::Write for $name {
            fn write(&self, buf: &mut impl bytes::BufMut) {
                commonware_codec::Write::write(&self.0, buf);
            }
        }

        impl commonware_codec::FixedSize for $name {
            const SIZE: usize = <$inner as commonware_codec::FixedSize>::SIZE;
        }

        impl commonware_codec::Read for $name {
            type Cfg = ();
            fn read_cfg(buf: &mut impl commonware_codec::Buf, (): &()) -> Result<Self, commonware_codec::Error> {
                Ok(Self(<$inner as commonware_codec::ReadExt>::read(buf)?))
            }
        }

        crate::codec::plain_fields!($name);
    };
}

quantity! {
    /// Number of a block; genesis is 0.
    Height(u64)
}
quantity! {
    /// Dense index of a neuron.
    Uid(u32)
}
quantity! {
    /// Base units; one token is 10⁹ ([`TOKEN`]).
    Amount(u64)
}
quantity! {
    /// One entry of a row, in parts of 65,535.
    Score(u16)
}
quantity! {
    /// Transactions of an account so far; the next one carries this number.
    Nonce(u64)
}

/// One token in base units.
pub const TOKEN: u64 = 1_000_000_000;

/// Emission ends when balances, stake and pool reach this sum.
pub const SUPPLY_LIMIT: Amount = Amount(1 << 62);

impl Height {
    /// The height after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// This height and `blocks` more.
    #[must_use]
    pub const fn after(self, blocks: u64) -> Self {
        Self(self.0.saturating_add(blocks))
    }

    /// Blocks from `earlier` to this height; 0 where it is not earlier.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Uid {
    /// As an index into a table.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whole tokens; `None` beyond `u64`.
    pub const fn tokens(tokens: u64) -> Option<Self> {
        match tokens.checked_mul(TOKEN) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The sum; `None` beyond `u64`.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference; `None` where `other` is larger.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }
}

impl Nonce {
    /// The nonce after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Which chain: the hash of its genesis bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(pub Digest);

impl ChainId {
    /// The digest.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl AsRef<[u8]> for ChainId {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl commonware_codec::Write for ChainId {
    fn write(&self, buf: &mut impl bytes::BufMut) {
        commonware_codec::Write::write(&self.0, buf);
    }
}

impl commonware_codec::FixedSize for ChainId {
    const SIZE: usize = <Digest as commonware_codec::FixedSize>::SIZE;
}

impl commonware_codec::Read for ChainId {
    type Cfg = ();
    fn read_cfg(buf: &mut impl commonware_codec::Buf, (): &()) -> Result<Self, commonware_codec::Error> {
        Ok(Self(<Digest as commonware_codec::ReadExt>::read(buf)?))
    }
}

crate::codec::plain_fields!(ChainId);

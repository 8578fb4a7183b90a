//! What kinds of inputs there are, and sets of them (learning.md, "Shapes"). An unknown kind does not parse.

use crate::wire;
use bytes::BufMut;
use commonware_codec::{Buf, Error as CodecError, FixedSize, Read, ReadExt, Write};
use std::fmt;

/// What kind of inputs a peer represents. Kinds are disjoint graphs until a peer bridges two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Modality {
    /// Bytes of text.
    Text,
    /// Pictures, cut into patches.
    Image,
    /// Log-mel frames of sound.
    Speech,
    /// Rows of features.
    Tensor,
}

/// A set of modalities: one for most peers, two for a bridge, none for who only buys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Modalities(u8);

/// A modality, or a set of them, that this version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModalityError {
    /// No such number.
    #[error("modality {0} is not known, those known are 0 to 3")]
    Number(u8),
    /// Bits without a meaning.
    #[error("modalities {0:#010b} are not known, those known are 0b00001111")]
    Bits(u8),
}

impl Modality {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Text, Self::Image, Self::Speech, Self::Tensor];

    /// Its number on the wire and on the ledger.
    pub fn number(self) -> u8 {
        match self {
            Self::Text => 0,
            Self::Image => 1,
            Self::Speech => 2,
            Self::Tensor => 3,
        }
    }
}

impl TryFrom<u8> for Modality {
    type Error = ModalityError;

    fn try_from(number: u8) -> Result<Self, ModalityError> {
        Self::ALL.get(usize::from(number)).copied().ok_or(ModalityError::Number(number))
    }
}

impl Modalities {
    /// No modality.
    pub const NONE: Self = Self(0);

    /// Those of `bits`, bit i for the modality of number i.
    ///
    /// # Errors
    /// [`ModalityError::Bits`].
    pub fn from_bits(bits: u8) -> Result<Self, ModalityError> {
        let known = Modality::ALL.into_iter().collect::<Self>().0;
        if bits & !known == 0 { Ok(Self(bits)) } else { Err(ModalityError::Bits(bits)) }
    }

    /// Bit i for the modality of number i.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Whether `modality` is among them.
    pub fn contains(self, modality: Modality) -> bool {
        self.0 & (1 << modality.number()) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Modality> {
        Modality::ALL.into_iter().filter(move |modality| self.contains(*modality))
    }
}

impl From<Modality> for Modalities {
    fn from(modality: Modality) -> Self {
        Self(1 << modality.number())
    }
}

impl FromIterator<Modality> for Modalities {
    fn from_iter<I: IntoIterator<Item = Modality>>(modalities: I) -> Self {
        Self(modalities.into_iter().fold(0, |bits, modality| bits | Self::from(modality).0))
    }
}

impl fmt::Display for Modality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "TEXT",
            Self::Image => "IMAGE",
            Self::Speech => "SPEECH",
            Self::Tensor => "TENSOR",
        })
    }
}

/// As "TEXT-IMAGE"; "nothing" where there is none.
impl fmt::Display for Modalities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        for (place, modality) in self.iter().enumerate() {
            if place > 0 {
                f.write_str("-")?;
            }
            modality.fmt(f)?;
        }
        Ok(())
    }
}

impl Write for Modality {
    fn write(&self, buf: &mut impl BufMut) {
        self.number().write(buf);
    }
}

impl FixedSize for Modality {
    const SIZE: usize = u8::SIZE;
}

impl Read for Modality {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Self::try_from(u8::read(buf)?).map_err(|error| wire::invalid("modality", error))
    }
}

impl Write for Modalities {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl FixedSize for Modalities {
    const SIZE: usize = u8::SIZE;
}

impl Read for Modalities {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Self::from_bits(u8::read(buf)?).map_err(|error| wire::invalid("modalities", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_the_last_are_refused() {
        for number in 0..=u8::MAX {
            let parsed = wire::decode::<Modality>(&[number], 1);
            assert_eq!(parsed.is_ok(), number < 4);
            assert!(parsed.is_ok_and(|modality| modality.number() == number) == (number < 4));
        }
        let error = wire::decode::<Modality>(&[4], 1).unwrap_err();
        assert_eq!(error.to_string(), "unreadable message: modality: modality 4 is not known, those known are 0 to 3");
    }

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_unknown() {
        let bridge = Modalities::from_iter([Modality::Image, Modality::Text]);
        assert_eq!((bridge.bits(), bridge.to_string()), (3, "TEXT-IMAGE".into()));
        assert!(bridge.contains(Modality::Image) && !bridge.contains(Modality::Speech));
        assert_eq!((Modalities::NONE.to_string(), Modalities::NONE.iter().count()), ("nothing".into(), 0));
        for bits in 0..=u8::MAX {
            assert_eq!(wire::decode::<Modalities>(&[bits], 1).is_ok(), bits < 16);
        }
    }
}

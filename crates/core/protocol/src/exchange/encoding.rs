//! How the values of a representation travel: whole, halved, or as bytes with one scale a position; and the error that is carried on.
//!
//! | encoding | bytes a position | error of a value v |
//! |---|---|---|
//! | F32 | 4·dim | none |
//! | F16 | 2·dim | v·2⁻¹¹, or 2⁻²⁵; beyond ±65,504 it is cut off |
//! | INT8 | 2 + dim | half a step of 1/127 of the position's largest value |
//!
//! INT8 writes a position as a scale s (bfloat16, so that the smallest gradients have one) and bytes q from −127 to 127 with
//! v ≈ s·q. The largest |q| of a position is 127 and s·127 is finite, or s and all q are zero: so values have one encoding, and
//! s·q is exact in an f32.

use bytes::BufMut;
use commonware_codec::{Buf, Error as CodecError, FixedSize, Read, ReadExt, Write};
use half::{bf16, f16};

/// How values travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As they are.
    #[default]
    F32,
    /// As half-precision numbers.
    F16,
    /// As bytes with one scale a position.
    Int8,
}

/// Rounding errors that wait to be added to the next values, [dim]: so that sums over positions, and over messages to one
/// neighbour, keep their value whatever the encoding.
#[derive(Clone, Debug, PartialEq)]
pub struct Carry(Vec<f32>);

impl Carry {
    /// Nothing carried, of width `dim`.
    pub fn new(dim: usize) -> Self {
        Self(vec![0.0; dim])
    }

    /// What is carried, [dim].
    pub fn values(&self) -> &[f32] {
        &self.0
    }
}

impl Encoding {
    /// Bytes of `positions` of width `dim`.
    pub fn bytes(self, positions: usize, dim: usize) -> usize {
        let position = match self {
            Self::F32 => dim.saturating_mul(f32::SIZE),
            Self::F16 => dim.saturating_mul(u16::SIZE),
            Self::Int8 => dim.saturating_add(u16::SIZE),
        };
        positions.saturating_mul(position)
    }

    /// Makes of the values of one position those that the receiver will see. Finite values stay finite.
    pub(super) fn round(self, position: &mut [f32]) {
        match self {
            Self::F32 => {}
            Self::F16 => position.iter_mut().for_each(|value| *value = half(*value).to_f32()),
            Self::Int8 => {
                let scale = scale(position).to_f32();
                position.iter_mut().for_each(|value| *value = scale * f32::from(level(*value, scale)));
            }
        }
    }

    /// The same, with what is carried added before and the error carried on after.
    pub(super) fn round_carried(self, position: &mut [f32], carry: &mut Carry) {
        for (value, carried) in position.iter_mut().zip(&mut carry.0) {
            *value = (*value + *carried).clamp(f32::MIN, f32::MAX);
            *carried = *value;
        }
        self.round(position);
        for (value, carried) in position.iter().zip(&mut carry.0) {
            *carried = (*carried - value).clamp(f32::MIN, f32::MAX);
        }
    }

    /// Writes the values of one position, which went through [`Self::round`].
    pub(super) fn write_position(self, position: &[f32], buf: &mut impl BufMut) {
        match self {
            Self::F32 => position.iter().for_each(|value| value.write(buf)),
            Self::F16 => position.iter().for_each(|value| half(*value).to_bits().write(buf)),
            Self::Int8 => {
                let scale = scale(position);
                scale.to_bits().write(buf);
                position.iter().for_each(|value| level(*value, scale.to_f32()).write(buf));
            }
        }
    }

    /// Reads `dim` values of one position; what is not finite is for the caller to find.
    pub(super) fn read_position(self, buf: &mut impl Buf, dim: usize, values: &mut Vec<f32>) -> Result<(), CodecError> {
        match self {
            Self::F32 => {
                for _ in 0..dim {
                    values.push(f32::read(buf)?);
                }
            }
            Self::F16 => {
                for _ in 0..dim {
                    values.push(f16::from_bits(u16::read(buf)?).to_f32());
                }
            }
            Self::Int8 => {
                let scale = bf16::from_bits(u16::read(buf)?);
                let mut largest = 0;
                for _ in 0..dim {
                    let level = i8::read(buf)?;
                    largest = largest.max(level.unsigned_abs());
                    values.push(scale.to_f32() * f32::from(level));
                }
                let zero = scale.to_bits() == 0 && largest == 0;
                let full = scale.is_normal() && scale.is_sign_positive() && largest == LEVELS;
                if !zero && !full {
                    return Err(CodecError::Invalid("representation", "a scale that its values do not fill"));
                }
            }
        }
        Ok(())
    }
}

/// Largest |q| of INT8.
const LEVELS: u8 = 127;

/// The nearest half-precision number, cut off at the largest.
fn half(value: f32) -> f16 {
    f16::from_f32(value.clamp(f16::MIN.to_f32(), f16::MAX.to_f32()))
}

/// Of the largest value: within 2⁻⁹ of 1/127 of it, so that its level is 127; zero where that is no normal number.
fn scale(position: &[f32]) -> bf16 {
    let largest = position.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let scale = bf16::from_f32(largest / f32::from(LEVELS));
    if !scale.is_normal() {
        bf16::ZERO
    } else if (scale.to_f32() * f32::from(LEVELS)).is_finite() {
        scale
    } else {
        bf16::from_bits(scale.to_bits() - 1)
    }
}

/// The nearest of the levels −127 to 127.
fn level(value: f32, scale: f32) -> i8 {
    let levels = f32::from(LEVELS);
    let level = if scale > 0.0 { (value / scale).round_ties_even().clamp(-levels, levels) } else { 0.0 };
    level as i8
}

impl Write for Encoding {
    fn write(&self, buf: &mut impl BufMut) {
        let tag: u8 = match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Int8 => 2,
        };
        tag.write(buf);
    }
}

impl FixedSize for Encoding {
    const SIZE: usize = u8::SIZE;
}

impl Read for Encoding {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        match u8::read(buf)? {
            0 => Ok(Self::F32),
            1 => Ok(Self::F16),
            2 => Ok(Self::Int8),
            other => Err(CodecError::InvalidEnum(other)),
        }
    }
}

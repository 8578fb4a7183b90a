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

/// Rounding errors that wait to be added to the next values, `[dim]`: so that sums over positions, and over messages to one
/// neighbour, keep their value whatever the encoding.
#[derive(Clone, Debug, PartialEq)]
pub struct Carry(Vec<f32>);

impl Carry {
    /// Nothing carried, of width `dim`.
    pub fn new(dim: usize) -> Self {
        Self(vec![0.0; dim])
    }

    /// What is carried, `[dim]`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Representation, Shape};
    use crate::wire;
    use proptest::prelude::*;

    const DIM: usize = 5;

    fn values(positions: usize, finite: impl Strategy<Value = f32> + Clone) -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(finite, positions * DIM)
    }

    /// Of all magnitudes that an f32 has.
    fn any_finite() -> impl Strategy<Value = f32> + Clone {
        any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |value| value.is_finite())
    }

    fn encoded(values: &[f32], encoding: Encoding, carry: Option<&mut Carry>) -> Representation {
        let shape = Shape::new(1, (values.len() / DIM) as u32).unwrap();
        Representation::encoded(shape, DIM as u32, values, encoding, carry).unwrap()
    }

    fn encodings() -> impl Strategy<Value = Encoding> {
        prop_oneof![Just(Encoding::F32), Just(Encoding::F16), Just(Encoding::Int8)]
    }

    proptest! {
        /// The sender knows what the receiver will see, whatever the values.
        #[test]
        fn the_receiver_sees_what_the_sender_holds(values in values(4, any_finite()), encoding in encodings()) {
            let sent = encoded(&values, encoding, None);
            prop_assert!(sent.values().iter().all(|value| value.is_finite()));
            let bytes = wire::encode(&sent);
            let received: Representation = wire::decode(&bytes, 1_000).unwrap();
            prop_assert_eq!(received.encoding(), encoding);
            prop_assert_eq!(wire::encode(&received), bytes);
            prop_assert_eq!(received, sent);
        }

        /// What was rounded once is not rounded again.
        #[test]
        fn rounding_twice_is_rounding_once(values in values(3, any_finite()), encoding in encodings()) {
            let once = encoded(&values, encoding, None);
            prop_assert_eq!(&encoded(once.values(), encoding, None), &once);
        }

        #[test]
        fn the_error_is_as_small_as_the_table_says(values in values(3, -1e3f32..1e3)) {
            for (value, half) in values.iter().zip(encoded(&values, Encoding::F16, None).values()) {
                prop_assert!((value - half).abs() <= value.abs() / 2_048.0 + 2f32.powi(-25));
            }
            let bytes = encoded(&values, Encoding::Int8, None);
            for (position, bytes) in values.chunks(DIM).zip(bytes.values().chunks(DIM)) {
                let largest = position.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
                for (value, byte) in position.iter().zip(bytes) {
                    // Half a step, and what the largest value loses by a scale of eight bits.
                    prop_assert!((value - byte).abs() <= largest / 127.0 * (0.5 + 1.0 / 256.0));
                }
            }
        }

        /// Sums over positions, and over messages, keep their value but for what is still carried.
        #[test]
        fn sums_over_positions_are_kept(
            messages in prop::collection::vec(values(6, -1.0f32..1.0), 1..6),
            encoding in encodings(),
        ) {
            let mut carry = Carry::new(DIM);
            let (mut wanted, mut sent) = ([0f64; DIM], [0f64; DIM]);
            for values in &messages {
                let message = encoded(values, encoding, Some(&mut carry));
                for (index, (value, seen)) in values.iter().zip(message.values()).enumerate() {
                    wanted[index % DIM] += f64::from(*value);
                    sent[index % DIM] += f64::from(*seen);
                }
            }
            for ((wanted, sent), carried) in wanted.iter().zip(sent).zip(carry.values()) {
                prop_assert!((wanted - sent - f64::from(*carried)).abs() < 1e-5, "{wanted} {sent} {carried}");
                prop_assert!(carried.abs() <= 0.01, "one step at most is carried");
            }
        }

        #[test]
        fn what_is_carried_stays_finite(
            messages in prop::collection::vec(values(2, any_finite()), 1..6),
            encoding in encodings(),
        ) {
            let mut carry = Carry::new(DIM);
            for values in &messages {
                let message = encoded(values, encoding, Some(&mut carry));
                prop_assert!(message.values().iter().chain(carry.values()).all(|value| value.is_finite()));
            }
        }
    }

    /// A gradient so small that each of its positions rounds to nothing still arrives.
    #[test]
    fn what_is_too_small_for_one_position_arrives_in_the_end() {
        let position = [1.0, 0.003, -0.003, 0.0, 0.0];
        let values = position.repeat(100);
        let alone = encoded(&values, Encoding::Int8, None);
        assert_eq!(alone.values()[1], 0.0);
        let carried = encoded(&values, Encoding::Int8, Some(&mut Carry::new(DIM)));
        let sum = |place: usize| carried.values().iter().skip(place).step_by(DIM).sum::<f32>();
        assert!((sum(1) - 0.3).abs() < 0.008 && (sum(2) + 0.3).abs() < 0.008, "{} {}", sum(1), sum(2));
        assert_eq!(sum(3), 0.0);
    }

    #[test]
    fn halves_are_cut_off_at_the_largest() {
        let values = [1e6, -1e6, 65_519.0, 65_520.0, 1e-9];
        assert_eq!(encoded(&values, Encoding::F16, None).values(), [65_504.0, -65_504.0, 65_504.0, 65_504.0, 0.0]);
    }

    #[test]
    fn one_scale_fits_the_smallest_gradients_and_the_largest() {
        for largest in [1e-35f32, 1e-9, 1.0, 1e20, f32::MAX] {
            let seen = encoded(&[largest, -largest, largest / 2.0, 0.0, 0.0], Encoding::Int8, None);
            for (value, wanted) in seen.values().iter().zip([largest, -largest, largest / 2.0]) {
                assert!((value - wanted).abs() <= largest / 127.0, "{value} for {wanted}");
            }
        }
        assert_eq!(encoded(&[1e-40; DIM], Encoding::Int8, None).values(), [0.0; DIM]);
    }

    #[test]
    fn the_bytes_are_these() {
        let values = [0.5, -1.0, 0.25, 0.0, 0.125];
        let hex = |encoding| wire::hex(&wire::encode(&encoded(&values, encoding, None)));
        let head = "000000010000000100000005";
        assert_eq!(hex(Encoding::F32), format!("{head}003f000000bf8000003e800000000000003e000000"));
        assert_eq!(hex(Encoding::F16), format!("{head}013800bc00340000003000"));
        assert_eq!(hex(Encoding::Int8), format!("{head}023c014081200010"));
        assert_eq!(
            [Encoding::F32, Encoding::F16, Encoding::Int8].map(|encoding| encoding.bytes(3, 64)),
            [768, 384, 198]
        );
    }

    /// Of the ways to write a position only one is read, and none that is not finite.
    #[test]
    fn a_scale_that_its_values_do_not_fill_is_refused() {
        let head = wire::from_hex("00000001000000010000000202").unwrap();
        let read = |scale: u16, levels: [i8; 2]| {
            let position = [&scale.to_be_bytes()[..], &levels.map(|level| level as u8)].concat();
            wire::decode::<Representation>(&[&head[..], &position].concat(), 100).map(|read| read.values().to_vec())
        };
        assert_eq!(read(0x3f80, [127, -3]).unwrap(), [127.0, -3.0]);
        assert_eq!(read(0, [0, 0]).unwrap(), [0.0, 0.0]);
        for (scale, levels) in [
            (0x3f80, [126, 0]),    // the same values with a smaller scale
            (0x3f80, [-128, 0]),   // beyond the levels
            (0x3f80, [127, -128]), // likewise
            (0xbf80, [127, 0]),    // a negative scale
            (0x8000, [0, 0]),      // −0
            (0, [127, 0]),         // levels of nothing
            (0x0001, [127, 0]),    // too small
            (0x7f80, [127, 0]),    // infinite
            (0x7fc0, [127, 0]),    // not a number
            (0x7f00, [127, 0]),    // a scale that overflows
        ] {
            assert!(read(scale, levels).is_err(), "{scale:#06x} {levels:?}");
        }
    }

    #[test]
    fn errors_of_another_width_are_refused() {
        let shape = Shape::new(1, 1).unwrap();
        let error = Representation::encoded(shape, 2, &[0.0; 2], Encoding::Int8, Some(&mut Carry::new(3))).unwrap_err();
        assert_eq!(error.to_string(), "errors of width 3 carried to a representation of width 2");
    }
}

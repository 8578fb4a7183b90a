//! Inputs as tensors. They come from strangers, parsed and bounded by `protocol`; here they are held against the parts of
//! the own model.

use burn::prelude::*;
use data::{Part, Spec};
use protocol::exchange::{Inputs, Values};

use crate::{Error, Preset};

/// Inputs of one part on a device.
#[derive(Clone, Debug)]
pub enum Examples {
    /// `[batch, seq]`: bytes of text.
    Bytes(Tensor<2, Int>),
    /// `[batch, seq, width]`: pixels scaled to −1..1, frames or features.
    Reals(Tensor<3>),
}

/// Joins `inputs`, which must all have the same positions, one below the other.
///
/// # Errors
/// [`Error::Unfit`] where they do not.
pub(crate) fn examples(inputs: &[&Inputs], part: &Part, device: &Device) -> Result<Examples, Error> {
    let Some(first) = inputs.first() else { return Err(Error::Unfit("no inputs".into())) };
    let seq = first.shape().seq() as usize;
    if let Some(other) = inputs.iter().find(|other| other.shape().seq() != first.shape().seq()) {
        return Err(Error::Unfit(format!("{} positions beside {seq} in one batch", other.shape().seq())));
    }
    let batch = inputs.iter().map(|inputs| inputs.shape().batch() as usize).sum::<usize>();
    if part.modality == protocol::exchange::Modality::Text {
        let mut bytes: Vec<i32> = Vec::with_capacity(batch * seq);
        for inputs in inputs {
            if let Values::Bytes(values) = inputs.values() {
                bytes.extend(values.iter().map(|byte| i32::from(*byte)));
            }
        }
        return Ok(Examples::Bytes(Tensor::from_data(TensorData::new(bytes, [batch, seq]), device)));
    }
    let mut reals: Vec<f32> = Vec::with_capacity(batch * seq * part.width());
    for inputs in inputs {
        match inputs.values() {
            Values::Bytes(pixels) => reals.extend(pixels.iter().map(|pixel| f32::from(*pixel) / 127.5 - 1.0)),
            Values::Reals(values) => reals.extend_from_slice(values),
        }
    }
    Ok(Examples::Reals(Tensor::from_data(TensorData::new(reals, [batch, seq, part.width()]), device)))
}

/// Which part of `spec` has the modality of `inputs`.
///
/// # Errors
/// [`Error::WrongModality`], [`Error::WrongItem`], [`Error::TooLarge`] above the positions of the part or the preset's
/// largest batch.
pub(crate) fn part_of(inputs: &Inputs, spec: &Spec) -> Result<usize, Error> {
    let found = spec.parts.iter().enumerate().find(|(_, part)| part.modality == inputs.modality());
    let Some((index, part)) = found else {
        let own = spec.parts.iter().map(|part| part.modality).collect();
        return Err(Error::WrongModality { own, asked: inputs.modality() });
    };
    let got = inputs.item().map(|side| side as usize);
    if got != part.item {
        return Err(Error::WrongItem { expected: part.item, got });
    }
    let (batch, seq) = (inputs.shape().batch() as usize, inputs.shape().seq() as usize);
    if batch > Preset::MOST_BATCH || seq > part.seq {
        return Err(Error::TooLarge { batch, seq, most_batch: Preset::MOST_BATCH, most_seq: part.seq });
    }
    Ok(index)
}

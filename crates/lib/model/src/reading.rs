//! What comes back from the device: always asynchronously, and in one transfer a step.

use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::prelude::*;
use burn::tensor::Transaction;

use crate::filled::{Filled, Shares};
use crate::scores::fisher;
use crate::{Error, Routing};

/// Several tensors of one step on their way from the device, by name.
#[derive(Debug)]
pub(crate) struct Readings<Name>(Vec<(Name, Tensor<1>)>);

impl<Name: Ord> Readings<Name> {
    /// Nothing yet.
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a tensor of any shape, without its gradient.
    pub fn add<const D: usize>(&mut self, name: Name, tensor: Tensor<D>) {
        let count = tensor.shape().num_elements();
        let tensor = if tensor.is_autodiff() { tensor.inner() } else { tensor };
        self.0.push((name, tensor.reshape([count])));
    }

    /// Waits for all of them, in one transfer.
    pub async fn read(self) -> Result<BTreeMap<Name, Vec<f32>>, Error> {
        let (names, tensors): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        let transaction = tensors.into_iter().fold(Transaction::default(), Transaction::register);
        let data = transaction.execute_async().await.map_err(device)?;
        names.into_iter().zip(data).map(|(name, data)| Ok((name, values(data)?))).collect()
    }
}

/// What a step reads back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Of {
    /// `[rows]`: the loss of each row of the trunk.
    Means,
    /// `[1]`: KL.
    Distance,
    /// `[batch]`: f_i · ∂L/∂f_i.
    Along,
    /// `[1]`: squared norm of ∂L/∂f_i.
    Norm,
    /// `[batch, k, seq, dim]`: ∂L/∂f_j.
    Answers,
    /// [batch, k]
    Gates,
    /// `[batch, k]`: ∂L/∂ how much of each answer is in the row alone.
    None,
    /// `[batch, width]`: the gate's scores of the batch ahead.
    Ahead,
}

/// A step after its backward pass: waits for the device.
#[derive(Debug)]
pub struct Pending {
    pub(crate) readings: Readings<Of>,
    pub(crate) weights: GradientsParams,
    pub(crate) filled: Option<Filled>,
    pub(crate) routing: Routing,
    pub(crate) exact: bool,
    /// Weight of the loss alone.
    pub(crate) alone: f64,
    pub(crate) batch: usize,
}

/// What a step found.
#[derive(Debug)]
pub struct Outcome {
    /// Losses of the batch.
    pub losses: Losses,
    /// ∂L/∂f_j(x) of each chosen slot that answered: `[rows routed, seq, dim]` of its part.
    pub gradients: Vec<Option<Vec<f32>>>,
    /// Fisher score of each chosen slot, 0 where it did not answer: an example that was not routed to it counts as 0.
    pub fisher: Vec<f64>,
    /// Part of each chosen slot in what the loss falls by with all answers, nats, mean over the batch; `None` where it did not
    /// answer (`scores`).
    pub gain: Vec<Option<f64>>,
    /// Fisher score of the own encoding.
    pub own: f64,
    /// Gate mass of each chosen slot, mean over the batch; 0 where it did not answer.
    pub mass: Vec<f64>,
    /// The gate's scores of the batch ahead: `[batch, Gate::width(slots)]`.
    pub ahead: Option<Vec<f32>>,
    /// What the loss loses with the slot that was to be left out.
    pub removal: Option<Removal>,
    pub(crate) norm: f64,
    pub(crate) heard: Vec<usize>,
    pub(crate) weights: GradientsParams,
}

/// Losses in nats a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// With the peers' answers; `None` where nobody answered.
    pub with_peers: Option<f64>,
    /// Of the own encoding alone.
    pub alone: f64,
    /// With the student in the peers' place; `None` where there is nobody to stand in for.
    pub student: Option<f64>,
    /// KL(network ‖ student) · T².
    pub distillation: Option<f64>,
}

/// What the loss rises by when one neighbour is left out, nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Removal {
    /// Its answers counted as 0, the gates as they were: what the Fisher score approximates.
    pub masked: f64,
    /// Its gate shared among those left: what the peer would do.
    pub renormalised: f64,
}

/// An answer, or a part of one, on its way from the device.
#[derive(Debug)]
pub struct Served {
    pub(crate) values: Tensor<1>,
}

impl Served {
    pub(crate) fn new<const D: usize>(tensor: Tensor<D>) -> Self {
        let count = tensor.shape().num_elements();
        Self { values: tensor.reshape([count]) }
    }

    /// Reads it back, row by row: `[batch, seq, dim]` of an encoding, `[batch, seq, classes]` or `[batch, classes]` of logits.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub async fn read(self) -> Result<Vec<f32>, Error> {
        values(self.values.into_data_async().await.map_err(device)?)
    }
}

impl Pending {
    /// Waits for the device.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub async fn read(self) -> Result<Outcome, Error> {
        let Self { readings, weights, filled, routing, exact, alone, batch } = self;
        let mut read = readings.read().await?;
        let means = read.remove(&Of::Means).unwrap_or_default();
        let at = |i: usize| means.get(i).map(|value| f64::from(*value));
        let nan = f64::NAN;
        let given = filled.as_ref().is_some_and(Filled::any_given);
        let losses = Losses {
            with_peers: if given { at(0) } else { None },
            alone: at(usize::from(filled.is_some())).unwrap_or(nan),
            student: if given { at(2) } else { at(0).filter(|_| filled.is_some()) },
            distillation: read.remove(&Of::Distance).and_then(|values| values.first().map(|value| f64::from(*value))),
        };
        let removal = exact.then(|| Removal {
            masked: at(3).unwrap_or(nan) - at(0).unwrap_or(nan),
            renormalised: at(4).unwrap_or(nan) - at(0).unwrap_or(nan),
        });
        let along = read.remove(&Of::Along).unwrap_or_default();
        let norm = read.remove(&Of::Norm).and_then(|v| v.first().copied()).map_or(0.0, |v| f64::from(v).sqrt());
        let gates = read.remove(&Of::Gates).unwrap_or_default();
        let joint = read.remove(&Of::Answers).unwrap_or_default();
        let chosen = routing.slots.len();
        let mut outcome = Outcome {
            losses,
            gradients: vec![None; chosen],
            fisher: vec![0.0; chosen],
            gain: vec![None; chosen],
            own: fisher(&along, &vec![1.0; along.len()], batch),
            mass: vec![0.0; chosen],
            ahead: read.remove(&Of::Ahead),
            removal,
            norm,
            heard: Vec::new(),
            weights,
        };
        if let Some(filled) = filled {
            let none = read.remove(&Of::None).unwrap_or_default();
            let none: Vec<f64> = none.into_iter().map(|slope| f64::from(slope) / alone).collect();
            filled.share_out(&routing, Shares { gradients: &joint, gates: &gates, none: &none }, &mut outcome);
        }
        Ok(outcome)
    }
}

impl Outcome {
    /// Whether every loss and gradient that was read back is a number.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        let Losses { with_peers, alone, student, distillation } = self.losses;
        let losses = [with_peers, Some(alone), student, distillation, Some(self.norm)];
        losses.iter().flatten().all(|loss| loss.is_finite())
            && self.gradients.iter().flatten().flatten().all(|value| value.is_finite())
    }
}

pub(crate) fn values(data: TensorData) -> Result<Vec<f32>, Error> {
    data.try_into_vec::<f32>().map_err(|error| Error::Device(format!("{error:?}")))
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
pub(crate) fn device(error: burn::tensor::ExecutionError) -> Error {
    Error::Device(error.to_string())
}

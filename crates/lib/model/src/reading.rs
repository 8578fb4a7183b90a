//! What comes back from the device: always asynchronously, and in one transfer a step.

use burn::optim::GradientsParams;
use burn::prelude::*;
use burn::tensor::Transaction;

use crate::learner::Answered;
use crate::{Error, fisher};

/// A step after its backward pass: waits for the device.
#[derive(Debug)]
pub struct Pending {
    pub(crate) transaction: Vec<Reading>,
    pub(crate) gradients: GradientsParams,
    pub(crate) answers: Vec<Answered>,
    pub(crate) batch: usize,
}

/// What a step found.
#[derive(Debug)]
pub struct Outcome {
    /// Losses of the batch.
    pub losses: Losses,
    /// ∂L/∂f_j(x) of each answer, in the order given: `[batch, seq, dim]`.
    pub gradients: Vec<Vec<f32>>,
    /// Fisher score of each answer, in the order given.
    pub scores: Vec<f64>,
    /// Fisher score of the own encoding.
    pub own: f64,
    pub(crate) norm: f64,
    pub(crate) weights: GradientsParams,
}

/// Losses in nats a byte.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// With the peers' answers.
    pub with_peers: Option<f64>,
    /// Of the own encoding alone.
    pub alone: f64,
    /// With the student in the peers' place.
    pub student: f64,
    /// KL(network ‖ student) · T².
    pub distillation: Option<f64>,
}

/// An answer on its way from the device.
#[derive(Debug)]
pub struct Served {
    pub(crate) encoded: Tensor<3>,
}

impl Served {
    /// Reads the answer back: `[batch, seq, dim]`, row by row.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub async fn read(self) -> Result<Vec<f32>, Error> {
        values(self.encoded.into_data_async().await.map_err(device)?)
    }
}

impl Pending {
    /// Waits for the device.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub async fn read(self) -> Result<Outcome, Error> {
        let transaction = self.transaction.into_iter().fold(Transaction::default(), Reading::register);
        let data = transaction.execute_async().await.map_err(device)?;
        let mut data = data.into_iter().map(values);
        let mut next = || data.next().unwrap_or(Ok(Vec::new()));
        let means = next()?;
        let at = |i: usize| means.get(i).map_or(f64::NAN, |value| f64::from(*value));
        let losses = if self.answers.is_empty() {
            Losses { with_peers: None, alone: at(0), student: at(1), distillation: None }
        } else {
            let distillation = next()?.first().map(|value| f64::from(*value));
            Losses { with_peers: Some(at(0)), alone: at(1), student: at(2), distillation }
        };
        let along = next()?;
        let norm = next()?.first().map_or(0.0, |square| f64::from(*square).sqrt());
        let own = fisher(&along, &vec![1.0; along.len()], self.batch);
        let joint = if self.answers.is_empty() { Vec::new() } else { next()? };
        let gradients = split(&joint, self.answers.len(), self.batch);
        let scores = self.answers.iter().zip(&gradients).map(|(answer, g)| fisher(&answer.values, g, self.batch));
        Ok(Outcome { losses, scores: scores.collect(), gradients, own, norm, weights: self.gradients })
    }
}

impl Outcome {
    /// Whether every loss and gradient that was read back is a number.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        let Losses { with_peers, alone, student, distillation } = self.losses;
        let losses = [with_peers.unwrap_or(0.0), alone, student, distillation.unwrap_or(0.0), self.norm];
        losses.iter().all(|loss| loss.is_finite()) && self.gradients.iter().flatten().all(|value| value.is_finite())
    }
}

/// `[batch, answers, row]` into one `[batch, row]` an answer.
fn split(joint: &[f32], answers: usize, batch: usize) -> Vec<Vec<f32>> {
    let row = joint.len() / (answers * batch).max(1);
    let pick = |which: usize| {
        (0..batch).flat_map(move |b| joint[(b * answers + which) * row..][..row].iter().copied()).collect()
    };
    (0..answers).map(pick).collect()
}

/// A tensor of whichever rank that is to be read back.
#[derive(Debug)]
pub(crate) enum Reading {
    One(Tensor<1>),
    Two(Tensor<2>),
    Four(Tensor<4>),
}

impl Reading {
    pub(crate) fn new(tensor: impl Into<Self>) -> Self {
        tensor.into()
    }

    fn register(transaction: Transaction, reading: Self) -> Transaction {
        match reading {
            Self::One(tensor) => transaction.register(tensor),
            Self::Two(tensor) => transaction.register(tensor),
            Self::Four(tensor) => transaction.register(tensor),
        }
    }
}

impl From<Tensor<1>> for Reading {
    fn from(tensor: Tensor<1>) -> Self {
        Self::One(tensor)
    }
}

impl From<Tensor<2>> for Reading {
    fn from(tensor: Tensor<2>) -> Self {
        Self::Two(tensor)
    }
}

impl From<Tensor<4>> for Reading {
    fn from(tensor: Tensor<4>) -> Self {
        Self::Four(tensor)
    }
}

pub(crate) fn values(data: TensorData) -> Result<Vec<f32>, Error> {
    data.try_into_vec::<f32>().map_err(|error| Error::Device(format!("{error:?}")))
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
pub(crate) fn device(error: burn::tensor::ExecutionError) -> Error {
    Error::Device(error.to_string())
}

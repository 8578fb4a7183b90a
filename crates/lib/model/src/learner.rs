//! One training step, cut where a peer has to wait: own encoding → (peers answer) → loss and gradients → (read back) →
//! weights.
//!
//! Rows of the trunk are stacked along the batch, so that the losses with peers, alone and of the student cost one
//! forward: `[own + G(x); own; own + dist(x)]`. Without answers the first third is left out and the student stands in.
//!
//! Answers come from other peers, parsed and of the right size, but of any value: what exceeds [`largest`] is
//! the caller's to refuse. A step whose loss is no number is dropped and leaves the weights as they were.

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::prelude::*;

use crate::reading::{Reading, device, values};
use crate::{Batch, Budget, Checkpoint, Error, Foreign, Network, Outcome, Pending, Preset, Random, Served};
use crate::{gates, join, kl, nats};

/// The weights of a peer, their optimiser, and where they live.
#[derive(Debug)]
pub struct Learner {
    preset: Preset,
    device: Device,
    network: Network,
    /// The same weights without gradients, for answering.
    serving: Network,
    optimizer: Optimizer,
    budget: Budget,
    step: u64,
}

/// A step after its own encoding: waits for answers.
#[derive(Debug)]
pub struct Begun {
    targets: Tensor<2, Int>,
    own: Tensor<3>,
    scores: Tensor<2>,
    foreign: Option<Tensor<1>>,
}

/// A neighbour's answer, of a training step's batch.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its slot in the gate.
    pub slot: usize,
    /// `[batch, seq, dim]`.
    pub values: Vec<f32>,
}

/// Largest magnitude in an honest representation of width `dim`: a vector of root mean square 1 has none above √dim.
#[must_use]
pub fn largest(dim: usize) -> f32 {
    1.01 * (dim as f32).sqrt()
}

impl Learner {
    /// A fresh model; the same `seed` gives the same weights on every device.
    #[must_use]
    pub fn new(preset: Preset, seed: u64, device: &Device) -> Self {
        let network = Network::new(&preset, &mut Random::new(seed, 2), device);
        Self {
            serving: network.valid(),
            optimizer: Optimizer::new(),
            device: device.clone(),
            network,
            preset,
            budget: Budget::default(),
            step: 0,
        }
    }

    /// The weights of `checkpoint` on `device`, with a fresh optimiser.
    ///
    /// # Errors
    /// [`Error::ForeignCheckpoint`] where it belongs to a model of another shape.
    pub fn restore(preset: Preset, checkpoint: &Checkpoint, device: &Device) -> Result<Self, Error> {
        let mut learner = Self::new(preset, 0, device);
        learner.network = checkpoint.place(learner.network, device)?;
        learner.serving = learner.network.valid();
        learner.step = checkpoint.step;
        Ok(learner)
    }

    /// Sizes and rates.
    #[must_use]
    pub fn preset(&self) -> &Preset {
        &self.preset
    }

    /// Steps done.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// What others' gradients are held to.
    #[must_use]
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// The layers.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// First part of a step: the own encoding and the gate's scores. A `foreign` gradient is taken along in the same pass.
    ///
    /// # Errors
    /// [`Error::WrongSize`] where `foreign` does not fit this model.
    pub fn begin(&self, batch: &Batch, foreign: Option<&Foreign>) -> Result<Begun, Error> {
        let Preset { dim, seq, .. } = self.preset;
        let mut inputs = batch.inputs.clone();
        let mut rows = batch.batch;
        if let Some(foreign) = foreign {
            let expected = foreign.batch * seq * dim;
            if foreign.seq != seq || foreign.gradient.len() != expected || foreign.inputs.len() != foreign.batch * seq {
                return Err(Error::WrongSize { expected, got: foreign.gradient.len() });
            }
            inputs.extend_from_slice(&foreign.inputs);
            rows += foreign.batch;
        }
        let encoded = self.network.encode(integers(&inputs, [rows, seq], &self.device));
        let (own, foreign) = match foreign {
            None => (encoded, None),
            Some(foreign) => {
                let gradient = TensorData::new(foreign.gradient.clone(), [foreign.batch, seq, dim]);
                let gradient = Tensor::<3>::from_data(gradient, &self.device);
                let theirs = encoded.clone().slice(batch.batch..rows);
                (encoded.slice(0..batch.batch), Some((theirs * gradient).sum()))
            }
        };
        let scores = self.network.scores(own.clone().detach());
        let targets = integers(&batch.targets, [batch.batch * seq, 1], &self.device);
        Ok(Begun { targets, own, scores, foreign })
    }

    /// Second part: join, losses, backward. `answers` may be empty.
    ///
    /// # Errors
    /// [`Error::WrongSize`] and [`Error::NoSuchSlot`] where an answer does not fit.
    pub fn finish(&self, begun: Begun, answers: Vec<Answered>) -> Result<Pending, Error> {
        let [batch, seq, dim] = begun.own.dims();
        let values = batch * seq * dim;
        for answer in &answers {
            if answer.values.len() != values {
                return Err(Error::WrongSize { expected: values, got: answer.values.len() });
            }
            if answer.slot >= self.preset.slots {
                return Err(Error::NoSuchSlot { slot: answer.slot, slots: self.preset.slots });
            }
        }
        let Begun { targets, own, scores, foreign } = begun;
        let student = own.clone() + self.network.mimic(own.clone().detach());
        // A leaf of zeros at the place of the own encoding in the join: its gradient is ∂L/∂f_i there.
        let probe = Tensor::<3>::zeros([batch, seq, dim], &self.device).require_grad();
        let leaf = (!answers.is_empty()).then(|| self.leaf(&answers, [batch, seq, dim]));
        let (rows, weights) = match &leaf {
            Some(leaf) => {
                let slots: Vec<usize> = answers.iter().map(|answer| answer.slot).collect();
                let joined = join(leaf.clone(), gates(scores, &slots), self.network.projection.val());
                (vec![own.clone() + joined + probe.clone(), own.clone(), student], vec![1.0, self.preset.alone, 0.0])
            }
            None => (vec![own.clone(), student + probe.clone()], vec![self.preset.alone, 1.0]),
        };
        let count = rows.len();
        let logits = self.network.decode(Tensor::cat(rows, 0));
        let tokens = batch * seq;
        let means = nats(logits.clone(), targets.repeat_dim(0, count)).reshape([count, tokens]).mean_dim(1);
        let weights = Tensor::<2>::from_data(TensorData::new(weights, [count, 1]), &self.device);
        let mut loss = (means.clone() * weights).sum();
        let mut readings = vec![Reading::new(means.inner())];
        if leaf.is_some() {
            let teacher = logits.clone().slice(0..tokens);
            let student = logits.slice(2 * tokens..3 * tokens);
            let distance = kl(teacher, student, self.preset.temperature);
            readings.push(Reading::new(distance.clone().inner()));
            loss = loss + distance * self.preset.distillation;
        }
        if let Some(foreign) = foreign {
            loss = loss + foreign;
        }
        let mut gradients = loss.backward();
        if let Some(at_own) = probe.grad_remove(&mut gradients) {
            let along = (at_own.clone() * own.inner()).reshape([batch, seq * dim]).sum_dim(1);
            readings.push(Reading::new(along));
            readings.push(Reading::new(at_own.square().sum()));
        }
        if let Some(leaf) = leaf.and_then(|leaf| leaf.grad_remove(&mut gradients)) {
            readings.push(Reading::new(leaf));
        }
        let gradients = GradientsParams::from_grads(gradients, &self.network);
        Ok(Pending { transaction: readings, gradients, answers, batch })
    }

    /// Last part: moves the weights.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where the step found what is no number; the weights stay.
    pub fn apply(&mut self, outcome: Outcome) -> Result<(), Error> {
        if !outcome.is_finite() {
            return Err(Error::NotFinite);
        }
        self.budget.observe(outcome.norm);
        self.step += 1;
        let warm = (self.step as f64 / self.preset.warmup.max(1) as f64).min(1.0);
        let network = self.network.clone();
        self.network = self.optimizer.0.step(self.preset.rate * warm, network, outcome.weights);
        self.serving = self.network.valid();
        Ok(())
    }

    /// f(x) for a neighbour: `batch` rows of `seq` bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above the limits of the preset, [`Error::WrongSize`] where the bytes are not as many.
    pub fn answer(&self, inputs: &[u8], [batch, seq]: [usize; 2]) -> Result<Served, Error> {
        let (most_batch, most_seq) = (Preset::MOST_BATCH, self.preset.seq);
        if batch == 0 || seq == 0 || batch > most_batch || seq > most_seq {
            return Err(Error::TooLarge { batch, seq, most_batch, most_seq });
        }
        if inputs.len() != batch * seq {
            return Err(Error::WrongSize { expected: batch * seq, got: inputs.len() });
        }
        let inputs = integers(inputs, [batch, seq], &self.device.clone().inner());
        Ok(Served { encoded: self.serving.encode(inputs) })
    }

    /// Copies the weights to the host.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn checkpoint(&self) -> impl Future<Output = Result<Checkpoint, Error>> + use<> {
        Checkpoint::take(&self.serving, self.step)
    }

    /// Answers as one leaf `[batch, answers, seq, dim]` that keeps its gradient.
    fn leaf(&self, answers: &[Answered], [batch, seq, dim]: [usize; 3]) -> Tensor<4> {
        let mut values = Vec::with_capacity(answers.len() * batch * seq * dim);
        for row in 0..batch {
            for answer in answers {
                values.extend_from_slice(&answer.values[row * seq * dim..(row + 1) * seq * dim]);
            }
        }
        let data = TensorData::new(values, [batch, answers.len(), seq, dim]);
        Tensor::from_data(data, &self.device).require_grad()
    }
}

impl Begun {
    /// Reads the gate's scores back: `[batch, slots]`, row by row.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn scores(&self) -> impl Future<Output = Result<Vec<f32>, Error>> + use<> {
        let scores = self.scores.clone().inner();
        async move { values(scores.into_data_async().await.map_err(device)?) }
    }
}

/// Adam, which has no `Debug` of its own.
struct Optimizer(ModuleOptimizer);

impl Optimizer {
    fn new() -> Self {
        Self(AdamConfig::new().with_beta_2(0.99).with_epsilon(1e-8).init())
    }
}

impl std::fmt::Debug for Optimizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Adam")
    }
}

fn integers<const D: usize>(bytes: &[u8], shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    let values: Vec<i32> = bytes.iter().map(|byte| i32::from(*byte)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

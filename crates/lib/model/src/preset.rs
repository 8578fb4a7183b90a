//! Sizes of a model. Two peers can exchange representations when `dim` and the shapes of their inputs agree; the rest is
//! each peer's own.

use crate::{Gate, Join};

/// The sizes and rates of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Name, as told to neighbours.
    pub name: &'static str,
    /// Width of a representation; the chain's.
    pub dim: usize,
    /// Bytes of context of a TEXT example; the chain's.
    pub seq: usize,
    /// Examples in a training step.
    pub batch: usize,
    /// Blocks of an encoder.
    pub layers: usize,
    /// Attention heads; divides `dim`.
    pub heads: usize,
    /// Width inside the blocks' perceptrons.
    pub hidden: usize,
    /// Neighbours the gate can tell apart.
    pub slots: usize,
    /// Neighbours each example goes to.
    pub chosen: usize,
    /// How the gate knows them apart.
    pub gate: Gate,
    /// How their answers become one.
    pub join: Join,
    /// Standard deviation of the exploration noise on the gate's scores.
    pub noise: f32,
    /// Weight of each of the gate's two balance terms.
    pub balance: f64,
    /// Width of the student's layer.
    pub student: usize,
    /// Steps a student must have learned from a peer before it stands in for it.
    pub taught: u64,
    /// Temperature T of the distillation, KL · T².
    pub temperature: f64,
    /// Weight of the loss alone beside the loss with peers.
    pub alone: f32,
    /// Weight of the distillation beside the loss with peers.
    pub distillation: f64,
    /// Weight of the student's distance to the answers themselves.
    pub mimicry: f64,
    /// Adam's rate after the warm-up.
    pub rate: f64,
    /// Steps over which the rate rises from zero.
    pub warmup: u64,
}

impl Preset {
    /// S: for a tab on the CPU; about 250,000 parameters.
    #[must_use]
    pub const fn small() -> Self {
        Self {
            name: "S",
            dim: 64,
            seq: 64,
            batch: 8,
            layers: 2,
            heads: 4,
            hidden: 256,
            slots: 16,
            chosen: 2,
            gate: Gate::Flat,
            join: Join::Sum,
            noise: 1.0,
            balance: 0.01,
            student: 64,
            taught: 20,
            temperature: 1.0,
            alone: 0.5,
            distillation: 1.0,
            mimicry: 0.5,
            rate: 3e-3,
            warmup: 20,
        }
    }

    /// S with one example a step, for a device that takes seconds for eight: a software adapter needs some ten seconds
    /// for the step of S, which the size of its matrices decides, not the number of its kernels.
    #[must_use]
    pub const fn sparing() -> Self {
        Self { name: "S, one example a step", batch: 1, ..Self::small() }
    }

    /// M: for a small GPU; about 1.3 million parameters.
    #[must_use]
    pub const fn medium() -> Self {
        Self { name: "M", dim: 128, seq: 128, batch: 16, layers: 4, hidden: 512, student: 128, ..Self::small() }
    }

    /// L: for a large GPU; about 8 million parameters.
    #[must_use]
    pub const fn large() -> Self {
        Self {
            name: "L",
            dim: 256,
            seq: 256,
            batch: 16,
            layers: 8,
            heads: 8,
            hidden: 1024,
            student: 256,
            rate: 1e-3,
            warmup: 100,
            ..Self::small()
        }
    }

    /// A model of a few hundred parameters, for tests of gradients.
    #[must_use]
    pub const fn tiny() -> Self {
        Self { name: "T", dim: 4, seq: 5, batch: 2, layers: 1, heads: 2, hidden: 8, student: 4, ..Self::small() }
    }

    /// Positions of TEXT learned from in a step.
    #[must_use]
    pub const fn tokens(&self) -> usize {
        self.batch * self.seq
    }

    /// Values of a representation of a TEXT training batch.
    #[must_use]
    pub const fn values(&self) -> usize {
        self.tokens() * self.dim
    }

    /// Largest batch that is answered.
    pub const MOST_BATCH: usize = 32;
}

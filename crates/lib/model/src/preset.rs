//! Sizes of a model. Two peers can exchange representations when `dim` and `seq` agree; the rest is each peer's own.

/// The sizes and rates of a TEXT model.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Name, as told to neighbours.
    pub name: &'static str,
    /// Width of a representation; the chain's.
    pub dim: usize,
    /// Bytes of context, and of a training example; the chain's.
    pub seq: usize,
    /// Examples in a training step.
    pub batch: usize,
    /// Transformer blocks of the encoder.
    pub layers: usize,
    /// Attention heads; divides `dim`.
    pub heads: usize,
    /// Width inside the blocks' perceptrons.
    pub hidden: usize,
    /// Neighbours the gate can tell apart.
    pub slots: usize,
    /// Neighbours asked in a step.
    pub chosen: usize,
    /// Standard deviation of the exploration noise on the gate's scores.
    pub noise: f32,
    /// Temperature T of the distillation, KL · T².
    pub temperature: f64,
    /// Weight of the loss alone beside the loss with peers.
    pub alone: f32,
    /// Weight of the distillation beside the loss with peers.
    pub distillation: f32,
    /// Adam's rate after the warm-up.
    pub rate: f64,
    /// Steps over which the rate rises from zero.
    pub warmup: u64,
}

impl Preset {
    /// S: for a tab on the CPU; about 190,000 parameters.
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
            noise: 1.0,
            temperature: 1.0,
            alone: 0.5,
            distillation: 1.0,
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

    /// A model of a few hundred parameters, for tests of gradients.
    #[must_use]
    pub const fn tiny() -> Self {
        Self { name: "T", dim: 4, seq: 5, batch: 2, layers: 1, heads: 2, hidden: 8, ..Self::small() }
    }

    /// Bytes of text learned from in a step.
    #[must_use]
    pub const fn tokens(&self) -> usize {
        self.batch * self.seq
    }

    /// Values of a representation of a training step's batch.
    #[must_use]
    pub const fn values(&self) -> usize {
        self.tokens() * self.dim
    }

    /// Largest batch that is answered.
    pub const MOST_BATCH: usize = 32;
}

//! The layers of the TEXT model: a byte-level causal transformer as encoder f(x), a perceptron as student, a trunk and a
//! head that turn a joined representation into logits.
//!
//! All layers are free of biases and gains, every matrix has two axes, and only the encoding is normalised: a step is then
//! few, large kernels, which is what a browser's GPU wants (220 launches; 349 with a normalisation before each part, and
//! no lower loss after 600 steps of Shakespeare: 2.26 against 2.15 nats a byte).

use burn::module::{Module, Param};
use burn::prelude::*;
use burn::tensor::activation;

use crate::kernels::{attend, product};
use crate::{Preset, Random};

/// Every weight of a peer.
#[derive(Module, Debug)]
pub struct Network {
    /// [256, dim]: bytes.
    pub(crate) bytes: Param<Tensor<2>>,
    /// [seq, dim]: positions.
    pub(crate) positions: Param<Tensor<2>>,
    pub(crate) blocks: Vec<Block>,
    /// [dim, dim]: P, shared by all peers' answers.
    pub(crate) projection: Param<Tensor<2>>,
    /// [dim, dim]: the gate's query.
    pub(crate) query: Param<Tensor<2>>,
    /// [dim, slots]: the gate's keys.
    pub(crate) keys: Param<Tensor<2>>,
    pub(crate) student: Perceptron,
    pub(crate) trunk: Perceptron,
    /// [dim, 256]: the shared decoder head.
    pub(crate) head: Param<Tensor<2>>,
}

/// Causal attention, then a perceptron.
#[derive(Module, Debug)]
pub struct Block {
    /// [dim, 3 · dim]
    mix: Param<Tensor<2>>,
    /// [dim, dim]
    out: Param<Tensor<2>>,
    perceptron: Perceptron,
    heads: usize,
}

/// W₂ relu(W₁ x).
#[derive(Module, Debug)]
pub struct Perceptron {
    /// [dim, hidden]
    up: Param<Tensor<2>>,
    /// [hidden, dim]
    down: Param<Tensor<2>>,
}

impl Network {
    /// Weights drawn from `random`: the same on every device.
    pub(crate) fn new(preset: &Preset, random: &mut Random, device: &Device) -> Self {
        let Preset { dim, hidden, .. } = *preset;
        let wide = 1.0 / (dim as f32).sqrt();
        let depth = 1.0 / ((2 * preset.layers) as f32).sqrt();
        let mut matrix = |rows: usize, columns: usize, deviation: f32| {
            let values: Vec<f32> = (0..rows * columns).map(|_| random.normal() * deviation).collect();
            Param::from_data(TensorData::new(values, [rows, columns]), device)
        };
        let mut perceptron = |down: f32| Perceptron {
            up: matrix(dim, hidden, wide),
            down: matrix(hidden, dim, down / (hidden as f32).sqrt()),
        };
        let perceptrons: Vec<Perceptron> = (0..preset.layers).map(|_| perceptron(depth)).collect();
        let (student, trunk) = (perceptron(0.1), perceptron(depth));
        let blocks = perceptrons
            .into_iter()
            .map(|perceptron| Block {
                mix: matrix(dim, 3 * dim, wide),
                out: matrix(dim, dim, depth * wide),
                perceptron,
                heads: preset.heads,
            })
            .collect();
        Self {
            bytes: matrix(256, dim, 0.5),
            positions: matrix(preset.seq, dim, 0.1),
            blocks,
            projection: matrix(dim, dim, wide),
            query: matrix(dim, dim, wide),
            keys: matrix(dim, preset.slots, wide),
            student,
            trunk,
            head: matrix(dim, 256, 0.02),
        }
    }

    /// f(x): what this peer answers. Every position has root mean square 1.
    ///
    /// # Shapes
    /// - bytes: `[batch, seq]`, seq at most the preset's
    /// - output: `[batch, seq, dim]`
    pub fn encode(&self, bytes: Tensor<2, Int>) -> Tensor<3> {
        let [_, seq] = bytes.dims();
        let positions = self.positions.val();
        let positions = if positions.dims()[0] == seq { positions } else { positions.slice(0..seq) };
        let mut x = burn::tensor::module::embedding(self.bytes.val(), bytes) + positions.unsqueeze();
        for block in &self.blocks {
            x = block.forward(x);
        }
        norm(x)
    }

    /// dist(x): the student's stand-in for the peers' part of the join, from the own encoding.
    ///
    /// # Shapes
    /// - own: `[batch, seq, dim]`; output the same
    pub fn mimic(&self, own: Tensor<3>) -> Tensor<3> {
        self.student.forward(own)
    }

    /// Logits of the next byte of a joined representation.
    ///
    /// # Shapes
    /// - joined: `[rows, seq, dim]`
    /// - output: `[rows · seq, 256]`
    pub fn decode(&self, joined: Tensor<3>) -> Tensor<2> {
        let [rows, seq, dim] = joined.dims();
        let x = self.trunk.forward(joined.clone()) + joined;
        product(x.reshape([rows * seq, dim]), self.head.val())
    }

    /// Scores of the slots: the query of each example, from the mean of its own encoding, on each key.
    ///
    /// # Shapes
    /// - own: `[batch, seq, dim]`
    /// - output: `[batch, slots]`
    pub fn scores(&self, own: Tensor<3>) -> Tensor<2> {
        let [batch, _, dim] = own.dims();
        let query = own.mean_dim(1).reshape([batch, dim]).matmul(self.query.val());
        query.matmul(self.keys.val()) * (1.0 / (dim as f64).sqrt())
    }
}

impl Block {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = self.attend(x.clone()) + x;
        self.perceptron.forward(x.clone()) + x
    }

    fn attend(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, seq, dim] = x.dims();
        let mixed = product(x.reshape([batch * seq, dim]), self.mix.val());
        let heard = attend(mixed.reshape([batch, seq, 3 * dim]), self.heads, true).reshape([batch * seq, dim]);
        product(heard, self.out.val()).reshape([batch, seq, dim])
    }
}

impl Perceptron {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, seq, dim] = x.dims();
        let inner = product(x.reshape([batch * seq, dim]), self.up.val());
        product(activation::relu(inner), self.down.val()).reshape([batch, seq, dim])
    }
}

/// Divides every vector by its root mean square.
fn norm<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let scale = (x.clone().square().mean_dim(D - 1) + 1e-5).powf_scalar(-0.5);
    x * scale
}

//! dist(x): the student, one slot a peer (paper, "Knowledge Extraction"). From the own encoding it learns what each peer
//! answers, by the mean square of the difference, and how the join of all moves the logits, by KL · T². It stands in for
//! a peer that is absent, and for all of them where nobody is asked.

use burn::module::{Module, Param};
use burn::prelude::*;
use burn::tensor::activation::relu;

use crate::Preset;
use crate::network::{Draw, wide, with_row};

/// A layer that all slots share and one matrix each.
#[derive(Module, Debug)]
pub struct Student {
    /// [dim, width]
    hidden: Param<Tensor<2>>,
    /// [slots, width · dim]: zeros for a peer that was never heard.
    pub(crate) outputs: Param<Tensor<2>>,
}

impl Student {
    /// A student of nobody.
    pub(crate) fn new(preset: &Preset, draw: &mut Draw<'_>) -> Self {
        let Preset { dim, slots, student: width, .. } = *preset;
        let zeros = vec![0.0; slots * width * dim];
        Self { hidden: draw.matrix(dim, width, wide(dim)), outputs: draw.of(zeros, slots, width * dim) }
    }

    /// What the peers of `slots` would answer.
    ///
    /// # Shapes
    /// - own: `[batch, seq, dim]`
    /// - slots: `[batch · k]`, k of each example
    /// - output: `[batch, k, seq, dim]`
    pub fn forward(&self, own: Tensor<3>, slots: Tensor<1, Int>) -> Tensor<4> {
        let [batch, seq, dim] = own.dims();
        let k = slots.dims()[0] / batch;
        let hidden = relu(own.reshape([batch * seq, dim]).matmul(self.hidden.val()));
        let width = hidden.dims()[1];
        let outputs = self.outputs.val().select(0, slots).reshape([batch, k, width, dim]);
        hidden.reshape([batch, 1, seq, width]).expand([batch, k, seq, width]).matmul(outputs)
    }

    /// Forgets the peer of `slot`.
    pub(crate) fn reset(mut self, slot: usize) -> Self {
        let columns = self.outputs.val().dims()[1];
        self.outputs = with_row(self.outputs, slot, vec![0.0; columns]);
        self
    }
}

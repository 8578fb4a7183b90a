//! The gate on the device: scores of the slots, the weights among an example's peers, and the two balance terms
//! (Shazeer et al. 2017, "Outrageously Large Neural Networks"; Lample et al. 2019, "Large Memory Layers with Product
//! Keys"; docs/adr/0021-gate-by-example.md).
//!
//! The query looks at what the stem makes of an example and not at its encoding: so the next batch can be scored with this
//! one's step, and its asks be out while this one computes.

use burn::module::{Module, Param, ParamId};
use burn::prelude::*;
use burn::tensor::activation::{relu, softmax};

use crate::Preset;
use crate::network::{Draw, wide, with_row};

/// How the gate knows its slots apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// A key a slot.
    Flat,
    /// Two sets of √n half keys; slot (i, j) has the key [a_i, b_j].
    Product,
}

impl Gate {
    /// Half keys on a side of a product gate of `slots`.
    #[must_use]
    pub fn side(slots: usize) -> usize {
        let root = slots.isqrt();
        if root * root < slots { root + 1 } else { root }
    }

    /// Scores of an example, which are dot products: one a slot, or 2 √slots.
    #[must_use]
    pub fn width(self, slots: usize) -> usize {
        match self {
            Self::Flat => slots,
            Self::Product => 2 * Self::side(slots),
        }
    }
}

/// The gate's query and keys.
#[derive(Module, Debug)]
pub struct Router {
    /// [dim, dim]
    query: Param<Tensor<2>>,
    /// Flat: [slots, dim]. Product: [2 · side, dim / 2].
    keys: Param<Tensor<2>>,
    slots: usize,
    product: bool,
}

impl Router {
    /// Fresh keys.
    pub(crate) fn new(preset: &Preset, draw: &mut Draw<'_>) -> Self {
        let Preset { dim, slots, gate, .. } = *preset;
        let width = match gate {
            Gate::Flat => dim,
            Gate::Product => dim / 2,
        };
        Self {
            query: draw.matrix(dim, dim, wide(dim)),
            keys: draw.matrix(gate.width(slots), width, 1.0),
            slots,
            product: gate == Gate::Product,
        }
    }

    /// Scores of each example, as they are read back.
    ///
    /// # Shapes
    /// - seen: `[batch, seq, dim]`
    /// - output: `[batch, Gate::width(slots)]`
    pub fn scores(&self, seen: Tensor<3>) -> Tensor<2> {
        let [batch, seq, dim] = seen.dims();
        let features = relu(seen.reshape([batch * seq, dim]).matmul(self.query.val()));
        let query = features.reshape([batch, seq, dim]).mean_dim(1).reshape([batch, dim]);
        let keys = self.keys.val();
        let [width, part] = keys.dims();
        let scores = if self.product {
            let halves = query.reshape([batch, 2, part]).swap_dims(0, 1);
            let keys = keys.reshape([2, width / 2, part]).swap_dims(1, 2);
            halves.matmul(keys).swap_dims(0, 1).reshape([batch, width])
        } else {
            query.matmul(keys.transpose())
        };
        scores * (1.0 / (dim as f64).sqrt())
    }

    /// Scores of these slots.
    ///
    /// # Shapes
    /// - scores: `[batch, Gate::width(slots)]`
    /// - output: `[batch, n]` for n slots
    pub fn of(&self, scores: Tensor<2>, slots: &[usize]) -> Tensor<2> {
        let pick = |columns: Vec<i32>| scores.clone().select(1, integers(columns, [slots.len()], &scores.device()));
        if !self.product {
            return pick(slots.iter().map(|slot| *slot as i32).collect());
        }
        let side = Gate::side(self.slots);
        let first = pick(slots.iter().map(|slot| (slot / side) as i32).collect());
        first + pick(slots.iter().map(|slot| (side + slot % side) as i32).collect())
    }

    /// Scores of all slots: `[batch, slots]`.
    pub fn all(&self, scores: Tensor<2>) -> Tensor<2> {
        if !self.product {
            return scores;
        }
        let ([batch, width], side) = (scores.dims(), Gate::side(self.slots));
        let first = scores.clone().slice([0..batch, 0..side]).reshape([batch, side, 1]);
        let second = scores.slice([0..batch, side..width]).reshape([batch, 1, side]);
        (first + second).reshape([batch, side * side]).slice([0..batch, 0..self.slots])
    }

    /// The weight that has a row a slot.
    pub(crate) fn by_slot(&self) -> Option<ParamId> {
        (!self.product).then_some(self.keys.id)
    }

    /// Forgets the peer of `slot`; the keys of a product gate are shared and stay.
    pub(crate) fn reset(mut self, slot: usize) -> Self {
        if !self.product {
            let columns = self.keys.val().dims()[1];
            self.keys = with_row(self.keys, slot, vec![0.0; columns]);
        }
        self
    }
}

/// The weights of each example among its k peers: softmax over those that are there, which sums to 1, or 0 where none is.
///
/// # Shapes
/// - scores: `[batch, k]`
/// - there: `[batch, k]`, 1 or 0; `None` where all are
/// - output: `[batch, k]`
pub fn gates(scores: Tensor<2>, there: Option<Tensor<2>>) -> Tensor<2> {
    match there {
        None => softmax(scores, 1),
        Some(there) => softmax(scores + (there.clone() - 1.0) * 1e4, 1) * there,
    }
}

/// The k best slots of each example by masked argmax passes, without reading back: slots `[batch · k]`, gates `[batch, k]`.
///
/// # Shapes
/// - scores: `[batch, slots]`
pub fn best(mut scores: Tensor<2>, k: usize) -> (Tensor<1, Int>, Tensor<2>) {
    let [batch, slots] = scores.dims();
    let numbers = integers((0..slots as i32).collect(), [1, slots], &scores.device()).expand([batch, slots]);
    let (mut picks, mut values) = (Vec::with_capacity(k), Vec::with_capacity(k));
    for _ in 0..k {
        let pick = scores.clone().argmax(1);
        values.push(scores.clone().gather(1, pick.clone()));
        let taken = numbers.clone().equal(pick.clone().expand([batch, slots]));
        scores = scores.mask_fill(taken, -1e9);
        picks.push(pick);
    }
    (Tensor::cat(picks, 1).reshape([batch * k]), gates(Tensor::cat(values, 1), None))
}

/// CV², the squared coefficient of variation, of `count` loads of which all but `loads` are 0: count · Σv² / (Σv)² − 1.
///
/// # Shapes
/// - loads: `[1, n]`
/// - output: `[1]`
pub fn variation(loads: Tensor<2>, count: usize) -> Tensor<1> {
    let total = loads.clone().sum().square() + 1e-10;
    loads.square().sum() * count as f64 / total - 1.0
}

/// The smooth load of each slot: Σ_x P(slot is among the best of x when its own noise is drawn again) =
/// Σ_x Φ((score − rival) / noise).
///
/// # Shapes
/// - scores: `[batch, n]`, without noise
/// - rivals: `[batch, n]`, with noise: what a slot has to beat
/// - output: `[1, n]`
pub fn load(scores: Tensor<2>, rivals: Tensor<2>, noise: f32) -> Tensor<2> {
    let margin = (scores - rivals) * (std::f64::consts::FRAC_1_SQRT_2 / f64::from(noise));
    ((margin.erf() + 1.0) * 0.5).sum_dim(0)
}

/// Whole numbers as a tensor.
pub(crate) fn integers<const D: usize>(values: Vec<i32>, shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

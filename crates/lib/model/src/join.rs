//! The join (paper, "Conditional Computation" and the drafts before it): how the answers of an example's k peers become
//! one G(x), [`Join::Sum`] or [`Join::Beside`].

use burn::module::{Module, Param, ParamId};
use burn::prelude::*;

use crate::Preset;
use crate::network::{Draw, wide, with_row};

/// How answers become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// G(x) = (Σ_j g_j(x) f_j(x)) P: one projection for all, as the paper has it.
    Sum,
    /// G(x) = Σ_j g_j(x) f_j(x) P_j: the answers side by side, [g_1 f_1, g_2 f_2, …], under one wide projection, of which
    /// every slot has its rows. What a peer answers is then learned apart from what others answer.
    Beside,
}

/// The projections of a join.
#[derive(Module, Debug)]
pub struct Joining {
    /// Sum: [dim, dim]. Beside: [slots, dim · dim].
    projection: Param<Tensor<2>>,
    beside: bool,
}

impl Joining {
    /// Projections that keep the size of an answer.
    pub(crate) fn new(preset: &Preset, draw: &mut Draw<'_>) -> Self {
        let Preset { dim, slots, .. } = *preset;
        let projection = match preset.join {
            Join::Sum => draw.matrix(dim, dim, wide(dim)),
            Join::Beside => draw.of(identity(dim).repeat(slots), slots, dim * dim),
        };
        Self { projection, beside: preset.join == Join::Beside }
    }

    /// G(x) of each of several sets of answers to the same examples, one set below the other.
    ///
    /// # Shapes
    /// - sets: answers `[batch, k, seq, dim]` with gates `[batch, k]`
    /// - slots: `[batch · k]`, whose the answers are
    /// - output: `[sets · batch, seq, dim]`
    pub fn forward(&self, sets: Vec<(Tensor<4>, Tensor<2>)>, slots: &Tensor<1, Int>) -> Tensor<3> {
        let projection = self.projection.val();
        if !self.beside {
            let summed = Tensor::cat(sets.into_iter().map(|(answers, gates)| sum(answers, gates)).collect(), 0);
            let [rows, seq, dim] = summed.dims();
            return summed.reshape([rows * seq, dim]).matmul(projection).reshape([rows, seq, dim]);
        }
        let count = slots.dims()[0];
        let own = projection.select(0, slots.clone());
        let project = |(answers, gates): (Tensor<4>, Tensor<2>)| {
            let [batch, k, seq, dim] = answers.dims();
            let projected = answers.reshape([count, seq, dim]).matmul(own.clone().reshape([count, dim, dim]));
            sum(projected.reshape([batch, k, seq, dim]), gates)
        };
        Tensor::cat(sets.into_iter().map(project).collect(), 0)
    }

    /// The weight that has a row a slot.
    pub(crate) fn by_slot(&self) -> Option<ParamId> {
        self.beside.then_some(self.projection.id)
    }

    /// Forgets what was learned of the peer of `slot`.
    pub(crate) fn reset(mut self, slot: usize) -> Self {
        if self.beside {
            let dim = self.projection.val().dims()[1].isqrt();
            self.projection = with_row(self.projection, slot, identity(dim));
        }
        self
    }
}

/// Σ_r gates[·, r] answers[·, r]: `[batch, seq, dim]`.
fn sum(answers: Tensor<4>, gates: Tensor<2>) -> Tensor<3> {
    let [batch, k, seq, dim] = answers.dims();
    let weighted = answers.reshape([batch, k, seq * dim]) * gates.reshape([batch, k, 1]);
    weighted.sum_dim(1).reshape([batch, seq, dim])
}

/// The unit matrix, row by row.
fn identity(dim: usize) -> Vec<f32> {
    (0..dim * dim).map(|i| if i / dim == i % dim { 1.0 } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::difference::{Variable, check};
    use crate::router::integers;
    use data::Random;

    /// Two examples with two of three peers each, three positions of width four.
    const SHAPE: [usize; 4] = [2, 2, 3, 4];
    const SLOTS: [i32; 4] = [2, 0, 1, 2];

    fn joining(projection: Tensor<2>, beside: bool) -> Joining {
        Joining { projection: Param::from_tensor(projection.clone()).map(|_| projection), beside }
    }

    /// Both joins, by answers, gates and projections.
    #[test]
    fn gradients_meet_central_differences() {
        for (beside, projection) in [(false, [4, 4]), (true, [3, 16])] {
            let mut random = Random::new(5, 5);
            let variables = [[2, 24], [2, 2], projection].map(|shape| Variable::draw(&mut random, shape));
            let target: Vec<f32> = (0..24).map(|_| random.normal()).collect();
            check(&variables, |tensors| {
                let device = tensors[0].device();
                let slots = integers(SLOTS.to_vec(), [4], &device);
                let joining = joining(tensors[2].clone(), beside);
                let answers = tensors[0].clone().reshape(SHAPE);
                let target = Tensor::<3>::from_data(TensorData::new(target.clone(), [2, 3, 4]), &device);
                (joining.forward(vec![(answers, tensors[1].clone())], &slots) - target).square().sum()
            });
        }
    }

    #[test]
    fn both_joins_are_what_they_say() {
        let device = Device::flex();
        let mut random = Random::new(1, 0);
        let mut draw = |n: usize| (0..n).map(|_| random.normal()).collect::<Vec<f32>>();
        let (answers, gates, projections) = (draw(48), draw(4), draw(48));
        for beside in [false, true] {
            let rows = if beside { 3 } else { 1 };
            let projection = TensorData::new(projections[..rows * 16].to_vec(), [rows * 4, 4]);
            let projection = Tensor::<2>::from_data(projection, &device);
            let joining = joining(if beside { projection.reshape([3, 16]) } else { projection }, beside);
            let tensor = Tensor::<4>::from_data(TensorData::new(answers.clone(), SHAPE), &device);
            let weights = Tensor::<2>::from_data(TensorData::new(gates.clone(), [2, 2]), &device);
            let slots = integers(SLOTS.to_vec(), [4], &device);
            // The second set has the gates' opposites.
            let sets = vec![(tensor.clone(), weights.clone()), (tensor, -weights)];
            let got = joining.forward(sets, &slots).into_data().try_to_vec::<f32>().unwrap();
            for (x, s, d) in (0..24).map(|i| (i / 12, i / 4 % 3, i % 4)) {
                let mut expected = 0.0;
                for r in 0..2 {
                    let slot = if beside { SLOTS[x * 2 + r] as usize } else { 0 };
                    let answer = &answers[((x * 2 + r) * 3 + s) * 4..][..4];
                    let column: f32 = (0..4).map(|e| answer[e] * projections[slot * 16 + e * 4 + d]).sum();
                    expected += gates[x * 2 + r] * column;
                }
                let at = (x * 3 + s) * 4 + d;
                assert!((got[at] - expected).abs() < 1e-5 && (got[24 + at] + expected).abs() < 1e-5);
            }
        }
    }
}

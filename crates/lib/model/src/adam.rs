//! Burn's Adam, with its moments in reach: a tab can read them back asynchronously only, and a slot given to another peer
//! starts without those of the one before.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::optim::{AdamConfig, AdamState, AdaptiveMomentumState, GradientsParams, Optimizer};
use burn::prelude::*;

use crate::Network;

/// The optimiser of a network whose weights all have two axes.
#[derive(Clone)]
pub(crate) struct Adam {
    rule: burn::optim::Adam,
    states: HashMap<ParamId, AdamState<2>>,
}

/// The moments of one weight.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    /// Steps in them.
    pub time: usize,
    pub first: Tensor<2>,
    pub second: Tensor<2>,
}

impl Adam {
    pub fn new() -> Self {
        let rule = AdamConfig::new().with_beta_2(0.99).with_epsilon(1e-8).build();
        Self { rule, states: HashMap::new() }
    }

    /// Moves every weight that has a gradient.
    pub fn step(&mut self, rate: f64, network: Network, gradients: GradientsParams) -> Network {
        network.map(&mut Step { rate, adam: self, gradients })
    }

    /// The moments of a weight, once it was moved.
    pub fn moments(&self, id: ParamId) -> Option<Moments> {
        let AdaptiveMomentumState { time, moment_1, moment_2, .. } = self.states.get(&id)?.momentum.clone();
        Some(Moments { time, first: moment_1, second: moment_2 })
    }

    /// Takes up the moments of a weight.
    pub fn resume(&mut self, id: ParamId, moments: Moments) {
        let Moments { time, first, second } = moments;
        self.states.insert(id, AdamState::new(AdaptiveMomentumState::new(time, first, second)));
    }

    /// Forgets the moments of row `row` of a weight.
    pub fn reset(&mut self, id: ParamId, row: usize) {
        if let Some(state) = self.states.get_mut(&id) {
            let clear = |tensor: &Tensor<2>| {
                let [rows, columns] = tensor.dims();
                if row >= rows {
                    return tensor.clone();
                }
                let zeros = Tensor::zeros([1, columns], &tensor.device());
                tensor.clone().slice_assign([row..row + 1, 0..columns], zeros)
            };
            state.momentum.moment_1 = clear(&state.momentum.moment_1);
            state.momentum.moment_2 = clear(&state.momentum.moment_2);
        }
    }
}

impl std::fmt::Debug for Adam {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Adam of {} weights", self.states.len())
    }
}

struct Step<'a> {
    rate: f64,
    adam: &'a mut Adam,
    gradients: GradientsParams,
}

impl ModuleMapper for Step<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return param };
        let state = self.adam.states.remove(&param.id);
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.dims();
        // Two axes are all that a weight has (network.rs): this changes no layout.
        let [rows, columns] = [shape[0], shape.iter().skip(1).product()];
        let (tensor, state) = self.adam.rule.step(
            self.rate,
            tensor.inner().reshape([rows, columns]),
            gradient.reshape([rows, columns]),
            state,
        );
        if let Some(state) = state {
            self.adam.states.insert(id, state);
        }
        Param::from_mapped_value(id, Tensor::from_inner(tensor.reshape(shape)).require_grad(), mapper)
    }
}

//! For tests: gradients against central differences.

use burn::prelude::*;
use data::Random;

/// A matrix to differentiate by.
pub struct Variable {
    pub values: Vec<f32>,
    pub shape: [usize; 2],
}

impl Variable {
    /// Normal values.
    pub fn draw(random: &mut Random, shape: [usize; 2]) -> Self {
        Self { values: (0..shape[0] * shape[1]).map(|_| random.normal()).collect(), shape }
    }
}

/// Whether the gradients of `loss` meet (loss(x + h) − loss(x − h)) / 2h everywhere.
pub fn check(variables: &[Variable], loss: impl Fn(&[Tensor<2>]) -> Tensor<1>) {
    let device = Device::flex().autodiff();
    let tensors = |changed: Option<(usize, usize, f32)>| -> Vec<Tensor<2>> {
        let each = variables.iter().enumerate().map(|(which, variable)| {
            let mut values = variable.values.clone();
            if let Some((_, i, by)) = changed.filter(|(at, ..)| *at == which) {
                values[i] += by;
            }
            Tensor::from_data(TensorData::new(values, variable.shape), &device).require_grad()
        });
        each.collect()
    };
    let start = tensors(None);
    let gradients = loss(&start).backward();
    let step = 1e-2f32;
    let mut largest = 0.0f32;
    for (which, variable) in variables.iter().enumerate() {
        let exact = start[which].grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap();
        for (i, exact) in exact.iter().enumerate().take(variable.values.len()) {
            let value = |by: f32| loss(&tensors(Some((which, i, by)))).into_scalar::<f32>();
            let numeric = (value(step) - value(-step)) / (2.0 * step);
            assert!((numeric - exact).abs() < 2e-2 * (0.5 + exact.abs()), "{which} {i}: {numeric} against {exact}");
            largest = largest.max(exact.abs());
        }
    }
    assert!(largest > 1e-2, "nothing depends on anything: {largest}");
}

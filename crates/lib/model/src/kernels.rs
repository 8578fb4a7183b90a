//! Operations that Burn has, done in another way where that was measured to be faster (docs/performance.md).
//!
//! Each is a function on tensors that gives what Burn's own operations give, up to rounding, on every device and with
//! gradients; sizes that a kernel does not suit go through Burn's own. How an operation reaches the device's kernel and
//! gets its gradient is Burn's backend extension.

#[cfg(feature = "webgpu")]
mod cube;
mod differentiate;
mod extension;
mod flex;

use burn::backend::Dispatch;
use burn::prelude::*;
use burn::tensor::activation::{log_softmax, softmax};

use extension::Kernels;

/// Widest head that a thread of a GPU holds.
const WIDEST: usize = 64;

/// The matrix product, over all leading axes.
///
/// # Shapes
/// - lhs: `[…, m, k]`
/// - rhs: `[…, k, n]`, with the same leading axes (others go through Burn's own product)
/// - output: `[…, m, n]`
#[must_use]
pub fn product<const D: usize>(lhs: Tensor<D>, rhs: Tensor<D>) -> Tensor<D> {
    if lhs.dims()[..D - 2] != rhs.dims()[..D - 2] {
        return lhs.matmul(rhs);
    }
    let product = <Dispatch as Kernels>::product(lhs.into_dispatch(), rhs.into_dispatch(), false, false);
    Tensor::from_dispatch(product)
}

/// Cross-entropy of each row.
///
/// # Shapes
/// - logits: `[n, classes]`
/// - targets: `[n, 1]`, each less than `classes`
/// - output: `[n, 1]`, nats
#[must_use]
pub fn nats(logits: Tensor<2>, targets: Tensor<2, Int>) -> Tensor<2> {
    if !logits.dims()[1].is_multiple_of(4) {
        return -log_softmax(logits, 1).gather(1, targets);
    }
    Tensor::from_dispatch(<Dispatch as Kernels>::nats(logits.into_dispatch(), targets.into_dispatch()))
}

/// softmax(Q Kᵀ / √width) V of every head; `causal`: a position hears itself and those before it.
///
/// # Shapes
/// - mixed: `[batch, seq, 3 · heads · width]`: the queries of all heads, then the keys, then the values
/// - output: `[batch, seq, heads · width]`
#[must_use]
pub fn attend(mixed: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let [batch, seq, three] = mixed.dims();
    let width = three / 3 / heads;
    if width.is_multiple_of(4) && width <= WIDEST {
        return Tensor::from_dispatch(<Dispatch as Kernels>::attend(mixed.into_dispatch(), heads, causal));
    }
    let mixed = mixed.reshape([batch, seq, 3 * heads, width]).swap_dims(1, 2);
    let part = |i: usize| mixed.clone().slice([0..batch, i * heads..(i + 1) * heads]);
    let mut scores = part(0).matmul(part(1).swap_dims(2, 3)) * (1.0 / (width as f64).sqrt());
    if causal {
        let mask: Vec<f32> = (0..seq * seq).map(|i| if i % seq > i / seq { -1e4 } else { 0.0 }).collect();
        scores = scores.clone() + Tensor::from_data(TensorData::new(mask, [1, 1, seq, seq]), &scores.device());
    }
    softmax(scores, 3).matmul(part(2)).swap_dims(1, 2).reshape([batch, seq, heads * width])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    fn draw<const D: usize>(shape: [usize; D], random: &mut Random, device: &Device) -> Tensor<D> {
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| random.normal()).collect();
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    fn close<const D: usize>(a: Tensor<D>, b: Tensor<D>) {
        assert_eq!(a.dims(), b.dims());
        let [a, b] = [a, b].map(|tensor| tensor.into_data().try_to_vec::<f32>().unwrap());
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 2e-5 * (1.0 + a.abs()), "{a} {b}");
        }
    }

    /// Output and gradient of both, for a loss that weighs every value of the output differently.
    fn same<const I: usize, const O: usize>(
        input: &Tensor<I>,
        ours: impl Fn(Tensor<I>) -> Tensor<O>,
        burns: impl Fn(Tensor<I>) -> Tensor<O>,
    ) {
        let mut random = Random::new(9, 9);
        let run = |f: &dyn Fn(Tensor<I>) -> Tensor<O>, weights: Option<Tensor<O>>, random: &mut Random| {
            let leaf = input.clone().require_grad();
            let out = f(leaf.clone());
            let weights = weights.unwrap_or_else(|| draw(out.dims(), random, &out.device()));
            let gradients = (out.clone() * weights.clone()).sum().backward();
            (out.inner(), leaf.grad(&gradients).unwrap(), weights)
        };
        let (out, slope, weights) = run(&burns, None, &mut random);
        let (got, got_slope, _) = run(&ours, Some(weights), &mut random);
        close(got, out);
        close(got_slope, slope);
    }

    #[test]
    fn cross_entropy_and_its_gradient_are_burns() {
        let device = Device::flex().autodiff();
        let mut random = Random::new(1, 1);
        for classes in [4, 12, 10, 256] {
            let targets: Vec<i32> = (0..7).map(|_| random.below(classes) as i32).collect();
            let targets = Tensor::<2, Int>::from_data(TensorData::new(targets, [7, 1]), &device);
            let logits = draw([7, classes], &mut random, &device) * 30.0;
            let burns = |logits| -log_softmax(logits, 1).gather(1, targets.clone());
            same(&logits, |logits| nats(logits, targets.clone()), burns);
        }
    }

    #[test]
    fn a_logit_that_is_no_number_makes_a_loss_that_is_none() {
        let device = Device::flex();
        let logits = Tensor::<2>::from_data([[0.0, f32::NAN, 1.0, 2.0]], &device);
        let targets = Tensor::<2, Int>::from_data(TensorData::new(vec![0i32], [1, 1]), &device);
        assert!(nats(logits, targets).into_scalar::<f32>().is_nan());
    }

    #[test]
    fn attention_and_its_gradient_are_burns() {
        let device = Device::flex().autodiff();
        let mut random = Random::new(2, 2);
        for (seq, heads, width) in [(5, 1, 4), (9, 3, 8), (1, 2, 4), (16, 2, 16), (6, 2, 3)] {
            for causal in [false, true] {
                let mixed = draw([2, seq, 3 * heads * width], &mut random, &device) * 2.0;
                let burns = |mixed: Tensor<3>| {
                    let parts = mixed.reshape([2, seq, 3, heads, width]).swap_dims(1, 3);
                    let part =
                        |i: usize| parts.clone().slice([0..2, 0..heads, i..i + 1]).reshape([2, heads, seq, width]);
                    let mut scores = part(0).matmul(part(1).swap_dims(2, 3)) / (width as f64).sqrt();
                    if causal {
                        let hidden = Tensor::<2, Bool>::tril_mask([seq, seq], 0, &device);
                        scores = scores.mask_fill(hidden.reshape([1, 1, seq, seq]), f32::NEG_INFINITY);
                    }
                    softmax(scores, 3).matmul(part(2)).swap_dims(1, 2).reshape([2, seq, heads * width])
                };
                same(&mixed, |mixed| attend(mixed, heads, causal), burns);
            }
        }
    }

    #[test]
    fn products_and_their_gradients_are_burns() {
        let device = Device::flex().autodiff();
        let mut random = Random::new(3, 3);
        let right = draw([12, 5], &mut random, &device);
        let left = draw([7, 12], &mut random, &device);
        same(&left, |x| product(x, right.clone()), |x| x.matmul(right.clone()));
        let wide = draw([1, 12, 4], &mut random, &device);
        let many = draw([3, 7, 12], &mut random, &device);
        same(&many, |x| product(x, wide.clone()), |x| x.matmul(wide.clone()));
        same(&right, |x| product(left.clone(), x), |x| left.clone().matmul(x));
    }
}

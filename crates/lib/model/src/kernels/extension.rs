//! The operations as Burn's backends see them: kernels of ours, and for a product that does not suit
//! them Burn's own.

use burn::backend::ops::{FloatTensorOps, IntTensorOps};
use burn::backend::tensor::{FloatTensor, IntTensor};
#[cfg(feature = "webgpu")]
use burn::backend::wgpu::CubeBackend;
use burn::backend::{Backend, Flex, FlexDevice, TensorMetadata, backend_extension};
use burn::tensor::{IntDType, Shape, TensorData};

#[cfg(feature = "webgpu")]
use super::cube;
use super::flex;

/// What every backend of this crate offers beyond Burn's own.
#[backend_extension(Cube: cfg(feature = "webgpu"), Flex, Fusion: cfg(feature = "webgpu"), Autodiff)]
pub trait Kernels: Backend {
    /// The matrix product over all leading axes, of operands whose last two axes are swapped first where said so.
    #[fusion(dtype = lhs, shape = product_shape(lhs, rhs, *swap_lhs, *swap_rhs))]
    fn product(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>, swap_lhs: bool, swap_rhs: bool) -> FloatTensor<Self>;

    /// Cross-entropy `[n, 1]` of logits `[n, classes]` and targets `[n, 1]`.
    #[fusion(dtype = logits, shape = column(logits))]
    fn nats(logits: FloatTensor<Self>, targets: IntTensor<Self>) -> FloatTensor<Self>;

    /// ∂L/∂logits of ∂L/∂nats.
    #[fusion(dtype = logits, shape = logits)]
    fn nats_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Attention `[batch, seq, dim]` of `[batch, seq, 3 · dim]`.
    #[fusion(dtype = mixed, shape = third(mixed))]
    fn attend(mixed: FloatTensor<Self>, heads: usize, causal: bool) -> FloatTensor<Self>;

    /// ∂L/∂mixed of ∂L/∂out.
    #[fusion(dtype = mixed, shape = mixed)]
    fn attend_backward(
        mixed: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        heads: usize,
        causal: bool,
    ) -> FloatTensor<Self>;
}

#[cfg(feature = "webgpu")]
fn product_shape(lhs: &Shape, rhs: &Shape, swap_lhs: bool, swap_rhs: bool) -> Shape {
    let rank = lhs.num_dims();
    let mut shape = lhs.clone();
    shape[rank - 2] = lhs[rank - if swap_lhs { 1 } else { 2 }];
    shape[rank - 1] = rhs[rank - if swap_rhs { 2 } else { 1 }];
    shape
}

fn column(logits: &Shape) -> Shape {
    Shape::from([logits[0], 1])
}

fn third(mixed: &Shape) -> Shape {
    Shape::from([mixed[0], mixed[1], mixed[2] / 3])
}

/// `tensor` with its last two axes swapped where `swap` says so; no value is moved.
pub fn swapped<B: Backend>(tensor: FloatTensor<B>, swap: bool) -> FloatTensor<B> {
    if swap { B::float_transpose(tensor) } else { tensor }
}

impl Kernels for Flex {
    fn product(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>, swap_lhs: bool, swap_rhs: bool) -> FloatTensor<Self> {
        Self::float_matmul(swapped::<Self>(lhs, swap_lhs), swapped::<Self>(rhs, swap_rhs))
    }

    fn nats(logits: FloatTensor<Self>, targets: IntTensor<Self>) -> FloatTensor<Self> {
        let shape = logits.shape();
        let nats = flex::nats(reals(&logits.to_contiguous()), &indices(targets), shape[1]);
        tensor(nats, column(&shape))
    }

    fn nats_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let shape = logits.shape();
        let (logits, gradient) = (logits.to_contiguous(), gradient.to_contiguous());
        let slopes = flex::nats_backward(reals(&logits), &indices(targets), reals(&gradient), shape[1]);
        tensor(slopes, shape)
    }

    fn attend(mixed: FloatTensor<Self>, heads: usize, causal: bool) -> FloatTensor<Self> {
        let shape = third(&mixed.shape());
        tensor(flex::attend(reals(&mixed.to_contiguous()), sizes(&shape, heads, causal)), shape)
    }

    fn attend_backward(
        mixed: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        heads: usize,
        causal: bool,
    ) -> FloatTensor<Self> {
        let shape = mixed.shape();
        let (mixed, gradient) = (mixed.to_contiguous(), gradient.to_contiguous());
        let sizes = sizes(&third(&shape), heads, causal);
        tensor(flex::attend_backward(reals(&mixed), reals(&gradient), sizes), shape)
    }
}

fn sizes(out: &Shape, heads: usize, causal: bool) -> flex::Sizes {
    flex::Sizes { batch: out[0], seq: out[1], dim: out[2], heads, causal }
}

/// The values of a tensor in one piece; all of this crate's have 32 bits.
fn reals(tensor: &FloatTensor<Flex>) -> &[f32] {
    tensor.as_slice::<f32>().unwrap_or_default()
}

fn indices(tensor: IntTensor<Flex>) -> Vec<usize> {
    let tensor = Flex::int_cast(tensor, IntDType::I32).to_contiguous();
    let indices = tensor.as_slice::<i32>().unwrap_or_default();
    indices.iter().map(|index| usize::try_from(*index).unwrap_or(usize::MAX)).collect()
}

fn tensor(values: Vec<f32>, shape: Shape) -> FloatTensor<Flex> {
    Flex::float_from_data(TensorData::new(values, shape), &FlexDevice)
}

#[cfg(feature = "webgpu")]
impl Kernels for CubeBackend {
    fn product(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>, swap_lhs: bool, swap_rhs: bool) -> FloatTensor<Self> {
        let (lhs, rhs) = (swapped::<Self>(lhs, swap_lhs), swapped::<Self>(rhs, swap_rhs));
        match cube::Product::plan(&lhs, &rhs) {
            Some(plan) => plan.launch(lhs, rhs),
            None => Self::float_matmul(lhs, rhs),
        }
    }

    fn nats(logits: FloatTensor<Self>, targets: IntTensor<Self>) -> FloatTensor<Self> {
        cube::nats(logits, Self::int_cast(targets, IntDType::I32))
    }

    fn nats_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        cube::nats_backward(logits, Self::int_cast(targets, IntDType::I32), gradient)
    }

    fn attend(mixed: FloatTensor<Self>, heads: usize, causal: bool) -> FloatTensor<Self> {
        cube::attend(mixed, heads, causal)
    }

    fn attend_backward(
        mixed: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        heads: usize,
        causal: bool,
    ) -> FloatTensor<Self> {
        cube::attend_backward(mixed, gradient, heads, causal)
    }
}

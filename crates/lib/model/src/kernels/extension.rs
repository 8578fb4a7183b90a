//! The operations as Burn's backends see them.

use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::CubeBackend;
use burn::backend::{Backend, Flex, backend_extension};
use burn::tensor::Shape;

use super::cube;

/// What every backend of this crate offers beyond Burn's own.
#[backend_extension(Cube, Flex, Fusion, Autodiff)]
pub trait Kernels: Backend {
    /// The matrix product over all leading axes, of operands whose last two axes are swapped first where said so.
    #[fusion(dtype = lhs, shape = product_shape(lhs, rhs, *swap_lhs, *swap_rhs))]
    fn product(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>, swap_lhs: bool, swap_rhs: bool) -> FloatTensor<Self>;
}

fn product_shape(lhs: &Shape, rhs: &Shape, swap_lhs: bool, swap_rhs: bool) -> Shape {
    let rank = lhs.num_dims();
    let mut shape = lhs.clone();
    shape[rank - 2] = lhs[rank - if swap_lhs { 1 } else { 2 }];
    shape[rank - 1] = rhs[rank - if swap_rhs { 2 } else { 1 }];
    shape
}

/// `tensor` with its last two axes swapped where `swap` says so; no value is moved.
pub fn swapped<B: Backend>(tensor: FloatTensor<B>, swap: bool) -> FloatTensor<B> {
    if swap { B::float_transpose(tensor) } else { tensor }
}

impl Kernels for Flex {
    fn product(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>, swap_lhs: bool, swap_rhs: bool) -> FloatTensor<Self> {
        Self::float_matmul(swapped::<Self>(lhs, swap_lhs), swapped::<Self>(rhs, swap_rhs))
    }
}

impl Kernels for CubeBackend {
    fn product(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>, swap_lhs: bool, swap_rhs: bool) -> FloatTensor<Self> {
        let (lhs, rhs) = (swapped::<Self>(lhs, swap_lhs), swapped::<Self>(rhs, swap_rhs));
        match cube::Product::plan(&lhs, &rhs) {
            Some(plan) => plan.launch(lhs, rhs),
            None => Self::float_matmul(lhs, rhs),
        }
    }
}

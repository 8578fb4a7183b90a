//! Kernels for a GPU, in CubeCL. Each computes with vectors of four straight from memory, a thread for itself: no
//! workgroup memory and no barriers. Those pay for matrices of thousands of rows; the ones of a tab fit into a GPU's cache,
//! and an adapter in software pays for every barrier.

mod attention;
mod nats;
mod product;

pub use attention::{attend, attend_backward};
pub use nats::{nats, nats_backward};
pub use product::Product;

use burn::backend::ops::FloatTensorOps;
use burn::backend::wgpu::{CubeBackend, CubeTensor};
use burn::cubecl::prelude::*;
use burn::tensor::{FloatDType, Shape};

/// Four values that lie beside each other.
type Four = Vector<f32, Const<4>>;

/// Threads of a workgroup.
const GROUP: u32 = 64;

/// Workgroups for so many threads.
fn groups(threads: usize) -> CubeCount {
    CubeCount::Static((threads as u32).div_ceil(GROUP), 1, 1)
}

/// A tensor like `beside` with room for `shape`.
fn room(beside: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    CubeBackend::float_empty(shape.into(), &beside.device, FloatDType::F32)
}

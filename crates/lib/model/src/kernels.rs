//! Operations that Burn has, done in another way where that was measured to be faster (docs/performance.md).
//!
//! Each is a function on tensors that gives what Burn's own operations give, up to rounding, on every device and with
//! gradients; what differs is how WebGPU computes it. A build without the feature `webgpu` has Burn's own alone.

#[cfg(feature = "webgpu")]
mod cube;
#[cfg(feature = "webgpu")]
mod differentiate;
#[cfg(feature = "webgpu")]
mod extension;

use burn::prelude::*;

/// The matrix product, over all leading axes.
///
/// # Shapes
/// - lhs: `[…, m, k]`
/// - rhs: `[…, k, n]`, with the same leading axes
/// - output: `[…, m, n]`
#[must_use]
pub fn product<const D: usize>(lhs: Tensor<D>, rhs: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "webgpu")]
    {
        use burn::backend::Dispatch;
        use extension::Kernels;
        let product = <Dispatch as Kernels>::product(lhs.into_dispatch(), rhs.into_dispatch(), false, false);
        Tensor::from_dispatch(product)
    }
    #[cfg(not(feature = "webgpu"))]
    lhs.matmul(rhs)
}

//! The product of matrices: every thread computes four rows by four columns from registers.

use burn::backend::wgpu::CubeTensor;
use burn::cubecl;
use burn::cubecl::prelude::*;
use burn::tensor::{DType, Shape};

use super::{Four, GROUP, groups, room};

/// How a product is computed, for operands that suit the kernel.
pub struct Product {
    /// Whether vectors of the left operand lie along k, else along m.
    lhs_along: bool,
    /// Whether vectors of the right operand lie along n, else along k.
    rhs_along: bool,
    shape: Shape,
    threads: usize,
}

impl Product {
    /// `None` where the operands are not of 32 bits, not of the same leading axes, not multiples of four, or not laid out
    /// along one of their last two axes.
    pub fn plan(lhs: &CubeTensor, rhs: &CubeTensor) -> Option<Self> {
        let (a, b) = (lhs.meta.shape(), rhs.meta.shape());
        let rank = a.num_dims();
        if lhs.dtype != DType::F32 || rhs.dtype != DType::F32 || rank < 2 || b.num_dims() != rank {
            return None;
        }
        let (m, k, n) = (a[rank - 2], a[rank - 1], b[rank - 1]);
        let fits = b[rank - 2] == k && [m, k, n].iter().all(|size| *size > 0 && size.is_multiple_of(4));
        if !fits || (0..rank - 2).any(|axis| a[axis] != b[axis]) {
            return None;
        }
        let mut shape = a.clone();
        shape[rank - 1] = n;
        let threads = shape.num_elements() / 16;
        let (lhs_along, rhs_along) = (along(lhs)?, along(rhs)?);
        Some(Self { lhs_along, rhs_along, shape, threads })
    }

    /// Computes it.
    pub fn launch(self, lhs: CubeTensor, rhs: CubeTensor) -> CubeTensor {
        let Self { lhs_along, rhs_along, shape, threads } = self;
        let rank = shape.num_dims();
        let out = room(&lhs, shape);
        // SAFETY: a thread beyond the last tile returns at once, and `plan` made sure that the others stay inside.
        #[expect(unsafe_code, reason = "bounds are checked by the plan, once, and not at every access")]
        unsafe {
            product::launch_unchecked(
                &out.client,
                groups(threads),
                CubeDim::new_1d(GROUP),
                lhs.into_tensor_arg(),
                rhs.into_tensor_arg(),
                out.clone().into_tensor_arg(),
                threads,
                rank,
                lhs_along,
                rhs_along,
            );
        }
        out
    }
}

/// Whether the last axis is the one that lies in one piece (true), or the one before it (false); `None` where neither, or
/// where a vector of four would not be one.
fn along(tensor: &CubeTensor) -> Option<bool> {
    let strides = tensor.meta.strides();
    let rank = strides.len();
    let along = match [strides[rank - 2], strides[rank - 1]] {
        [_, 1] => true,
        [1, _] => false,
        _ => return None,
    };
    let piece = rank - if along { 1 } else { 2 };
    let even = (0..rank).all(|axis| axis == piece || strides[axis].is_multiple_of(4));
    even.then_some(along)
}

#[cube(launch_unchecked)]
fn product(
    lhs: &Tensor<Four>,
    rhs: &Tensor<Four>,
    out: &mut Tensor<Four>,
    threads: usize,
    #[comptime] rank: usize,
    #[comptime] lhs_along: bool,
    #[comptime] rhs_along: bool,
) {
    if ABSOLUTE_POS >= threads {
        terminate!();
    }
    let (last, before) = comptime!((rank - 1, rank - 2));
    let depth = lhs.shape(last);
    let wide = rhs.shape(last) / 4;
    let high = lhs.shape(before) / 4;
    let column = ABSOLUTE_POS % wide;
    let row = (ABSOLUTE_POS / wide) % high;
    let mut batch = ABSOLUTE_POS / wide / high;
    let mut lhs_at = 0usize;
    let mut rhs_at = 0usize;
    let mut out_at = 0usize;
    #[unroll]
    for i in 0..comptime!(rank - 2) {
        let axis = comptime!(rank - 3 - i);
        let size = out.shape(axis);
        let here = batch % size;
        batch /= size;
        lhs_at += here * lhs.stride(axis);
        rhs_at += here * rhs.stride(axis);
        out_at += here * out.stride(axis);
    }
    // Where the first vector of a block of four by four lies, how far the next three are, and how far the next block.
    let lhs_step = if comptime!(lhs_along) { lhs.stride(before) / 4 } else { lhs.stride(last) / 4 };
    let rhs_step = if comptime!(rhs_along) { rhs.stride(before) / 4 } else { rhs.stride(last) / 4 };
    let mut a = if comptime!(lhs_along) { lhs_at / 4 + row * 4 * lhs_step } else { lhs_at / 4 + row };
    let mut b = if comptime!(rhs_along) { rhs_at / 4 + column } else { rhs_at / 4 + column * 4 * rhs_step };
    let a_next = if comptime!(lhs_along) { 1usize.runtime() } else { 4 * lhs_step };
    let b_next = if comptime!(rhs_along) { 4 * rhs_step } else { 1usize.runtime() };

    let mut sum_0 = Four::new(0.0);
    let mut sum_1 = Four::new(0.0);
    let mut sum_2 = Four::new(0.0);
    let mut sum_3 = Four::new(0.0);
    for _ in 0..depth / 4 {
        // a_i: row i of the block of the left operand; b_i: row i of that of the right one.
        let (a_0, a_1, a_2, a_3) = block(lhs, a, lhs_step, lhs_along);
        let (b_0, b_1, b_2, b_3) = block(rhs, b, rhs_step, rhs_along);
        sum_0 += weighed(a_0, b_0, b_1, b_2, b_3);
        sum_1 += weighed(a_1, b_0, b_1, b_2, b_3);
        sum_2 += weighed(a_2, b_0, b_1, b_2, b_3);
        sum_3 += weighed(a_3, b_0, b_1, b_2, b_3);
        a += a_next;
        b += b_next;
    }
    let step = out.stride(before) / 4;
    let at = out_at / 4 + row * 4 * step + column;
    out[at] = sum_0;
    out[at + step] = sum_1;
    out[at + 2 * step] = sum_2;
    out[at + 3 * step] = sum_3;
}

/// The rows of a block of four by four.
#[cube]
fn block(from: &Tensor<Four>, at: usize, step: usize, #[comptime] along: bool) -> (Four, Four, Four, Four) {
    let v_0 = from[at];
    let v_1 = from[at + step];
    let v_2 = from[at + 2 * step];
    let v_3 = from[at + 3 * step];
    if comptime!(along) {
        (v_0, v_1, v_2, v_3)
    } else {
        (
            gather(v_0, v_1, v_2, v_3, 0usize),
            gather(v_0, v_1, v_2, v_3, 1usize),
            gather(v_0, v_1, v_2, v_3, 2usize),
            gather(v_0, v_1, v_2, v_3, 3usize),
        )
    }
}

/// Component `i` of each.
#[cube]
fn gather(v_0: Four, v_1: Four, v_2: Four, v_3: Four, #[comptime] i: usize) -> Four {
    let mut all = Four::empty();
    all.insert(0usize, v_0.extract(i));
    all.insert(1usize, v_1.extract(i));
    all.insert(2usize, v_2.extract(i));
    all.insert(3usize, v_3.extract(i));
    all
}

/// Σ_i aᵢ bᵢ.
#[cube]
fn weighed(a: Four, b_0: Four, b_1: Four, b_2: Four, b_3: Four) -> Four {
    Four::new(a.extract(0usize)) * b_0
        + Four::new(a.extract(1usize)) * b_1
        + Four::new(a.extract(2usize)) * b_2
        + Four::new(a.extract(3usize)) * b_3
}

//! Cross-entropy of each row, and its gradient: one launch each.

use burn::backend::wgpu::CubeTensor;
use burn::cubecl;
use burn::cubecl::prelude::*;
use burn_cubecl::kernel::into_contiguous;

use super::{Four, GROUP, groups, room};

/// `[n, 1]` of logits `[n, classes]` and targets `[n, 1]`, four of which must divide the classes.
pub fn nats(logits: CubeTensor, targets: CubeTensor) -> CubeTensor {
    let rows = logits.meta.shape()[0];
    let out = room(&logits, [rows, 1]);
    // SAFETY: a thread beyond the last row returns at once, and a target is less than the number of classes.
    #[expect(unsafe_code, reason = "bounds are checked once, and not at every access")]
    unsafe {
        forward::launch_unchecked(
            &out.client,
            groups(rows),
            CubeDim::new_1d(GROUP),
            into_contiguous(logits).into_tensor_arg(),
            into_contiguous(targets).into_tensor_arg(),
            out.clone().into_tensor_arg(),
            rows,
        );
    }
    out
}

/// ∂L/∂logits of ∂L/∂nats `[n, 1]`, four of which must divide the classes.
pub fn nats_backward(logits: CubeTensor, targets: CubeTensor, gradient: CubeTensor) -> CubeTensor {
    let rows = logits.meta.shape()[0];
    let out = room(&logits, logits.meta.shape().clone());
    // SAFETY: as in `nats`.
    #[expect(unsafe_code, reason = "bounds are checked once, and not at every access")]
    unsafe {
        backward::launch_unchecked(
            &out.client,
            groups(rows),
            CubeDim::new_1d(GROUP),
            into_contiguous(logits).into_tensor_arg(),
            into_contiguous(targets).into_tensor_arg(),
            into_contiguous(gradient).into_tensor_arg(),
            out.clone().into_tensor_arg(),
            rows,
        );
    }
    out
}

#[cube(launch_unchecked)]
fn forward(logits: &Tensor<Four>, targets: &Tensor<i32>, out: &mut Tensor<f32>, rows: usize) {
    if ABSOLUTE_POS >= rows {
        terminate!();
    }
    let width = logits.shape(1) / 4;
    let at = ABSOLUTE_POS * width;
    let (most, total) = statistics(logits, at, width);
    let target = targets[ABSOLUTE_POS] as usize;
    let wanted = logits[at + target / 4].extract_dynamic(target % 4);
    out[ABSOLUTE_POS] = total.ln() + most - wanted;
}

#[cube(launch_unchecked)]
fn backward(logits: &Tensor<Four>, targets: &Tensor<i32>, gradient: &Tensor<f32>, out: &mut Tensor<Four>, rows: usize) {
    if ABSOLUTE_POS >= rows {
        terminate!();
    }
    let width = logits.shape(1) / 4;
    let at = ABSOLUTE_POS * width;
    let (most, total) = statistics(logits, at, width);
    let gradient = gradient[ABSOLUTE_POS];
    let share = Four::new(gradient / total);
    for i in 0..width {
        out[at + i] = (logits[at + i] - Four::new(most)).exp() * share;
    }
    let target = targets[ABSOLUTE_POS] as usize;
    let mut wanted = out[at + target / 4];
    wanted.insert_dynamic(target % 4, wanted.extract_dynamic(target % 4) - gradient);
    out[at + target / 4] = wanted;
}

/// The largest value of a row, and Σ exp(value − largest).
#[cube]
fn statistics(logits: &Tensor<Four>, at: usize, width: usize) -> (f32, f32) {
    let mut most = logits[at];
    for i in 1..width {
        most = max(most, logits[at + i]);
    }
    let first = max(most.extract(0usize), most.extract(1usize));
    let second = max(most.extract(2usize), most.extract(3usize));
    let most = max(first, second);
    let mut total = Four::new(0.0);
    for i in 0..width {
        total += (logits[at + i] - Four::new(most)).exp();
    }
    (most, total.vector_sum())
}

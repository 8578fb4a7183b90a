//! Attention of queries, keys and values that lie beside each other, without the weights ever being written: one launch
//! forward, two back.
//!
//! Forward, a thread has one query of one head and keeps the running largest score and sum (Milakov and Gimelshein's
//! online softmax). Back, a thread has one query for its gradient, then one key and its value for theirs.

use burn::backend::wgpu::CubeTensor;
use burn::cubecl;
use burn::cubecl::prelude::*;
use burn_cubecl::kernel::into_contiguous;

use super::{Four, GROUP, groups, room};

/// What was seen before any score.
const LEAST: f32 = -1e30;

/// `[batch, seq, dim]` of `[batch, seq, 3 · dim]`, of heads that are whole vectors of four.
pub fn attend(mixed: CubeTensor, heads: usize, causal: bool) -> CubeTensor {
    let [batch, seq, dim] = sizes(&mixed);
    let out = room(&mixed, [batch, seq, dim]);
    let threads = batch * heads * seq;
    // SAFETY: a thread beyond the last query returns at once, and the others stay inside the sizes that were checked.
    #[expect(unsafe_code, reason = "bounds are checked once, and not at every access")]
    unsafe {
        forward::launch_unchecked(
            &out.client,
            groups(threads),
            CubeDim::new_1d(GROUP),
            into_contiguous(mixed).into_tensor_arg(),
            out.clone().into_tensor_arg(),
            threads,
            heads,
            causal,
            dim / heads / 4,
        );
    }
    out
}

/// ∂L/∂mixed of ∂L/∂out, of heads that are whole vectors of four.
pub fn attend_backward(mixed: CubeTensor, gradient: CubeTensor, heads: usize, causal: bool) -> CubeTensor {
    let [batch, seq, dim] = sizes(&mixed);
    let out = room(&mixed, mixed.meta.shape().clone());
    let notes = room(&mixed, [batch, heads, seq, 4]);
    let threads = batch * heads * seq;
    let mixed = into_contiguous(mixed);
    let gradient = into_contiguous(gradient);
    // SAFETY: as in `attend`.
    #[expect(unsafe_code, reason = "bounds are checked once, and not at every access")]
    unsafe {
        queries::launch_unchecked(
            &out.client,
            groups(threads),
            CubeDim::new_1d(GROUP),
            mixed.clone().into_tensor_arg(),
            gradient.clone().into_tensor_arg(),
            out.clone().into_tensor_arg(),
            notes.clone().into_tensor_arg(),
            threads,
            heads,
            causal,
            dim / heads / 4,
        );
        keys::launch_unchecked(
            &out.client,
            groups(threads),
            CubeDim::new_1d(GROUP),
            mixed.into_tensor_arg(),
            gradient.into_tensor_arg(),
            out.clone().into_tensor_arg(),
            notes.into_tensor_arg(),
            threads,
            heads,
            causal,
            dim / heads / 4,
        );
    }
    out
}

/// Batch, sequence and width.
fn sizes(mixed: &CubeTensor) -> [usize; 3] {
    let shape = mixed.meta.shape();
    [shape[0], shape[1], shape[2] / 3]
}

/// Where things lie, in vectors, for a thread of head `head` of example `batch`.
#[derive(CubeType, Clone, Copy)]
struct Place {
    /// Which position of the sequence this thread has.
    position: usize,
    /// Positions of a sequence.
    seq: usize,
    /// From one position of the mix to the next.
    step: usize,
    /// The head's part of the first position's query, key and value.
    query: usize,
    key: usize,
    value: usize,
    /// From one position of the output to the next, and the head's part of the first.
    out_step: usize,
    out: usize,
}

#[cube]
fn place(mixed: &Tensor<Four>, heads: usize, #[comptime] vectors: usize) -> Place {
    let seq = mixed.shape(1);
    let position = ABSOLUTE_POS % seq;
    let head = (ABSOLUTE_POS / seq) % heads;
    let batch = ABSOLUTE_POS / seq / heads;
    let dim = heads * vectors;
    let query = batch * seq * 3 * dim + head * vectors;
    Place {
        position,
        seq,
        step: 3 * dim,
        query,
        key: query + dim,
        value: query + 2 * dim,
        out_step: dim,
        out: batch * seq * dim + head * vectors,
    }
}

/// A head's part of one position.
#[cube]
fn load(from: &Tensor<Four>, at: usize, #[comptime] vectors: usize) -> Array<Four> {
    let mut part = Array::<Four>::new(vectors);
    #[unroll]
    for i in 0..vectors {
        part[i] = from[at + i];
    }
    part
}

#[cube]
fn zeros(#[comptime] vectors: usize) -> Array<Four> {
    let mut part = Array::<Four>::new(vectors);
    #[unroll]
    for i in 0..vectors {
        part[i] = Four::new(0.0);
    }
    part
}

/// The inner product of `part` with what lies at `at`.
#[cube]
fn inner(part: &Array<Four>, from: &Tensor<Four>, at: usize, #[comptime] vectors: usize) -> f32 {
    let mut sum = Four::new(0.0);
    #[unroll]
    for i in 0..vectors {
        sum += part[i] * from[at + i];
    }
    sum.vector_sum()
}

/// 1 / √width.
#[cube]
fn scale(#[comptime] vectors: usize) -> f32 {
    comptime!(1.0 / ((4 * vectors) as f32).sqrt()).runtime()
}

#[cube(launch_unchecked)]
fn forward(
    mixed: &Tensor<Four>,
    out: &mut Tensor<Four>,
    threads: usize,
    heads: usize,
    #[comptime] causal: bool,
    #[comptime] vectors: usize,
) {
    if ABSOLUTE_POS >= threads {
        terminate!();
    }
    let place = place(mixed, heads, vectors);
    let query = load(mixed, place.query + place.position * place.step, vectors);
    let end = if comptime!(causal) { place.position + 1 } else { place.seq };
    let scale = scale(vectors);
    let mut heard = zeros(vectors);
    let mut most = LEAST.runtime();
    let mut total = 0.0f32.runtime();
    for j in 0..end {
        let score = inner(&query, mixed, place.key + j * place.step, vectors) * scale;
        let higher = max(most, score);
        let fade = (most - higher).exp();
        let weight = (score - higher).exp();
        total = total * fade + weight;
        #[unroll]
        for i in 0..vectors {
            heard[i] = heard[i] * Four::new(fade) + mixed[place.value + j * place.step + i] * Four::new(weight);
        }
        most = higher;
    }
    #[unroll]
    for i in 0..vectors {
        out[place.out + place.position * place.out_step + i] = heard[i] * Four::new(1.0 / total);
    }
}

/// Gradients of the queries; notes log Σ exp of each query's scores, and Σ_j p_j ∂L/∂p_j.
#[cube(launch_unchecked)]
fn queries(
    mixed: &Tensor<Four>,
    gradient: &Tensor<Four>,
    out: &mut Tensor<Four>,
    notes: &mut Tensor<Four>,
    threads: usize,
    heads: usize,
    #[comptime] causal: bool,
    #[comptime] vectors: usize,
) {
    if ABSOLUTE_POS >= threads {
        terminate!();
    }
    let place = place(mixed, heads, vectors);
    let at = place.query + place.position * place.step;
    let query = load(mixed, at, vectors);
    let upstream = load(gradient, place.out + place.position * place.out_step, vectors);
    let end = if comptime!(causal) { place.position + 1 } else { place.seq };
    let scale = scale(vectors);
    let mut most = LEAST.runtime();
    let mut total = 0.0f32.runtime();
    let mut mean = 0.0f32.runtime();
    for j in 0..end {
        let score = inner(&query, mixed, place.key + j * place.step, vectors) * scale;
        let slope = inner(&upstream, mixed, place.value + j * place.step, vectors);
        let higher = max(most, score);
        let fade = (most - higher).exp();
        let weight = (score - higher).exp();
        total = total * fade + weight;
        mean = mean * fade + weight * slope;
        most = higher;
    }
    let mean = mean / total;
    let level = most + total.ln();
    let mut sum = zeros(vectors);
    for j in 0..end {
        let score = inner(&query, mixed, place.key + j * place.step, vectors) * scale;
        let slope = inner(&upstream, mixed, place.value + j * place.step, vectors);
        let share = (score - level).exp() * (slope - mean) * scale;
        #[unroll]
        for i in 0..vectors {
            sum[i] += mixed[place.key + j * place.step + i] * Four::new(share);
        }
    }
    #[unroll]
    for i in 0..vectors {
        out[at + i] = sum[i];
    }
    let mut note = Four::new(level);
    note.insert(1usize, mean);
    notes[ABSOLUTE_POS] = note;
}

/// Gradients of the keys and values, from what [`queries()`] noted.
#[cube(launch_unchecked)]
fn keys(
    mixed: &Tensor<Four>,
    gradient: &Tensor<Four>,
    out: &mut Tensor<Four>,
    notes: &Tensor<Four>,
    threads: usize,
    heads: usize,
    #[comptime] causal: bool,
    #[comptime] vectors: usize,
) {
    if ABSOLUTE_POS >= threads {
        terminate!();
    }
    let place = place(mixed, heads, vectors);
    let key_at = place.key + place.position * place.step;
    let value_at = place.value + place.position * place.step;
    let key = load(mixed, key_at, vectors);
    let value = load(mixed, value_at, vectors);
    let first = if comptime!(causal) { place.position } else { 0usize.runtime() };
    let note_at = ABSOLUTE_POS - place.position;
    let scale = scale(vectors);
    let mut to_key = zeros(vectors);
    let mut to_value = zeros(vectors);
    for j in first..place.seq {
        let query_at = place.query + j * place.step;
        let up_at = place.out + j * place.out_step;
        let note = notes[note_at + j];
        let weight = (inner(&key, mixed, query_at, vectors) * scale - note.extract(0usize)).exp();
        let slope = inner(&value, gradient, up_at, vectors);
        let share = weight * (slope - note.extract(1usize)) * scale;
        #[unroll]
        for i in 0..vectors {
            to_key[i] += mixed[query_at + i] * Four::new(share);
            to_value[i] += gradient[up_at + i] * Four::new(weight);
        }
    }
    #[unroll]
    for i in 0..vectors {
        out[key_at + i] = to_key[i];
        out[value_at + i] = to_value[i];
    }
}

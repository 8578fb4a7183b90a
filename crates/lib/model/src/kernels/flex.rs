//! Kernels for the CPU: plain loops over rows that a compiler turns into vector instructions, in wasm as well.
//!
//! The exponential is a polynomial in place of the C library's, which takes one value at a time; it is right to two units
//! in the last place, gives 0 below −87 and e⁸⁸ above 88, and passes on what is no number.

/// eˣ.
#[inline]
pub fn exp(x: f32) -> f32 {
    // Rounds to a whole number by what a sum of this size can hold.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.5 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let whole = x * std::f32::consts::LOG2_E + ROUND - ROUND;
    // ln 2 in two parts, the first of which has few digits.
    let rest = x - whole * 0.693_359_4;
    let rest = rest + whole * 2.121_944_4e-4;
    let tail = 1.987_569_1e-4 * rest + 1.398_2e-3;
    let tail = tail * rest + 8.333_452e-3;
    let tail = tail * rest + 4.166_579_6e-2;
    let tail = tail * rest + 1.666_666_5e-1;
    let tail = tail * rest + 0.5;
    let value = tail * rest * rest + rest + 1.0;
    let scaled = value * f32::from_bits(((whole as i32 + 127) as u32) << 23);
    if x < -87.0 { 0.0 } else { scaled }
}

/// The largest value of a row.
fn largest(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 8];
    let chunks = row.chunks_exact(8);
    let mut most = chunks.remainder().iter().fold(f32::NEG_INFINITY, |most, x| if *x > most { *x } else { most });
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = if *x > *lane { *x } else { *lane };
        }
    }
    for lane in lanes {
        most = if lane > most { lane } else { most };
    }
    most
}

/// Makes exp(value − most) of every value; gives their sum.
fn exponentials(row: &mut [f32], most: f32) -> f32 {
    for x in row.iter_mut() {
        *x = exp(*x - most);
    }
    sum(row)
}

fn sum(row: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let chunks = row.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += *x;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// Cross-entropy of each row of `classes` logits. A target beyond the classes gives what is no number.
pub fn nats(logits: &[f32], targets: &[usize], classes: usize) -> Vec<f32> {
    let mut scratch = vec![0.0; classes];
    let rows = logits.chunks_exact(classes.max(1)).zip(targets);
    let each = rows.map(|(row, target)| {
        let most = largest(row);
        scratch.copy_from_slice(row);
        let total = exponentials(&mut scratch, most);
        total.ln() + most - row.get(*target).copied().unwrap_or(f32::NAN)
    });
    each.collect()
}

/// ∂L/∂logits of ∂L/∂nats.
pub fn nats_backward(logits: &[f32], targets: &[usize], gradient: &[f32], classes: usize) -> Vec<f32> {
    let mut out = logits.to_vec();
    for ((row, target), gradient) in out.chunks_exact_mut(classes.max(1)).zip(targets).zip(gradient) {
        let most = largest(row);
        let total = exponentials(row, most);
        let share = gradient / total;
        for x in row.iter_mut() {
            *x *= share;
        }
        if let Some(wanted) = row.get_mut(*target) {
            *wanted -= gradient;
        }
    }
    out
}

/// Sizes of an attention.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Examples.
    pub batch: usize,
    /// Positions.
    pub seq: usize,
    /// Width of all heads.
    pub dim: usize,
    /// Heads.
    pub heads: usize,
    /// Whether a position hears only itself and those before it.
    pub causal: bool,
}

impl Sizes {
    fn width(&self) -> usize {
        self.dim / self.heads
    }

    fn end(&self, position: usize) -> usize {
        if self.causal { position + 1 } else { self.seq }
    }

    /// Values of an output.
    pub fn values(&self) -> usize {
        self.batch * self.seq * self.dim
    }

    /// Columns `[part · dim + head · width …]` of example `batch`, turned: `[width, seq]`.
    fn turned(&self, mixed: &[f32], batch: usize, head: usize, part: usize, out: &mut [f32]) {
        let width = self.width();
        for position in 0..self.seq {
            let at = (batch * self.seq + position) * 3 * self.dim + part * self.dim + head * width;
            for (i, value) in mixed[at..at + width].iter().enumerate() {
                out[i * self.seq + position] = *value;
            }
        }
    }

    /// Where query (0), key (1) or value (2) of a position lies.
    fn at(&self, batch: usize, position: usize, head: usize, part: usize) -> std::ops::Range<usize> {
        let start = (batch * self.seq + position) * 3 * self.dim + part * self.dim + head * self.width();
        start..start + self.width()
    }

    /// Where the output of a position lies.
    fn out_at(&self, batch: usize, position: usize, head: usize) -> std::ops::Range<usize> {
        let start = (batch * self.seq + position) * self.dim + head * self.width();
        start..start + self.width()
    }
}

/// `sums[j] = Σ_i part[i] · turned[i][j]`.
fn inner(part: &[f32], turned: &[f32], seq: usize, sums: &mut [f32]) {
    sums.fill(0.0);
    for (value, row) in part.iter().zip(turned.chunks_exact(seq)) {
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += value * x;
        }
    }
}

/// `to += from · by`.
fn add(to: &mut [f32], from: &[f32], by: f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from * by;
    }
}

/// `[batch, seq, dim]` of `[batch, seq, 3 · dim]`.
pub fn attend(mixed: &[f32], sizes: Sizes) -> Vec<f32> {
    let Sizes { batch, seq, heads, .. } = sizes;
    let scale = 1.0 / (sizes.width() as f32).sqrt();
    let mut out = vec![0.0; sizes.values()];
    let mut keys = vec![0.0; sizes.width() * seq];
    let mut weights = vec![0.0; seq];
    for (b, head) in (0..batch).flat_map(|b| (0..heads).map(move |head| (b, head))) {
        sizes.turned(mixed, b, head, 1, &mut keys);
        for position in 0..seq {
            let weights = &mut weights[..sizes.end(position)];
            weigh(&mixed[sizes.at(b, position, head, 0)], &keys, seq, scale, weights);
            let heard = &mut out[sizes.out_at(b, position, head)];
            for (j, weight) in weights.iter().enumerate() {
                add(heard, &mixed[sizes.at(b, j, head, 2)], *weight);
            }
        }
    }
    out
}

/// softmax(scale · query · keys).
fn weigh(query: &[f32], keys: &[f32], seq: usize, scale: f32, weights: &mut [f32]) {
    inner(query, keys, seq, weights);
    for weight in weights.iter_mut() {
        *weight *= scale;
    }
    let most = largest(weights);
    let share = 1.0 / exponentials(weights, most);
    for weight in weights.iter_mut() {
        *weight *= share;
    }
}

/// ∂L/∂mixed of ∂L/∂out.
pub fn attend_backward(mixed: &[f32], gradient: &[f32], sizes: Sizes) -> Vec<f32> {
    let Sizes { batch, seq, heads, .. } = sizes;
    let scale = 1.0 / (sizes.width() as f32).sqrt();
    let mut out = vec![0.0; mixed.len()];
    let mut keys = vec![0.0; sizes.width() * seq];
    let mut values = keys.clone();
    let mut weights = vec![0.0; seq];
    let mut slopes = vec![0.0; seq];
    for (b, head) in (0..batch).flat_map(|b| (0..heads).map(move |head| (b, head))) {
        sizes.turned(mixed, b, head, 1, &mut keys);
        sizes.turned(mixed, b, head, 2, &mut values);
        for position in 0..seq {
            let query = &mixed[sizes.at(b, position, head, 0)];
            let upstream = &gradient[sizes.out_at(b, position, head)];
            let (weights, slopes) = (&mut weights[..sizes.end(position)], &mut slopes[..sizes.end(position)]);
            weigh(query, &keys, seq, scale, weights);
            inner(upstream, &values, seq, slopes);
            for (slope, weight) in slopes.iter_mut().zip(weights.iter()) {
                *slope *= weight;
            }
            let mean = sum(slopes);
            for (j, (slope, weight)) in slopes.iter().zip(weights.iter()).enumerate() {
                let share = (slope - weight * mean) * scale;
                add(&mut out[sizes.at(b, position, head, 0)], &mixed[sizes.at(b, j, head, 1)], share);
                add(&mut out[sizes.at(b, j, head, 1)], query, share);
                add(&mut out[sizes.at(b, j, head, 2)], upstream, *weight);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_a_millionth_part() {
        for i in -8700..8800 {
            let x = i as f32 / 100.0;
            let (got, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((got - expected).abs() <= 5e-7 * expected, "{x}: {got} {expected}");
        }
        assert_eq!([exp(-100.0), exp(f32::NEG_INFINITY), exp(0.0)], [0.0, 0.0, 1.0]);
        assert!(exp(f32::NAN).is_nan() && exp(1000.0).is_finite());
    }
}

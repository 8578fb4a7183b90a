//! Codes of frames by a random-projection quantiser (Chiu et al. 2022, BEST-RQ, section 3): a fixed random projection
//! to 16 numbers, and of 256 fixed random unit vectors the nearest one. Nothing is learned, so the codes of all peers
//! agree.

use super::mel::BANDS;
use crate::Random;

/// Number of codes.
pub(super) const CODES: usize = 256;
/// Width of the projection.
const WIDTH: usize = 16;
/// Seed of projection and codebook: part of what peers of SPEECH agree on.
const SEED: u64 = 0x4245_5354_2D52_5121;

/// The code of each of the standardised frames [frames, BANDS].
pub(super) fn quantise(frames: &[f32]) -> Vec<u16> {
    let mut random = Random::new(SEED, 0);
    // Xavier's bound only scales, and the nearest direction does not depend on the scale.
    let projection: Vec<f32> = (0..WIDTH * BANDS).map(|_| 2.0 * random.unit() - 1.0).collect();
    let mut book: Vec<f32> = (0..CODES * WIDTH).map(|_| random.normal()).collect();
    for vector in book.chunks_exact_mut(WIDTH) {
        let length = dot(vector, vector).sqrt();
        vector.iter_mut().for_each(|value| *value /= length);
    }
    frames.chunks_exact(BANDS).map(|frame| nearest(frame, &projection, &book)).collect()
}

/// Unit vectors: the smallest distance is the largest product.
fn nearest(frame: &[f32], projection: &[f32], book: &[f32]) -> u16 {
    let mut projected = [0.0; WIDTH];
    projected.iter_mut().zip(projection.chunks_exact(BANDS)).for_each(|(into, row)| *into = dot(row, frame));
    let products = book.chunks_exact(WIDTH).map(|vector| dot(vector, &projected));
    let best = (0u16..).zip(products).max_by(|(_, a), (_, b)| a.total_cmp(b));
    best.map_or(0, |(code, _)| code)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_spread_repeat_and_do_not_depend_on_loudness() {
        let mut random = Random::new(1, 0);
        let frames: Vec<f32> = (0..2_000 * BANDS).map(|_| random.normal()).collect();
        let codes = quantise(&frames);
        assert_eq!(codes, quantise(&frames));
        let louder: Vec<f32> = frames.iter().map(|value| 2.0 * value).collect();
        assert_eq!(codes, quantise(&louder));
        let mut used = codes;
        used.sort_unstable();
        used.dedup();
        assert!(used.len() > 200, "{}", used.len());
    }
}

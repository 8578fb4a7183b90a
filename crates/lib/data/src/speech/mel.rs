//! Log-mel frames: the logarithm of the energy in 40 triangular bands, equally spaced on the mel scale (O'Shaughnessy
//! 1987: 2595 lg(1 + f / 700)) from 20 Hz to 8 kHz, of windows of 25 ms every 10 ms.

use realfft::{RealFftPlanner, num_complex::Complex};
use std::f32::consts::TAU;

/// Bands of a frame.
pub(super) const BANDS: usize = 40;
/// Frames after one that still share samples with it.
pub(super) const OVERLAP: usize = WINDOW.div_ceil(HOP) - 1;

/// Samples of a window: 25 ms.
const WINDOW: usize = 400;
/// Samples from one frame to the next: 10 ms.
const HOP: usize = 160;
/// Points of the transform.
const POINTS: usize = 512;
/// Edges of the lowest and the highest band, Hz.
const LOW: f32 = 20.0;
const HIGH: f32 = 8_000.0;
/// Energy that counts as none.
const FLOOR: f32 = 1e-8;
/// Deviations from the mean at which a value is cut.
const FARTHEST: f32 = 10.0;

/// Frames of that many samples.
pub(super) fn count(samples: usize) -> usize {
    if samples < WINDOW { 0 } else { (samples - WINDOW) / HOP + 1 }
}

/// First sample of a frame.
#[cfg(test)]
pub(super) fn start(frame: usize) -> usize {
    frame * HOP
}

/// The sample after the last one of a frame.
#[cfg(test)]
pub(super) fn end(frame: usize) -> usize {
    frame * HOP + WINDOW
}

/// [frames, BANDS] of samples at 16 kHz.
#[expect(
    clippy::expect_used,
    reason = "the transform refuses other lengths than its own, and the buffers have its own"
)]
pub(super) fn frames(samples: &[f32]) -> Vec<f32> {
    let transform = RealFftPlanner::<f32>::new().plan_fft_forward(POINTS);
    let (mut input, mut output) = (transform.make_input_vec(), transform.make_output_vec());
    let mut scratch = transform.make_scratch_vec();
    let hann: Vec<f32> = (0..WINDOW).map(|at| 0.5 - 0.5 * (TAU * at as f32 / WINDOW as f32).cos()).collect();
    let bands = bands(16_000.0);
    let mut frames = Vec::with_capacity(count(samples.len()) * BANDS);
    for frame in 0..count(samples.len()) {
        let window = &samples[frame * HOP..frame * HOP + WINDOW];
        input.fill(0.0);
        input.iter_mut().zip(window.iter().zip(&hann)).for_each(|(into, (sample, weight))| *into = sample * weight);
        transform.process_with_scratch(&mut input, &mut output, &mut scratch).expect("buffers of the transform");
        for (first, weights) in &bands {
            let power = output[*first..].iter().zip(weights).map(|(point, weight)| Complex::norm_sqr(point) * weight);
            frames.push(power.sum::<f32>().max(FLOOR).ln());
        }
    }
    frames
}

/// Mean 0 and deviation 1 of each band over the first `train` frames.
pub(super) fn standardise(frames: &mut [f32], train: usize) {
    for band in 0..BANDS {
        let known = || frames.chunks_exact(BANDS).take(train).map(|frame| f64::from(frame[band]));
        let mean = known().sum::<f64>() / train as f64;
        let deviation = (known().map(|value| (value - mean).powi(2)).sum::<f64>() / train as f64).sqrt();
        let scale = if deviation > 1e-6 { deviation.recip() } else { 0.0 };
        for frame in frames.chunks_exact_mut(BANDS) {
            frame[band] = (((f64::from(frame[band]) - mean) * scale) as f32).clamp(-FARTHEST, FARTHEST);
        }
    }
}

/// For each band the first point of the transform that it weighs, and the weights from there on.
fn bands(rate: f32) -> Vec<(usize, Vec<f32>)> {
    let mel = |hertz: f32| 2595.0 * (1.0 + hertz / 700.0).log10();
    let hertz = |mel: f32| 700.0 * (10f32.powf(mel / 2595.0) - 1.0);
    let (low, high) = (mel(LOW), mel(HIGH));
    let edge = |index: usize| hertz(low + (high - low) * index as f32 / (BANDS + 1) as f32);
    let band = |index: usize| {
        let (left, middle, right) = (edge(index), edge(index + 1), edge(index + 2));
        let weight = |point: usize| {
            let at = point as f32 * rate / POINTS as f32;
            ((at - left) / (middle - left)).min((right - at) / (right - middle)).max(0.0)
        };
        let first = (0..=POINTS / 2).find(|point| weight(*point) > 0.0).unwrap_or(0);
        // The lowest bands are narrower than the transform is fine: such a band takes the point next to its middle.
        let weights: Vec<f32> = (first..=POINTS / 2).map(weight).take_while(|weight| *weight > 0.0).collect();
        if weights.is_empty() {
            ((middle * POINTS as f32 / rate).round() as usize, vec![1.0])
        } else {
            (first, weights)
        }
    };
    (0..BANDS).map(band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_band_weighs_something_and_they_rise() {
        let bands = bands(16_000.0);
        assert!(bands.iter().all(|(_, weights)| weights.iter().sum::<f32>() > 0.0));
        assert!(bands.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert!(bands.iter().all(|(first, weights)| first + weights.len() <= POINTS / 2 + 1));
    }

    #[test]
    fn a_tone_is_loudest_in_its_band() {
        let tone = |hertz: f32| -> usize {
            let samples: Vec<f32> = (0..1600).map(|at| (TAU * hertz * at as f32 / 16_000.0).sin()).collect();
            let frames = frames(&samples);
            let frame = &frames[4 * BANDS..5 * BANDS];
            (0..BANDS).max_by(|a, b| frame[*a].total_cmp(&frame[*b])).unwrap()
        };
        let heard = [200.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 7_000.0].map(tone);
        assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "{heard:?}");
        // 1000 mel are 1000 Hz, of 2840 at 8 kHz.
        assert!((12..=15).contains(&heard[2]), "{heard:?}");
    }

    #[test]
    fn frames_come_every_ten_milliseconds() {
        assert_eq!([count(0), count(399), count(400), count(559), count(560), count(16_000)], [0, 0, 1, 1, 2, 98]);
        assert_eq!(frames(&[0.1; 16_000]).len(), 98 * BANDS);
    }
}

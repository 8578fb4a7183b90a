//! Another sampling rate, by band-limited interpolation (Smith 1984): the sum of the samples around a place, weighted
//! by a sinc under a Hann window that ends below half of the lower rate.
//!
//! The ratio of two whole rates is a fraction of few places, so the weights of each are computed once. Good for speech;
//! the topmost twentieth of the band is lost.

use std::{borrow::Cow, f64::consts::PI};

/// Zero crossings of the sinc at each side.
const CROSSINGS: f64 = 12.0;
/// Where the band ends, of half the lower rate.
const BAND: f64 = 0.95;

/// The samples at `to` a second instead of `from`.
pub(super) fn to(samples: &[f32], from: u32, to: u32) -> Cow<'_, [f32]> {
    let common = gcd(from, to);
    if from == to || common == 0 {
        return Cow::Borrowed(samples);
    }
    let (up, down) = ((to / common) as usize, u64::from(from / common));
    let band = BAND * (f64::from(to) / f64::from(from)).min(1.0);
    let reach = CROSSINGS / band;
    let half = reach.ceil() as usize;
    let phases: Vec<Vec<f32>> = (0..up).map(|phase| weights(phase as f64 / up as f64, half, band, reach)).collect();
    let length = length(samples.len(), from, to);
    let value = |index: usize| {
        // In 64 bits, also where a `usize` has 32.
        let place = index as u64 * down;
        let (whole, phase) = ((place / up as u64) as usize, (place % up as u64) as usize);
        let weights = &phases[phase];
        // The weights begin `half - 1` samples before the place.
        let first = (whole + 1).saturating_sub(half);
        let skipped = (half - 1).saturating_sub(whole);
        weights[skipped..]
            .iter()
            .zip(&samples[first.min(samples.len())..])
            .map(|(weight, sample)| weight * sample)
            .sum()
    };
    Cow::Owned((0..length).map(value).collect())
}

/// How many samples as many at `from` a second become at `to` a second.
pub(super) fn length(samples: usize, from: u32, to: u32) -> usize {
    usize::try_from(samples as u64 * u64::from(to) / u64::from(from.max(1))).unwrap_or(usize::MAX)
}

/// Weights of the samples `half − 1` before to `half` after a place `phase` of the way from one sample to the next;
/// their sum is 1, so that a constant stays what it is.
fn weights(phase: f64, half: usize, band: f64, reach: f64) -> Vec<f32> {
    let weight = |tap: usize| {
        let distance = tap as f64 - (half as f64 - 1.0) - phase;
        if distance.abs() >= reach {
            return 0.0;
        }
        let angle = PI * band * distance;
        let sinc = if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle };
        sinc * (0.5 + 0.5 * (PI * distance / reach).cos())
    };
    let weights: Vec<f64> = (0..2 * half).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn tone(hertz: f64, rate: u32, samples: usize) -> Vec<f32> {
        (0..samples).map(|at| (TAU * hertz * at as f64 / f64::from(rate)).sin() as f32).collect()
    }

    fn loudness(samples: &[f32]) -> f64 {
        (samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
    }

    #[test]
    fn a_tone_below_the_band_stays_the_same_tone() {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000] {
            let given = tone(1_000.0, rate, rate as usize);
            let converted = to(&given, rate, 16_000);
            assert_eq!(converted.len(), 16_000);
            let wanted = tone(1_000.0, 16_000, 16_000);
            let far =
                converted[200..15_800].iter().zip(&wanted[200..15_800]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(far < 0.01, "{rate}: {far}");
        }
    }

    #[test]
    fn a_tone_above_the_band_goes_and_does_not_come_back_lower() {
        let given = tone(11_000.0, 44_100, 22_050);
        let converted = to(&given, 44_100, 16_000);
        assert!(loudness(&converted) < 0.01, "{}", loudness(&converted));
    }

    #[test]
    fn a_constant_stays_away_from_the_ends() {
        let converted = to(&[0.5; 1_000], 44_100, 16_000);
        assert!(converted[40..300].iter().all(|value| (value - 0.5).abs() < 1e-5));
    }

    #[test]
    fn few_samples_are_no_fault() {
        for samples in 0..40 {
            assert_eq!(to(&vec![0.1; samples], 48_000, 16_000).len(), samples / 3);
        }
    }
}

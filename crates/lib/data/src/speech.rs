//! Recordings: windows of log-mel frames, and as target of each frame the code of the next one.
//!
//! 16 kHz, one channel, 40 bands every 10 ms, each band brought to mean 0 and deviation 1 over the training part. The
//! codes are those of a random-projection quantiser (Chiu et al. 2022, "Self-supervised Learning with Random-projection
//! Quantizer for Speech Recognition", BEST-RQ): no labels are needed, and everyone has the same codebook. The last
//! tenth is held out, less what shares samples with the training part.

mod codes;
mod mel;
mod resample;
pub(crate) mod wav;

use crate::{Error, Part, Random, Spec, batch::Examples, dataset::Source, limits};
use mel::{BANDS, OVERLAP};
use protocol::exchange::Modality;
use std::borrow::Cow;

/// Frames of a recording and their codes.
#[derive(Clone, Debug)]
pub(crate) struct Speech {
    spec: Spec,
    /// [frames, BANDS], standardised.
    frames: Vec<f32>,
    /// Of each frame.
    codes: Vec<u16>,
    /// Frames below this are trained on.
    train: usize,
    /// Frames from this on are held out.
    held: usize,
    seconds: f64,
}

/// Sampling rate that frames are taken at, Hz.
const RATE: u32 = 16_000;
/// Largest magnitude of a sample that still counts as silence: 66 dB below full scale.
const SILENCE: f32 = 5e-4;
/// Samples are cut here: full scale is 1, and a float file may hold anything.
const LOUDEST: f32 = 8.0;
/// Windows that a recording holds at least: a tenth of them is one.
const WINDOWS: usize = 10;

impl Speech {
    /// Windows of `seq` frames of `samples`, `rate` a second.
    pub fn new(samples: &[f32], rate: u32, seq: usize) -> Result<Self, Error> {
        if !limits::RATES.contains(&rate) {
            return Err(Error::Rate { rate });
        }
        let length = resample::length(samples.len(), rate, RATE);
        let got = length.max(samples.len());
        if got > limits::SAMPLES {
            return Err(Error::TooLarge { unit: "samples", got, most: limits::SAMPLES });
        }
        if let Some(index) = samples.iter().position(|sample| !sample.is_finite()) {
            return Err(Error::NotFinite { index });
        }
        let window = seq + 1;
        let least = WINDOWS * window + OVERLAP;
        let frames = mel::count(length);
        if frames < least {
            return Err(Error::Brief { frames, least });
        }
        let peak = samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        if peak <= SILENCE {
            return Err(Error::Silent { peak });
        }
        let mut cut = Cow::Borrowed(samples);
        if peak > LOUDEST {
            cut.to_mut().iter_mut().for_each(|sample| *sample = sample.clamp(-LOUDEST, LOUDEST));
        }
        let samples = resample::to(&cut, rate, RATE);
        let mut frames = mel::frames(&samples);
        let count = frames.len() / BANDS;
        let held = count - (count / WINDOWS).max(window);
        let train = held - OVERLAP;
        mel::standardise(&mut frames, train);
        let codes = codes::quantise(&frames);
        let own = Part { modality: Modality::Speech, seq, item: [BANDS, 1, 1] };
        let spec = Spec { parts: vec![own], classes: codes::CODES, each: true };
        let seconds = samples.len() as f64 / f64::from(RATE);
        Ok(Self { spec, frames, codes, train, held, seconds })
    }

    fn window(&self) -> usize {
        self.spec.targets() + 1
    }
}

impl Source for Speech {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn pick(&self, random: &mut Random) -> u64 {
        random.below(self.train - self.window() + 1) as u64
    }

    fn held_out(&self) -> usize {
        (self.codes.len() - self.held) / self.window()
    }

    fn held(&self, index: usize) -> u64 {
        (self.held + index * self.window()) as u64
    }

    fn write(&self, example: u64, into: &mut Examples) {
        let start = usize::try_from(example).unwrap_or(usize::MAX);
        let end = start + self.spec.targets();
        into.reals(0, self.frames[start * BANDS..end * BANDS].iter().copied());
        into.targets(self.codes[start + 1..=end].iter().copied());
    }

    fn describe(&self) -> String {
        let held = self.codes.len() - self.held;
        format!(
            "{:.1} s of sound as {} frames of {BANDS} bands, {held} for validation; the target is the next of {} codes",
            self.seconds,
            self.train,
            codes::CODES
        )
    }

    fn bytes(&self) -> usize {
        self.train * BANDS * size_of::<f32>()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Dataset;
    use protocol::exchange::Values;

    /// Tones all over the band that swell and fade, each at its own pace.
    pub(crate) fn song(samples: usize, rate: u32) -> Vec<f32> {
        let tone = |second: f64, k: f64| {
            let swell = 0.5 + 0.5 * (std::f64::consts::TAU * second * (0.3 + 0.37 * k)).sin();
            swell * (std::f64::consts::TAU * second * (150.0 + 310.0 * k)).sin()
        };
        let sample = |at: usize| {
            let second = at as f64 / f64::from(rate);
            (0..24).map(|k| tone(second, f64::from(k))).sum::<f64>() as f32 / 24.0
        };
        (0..samples).map(sample).collect()
    }

    #[test]
    fn a_recording_becomes_windows_of_frames_with_the_next_codes() {
        let dataset = Dataset::speech(&song(16_000 * 4, 16_000), 16_000, 16).unwrap();
        assert_eq!(dataset.spec().parts, [Part { modality: Modality::Speech, seq: 16, item: [40, 1, 1] }]);
        let batch = dataset.batch(8, &mut Random::new(1, 0));
        let Values::Reals(values) = batch.parts[0].values() else { panic!("SPEECH has reals") };
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 0.3, "{mean}");
        let mut codes = batch.targets.clone();
        codes.sort_unstable();
        codes.dedup();
        assert!(codes.len() > 8 && codes.iter().all(|code| *code < 256), "{codes:?}");
        assert!(dataset.describe().starts_with("4.0 s of sound as 3"), "{}", dataset.describe());
    }

    #[test]
    fn another_sampling_rate_gives_much_the_same_frames() {
        let frames = |rate: u32| Speech::new(&song(rate as usize * 4, rate), rate, 16).unwrap().frames;
        let one = frames(16_000);
        for rate in [44_100, 48_000] {
            let two = frames(rate);
            assert!(one.len().abs_diff(two.len()) <= BANDS);
            let correlation = one.iter().zip(&two).map(|(a, b)| f64::from(a * b)).sum::<f64>() / one.len() as f64;
            assert!(correlation > 0.9, "{rate}: {correlation}");
        }
    }

    #[test]
    fn silence_and_short_and_broken_recordings_are_refused() {
        assert_eq!(Speech::new(&[0.0; 64_000], 16_000, 16).unwrap_err(), Error::Silent { peak: 0.0 });
        let brief = Speech::new(&song(16_000, 16_000), 16_000, 16).unwrap_err();
        assert_eq!(brief, Error::Brief { frames: 98, least: 172 });
        assert_eq!(Speech::new(&song(16_000, 16_000), 500, 16).unwrap_err(), Error::Rate { rate: 500 });
        let mut broken = song(64_000, 16_000);
        broken[7] = f32::NAN;
        assert_eq!(Speech::new(&broken, 16_000, 16).unwrap_err(), Error::NotFinite { index: 7 });
    }

    #[test]
    fn no_sample_is_in_training_and_validation() {
        let speech = Speech::new(&song(64_000, 16_000), 16_000, 16).unwrap();
        assert!(mel::end(speech.train - 1) <= mel::start(speech.held));
    }
}

//! WAV files: 8, 16, 24 and 32 bit or float, of any number of channels, which are averaged.
//!
//! A header could promise more samples than follow, or fewer bytes than a sample: the first is told, the rest is the
//! decoder's to refuse.

use crate::{Error, limits};
use hound::{SampleFormat, WavReader};

/// Samples from −1 to 1 of one channel, and how many there are a second.
pub(crate) fn read(bytes: &[u8]) -> Result<(Vec<f32>, u32), Error> {
    let refused = |error: hound::Error| Error::Wav(error.to_string());
    let mut reader = WavReader::new(bytes).map_err(refused)?;
    let spec = reader.spec();
    let count = reader.len() as usize;
    if count > limits::SAMPLES {
        return Err(Error::TooLarge { unit: "samples", got: count, most: limits::SAMPLES });
    }
    let channels = usize::from(spec.channels.max(1));
    let mut mixed = Mixed { samples: Vec::new(), channels, sum: 0.0, filled: 0 };
    match spec.sample_format {
        SampleFormat::Float => {
            for (index, sample) in reader.samples::<f32>().enumerate() {
                mixed.push(sample.map_err(|error| cut(&error, index, count))?);
            }
        }
        SampleFormat::Int => {
            let scale = 2f32.powi(1 - i32::from(spec.bits_per_sample));
            for (index, sample) in reader.samples::<i32>().enumerate() {
                mixed.push(sample.map_err(|error| cut(&error, index, count))? as f32 * scale);
            }
        }
    }
    Ok((mixed.samples, spec.sample_rate))
}

/// The mean of all channels.
struct Mixed {
    samples: Vec<f32>,
    channels: usize,
    sum: f32,
    filled: usize,
}

impl Mixed {
    fn push(&mut self, sample: f32) {
        self.sum += sample / self.channels as f32;
        self.filled += 1;
        if self.filled == self.channels {
            self.samples.push(self.sum);
            (self.sum, self.filled) = (0.0, 0);
        }
    }
}

fn cut(error: &hound::Error, index: usize, count: usize) -> Error {
    Error::Wav(format!("{error} (at sample {index} of {count})"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use hound::{WavSpec, WavWriter};
    use std::io::Cursor;

    /// A WAV file of these samples in each of `channels` channels.
    pub(crate) fn file(samples: &[f32], rate: u32, channels: u16, bits: u16, float: bool) -> Vec<u8> {
        let sample_format = if float { SampleFormat::Float } else { SampleFormat::Int };
        let spec = WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut bytes, spec).unwrap();
        for sample in samples {
            for _ in 0..channels {
                if float {
                    writer.write_sample(*sample).unwrap();
                } else {
                    writer.write_sample((f64::from(*sample) * (2f64.powi(i32::from(bits) - 1) - 1.0)) as i32).unwrap();
                }
            }
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn all_widths_and_channels_give_the_same_samples() {
        let samples: Vec<f32> = (0..100).map(|at| (at as f32 * 0.1).sin() * 0.9).collect();
        for (bits, float) in [(8, false), (16, false), (24, false), (32, false), (32, true)] {
            for channels in [1, 2, 3] {
                let (read, rate) = read(&file(&samples, 22_050, channels, bits, float)).unwrap();
                assert_eq!((read.len(), rate), (100, 22_050));
                let far = read.iter().zip(&samples).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(far < 2f32.powi(2 - i32::from(bits.min(16))), "{bits} bits: {far}");
            }
        }
    }

    #[test]
    fn a_cut_file_is_told_with_the_place() {
        let bytes = file(&[0.1; 100], 16_000, 1, 16, false);
        let error = read(&bytes[..bytes.len() - 21]).unwrap_err().to_string();
        assert!(error.contains("at sample 89 of 100"), "{error}");
        assert!(matches!(read(&bytes[..20]), Err(Error::Wav(_))));
    }
}

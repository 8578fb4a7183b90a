//! The golden file, comparison, and a hash over bits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use mechanism::epoch::Epoch;
use serde_json::Value;

/// One object of the golden file.
pub struct Golden(Value);

impl Golden {
    pub fn of(key: &str) -> Self {
        let file: Value = serde_json::from_str(FILE).unwrap();
        Self(file[key].clone())
    }

    /// An object in this one.
    pub fn part(&self, key: &str) -> Self {
        Self(self.0[key].clone())
    }

    pub fn number(&self, key: &str) -> f64 {
        self.0[key].as_f64().unwrap()
    }

    pub fn vector(&self, key: &str) -> Vec<f64> {
        numbers(&self.0[key])
    }

    pub fn matrix(&self, key: &str) -> Vec<Vec<f64>> {
        self.0[key].as_array().unwrap().iter().map(numbers).collect()
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Asserts that two vectors agree within `tolerance`, entry by entry.
pub fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "entry {index}: {found:?}, not {expected:?}");
    }
}

/// FNV-1a, 64 bits, over little-endian words.
pub struct Hash(pub u64);

impl Hash {
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub fn word(&mut self, word: u64) {
        for byte in word.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    pub fn numbers(&mut self, numbers: &[f64]) {
        for number in numbers {
            self.word(number.to_bits());
        }
    }

    /// Everything that an epoch says.
    pub fn epoch(&mut self, epoch: &Epoch) {
        for vector in [&epoch.rank, &epoch.trust, &epoch.trusted, &epoch.incentive, &epoch.dividend, &epoch.share] {
            self.numbers(vector);
        }
        self.numbers(&[epoch.loss.unwrap_or_default(), epoch.memory.inflation]);
        self.numbers(&epoch.scaling);
        self.numbers(epoch.scaling_gradient.as_deref().unwrap_or_default());
        self.word(u64::from(epoch.pays) << 32 | u64::from(epoch.memory.min_weights));
        for i in 0..epoch.memory.bonds.peers() {
            epoch.memory.bonds.row(i).for_each(|(j, bond)| {
                self.word(u64::from(j));
                self.numbers(&[bond]);
            });
        }
    }

    pub fn outcome(&mut self, outcome: &mechanism::trust::Outcome) {
        self.numbers(&[outcome.scaled, outcome.loss]);
        outcome.sources.iter().for_each(|&source| self.word(u64::from(source)));
        for vector in [&outcome.rank, &outcome.trust, &outcome.trusted, &outcome.incentive, &outcome.scaling_gradient] {
            self.numbers(vector);
        }
    }
}

const FILE: &str = include_str!("../../../../../tests/vectors/mechanism.json");

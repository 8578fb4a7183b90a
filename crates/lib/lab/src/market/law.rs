//! Random Hessians for the market game, and the rows it starts from.
//!
//! The drafts give no law, so these are ours. Peer i has P_i = G Gᵀ/k, G of n × k normals around a common mean c: answers
//! partly say the same, so that P_i has positive entries off its diagonal. Importances u_j are log-normal. Then
//!
//! | law | H_i |
//! |---|---|
//! | `shared` | h u_i^γ P_i ∘ √u√uᵀ: all agree who matters |
//! | `independent` | h P_i: nobody agrees with anybody |
//! | `diagonal` | h u_i^γ diag(P_i) ∘ diag(u): as `shared`, but each neighbour is worth its own score |
//!
//! γ says how much more a peer loses that matters more. At γ = 0 the correlation of ranks is positive as soon as anyone
//! looks at others; the negative correlation at α/τ = 1 in the drafts' figures needs γ > 0, where those who matter are the
//! first to give their weight away, and have less of their own.

use crate::random::Random;
use crate::scenario::{LabError, Range, Setting, Settings};
use crate::statistics::{dot, real};
use mechanism::arithmetic::exp;

/// Which law.
pub const LAW: Setting =
    Setting { name: "law", about: "law of the Hessians", range: Range::Choice(&["shared", "independent", "diagonal"]) };
/// n.
pub const PEERS: Setting =
    Setting { name: "peers", about: "peers", range: Range::Whole { default: 20, least: 2, most: 64 } };
/// k. Fewer features make peers differ in what they need, and the correlation at α/τ = 1 comes nearer to 0.
pub const FEATURES: Setting = Setting {
    name: "features",
    about: "columns of G in H = G Gᵀ/k",
    range: Range::Whole { default: 80, least: 1, most: 256 },
};
/// h. It moves the transition along α/τ; at .0011 half of the weight lies on the diagonal at α/τ = 1.
pub const SIZE: Setting = Setting {
    name: "size",
    about: "factor of all Hessians, in loss",
    range: Range::Number { default: 0.0011, least: 0.0, most: 1e3 },
};
/// Deviation of log u. More equal importances make the correlation rise sooner, and less negative at α/τ = 1.
pub const SPREAD: Setting = Setting {
    name: "spread",
    about: "deviation of the logarithm of the importances",
    range: Range::Number { default: 1.25, least: 0.0, most: 3.0 },
};
/// c. Answers that say different things, c near 0, take α/τ beyond 10 to leave the diagonal.
pub const COMMON: Setting = Setting {
    name: "common",
    about: "mean of the entries of G, in deviations: how much answers say the same",
    range: Range::Number { default: 1.5, least: 0.0, most: 10.0 },
};
/// γ.
pub const NEED: Setting = Setting {
    name: "need",
    about: "power of a peer's own importance in the size of its loss",
    range: Range::Number { default: 1.0, least: 0.0, most: 3.0 },
};
/// Deviation of log W⁰. It matters little: rows forget where they start.
pub const START: Setting = Setting {
    name: "start",
    about: "deviation of the logarithm of the first weights",
    range: Range::Number { default: 1.0, least: 0.0, most: 5.0 },
};
/// T.
pub const TEMPERATURE: Setting = Setting {
    name: "temperature",
    about: "temperature of the masks, in weight times stake",
    range: Range::Number { default: 0.25, least: 0.001, most: 100.0 },
};
/// Factor of the gradient: from .3 to 3 the end is the same within .05 of correlation.
pub const RATE: Setting = Setting {
    name: "rate",
    about: "factor of the gradient in a step",
    range: Range::Number { default: 1.0, least: 0.0, most: 1e3 },
};
/// ε.
pub const EPSILON: Setting = Setting {
    name: "epsilon",
    about: "longest step of a row",
    range: Range::Number { default: 0.1, least: 0.0, most: 2.0 },
};

/// A law with its constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    name: &'static str,
    peers: usize,
    features: usize,
    size: f64,
    spread: f64,
    common: f64,
    need: f64,
}

impl Law {
    /// As set: [`LAW`], [`PEERS`], [`FEATURES`], [`SIZE`], [`SPREAD`], [`COMMON`] and [`NEED`].
    ///
    /// # Errors
    /// [`LabError::Settings`] where one of them is missing.
    pub fn of(settings: &Settings) -> Result<Self, LabError> {
        Ok(Self {
            name: settings.choice(LAW.name)?,
            peers: settings.whole(PEERS.name)?,
            features: settings.whole(FEATURES.name)?,
            size: settings.number(SIZE.name)?,
            spread: settings.number(SPREAD.name)?,
            common: settings.number(COMMON.name)?,
            need: settings.number(NEED.name)?,
        })
    }

    /// n Hessians of n × n, row by row.
    #[must_use]
    pub fn hessians(&self, random: &mut Random) -> Vec<Vec<f64>> {
        // The logarithms of importances; `independent` takes none, but draws them, so that G is the same under each law.
        let mut logs: Vec<f64> = (0..self.peers).map(|_| self.spread * random.normal()).collect();
        if self.name == "independent" {
            logs.fill(0.0);
        }
        (0..self.peers).map(|own| self.hessian(own, &logs, random)).collect()
    }

    fn hessian(&self, own: usize, logs: &[f64], random: &mut Random) -> Vec<f64> {
        let draws: Vec<f64> = (0..self.peers * self.features).map(|_| self.common + random.normal()).collect();
        let answers: Vec<&[f64]> = draws.chunks_exact(self.features).collect();
        let mut hessian = vec![0.0; self.peers * self.peers];
        for (j, a) in answers.iter().enumerate() {
            for (k, b) in answers.iter().enumerate() {
                if j == k || self.name != "diagonal" {
                    let scale = exp(self.need * logs[own] + 0.5 * (logs[j] + logs[k]));
                    hessian[j * self.peers + k] = self.size * scale * share(self.features) * dot(a, b);
                }
            }
        }
        hessian
    }
}

/// n rows on the simplex: log-normal weights, normalised.
#[must_use]
pub fn start(peers: usize, spread: f64, random: &mut Random) -> Vec<Vec<f64>> {
    let mut row = || {
        let weights: Vec<f64> = (0..peers).map(|_| exp(spread * random.normal())).collect();
        super::normalised(weights)
    };
    (0..peers).map(|_| row()).collect()
}

/// 1/`count`; 1 of none.
#[must_use]
pub fn share(count: usize) -> f64 {
    1.0 / real(count.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(name: &'static str) -> Law {
        Law { name, peers: 5, features: 3, size: 0.1, spread: 1.0, common: 0.5, need: 1.0 }
    }

    #[test]
    fn hessians_are_symmetric_and_not_negative() {
        for name in ["shared", "independent", "diagonal"] {
            for hessian in law(name).hessians(&mut Random::new(1)) {
                for trial in 0..20 {
                    let mut random = Random::new(trial);
                    let x: Vec<f64> = (0..5).map(|_| random.normal()).collect();
                    let form: Vec<f64> = hessian.chunks_exact(5).map(|row| dot(row, &x)).collect();
                    assert!(dot(&form, &x) >= -1e-12, "{name}");
                }
                for (j, k) in [(0, 1), (2, 4)] {
                    assert_eq!(hessian[j * 5 + k].to_bits(), hessian[k * 5 + j].to_bits());
                    assert_eq!(hessian[j * 5 + k] == 0.0, name == "diagonal");
                }
            }
        }
    }

    #[test]
    fn laws_differ_only_in_what_they_say() {
        let drawn = |name| law(name).hessians(&mut Random::new(2));
        let (shared, diagonal, independent) = (drawn("shared"), drawn("diagonal"), drawn("independent"));
        assert_eq!(shared[3][6], diagonal[3][6]);
        assert_ne!(shared[3][6], independent[3][6]);
    }

    #[test]
    fn rows_start_on_the_simplex() {
        for row in start(7, 2.0, &mut Random::new(3)) {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12 && row.iter().all(|weight| *weight > 0.0));
        }
    }
}

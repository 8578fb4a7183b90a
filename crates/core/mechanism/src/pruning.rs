//! The value of a neighbour: forms of the pruning score that weights are learned from.
//!
//! The loss of a model whose neighbour j is masked changes, to second order, by ½ ΔFᵀ H ΔF with ΔF = −f_j(x) in slot j; the
//! draft's score is w_ij = Σ_x ΔF_jᵀ H ΔF_j, without the half. For cross-entropy H is the Fisher information, so that with
//! the loss gradient h of one example the score is the mean of (h·f_j)²: an inner product a neighbour an example. These are
//! the references that a model's own scores are compared with; losses are in nats.
//!
//! Where two neighbours say the same, each alone seems worth little and both together much, or the reverse: only
//! [`joint`] and [`exact`] of a set tell.

use crate::arithmetic::dot;
use crate::fault::{Fault, finite};

/// Whether a quadratic form keeps the ½ of the expansion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// ½ ΔFᵀ H ΔF, the change of the loss.
    Half,
    /// ΔFᵀ H ΔF, the score as printed.
    Whole,
}

/// E_x\[(h·f)²\]: `gradients` and `answers` hold `examples` vectors of one size each, one after the other.
///
/// # Errors
/// [`Fault::Size`] or [`Fault::NotFinite`].
pub fn fisher(gradients: &[f64], answers: &[f64], examples: usize) -> Result<f64, Fault> {
    finite("answers", answers, gradients.len())?;
    finite("gradients", gradients, gradients.len())?;
    if examples == 0 || !gradients.len().is_multiple_of(examples) {
        return Err(Fault::Size { name: "gradients", found: gradients.len(), expected: examples });
    }
    let size = gradients.len() / examples;
    if size == 0 {
        return Ok(0.0);
    }
    let mut total = 0.0;
    for (gradient, answer) in gradients.chunks_exact(size).zip(answers.chunks_exact(size)) {
        let along = dot(gradient, answer);
        total += along * along;
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer examples than 2^52")]
    let mean = total / examples as f64;
    Ok(mean)
}

/// The score of removing each of the neighbours `answers` alone: H_jj f_j², with or without the ½.
///
/// # Errors
/// [`Fault::Size`] or [`Fault::NotFinite`].
pub fn quadratic(hessian: &[f64], answers: &[f64], form: Form) -> Result<Vec<f64>, Fault> {
    let n = checked(hessian, answers)?;
    Ok((0..n).map(|j| scaled(hessian[j * n + j] * answers[j] * answers[j], form)).collect())
}

/// The score of removing all neighbours of `set` together.
///
/// # Errors
/// [`Fault::Size`] or [`Fault::NotFinite`]; a neighbour outside is [`Fault::Size`].
pub fn joint(hessian: &[f64], answers: &[f64], set: &[usize], form: Form) -> Result<f64, Fault> {
    let n = checked(hessian, answers)?;
    if let Some(&outside) = set.iter().find(|&&j| j >= n) {
        return Err(Fault::Size { name: "set", found: outside + 1, expected: n });
    }
    let mut total = 0.0;
    for &j in set {
        for &k in set {
            total += answers[j] * hessian[j * n + k] * answers[k];
        }
    }
    Ok(scaled(total, form))
}

/// L without each neighbour minus L with all: what masking really costs.
///
/// # Errors
/// [`Fault::NotFinite`].
pub fn exact(without: &[f64], with_all: f64) -> Result<Vec<f64>, Fault> {
    finite("without", without, without.len())?;
    finite("with_all", &[with_all], 1)?;
    Ok(without.iter().map(|loss| loss - with_all).collect())
}

/// The mean weight that the gate gave to each of `neighbours`, over examples one after the other.
///
/// # Errors
/// [`Fault::Size`] or [`Fault::NotFinite`].
pub fn gate_mass(gates: &[f64], neighbours: usize) -> Result<Vec<f64>, Fault> {
    finite("gates", gates, gates.len())?;
    if neighbours == 0 || gates.is_empty() || !gates.len().is_multiple_of(neighbours) {
        return Err(Fault::Size { name: "gates", found: gates.len(), expected: neighbours });
    }
    let mut mass = vec![0.0; neighbours];
    for example in gates.chunks_exact(neighbours) {
        for (sum, gate) in mass.iter_mut().zip(example) {
            *sum += gate;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer examples than 2^52")]
    let examples = (gates.len() / neighbours) as f64;
    mass.iter_mut().for_each(|sum| *sum /= examples);
    Ok(mass)
}

fn checked(hessian: &[f64], answers: &[f64]) -> Result<usize, Fault> {
    let n = answers.len();
    finite("answers", answers, n)?;
    finite("hessian", hessian, n.saturating_mul(n))?;
    Ok(n)
}

fn scaled(value: f64, form: Form) -> f64 {
    match form {
        Form::Half => 0.5 * value,
        Form::Whole => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_square_of_inner_products() {
        let score = fisher(&[1.0, 2.0, 0.0, -1.0], &[3.0, 1.0, 5.0, 2.0], 2).unwrap();
        assert_eq!(score, (25.0 + 4.0) / 2.0);
        assert!(matches!(fisher(&[1.0; 3], &[1.0; 3], 2), Err(Fault::Size { name: "gradients", .. })));
        assert!(matches!(fisher(&[], &[], 0), Err(Fault::Size { name: "gradients", .. })));
        assert!(matches!(fisher(&[1.0], &[f64::NAN], 1), Err(Fault::NotFinite { name: "answers", position: 0, .. })));
    }

    #[test]
    fn a_copier_is_worth_what_the_original_is_and_both_are_worth_more() {
        // The model adds two equal answers: H is all ones.
        let (hessian, answers) = ([1.0; 4], [0.5, 0.5]);
        assert_eq!(quadratic(&hessian, &answers, Form::Half).unwrap(), [0.125, 0.125]);
        assert_eq!(joint(&hessian, &answers, &[0, 1], Form::Half).unwrap(), 0.5);
        assert!(matches!(joint(&hessian, &answers, &[2], Form::Half), Err(Fault::Size { name: "set", .. })));
        assert!(matches!(quadratic(&hessian, &[1.0], Form::Half), Err(Fault::Size { name: "hessian", .. })));
    }

    #[test]
    fn exact_removal_and_gate_mass() {
        assert_eq!(exact(&[1.5, 0.75], 1.0).unwrap(), [0.5, -0.25]);
        assert_eq!(gate_mass(&[0.5, 0.0, 0.5, 1.0, 0.0, 0.0], 3).unwrap(), [0.75, 0.0, 0.25]);
        assert!(gate_mass(&[0.5], 2).is_err() && gate_mass(&[], 2).is_err() && gate_mass(&[1.0], 0).is_err());
    }
}

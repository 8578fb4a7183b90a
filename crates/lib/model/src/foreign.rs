//! Gradients that other peers send for answers given before, ∂L/∂f_i(x) of their loss, and the budget they are held to.
//!
//! A sender may lie: send huge values, values that are no numbers, or the gradient's opposite. What is not finite is
//! refused, and what is left is scaled to a fixed share of the own gradient at the same place, so that it can never
//! outweigh the own loss; one such gradient a step is the rate. A flipped sign within that share is not seen as such: it
//! slows the own learning by that share and no more.

use crate::Error;

/// A gradient from outside, held to the budget, beside the inputs it belongs to.
#[derive(Clone, Debug)]
pub struct Foreign {
    pub(crate) inputs: Vec<u8>,
    pub(crate) batch: usize,
    pub(crate) seq: usize,
    pub(crate) gradient: Vec<f32>,
}

/// How much of others' gradients a step takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Largest norm of a foreign gradient as a share of the own one's.
    pub share: f64,
    /// Smoothed norm of the own gradient at the encoding; `None` before the first step.
    own: Option<f64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { share: 0.25, own: None }
    }
}

impl Budget {
    /// Takes the norm of the own gradient of a step.
    pub fn observe(&mut self, norm: f64) {
        if norm.is_finite() {
            self.own = Some(self.own.map_or(norm, |own| own + 0.1 * (norm - own)));
        }
    }

    /// Largest norm that passes unchanged; 0 before the first step.
    #[must_use]
    pub fn limit(&self) -> f64 {
        self.own.unwrap_or(0.0) * self.share
    }

    /// Clips `gradient`, of an answer to `inputs` (`batch` rows of `seq` bytes), to the limit.
    ///
    /// # Errors
    /// [`Error::WrongSize`] where the gradient is not `[batch, seq, dim]`; [`Error::NotFinite`] where it holds what is no
    /// number.
    pub fn admit(
        &self,
        inputs: Vec<u8>,
        [batch, seq, dim]: [usize; 3],
        mut gradient: Vec<f32>,
    ) -> Result<Foreign, Error> {
        let expected = batch * seq * dim;
        if gradient.len() != expected || inputs.len() != batch * seq {
            return Err(Error::WrongSize { expected, got: gradient.len() });
        }
        let norm = norm(&gradient);
        if !norm.is_finite() {
            return Err(Error::NotFinite);
        }
        if norm > self.limit() {
            let scale = self.limit() / norm;
            gradient.iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
        }
        Ok(Foreign { inputs, batch, seq, gradient })
    }
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        let mut budget = Budget::default();
        budget.observe(2.0);
        budget
    }

    #[test]
    fn huge_gradients_are_cut_to_the_share_and_small_ones_pass() {
        let huge = budget().admit(vec![0; 2], [1, 2, 2], vec![f32::MAX; 4]).unwrap();
        assert!((norm(&huge.gradient) - 0.5).abs() < 1e-6);
        let small = budget().admit(vec![0; 2], [1, 2, 2], vec![0.1; 4]).unwrap();
        assert_eq!(small.gradient, [0.1; 4]);
    }

    #[test]
    fn what_is_no_number_or_of_another_size_is_refused() {
        for bad in [f32::NAN, f32::INFINITY] {
            let refused = budget().admit(vec![0; 2], [1, 2, 2], vec![0.0, bad, 0.0, 0.0]);
            assert!(matches!(refused, Err(Error::NotFinite)));
        }
        let refused = budget().admit(vec![0; 2], [1, 2, 2], vec![0.0; 5]);
        assert!(matches!(refused, Err(Error::WrongSize { expected: 4, got: 5 })));
    }

    #[test]
    fn before_the_first_step_nothing_has_weight() {
        let none = Budget::default().admit(vec![0], [1, 1, 1], vec![3.0]).unwrap();
        assert_eq!(none.gradient, [0.0]);
    }
}

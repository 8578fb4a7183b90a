//! Gradients that other peers send for answers given before, ∂L/∂f_i(x) of their loss, and the budget they are held to.
//!
//! A sender may lie: send huge values, values that are no numbers, or the gradient's opposite. What is not finite is
//! refused, and what is left is scaled to a fixed share of the own gradient at the same place, times the sender's weight,
//! so that it can never outweigh the own loss; one such gradient in two steps is the rate. A flipped sign within that share is
//! not seen as such: it slows the own learning by that share and no more. Huge, false and flipped gradients in every step
//! leave the loss of an honest peer within 0.4 nats of that without them after 40 steps (tests/poison.rs).

use protocol::exchange::{Inputs, Want};

use crate::Error;

/// A gradient from outside, held to the budget, beside the inputs it belongs to.
#[derive(Clone, Debug)]
pub struct Foreign {
    pub(crate) inputs: Inputs,
    pub(crate) joined: bool,
    /// [batch, seq, dim]
    pub(crate) gradient: Vec<f32>,
}

/// How much of others' gradients a step takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Largest norm of a foreign gradient as a share of the own one's.
    pub share: f64,
    /// Smoothed norm of the own gradient at the encoding; `None` before the first step.
    pub(crate) own: Option<f64>,
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

    /// Largest norm that passes unchanged of a sender of weight 1; 0 before the first step.
    #[must_use]
    pub fn limit(&self) -> f64 {
        self.own.unwrap_or(0.0) * self.share
    }

    /// Clips `gradient`, of an answer to `inputs` that wanted `want`, to the limit times the sender's `weight`, from 0 to 1.
    ///
    /// # Errors
    /// [`Error::WrongSize`] where the gradient is not `[batch, seq, dim]`; [`Error::NotFinite`] where it holds what is no
    /// number; [`Error::Unfit`] for an answer of logits, which nobody learns from.
    pub fn admit(
        &self,
        inputs: Inputs,
        want: Want,
        dim: usize,
        mut gradient: Vec<f32>,
        weight: f64,
    ) -> Result<Foreign, Error> {
        let expected = inputs.shape().tokens() * dim;
        if gradient.len() != expected {
            return Err(Error::WrongSize { expected, got: gradient.len() });
        }
        if want == Want::Logits {
            return Err(Error::Unfit("a gradient of logits".into()));
        }
        let norm = norm(&gradient);
        if !norm.is_finite() {
            return Err(Error::NotFinite);
        }
        let weight = if weight.is_finite() { weight.clamp(0.0, 1.0) } else { 0.0 };
        let limit = self.limit() * weight;
        if norm > limit {
            let scale = limit / norm;
            gradient.iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
        }
        Ok(Foreign { inputs, joined: want == Want::Joined, gradient })
    }
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::exchange::Shape;

    fn budget() -> Budget {
        let mut budget = Budget::default();
        budget.observe(2.0);
        budget
    }

    fn admit(budget: Budget, gradient: Vec<f32>, weight: f64) -> Result<Foreign, Error> {
        let inputs = Inputs::text(Shape::new(1, 2).unwrap(), vec![0; 2]).unwrap();
        budget.admit(inputs, Want::Encoding, 2, gradient, weight)
    }

    #[test]
    fn huge_gradients_are_cut_to_the_share_and_small_ones_pass() {
        let huge = admit(budget(), vec![f32::MAX; 4], 1.0).unwrap();
        assert!((norm(&huge.gradient) - 0.5).abs() < 1e-6);
        let small = admit(budget(), vec![0.1; 4], 1.0).unwrap();
        assert_eq!(small.gradient, [0.1; 4]);
    }

    #[test]
    fn the_share_is_the_senders_weight_of_the_whole() {
        for (weight, expected) in [(0.5, 0.25), (0.0, 0.0), (7.0, 0.5), (f64::NAN, 0.0), (-1.0, 0.0)] {
            let cut = admit(budget(), vec![1e3; 4], weight).unwrap();
            assert!((norm(&cut.gradient) - expected).abs() < 1e-6, "{weight}");
        }
    }

    #[test]
    fn what_is_no_number_or_of_another_size_is_refused() {
        for bad in [f32::NAN, f32::INFINITY] {
            assert!(matches!(admit(budget(), vec![0.0, bad, 0.0, 0.0], 1.0), Err(Error::NotFinite)));
        }
        let refused = admit(budget(), vec![0.0; 5], 1.0);
        assert!(matches!(refused, Err(Error::WrongSize { expected: 4, got: 5 })));
        let inputs = Inputs::text(Shape::new(1, 2).unwrap(), vec![0; 2]).unwrap();
        assert!(matches!(budget().admit(inputs, Want::Logits, 2, vec![0.0; 4], 1.0), Err(Error::Unfit(_))));
    }

    #[test]
    fn before_the_first_step_nothing_has_weight() {
        assert_eq!(admit(Budget::default(), vec![3.0; 4], 1.0).unwrap().gradient, [0.0; 4]);
    }
}

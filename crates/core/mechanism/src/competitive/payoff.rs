//! The payoff that a peer of the `Competitive` mechanism ascends: P_i = −α L_i(m_i) + τ R_i, with its gradient in the own row.
//!
//! The loss is that of the own model as a function of what the masks m_i· let through. As a function of the weights it is
//! moved through the masks alone, m_ij by w_ij; the rank R_i by the own self-loop, ∂R_i/∂w_ii = s_i/n. Without masks,
//! the gradient of the payoff would therefore lead every peer to vote for itself.

use super::masks;
use super::{Reading, ranks};
use crate::fault::{Fault, NotDefined, finite, ranged};
use crate::world::World;

/// The loss of one peer, as far as it depends on which neighbours it sees.
pub trait Loss {
    /// L at n masks.
    fn at(&self, masks: &[f64]) -> f64;
    /// ∂L/∂m_j for every j.
    fn gradient(&self, masks: &[f64]) -> Vec<f64>;
}

/// L = ½ (1 − m)ᵀ H (1 − m): the loss, to second order, of masking neighbours that the model was trained with.
#[derive(Clone, Debug, PartialEq)]
pub struct Quadratic {
    hessian: Vec<f64>,
    peers: usize,
}

/// L = Σ_j u_j (1 − m_j): every neighbour is worth its score u_j, whoever else is seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Utility {
    scores: Vec<f64>,
}

/// What weighs in the payoff.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// α, worth of the loss.
    pub alpha: f64,
    /// τ, worth of the rank.
    pub tau: f64,
    /// T of the masks.
    pub temperature: f64,
    /// Literally the payoff is +α L_i + τ R_i, with the rank that pays one's own stake.
    pub reading: Reading,
}

/// The payoff of one peer.
#[derive(Clone, Debug, PartialEq)]
pub struct Payoff {
    /// L_i.
    pub loss: f64,
    /// R_i.
    pub rank: f64,
    /// P_i.
    pub value: f64,
    /// ∂P_i/∂w_ij for every j, entries moved one by one.
    pub gradient: Vec<f64>,
}

impl Quadratic {
    /// The loss of the n × n `hessian`, row by row, symmetric.
    ///
    /// # Errors
    /// [`Fault::Size`] or [`Fault::NotFinite`].
    pub fn new(hessian: Vec<f64>, peers: usize) -> Result<Self, Fault> {
        finite("hessian", &hessian, peers.saturating_mul(peers))?;
        Ok(Self { hessian, peers })
    }

    /// H (1 − m).
    fn pull(&self, masks: &[f64]) -> Vec<f64> {
        let row = |row: &[f64]| {
            let mut sum = 0.0;
            for (h, m) in row.iter().zip(masks) {
                sum += h * (1.0 - m);
            }
            sum
        };
        self.hessian.chunks_exact(self.peers.max(1)).map(row).collect()
    }
}

impl Loss for Quadratic {
    fn at(&self, masks: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (pull, m) in self.pull(masks).iter().zip(masks) {
            sum += (1.0 - m) * pull;
        }
        0.5 * sum
    }

    fn gradient(&self, masks: &[f64]) -> Vec<f64> {
        self.pull(masks).iter().map(|pull| -pull).collect()
    }
}

impl Utility {
    /// The loss of these scores.
    ///
    /// # Errors
    /// [`Fault::NotFinite`].
    pub fn new(scores: Vec<f64>) -> Result<Self, Fault> {
        finite("scores", &scores, scores.len())?;
        Ok(Self { scores })
    }
}

impl Loss for Utility {
    fn at(&self, masks: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (score, m) in self.scores.iter().zip(masks) {
            sum += score * (1.0 - m);
        }
        sum
    }

    fn gradient(&self, _: &[f64]) -> Vec<f64> {
        self.scores.iter().map(|score| -score).collect()
    }
}

/// The payoff of peer `own` and its gradient in the own row. The loss must be of n masks.
///
/// # Errors
/// As [`masks::of`]; [`NotDefined::World`] for a world or terms out of range.
pub fn of(world: &World<'_>, own: usize, loss: &dyn Loss, terms: &Terms) -> Result<Payoff, NotDefined> {
    world.check()?;
    ranged("alpha", terms.alpha, 0.0)?;
    ranged("tau", terms.tau, 0.0)?;
    let means = ranks(world, Reading::Right);
    let masks = masks::of(world, own, &means, terms.temperature)?;
    let slopes = loss.gradient(&masks.values);
    if slopes.len() != world.peers() {
        return Err(Fault::Size { name: "loss", found: slopes.len(), expected: world.peers() }.into());
    }
    let (sign, rank) = match terms.reading {
        Reading::Right => (-1.0, means[own]),
        Reading::Literal => (1.0, ranks(world, Reading::Literal)[own]),
    };
    let mut gradient: Vec<f64> =
        slopes.iter().zip(&masks.slopes).map(|(by_mask, by_weight)| sign * terms.alpha * by_mask * by_weight).collect();
    #[expect(clippy::cast_precision_loss, reason = "at most 2^32 peers")]
    let by_weight = terms.tau * (world.scaling[own] * world.stake[own]) / world.peers() as f64;
    match terms.reading {
        Reading::Right => gradient[own] += by_weight,
        // (1/n) Σ_j w_ij s_i: every entry of the own row pays alike.
        Reading::Literal => gradient.iter_mut().for_each(|slope| *slope += by_weight),
    }
    let at = loss.at(&masks.values);
    finite("payoff", &gradient, gradient.len())?;
    finite("loss", &[at, terms.alpha * at], 2)?;
    Ok(Payoff { loss: at, rank, value: sign * terms.alpha * at + terms.tau * rank, gradient })
}

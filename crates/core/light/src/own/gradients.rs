//! The own gradients at a verified state: which exist, and why the others do not.
//!
//! | | where |
//! |---|---|
//! | ∂L/∂a_i | `Trust`, `Consensus` |
//! | ∂s*_i/∂w_ib of the soft stake clipping | up to 1,024 places, below the clip; advice where the chain does not clip |
//! | ∂P_i/∂w_ij of what is paid | where trust is not binary |
//! | ∂P_i/∂w_ij of the payoff P_i = −α L_i + τ R_i | `Competitive`, through soft masks |
//! | ∂t_i/∂w_ij | `Trust`; near 0 unless somebody leads back, and then [`Gradients::hint`] says so |
//!
//! The payoff is that of the drafts' game: stakes are in parts of their mean over all places, α + τ = 1, and the loss is
//! Σ_j u_j (1 − m_ij) for the scores u_j that the peer learned. A score is what seeing more of j is worth at the masks as they
//! are, and all that the gradient asks of the loss.
//!
//! Gradients are in the entries of the own row one by one, each against nothing, but for that of clipping, whose weight
//! comes from the own self-loop. On the simplex only differences matter.

use super::position::coming;
use super::{Position, Reason};
use commonware_cryptography::ed25519::PublicKey;
use ledger::economy::{self, Economy};
use ledger::{Kind, State, Uid};
use mechanism::arithmetic::sum;
use mechanism::clipping::Clipping;
use mechanism::competitive::payoff::{self, Payoff, Terms, Utility};
use mechanism::competitive::{self, Reading, masks};
use mechanism::fault::NotDefined;
use mechanism::trust;
use mechanism::world::World;

/// A slope for each present peer, by uid.
pub type RowGradient = Vec<(Uid, f64)>;

/// The own gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// ∂L/∂a_i.
    pub scaling: Result<f64, Reason>,
    /// ∂s*_i/∂w_ib for every b but the own uid, s*_i as a share of the whole stake.
    pub clipping: Result<RowGradient, Reason>,
    /// Whether that is advice only: the chain does not rank clipped stake.
    pub advisory: bool,
    /// ∂P_i/∂w_ij of the share of what is paid, before bonds.
    pub paid: Result<RowGradient, Reason>,
    /// ∂P_i/∂w_ij of the payoff.
    pub payoff: Result<RowGradient, Reason>,
    /// ∂t_i/∂w_ij.
    pub trust: Result<RowGradient, Reason>,
    /// What to know of a trust that the own row hardly moves.
    pub hint: Option<Hint>,
}

/// Why the own row hardly moves the own trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// From nobody else is there a way back within the depth of the chain.
    NoWayBack,
    /// There are ways back, but connectivity along them is so far from its threshold that it is flat.
    Flat,
}

impl core::fmt::Display for Hint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoWayBack => {
                "the own row moves the own trust only along ways that lead back, and nobody it could weigh leads back: \
                 others must weigh this peer first"
            }
            Self::Flat => {
                "the own row moves the own trust only along ways that lead back, and connectivity along them is far \
                 from its threshold: a small change moves nothing"
            }
        })
    }
}

/// The gradients of the peer with this uid, at the scores (hot key, score) it learned: [`Position::gradients`], where nothing else
/// is asked.
///
/// # Errors
/// As [`Position::new`].
pub fn gradients(state: &State, uid: Uid, scores: &[(PublicKey, f64)], alpha: f64) -> Result<Gradients, Reason> {
    Ok(Position::new(state, uid)?.gradients(scores, alpha))
}

impl Position<'_> {
    /// The gradients, at the scores (hot key, score) that the peer learned, and at α of the payoff in units of τ.
    pub fn gradients(&self, scores: &[(PublicKey, f64)], alpha: f64) -> Gradients {
        let trust = self.trust();
        Gradients {
            scaling: match &self.epoch.scaling_gradient {
                Ok(gradient) => gradient.get(self.uid.index()).copied().ok_or(Reason::Unregistered { uid: self.uid }),
                Err(reason) => Err(reason.clone().into()),
            },
            clipping: self.clipped(),
            advisory: !self.clips(),
            paid: self.paid().map(|gradient| self.named(&gradient)),
            payoff: self.payoff(scores, alpha).map(|payoff| self.named(&payoff.gradient)),
            hint: trust.as_ref().ok().and_then(|gradient| self.hint(gradient)),
            trust: trust.map(|gradient| self.named(&gradient)),
        }
    }

    fn clipped(&self) -> Result<RowGradient, Reason> {
        let whole = self.whole();
        let gradient = self.clipping.as_ref().map_err(Clone::clone).and_then(Clipping::own_gradient)?;
        let named = gradient.into_iter().map(|(b, slope)| (Uid::new(b), slope / whole));
        Ok(named.filter(|(uid, _)| self.present(*uid)).collect())
    }

    /// ∂P_i/∂w_ij of what is paid, for every place.
    pub(crate) fn paid(&self) -> Result<Vec<f64>, Reason> {
        let peers = economy::present(self.state.neurons());
        let mechanism = economy::mechanism(self.state.parameters(), peers, coming(self.state));
        Ok(mechanism.own_gradient(&self.economy.world(), self.uid.index())?)
    }

    /// The payoff of the game and its gradient, for every place.
    ///
    /// # Errors
    /// [`Reason::NoMasks`], [`Reason::Alpha`], [`Reason::NoStake`], [`Reason::NoScores`], or [`Reason::NotDefined`] for scores
    /// beyond all measure.
    pub fn payoff(&self, scores: &[(PublicKey, f64)], alpha: f64) -> Result<Payoff, Reason> {
        self.payoff_in(&self.economy, scores, alpha)
    }

    /// The same in a market in which the own row is another.
    pub(crate) fn payoff_in(
        &self,
        economy: &Economy,
        scores: &[(PublicKey, f64)],
        alpha: f64,
    ) -> Result<Payoff, Reason> {
        let parameters = self.state.parameters();
        if parameters.mechanism != Kind::Competitive {
            return Err(Reason::NoMasks);
        }
        if !(alpha.is_finite() && alpha >= 0.0) {
            return Err(Reason::Alpha { alpha });
        }
        let own = self.uid.index();
        let stake = in_means(&economy.stake);
        let world = World { stake: &stake, ..economy.world() };
        if world.scaled().get(own).is_none_or(|stake| *stake <= 0.0) {
            return Err(Reason::NoStake);
        }
        let loss = Utility::new(self.utilities(scores).ok_or(Reason::NoScores)?).map_err(NotDefined::from)?;
        let terms = Terms {
            alpha: alpha / (1.0 + alpha),
            tau: 1.0 / (1.0 + alpha),
            temperature: parameters.temperature,
            reading: Reading::Right,
        };
        Ok(payoff::of(&world, own, &loss, &terms)?)
    }

    /// m_ij for every place: how much of each other this peer is to see, on a chain with masks.
    ///
    /// # Errors
    /// [`Reason::NoMasks`]; [`Reason::NotDefined`] where masks are not soft.
    pub fn masks(&self) -> Result<Vec<f64>, Reason> {
        let parameters = self.state.parameters();
        if parameters.mechanism != Kind::Competitive {
            return Err(Reason::NoMasks);
        }
        let stake = in_means(&self.economy.stake);
        let world = World { stake: &stake, ..self.economy.world() };
        let means = competitive::ranks(&world, Reading::Right);
        Ok(masks::of(&world, self.uid.index(), &means, parameters.temperature)?.values)
    }

    /// Scores by place, 0 where there is none; `None` where nobody present has one. Those that are no numbers count as none.
    fn utilities(&self, scores: &[(PublicKey, f64)]) -> Option<Vec<f64>> {
        let mut utilities = vec![0.0; self.economy.stake.len()];
        let mut any = false;
        for (key, score) in scores.iter().filter(|(_, score)| score.is_finite()) {
            if let Some(utility) = self.state.uid(key).and_then(|uid| utilities.get_mut(uid.index())) {
                *utility += score;
                any = true;
            }
        }
        any.then_some(utilities)
    }

    /// ∂t_i/∂w_ij for every place.
    fn trust(&self) -> Result<Vec<f64>, Reason> {
        let parameters = self.state.parameters();
        match parameters.mechanism {
            Kind::Trust => {
                let peers = economy::present(self.state.neurons());
                let parameters = economy::trust_parameters(parameters, peers, coming(self.state));
                Ok(trust::own_trust_gradient(&self.economy.world(), &parameters, self.uid.index())?)
            }
            Kind::Consensus => Err(NotDefined::Binary.into()),
            Kind::Connectivity | Kind::Competitive => Err(Reason::NoTrust),
        }
    }

    fn hint(&self, trust: &[f64]) -> Option<Hint> {
        let own = self.uid.index();
        let largest = |slopes: &[f64]| {
            let others = slopes.iter().enumerate().filter(|(j, _)| *j != own);
            others.fold(0.0, |largest: f64, (_, slope)| largest.max(slope.abs()))
        };
        if largest(trust) > FLAT {
            return None;
        }
        // (W^q)_ji: how much of what is at j leads back within q steps.
        let mut back = vec![0.0; trust.len()];
        back.get_mut(own).into_iter().for_each(|start| *start = 1.0);
        for _ in 1..self.state.parameters().depth {
            back = self.economy.rows.times(&back);
            if largest(&back) > FLAT {
                return Some(Hint::Flat);
            }
        }
        Some(Hint::NoWayBack)
    }

    /// The slopes of present peers, by uid.
    fn named(&self, gradient: &[f64]) -> RowGradient {
        let named = (0u32..).map(Uid::new).zip(gradient.iter().copied());
        named.filter(|(uid, _)| self.present(*uid)).collect()
    }

    pub(crate) fn present(&self, uid: Uid) -> bool {
        self.state.neurons().get(uid.index()).is_some_and(|neuron| !neuron.vacant)
    }
}

/// A slope of trust, which lies within ±1, that counts as none.
const FLAT: f64 = 1e-6;

/// Stakes in parts of their mean over all places: the units of the payoff and of masks.
fn in_means(stake: &[f64]) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "at most 2^20 places")]
    let mean = sum(stake) / stake.len() as f64;
    stake.iter().map(|s| if mean > 0.0 { s / mean } else { 0.0 }).collect()
}

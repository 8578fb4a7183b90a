//! The row that a peer would set next by its policy, and what that would do to its figures.
//!
//! | policy | target |
//! |---|---|
//! | [`Policy::Scores`] | shares of the scores |
//! | [`Policy::Payoff`] | one projected step of rate 1 up the own gradient, from the row as it is |
//! | [`Policy::Hand`] | the shares given |
//!
//! What `Payoff` ascends is the payoff on a chain with masks, and the own part of the incentive on others. Gradients are steep
//! near thresholds, and rows are in integers: a step that would not raise it is halved, until one does or the row rests.
//!
//! Of a target with too many entries the smallest go. The row is in integers, and the step to it shorter than ε
//! ([`crate::policy`]). Figures before and after are evaluations of the whole market, one each where no step is halved: the others'
//! rows are as they are, so that what others do in the same epoch is not in them.
//!
//! Nothing is signed here. A row that rests is a proposal of length 0, since setting it again releases what has accrued.

use crate::own::{Figures, Position, Reason};
use crate::policy::{self, Limits, Policy};
use commonware_cryptography::ed25519::PublicKey;
use ledger::economy::Economy;
use ledger::{Kind, Row, State, Uid, WeightsLeaf};
use mechanism::arithmetic::sum;
use mechanism::epoch::Epoch;
use mechanism::simplex;
use std::collections::BTreeSet;

/// A row that could be set, and its effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// What it follows.
    pub policy: Policy,
    /// The row as it is.
    pub from: Row,
    /// The row to set.
    pub row: Row,
    /// ‖ΔW_i‖₂, the whole row being 1.
    pub length: f64,
    /// ε, below which the chain wants it; a first row is exempt.
    pub epsilon: f64,
    /// The figures as rows are.
    pub before: Figures,
    /// The figures with this row, and all others as they are.
    pub after: Figures,
}

/// The proposal for the peer with this uid: [`Position::propose`], where nothing else is asked.
///
/// # Errors
/// As [`Position::new`] and [`Position::propose`].
pub fn propose(
    state: &State,
    uid: Uid,
    policy: Policy,
    scores: &[(PublicKey, f64)],
    by_hand: Option<&[(Uid, f64)]>,
) -> Result<Proposal, Reason> {
    Position::new(state, uid)?.propose(policy, scores, by_hand, None)
}

impl Position<'_> {
    /// The row to set by `policy`, at the scores (hot key, score) that the peer learned and the shares that were given by hand;
    /// from the own row of the state, or from a `newer` one, with which the market is then evaluated anew.
    ///
    /// # Errors
    /// [`Reason::Never`]; [`Reason::NoScores`]; [`Reason::NoShares`], [`Reason::Share`] or [`Reason::Stranger`] for a row by hand;
    /// what [`Position::payoff`] or the gradient of what is paid is not defined for; [`Reason::TooFew`].
    pub fn propose(
        &self,
        policy: Policy,
        scores: &[(PublicKey, f64)],
        by_hand: Option<&[(Uid, f64)]>,
        newer: Option<&WeightsLeaf>,
    ) -> Result<Proposal, Reason> {
        let (state, uid) = (self.state(), self.uid());
        let leaf = self.leaf();
        if let Some(newer) = newer.filter(|newer| newer.version > leaf.version) {
            return Self::with_leaf(state, uid, newer.clone())?.propose(policy, scores, by_hand, None);
        }
        let limits = Limits::of(state);
        let there: BTreeSet<Uid> = (0u32..)
            .map(Uid::new)
            .zip(state.neurons())
            .filter_map(|(uid, neuron)| (!neuron.vacant).then_some(uid))
            .collect();
        let current = Some(&leaf.row).filter(|_| leaf.version > 0);
        let towards = |target: &[(Uid, f64)]| policy::towards(uid, current, target, &there, limits);
        let (row, after) = match policy {
            Policy::Scores => {
                let shares = policy::shares(uid, scores, |key| state.uid(key), limits.max_weights);
                if shares.is_empty() {
                    return Err(Reason::NoScores);
                }
                self.foresee(towards(&shares))?
            }
            Policy::Payoff { alpha } => self.ascend(scores, alpha, &there, current.map(|_| limits.epsilon), towards)?,
            Policy::Hand => self.foresee(towards(&self.by_hand(by_hand)?))?,
            Policy::Never => return Err(Reason::Never),
        };
        let least = limits.min_weights.min(there.len());
        if row.len() < least {
            return Err(Reason::TooFew { entries: row.len(), least });
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 2·65,535²")]
        let length = (leaf.row.distance_squared(&row) as f64).sqrt() / f64::from(u16::MAX);
        Ok(Proposal {
            policy,
            from: leaf.row.clone(),
            row,
            length,
            epsilon: limits.epsilon,
            before: self.figures(),
            after,
        })
    }

    fn foresee(&self, row: Row) -> Result<(Row, Figures), Reason> {
        let figures = self.figures_with(&row)?;
        Ok((row, figures))
    }

    /// The row after one step up the gradient, no longer than `epsilon` where there is one, and the figures with it.
    fn ascend(
        &self,
        scores: &[(PublicKey, f64)],
        alpha: f64,
        there: &BTreeSet<Uid>,
        epsilon: Option<f64>,
        towards: impl Fn(&[(Uid, f64)]) -> Row,
    ) -> Result<(Row, Figures), Reason> {
        let row = &self.leaf().row;
        let masks = self.state().parameters().mechanism == Kind::Competitive;
        let value = |economy: &Economy, epoch: &Epoch| -> Result<f64, Reason> {
            if masks {
                return Ok(self.payoff_in(economy, scores, alpha)?.value);
            }
            let own = epoch.incentive.get(self.uid().index()).copied().unwrap_or_default();
            Ok(own / sum(&epoch.incentive))
        };
        let gradient = if masks { self.payoff(scores, alpha)?.gradient } else { self.paid()? };
        let slopes: Vec<f64> = there.iter().filter_map(|uid| gradient.get(uid.index()).copied()).collect();
        let from: Vec<f64> = there.iter().map(|uid| row.share(*uid)).collect();
        let to = simplex::ascend(&from, &slopes, RATE, epsilon.unwrap_or(f64::INFINITY));
        let now = value(&self.economy, &self.epoch)?;
        let mut part = 1.0;
        for _ in 0..HALVINGS {
            let between = from.iter().zip(&to).map(|(from, to)| from + part * (to - from));
            let target: Vec<(Uid, f64)> = there.iter().copied().zip(between).collect();
            let next = towards(&target);
            if next == *row {
                break;
            }
            let (economy, epoch) = self.with(&next)?;
            // What is not a number is no rise.
            if value(&economy, &epoch)? > now {
                let figures = self.foreseen(&next, &epoch);
                return Ok((next, figures));
            }
            part *= 0.5;
        }
        Ok((row.clone(), self.figures()))
    }

    fn by_hand(&self, shares: Option<&[(Uid, f64)]>) -> Result<Vec<(Uid, f64)>, Reason> {
        let shares = shares.filter(|shares| shares.iter().any(|(_, share)| *share > 0.0)).ok_or(Reason::NoShares)?;
        for &(uid, share) in shares {
            if !(share.is_finite() && share >= 0.0) {
                return Err(Reason::Share { uid, share });
            }
            if !self.present(uid) {
                return Err(Reason::Stranger { uid });
            }
        }
        Ok(shares.to_vec())
    }
}

/// Factor of the gradient, as in the drafts' game.
const RATE: f64 = 1.0;

/// Steps that are tried, each half as long as the one before.
const HALVINGS: usize = 12;

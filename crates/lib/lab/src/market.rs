//! The market game of the `Competitive` drafts: peers with quadratic losses who ascend their payoffs, all at once.
//!
//! Peer i holds stake 1 and moves its row by gradient steps on P_i = −α L_i + τ R_i, with L_i = ½ (1 − m)ᵀ H_i (1 − m) of
//! its competitive masks m ([`mechanism::competitive`]). Rows stay on the simplex, and no step is longer than ε
//! ([`mechanism::simplex`]). What they would agree on if they were told their scores, is R*: the rank of rows that score
//! j by the quadratic form of H_i ([`mechanism::pruning`]), normalised.
//!
//! Only α/τ moves the optimum. α + τ = 1 throughout, so that one rate suits every ratio.

pub mod law;

use crate::chain::sparse;
use crate::report::Column;
use crate::scenario::LabError;
use mechanism::competitive::payoff::{self, Loss, Payoff, Quadratic, Terms};
use mechanism::competitive::{Reading, ranks, self_share};
use mechanism::pruning::{Form, quadratic};
use mechanism::rows::Rows;
use mechanism::simplex::ascend;
use mechanism::world::World;

/// A step below which rows rest.
pub const STILL: f64 = 1e-6;

/// The losses of n peers.
#[derive(Clone, Debug)]
pub struct Market {
    losses: Vec<Quadratic>,
    scores: Vec<Vec<f64>>,
    stake: Vec<f64>,
}

/// How peers move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moves {
    /// Factor of the gradient.
    pub rate: f64,
    /// ε, the longest step.
    pub epsilon: f64,
}

/// Where a game ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// W, n rows of n.
    pub rows: Vec<Vec<f64>>,
    /// Steps taken.
    pub steps: usize,
    /// Whether the last step was shorter than [`STILL`] for every peer.
    pub rests: bool,
}

impl Market {
    /// The market of these n Hessians, n × n each, row by row, symmetric.
    ///
    /// # Errors
    /// [`LabError::Fault`] where one is of another size or not finite.
    pub fn new(hessians: Vec<Vec<f64>>) -> Result<Self, LabError> {
        let peers = hessians.len();
        let answers = vec![1.0; peers];
        let score = |hessian: &Vec<f64>| quadratic(hessian, &answers, Form::Whole).map(normalised);
        let scores = hessians.iter().map(score).collect::<Result<_, _>>()?;
        let losses = hessians.into_iter().map(|hessian| Quadratic::new(hessian, peers)).collect::<Result<_, _>>()?;
        Ok(Self { losses, scores, stake: answers })
    }

    /// Number of peers n.
    #[must_use]
    pub fn peers(&self) -> usize {
        self.losses.len()
    }

    /// The coordinated weights: the score of every neighbour, each row over its sum.
    #[must_use]
    pub fn ideal(&self) -> &[Vec<f64>] {
        &self.scores
    }

    /// R of these rows.
    ///
    /// # Errors
    /// [`LabError::Rows`].
    pub fn ranks(&self, rows: &[Vec<f64>]) -> Result<Vec<f64>, LabError> {
        let weights = sparse(rows)?;
        Ok(ranks(&self.world(&weights), Reading::Right))
    }

    /// The payoff of peer `own` at these rows, with its gradient.
    ///
    /// # Errors
    /// [`LabError::Rows`] or [`LabError::NotDefined`].
    pub fn payoff(&self, rows: &[Vec<f64>], own: usize, terms: &Terms) -> Result<Payoff, LabError> {
        let weights = sparse(rows)?;
        Ok(payoff::of(&self.world(&weights), own, &self.losses[own], terms)?)
    }

    /// One step of every peer from the same rows; `seen` is the loss of a peer as far as its gradient knows it.
    ///
    /// # Errors
    /// As [`Market::payoff`].
    pub fn step<'a>(
        &'a self,
        rows: &[Vec<f64>],
        terms: &Terms,
        moves: Moves,
        seen: impl Fn(&'a Quadratic) -> &'a dyn Loss,
    ) -> Result<Vec<Vec<f64>>, LabError> {
        let weights = sparse(rows)?;
        let world = self.world(&weights);
        let mut next = Vec::with_capacity(rows.len());
        for (own, (row, loss)) in rows.iter().zip(&self.losses).enumerate() {
            let payoff = payoff::of(&world, own, seen(loss), terms)?;
            next.push(ascend(row, &payoff.gradient, moves.rate, moves.epsilon));
        }
        Ok(next)
    }

    /// Steps until all rest, at most `steps`.
    ///
    /// # Errors
    /// As [`Market::payoff`].
    pub fn play(&self, start: &[Vec<f64>], terms: &Terms, moves: Moves, steps: usize) -> Result<End, LabError> {
        let mut rows = start.to_vec();
        for taken in 0..steps {
            let next = self.step(&rows, terms, moves, |loss| loss)?;
            let rests = distance(&rows, &next) < STILL;
            rows = next;
            if rests {
                return Ok(End { rows, steps: taken + 1, rests });
            }
        }
        Ok(End { rows, steps, rests: false })
    }

    fn world<'a>(&'a self, weights: &'a Rows) -> World<'a> {
        World { stake: &self.stake, scaling: &self.stake, weights }
    }
}

/// α and τ of this ratio α/τ, summing to 1.
#[must_use]
pub fn terms(ratio: f64, temperature: f64) -> Terms {
    Terms { alpha: ratio / (1.0 + ratio), tau: 1.0 / (1.0 + ratio), temperature, reading: Reading::Right }
}

/// Share of the diagonal in all weight.
///
/// # Errors
/// [`LabError::Rows`].
pub fn own_share(rows: &[Vec<f64>]) -> Result<f64, LabError> {
    Ok(self_share(&sparse(rows)?))
}

/// The longest step of a row between two matrices, in L2.
#[must_use]
pub fn distance(before: &[Vec<f64>], after: &[Vec<f64>]) -> f64 {
    let mut longest = 0.0_f64;
    for (before, after) in before.iter().zip(after) {
        let mut squares = 0.0;
        for (before, after) in before.iter().zip(after) {
            squares += (after - before) * (after - before);
        }
        longest = longest.max(squares.sqrt());
    }
    longest
}

/// The columns `column` and `row` of a heat map of n rows, and the weights of each matrix in the same order.
#[must_use]
pub fn heat(matrices: &[(String, &[Vec<f64>])]) -> Vec<Column> {
    let peers = matrices.first().map_or(0, |(_, rows)| rows.len());
    let places: Vec<f64> = Column::index("", peers).values;
    let flat = |one: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
        places.iter().flat_map(|&row| places.iter().map(move |&column| one(row, column))).collect()
    };
    let mut columns = vec![Column::new("column", flat(&|_, column| column)), Column::new("row", flat(&|row, _| row))];
    columns.extend(matrices.iter().map(|(name, rows)| Column::new(name.clone(), rows.concat())));
    columns
}

/// `values` over their sum; equal shares where the sum is not above 0.
fn normalised(mut values: Vec<f64>) -> Vec<f64> {
    let mut sum = 0.0;
    for value in &values {
        sum += value;
    }
    let equal = law::share(values.len());
    values.iter_mut().for_each(|value| *value = if sum > 0.0 { *value / sum } else { equal });
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Market {
        Market::new(vec![vec![1.0, 0.0, 0.0, 3.0], vec![2.0, 0.0, 0.0, 2.0]]).unwrap()
    }

    #[test]
    fn the_ideal_scores_by_the_quadratic_form() {
        let market = two();
        assert_eq!(market.ideal(), [[0.25, 0.75], [0.5, 0.5]]);
        assert_eq!(market.ranks(market.ideal()).unwrap(), [0.375, 0.625]);
        assert!(Market::new(vec![vec![1.0; 3], vec![1.0; 4]]).is_err());
    }

    #[test]
    fn steps_stay_within_their_length_and_raise_the_own_payoff() {
        let market = two();
        let (terms, moves) = (terms(2.0, 0.25), Moves { rate: 0.01, epsilon: 0.5 });
        let rows = vec![vec![0.5, 0.5], vec![0.5, 0.5]];
        let next = market.step(&rows, &terms, moves, |loss| loss).unwrap();
        assert!(distance(&rows, &next) <= 0.5 && distance(&rows, &next) > 0.0);
        for own in 0..2 {
            let mut moved = rows.clone();
            moved[own].clone_from(&next[own]);
            let value = |rows: &[Vec<f64>]| market.payoff(rows, own, &terms).unwrap().value;
            assert!(value(&moved) > value(&rows));
        }
    }

    #[test]
    fn who_rests_stops() {
        let market = two();
        let loners = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
        let end = market.play(&loners, &terms(1e-6, 0.25), Moves { rate: 0.1, epsilon: 0.1 }, 9).unwrap();
        assert_eq!(end, End { rows: loners, steps: 1, rests: true });
    }

    #[test]
    fn a_heat_map_lists_every_entry() {
        let columns = heat(&[("w".into(), &[vec![1.0, 2.0], vec![3.0, 4.0]])]);
        let values: Vec<&[f64]> = columns.iter().map(|column| column.values.as_slice()).collect();
        assert_eq!(values, [[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0]]);
    }
}

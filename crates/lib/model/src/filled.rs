//! The answers of a step in their places, [batch, k]: given by the peer, stood in for by the student, or missing.
//!
//! An answer of another modality than the own (a bridge asks both graphs) enters as its mean over positions, and so does
//! its gradient go back.

use data::Spec;

use crate::{Error, Outcome, Routing};

/// What a step read back of each place, of losses that are means over the batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares<'a> {
    /// [batch, k, seq, dim]: ∂L/∂f_j.
    pub gradients: &'a [f32],
    /// [batch, k]
    pub gates: &'a [f32],
    /// [batch, k]: f_j · ∂L/∂f_j where all of them count nothing.
    pub none: &'a [f64],
}

/// Who fills the places of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Filled {
    /// [batch, k, seq, dim]: answers given, else 0.
    pub values: Vec<f32>,
    /// [batch, k]: 1 where the peer answered.
    pub given: Vec<f32>,
    /// [batch, k]: 1 where the student stands in.
    pub stood: Vec<f32>,
    /// Positions of the part that each chosen slot answers about.
    seqs: Vec<usize>,
    /// Values of an example of the own modality: [seq, dim].
    row: [usize; 2],
}

impl Filled {
    /// Puts `answers`, one a chosen slot of `routing`, in their places. The student stands in where `taught` says so.
    /// `None` where there is nobody at all.
    ///
    /// # Errors
    /// [`Error::Unfit`] and [`Error::WrongSize`] where answers, routing and model do not belong together.
    pub fn new(
        routing: &Routing,
        answers: &[Option<Vec<f32>>],
        spec: &Spec,
        dim: usize,
        taught: impl Fn(usize) -> bool,
    ) -> Result<Option<Self>, Error> {
        if answers.len() != routing.slots.len() {
            let text = format!("{} answers for {} slots", answers.len(), routing.slots.len());
            return Err(Error::Unfit(text));
        }
        let part = |part: &usize| spec.parts.get(*part).map(|part| part.seq);
        let unfit = || Error::Unfit("a routing to parts that the model does not have".into());
        let seqs: Vec<usize> = routing.parts.iter().map(part).collect::<Option<_>>().ok_or_else(unfit)?;
        let own = part(&0).ok_or_else(unfit)?;
        for ((answer, seq), rows) in answers.iter().zip(&seqs).zip(&routing.routed) {
            let expected = rows.len() * seq * dim;
            if let Some(got) = answer.as_ref().map(Vec::len).filter(|got| *got != expected) {
                return Err(Error::WrongSize { expected, got });
            }
        }
        let row = own * dim;
        let places = routing.picks.len();
        let mut filled = Self {
            values: vec![0.0; places * row],
            given: vec![0.0; places],
            stood: vec![0.0; places],
            seqs,
            row: [own, dim],
        };
        for (place, (chosen, index)) in routing.places().enumerate() {
            let seq = filled.seqs.get(chosen).copied().ok_or_else(unfit)?;
            if let Some(Some(answer)) = answers.get(chosen) {
                let answer = &answer[index * seq * dim..(index + 1) * seq * dim];
                filled.given[place] = 1.0;
                let into = &mut filled.values[place * row..(place + 1) * row];
                if routing.parts[chosen] == 0 {
                    into.copy_from_slice(answer);
                } else {
                    spread(answer, dim, into, 1.0 / seq as f32);
                }
            } else if taught(routing.picks[place]) {
                filled.stood[place] = 1.0;
            }
        }
        let any = filled.given.iter().chain(&filled.stood).any(|there| *there > 0.0);
        Ok(any.then_some(filled))
    }

    /// Whether a peer answered.
    pub fn any_given(&self) -> bool {
        self.given.iter().any(|given| *given > 0.0)
    }

    /// Whether the student stands in for one.
    pub fn any_stood(&self) -> bool {
        self.stood.iter().any(|stood| *stood > 0.0)
    }

    /// 1 where somebody fills the place; `None` where all places are filled.
    pub fn there(&self) -> Option<Vec<f32>> {
        let there: Vec<f32> = self.given.iter().zip(&self.stood).map(|(given, stood)| given + stood).collect();
        there.contains(&0.0).then_some(there)
    }

    /// Gives each slot that answered its gradients, scores and gate mass.
    pub fn share_out(&self, routing: &Routing, shares: Shares<'_>, outcome: &mut Outcome) {
        let Shares { gradients, gates, none } = shares;
        let [seq, dim] = self.row;
        let row = seq * dim;
        let batch = routing.batch as f64;
        if gradients.len() != self.values.len() || gates.len() != self.given.len() || none.len() != gates.len() {
            return;
        }
        for (place, (chosen, index)) in routing.places().enumerate().filter(|(place, _)| self.given[*place] > 0.0) {
            let values = &self.values[place * row..(place + 1) * row];
            let gradient = &gradients[place * row..(place + 1) * row];
            let inner: f64 = values.iter().zip(gradient).map(|(f, g)| f64::from(*f) * f64::from(*g)).sum();
            outcome.fisher[chosen] += (inner * batch).powi(2) / batch;
            let gain = -(none[place] + inner) / 2.0;
            if gain.is_finite() {
                *outcome.gain[chosen].get_or_insert(0.0) += gain;
            }
            outcome.mass[chosen] += f64::from(gates[place]) / batch;
            let theirs = self.seqs[chosen] * dim;
            let rows = routing.routed[chosen].len();
            let whole = outcome.gradients[chosen].get_or_insert_with(|| vec![0.0; rows * theirs]);
            let into = &mut whole[index * theirs..(index + 1) * theirs];
            if routing.parts[chosen] == 0 {
                into.copy_from_slice(gradient);
            } else {
                spread(gradient, dim, into, 1.0 / self.seqs[chosen] as f32);
            }
        }
        let answered = outcome.gradients.iter().zip(&routing.slots).filter(|(gradient, _)| gradient.is_some());
        outcome.heard = answered.map(|(_, slot)| *slot).collect();
    }
}

/// Writes the sum of the positions of `from`, times `scale`, to every position of `to`; both are `[·, dim]`.
fn spread(from: &[f32], dim: usize, to: &mut [f32], scale: f32) {
    let mut sum = vec![0.0f32; dim];
    for position in from.chunks_exact(dim) {
        sum.iter_mut().zip(position).for_each(|(sum, value)| *sum += value * scale);
    }
    to.chunks_exact_mut(dim).for_each(|position| position.copy_from_slice(&sum));
}

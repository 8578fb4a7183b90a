//! Asking: one ask to each neighbour that the gate chose for a batch, under way while other batches are computed, and what
//! came back within each one's deadline.
//!
//! What comes back was parsed already and is finite; here it is held against the ask: its id, its shape, and the largest
//! value that a representation can have, so that nothing that comes from outside can overflow the own loss. An ask ends by
//! itself when its deadline is over: nothing here waits without end.

use std::rc::Rc;
use std::time::Duration;

use data::Batch;
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use model::Routing;
use protocol::exchange::{Answer, Ask, Encoding, Inputs, Shape, ShapeError, Want};

use crate::event::Blame;
use crate::mesh::{Mesh, Unanswered};
use crate::roster::{Candidate, Roster};

/// The asks of one batch: one a chosen slot, none where its neighbour is away and its student stands in.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) routing: Routing,
    pub(crate) asks: Vec<Option<Ticket>>,
}

/// One ask that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) candidate: Candidate,
    /// Step in which it was sent.
    pub(crate) asked: u64,
    /// The shape asked about: of the part of the batch that this neighbour represents.
    pub(crate) shape: Shape,
    /// Bytes of its inputs.
    pub(crate) bytes: u64,
}

/// What an ask came to.
#[derive(Debug)]
pub(crate) struct Landed {
    pub(crate) id: u64,
    pub(crate) millis: f64,
    pub(crate) result: Result<Heard, Missing>,
}

/// A good answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Heard {
    /// [rows, seq, dim].
    pub(crate) values: Vec<f32>,
    /// Bytes of it on the way.
    pub(crate) bytes: u64,
}

/// Why there is no answer to use.
#[derive(Debug, PartialEq)]
pub(crate) enum Missing {
    /// Nothing within the deadline, or a refusal.
    Silent,
    /// Nonsense.
    Blamed(Blame),
}

impl Flight {
    /// Nobody is asked.
    pub(crate) fn alone() -> Self {
        Self { routing: Routing::nobody(), asks: Vec::new() }
    }
}

/// What is the same in all asks of a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) want: Want,
    pub(crate) encoding: Encoding,
    pub(crate) dim: usize,
}

/// Sends the asks of `batch` to those of `candidates` that hold a slot of `routing`, each about the part of the batch that it
/// represents. `next` numbers them.
///
/// # Errors
/// [`ShapeError`] where an ask cannot be made of the batch.
#[expect(clippy::too_many_arguments, reason = "parts of one peer, borrowed apart")]
pub(crate) fn depart(
    mesh: &Rc<dyn Mesh>,
    batch: &Batch,
    mut routing: Routing,
    candidates: &[Candidate],
    roster: &Roster,
    wish: Wish,
    step: u64,
    next: &mut u64,
) -> Result<(Flight, Vec<LocalBoxFuture<'static, Landed>>), ShapeError> {
    let mut flights = Vec::new();
    let mut asks = Vec::with_capacity(routing.slots.len());
    for place in 0..routing.slots.len() {
        let candidate = candidates.iter().find(|candidate| candidate.slot == routing.slots[place]);
        let part = candidate.and_then(|candidate| part(batch, candidate));
        if let (Some(part), Some(of)) = (part, routing.parts.get_mut(place)) {
            *of = part;
        }
        let inputs = part.and_then(|_| routing.inputs(place, batch).ok());
        let (Some(candidate), Some(inputs)) = (candidate, inputs) else {
            asks.push(None);
            continue;
        };
        *next = next.wrapping_add(1);
        let (id, shape, bytes) = (*next, inputs.shape(), size(&inputs));
        let deadline_ms = roster.deadline(&candidate.neighbour.key);
        let ask = Ask::new(id, inputs, wish.want, wish.encoding, deadline_ms)?;
        flights.push(fly(mesh.clone(), candidate.neighbour.peer.clone(), ask, wish.dim).boxed_local());
        asks.push(Some(Ticket { id, candidate: candidate.clone(), asked: step, shape, bytes }));
    }
    Ok((Flight { routing, asks }, flights))
}

/// The part of `batch` that a neighbour represents.
fn part(batch: &Batch, candidate: &Candidate) -> Option<usize> {
    batch.parts.iter().position(|inputs| candidate.neighbour.modalities.contains(inputs.modality()))
}

async fn fly(mesh: Rc<dyn Mesh>, peer: String, ask: Ask, dim: usize) -> Landed {
    let (id, shape) = (ask.id(), ask.inputs().shape());
    let deadline = Duration::from_millis(ask.deadline_ms().into());
    let started = mesh.now();
    let result = futures::select_biased! {
        answer = mesh.ask(&peer, ask).fuse() => check(answer, id, shape, dim),
        () = mesh.sleep(deadline).fuse() => Err(Missing::Silent),
    };
    Landed { id, millis: mesh.now().saturating_sub(started).as_secs_f64() * 1e3, result }
}

/// Holds an answer against its ask.
fn check(answer: Result<Answer, Unanswered>, id: u64, shape: Shape, dim: usize) -> Result<Heard, Missing> {
    let answer = answer.map_err(|unanswered| match unanswered {
        Unanswered::Unreadable(reason) => Missing::Blamed(Blame::Unreadable(reason)),
        Unanswered::Refused(_) | Unanswered::Gone(_) => Missing::Silent,
    })?;
    let blame = |blame: Blame| Missing::Blamed(blame);
    if answer.id != id {
        return Err(blame(Blame::OtherAsk { expected: id, got: answer.id }));
    }
    answer.representation.check(shape, dim as u32).map_err(|error| blame(error.into()))?;
    let bytes = answer.representation.encoding().bytes(shape.tokens(), dim) as u64;
    let values = answer.representation.into_values();
    let largest = model::largest(dim);
    let value = values.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    if value > largest {
        return Err(blame(Blame::OutOfRange { value, largest }));
    }
    Ok(Heard { values, bytes })
}

/// Bytes of inputs on the way.
fn size(inputs: &Inputs) -> u64 {
    use protocol::exchange::Values;
    match inputs.values() {
        Values::Bytes(bytes) => bytes.len() as u64,
        Values::Reals(reals) => 4 * reals.len() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::exchange::{Refuse, Representation, RepresentationError};

    fn answer(id: u64, shape: Shape, dim: u32, value: f32) -> Result<Answer, Unanswered> {
        let values = vec![value; shape.tokens() * dim as usize];
        Ok(Answer { id, representation: Representation::new(shape, dim, values).unwrap() })
    }

    #[test]
    fn each_wrong_answer_has_its_name() {
        let shape = Shape::new(2, 3).unwrap();
        let heard = check(answer(1, shape, 4, 1.0), 1, shape, 4).unwrap();
        assert_eq!((heard.values.len(), heard.bytes), (24, 96));
        assert_eq!(
            check(answer(2, shape, 4, 1.0), 1, shape, 4),
            Err(Missing::Blamed(Blame::OtherAsk { expected: 1, got: 2 }))
        );
        assert_eq!(
            check(answer(1, Shape::new(3, 2).unwrap(), 4, 1.0), 1, shape, 4),
            Err(Missing::Blamed(Blame::Shape(RepresentationError::Shape { expected: [2, 3, 4], got: [3, 2, 4] })))
        );
        assert_eq!(
            check(answer(1, shape, 4, -1e30), 1, shape, 4),
            Err(Missing::Blamed(Blame::OutOfRange { value: 1e30, largest: model::largest(4) }))
        );
        assert_eq!(check(Err(Unanswered::Refused(Refuse::NotTraining)), 1, shape, 4), Err(Missing::Silent));
        let unreadable = check(Err(Unanswered::Unreadable("not a number".into())), 1, shape, 4);
        assert_eq!(unreadable, Err(Missing::Blamed(Blame::Unreadable("not a number".into()))));
    }
}

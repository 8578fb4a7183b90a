//! Asking: one ask to each chosen neighbour, and what came back within the deadline.
//!
//! What comes back was parsed already and is finite; here it is held against the ask: its id, its shape, and the largest
//! value that a representation can have, so that nothing that comes from outside can overflow the own loss.

use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use futures_timer::Delay;
use model::{Answered, Batch};
use protocol::exchange::{Answer, Ask, Modality, Shape, ShapeError};
use web_time::Instant;

use crate::event::Blame;
use crate::mesh::{Mesh, Unanswered};
use crate::roster::Candidate;

/// What one neighbour's ask came to.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) candidate: Candidate,
    pub(crate) millis: f64,
    pub(crate) result: Result<Answered, Missing>,
}

/// Why there is no answer to use.
#[derive(Debug, PartialEq)]
pub(crate) enum Missing {
    /// Nothing within the deadline, or a refusal.
    Silent,
    /// Nonsense.
    Blamed(Blame),
}

/// Asks all of `chosen` and waits for `deadline_ms` at most. One reply for each of them, in their order.
pub(crate) async fn round<M: Mesh>(
    mesh: &M,
    chosen: Vec<Candidate>,
    batch: &Batch,
    dim: usize,
    id: u64,
    deadline_ms: u32,
) -> Result<Vec<Reply>, ShapeError> {
    let shape = Shape::new(batch.batch as u32, batch.seq as u32)?;
    let ask = Ask::new(id, Modality::TEXT, shape, batch.inputs.clone(), deadline_ms)?;
    let started = Instant::now();
    let mut asking: FuturesUnordered<_> = chosen
        .iter()
        .enumerate()
        .map(|(index, candidate)| {
            let ask = ask.clone();
            async move { (index, mesh.ask(&candidate.neighbour.peer, ask).await) }
        })
        .collect();
    let mut results: Vec<Option<(f64, Result<Answered, Missing>)>> = chosen.iter().map(|_| None).collect();
    let mut deadline = Delay::new(Duration::from_millis(u64::from(deadline_ms))).fuse();
    loop {
        futures::select_biased! {
            answer = asking.next() => {
                let Some((index, answer)) = answer else { break };
                let slot = chosen[index].slot;
                let result = check(answer, id, shape, dim).map(|values| Answered { slot, values });
                results[index] = Some((millis(started), result));
            }
            () = deadline => break,
        }
    }
    drop(asking);
    let waited = millis(started);
    let replies = chosen.into_iter().zip(results).map(|(candidate, result)| {
        let (millis, result) = result.unwrap_or((waited, Err(Missing::Silent)));
        Reply { candidate, millis, result }
    });
    Ok(replies.collect())
}

fn check(answer: Result<Answer, Unanswered>, id: u64, shape: Shape, dim: usize) -> Result<Vec<f32>, Missing> {
    let answer = answer.map_err(|unanswered| match unanswered {
        Unanswered::Unreadable(reason) => Missing::Blamed(Blame::Unreadable(reason)),
        Unanswered::Refused(_) | Unanswered::Gone(_) => Missing::Silent,
    })?;
    let blame = |blame: Blame| Missing::Blamed(blame);
    if answer.id != id {
        return Err(blame(Blame::OtherAsk { expected: id, got: answer.id }));
    }
    answer.representation.check(shape, dim as u32).map_err(|error| blame(error.into()))?;
    let values = answer.representation.into_values();
    let largest = model::largest(dim);
    let value = values.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    if value > largest {
        return Err(blame(Blame::OutOfRange { value, largest }));
    }
    Ok(values)
}

pub(crate) fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
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
        assert_eq!(check(answer(1, shape, 4, 1.0), 1, shape, 4).unwrap().len(), 24);
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

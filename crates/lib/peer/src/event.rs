//! What goes into the loop besides messages, and what comes out of it.

use model::Chosen;
use protocol::exchange::RepresentationError;
use protocol::port::trainer::Step;

/// What a caller may want of a running peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Hold before the next step, or go on. Asks are answered meanwhile.
    Pause(bool),
    /// Finish the step and end.
    Stop,
}

/// What a running peer tells.
#[derive(Clone, Debug)]
pub enum Event {
    /// A step is done.
    Step(Step),
    /// Smoothed Fisher scores by hot key, the own one among them.
    Scores(Vec<(String, f64)>),
    /// A neighbour's answer could not be used; it is not asked for a while.
    Blamed {
        /// Its peer id.
        peer: String,
        /// What was wrong.
        blame: Blame,
    },
    /// The device was lost, and training goes on here.
    Moved(Chosen),
    /// Something a person should know; the loop goes on.
    Trouble(String),
}

/// What was wrong with an answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Blame {
    /// It could not be parsed, or holds what is no number.
    #[error("sent an answer that cannot be read: {0}")]
    Unreadable(String),
    /// It has another shape than was asked for.
    #[error("sent an answer of {0}")]
    Shape(#[from] RepresentationError),
    /// It names another ask.
    #[error("answered ask {got} instead of {expected}")]
    OtherAsk {
        /// Id asked.
        expected: u64,
        /// Id named.
        got: u64,
    },
    /// A value is larger than a representation can hold.
    #[error("sent the value {value}; none is larger than {largest}")]
    OutOfRange {
        /// The largest magnitude found.
        value: f32,
        /// The largest allowed.
        largest: f32,
    },
}

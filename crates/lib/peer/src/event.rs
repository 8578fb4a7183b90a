//! What goes into the loop besides messages, and what comes out of it.

use std::collections::BTreeMap;

use model::{Chosen, Measured, Removal};
use protocol::exchange::RepresentationError;
use protocol::port::trainer::Step;

/// What a caller may want of a running peer.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    /// Hold before the next step, or go on. Asks are answered meanwhile.
    Pause(bool),
    /// Finish the step and end.
    Stop,
    /// Tell all that is needed to go on later ([`Event::Kept`]).
    Keep,
    /// Tell it from now on whenever so many steps are done; 0: only when it is asked for.
    KeepEvery(u64),
    /// Tell the weights alone ([`Event::Exported`]).
    Export,
    /// Go on with these weights, a safetensors file of the same model ([`Event::Imported`]).
    Import(Vec<u8>),
    /// Tell the losses on so many batches of the held-out part ([`Event::Validation`]).
    Validate {
        /// At most; fewer where the part has fewer.
        batches: usize,
    },
    /// Ask nobody, so that nothing of the data leaves this place, or ask again. Others are answered all the same.
    Private(bool),
    /// Take so much for 1,024 positions of logits from who has no stake: base units, 0 where they are free.
    Price(u64),
    /// Multiply the neighbours' answers with these, by hot key (lower-case hex): m_ij = σ((s_i w_ij − μ_j)/T) of a chain with
    /// competitive masks, 0 to 1. Who is not named bids nothing and has no bids, so its mask is ½. Without any name there are no masks.
    Masks(BTreeMap<String, f64>),
}

/// What a running peer tells.
#[derive(Clone, Debug)]
pub enum Event {
    /// A step is done.
    Step(Step),
    /// What each neighbour was worth lately, and the own encoding.
    Scores(Vec<Scored>),
    /// A neighbour's answer could not be used; it is not asked for a while.
    Blamed {
        /// Its peer id.
        peer: String,
        /// What was wrong.
        blame: Blame,
    },
    /// All that is needed to go on from here: [`crate::Setup::kept`].
    Kept(Vec<u8>),
    /// The weights, as safetensors.
    Exported(Vec<u8>),
    /// The weights that were given are the own ones from now on.
    Imported,
    /// The losses on the held-out part.
    Validation(Validation),
    /// The device was lost, and training goes on here.
    Moved(Chosen),
    /// Something a person should know; the loop goes on.
    Trouble(String),
}

/// What one neighbour, or the own encoding, was worth lately. Decisions 11 has the units.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Its hot key, lower-case hex.
    pub key: String,
    /// What it is worth, at least 0, in units of Fisher scores: its share by gain of what all those that gain score; of the
    /// own encoding its Fisher score.
    pub score: f64,
    /// Standard error of that.
    pub error: f64,
    /// Smoothed Fisher score, at least 0.
    pub fisher: f64,
    /// Smoothed part in what the loss falls by with all answers, nats; 0 for the own encoding.
    pub gain: f64,
    /// Smoothed loss change when it is left out, nats; `None` where that was not looked at yet, and for the own encoding.
    pub exact: Option<Removal>,
    /// Smoothed share of the gate's weight, 0 to 1; 0 for the own encoding, which is not gated.
    pub mass: f64,
}

/// Losses on the same held-out examples, three ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    /// Step after which it was done.
    pub step: u64,
    /// Examples.
    pub examples: usize,
    /// With the answers of those that answered, students for the others; `None` when nobody answered, or was asked.
    pub peers: Option<Measured>,
    /// The own model alone.
    pub alone: Measured,
    /// Students in the place of all peers.
    pub student: Measured,
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

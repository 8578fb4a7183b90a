//! Why bytes are no dataset, told to the person whose bytes they are: what was found, where, and what to do.

use protocol::exchange::ShapeError;

/// Why there is no dataset.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A text shorter than a few windows.
    #[error("the text has {bytes} bytes; at least {least} are needed: add text")]
    TooShort {
        /// Bytes given.
        bytes: usize,
        /// Fewest bytes.
        least: usize,
    },
    /// One example is larger than what peers send each other.
    #[error("an example does not fit a message between peers: {0}; choose a shorter window or smaller pictures")]
    Shape(#[from] ShapeError),
    /// Examples without classes cannot be chosen by class.
    #[error("the examples have no labels to choose by")]
    NoLabels,
    /// Too few examples have the labels asked for.
    #[error("{training} training and {validation} held-out examples have the labels asked for; name others")]
    Restricted {
        /// For training.
        training: usize,
        /// Held out.
        validation: usize,
    },
}

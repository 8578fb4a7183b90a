//! What can go wrong in the model, in one place.

use protocol::exchange::Modality;

/// Errors of the model. None of them leaves the weights changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Values that came from outside have another size than their shape says.
    #[error("{got} values for a shape of {expected}")]
    WrongSize {
        /// Values expected: the product of the shape.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// More examples, or longer ones, than the model answers at once.
    #[error("a batch of {batch} × {seq} positions; this model answers at most {most_batch} × {most_seq}")]
    TooLarge {
        /// Examples asked for.
        batch: usize,
        /// Positions an example.
        seq: usize,
        /// Most examples.
        most_batch: usize,
        /// Most positions an example.
        most_seq: usize,
    },
    /// Inputs of a modality that the model does not have.
    #[error("inputs of {asked:?}; this model is of {own:?}")]
    WrongModality {
        /// The model's.
        own: Vec<Modality>,
        /// That of the inputs.
        asked: Modality,
    },
    /// Inputs whose positions are of another shape.
    #[error("positions of {got:?}; this model takes {expected:?}")]
    WrongItem {
        /// The model's: channels, rows, columns, or features.
        expected: [usize; 3],
        /// Those of the inputs.
        got: [usize; 3],
    },
    /// A batch, a routing and answers that do not belong to each other or to this model.
    #[error("what was given does not fit: {0}")]
    Unfit(String),
    /// A slot of the gate that does not exist.
    #[error("slot {slot} of a gate with {slots} slots")]
    NoSuchSlot {
        /// Slot named.
        slot: usize,
        /// Slots there are.
        slots: usize,
    },
    /// The loss or a gradient was not a number; the step was dropped.
    #[error("the loss was not finite; the step was dropped")]
    NotFinite,
    /// Kept bytes that are cut off, changed or no model at all.
    #[error("the kept model cannot be read: {0}")]
    Damaged(String),
    /// A kept model of another version of this program.
    #[error("the model was kept in format {got}; this version reads {expected}")]
    OtherVersion {
        /// The format read here.
        expected: u32,
        /// The format found.
        got: u32,
    },
    /// Weights of a model of another shape.
    #[error("the kept weights are of another model: {name} is {got:?} and should be {expected:?}")]
    ForeignWeights {
        /// Name of the first weight that differs.
        name: String,
        /// Its shape in this model.
        expected: Vec<usize>,
        /// Its shape as kept; empty where it is missing.
        got: Vec<usize>,
    },
    /// There is no such device here, and why.
    #[error("no device: {0}")]
    NoDevice(String),
    /// The device failed or was lost; what was on it is gone.
    #[error("the device failed: {0}")]
    Device(String),
}

impl Error {
    /// Whether the device is at fault, so that going on needs another one.
    #[must_use]
    pub fn blames_device(&self) -> bool {
        matches!(self, Self::NoDevice(_) | Self::Device(_))
    }
}

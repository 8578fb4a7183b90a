//! What can go wrong in the model, in one place.

/// Errors of the model. None of them leaves the weights changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is too short to cut windows from.
    #[error("the text has {bytes} bytes; at least {least} are needed to learn from it")]
    TooShort {
        /// Bytes given.
        bytes: usize,
        /// Fewest that do.
        least: usize,
    },
    /// Values that came from outside have another size than their shape says.
    #[error("{got} values for a shape of {expected}")]
    WrongSize {
        /// Values expected: the product of the shape.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// More examples, or longer ones, than the model answers at once.
    #[error("a batch of {batch} × {seq} bytes; this model answers at most {most_batch} × {most_seq}")]
    TooLarge {
        /// Examples asked for.
        batch: usize,
        /// Bytes an example.
        seq: usize,
        /// Most examples.
        most_batch: usize,
        /// Most bytes an example.
        most_seq: usize,
    },
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
    /// A checkpoint of a model of another shape.
    #[error("the checkpoint holds {got} tensors or sizes that do not fit; the model has {expected}")]
    ForeignCheckpoint {
        /// Tensors of this model.
        expected: usize,
        /// Tensors in the checkpoint.
        got: usize,
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

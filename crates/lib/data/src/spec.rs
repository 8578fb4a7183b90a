//! What a model must have to learn from a dataset.

use protocol::exchange::Modality;

/// Inputs and targets of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What an example consists of; the first is the own modality, which neighbours of that modality are asked about
    /// too.
    pub parts: Vec<Part>,
    /// Targets are below this.
    pub classes: usize,
    /// Whether there is a target for every position of the first part (TEXT: the next byte; SPEECH: the next frame's
    /// code), else one for every example.
    pub each: bool,
}

/// One part of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub modality: Modality,
    /// Positions.
    pub seq: usize,
    /// Values of a position: TEXT [1, 1, 1], IMAGE [channels, rows, columns] of a patch, SPEECH [bands, 1, 1],
    /// TENSOR [features, 1, 1].
    pub item: [usize; 3],
}

impl Spec {
    /// The own part.
    #[must_use]
    pub fn own(&self) -> Option<&Part> {
        self.parts.first()
    }

    /// Targets of an example: one, or one for each position of the first part.
    #[must_use]
    pub fn targets(&self) -> usize {
        if self.each { self.own().map_or(0, |part| part.seq) } else { 1 }
    }
}

impl Part {
    /// Values of a position.
    #[must_use]
    pub fn width(&self) -> usize {
        self.item.iter().product()
    }

    /// Values of an example.
    #[must_use]
    pub fn values(&self) -> usize {
        self.seq * self.width()
    }

    /// Bytes of one value on the wire.
    pub(crate) fn value_bytes(&self) -> usize {
        match self.modality {
            Modality::Text | Modality::Image => 1,
            Modality::Speech | Modality::Tensor => 4,
        }
    }
}

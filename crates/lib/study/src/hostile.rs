//! What becomes of neighbours that are worth nothing, that copy, and that poison; and what they cost.

use data::Dataset;
use model::Preset;
use serde::Serialize;

use crate::market::{Error, Market, Outcome, Resident};
use crate::{Interval, seeds};

/// The experiment: `honest` residents, then one of each other sort.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// One a resident, after that of the watched peer.
    pub datasets: Vec<Dataset>,
    /// Steps of everyone.
    pub steps: u64,
    /// Batches of the validation.
    pub batches: usize,
    /// Sizes of every model.
    pub preset: Preset,
    /// Seeds.
    pub seeds: u64,
}

/// Scores are shares of the largest.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Of the honest residents, the copied one aside.
    pub honest: Interval,
    /// Of the honest resident that is copied.
    pub copied: Interval,
    /// Of its copier.
    pub copier: Interval,
    /// Of one that answers noise.
    pub noise: Interval,
    /// Of one that answers to mislead and sends poisoned gradients.
    pub poisoner: Interval,
    /// Exact removal of the copier alone, nats.
    pub single_removal: Interval,
    /// Exact removal of the copier and the copied one together, nats.
    pub joint_removal: Interval,
    /// Nats on the held-out part among all of them.
    pub among_all: Interval,
    /// Nats among the honest alone.
    pub among_honest: Interval,
}

//! One file a scenario.

mod cabal_decay;

use crate::scenario::Scenario;

/// All, in the order of a lesson.
pub const ALL: &[&Scenario] = &[&cabal_decay::SCENARIO];

//! Seeded scenarios of every mechanism: what the drafts claim, run, with the numbers.
//!
//! A [`Scenario`] has a name, settings with ranges, and a function from [`Settings`] to a [`Report`]: facts, tables, and
//! figures that are views of the tables. The same function runs in tests, on the command line and in a tab, and gives the
//! same bits everywhere: randomness comes from a seed, `exp`, `log` and `cos` from `libm`, and sums have an order.
//!
//! | module | what |
//! |---|---|
//! | [`scenario`] | scenarios, their settings, and the list of all |
//! | [`chain`] | peers that act, block by block, and a mechanism that pays |
//! | [`adversary`] | one file a sin, and the trial of each beside its honest twin |
//! | [`market`] | the market game: quadratic losses, gradient steps on rows |
//! | [`report`] | facts, tables, figures; JSON and CSV |
//! | [`draw`] | the figures of a report as one SVG document |
//! | [`formula`] | a formula with numbers in it, as MathML; the literal reading of a draft beside the right one |
//! | [`formulas`] | those of each scenario |
//! | [`random`] | the seeded source of randomness |
//! | [`statistics`] | means, deviations, quantiles, rank correlation |
//! | [`scenarios`] | one file a scenario |
//!
//! It opens no file, reads no clock and draws nothing on a screen.

pub mod adversary;
pub mod chain;
pub mod draw;
pub mod formula;
pub mod formulas;
pub mod market;
pub mod random;
pub mod report;
pub mod scenario;
pub mod scenarios;
pub mod statistics;

pub use report::Report;
pub use scenario::{LabError, Scenario, Settings, all, find};

#[cfg(test)]
mod tests;

//! A network of validators in simulated time: the product's own nodes on a deterministic runtime and network, with faults and
//! adversaries drawn from a seed. The same seed is the same history.
//!
//! More seeds: `PEERAGE_SEEDS=1000 PEERAGE_FROM=0 cargo test --release -p peerage-consensus --test simulation seeds --
//! --nocapture`. With `RUST_LOG=debug` and one seed it tells what the nodes say.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a simulation that cannot go on should fail"
)]

mod adversary;
mod checks;
mod dice;
mod forged;
mod scenario;
mod sins;
mod traffic;
mod wire;
mod world;

use scenario::{Outcome, Scenario};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

/// Seeds of the normal run.
const SEEDS: u64 = 8;

/// Runs a scenario; where it fails, says how to run it alone.
fn run(scenario: &Scenario) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| scenario.run())).unwrap_or_else(|panic| {
        eprintln!(
            "failed: {scenario:?}\nalone: PEERAGE_SEEDS=1 PEERAGE_FROM={} cargo test --release -p peerage-consensus --test simulation seeds -- --nocapture",
            scenario.seed
        );
        resume_unwind(panic)
    })
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn seeds_of_faults_and_adversaries() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_default();
    tracing_subscriber::fmt().with_env_filter(filter).without_time().with_writer(std::io::stderr).init();
    let (from, count) = (number("PEERAGE_FROM").unwrap_or(0), number("PEERAGE_SEEDS").unwrap_or(SEEDS));
    let start = Instant::now();
    let (mut blocks, mut epochs, mut rotations, mut crashes, mut refused) = (0, 0, 0, 0, 0);
    let mut actions = BTreeMap::<_, usize>::new();
    for (done, seed) in (1..).zip(from..from + count) {
        let outcome = run(&Scenario::drawn(seed));
        blocks += outcome.deeds.blocks;
        epochs += outcome.deeds.epochs;
        rotations += outcome.deeds.rotations;
        crashes += outcome.crashes;
        refused += outcome.refused;
        outcome.deeds.actions.iter().for_each(|(name, count)| *actions.entry(*name).or_default() += count);
        if done % 50 == 0 || done == count {
            let wall = start.elapsed();
            eprintln!(
                "{done} seeds to {seed}: {blocks} blocks, {epochs} epochs, {rotations} changes of the set, {crashes} crashes, \
                 {refused} hostile transactions refused, {actions:?}, {:.1} s, {:.0} ms a seed",
                wall.as_secs_f64(),
                wall.as_secs_f64() * 1e3 / done as f64
            );
        }
    }
    assert!(count < SEEDS || USUAL.iter().all(|name| actions.contains_key(name)), "{actions:?}");
}

/// What becomes final in any few seeds; the rest needs a long chain or an adversary.
const USUAL: [&str; 11] = [
    "Candidate",
    "Purchase",
    "Ready",
    "Register",
    "Rekey",
    "Resign",
    "SetWeights",
    "Stake",
    "Subscribe",
    "Transfer",
    "Unstake",
];

#[test]
fn the_same_seed_is_the_same_history() {
    let scenario = Scenario { crash: true, ..Scenario::drawn(1) };
    let [first, second] = [run(&scenario), run(&scenario)];
    assert_eq!((&first.history, first.deeds.heads), (&second.history, second.deeds.heads));
}

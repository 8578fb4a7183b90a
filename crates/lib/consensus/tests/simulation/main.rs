//! A network of validators in simulated time: the product's own nodes on a deterministic runtime and network, with faults and
//! adversaries drawn from a seed. The same seed is the same history.
//!
//! More seeds: `PEERAGE_SEEDS=1000 PEERAGE_FROM=0 cargo test --release -p peerage-consensus --test simulation seeds --
//! --nocapture`; those with machines that wear out alone are `seeds_of_clocks`, the others `seeds_of_faults`. With `RUST_LOG=debug` and one seed it tells what the nodes say.

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
mod machine;
mod scenario;
mod sins;
mod traffic;
mod wear;
mod wire;
mod world;

use scenario::{Outcome, Scenario};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

/// Seeds of the normal run.
const SEEDS: u64 = 8;

/// Seeds of the normal run with machines that wear out.
const STRAINED: u64 = 4;

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

/// What nodes say goes to stderr, as `RUST_LOG` says; that they die of a full disk is expected, and not told.
fn listen() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !machine::of_the_disk(&panic.to_string()) {
            usual(panic);
        }
    }));
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_default();
    // The other test may have done it.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).without_time().with_writer(std::io::stderr).try_init();
}

/// Lives through the scenarios of all seeds that are asked for, says now and then what became of them, and how many they were.
fn all_seeds(scenario: fn(u64) -> Scenario, usual: u64, mut tell: impl FnMut(&Outcome) -> String) -> u64 {
    listen();
    let (from, count) = (number("PEERAGE_FROM").unwrap_or(0), number("PEERAGE_SEEDS").unwrap_or(usual));
    let start = Instant::now();
    for (done, seed) in (1..).zip(from..from + count) {
        let told = tell(&run(&scenario(seed)));
        if done % 50 == 0 || done == count {
            let wall = start.elapsed();
            eprintln!(
                "{done} seeds to {seed}: {told}, {:.1} s, {:.0} ms a seed",
                wall.as_secs_f64(),
                wall.as_secs_f64() * 1e3 / done as f64
            );
        }
    }
    count
}

#[test]
fn seeds_of_faults_and_adversaries() {
    let (mut blocks, mut epochs, mut rotations, mut crashes, mut refused) = (0, 0, 0, 0, 0);
    let mut actions = BTreeMap::<_, usize>::new();
    let count = all_seeds(Scenario::drawn, SEEDS, |outcome| {
        blocks += outcome.deeds.blocks;
        epochs += outcome.deeds.epochs;
        rotations += outcome.deeds.rotations;
        crashes += outcome.crashes;
        refused += outcome.refused;
        outcome.deeds.actions.iter().for_each(|(name, count)| *actions.entry(*name).or_default() += count);
        format!(
            "{blocks} blocks, {epochs} epochs, {rotations} changes of the set, {crashes} crashes, {refused} hostile \
             transactions refused, {actions:?}"
        )
    });
    assert!(count < SEEDS || USUAL.iter().all(|name| actions.contains_key(name)), "{actions:?}");
}

/// Clocks jump by up to an hour and back, and disks refuse writes for a while: no two nodes have two blocks at a height, no unit
/// of the currency is lost, and everybody goes on once it is over.
#[test]
fn seeds_of_clocks_that_jump_and_disks_that_fill_up() {
    let (mut blocks, mut jumps, mut full, mut stopped, mut went_on) = (0, 0, 0, 0, 0);
    let count = all_seeds(Scenario::strained, STRAINED, |outcome| {
        blocks += outcome.deeds.blocks;
        jumps += outcome.strains.jumps;
        full += outcome.strains.full;
        stopped += outcome.strains.stopped;
        went_on += outcome.strains.went_on;
        format!(
            "{blocks} blocks, {jumps} jumps of clocks, {full} full disks: {stopped} nodes stopped, {went_on} did not notice"
        )
    });
    assert!(count < STRAINED || jumps > 0 && full > 0 && stopped > 0, "{jumps} {full} {stopped}");
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
    let scenario = Scenario { crash: true, ..Scenario::strained(1) };
    let [first, second] = [run(&scenario), run(&scenario)];
    assert_eq!((&first.history, first.deeds.heads), (&second.history, second.deeds.heads));
}

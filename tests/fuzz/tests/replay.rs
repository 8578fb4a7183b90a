//! Every target on what is known: honest messages, and the inputs that fuzzing kept. It shows that a change broke a decoder or a
//! target before anybody fuzzes again, and needs nothing that the other tests do not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use peerage_fuzz::{TARGETS, Target, corpus, seeds};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// Runs a target on all that is known of it; gives how many inputs that were.
fn replay((name, run): Target) -> usize {
    let known = [seeds::of(name), corpus::of(name).unwrap()].concat();
    for input in &known {
        if catch_unwind(AssertUnwindSafe(|| run(input))).is_err() {
            panic!("{name} breaks on {} bytes: {}", input.len(), protocol::wire::hex(input));
        }
    }
    known.len()
}

#[test]
fn what_is_known_breaks_no_target() {
    // Half of them at a time: two cores are what a small machine has.
    let halves: [Vec<Target>; 2] = [0, 1].map(|half| TARGETS.iter().skip(half).step_by(2).copied().collect());
    let counts: Vec<(&str, usize)> = thread::scope(|scope| {
        let runs = halves.map(|half| {
            scope.spawn(move || half.into_iter().map(|target| (target.0, replay(target))).collect::<Vec<_>>())
        });
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    });
    for (name, count) in counts {
        assert!(count > 0, "nothing is kept of {name}: `cargo xtask fuzz --keep {name}`");
    }
}

#[test]
fn each_target_is_a_program_of_its_own() {
    let manifest = include_str!("../Cargo.toml");
    let programs: Vec<&str> = manifest.split("[[bin]]").skip(1).filter_map(|bin| bin.split('"').nth(1)).collect();
    assert_eq!(programs, TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

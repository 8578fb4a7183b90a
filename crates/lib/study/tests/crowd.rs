//! A crowd repeats, loses nothing, and is what closed forms and measurements say where there are some.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![recursion_limit = "256"]

use model::Preset;
use peerage_study::crowd::effort::Effort;
use peerage_study::crowd::letters::Letters;
use peerage_study::crowd::place::Lines;
use peerage_study::crowd::{Crowd, Directory, Figures};

/// Everyone alike, with ways of so many ms, and nobody comes or goes.
fn still(tabs: usize, way: u64) -> Crowd {
    let lines = Lines::Ideal(way * 1_000);
    Crowd { lines, spread: 0.0, churn: false, warm: 10, counted: 20, ..Crowd::of(tabs, Directory::Islands) }
}

fn close(got: f64, expected: f64, share: f64) {
    assert!((got / expected - 1.0).abs() < share, "{got} instead of {expected}");
}

#[test]
fn a_seed_says_every_bit_and_every_ask_ends_once() {
    for directory in [Directory::Islands, Directory::Sampled, Directory::Shared] {
        // Sessions are minutes; with so many tabs some end.
        let crowd = Crowd { warm: 6, counted: 8, ..Crowd::of(150, directory) };
        let (first, ends) = crowd.run(7).unwrap();
        assert_eq!(crowd.run(7).unwrap(), (first.clone(), ends));
        assert_ne!(crowd.run(8).unwrap().0.digest, first.digest);
        assert_eq!(ends.sent, ends.ended(), "{ends:?}");
        assert!(ends.answered > ends.sent / 2 && ends.late > 0 && ends.lost > 0, "{ends:?}");
        assert!(first.left > 0.0);
    }
}

/// Three tabs: each example goes to both others, so each asks two for all eight examples and is asked the same, and takes
/// one gradient in two steps.
#[test]
fn three_tabs_without_ways_between_them_are_the_closed_form() {
    let crowd = still(3, 0);
    let (figures, _) = crowd.run(1).unwrap();
    let Effort { with_peers, answer, foreign } = crowd.effort;
    let step = with_peers + 2.0 * (answer[0] + 8.0 * answer[1]) + 0.5 * (foreign[0] + 8.0 * foreign[1]);
    close(figures.speed.median, 1.0 / step, 0.03);
    close(figures.asks_a_step, 2.0, 0.02);
    assert_eq!((figures.shares[0], figures.connections.max, figures.gini < 0.01), (1.0, 2.0, true));
    // Two asks out and two in, their answers, gradients and receipts.
    let letters = Letters::new(&Preset::small()).unwrap();
    let exchange = letters.ask[8] + letters.answer[8] + letters.gradient[8] + letters.applied;
    close(figures.bytes_a_step, (4 * exchange) as f64, 0.02);
    // What goes out comes in.
    let exchanged = |rates: peerage_study::crowd::figures::Rates| rates.asks + rates.answers + rates.gradients;
    close(exchanged(figures.up), exchanged(figures.down), 0.01);
}

#[test]
fn one_tab_is_as_fast_as_alone() {
    let (figures, ends) = still(1, 0).run(1).unwrap();
    close(figures.speed.median, 1.0, 0.01);
    assert_eq!((ends.sent, figures.connections.max), (0, 0.0));
}

/// docs/performance.md, "What a wait costs": recorded answers replayed after a delay, at 74 steps a second alone.
#[test]
fn a_wait_costs_what_was_measured() {
    let run = |tabs: usize, way: u64| -> Figures {
        let effort = Effort { answer: [0.0; 2], foreign: [0.0; 2], ..Effort::SMALL };
        Crowd { step_ms: 1_000.0 / 74.0, prompt: true, effort, ..still(tabs, way) }.run(1).unwrap().0
    };
    for (neighbours, way, measured) in
        [(2, 0, 0.43), (2, 25, 0.44), (2, 75, 0.29), (8, 0, 0.42), (8, 25, 0.44), (8, 75, 0.29)]
    {
        let kept = run(neighbours + 1, way).speed.median;
        assert!((kept - measured).abs() < 0.03, "{neighbours} neighbours, {way} ms: {kept} instead of {measured}");
    }
}

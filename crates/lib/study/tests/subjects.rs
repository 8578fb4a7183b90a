//! Every experiment comes to its end on a few steps of bundled data, and is what it says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![recursion_limit = "256"]

use data::{Dataset, glyphs};
use model::Preset;
use peerage_study::digits::Digits;
use peerage_study::hostile::Hostile;
use peerage_study::text::{Arm, Text, shards};
use peerage_study::wire::Wire;
use peerage_study::{Away, Market, Resident};

const TEXT: &[u8] = include_bytes!("../../../../docs/operations.md");
const PRESET: Preset = Preset { batch: 2, seq: 16, ..Preset::small() };

fn parts(count: usize) -> Vec<Dataset> {
    shards(TEXT, count, PRESET.seq).unwrap()
}

#[test]
fn shards_are_disjoint_and_share_what_is_held_out() {
    let (length, parts) = ((TEXT.len() - TEXT.len() / 10) / 4, parts(4));
    assert_eq!(parts.len(), 4);
    for part in &parts {
        assert_eq!(part.bytes(), length);
        assert_eq!(part.validation(2, 0), parts[0].validation(2, 0));
    }
    assert!(shards(&TEXT[..500], 9, PRESET.seq).is_err());
}

#[test]
fn a_text_is_learned_in_every_arm() {
    let study = Text { text: TEXT, residents: 2, steps: 12, batches: 1, preset: PRESET, seeds: 2 };
    let rows = study.run(&[Arm::Peers, Arm::Alone, Arm::Longer, Arm::Untrained, Arm::Noise]).unwrap();
    assert!(rows.iter().all(|row| row.whole.mean > 3.0 && row.whole.mean < 8.1), "{rows:?}");
    assert!(rows.iter().all(|row| row.student.is_some() == !matches!(row.arm, Arm::Alone | Arm::Longer)));
    assert!(rows[2].whole.mean < rows[1].whole.mean, "who learns longer knows more: {rows:?}");
    assert_eq!(study.run(&[Arm::Peers]).unwrap()[0].seeds, rows[0].seeds, "a seed says all");
}

#[test]
fn glyphs_are_learned_by_peers_with_some_labels_each() {
    let all = Dataset::glyphs(&glyphs::bundled(), 7).unwrap().restrict(&(0..4).collect::<Vec<_>>()).unwrap();
    let study = Digits {
        all,
        labels: 4,
        peers: 4,
        held: 2,
        others: 0.2,
        steps: 12,
        batches: 4,
        preset: Preset { batch: 4, ..Preset::small() },
        seeds: 1,
    };
    let report = study.run().unwrap();
    assert!((0.0..=1.0).contains(&report.with_peers.mean) && (-1.0..=1.0).contains(&report.gain_against_exact));
    assert_eq!(report.by_missing.iter().map(|(brought, _)| *brought).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn hostile_neighbours_and_encodings_are_measured() {
    let study = Hostile { datasets: parts(4), steps: 12, batches: 1, preset: PRESET, seeds: 1 };
    let report = study.run().unwrap();
    assert!(report.among_all.mean.is_finite() && report.joint_removal.mean.is_finite(), "{report:?}");
    assert!(report.honest.mean <= 1.0 && report.poisoner.mean <= 1.0);
    let rows = Wire { datasets: parts(3), steps: 6, batches: 1, preset: PRESET, seeds: 1 }.run().unwrap();
    assert!(rows[1..].iter().all(|row| row.bytes_a_step.mean < 0.7 * rows[0].bytes_a_step.mean), "{rows:?}");
}

#[test]
fn residents_that_leave_are_missed_and_return() {
    let mut parts = parts(3);
    let own = parts.remove(0);
    let market = Market {
        residents: parts.into_iter().map(Resident::Honest).collect(),
        steps: 60,
        batches: 1,
        away: Some(Away { who: vec![1], between: [10, 30] }),
        ..Market::alone(PRESET, own)
    };
    let outcome = market.run(1).unwrap();
    let heard = |steps: std::ops::Range<usize>| {
        outcome.steps[steps].iter().filter(|step| step.answered.iter().any(|peer| peer == "resident-1")).count()
    };
    assert!(heard(4..10) > 2 && heard(14..30) == 0 && heard(45..60) > 5);
}

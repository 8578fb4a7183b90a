//! Peers that ask each other in virtual time: honest ones, and others named by their sin.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![recursion_limit = "256"]

mod world;

use peerage_peer::{Control, Manners};
use protocol::exchange::Encoding;
use world::{Sin, Told, World};

#[test]
fn three_peers_ask_each_other_and_all_learn() {
    let world = World::new(10, 60);
    let (running, told): (Vec<_>, Vec<_>) =
        ["a", "b", "c"].map(|name| world.honest(name, 60).begin()).into_iter().unzip();
    world.clock.run(running);
    for told in &told {
        let told = told.borrow();
        assert_eq!(told.steps.len(), 60);
        let (first, last) = (told.mean(0..5, |s| s.alone), told.mean(55..60, |s| s.alone));
        assert!(last < first - 1.0, "{first} {last}");
        assert!(told.steps.iter().filter(|step| step.answered.len() == 2).count() >= 40);
        assert!(told.steps.iter().any(|step| step.with_peers.is_some() && step.distillation.is_some()));
        assert!(told.steps.iter().map(|step| step.served).sum::<u32>() > 60);
        assert!(told.steps.iter().map(|step| step.applied).sum::<u32>() > 15);
        assert!(told.blamed.is_empty() && told.troubles.is_empty(), "{:?} {:?}", told.blamed, told.troubles);
        assert_eq!(told.scores.len(), 3, "{:?}", told.scores);
        for (key, scored) in &told.scores {
            let own = scored.gain == 0.0 && scored.mass == 0.0;
            assert!(scored.fisher > 0.0 && scored.error.is_finite(), "{key} {scored:?}");
            assert_eq!(
                scored.score > 0.0,
                own || scored.score > scored.error,
                "by more than its error: {key} {scored:?}"
            );
        }
        let others = || told.scores.values().filter(|scored| scored.mass > 0.0);
        assert_eq!(others().count(), 2);
        assert!((others().map(|scored| scored.mass).sum::<f64>() - 1.0).abs() < 0.05, "{:?}", told.scores);
        assert!(others().any(|scored| scored.exact.is_some()), "{:?}", told.scores);
    }
}

#[test]
fn the_gate_sends_each_neighbour_its_own_examples() {
    let world = World::new(10, 60);
    let names = ["a", "b", "c", "d", "e"];
    let (running, told): (Vec<_>, Vec<_>) = names.map(|name| world.honest(name, 30).begin()).into_iter().unzip();
    world.clock.run(running);
    let asked = world.asked.borrow();
    let asks = || asked.values().flatten().map(|ask| ask.inputs().shape().batch());
    let batch = world.honest("z", 1).preset.batch as u32;
    assert!(asks().any(|rows| rows < batch), "some asks are about a part of the batch");
    // Each example goes to as many as the gate chooses, so the parts come to that.
    let preset = world.honest("z", 1).preset;
    let most = u64::from(batch) * preset.chosen as u64 * 35 * names.len() as u64;
    assert!(asks().map(u64::from).sum::<u64>() <= most);
    for told in &told {
        let told = told.borrow();
        assert!(told.steps.iter().any(|step| step.answered.len() > preset.chosen), "examples differ in their choice");
    }
}

#[test]
fn sinners_are_named_and_masked_and_the_honest_go_on() {
    let world = World::new(10, 60);
    world.sins.borrow_mut().extend([
        ("huge".into(), Sin::Huge),
        ("nan".into(), Sin::NotANumber),
        ("other".into(), Sin::OtherAsk),
        ("refusing".into(), Sin::Refusing),
        ("shape".into(), Sin::WrongShape),
    ]);
    let (running, told): (Vec<_>, Vec<_>) = ["a", "b"].map(|name| world.honest(name, 30).begin()).into_iter().unzip();
    world.clock.run(running);
    for told in &told {
        let told = told.borrow();
        assert_eq!(told.steps.len(), 30);
        let blamed: Vec<&str> = told.blamed.keys().map(String::as_str).collect();
        assert_eq!(blamed, ["huge", "nan", "other", "shape"]);
        assert!(told.blamed["shape"].contains("[1, 1, 64]"), "{}", told.blamed["shape"]);
        assert!(told.steps.iter().any(|step| step.missed.iter().any(|peer| peer == "refusing")));
        // Once it is blamed only what was out already comes back; it is not asked again within these steps.
        let last = |name: &str| told.steps.iter().rposition(|step| step.missed.iter().any(|peer| peer == name));
        assert!(["huge", "nan", "other", "shape"].iter().all(|name| last(name).unwrap() < 20));
        assert!(told.mean(25..30, |s| s.alone) < told.mean(0..5, |s| s.alone) - 0.8);
        assert!(told.scores.values().all(|scored| scored.score.is_finite()));
        assert_eq!(told.scores["key-nan"].score, 0.0);
    }
}

#[test]
fn a_silent_neighbour_costs_its_deadline_and_no_more() {
    let world = World::new(10, 60);
    world.sins.borrow_mut().insert("silent".into(), Sin::Silent);
    let (running, told) = world.honest("a", 5).begin();
    world.clock.run(vec![running]);
    let told = told.borrow();
    let waits: Vec<f64> = told.steps.iter().map(|step| step.waited).collect();
    // Its ask went out before the first step breathed.
    assert!((2_900.0..=3_000.0).contains(&waits[0]), "{waits:?}");
    assert!(waits[1..].iter().all(|wait| *wait == 0.0), "{waits:?}");
    assert_eq!(told.steps[0].missed, ["silent"]);
    assert!(told.steps.iter().all(|step| step.with_peers.is_none()));
}

/// Half of the neighbours go in the middle of their work and come back.
#[test]
fn when_half_the_peers_go_nothing_stalls_and_they_are_used_again() {
    let world = World::new(10, 60);
    let names = ["a", "b", "c", "d"];
    let mut honest: Vec<_> = names.map(|name| world.honest(name, 120)).into();
    honest[0].watch = Box::new(|world, step| {
        match step.step {
            40 => world.down.borrow_mut().extend(["c".to_owned(), "d".to_owned()]),
            80 => world.down.borrow_mut().clear(),
            _ => {}
        }
        Vec::new()
    });
    let (running, told): (Vec<_>, Vec<_>) = honest.into_iter().map(world::Honest::begin).unzip();
    world.clock.run(running);
    let told = told[0].borrow();
    let heard = |range: std::ops::Range<usize>, name: &str| {
        told.steps[range].iter().filter(|step| step.answered.iter().any(|peer| peer == name)).count()
    };
    assert!(heard(10..40, "c") > 5 && heard(10..40, "d") > 5);
    assert_eq!((heard(42..80, "c"), heard(42..80, "d")), (0, 0));
    assert!(heard(42..80, "b") > 20, "who is there is asked on");
    assert!(heard(90..120, "c") > 5 && heard(90..120, "d") > 5, "those who came back are used again");
    // Neighbours that answer within 200 ms are waited for no longer than that.
    let longest = told.steps[10..].iter().map(|step| step.waited).fold(0.0, f64::max);
    assert!(longest <= 200.0, "{longest}");
    // The curve goes on: no step is worse than the noise of batches before.
    let before = told.mean(30..40, |step| step.alone);
    let (during, after) = (told.mean(42..80, |step| step.alone), told.mean(100..120, |step| step.alone));
    assert!(during < before + 0.1 && after < before, "{before} {during} {after}");
    // Students stand in meanwhile.
    assert!(told.steps[42..80].iter().any(|step| step.stood_in > 0), "{:?}", told.steps[50]);
}

#[test]
fn noise_and_poison_end_with_the_lowest_scores() {
    let world = World::new(10, 60);
    world.sins.borrow_mut().extend([("noise".into(), Sin::Noise), ("poison".into(), Sin::Poison)]);
    let names = ["a", "b", "c"];
    let (running, told): (Vec<_>, Vec<_>) = names.map(|name| world.honest(name, 160).begin()).into_iter().unzip();
    world.clock.run(running);
    for (name, told) in names.iter().zip(&told) {
        let told = told.borrow();
        let score = |name: &str| told.scores[&format!("key-{name}")].score;
        let worst = names.iter().filter(|other| *other != name).map(|other| score(other)).fold(f64::INFINITY, f64::min);
        let best = score("noise").max(score("poison"));
        assert!(best < worst, "{name}: {:?}", told.scores);
        assert!(told.mean(150..160, |step| step.alone) < told.mean(0..5, |step| step.alone) - 1.5);
    }
}

/// The rate of steps against training alone, two neighbours 50 ms away: learning.md asks for 80 %.
#[test]
fn asks_that_are_out_ahead_hide_the_way_to_others() {
    let rate = |others: usize, ahead: usize, step: u64| {
        let world = World::new(25, step);
        let names = &["a", "b", "c"][..=others];
        let begin = |name: &&str| {
            // The others go on a little longer than the one that is looked at.
            let mut honest = world.honest(name, if *name == "a" { 24 } else { 32 });
            honest.manners.ahead = ahead;
            honest.begin()
        };
        let (running, told): (Vec<_>, Vec<_>) = names.iter().map(begin).unzip();
        world.clock.run(running);
        let told = told[0].borrow();
        assert!(told.steps[12..].iter().all(|step| step.answered.len() == others), "{:?}", told.steps[12]);
        1e3 * 12.0 / (told.times[23] - told.times[11]).as_millis() as f64
    };
    for step in [120, 60, 30] {
        let alone = rate(0, 3, step);
        let (hidden, waiting) = (rate(2, 3, step) / alone, rate(2, 0, step) / alone);
        eprintln!("steps of {step} ms: {alone:.1}/s alone, {hidden:.2} of that ahead, {waiting:.2} waiting for each");
        assert!(hidden >= 0.8, "{step}: {hidden}");
        assert!(waiting < hidden - 0.1, "{step}: {waiting}");
    }
}

#[test]
fn who_is_private_asks_nobody_and_answers_on() {
    let world = World::new(10, 60);
    let mut private = world.honest("a", 20);
    private.manners = Manners { private: true, ..Manners::default() };
    private.watch =
        Box::new(|_, step| if step.step == 10 { vec![Control::Validate { batches: 1 }] } else { Vec::new() });
    let (running, told): (Vec<_>, Vec<_>) = [private.begin(), world.honest("b", 20).begin()].into_iter().unzip();
    world.clock.run(running);
    assert!(!world.asked.borrow().contains_key("b"), "nothing of its data leaves it");
    assert!(world.asked.borrow()["a"].len() >= 20);
    let private = told[0].borrow();
    assert!(private.steps.iter().all(|step| step.answered.is_empty() && step.missed.is_empty() && step.sent == 0));
    assert!(private.steps.iter().map(|step| step.served).sum::<u32>() >= 15);
    assert_eq!(private.validations[0].peers, None);
}

#[test]
fn validation_has_the_loss_with_peers_alone_and_of_the_students() {
    let world = World::new(10, 60);
    let mut asking = world.honest("a", 60);
    asking.watch =
        Box::new(|_, step| if step.step == 60 { vec![Control::Validate { batches: 2 }] } else { Vec::new() });
    let (running, told): (Vec<_>, Vec<_>) = [asking.begin(), world.honest("b", 70).begin()].into_iter().unzip();
    world.clock.run(running);
    let told = told[0].borrow();
    let [validation] = &told.validations[..] else { panic!("{:?}", told.validations) };
    let peers = validation.peers.as_ref().unwrap();
    for figures in [peers, &validation.alone, &validation.student] {
        assert!(figures.loss > 0.5 && figures.loss < 5.4, "{validation:?}");
    }
    assert_ne!(peers, &validation.alone);
    assert_ne!(validation.student, validation.alone);
}

#[allow(clippy::needless_pass_by_value, reason = "a telling is looked at once")]
fn curve(told: world::Telling) -> Vec<u64> {
    Told::curve(&told.borrow())
}

#[test]
fn alone_the_same_seed_gives_the_same_curve() {
    let run = |seed: u64| {
        let world = World::new(10, 60);
        let mut honest = world.honest("a", 10);
        honest.seed = seed;
        let (running, told) = honest.begin();
        world.clock.run(vec![running]);
        curve(told)
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn what_was_kept_goes_on_as_if_nothing_had_happened() {
    let run = |steps: u64, kept: Option<Vec<u8>>| {
        let world = World::new(10, 60);
        let mut honest = world.honest("a", steps);
        honest.manners.keep = 8;
        honest.seed += u64::from(kept.is_some());
        honest.kept = kept;
        let (running, told) = honest.begin();
        world.clock.run(vec![running]);
        told
    };
    let whole = run(20, None);
    let kept = whole.borrow().kept[0].clone();
    let resumed = run(20, Some(kept));
    assert_eq!(resumed.borrow().steps[0].step, 9);
    assert_eq!(curve(resumed), curve(whole)[8..]);
}

/// What `ANSWERS` and `GRADIENTS` stand on: the loss after training with each encoding, and the bytes it takes.
#[test]
fn the_encodings_chosen_cost_no_loss_and_less_than_half_of_the_bytes() {
    let run = |answers: Encoding, gradients: Encoding| {
        let world = World::new(10, 60);
        let begin = |name: &str| {
            let mut honest = world.honest(name, 150);
            honest.manners = Manners { answers, gradients, ..Manners::default() };
            honest.begin()
        };
        let (running, told): (Vec<_>, Vec<_>) = ["a", "b", "c"].map(begin).into_iter().unzip();
        world.clock.run(running);
        let mean = |of: &dyn Fn(&Told) -> f64| told.iter().map(|told| of(&told.borrow())).sum::<f64>() / 3.0;
        let loss = mean(&|told| told.mean(120..150, |step| step.with_peers.unwrap_or(step.alone)));
        let alone = mean(&|told| told.mean(120..150, |step| step.alone));
        let bytes = mean(&|told| told.mean(120..150, |step| (step.sent + step.received) as f64));
        eprintln!("{answers:?} {gradients:?}: {loss:.4} with peers, {alone:.4} alone, {bytes:.0} bytes a step");
        (loss, bytes)
    };
    let (whole, most) = run(Encoding::F32, Encoding::F32);
    let (loss, bytes) = run(peerage_peer::ANSWERS, peerage_peer::GRADIENTS);
    assert!(loss < 1.01 * whole, "{loss} against {whole}");
    assert!(bytes < 0.5 * most, "{bytes} of {most}");
}

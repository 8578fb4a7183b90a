//! A participant among validators that change with every epoch: with a source, with a lying one, after a long absence,
//! and with gossip alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

extern crate peerage_light as light;

mod chain;
mod world;

use chain::Chain;
use commonware_codec::Encode as _;
use ledger::query::{Link, MAX_LINKS};
use ledger::{Digest, Height, Query, Reply};
use light::gossip::Judgement::{Accept, Ignore};
use light::{Alarm, Deed, Error, Event};
use world::{Carrier, Fate, KEY, LIAR, World, honest};

fn asked_for_links(world: &World) -> Vec<u64> {
    let from = |query: &Query| if let Query::Epochs { from, .. } = query { Some(*from) } else { None };
    world.queries.iter().filter_map(from).collect()
}

/// Runs until the participant has followed so many blocks more.
fn follows(world: &mut World, blocks: u64) {
    let end = world.chain.height() + blocks;
    // In the worst case a source that lies pauses every question.
    world.run(10 * blocks, |world| world.me.head().is_some_and(|head| head.height() >= Height(end)));
    for event in &world.events {
        if let Event::Head { head, .. } = event {
            assert_eq!(head.digest(), world.chain.at(head.height().get()).0.digest());
        }
    }
}

#[test]
fn it_lives_on_while_validators_change() {
    let mut world = World::of(Chain::electing(5), KEY, honest());
    world.join();
    follows(&mut world, 122);
    assert!(world.included(Deed::SET_WEIGHTS).len() >= 10 && world.registrations() == 1);
    assert!(world.alarms().is_empty() && world.refusals().is_empty(), "{:?}", world.alarms());
    let asked = asked_for_links(&world);
    let set = |number| world.chain.validators_of(number);
    let changed: Vec<u64> = (1..=24).filter(|number| set(*number) != set(number - 1)).collect();
    assert!(changed.len() >= 20);
    assert_eq!(asked, changed, "one question for each set that changed");
    // Each head was told once, and none was waited for.
    let heads = world.events.iter().filter(|event| matches!(event, Event::Head { .. })).count();
    assert!(heads >= 120, "{heads}");
}

#[test]
fn lost_late_and_failed_links_cost_time_only() {
    let mut count = 0u32;
    let carry: Carrier = Box::new(move |_, query, reply| {
        if !matches!(query, Query::Epochs { .. }) {
            return Fate::Comes(reply);
        }
        count += 1;
        match count % 4 {
            0 => Fate::Lost,
            1 => Fate::Failed,
            2 => Fate::Late(reply, 5_500),
            _ => Fate::Comes(reply),
        }
    });
    let mut world = World::of(Chain::rotating(10), KEY, carry);
    follows(&mut world, 200);
    assert!(world.most_open <= 6 && world.alarms().is_empty(), "{:?}", world.alarms());
}

/// What it is about, how a link is spoilt, and how that is named.
type Lie = (&'static str, fn(&mut Vec<Link>), fn(&Error) -> bool);

/// Of two sources one spoils what it says of links.
fn lying(spoil: impl Fn(&mut Vec<Link>) + 'static) -> Carrier {
    Box::new(move |source, _, reply| {
        let Reply::Epochs { mut links } = reply else { return Fate::Comes(reply) };
        if source.name() == LIAR && !links.is_empty() {
            spoil(&mut links);
        }
        Fate::Comes(Reply::Epochs { links })
    })
}

#[test]
fn a_source_that_lies_about_validators_is_refused_by_name_and_the_next_answer_taken() {
    let lies: [Lie; 4] = [
        ("keys", |links| links[0].validators.clear(), |error| matches!(error, Error::WrongKeys { .. })),
        (
            "header",
            |links| links[0].header.context = Digest::from([3; 32]),
            |error| matches!(error, Error::OtherBlock { .. }),
        ),
        (
            "height",
            |links| links[0].header.height = links[0].header.height.next(),
            |error| matches!(error, Error::NoEpochEnd { .. }),
        ),
        (
            "certificate",
            |links| links[0].finalization = bytes::Bytes::new(),
            |error| matches!(error, Error::Truncated { .. }),
        ),
    ];
    for (name, lie, named) in lies {
        let mut world = World::of(Chain::rotating(10), KEY, lying(lie));
        follows(&mut world, 60);
        let refused: Vec<_> = world.alarms();
        assert!(!refused.is_empty(), "{name}");
        for alarm in refused {
            assert!(
                matches!(alarm, Alarm::Lied { who, error } if who.name() == LIAR && named(error)),
                "{name}: {alarm}"
            );
        }
    }
}

#[test]
fn a_source_without_the_links_is_asked_again_after_a_pause_and_not_blamed() {
    // Two answers of three have no link, or the first alone.
    for old in [false, true] {
        let (mut turn, mut first) = (0, Vec::new());
        let carry: Carrier = Box::new(move |_, _, reply| {
            let Reply::Epochs { links } = reply else { return Fate::Comes(reply) };
            turn += 1;
            if old && first.is_empty() {
                first = links.clone();
            }
            Fate::Comes(Reply::Epochs { links: if turn % 3 == 1 { links } else { first.clone() } })
        });
        let mut world = World::of(Chain::rotating(10), KEY, carry);
        follows(&mut world, 60);
        assert!(world.alarms().is_empty(), "{:?}", world.alarms());
        let asked = asked_for_links(&world).len();
        assert!((10..=16).contains(&asked), "{asked}");
    }
}

#[test]
fn after_hundreds_of_epochs_it_catches_up_in_steps() {
    let mut world = World::of(Chain::rotating(1), KEY, honest());
    follows(&mut world, 5);
    let (epoch, before) = (world.me.head().unwrap().height().get(), world.queries.len());
    world.chain.steps(2 * MAX_LINKS + 88);
    world.now = world.chain.time();
    world.next_block = Some(world.now + 1_000);
    follows(&mut world, 2);
    let asked: Vec<u64> = world.queries[before..]
        .iter()
        .filter_map(|query| if let Query::Epochs { from, .. } = query { Some(*from) } else { None })
        .collect();
    let step = MAX_LINKS as u64;
    assert_eq!(asked[..3], [epoch + 1, epoch + 1 + step, epoch + 1 + 2 * step], "{asked:?}");
    assert!(asked.len() <= 6, "{asked:?}");
    assert!(world.alarms().iter().all(|alarm| matches!(alarm, Alarm::Stalled { .. })), "{:?}", world.alarms());
    // Away for longer than anyone's stake is sure to stand behind what was signed.
    world.now += world.chain.genesis.parameters.trust_period + 1_000;
    world.chain.steps(1);
    world.next_block = None;
    world.run(60, |world| world.alarms().iter().any(|alarm| alarm.fatal()));
    assert!(matches!(world.alarms().last(), Some(Alarm::Stopped(Error::StaleCheckpoint { .. }))));
}

#[test]
fn heads_of_later_epochs_in_gossip_wait_for_the_links() {
    let mut world = World::of(Chain::rotating(5), KEY, honest());
    follows(&mut world, 3);
    world.cut = true;
    let newest = |world: &World| {
        let (header, finalization) = world.chain.head();
        Reply::Head { header, finalization }.encode()
    };
    let hears = |world: &mut World| {
        let head = newest(world);
        world.now = world.chain.time();
        world.me.handle_gossiped_head(&head, world.now)
    };
    // To the end of the first epoch it goes by gossip alone.
    world.chain.steps(2);
    assert_eq!(hears(&mut world), Accept);
    let at = world.me.head().unwrap().height();
    assert_eq!(at, Height(5));
    world.settle();
    // Whoever passes the next ones on is honest; without the links they cannot be judged.
    for _ in 0..12 {
        world.chain.steps(1);
        assert_eq!(hears(&mut world), Ignore);
        world.settle();
    }
    assert_eq!(world.me.head().unwrap().height(), at);
    assert!(world.alarms().is_empty());
    // A source is there again.
    world.cut = false;
    world.next_block = Some(world.now + 1_000);
    follows(&mut world, 3);
    world.chain.steps(1);
    assert_eq!(hears(&mut world), Accept);
}

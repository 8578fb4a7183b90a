//! What a follower keeps for the next visit, what it makes of it then, damaged or not, and what it serves to others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

extern crate peerage_light as light;

mod chain;
mod follows;

use chain::Chain;
use follows::{World, honest};
use ledger::{Height, Query, Reply};
use light::audit::Outcome;
use light::{Alarm, Error, Follower, Options, Seen, Shelf, Source, Step};

#[test]
fn a_reload_goes_on_from_what_was_kept_and_verified_again() {
    let mut world = World::new(Chain::electing(6), vec![("node", honest())]);
    world.run(40);
    let (shelves, chain) = (world.shelves.clone(), world.chain);
    // Nobody to ask: all comes from the store.
    let mut again = World::kept(chain, vec![], shelves.clone());
    again.settle();
    assert_eq!(again.follower.tables().map(|tables| tables.height()), Some(Height(36)));
    assert!(again.follower.client().height() >= Height(36));
    assert!(again.alarms().is_empty(), "{:?}", again.alarms());
    let restored = |seen: &&Seen| matches!(seen, Seen::Restored { tables: true, epochs: 6, .. });
    assert!(again.seen.iter().any(|seen| restored(&seen)), "{:?}", again.seen);
    again.follower.add_source(Source::new("node"));
    again.voices.insert("node", honest());
    again.run(8);
    assert!(again.asked.iter().all(|(_, query)| !matches!(query, Query::Table { height: Height(35), .. })));
    assert_eq!(again.sound(), 2, "{:?}", again.audits());
    assert_eq!(again.follower.head().map(|head| head.height()), Some(Height(48)));

    // Each shelf damaged, cut or empty: told, fetched again, and right the next time.
    for shelf in [Shelf::Head, Shelf::Links, Shelf::Epoch] {
        for damage in 0..3 {
            let mut spoilt = shelves.clone();
            let bytes = spoilt.get(&shelf).unwrap().to_vec();
            let changed = match damage {
                0 => [&bytes[..bytes.len() / 2], &[bytes[bytes.len() / 2] ^ 1], &bytes[bytes.len() / 2 + 1..]].concat(),
                1 => bytes[..bytes.len() - 3].to_vec(),
                _ => Vec::new(),
            };
            spoilt.insert(shelf, changed.into());
            let mut chain = Chain::electing(6);
            chain.steps(40);
            let mut world = World::kept(chain, vec![("node", honest())], spoilt);
            world.run(16);
            let damaged =
                world.alarms().iter().any(|alarm| matches!(alarm, Alarm::Damaged { shelf: of, .. } if *of == shelf));
            assert_eq!(damaged, damage < 2, "{shelf}, {damage}: {:?}", world.alarms());
            assert!(world.sound() >= 2, "{shelf}, {damage}: {:?}", world.audits());
            let (chain, shelves) = (world.chain, world.shelves);
            let mut after = World::kept(chain, vec![], shelves);
            after.settle();
            assert!(
                after.alarms().is_empty() && after.follower.tables().is_some(),
                "{shelf}, {damage}: {:?}",
                after.alarms()
            );
        }
    }
}

#[test]
fn what_was_kept_too_long_ago_is_left_alone() {
    let mut world = World::new(Chain::electing(6), vec![("node", honest())]);
    world.run(20);
    let mut chain = world.chain;
    let blocks = chain.genesis.parameters.trust_period / chain.genesis.parameters.block_time + 40;
    chain.steps(usize::try_from(blocks).unwrap());
    let mut again = World::kept(chain, vec![("node", honest())], world.shelves);
    again.run(12);
    assert!(again.alarms().is_empty(), "{:?}", again.alarms());
    assert!(again.sound() >= 1 && again.follower.head().is_some());
}

#[test]
fn a_checkpoint_that_contradicts_what_was_kept_is_told() {
    let mut world = World::new(Chain::electing(6), vec![("node", honest())]);
    world.run(20);
    let (chain, shelves) = (world.chain, world.shelves);
    let mut named = chain.checkpoint_at(18);
    named.digest = chain.checkpoint_at(12).digest;
    let now = chain.time();
    let mut follower = Follower::new(chain.genesis, named, Options::default(), now).unwrap();
    Shelf::ALL.into_iter().for_each(|shelf| follower.restore(shelf, shelves.get(&shelf).map_or(&[][..], |b| b), now));
    let mut alarms = Vec::new();
    while let Some(seen) = follower.next_event() {
        if let Seen::Alarm(alarm) = seen {
            alarms.push(alarm);
        }
    }
    assert!(matches!(alarms[..], [Alarm::Reply(Error::NotTheCheckpoint { .. })]), "{alarms:?}");
}

#[test]
fn who_has_verified_serves_others_as_a_node_does() {
    let mut world = World::new(Chain::electing(6), vec![("node", honest())]);
    world.run(31);
    let serving = world.follower;
    let chain = world.chain;
    let checkpoint = chain.checkpoint_at(30);
    let mut other = Follower::new(chain.genesis.clone(), checkpoint, Options::default(), world.now).unwrap();
    other.add_source(Source::new("tab"));
    let mut unavailable = 0;
    while let Some(step) = other.poll(world.now) {
        if let Step::Query { id, query, .. } = step {
            let reply = serving.answer(&query);
            unavailable += u32::from(matches!(reply, Reply::Unavailable { .. }));
            other.handle_reply(id, reply, world.now);
        }
    }
    assert_eq!(other.head().map(|head| head.height()), Some(Height(31)));
    assert!(matches!(other.audit().map(|audit| &audit.outcome), Some(Outcome::Sound { .. })), "{:?}", other.audit());
    assert_eq!(other.tables().unwrap().state().roots(), chain.states[30].roots());
    assert_eq!(unavailable, 0);
    let links = serving.answer(&Query::Epochs { from: 2, limit: 9 });
    assert_eq!(links, Reply::Epochs { links: chain.links(2, 5) });
    assert!(matches!(serving.answer(&Query::Body { height: Height(3) }), Reply::Unavailable { .. }));
}

#[test]
fn a_clock_that_is_wrong_by_less_than_the_trust_period_changes_nothing() {
    let mut world = World::new(Chain::electing(6), vec![("node", honest())]);
    let trust = world.chain.genesis.parameters.trust_period;
    for skew in [-3_600_000i64, 0, trust as i64 / 2] {
        let now = world.now.saturating_add_signed(skew);
        let chain = Chain::electing(6);
        let mut follower = Follower::new(chain.genesis.clone(), chain.checkpoint(), Options::default(), now).unwrap();
        follower.add_source(Source::new("node"));
        world.run(1);
        while let Some(step) = follower.poll(now) {
            if let Step::Query { id, query, .. } = step {
                let reply = world.chain.reply(&query);
                follower.handle_reply(id, reply, now);
            }
        }
        assert!(follower.head().is_some() && !follower.stopped(), "{skew}");
    }
    let chain = Chain::electing(6);
    let late = world.now + trust + 3_600_000;
    let error = Follower::new(chain.genesis.clone(), chain.checkpoint(), Options::default(), late).unwrap_err();
    assert!(matches!(error, Error::StaleCheckpoint { .. }));
}

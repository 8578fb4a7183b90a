//! Past epochs on request: what each came to, against its verified end, from sources that lie, forget and are gone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

extern crate peerage_light as light;

mod chain;
mod follows;

use bytes::Bytes;
use chain::Chain;
use follows::{Voice, World, honest, market, rows, silent};
use ledger::{Height, Kind, Query, Reply, Table};
use light::{Market, Seen, Source};

/// A world after so many epochs in which all peers set their rows.
fn world(kind: Kind, epochs: u64, voices: Vec<(&'static str, Voice)>) -> World {
    let mut world = World::new(Chain::of(market(kind)), voices);
    for round in 0..epochs {
        rows(&mut world.chain, round);
        world.run(8);
    }
    world
}

/// Asks for an epoch and gives what came: the market, or why there is none.
fn ask(world: &mut World, epoch: u64) -> Result<Market, String> {
    world.seen.clear();
    world.follower.market(epoch);
    world.run(2);
    let answers: Vec<_> = world
        .seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Market(market) if market.epoch == epoch => Some(Ok((**market).clone())),
            Seen::NoMarket { epoch: of, reason } if *of == epoch => Some(Err(reason.clone())),
            _ => None,
        })
        .collect();
    let [answer] = &answers[..] else { panic!("{answers:?}") };
    answer.clone()
}

/// A node that keeps whole tables of the newest blocks alone.
fn forgetful(from: u64) -> Voice {
    Box::new(move |query, reply| match query {
        Query::Table { height, .. } if *height < Height(from) => Some(Reply::Unavailable { reason: "not kept".into() }),
        _ => Some(reply),
    })
}

#[test]
fn every_epoch_since_the_checkpoint_is_given_as_the_chain_had_it() {
    for kind in Kind::ALL {
        let mut world = world(kind, 4, vec![("node", honest())]);
        assert_eq!(world.follower.epochs(), Some((1, 4)));
        for epoch in 1..=4 {
            let got = ask(&mut world, epoch).unwrap();
            let state = &world.chain.states[(epoch * 8) as usize];
            assert_eq!((got.height, got.time), (Height(epoch * 8), world.chain.headers[(epoch * 8) as usize].time));
            // The newest was computed again here, the others are what was signed.
            assert_eq!(got.computed, epoch == 4);
            assert_eq!(got.totals, *state.totals());
            assert!(got.standings.iter().eq(state.standings().iter()), "{kind:?}");
            let peers = got.peers.unwrap();
            assert!(peers.neurons.iter().eq(state.neurons().iter()), "{kind:?}");
            assert!(peers.weights.iter().eq(state.weights().iter()), "{kind:?}");
            assert!(peers.bonds.iter().eq(state.bonds().iter()), "{kind:?}");
        }
        assert!(world.alarms().is_empty());
    }
}

#[test]
fn tables_that_no_source_keeps_are_left_out_and_what_each_peer_earned_stays() {
    let mut world = world(Kind::Trust, 5, vec![("one", forgetful(24)), ("other", forgetful(32))]);
    for (epoch, there) in [(2, false), (3, true), (4, true)] {
        let got = ask(&mut world, epoch).unwrap();
        assert_eq!(got.peers.is_some(), there, "{epoch}");
        assert_eq!(got.standings.len(), 4);
    }
    // To have forgotten is no lie, and no reason to ask somebody less.
    assert!(world.follower.sources().iter().all(|(_, trusted)| *trusted));
}

/// Changes the last bit of the last leaf, where there is one.
fn spoil(leaves: &mut [Bytes]) {
    if let Some(last) = leaves.last_mut()
        && let Some((bit, rest)) = last.clone().split_last()
    {
        *last = [rest, &[bit ^ 1]].concat().into();
    }
}

#[test]
fn a_source_that_gives_other_figures_is_named_and_another_is_asked() {
    for spoilt in [Table::Epoch, Table::Neurons, Table::Weights, Table::Bonds] {
        let lies: Voice = Box::new(move |query, reply| match (query, reply) {
            (Query::History { .. }, Reply::Table { total, from, mut leaves }) if spoilt == Table::Epoch => {
                spoil(&mut leaves);
                Some(Reply::Table { total, from, leaves })
            }
            (Query::Table { height, table, .. }, Reply::Table { total, from, mut leaves })
                if *table == spoilt && height.get() % 8 == 0 =>
            {
                spoil(&mut leaves);
                Some(Reply::Table { total, from, leaves })
            }
            (_, reply) => Some(reply),
        });
        let mut world = world(Kind::Consensus, 4, vec![("liar", lies), ("node", honest())]);
        let liar = Source::new("liar");
        let distrusted =
            |world: &World| world.follower.sources().iter().any(|(source, trusted)| *source == liar && !trusted);
        // Whoever is asked first, the liar is asked within a few, and what comes is right all the same.
        for round in 0..12 {
            let epoch = 1 + round % 3;
            let got = ask(&mut world, epoch).unwrap();
            assert!(got.standings.iter().eq(world.chain.states[(epoch * 8) as usize].standings().iter()));
            assert!(got.peers.is_some());
            if distrusted(&world) {
                break;
            }
            // A block more, so that it is somebody else's turn.
            world.run(1 + round % 2);
        }
        assert!(distrusted(&world), "{spoilt:?}");
    }
}

#[test]
fn what_cannot_be_had_is_told_with_its_reason() {
    let mut world = world(Kind::Trust, 3, vec![("node", honest())]);
    assert!(ask(&mut world, 9).unwrap_err().contains("epochs 1 to 3"));
    let unavailable: Voice = Box::new(|query, reply| match query {
        Query::History { .. } => Some(Reply::Unavailable { reason: "not kept".into() }),
        _ => Some(reply),
    });
    world.voices.insert("node", unavailable);
    assert_eq!(ask(&mut world, 1), Err("no source has what it came to".into()));
    // Nobody answers at all: that is said when the question has run out of time, once.
    world.voices.insert("node", silent());
    world.seen.clear();
    world.follower.market(1);
    world.run(12);
    let told = world.seen.iter().filter(|seen| matches!(seen, Seen::NoMarket { epoch: 1, .. })).count();
    assert_eq!(told, 1);
    world.follower.remove_source(&Source::new("node"));
    assert_eq!(ask(&mut world, 1), Err("nobody can be asked".into()));
}

#[test]
fn the_next_visit_can_ask_for_the_epochs_of_the_one_before() {
    let before = world(Kind::Trust, 3, vec![("node", honest())]);
    let mut again = World::kept(before.chain, vec![("node", honest())], before.shelves);
    again.run(1);
    assert_eq!(again.follower.epochs(), Some((1, 3)));
    let got = ask(&mut again, 2).unwrap();
    assert!(!got.computed && got.peers.is_some());
    // Its own tables come from the store, where they met their roots; they were computed then, not now.
    assert!(!ask(&mut again, 3).unwrap().computed);
}

#[test]
fn a_chain_without_a_finished_epoch_has_the_market_of_its_genesis() {
    let mut world = world(Kind::Trust, 0, vec![("node", honest())]);
    world.run(3);
    assert_eq!(world.follower.epochs(), Some((0, 0)));
    let got = ask(&mut world, 0).unwrap();
    assert!(got.computed && got.totals.number == 0);
    assert_eq!(got.peers.unwrap().neurons.len(), 4);
    assert!(ask(&mut world, 1).is_err());
}

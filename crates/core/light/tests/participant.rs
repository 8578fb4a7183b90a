//! A participant against an in-memory chain in virtual time: honest sources, lossy, late and lying ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

extern crate peerage_light as light;

mod chain;
mod world;

use bytes::Bytes;
use chain::{BEGIN, Chain, genesis};
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::{
    Action, Amount, Founder, Genesis, Header, Height, Nonce, Parameters, Query, Refusal, Reply, Row, Score,
    Transaction, Uid, economy,
};
use light::{Alarm, Deed, Error, Event, Intent, Own, Participant, Signer};
use world::{Carrier, Fate, KEY, LIAR, World, honest};

/// Runs with `carry` until three rows are included, and looks that nothing was lost or done twice.
fn lives(carry: Carrier, blocks: u64) -> World {
    let mut world = World::new(carry);
    world.me.modality(protocol::exchange::Modality::Speech);
    world.join();
    world.run(blocks, |world| world.included(Deed::SET_WEIGHTS).len() == 3);
    assert_eq!(world.registrations(), 1);
    assert_eq!(world.included(Deed::REGISTER).len(), 1);
    let state = world.chain.state();
    let uid = state.uid(world.me.key()).unwrap();
    assert_eq!((uid, state.neurons()[2].modality), (Uid(2), 2));
    let weights = &state.weights()[uid.index()];
    assert_eq!(weights.version, 3);
    let nonce = state.account(world.me.key()).unwrap().1.nonce;
    assert_eq!(nonce, Nonce(4), "one registration and three rows, each once");
    // Those of an audit that is given up are open to the carrier still.
    assert!(world.most_open <= 12);
    world
}

#[test]
fn it_registers_sets_rows_and_sees_them_included() {
    let world = lives(honest(), 60);
    assert!(world.alarms().is_empty() && world.refusals().is_empty());
    assert!(world.searched > 0);
    assert!(world.events.iter().any(|event| matches!(event, Event::Working { expected, .. } if *expected == 512.0)));
    let rows = world.included(Deed::SET_WEIGHTS);
    let epochs: Vec<u64> = rows.iter().map(|height| height.get() / 10).collect();
    assert!(epochs.windows(2).all(|pair| pair[0] < pair[1]), "one row an epoch: {rows:?}");
    let row = &world.chain.state().weights()[2].row;
    let shares = [(Uid(0), 0.6), (Uid(1), 0.2), (Uid(2), 0.2)];
    assert_eq!(*row, Row::from_shares(&shares, 64).unwrap());
    // Each says which tables it rests on: such as were verified, and in which everyone in it stands.
    let registered = world.chain.state().neurons()[2].registered;
    let surveyed: Vec<Height> = world.events.iter().filter_map(height_of_own).collect();
    let handed = world.queries.iter().filter_map(|query| match query {
        Query::Submit { transaction: Transaction { action: Action::SetWeights { seen, .. }, .. } } => Some(*seen),
        _ => None,
    });
    let handed: Vec<Height> = handed.collect();
    assert!(
        handed.len() >= 3 && handed.iter().all(|seen| *seen >= registered && surveyed.contains(seen)),
        "{handed:?}"
    );
}

fn height_of_own(event: &Event) -> Option<Height> {
    if let Event::Own(own) = event { Some(own.height) } else { None }
}

/// What the mechanism says of the peer with `uid` in the state that `own` was computed from, without the light client.
fn agrees_with_the_mechanism(world: &World, own: &Own, uid: usize) {
    let state = &world.chain.states[own.height.get() as usize];
    let epoch = state.totals().number + 1;
    let memory = mechanism::epoch::Memory::new(state.neurons().len());
    let (_, outcome) = economy::evaluate(state.neurons(), state.weights(), &memory, state.parameters(), epoch).unwrap();
    assert_eq!(own.uid.map(Uid::index), Some(uid));
    let figures = own.figures.as_ref().unwrap();
    assert_eq!(
        (figures.rank, figures.trust.clone(), figures.loss.clone()),
        (outcome.rank[uid], Ok(outcome.trust[uid]), Ok(outcome.loss.unwrap()))
    );
    let gradients = own.gradients.as_ref().unwrap();
    assert_eq!(gradients.scaling, Ok(outcome.scaling_gradient.unwrap()[uid]));
    assert_eq!((own.stake, own.scaling), (state.neurons()[uid].stake, state.neurons()[uid].scaling));
    assert_eq!(own.peers as usize, state.neurons().len());
}

#[test]
fn own_figures_are_those_of_the_mechanism_on_the_verified_tables() {
    let mut world = lives(honest(), 60);
    world.run(30, |world| world.own().is_some_and(|own| own.version >= 3));
    let own = world.own().unwrap();
    agrees_with_the_mechanism(&world, own, 2);
    assert_eq!(own.place, 3, "it has the least stake");
    let clipping = own.gradients.as_ref().unwrap().clipping.as_ref();
    assert!(clipping.is_err_and(|reason| reason.to_string().contains("no stake")), "{own:?}");
}

#[test]
fn a_founder_does_not_register_and_has_both_gradients() {
    let mut world = World::of(Chain::new(4), 3, honest());
    world.me.join();
    world.score(&[(2, 1.0), (3, 2.0)]);
    world.run(60, |world| {
        world.included(Deed::SET_WEIGHTS).len() == 2 && world.own().is_some_and(|own| own.version == 2)
    });
    assert_eq!((world.searched, world.registrations()), (0, 1));
    assert!(world.refusals().is_empty() && world.alarms().is_empty());
    let own = world.own().unwrap();
    agrees_with_the_mechanism(&world, own, 1);
    assert_eq!(own.place, 2);
    let gradients = own.gradients.as_ref().unwrap();
    assert!(gradients.scaling.is_ok());
    assert!(gradients.clipping.as_ref().is_ok_and(|gradient| !gradient.is_empty()), "{own:?}");
}

/// What each asker weighs at the key of the participant, by seed of the asker.
fn askers(world: &World) -> Vec<(u64, f64)> {
    let askers =
        world.events.iter().rev().find_map(|event| if let Event::Askers(all) = event { Some(all) } else { None });
    let seed = |key: &ledger::Key| {
        [2, 3, 4, 5, KEY].into_iter().find(|seed| PrivateKey::from_seed(*seed).public_key() == *key).unwrap()
    };
    askers.unwrap().iter().map(|(key, weight)| (seed(key), *weight)).collect()
}

#[test]
fn asks_weigh_stake_times_the_weight_given() {
    let mut genesis = genesis(4);
    let founder = |seed, stake| Founder { key: PrivateKey::from_seed(seed).public_key(), modality: 0, stake };
    genesis.neurons.extend([founder(4, genesis.neurons[0].stake), founder(5, Amount::ZERO)]);
    let mut world = World::of(Chain::of(genesis), 3, honest());
    world.run(20, |world| world.own().is_some());
    assert_eq!(askers(&world), [(2, 1.0), (4, 1.0)], "nobody has set a row: stake counts");

    let height = world.chain.height();
    let rows =
        [(2, 0, vec![(0, 45_535), (1, 20_000)]), (4, 2, vec![(1, 5_000), (2, 60_535)]), (5, 3, vec![(1, 65_535)])];
    for (seed, uid, row) in rows {
        let row = Row::new(row.into_iter().map(|(uid, score)| (Uid(uid), Score(score))).collect()).unwrap();
        let action = Action::SetWeights { uid: Uid(uid), row, seen: Height(0) };
        let key = PrivateKey::from_seed(seed);
        let until = Height(height + 50);
        world.chain.pool.push(Transaction::sign(&key, world.chain.id(), Nonce(0), until, action));
    }
    world.run(30, |world| world.own().is_some_and(|own| own.height > Height(height + 1)));
    assert!(world.chain.dropped.is_empty(), "{:?}", world.chain.dropped);
    let weights = askers(&world);
    let state = &world.chain.states[world.own().unwrap().height.get() as usize];
    let product = |uid: usize| state.neurons()[uid].stake.get() as f64 * state.weights()[uid].row.share(Uid(1));
    assert_eq!(weights[..2], [(2, 1.0), (4, product(2) / product(0))]);
    assert!((0.2..0.3).contains(&weights[1].1), "as much stake, a quarter of the weight: {weights:?}");

    let mut stranger = World::of(world.chain, KEY, honest());
    stranger.run(20, |world| world.own().is_some());
    let seeds: Vec<u64> = askers(&stranger).into_iter().map(|(seed, _)| seed).collect();
    assert_eq!(seeds[..3], [2, 3, 4], "nobody can have weighed one who is not registered");
}

#[test]
fn a_newcomer_is_not_weighed_by_rows_older_than_itself() {
    let mut world = World::of(Chain::new(4), 3, honest());
    world.me.join();
    world.score(&[(2, 3.0), (3, 1.0)]);
    world.run(60, |world| world.included(Deed::SET_WEIGHTS).len() == 1);
    let chain = world.chain;
    let mut newcomer = World::of(chain, KEY, honest());
    newcomer.join();
    newcomer.run(60, |world| !world.included(Deed::SET_WEIGHTS).is_empty());
    let weights = askers(&newcomer);
    assert_eq!(weights.len(), 2, "its row does not name the newcomer, but it is older: {weights:?}");
    let version = |world: &World| world.chain.state().weights()[1].version;
    assert_eq!((version(&newcomer), weights[0].0, weights[0].1), (1, 2, 1.0));
}

#[test]
fn before_it_joins_it_only_verifies() {
    let mut world = World::new(honest());
    world.run(25, |world| world.chain.height() == 24);
    assert!(world.chain.included.is_empty());
    assert!(world.queries.iter().all(|query| !matches!(query, Query::Submit { .. })));
    let own = world.own().unwrap();
    assert_eq!((own.uid, own.peers, own.place), (None, 2, 0));
    assert!(own.gradients.as_ref().is_err_and(|reason| reason.to_string().contains("register")));
    let heads = world.events.iter().filter(|event| matches!(event, Event::Head { .. })).count();
    assert!(heads >= 22, "a head a block: {heads}");
}

#[test]
fn lost_and_failed_replies_cost_time_only() {
    let mut count = 0u32;
    let world = lives(
        Box::new(move |_, _, reply| {
            count += 1;
            // Without a rhythm, so that nothing is lost every time.
            match (count.wrapping_mul(0x9e37_79b9) >> 16) % 7 {
                2 | 5 => Fate::Lost,
                3 => Fate::Failed,
                _ => Fate::Comes(reply),
            }
        }),
        400,
    );
    assert!(world.refusals().is_empty(), "{:?}", world.refusals());
}

#[test]
fn a_submission_whose_reply_is_lost_still_counts_once() {
    let carry: Carrier = Box::new(|_, query, reply| match query {
        Query::Submit { .. } => Fate::Lost,
        _ => Fate::Comes(reply),
    });
    lives(carry, 200);
}

#[test]
fn late_replies_are_dropped() {
    let mut count = 0u32;
    let world = lives(
        Box::new(move |_, _, reply| {
            count += 1;
            match count % 5 {
                1 => Fate::Late(reply, 6_000),
                2 => Fate::Late(reply, 1_500),
                _ => Fate::Comes(reply),
            }
        }),
        600,
    );
    assert!(world.alarms().iter().all(|alarm| !alarm.fatal()));
}

/// A carrier that spoils whatever it can of what one of two sources says.
fn lying(spoil: impl Fn(Reply) -> Option<Reply> + 'static) -> Carrier {
    Box::new(move |source, _, reply| match spoil(reply.clone()).filter(|_| source.name() == LIAR) {
        Some(lie) => Fate::Comes(lie),
        None => Fate::Comes(reply),
    })
}

/// Whether the liar was named for this, and nobody else for anything.
fn caught(world: &World, what: impl Fn(&Error) -> bool) -> bool {
    let named = world.alarms().into_iter().filter_map(|alarm| match alarm {
        Alarm::Lied { who, error } => Some((who.name(), error)),
        _ => None,
    });
    let named: Vec<_> = named.collect();
    named.iter().all(|(who, _)| *who == LIAR) && named.iter().any(|(_, error)| what(error))
}

fn with_byte_changed(bytes: &Bytes, index: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes[index] ^= 1;
    bytes.into()
}

#[test]
fn a_leaf_that_does_not_meet_its_root_is_refused() {
    let world = lives(
        lying(|reply| match reply {
            Reply::Leaf { index, leaf, proof } => {
                Some(Reply::Leaf { index, leaf: with_byte_changed(&leaf, leaf.len() - 1), proof })
            }
            _ => None,
        }),
        400,
    );
    assert!(caught(&world, |error| matches!(error, Error::WrongRoot { .. })), "{:?}", world.alarms());
}

#[test]
fn a_forged_table_is_refused() {
    let world = lives(
        lying(|reply| match reply {
            Reply::Table { total, from, mut leaves } => {
                *leaves.first_mut()? = with_byte_changed(leaves.first()?, 1);
                Some(Reply::Table { total, from, leaves })
            }
            _ => None,
        }),
        400,
    );
    assert!(caught(&world, |error| matches!(error, Error::WrongRoot { .. })), "{:?}", world.alarms());
}

#[test]
fn a_table_without_oneself_does_not_make_one_register_again() {
    let mut world = lives(
        lying(|reply| match reply {
            Reply::Table { total: 3, from: 0, mut leaves } => {
                leaves.truncate(2);
                Some(Reply::Table { total: 2, from: 0, leaves })
            }
            _ => None,
        }),
        400,
    );
    let height = world.chain.height();
    world.run(60, |world| world.chain.height() == height + 50);
    assert_eq!(world.registrations(), 1);
}

#[test]
fn the_word_that_there_is_no_account_only_costs_time() {
    let world = lives(
        Box::new({
            let mut turn = 0;
            move |_, query, reply| match query {
                Query::Account { .. } => {
                    turn += 1;
                    Fate::Comes(if turn % 3 == 0 { Reply::NoSuch } else { reply })
                }
                _ => Fate::Comes(reply),
            }
        }),
        600,
    );
    assert!(world.refusals().iter().all(|reason| reason.contains("replayed")), "{:?}", world.refusals());
}

#[test]
fn a_payment_is_not_made_twice_on_the_word_that_it_was_refused_and_there_is_no_account() {
    // It passes the payment on, says that it refused it, and then that the payer has no account.
    let paid = std::rc::Rc::new(std::cell::Cell::new(false));
    let seen = paid.clone();
    let carry: Carrier = Box::new(move |source, query, reply| {
        let lies = source.name() == LIAR;
        match query {
            Query::Submit { transaction: Transaction { action: Action::Transfer { .. }, .. } } if lies => {
                seen.set(true);
                Fate::Comes(Reply::Refused { refusal: Refusal::Unsigned })
            }
            Query::Account { .. } if lies && seen.get() => Fate::Comes(Reply::NoSuch),
            // Only the liar answers what is asked about transactions.
            Query::Submit { .. } | Query::Inclusion { .. } if !lies => Fate::Failed,
            _ => Fate::Comes(reply),
        }
    });
    let mut world = World::of(Chain::new(4), 1, carry);
    let to = PrivateKey::from_seed(50).public_key();
    let amount = Amount(5_000_000);
    world.run(10, |world| world.me.tables().is_some() && world.chain.height() >= 3);
    world.me.ask(Intent::Transfer { from: Signer::Hot, to: to.clone(), amount });
    let height = world.chain.height();
    world.run(60, |world| world.chain.height() >= height + 50);
    assert!(paid.get());
    assert_eq!(world.chain.state().account(&to).map(|(_, account)| account.balance), Some(amount));
    assert!(world.refusals().iter().all(|reason| !reason.contains("not signed")), "{:?}", world.refusals());
}

#[test]
fn replies_to_other_questions_are_refused() {
    let world = lives(lying(|_| Some(Reply::NoSuch)), 800);
    assert!(caught(&world, |error| *error == Error::WrongReply), "{:?}", world.alarms());
}

#[test]
fn a_forged_head_is_refused_and_the_next_taken() {
    let world = lives(
        lying(|reply| match reply {
            Reply::Head { header, finalization } => {
                Some(Reply::Head { header: Header { time: header.time + 1, ..header }, finalization })
            }
            _ => None,
        }),
        400,
    );
    assert!(caught(&world, |error| matches!(error, Error::OtherBlock { .. })), "{:?}", world.alarms());
}

#[test]
fn a_source_that_says_refused_is_believed_only_by_the_tables() {
    let world = lives(
        lying(|reply| match reply {
            // The transaction is in the pool, and the source says it is not.
            Reply::Accepted { .. } => Some(Reply::Refused { refusal: Refusal::Unsigned }),
            _ => None,
        }),
        200,
    );
    assert!(world.refusals().is_empty(), "it was included: {:?}", world.refusals());
}

#[test]
fn a_transaction_that_is_never_passed_on_is_told_and_signed_again() {
    let mut world = World::new(Box::new(|_, query, reply| match query {
        Query::Submit { transaction } => Fate::Comes(Reply::Accepted { digest: transaction.digest() }),
        _ => Fate::Comes(reply),
    }));
    // Nothing that is handed in gets anywhere.
    world.join();
    let withheld = |world: &mut World| world.chain.pool.clear();
    for _ in 0..90 {
        let height = world.chain.height();
        world.run(2, |world| world.chain.height() > height || !world.chain.pool.is_empty());
        withheld(&mut world);
    }
    assert!(world.refusals().iter().any(|reason| reason.contains("not included by height")), "{:?}", world.refusals());
    assert_eq!(world.registrations(), 0);
    world.run(60, |world| world.included(Deed::SET_WEIGHTS).len() == 1);
    assert_eq!(world.registrations(), 1);
}

#[test]
fn a_transaction_that_a_node_swallows_is_given_to_the_neighbours() {
    let mut world = World::new(Box::new(|_, query, reply| match query {
        Query::Submit { transaction } => Fate::Comes(Reply::Accepted { digest: transaction.digest() }),
        _ => Fate::Comes(reply),
    }));
    world.join();
    while world.published.is_empty() {
        let height = world.chain.height();
        world.run(2, |world| world.chain.height() > height || !world.chain.pool.is_empty());
        world.chain.pool.clear();
        assert!(height < 40, "never");
    }
    // One of them knows an honest node.
    let [transaction] = &world.published[..] else { panic!("{:?}", world.published) };
    world.chain.pool.push(transaction.clone());
    world.run(20, |world| world.included(Deed::REGISTER).len() == 1);
    assert!(world.refusals().is_empty());
}

#[test]
fn without_a_source_it_signs_one_row_and_gives_it_to_the_neighbours() {
    use commonware_codec::Encode as _;
    let mut world = lives(honest(), 60);
    world.cut = true;
    let follow = |world: &mut World, blocks: u64| {
        for _ in 0..blocks {
            let height = world.chain.height();
            world.run(3, |world| world.chain.height() > height);
            let (header, finalization) = world.chain.head();
            let head = Reply::Head { header, finalization }.encode();
            world.me.handle_gossiped_head(&head, world.now);
        }
    };
    let mut blocks = 0;
    while world.published.is_empty() {
        follow(&mut world, 1);
        blocks += 1;
        assert!(blocks < 40, "never; {:?}", world.events.last());
    }
    let row = world.published[0].clone();
    assert!(matches!(row.action, Action::SetWeights { uid: Uid(2), .. }) && row.nonce == Nonce(4), "{row:?}");
    world.chain.pool.push(row.clone());
    follow(&mut world, 70);
    assert_eq!(world.chain.state().weights()[2].version, 4);
    assert!(
        world.published.iter().all(|published| *published == row),
        "it signs no second before it knows of the first"
    );
    assert!(world.published.len() <= 7, "once in ten blocks while it may be included: {}", world.published.len());
    assert_eq!(
        world.me.head().map(|head| head.height().get()),
        Some(world.chain.height()),
        "it has followed the chain"
    );
    world.cut = false;
    world.run(20, |world| world.included(Deed::SET_WEIGHTS).len() == 4);
    assert!(world.refusals().is_empty(), "{:?}", world.refusals());
    assert!(world.alarms().iter().all(|alarm| !alarm.fatal()));
}

#[test]
fn a_reload_with_the_same_key_goes_on() {
    let world = lives(honest(), 60);
    let rows = world.chain.state().weights()[2].version;
    let mut again = World::of(world.chain, KEY, honest());
    again.join();
    again.run(60, |world| world.included(Deed::SET_WEIGHTS).len() == 2);
    assert_eq!(again.registrations(), 1);
    assert!(again.included(Deed::REGISTER).is_empty());
    assert_eq!(again.searched, 0);
    assert!(again.refusals().is_empty());
    assert_eq!(again.chain.state().weights()[2].version, rows + 2);
}

#[test]
fn after_it_leaves_it_signs_nothing_more() {
    let mut world = lives(honest(), 60);
    world.me.leave();
    let version = world.chain.state().weights()[2].version;
    let height = world.chain.height();
    world.run(60, |world| world.chain.height() == height + 40);
    assert_eq!(world.chain.state().weights()[2].version, version);
    world.me.join();
    world.run(30, |world| world.chain.state().weights()[2].version > version);
}

#[test]
fn a_stalled_chain_is_told_once_and_the_next_head_taken() {
    let mut world = World::new(honest());
    world.run(5, |world| world.chain.height() == 4);
    world.next_block = None;
    let stall = world.now + 60_000;
    world.run(61, move |world| world.now + 1_500 >= stall);
    let stalled = |world: &World| world.alarms().iter().filter(|alarm| matches!(alarm, Alarm::Stalled { .. })).count();
    assert_eq!(stalled(&world), 1);
    assert!(world.alarms().iter().all(|alarm| !alarm.fatal()));
    world.next_block = Some(world.now + 1);
    let heads = |world: &World| world.events.iter().filter(|event| matches!(event, Event::Head { .. })).count();
    let before = heads(&world);
    world.run(10, |world| heads(world) > before);
}

#[test]
fn a_second_history_stops_it() {
    let mut world = World::new(honest());
    world.run(5, |world| world.me.head().is_some_and(|head| head.height() == Height(3)));
    let (header, _) = world.chain.at(3);
    let other = Header { time: header.time + 7, ..header };
    let finalization = world.chain.certify(&other);
    world.carry = Box::new(move |_, query, reply| match query {
        Query::Head => Fate::Comes(Reply::Head { header: other.clone(), finalization: finalization.clone() }),
        _ => Fate::Comes(reply),
    });
    world.run(5, |world| world.alarms().iter().any(|alarm| alarm.fatal()));
    assert!(matches!(world.alarms().last(), Some(Alarm::Stopped(Error::Conflict { height: Height(3) }))));
    assert!(world.me.evidence().is_some());
    assert!(world.me.poll(world.now + 60_000).is_none());
    assert_eq!(world.me.deadline(), None);
}

#[test]
fn a_checkpoint_too_old_is_refused() {
    let chain = Chain::new(1);
    let late = BEGIN + chain.genesis.parameters.trust_period + 1;
    let error =
        Participant::new(chain.genesis.clone(), chain.checkpoint(), PrivateKey::from_seed(KEY), late).unwrap_err();
    assert!(matches!(error, Error::StaleCheckpoint { .. }));
}

#[test]
fn a_full_ledger_is_told_and_asked_again() {
    let parameters = Parameters { max_neurons: 2, ..genesis(1).parameters };
    let mut world = World::of(Chain::of(Genesis { parameters, ..genesis(1) }), KEY, honest());
    world.join();
    world.run(60, |world| world.refusals().len() == 2);
    assert!(world.refusals().iter().all(|reason| reason.contains("places are taken")));
}

#[test]
fn hints_bring_heads_sooner_but_not_without_bound() {
    let mut world = World::new(honest());
    world.run(5, |world| world.me.head().is_some());
    let before = world.queries.len();
    for _ in 0..100 {
        world.me.hint();
        world.settle();
        world.now += 1;
    }
    let heads = world.queries[before..].iter().filter(|query| matches!(query, Query::Head)).count();
    assert!(heads <= 1, "{heads} in 100 ms");
}

#[test]
fn a_row_of_another_device_with_the_same_key_is_noticed() {
    let mut world = lives(honest(), 60);
    // The same key signs elsewhere with the nonce that comes next.
    let state = world.chain.state();
    let nonce = state.account(world.me.key()).unwrap().1.nonce;
    let key = PrivateKey::from_seed(KEY);
    let row = state.weights()[2].row.clone();
    let action = Action::SetWeights { uid: Uid(2), row, seen: Height(world.chain.height()) };
    let other = Transaction::sign(&key, world.chain.id(), nonce, Height(world.chain.height() + 50), action);
    let due = world.chain.state().weights()[2].updated.get() + 6;
    let mut handed = false;
    for _ in 0..40 {
        let height = world.chain.height();
        world.run(3, |world| world.chain.height() > height);
        if !handed && height >= due {
            handed = true;
            world.chain.pool.insert(0, other.clone());
        }
    }
    assert!(world.chain.included.contains_key(&other.digest()) || !world.chain.dropped.is_empty());
    let before = world.included(Deed::SET_WEIGHTS).len();
    world.run(60, |world| world.included(Deed::SET_WEIGHTS).len() > before + 1);
    assert_eq!(world.registrations(), 1);
}

#[test]
fn it_does_not_work_for_who_gave_a_place_of_his_to_its_key() {
    let mut world = World::new(honest());
    let founder = PrivateKey::from_seed(2);
    let faucet = PrivateKey::from_seed(1);
    let pay = Action::Transfer { to: founder.public_key(), amount: Amount(5_000_000) };
    world.chain.pool.push(Transaction::sign(&faucet, world.chain.id(), Nonce(0), Height(20), pay));
    let action = Action::Rekey { uid: Uid(0), hot: world.me.key().clone() };
    world.chain.pool.push(Transaction::sign(&founder, world.chain.id(), Nonce(0), Height(20), action));
    world.join();
    world.run(40, |world| world.events.iter().any(|event| matches!(event, Event::Unsigned(_))));
    assert!(world.chain.dropped.is_empty(), "{:?}", world.chain.dropped);
    let told = |event: &Event| matches!(event, Event::Unsigned(reason) if reason.contains("belongs to"));
    assert!(world.events.iter().any(told), "{:?}", world.events);
    assert!(world.included(Deed::SET_WEIGHTS).is_empty() && world.chain.state().weights()[0].version == 0);
}

//! Who takes a place, who gives one up, who is replaced, and where the stake goes.

use super::*;
use crate::table::Unbonding;

/// Unbonding takes 40 blocks, immunity 40, three places.
fn short() -> Genesis {
    let genesis = genesis();
    let parameters =
        Parameters { unbonding: 40, immunity: 40, trust_period: 30_000, max_neurons: 3, ..genesis.parameters };
    Genesis { parameters, ..genesis }
}

/// Of `short`.
const FEE: u64 = 1_000;

fn subscribe() -> Action {
    Action::Subscribe { cold: key(107).public_key(), modality: 2 }
}

fn balance(world: &World, seed: u64) -> Amount {
    world.state.account(&key(seed).public_key()).map_or(Amount(0), |(_, account)| account.balance)
}

fn idle(world: &mut World, blocks: u64) {
    (0..blocks).for_each(|_| world.block(&[]));
}

#[test]
fn a_subscription_buys_a_place_without_work() {
    let mut world = World::new(&short());
    let price = world.state.parameters().subscription;
    assert_eq!(world.check(&world.sign(7, subscribe())), Err(Refusal::Overdrawn { balance: Amount(0), wanted: price }));
    let fund = world.sign(1, Action::Transfer { to: key(7).public_key(), amount: price });
    world.block(&[fund]);
    let transaction = world.sign(7, subscribe());
    world.block(&[transaction]);
    assert_eq!(world.events, [Event::Registered { uid: Uid(2), key: key(7).public_key() }]);
    assert_eq!(balance(&world, 7), Amount(0));
    assert_eq!(world.state.totals().pool, Amount(price.0 + FEE));
    let neuron = &world.state.neurons()[2];
    assert_eq!((neuron.cold, neuron.modality), (key(107).public_key().into(), 2));
    assert_eq!(world.check(&world.sign(7, subscribe())), Err(Refusal::AlreadyRegistered { uid: Uid(2) }));
    assert_eq!(world.check(&world.sign(1, subscribe())), Err(Refusal::Full { most: 3 }));
}

#[test]
fn stake_is_put_in_at_once_and_taken_out_in_time() {
    let mut world = World::new(&short());
    // Founder 2 owns uid 0 by its own key, and has no balance yet.
    let fund = world.sign(1, Action::Transfer { to: key(2).public_key(), amount: Amount(50 * TOKEN) });
    world.block(&[fund]);
    let stake = world.sign(2, Action::Stake { uid: Uid(0), amount: Amount(30 * TOKEN) });
    world.block(&[stake]);
    assert_eq!(world.events, [Event::Staked { uid: Uid(0), added: Amount(30 * TOKEN), taken: Amount(0) }]);
    assert_eq!((world.state.neurons()[0].stake, balance(&world, 2)), (Amount(130 * TOKEN), Amount(20 * TOKEN - FEE)));
    let unstake = world.sign(2, Action::Unstake { uid: Uid(0), amount: Amount(130 * TOKEN) });
    world.block(&[unstake]);
    assert_eq!((world.state.neurons()[0].stake, balance(&world, 2)), (Amount(0), Amount(20 * TOKEN - 2 * FEE)));
    let due = Height(3 + 40);
    let (_, account) = world.state.account(&key(2).public_key()).unwrap();
    assert_eq!(account.unbonding, [Unbonding { due, amount: Amount(130 * TOKEN) }]);
    while world.state.height() < Height(49) {
        world.block(&[]);
        assert_eq!(balance(&world, 2), Amount(20 * TOKEN - 2 * FEE));
    }
    // The first end of an epoch after it is due.
    world.block(&[]);
    assert_eq!(balance(&world, 2), Amount(150 * TOKEN - 2 * FEE));
}

#[test]
fn each_refusal_about_stake_is_named() {
    let mut world = World::new(&short());
    let stake = |amount| Action::Stake { uid: Uid(0), amount: Amount(amount) };
    let unstake = |amount| Action::Unstake { uid: Uid(0), amount: Amount(amount) };
    let check = |world: &World, seed, action| world.check(&world.sign(seed, action)).unwrap_err();
    assert_eq!(check(&world, 3, stake(1)), Refusal::NotOwned { uid: Uid(0) });
    assert_eq!(check(&world, 3, unstake(1)), Refusal::NotOwned { uid: Uid(0) });
    assert_eq!(check(&world, 3, Action::Leave { uid: Uid(0) }), Refusal::NotOwned { uid: Uid(0) });
    assert_eq!(check(&world, 2, Action::Leave { uid: Uid(0) }), Refusal::TooSoon { next: Height(40) });
    assert_eq!(check(&world, 2, Action::Leave { uid: Uid(9) }), Refusal::UnknownUid { uid: Uid(9) });
    assert_eq!(check(&world, 2, stake(0)), Refusal::Nothing);
    assert_eq!(check(&world, 2, unstake(0)), Refusal::Nothing);
    assert_eq!(check(&world, 2, stake(1)), Refusal::Overdrawn { balance: Amount(0), wanted: Amount(1) });
    let all = Amount(100 * TOKEN);
    assert_eq!(check(&world, 2, unstake(all.0 + 1)), Refusal::Understaked { stake: all, wanted: Amount(all.0 + 1) });
    for _ in 0..8 {
        let transaction = world.sign(2, unstake(1));
        world.block(&[transaction]);
    }
    assert_eq!(check(&world, 2, unstake(1)), Refusal::Unbonding { open: 8, due: Height(41) });
}

#[test]
fn who_leaves_takes_its_stake_and_nothing_said_of_it_counts_for_the_next() {
    let mut world = World::new(&short());
    let transaction = world.sign(7, world.register(7));
    world.block(&[transaction]);
    let rows = [
        world.sign(2, weights(0, &[(0, 20_000), (1, 25_535), (2, 20_000)])),
        world.sign(3, weights(1, &[(2, 65_535)])),
        world.sign(7, weights(2, &[(0, 32_768), (1, 32_767)])),
    ];
    world.block(&rows);
    world.epoch();
    assert!(world.state.neurons()[2].stake > Amount(0));
    idle(&mut world, 30);
    let stake = world.state.neurons()[2].stake;
    let leave = world.sign(7, Action::Leave { uid: Uid(2) });
    world.block(&[leave]);
    assert_eq!(world.events, [Event::Left { uid: Uid(2), replaced: false, stake }]);
    assert_eq!(world.state.weights()[0].row, row(&[(0, 40_000), (1, 25_535)]));
    assert_eq!(world.state.weights()[1].row, row(&[(1, 65_535)]));
    assert_eq!(world.state.weights()[2].row, Row::own(Uid(2)));
    assert_eq!(world.state.uid(&key(7).public_key()), None);
    let unknown = Err(Refusal::UnknownUid { uid: Uid(2) });
    assert_eq!(world.check(&world.sign(2, weights(0, &[(0, 40_000), (2, 25_535)]))), unknown);
    assert_eq!(world.check(&world.sign(7, Action::Leave { uid: Uid(2) })), unknown);
    world.epoch();
    assert_eq!(world.state.standings()[2].rank, 0.0);
    let restored = State::decode(world.state.encode()).unwrap();
    assert_eq!(restored, world.state);

    let transaction = world.sign(8, world.register(8));
    world.block(&[transaction]);
    assert_eq!(world.events, [Event::Registered { uid: Uid(2), key: key(8).public_key() }]);
    let neuron = &world.state.neurons()[2];
    assert_eq!((neuron.generation, neuron.stake, neuron.vacant), (1, Amount(0), false));
    assert_eq!(world.state.weights()[2].version, 0);
    idle(&mut world, 60);
    assert_eq!(balance(&world, 7), stake, "who had nothing paid no fee");
}

#[test]
fn a_row_that_was_made_before_a_uid_changed_hands_does_not_count_for_the_next() {
    let mut world = World::new(&short());
    let transaction = world.sign(7, world.register(7));
    world.block(&[transaction]);
    idle(&mut world, 40);
    let leave = world.sign(7, Action::Leave { uid: Uid(2) });
    world.block(&[leave]);
    let before = world.state.height();
    let register = world.sign(8, world.register(8));
    world.block(&[register]);
    let registered = world.state.height();
    let row = |seen| Action::SetWeights { uid: Uid(0), row: row(&[(0, 40_000), (2, 25_535)]), seen };
    let outdated = Err(Refusal::Outdated { uid: Uid(2), registered });
    assert_eq!(world.check(&world.sign_as_it_is(2, row(before))), outdated);
    assert_eq!(world.check(&world.sign_as_it_is(2, row(registered))), Ok(()));
    let unseen = Err(Refusal::Unseen { seen: registered.next(), newest: registered });
    assert_eq!(world.check(&world.sign_as_it_is(2, row(registered.next()))), unseen);
    // What it says of others may be as old as it likes.
    let others = Action::SetWeights { uid: Uid(0), row: super::row(&[(0, 40_000), (1, 25_535)]), seen: Height(0) };
    assert_eq!(world.check(&world.sign_as_it_is(2, others)), Ok(()));
}

#[test]
fn a_purchase_prepays_the_owner_that_was_dealt_with() {
    let mut world = World::new(&short());
    let order = Digest::from([7; 32]);
    let purchase =
        |uid, generation, amount| Action::Purchase { uid: Uid(uid), generation, amount: Amount(amount), order };
    let check = |world: &World, seed, action| world.check(&world.sign(seed, action)).unwrap_err();
    assert_eq!(check(&world, 1, purchase(2, 0, TOKEN)), Refusal::UnknownUid { uid: Uid(2) });
    assert_eq!(check(&world, 1, purchase(0, 1, TOKEN)), Refusal::Resold { uid: Uid(0), generation: 0 });
    assert_eq!(check(&world, 1, purchase(0, 0, 0)), Refusal::Nothing);
    let least = world.state.parameters().opening;
    assert_eq!(check(&world, 1, purchase(0, 0, 5)), Refusal::TooLittle { amount: Amount(5), least });
    let (balance, wanted) = (Amount(1_000 * TOKEN), Amount(1_000 * TOKEN + FEE));
    assert_eq!(check(&world, 1, purchase(0, 0, 1_000 * TOKEN)), Refusal::Overdrawn { balance, wanted });
    let bought = world.sign(1, purchase(0, 0, 3 * TOKEN));
    world.block(&[bought]);
    let from = key(1).public_key();
    assert_eq!(world.events, [Event::Purchased { from, uid: Uid(0), amount: Amount(3 * TOKEN), order }]);
    assert_eq!(self::balance(&world, 2), Amount(3 * TOKEN));
    assert_eq!(self::balance(&world, 1), Amount(997 * TOKEN - FEE));
}

#[test]
fn when_all_places_are_taken_the_least_makes_room_once_it_is_no_longer_new() {
    let mut world = World::new(&short());
    let register = world.sign(7, world.register(7));
    world.block(&[register]);
    // Who has neither stake nor incentive is the least, and new: so there is no place, whatever others hold.
    for _ in 0..39 {
        let refused = world.check(&world.sign(8, world.register(8)));
        assert_eq!(refused, Err(Refusal::Full { most: 3 }));
        world.block(&[]);
    }
    let register = world.sign(8, world.register(8));
    world.block(&[register]);
    assert_eq!(
        world.events,
        [
            Event::Left { uid: Uid(2), replaced: true, stake: Amount(0) },
            Event::Registered { uid: Uid(2), key: key(8).public_key() }
        ]
    );
    assert_eq!((world.state.uid(&key(7).public_key()), world.state.neurons()[2].generation), (None, 1));
    // Those who hold stake are not pushed out by however many newcomers.
    for seed in 9..14 {
        idle(&mut world, 40);
        let register = world.sign(seed, world.register(seed));
        world.block(&[register]);
    }
    assert_eq!([0, 1].map(|uid| world.state.neurons()[uid].stake), [Amount(100 * TOKEN), Amount(50 * TOKEN)]);
}

#[test]
fn places_change_hands_so_often_a_block_and_so_often_an_epoch() {
    let genesis = genesis();
    let parameters = Parameters { registrations: 8, ..genesis.parameters };
    let mut world = World::new(&Genesis { parameters, ..genesis });
    let all: Vec<Transaction> = (20..60).map(|seed| world.sign(seed, world.register(seed))).collect();
    let mut draft = world.state.draft(world.at()).unwrap();
    let refused: Vec<_> = all.iter().filter_map(|one| draft.offer(one).err()).collect();
    assert_eq!(refused.len(), 40 - draft::PLACES);
    assert_eq!(refused[0], Refusal::Crowded { next: Height(2) });
    world.block(&all[..16]);
    world.block(&all[16..32]);
    assert_eq!(world.check(&all[33]), Err(Refusal::Crowded { next: Height(11) }));
    world.epoch();
    assert!(matches!(world.check(&world.sign(53, world.register(53))), Ok(())));
}

#[test]
fn a_chain_of_consensus_whose_peers_leave_demands_no_more_than_there_are() {
    let mut genesis = of(Kind::Consensus);
    genesis.neurons.iter_mut().for_each(|founder| founder.stake = Amount(TOKEN));
    genesis.parameters.immunity = 40;
    let mut world = World::new(&genesis);
    idle(&mut world, 40);
    assert_eq!((world.state.totals().min_weights, world.state.bonds().len()), (2, 2));
    let leave = world.sign(3, Action::Leave { uid: Uid(1) });
    world.block(&[leave]);
    assert_eq!(world.check(&world.sign(2, weights(0, &[(0, 65_535)]))), Ok(()));
    assert!(world.state.bonds().iter().all(|leaf| leaf.held.iter().all(|(uid, _)| *uid != Uid(1))));
    let restored = State::decode(world.state.encode()).unwrap();
    assert_eq!((restored.roots(), &restored), (world.state.roots(), &world.state));
    world.epoch();
    assert_eq!(world.state.totals().min_weights, 1);
}

//! Another hot key for a peer: who may ask, what stays, and what the old key may do then.

use super::*;

const FEE: u64 = 1_000;

/// Founder 2 has uid 0 and a balance, its hot key is its cold key; the newcomer 7 has uid 2 and the cold key 8, which has a
/// balance too.
fn world() -> World {
    let mut world = World::new(&genesis());
    let fund = |world: &World, to: u64| {
        world.sign(1, Action::Transfer { to: key(to).public_key(), amount: Amount(10 * TOKEN) })
    };
    for to in [2, 8] {
        let fund = fund(&world, to);
        world.block(&[fund]);
    }
    let Action::Register { recent, work, .. } = world.register(7) else { unreachable!() };
    let register = Action::Register { cold: key(8).public_key(), modality: 0, recent, work };
    world.block(&[world.sign(7, register)]);
    world
}

fn rekey(uid: u32, hot: u64) -> Action {
    Action::Rekey { uid: Uid(uid), hot: key(hot).public_key() }
}

#[test]
fn the_cold_key_replaces_the_hot_key_and_nothing_else() {
    let mut world = world();
    let row = [(0, 25_535), (2, 40_000)];
    let stake = world.sign(8, Action::Stake { uid: Uid(2), amount: Amount(TOKEN) });
    world.block(&[stake, world.sign(7, weights(2, &row))]);
    world.block(&[]);
    let (neuron, leaf) = (world.state.neurons()[2].clone(), world.state.weights()[2].clone());
    let (pool, paid) = (world.state.totals().pool, world.state.account(&key(8).public_key()).unwrap().1.balance);
    world.block(&[world.sign(8, rekey(2, 9))]);
    assert_eq!(world.events, [Event::Rekeyed { uid: Uid(2), key: key(9).public_key() }]);
    let hot = key(9).public_key().into();
    assert_eq!(world.state.neurons()[2], NeuronLeaf { hot, ..neuron });
    assert_eq!(world.state.weights()[2], leaf);
    assert_eq!(world.state.totals().pool, Amount(pool.0 + FEE));
    assert_eq!(world.state.account(&key(8).public_key()).unwrap().1.balance, Amount(paid.0 - FEE));
    assert_eq!((world.state.uid(&key(7).public_key()), world.state.uid(&key(9).public_key())), (None, Some(Uid(2))));

    // Only the new key signs for the peer, under the same rules as before.
    while world.at().height < leaf.updated.after(world.state.parameters().interval) {
        assert!(matches!(world.check(&world.sign(9, weights(2, &row))), Err(Refusal::TooSoon { .. })));
        world.block(&[]);
    }
    assert_eq!(world.check(&world.sign(7, weights(2, &row))), Err(Refusal::NotYours { uid: Uid(2) }));
    world.block(&[world.sign(9, weights(2, &row))]);
    assert_eq!(world.state.weights()[2].version, leaf.version + 1);
}

#[test]
fn what_the_old_key_signed_before_is_refused_after() {
    let mut world = world();
    let signed = world.sign(7, weights(2, &[(0, 65_535)]));
    assert_eq!(world.check(&signed), Ok(()));
    let at = world.at();
    let taken = world.sign(8, rekey(2, 9));
    let both = world.state.apply(&at, &[taken.clone(), signed.clone()]);
    let refusal = Refusal::NotYours { uid: Uid(2) };
    assert_eq!(both, Err(ApplyError::Transaction { index: 1, refusal: refusal.clone() }));
    world.block(&[taken]);
    assert_eq!(world.check(&signed), Err(refusal));
}

#[test]
fn the_old_key_may_register_anew_and_the_peer_may_take_it_back() {
    let mut world = world();
    world.block(&[world.sign(8, rekey(2, 9))]);
    world.block(&[world.sign(8, rekey(2, 7))]);
    assert_eq!((world.state.uid(&key(7).public_key()), world.state.uid(&key(9).public_key())), (Some(Uid(2)), None));
    world.block(&[world.sign(8, rekey(2, 9))]);
    world.block(&[world.sign(7, world.register(7))]);
    assert_eq!(world.state.uid(&key(7).public_key()), Some(Uid(3)));
    assert_eq!(world.check(&world.sign(8, rekey(2, 7))), Err(Refusal::HotElsewhere { uid: Uid(3) }));
}

#[test]
fn each_reason_to_refuse_is_named() {
    let mut world = world();
    let not_owned = Err(Refusal::NotOwned { uid: Uid(2) });
    assert_eq!(world.check(&world.sign(7, rekey(2, 9))), not_owned, "the hot key is not enough");
    assert_eq!(world.check(&world.sign(2, rekey(2, 9))), not_owned);
    assert_eq!(world.check(&world.sign(8, rekey(5, 9))), Err(Refusal::UnknownUid { uid: Uid(5) }));
    assert_eq!(world.check(&world.sign(8, rekey(2, 7))), Err(Refusal::SameKey { uid: Uid(2) }));
    assert_eq!(world.check(&world.sign(8, rekey(2, 3))), Err(Refusal::HotElsewhere { uid: Uid(1) }));
    // The cold key may be the hot key too, as at a registration.
    assert_eq!(world.check(&world.sign(8, rekey(2, 8))), Ok(()));
    let poor = world.sign(3, rekey(1, 9));
    assert_eq!(world.check(&poor), Err(Refusal::Overdrawn { balance: Amount(0), wanted: Amount(FEE) }));
    // Two peers cannot take one key in a block.
    let (first, second) = (world.sign(8, rekey(2, 9)), world.sign(2, rekey(0, 9)));
    let refusal = Refusal::HotElsewhere { uid: Uid(2) };
    let both = world.state.apply(&world.at(), &[first.clone(), second]);
    assert_eq!(both, Err(ApplyError::Transaction { index: 1, refusal }));
    world.block(&[first]);
}

#[test]
fn who_left_owns_no_key() {
    let base = genesis();
    let parameters = Parameters { immunity: 33, unbonding: 40, trust_period: 30_000, ..base.parameters };
    let mut world = World::new(&Genesis { parameters, ..base });
    for to in [2, 3] {
        let fund = world.sign(1, Action::Transfer { to: key(to).public_key(), amount: Amount(TOKEN) });
        world.block(&[fund]);
    }
    while world.at().height < Height(34) {
        world.block(&[]);
    }
    world.block(&[world.sign(3, Action::Leave { uid: Uid(1) })]);
    assert_eq!(world.check(&world.sign(3, rekey(1, 9))), Err(Refusal::UnknownUid { uid: Uid(1) }));
    // Its key stands in the vacant place, and is free for another peer of the same owner or of any.
    assert_eq!(world.state.neurons()[1].hot, key(3).public_key());
    world.block(&[world.sign(2, rekey(0, 3))]);
    assert_eq!(world.state.uid(&key(3).public_key()), Some(Uid(0)));
    assert_eq!(world.check(&world.sign(3, world.register(3))), Err(Refusal::AlreadyRegistered { uid: Uid(0) }));
}

//! What holds whatever is tried, in any order, on every mechanism.

use super::candidates::{READY, candidate};
use super::*;
use crate::Checked;
use proptest::prelude::*;

/// What a random, partly hostile block tries.
#[derive(Clone, Debug)]
enum Try {
    Register(u64),
    Weights(u64, Vec<(u32, u16)>),
    Transfer(u64, u64, u64),
    Subscribe(u64, u64),
    Stake(u64, u32, u64),
    Unstake(u64, u32, u64),
    Leave(u64, u32),
    Candidate(u64, u32, u64),
    Ready(u64),
    Resign(u64, u64),
    Evidence(u64, u64, u64, bool),
    Purchase(u64, u32, u32, u64),
    Rekey(u64, u32, u64),
    Idle(u8),
}

/// Seeds of consensus keys, 0 that of the first validator.
fn validator() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0u64), 20u64..24]
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = prop_oneof![
        (2u64..12).prop_map(Try::Register),
        ((2u64..12), prop::collection::vec((0u32..4, 1u16..2_000), 1..6))
            .prop_map(|(seed, row)| Try::Weights(seed, row)),
        ((0u64..12), (0u64..12), prop_oneof![0u64..10, 0u64..(2_000 * TOKEN)])
            .prop_map(|(a, b, c)| Try::Transfer(a, b, c)),
        ((1u64..12), (1u64..4)).prop_map(|(seed, cold)| Try::Subscribe(seed, cold)),
        ((1u64..6), (0u32..5), 0u64..(200 * TOKEN)).prop_map(|(seed, uid, amount)| Try::Stake(seed, uid, amount)),
        ((1u64..6), (0u32..5), 0u64..(200 * TOKEN)).prop_map(|(seed, uid, amount)| Try::Unstake(seed, uid, amount)),
        ((2u64..12), (0u32..5)).prop_map(|(seed, uid)| Try::Leave(seed, uid)),
        ((2u64..4), (0u32..3), validator()).prop_map(|(seed, uid, key)| Try::Candidate(seed, uid, key)),
        validator().prop_map(Try::Ready),
        (prop_oneof![validator(), 2u64..4], validator()).prop_map(|(seed, key)| Try::Resign(seed, key)),
        ((1u64..12), validator(), (0u64..8), prop::bool::weighted(0.8))
            .prop_map(|(seed, key, epoch, guilty)| Try::Evidence(seed, key, epoch, guilty)),
        ((1u64..6), (0u32..4), (0u32..2), 0u64..TOKEN)
            .prop_map(|(seed, uid, generation, amount)| Try::Purchase(seed, uid, generation, amount)),
        ((1u64..6), (0u32..5), (1u64..12)).prop_map(|(seed, uid, hot)| Try::Rekey(seed, uid, hot)),
        (1u8..40).prop_map(Try::Idle),
    ];
    prop::collection::vec(one, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn amounts_are_conserved_whatever_is_tried(tries in tries(), mechanism in 0usize..4, few: bool) {
        let genesis = of(Kind::ALL[mechanism]);
        let parameters = genesis.parameters.clone();
        // A chain with few places replaces peers all the time.
        let parameters = Parameters {
            max_neurons: if few { 4 } else { 1_024 },
            immunity: 33,
            unbonding: 11,
            trust_period: 1_000,
            seats: 3,
            ..parameters
        };
        let accounts = (1..4).map(|seed| (key(seed).public_key(), Amount(1_000 * TOKEN))).collect();
        let mut world = World::new(&Genesis { parameters, accounts, ..genesis });
        for attempt in tries {
            let transaction = match attempt {
                Try::Register(seed) => world.sign(seed, world.register(seed)),
                Try::Weights(seed, shares) => {
                    let uid = world.state.uid(&key(seed).public_key()).unwrap_or(Uid(99));
                    let shares: Vec<(Uid, f64)> = shares.into_iter().map(|(uid, share)| (Uid(uid), f64::from(share))).collect();
                    world.sign(seed, Action::SetWeights { uid, row: Row::from_shares(&shares, 64).unwrap(), seen: Height(0) })
                }
                Try::Transfer(from, to, amount) => {
                    world.sign(from, Action::Transfer { to: key(to).public_key(), amount: Amount(amount) })
                }
                Try::Subscribe(seed, cold) => {
                    world.sign(seed, Action::Subscribe { cold: key(cold).public_key(), modality: 0 })
                }
                Try::Stake(seed, uid, amount) => {
                    world.sign(seed, Action::Stake { uid: Uid(uid), amount: Amount(amount) })
                }
                Try::Unstake(seed, uid, amount) => {
                    world.sign(seed, Action::Unstake { uid: Uid(uid), amount: Amount(amount) })
                }
                Try::Leave(seed, uid) => world.sign(seed, Action::Leave { uid: Uid(uid) }),
                Try::Candidate(seed, uid, named) => world.sign(seed, candidate(uid, named)),
                Try::Ready(seed) => world.sign(seed, READY),
                Try::Resign(seed, named) => world.sign(seed, Action::Resign { key: key(named).public_key() }),
                Try::Evidence(seed, named, epoch, guilty) => {
                    world.sign(seed, world.evidence(named, epoch, if guilty { 2 } else { 1 }))
                }
                Try::Purchase(seed, uid, generation, amount) => {
                    let order = Digest::from([9; 32]);
                    world.sign(seed, Action::Purchase { uid: Uid(uid), generation, amount: Amount(amount), order })
                }
                Try::Rekey(seed, uid, hot) => {
                    world.sign(seed, Action::Rekey { uid: Uid(uid), hot: key(hot).public_key() })
                }
                Try::Idle(blocks) => {
                    for _ in 0..blocks {
                        world.block(&[]);
                    }
                    continue;
                }
            };
            // Refused or not, it is the same alone and in a block, and a refused one changes nothing.
            let checked = world.check(&transaction);
            let applied = world.state.apply(&world.at(), std::slice::from_ref(&transaction));
            let mut draft = world.state.draft(world.at()).unwrap();
            let offered = draft.offer_checked(&Checked::new(transaction.clone()).unwrap());
            prop_assert_eq!(&offered, &checked);
            match (checked, applied) {
                (Ok(()), Ok(_)) => world.block(&[transaction]),
                (Err(refusal), Err(ApplyError::Transaction { index: 0, refusal: same })) => prop_assert_eq!(refusal, same),
                other => prop_assert!(false, "{other:?}"),
            }
        }
        world.epoch();
        let numbers = world.state.standings().iter().flat_map(|s| [s.rank, s.trust, s.incentive]);
        prop_assert!(numbers.chain([world.state.totals().loss]).all(crate::codec::canonical));
        prop_assert!(world.state.neurons().iter().all(|neuron| (0.0..=1.0).contains(&neuron.scaling)));
        // Every peer that is there is found by its hot key, and by no other.
        let here: Vec<Uid> =
            (0..).map(Uid).zip(world.state.neurons()).filter(|(_, peer)| !peer.vacant).map(|(uid, _)| uid).collect();
        for uid in &here {
            prop_assert_eq!(world.state.uid(world.state.neurons()[uid.index()].hot), Some(*uid));
        }
        prop_assert_eq!((0..12).filter(|seed| world.state.uid(&key(*seed).public_key()).is_some()).count(), here.len());
        // What a snapshot says is the state; nobody weighs who is not there.
        prop_assert_eq!(&State::decode(world.state.encode()).unwrap(), &world.state);
        for leaf in world.state.weights() {
            let there = |uid: &Uid| world.state.neurons().get(uid.index()).is_some_and(|neuron| !neuron.vacant);
            let vacant = leaf.row == Row::own(leaf.row.entries()[0].0);
            prop_assert!(vacant || leaf.row.entries().iter().all(|(uid, _)| there(uid)));
        }
    }
}

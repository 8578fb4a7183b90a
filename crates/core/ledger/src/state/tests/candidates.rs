//! Who is named, who is elected, who loses a seat, and who is convicted.

use super::*;
use crate::evidence::tests::{notarize, proposal};
use crate::{CandidateLeaf, Evidence, EvidenceError, Founder};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// Where a candidate is.
const HERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 9_000));
/// Where it has moved to.
const THERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 9_000));

pub(super) const READY: Action = Action::Ready { address: THERE };

/// Unbonding takes 40 blocks, immunity 40; the owners of uid 0 and 1 have balances.
fn short() -> Genesis {
    let genesis = genesis();
    let parameters = Parameters { unbonding: 40, immunity: 40, trust_period: 30_000, ..genesis.parameters };
    let accounts = (1..4).map(|seed| (key(seed).public_key(), Amount(1_000 * TOKEN))).collect();
    Genesis { parameters, accounts, ..genesis }
}

pub(super) fn candidate(uid: u32, named: u64) -> Action {
    Action::Candidate { uid: Uid(uid), key: key(named).public_key(), address: HERE }
}

fn resign(named: u64) -> Action {
    Action::Resign { key: key(named).public_key() }
}

impl World {
    /// Votes of a key for blocks 1 and `second` in one round.
    pub(super) fn evidence(&self, named: u64, epoch: u64, second: u8) -> Action {
        let (key, chain) = (key(named), self.state.chain());
        let [first, second] = [1, second].map(|payload| notarize(&key, &chain, proposal(epoch, 4, payload)));
        Action::Evidence { evidence: Box::new(Evidence { key: key.public_key(), first, second }) }
    }

    fn does(&mut self, seed: u64, action: Action) {
        let transaction = self.sign(seed, action);
        self.block(&[transaction]);
    }

    fn refuses(&self, seed: u64, action: Action) -> Refusal {
        self.check(&self.sign(seed, action)).unwrap_err()
    }

    fn leaf(&self, named: u64) -> Option<&CandidateLeaf> {
        self.state.candidate(&key(named).public_key())
    }

    /// The seeds of those who validate, of 0 to 60.
    fn validators(&self) -> Vec<u64> {
        (0..60).filter(|seed| self.state.validators().contains(&key(*seed).public_key())).collect()
    }
}

#[test]
fn a_cold_key_names_keys_that_would_validate() {
    let mut world = World::new(&short());
    assert_eq!(world.refuses(2, candidate(1, 20)), Refusal::NotOwned { uid: Uid(1) });
    assert_eq!(world.refuses(2, candidate(5, 20)), Refusal::UnknownUid { uid: Uid(5) });
    assert_eq!(world.refuses(3, candidate(1, 0)), Refusal::OtherCandidate { uid: Uid(0) });
    world.does(3, candidate(1, 20));
    assert_eq!(world.events, [Event::Named { uid: Uid(1), key: key(20).public_key() }]);
    assert_eq!(world.state.totals().pool, Amount(1_000), "the fee");
    let leaf = CandidateLeaf {
        key: key(20).public_key(),
        uid: Uid(1),
        generation: 0,
        cold: key(3).public_key().into(),
        address: HERE,
        since: Height(1),
        ready: Height(0),
        until: None,
        struck: false,
    };
    assert_eq!(world.leaf(20), Some(&leaf));
    for named in 21..28 {
        world.does(3, candidate(1, named));
    }
    assert_eq!(world.refuses(3, candidate(1, 28)), Refusal::TooManyKeys { uid: Uid(1), most: 8 });
    world.does(3, resign(20));
    assert_eq!(world.leaf(20).unwrap().until, Some(Height(9)));
    let again = Action::Candidate { uid: Uid(1), key: key(20).public_key(), address: THERE };
    world.does(3, again);
    // It must say again that it runs.
    assert_eq!(world.leaf(20), Some(&CandidateLeaf { address: THERE, since: Height(10), ..leaf }));

    let poor = World::new(&genesis());
    let overdrawn = Refusal::Overdrawn { balance: Amount(0), wanted: Amount(1_000) };
    assert_eq!(poor.refuses(3, candidate(1, 20)), overdrawn);
}

#[test]
fn a_named_key_says_that_it_runs_once_an_epoch() {
    let mut world = World::new(&short());
    assert_eq!(world.refuses(20, READY), Refusal::NotCandidate);
    world.does(3, candidate(1, 20));
    assert_eq!(world.refuses(3, READY), Refusal::NotCandidate);
    world.does(20, READY);
    assert_eq!(world.events, [Event::Ready { key: key(20).public_key(), address: THERE }]);
    let leaf = world.leaf(20).unwrap();
    assert_eq!((leaf.ready, leaf.address), (Height(2), THERE));
    assert_eq!(world.refuses(20, READY), Refusal::TooSoon { next: Height(11) });
    world.epoch();
    assert_eq!(world.check(&world.sign(20, READY)), Ok(()));
    world.does(20, resign(20));
    assert_eq!(world.refuses(20, READY), Refusal::Resigned { until: Height(11) });
}

#[test]
fn dust_with_many_keys_does_not_take_the_seats_of_stake_with_few() {
    let genesis = short();
    let founder = |seed, tokens| Founder { key: key(seed).public_key(), modality: 0, stake: Amount(tokens * TOKEN) };
    let accounts = (1..4).map(|seed| (key(seed).public_key(), Amount(1_000 * TOKEN))).collect();
    let parameters = Parameters { seats: 8, seat: Amount(TOKEN), tau: 0.0, ..genesis.parameters };
    let neurons = vec![founder(2, 10_000), founder(3, 10)];
    let mut world = World::new(&Genesis { parameters, accounts, neurons, ..genesis });
    for named in 20..28 {
        world.does(3, candidate(1, named));
        world.does(named, READY);
    }
    world.epoch();
    assert_eq!(world.validators(), [0], "seven seats stay empty");
}

#[test]
fn a_key_is_taken_back_by_itself_or_by_who_named_it() {
    let mut world = World::new(&short());
    world.does(3, candidate(1, 20));
    world.does(3, candidate(1, 21));
    assert_eq!(world.refuses(2, resign(20)), Refusal::NotOwned { uid: Uid(1) });
    assert_eq!(world.refuses(21, resign(20)), Refusal::NotOwned { uid: Uid(1) });
    assert_eq!(world.refuses(3, resign(22)), Refusal::NotCandidate);
    // Whoever holds a key that another named.
    world.does(20, resign(20));
    assert_eq!(world.events, [Event::Resigned { key: key(20).public_key() }]);
    world.does(3, resign(21));
    assert_eq!(world.refuses(3, resign(21)), Refusal::Resigned { until: Height(4) });
    // They stand in the table while their votes can convict them.
    while world.state.height() < Height(49) {
        world.block(&[]);
        assert_eq!(world.leaf(20).unwrap().until, Some(Height(3)));
    }
    world.block(&[]);
    assert_eq!((world.leaf(20), world.leaf(21)), (None, None));
    assert!(world.leaf(0).is_some());
}

#[test]
fn seats_are_dealt_by_stake_among_those_who_run() {
    let genesis = short();
    let founder = |seed, tokens| Founder { key: key(seed).public_key(), modality: 0, stake: Amount(tokens * TOKEN) };
    let neurons = vec![founder(2, 100), founder(3, 60), founder(4, 30), founder(5, 9)];
    let accounts = (1..6).map(|seed| (key(seed).public_key(), Amount(1_000 * TOKEN))).collect();
    let parameters = Parameters { seats: 5, seat: Amount(10 * TOKEN), tau: 0.0, ..genesis.parameters };
    let mut world = World::new(&Genesis { parameters, accounts, neurons, ..genesis });
    // Three keys each; the last peer has less than a seat takes.
    for (owner, uid) in [(2, 0), (3, 1), (4, 2), (5, 3)] {
        let named = (0..3).map(|index| 10 * (uid + 1) + index);
        let transactions: Vec<Transaction> = named
            .clone()
            .zip(world.state.account(&key(owner).public_key()).unwrap().1.nonce.0..)
            .map(|(named, nonce)| {
                let expires = world.at().height.after(10);
                let action = candidate(u32::try_from(uid).unwrap(), named);
                Transaction::sign(&key(owner), world.state.chain(), Nonce(nonce), expires, action)
            })
            .collect();
        world.block(&transactions);
        if owner == 5 {
            let poor = Refusal::Understaked { stake: Amount(9 * TOKEN), wanted: Amount(10 * TOKEN) };
            assert_eq!(world.refuses(10 * (uid + 1), READY), poor);
            break;
        }
        let ready: Vec<Transaction> = named.map(|named| world.sign(named, READY)).collect();
        world.block(&ready);
    }
    assert_eq!(world.validators(), [0]);
    world.epoch();
    // 100, 60, 50, 33 ⅓, and of 30 and 30 the lower uid's. The key of genesis stands longest for uid 0, then two of the three.
    let elected = world.validators();
    assert_eq!((elected.len(), elected[0]), (5, 0));
    assert_eq!(elected[1..].iter().map(|seed| seed / 10).collect::<Vec<_>>(), [1, 1, 2, 2]);
    let keys = world.state.validators().to_vec();
    assert_eq!(world.events.last(), Some(&Event::Elected { validators: keys.clone() }));
    let roots = world.state.roots();
    world.epoch();
    assert!(!world.events.iter().any(|event| matches!(event, Event::Elected { .. })), "nothing changed");
    assert_eq!(world.state.validators(), keys);
    assert_eq!(world.state.roots().candidates, roots.candidates);
}

#[test]
fn who_does_not_say_that_it_runs_takes_no_seat_and_loses_one() {
    let mut world = World::new(&short());
    world.does(3, candidate(1, 20));
    world.epoch();
    assert_eq!(world.validators(), [0], "named, but nobody knows that it runs");
    world.does(20, READY);
    world.epoch();
    assert_eq!(world.validators(), [0, 20]);
    while world.state.height() < Height(60) {
        world.epoch();
        assert_eq!(world.validators(), [0, 20]);
    }
    world.does(20, READY);
    world.epoch();
    assert_eq!(world.validators(), [20], "the first said nothing for longer than the vigil");
    while world.state.height() < Height(200) {
        world.epoch();
    }
    assert_eq!(world.validators(), [20], "where nobody can take a seat, who has one goes on");
    let ready = world.sign(0, READY);
    world.block(&[ready]);
    world.epoch();
    assert_eq!(world.validators(), [0]);
}

#[test]
fn who_resigns_leaves_or_takes_out_its_stake_loses_its_seat_at_the_epoch() {
    let mut world = World::new(&short());
    for (named, owner, uid) in [(20, 2, 0), (21, 3, 1)] {
        world.does(owner, candidate(uid, named));
        world.does(named, READY);
    }
    world.epoch();
    assert_eq!(world.validators(), [0, 20, 21]);
    world.does(20, resign(20));
    assert_eq!(world.validators(), [0, 20, 21], "until the epoch ends");
    world.does(3, Action::Unstake { uid: Uid(1), amount: Amount(50 * TOKEN) });
    world.epoch();
    assert_eq!(world.validators(), [0]);
    // Its peer leaves, and the next owner of the uid does not back it.
    while world.state.height() < Height(40) {
        world.block(&[]);
    }
    world.does(3, Action::Leave { uid: Uid(1) });
    assert_eq!(world.leaf(21).unwrap().until, Some(Height(41)));
    let register = world.sign(7, world.register(7));
    world.block(&[register]);
    assert_eq!(world.state.uid(&key(7).public_key()), Some(Uid(1)));
    let fund = world.sign(1, Action::Transfer { to: key(7).public_key(), amount: Amount(100 * TOKEN) });
    world.block(&[fund]);
    world.does(7, Action::Stake { uid: Uid(1), amount: Amount(60 * TOKEN) });
    assert_eq!(world.refuses(7, candidate(1, 21)), Refusal::OtherCandidate { uid: Uid(1) });
    world.epoch();
    assert_eq!(world.validators(), [0]);
}

#[test]
fn two_votes_that_contradict_each_other_burn_the_stake_behind_them() {
    let mut world = World::new(&short());
    world.does(2, candidate(0, 20));
    let unstake = Action::Unstake { uid: Uid(0), amount: Amount(30 * TOKEN) };
    world.does(2, unstake);
    let (pool, supply) = (world.state.totals().pool, world.state.supply());
    // By anyone, for nothing.
    world.does(50, world.evidence(20, 0, 2));
    let burned = Amount(100 * TOKEN);
    assert_eq!(world.events, [Event::Struck { uid: Uid(0), key: key(20).public_key(), burned }]);
    assert_eq!(world.state.totals().pool, Amount(pool.0 + burned.0));
    assert_eq!(world.state.supply(), supply);
    assert_eq!(world.state.neurons()[0].stake, Amount(0));
    assert!(world.state.account(&key(2).public_key()).unwrap().1.unbonding.is_empty());
    assert_eq!(world.state.neurons()[1].stake, Amount(50 * TOKEN), "nobody else pays");
    // For ever, and once.
    assert_eq!(world.refuses(50, world.evidence(20, 0, 2)), Refusal::Struck);
    assert_eq!(world.refuses(2, candidate(0, 20)), Refusal::Struck);
    assert_eq!(world.refuses(20, READY), Refusal::Struck);
    assert_eq!(world.refuses(2, resign(20)), Refusal::Struck);
    (0..10).for_each(|_| world.epoch());
    assert!(world.leaf(20).unwrap().struck);
}

#[test]
fn what_is_no_evidence_convicts_nobody() {
    let world = World::new(&short());
    assert_eq!(world.refuses(50, world.evidence(20, 0, 2)), Refusal::NotCandidate);
    let error = EvidenceError::NoConflict;
    assert_eq!(world.refuses(50, world.evidence(0, 0, 1)), Refusal::NoEvidence { error });
    let Action::Evidence { evidence } = world.evidence(0, 0, 2) else { unreachable!() };
    let second = notarize(&key(20), &world.state.chain(), proposal(0, 4, 2));
    let forged = Action::Evidence { evidence: Box::new(Evidence { second, ..*evidence }) };
    assert_eq!(world.refuses(50, forged), Refusal::NoEvidence { error: EvidenceError::Unsigned });
}

#[test]
fn old_votes_convict_nobody() {
    let mut world = World::new(&short());
    // Epoch 0 is that of the heights 1 to 10, whose stake may be balance from height 50 on.
    while world.state.height() < Height(49) {
        world.block(&[]);
    }
    assert_eq!(world.check(&world.sign(50, world.evidence(0, 0, 2))), Ok(()));
    world.block(&[]);
    assert_eq!(world.refuses(50, world.evidence(0, 0, 2)), Refusal::Stale { epoch: 0, first: 1 });
    assert_eq!(world.check(&world.sign(50, world.evidence(0, 1, 2))), Ok(()));
}

#[test]
fn who_took_the_place_of_a_convict_does_not_pay_for_it() {
    let mut world = World::new(&short());
    world.does(3, candidate(1, 21));
    while world.state.height() < Height(40) {
        world.block(&[]);
    }
    let burned = world.state.neurons()[1].stake;
    world.does(3, Action::Leave { uid: Uid(1) });
    let register = world.sign(7, world.register(7));
    world.block(&[register]);
    let fund = world.sign(1, Action::Transfer { to: key(7).public_key(), amount: Amount(100 * TOKEN) });
    world.block(&[fund]);
    world.does(7, Action::Stake { uid: Uid(1), amount: Amount(60 * TOKEN) });
    world.does(50, world.evidence(21, 4, 2));
    assert_eq!(world.events, [Event::Struck { uid: Uid(1), key: key(21).public_key(), burned }]);
    assert_eq!(world.state.neurons()[1].stake, Amount(60 * TOKEN));
}

//! The transition function under honest and hostile blocks.

mod assemble;
mod candidates;
mod places;
mod property;
mod rekey;

use super::*;
use crate::parameters::Kind;
use crate::types::{Score, TOKEN};
use crate::work::Puzzle;
use crate::{Action, Parameters, PrivateKey};
use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::Signer;

/// A chain in memory: keys by seed, blocks one after another.
struct World {
    state: State,
    digest: Digest,
    events: Vec<Event>,
}

fn key(seed: u64) -> PrivateKey {
    PrivateKey::from_seed(seed)
}

fn genesis() -> Genesis {
    let parameters = Parameters { difficulty: 4, ..Parameters::dev() };
    Genesis { parameters, ..Genesis::example() }
}

impl World {
    fn new(genesis: &Genesis) -> Self {
        Self { state: genesis.state().unwrap(), digest: genesis.header().unwrap().digest(), events: Vec::new() }
    }

    fn at(&self) -> At {
        At { height: self.state.height().next(), time: self.state.time() + 1_000, parent: self.digest }
    }

    /// A row is made from the newest tables.
    fn sign(&self, seed: u64, mut action: Action) -> Transaction {
        if let Action::SetWeights { seen, .. } = &mut action {
            *seen = self.state.height();
        }
        self.sign_as_it_is(seed, action)
    }

    fn sign_as_it_is(&self, seed: u64, action: Action) -> Transaction {
        let nonce = self.state.account(&key(seed).public_key()).map_or(Nonce(0), |(_, account)| account.nonce);
        Transaction::sign(&key(seed), self.state.chain(), nonce, self.at().height.after(10), action)
    }

    fn register(&self, seed: u64) -> Action {
        let puzzle = Puzzle {
            chain: self.state.chain(),
            key: key(seed).public_key(),
            recent: self.digest,
            difficulty: self.state.totals().difficulty,
        };
        let work = puzzle.search(0, 1_000_000).unwrap();
        Action::Register { cold: key(seed).public_key(), modality: 0, recent: self.state.height(), work }
    }

    fn block(&mut self, transactions: &[Transaction]) {
        let at = self.at();
        let (state, events) = self.state.apply(&at, transactions).unwrap();
        self.digest = Digest::from([at.height.get() as u8; 32]);
        self.state = state;
        self.events = events;
        self.sound();
    }

    fn check(&self, transaction: &Transaction) -> Result<(), Refusal> {
        self.state.check(transaction, &self.at())
    }

    /// To the end of the epoch.
    fn epoch(&mut self) {
        loop {
            self.block(&[]);
            if self.state.height().get().is_multiple_of(self.state.parameters().tempo) {
                return;
            }
        }
    }

    /// What holds after every block: no unit is lost, somebody validates, and the roots are those of the whole tables.
    fn sound(&self) {
        let state = &self.state;
        for table in Table::ALL {
            let leaves = state.leaves(table);
            let whole = crate::table::root_of(table, leaves.iter().map(|leaf| &leaf[..]));
            assert_eq!(state.tree(table).root(), whole, "{table} at height {}", state.height());
        }
        assert_eq!(state.supply(), state.issued(), "height {}", state.height());
        assert!(state.candidates().is_sorted_by(|a, b| a.key < b.key));
        let validators = state.validators();
        assert!(validators.is_sorted_by(|a, b| a < b));
        assert!((1..=state.parameters().seats as usize).contains(&validators.len()));
        assert!(validators.iter().all(|key| state.candidate(key).is_some()));
    }
}

fn row(entries: &[(u32, u16)]) -> Row {
    Row::new(entries.iter().map(|(uid, score)| (Uid(*uid), Score(*score))).collect()).unwrap()
}

fn weights(uid: u32, entries: &[(u32, u16)]) -> Action {
    Action::SetWeights { uid: Uid(uid), row: row(entries), seen: Height(0) }
}

#[test]
fn a_new_peer_registers_is_scored_and_earns_stake() {
    let mut world = World::new(&genesis());
    let transaction = world.sign(7, world.register(7));
    world.block(&[transaction]);
    assert_eq!(world.events, [Event::Registered { uid: Uid(2), key: key(7).public_key() }]);
    assert_eq!(world.state.neurons()[2].stake, Amount(0));
    let rows = [
        world.sign(2, weights(0, &[(0, 20_000), (1, 25_535), (2, 20_000)])),
        world.sign(3, weights(1, &[(0, 25_535), (1, 20_000), (2, 20_000)])),
        world.sign(7, weights(2, &[(0, 32_768), (1, 32_767)])),
    ];
    world.block(&rows);
    world.epoch();
    // Founders emitted and released before they were trusted, so something is in the pool, and the loss is below 0.
    assert!(world.state.totals().loss < 0.0, "{:?}", world.state.totals());
    assert!(world.state.totals().minted > Amount(0));
    assert_eq!(world.state.totals().pool, Amount(0));
    assert!(world.state.neurons()[2].stake > Amount(0));
    assert!(world.state.standings()[2].rank > 0.2);
    assert_eq!(world.state.totals().number, 1);
}

#[test]
fn what_is_minted_was_released_by_updates_of_rows() {
    let mut world = World::new(&genesis());
    world.epoch();
    assert_eq!(world.state.totals().minted, Amount(0));
    let pending = world.state.neurons()[0].pending;
    assert!(pending > Amount(0));
    let first = world.sign(2, weights(0, &[(1, 65_535)]));
    world.block(&[first]);
    let Some(Event::WeightsSet { released, version: 1, .. }) = world.events.first() else {
        panic!("{:?}", world.events)
    };
    assert!(*released > pending, "one block more than at the epoch");
    assert_eq!(world.state.totals().minted, *released);
    assert_eq!(world.state.neurons()[0].pending, Amount(0));
}

#[test]
fn while_nobody_is_trusted_the_pool_is_carried_and_scaling_descends() {
    let founder =
        |seed, tokens| crate::Founder { key: key(seed).public_key(), modality: 0, stake: Amount(tokens * TOKEN) };
    // Three who score only themselves: each is distrusted by the two others.
    let mut world = World::new(&Genesis { neurons: vec![founder(2, 40), founder(3, 35), founder(4, 25)], ..genesis() });
    let own = world.sign(2, weights(0, &[(0, 65_535)]));
    world.block(&[own]);
    let released = world.state.totals().minted;
    world.epoch();
    let totals = world.state.totals().clone();
    assert!(totals.loss > 0.0, "{totals:?}");
    assert!(released > Amount(0));
    assert_eq!((totals.paid, totals.pool), (Amount(0), released));
    let descended: Vec<f64> = world.state.neurons().iter().map(|neuron| neuron.scaling).collect();
    assert!(descended.iter().any(|a| *a < 1.0), "{descended:?}");
    // They score each other: trusted, paid what was carried, and scaled up again.
    let all = [(0, 21_845), (1, 21_845), (2, 21_845)];
    world.block(&[]);
    let rows = [(2, 0), (3, 1), (4, 2)].map(|(seed, uid)| {
        let entries = if uid == 0 { [(0, 40_535), (1, 12_500), (2, 12_500)] } else { all };
        world.sign(seed, weights(uid, &entries))
    });
    for _ in 0..4 {
        world.block(&[]);
    }
    world.block(&rows);
    world.epoch();
    let totals = world.state.totals();
    assert!(totals.loss < 0.0, "{totals:?}");
    assert_eq!((totals.paid, totals.pool), (totals.minted, Amount(0)));
    let returned = world.state.neurons().iter().map(|neuron| neuron.scaling);
    assert!(descended.iter().zip(returned).all(|(before, after)| after > *before || after == 1.0));
}

#[test]
fn nobody_and_nothing_are_defined() {
    let poor = Genesis {
        parameters: Parameters { seat: Amount(0), immunity: 33, ..genesis().parameters },
        accounts: vec![],
        neurons: vec![crate::Founder { key: key(2).public_key(), modality: 0, stake: Amount(0) }],
        ..genesis()
    };
    let mut world = World::new(&poor);
    let transaction = world.sign(2, weights(0, &[(0, 65_535)]));
    world.block(&[transaction]);
    world.epoch();
    assert_eq!(world.state.totals().loss, 0.0);
    assert_eq!(world.state.standings()[0], Standing::default());
    // The only one leaves.
    (0..3).for_each(|_| world.epoch());
    let leave = world.sign(2, Action::Leave { uid: Uid(0) });
    world.block(&[leave]);
    world.epoch();
    assert_eq!((world.state.totals().loss, world.state.totals().number), (0.0, 5));
    assert_eq!(world.state.validators(), [key(0).public_key()], "nobody can take its seat");
    for table in Table::ALL {
        let leaves = world.state.leaves(table);
        assert_eq!(world.state.tree(table).leaves().len(), leaves.len());
    }
}

#[test]
fn each_refusal_of_any_transaction_is_named() {
    let mut world = World::new(&genesis());
    world.block(&[]);
    let transfer = |amount| Action::Transfer { to: key(9).public_key(), amount: Amount(amount) };
    let good = world.sign(1, transfer(TOKEN));
    assert_eq!(world.check(&good), Ok(()));

    let unsigned = Transaction { signature: world.sign(1, transfer(1)).signature, ..good.clone() };
    assert_eq!(world.check(&unsigned), Err(Refusal::Unsigned));
    let other = ChainId(Digest::from([1; 32]));
    let foreign = Transaction::sign(&key(1), other, Nonce(0), good.expires, transfer(TOKEN));
    assert_eq!(world.check(&foreign), Err(Refusal::ForeignChain));
    let ahead = Transaction::sign(&key(1), world.state.chain(), Nonce(1), good.expires, transfer(TOKEN));
    assert_eq!(world.check(&ahead), Err(Refusal::NonceAhead { given: Nonce(1), next: Nonce(0) }));
    let expired = Transaction::sign(&key(1), world.state.chain(), Nonce(0), Height(1), transfer(TOKEN));
    assert_eq!(world.check(&expired), Err(Refusal::Expired { expires: Height(1), now: Height(2) }));
    let late = Transaction::sign(&key(1), world.state.chain(), Nonce(0), Height(63), transfer(TOKEN));
    assert_eq!(world.check(&late), Err(Refusal::ExpiresTooLate { expires: Height(63), most: Height(62) }));

    world.block(std::slice::from_ref(&good));
    assert_eq!(world.check(&good), Err(Refusal::Replayed { given: Nonce(0), next: Nonce(1) }));
    let error = world.state.apply(&world.at(), std::slice::from_ref(&good)).unwrap_err();
    let refusal = Refusal::Replayed { given: Nonce(0), next: Nonce(1) };
    assert_eq!(error, ApplyError::Transaction { index: 0, refusal });
}

#[test]
fn each_refusal_of_a_transfer_is_named() {
    let world = World::new(&genesis());
    let transfer =
        |seed, to, amount| world.sign(seed, Action::Transfer { to: key(to).public_key(), amount: Amount(amount) });
    assert_eq!(world.check(&transfer(1, 9, 0)), Err(Refusal::Nothing));
    let all = 1_000 * TOKEN;
    let overdrawn = Refusal::Overdrawn { balance: Amount(all), wanted: Amount(all + 1) };
    assert_eq!(world.check(&transfer(1, 9, all + 1)), Err(overdrawn));
    assert_eq!(world.check(&transfer(8, 9, 1)), Err(Refusal::Overdrawn { balance: Amount(0), wanted: Amount(1) }));
    let little = Refusal::TooLittle { amount: Amount(5), least: world.state.parameters().opening };
    assert_eq!(world.check(&transfer(1, 9, 5)), Err(little));
    assert_eq!(world.check(&transfer(1, 1, 5)), Ok(()));
}

#[test]
fn a_transfer_to_oneself_costs_its_fee_and_a_nonce() {
    let mut world = World::new(&genesis());
    let transaction = world.sign(1, Action::Transfer { to: key(1).public_key(), amount: Amount(5) });
    world.block(&[transaction]);
    let (_, account) = world.state.account(&key(1).public_key()).unwrap();
    assert_eq!((account.balance, account.nonce), (Amount(1_000 * TOKEN - 1_000), Nonce(1)));
}

#[test]
fn each_refusal_of_a_registration_is_named() {
    let mut genesis = genesis();
    genesis.parameters.difficulty = 1 << 40;
    genesis.parameters.max_neurons = 3;
    let mut world = World::new(&genesis);
    let register =
        |recent| Action::Register { cold: key(7).public_key(), modality: 0, recent: Height(recent), work: 0 };
    assert_eq!(world.check(&world.sign(2, register(0))), Err(Refusal::AlreadyRegistered { uid: Uid(0) }));
    assert_eq!(world.check(&world.sign(7, register(0))), Err(Refusal::NotEnoughWork { difficulty: 1 << 40 }));
    let not_recent = |recent, newest| Err(Refusal::NotRecent { recent: Height(recent), newest: Height(newest) });
    assert_eq!(world.check(&world.sign(7, register(1))), not_recent(1, 0));
    for _ in 0..32 {
        world.block(&[]);
    }
    assert_eq!(world.check(&world.sign(7, register(0))), not_recent(0, 32));
    assert_eq!(world.check(&world.sign(7, register(1))), Err(Refusal::NotEnoughWork { difficulty: 1 << 40 }));

    let full = Genesis { parameters: Parameters { max_neurons: 2, ..genesis.parameters.clone() }, ..genesis };
    let world = World::new(&full);
    assert_eq!(world.check(&world.sign(7, register(0))), Err(Refusal::Full { most: 2 }));
}

#[test]
fn work_counts_for_the_blocks_it_was_done_on() {
    let mut world = World::new(&genesis());
    for _ in 0..40 {
        world.block(&[]);
    }
    let action = world.register(7);
    for _ in 0..31 {
        world.block(&[]);
    }
    assert_eq!(world.check(&world.sign(7, action.clone())), Ok(()));
    world.block(&[]);
    let refused = world.check(&world.sign(7, action));
    assert_eq!(refused, Err(Refusal::NotRecent { recent: Height(40), newest: Height(72) }));
}

#[test]
fn each_refusal_of_weights_is_named() {
    let mut world = World::new(&genesis());
    assert_eq!(world.check(&world.sign(2, weights(5, &[(0, 65_535)]))), Err(Refusal::UnknownUid { uid: Uid(5) }));
    assert_eq!(world.check(&world.sign(2, weights(1, &[(0, 65_535)]))), Err(Refusal::NotYours { uid: Uid(1) }));
    assert_eq!(world.check(&world.sign(2, weights(0, &[(2, 65_535)]))), Err(Refusal::UnknownUid { uid: Uid(2) }));
    let long: Vec<(u32, u16)> = (0..65).map(|uid| (uid, if uid == 0 { 65_535 - 64 } else { 1 })).collect();
    assert_eq!(world.check(&world.sign(2, weights(0, &long))), Err(Refusal::TooManyWeights { entries: 65, most: 64 }));
    // The first update may go anywhere; later ones not so soon and not so far.
    let first = world.sign(2, weights(0, &[(1, 65_535)]));
    world.block(&[first]);
    let back = weights(0, &[(0, 65_535)]);
    assert_eq!(world.check(&world.sign(2, back.clone())), Err(Refusal::TooSoon { next: Height(6) }));
    for _ in 0..4 {
        world.block(&[]);
    }
    let refused = world.check(&world.sign(2, back)).unwrap_err();
    assert_eq!(refused, Refusal::TooLargeStep { squared: 2 * 65_535 * 65_535, bound: 1_073_709_057 });
    // Its row has no self-loop and its key no balance: free once an epoch.
    let again = weights(0, &[(0, 20_000), (1, 45_535)]);
    let unpaid = Err(Refusal::Unpaid { fee: Amount(1_000), next: Height(11) });
    assert_eq!(world.check(&world.sign(2, again.clone())), unpaid);
    world.epoch();
    assert_eq!(world.check(&world.sign(2, again)), Ok(()));
}

#[test]
fn fees_come_from_the_self_loop_then_from_the_balance_and_join_the_pool() {
    let mut world = World::new(&genesis());
    let fee = world.state.parameters().fee;
    // 100 tokens release far more than the fee, and a third of the row is the self-loop.
    let first = world.sign(2, weights(0, &[(0, 21_845), (1, 43_690)]));
    world.block(&[first]);
    (0..4).for_each(|_| world.block(&[]));
    let covered = world.sign(2, weights(0, &[(1, 65_535)]));
    world.block(&[covered]);
    let released = world.state.totals().minted;
    assert_eq!(world.state.totals().pool, released, "what the self-loop covers is in the pool already");
    // Now there is no self-loop, so the balance pays.
    let fund = world.sign(1, Action::Transfer { to: key(2).public_key(), amount: Amount(10 * TOKEN) });
    world.block(&[fund]);
    (0..4).for_each(|_| world.block(&[]));
    let before = world.state.totals().clone();
    let paid = world.sign(2, weights(0, &[(0, 20_000), (1, 45_535)]));
    world.block(&[paid]);
    let totals = world.state.totals();
    let taken = 10 * TOKEN - world.state.account(&key(2).public_key()).unwrap().1.balance.0;
    assert_eq!(taken, fee.0);
    assert_eq!(totals.pool.0 - before.pool.0, totals.minted.0 - before.minted.0 + taken);
}

#[test]
fn blocks_out_of_place_are_refused() {
    let world = World::new(&genesis());
    let at = world.at();
    let wrong = world.state.apply(&At { height: Height(2), ..at }, &[]);
    assert_eq!(wrong.unwrap_err(), ApplyError::Height { height: Height(0), given: Height(2) });
    let wrong = world.state.apply(&At { time: world.state.time(), ..at }, &[]);
    assert_eq!(wrong.unwrap_err(), ApplyError::Time { time: world.state.time(), given: world.state.time() });
}

#[test]
fn roots_and_snapshots_do_not_know_history() {
    let mut world = World::new(&genesis());
    let transaction = world.sign(7, world.register(7));
    world.block(&[transaction]);
    world.epoch();
    let bytes = world.state.encode();
    let back = State::decode(bytes.clone()).unwrap();
    assert_eq!(back, world.state);
    assert_eq!(back.roots(), world.state.roots());
    let at = world.at();
    assert_eq!(back.apply(&at, &[]).unwrap(), world.state.apply(&at, &[]).unwrap());
    let mut newer = bytes.to_vec();
    newer[0] = SNAPSHOT_VERSION + 1;
    assert!(State::decode(newer).is_err());
    for length in (0..bytes.len()).step_by(7) {
        assert!(State::decode(bytes.slice(..length)).is_err());
    }
}

#[test]
fn every_leaf_is_provable_against_the_header() {
    let mut world = World::new(&of(Kind::Consensus));
    world.epoch();
    let roots = world.state.roots();
    for table in Table::ALL {
        let index = if world.state.leaves(table).len() > 1 { 1 } else { 0 };
        let proven = world.state.prove(table, index).unwrap();
        crate::table::verify_leaf(table, &roots.of(table), index, &proven.leaf, &proven.proof).unwrap();
    }
    let (index, _) = world.state.account(&key(1).public_key()).unwrap();
    let proven = world.state.prove(Table::Accounts, index).unwrap();
    assert_eq!(AccountLeaf::decode(proven.leaf).unwrap().balance, Amount(1_000 * TOKEN));
}

/// A chain that runs this mechanism.
fn of(mechanism: Kind) -> Genesis {
    let genesis = genesis();
    Genesis { parameters: mechanism.fit(&genesis.parameters), ..genesis }
}

/// Two epochs in which the founders and one newcomer weigh each other.
fn lived(mechanism: Kind) -> World {
    let mut world = World::new(&of(mechanism));
    let register = world.sign(7, world.register(7));
    world.block(&[register]);
    // Little on oneself, so that the inflation of Competitive rises.
    let others = |own| [0, 1, 2].map(|uid| (uid, if uid == own { 1_535 } else { 32_000 }));
    for _ in 0..4 {
        let rows = [(2, 0), (3, 1), (7, 2)].map(|(seed, uid)| world.sign(seed, weights(uid, &others(uid))));
        world.block(&rows);
        world.epoch();
    }
    world
}

#[test]
fn every_mechanism_closes_epochs_and_pays_what_was_released() {
    for mechanism in Kind::ALL {
        let world = lived(mechanism);
        let totals = world.state.totals();
        assert_eq!(totals.number, 4, "{mechanism:?}");
        assert!(totals.minted > Amount(0), "{mechanism:?}");
        assert!(world.state.neurons()[2].stake > Amount(0), "{mechanism:?}: {totals:?}");
        let standing = &world.state.standings()[2];
        assert_eq!(standing.dividend > 0.0, mechanism == Kind::Consensus);
        assert_eq!(world.state.bonds().len(), if mechanism == Kind::Consensus { 3 } else { 0 });
        let back = State::decode(world.state.encode()).unwrap();
        assert_eq!((back.roots(), back.clone()), (world.state.roots(), world.state.clone()));
    }
    let loser = lived(Kind::Competitive).state.totals().tau;
    assert!(loser > 0.0 && loser < Parameters::dev().tau / 100.0, "inflation rises from 0: {loser}");
}

#[test]
fn a_chain_without_direct_majority_demands_more_weights_and_refuses_shorter_rows() {
    let mut genesis = of(Kind::Consensus);
    genesis.neurons.iter_mut().for_each(|founder| founder.stake = Amount(TOKEN));
    let mut world = World::new(&genesis);
    for expected in [2, 2] {
        world.epoch();
        assert!(world.state.totals().loss >= 0.0);
        assert_eq!(world.state.totals().min_weights, expected, "there are but two");
    }
    let short = world.sign(2, weights(0, &[(1, 65_535)]));
    assert_eq!(world.check(&short), Err(Refusal::TooFewWeights { entries: 1, least: 2 }));
    assert_eq!(world.check(&world.sign(2, weights(0, &[(0, 1), (1, 65_534)]))), Ok(()));
}

#[test]
fn a_hostile_row_of_any_kind_never_stops_an_epoch() {
    for mechanism in Kind::ALL {
        for hostile in [&[(1, 65_535)][..], &[(0, 65_535)], &[(0, 1), (1, 65_534)], &[(0, 65_534), (1, 1)]] {
            let mut world = World::new(&of(mechanism));
            // A closed class without a self-loop, where the other answers in kind.
            let rows = [world.sign(2, weights(0, hostile)), world.sign(3, weights(1, &[(0, 65_535)]))];
            world.block(&rows);
            world.epoch();
            let totals = world.state.totals();
            assert!(totals.number == 1 && totals.loss.is_finite(), "{mechanism:?} {hostile:?}");
            assert!(world.state.standings().iter().all(|standing| standing.rank.is_finite()));
        }
    }
}

//! The queue's rules, one by one, and what holds whatever happens.

use super::*;
use crate::evidence::evidence;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{Activity, ConflictingNotarize, Notarize, Proposal};
use commonware_consensus::types::{Epoch, Round, View};
use commonware_cryptography::Signer;
use commonware_utils::ordered::Set;
use ledger::{Action, Amount, Genesis, Nonce, Parameters, PrivateKey, Puzzle};
use proptest::prelude::*;

/// A chain in memory beside its queue. The seeds from 100 on hold balances.
struct World {
    header: Header,
    state: State,
    mempool: Mempool,
}

const TOKEN: u64 = 1_000_000_000;

fn key(seed: u64) -> PrivateKey {
    PrivateKey::from_seed(seed)
}

impl World {
    fn new(rich: u64) -> Self {
        let parameters = Parameters { difficulty: 1, ..Parameters::dev() };
        let mut genesis = Genesis { parameters, ..Genesis::example() };
        genesis.accounts.extend((100..100 + rich).map(|seed| (key(seed).public_key(), Amount(TOKEN))));
        let (header, state) = (genesis.header().unwrap(), genesis.state().unwrap());
        let mempool = Mempool::new(&header, &state).unwrap();
        Self { header, state, mempool }
    }

    fn sign(&self, seed: u64, nonce: u64, action: Action) -> Transaction {
        Transaction::sign(&key(seed), self.state.chain(), Nonce(nonce), self.state.height().after(50), action)
    }

    fn transfer(&self, seed: u64, nonce: u64, amount: u64) -> Transaction {
        self.sign(seed, nonce, Action::Transfer { to: key(9).public_key(), amount: Amount(amount) })
    }

    /// Takes a place by work: free.
    fn register(&self, seed: u64, nonce: u64) -> Transaction {
        let key = key(seed).public_key();
        let recent = self.header.digest();
        let puzzle = Puzzle { chain: self.state.chain(), key: key.clone(), recent, difficulty: 1 };
        let work = puzzle.search(0, 1_000).unwrap();
        self.sign(seed, nonce, Action::Register { cold: key, modality: 0, recent: self.state.height(), work })
    }

    fn ready(&self, seed: u64) -> Transaction {
        self.sign(seed, 0, Action::Ready { address: ([127, 0, 0, 1], 9).into() })
    }

    /// The validator of the example, key 0, accused by `seed` of two votes in this view.
    fn accuse(&self, seed: u64, view: u64) -> Transaction {
        let validators = Set::try_from(vec![key(0).public_key()]).unwrap();
        let namespace = ledger::namespace(&self.state.chain());
        let scheme = Scheme::signer(&namespace, validators.clone(), key(0)).unwrap();
        let round = Round::new(Epoch::new(0), View::new(view));
        let vote = |payload| {
            let proposal = Proposal::new(round, View::new(0), Digest::from([payload; 32]));
            Notarize::sign(&scheme, proposal).unwrap()
        };
        let fault = Activity::ConflictingNotarize(ConflictingNotarize::new(vote(1), vote(2)));
        let evidence = Box::new(evidence(&fault, &validators).unwrap());
        self.sign(seed, 0, Action::Evidence { evidence })
    }

    /// A final block with these transactions.
    fn block(&mut self, transactions: &[Transaction]) {
        let height = self.header.height.next();
        let at = At { height, time: self.state.time() + 1_000, parent: self.header.digest() };
        self.state = self.state.apply(&at, transactions).unwrap().0;
        self.header = Header { height, time: at.time, parent: at.parent, ..self.header.clone() };
        self.mempool.settle(&self.header, &self.state, transactions);
        self.holds();
    }

    fn submit(&mut self, transaction: &Transaction) -> Result<Digest, Refusal> {
        let outcome = self.mempool.submit(transaction.clone());
        self.holds();
        outcome
    }

    fn offers(&self) -> Vec<Digest> {
        self.mempool.offers().iter().map(|checked| checked.transaction().digest()).collect()
    }

    fn refusal(&self, transaction: &Transaction) -> Refusal {
        match self.mempool.status(&transaction.digest()) {
            TransactionStatus::Refused { refusal } => refusal,
            other => panic!("{other:?}"),
        }
    }

    /// What holds at any time.
    fn holds(&self) {
        let Mempool { order, places, signers, bytes, limits, .. } = &self.mempool;
        assert!(order.len() <= limits.count && *bytes <= limits.bytes);
        assert_eq!(*bytes, order.values().map(|waiting| waiting.transaction().encode_size()).sum::<usize>());
        assert_eq!((places.len(), signers.values().map(Vec::len).sum::<usize>()), (order.len(), order.len()));
        let accused: HashSet<PublicKey> = order.values().filter_map(|waiting| waiting.accused().cloned()).collect();
        assert_eq!(self.mempool.accused, accused);
        for (place, waiting) in order {
            assert_eq!(places.get(&waiting.digest), Some(place));
            assert_eq!(waiting.digest, waiting.transaction().digest());
        }
        for (signer, places) in signers {
            assert!(!places.is_empty() && places.len() <= PER_SIGNER && places.is_sorted());
            let nonces: Vec<u64> = places.iter().map(|place| order[place].transaction().nonce.get()).collect();
            assert!(nonces.windows(2).all(|pair| pair[1] == pair[0] + 1), "{nonces:?}");
            assert!(places.iter().all(|place| order[place].transaction().signer == *signer));
        }
    }
}

#[test]
fn refused_before_it_enters_and_included_once() {
    let mut world = World::new(1);
    let foreign = world.transfer(4, 0, 1);
    assert_eq!(world.submit(&foreign), Err(Refusal::Overdrawn { balance: Amount(0), wanted: Amount(1) }));
    assert_eq!(world.mempool.status(&foreign.digest()), TransactionStatus::Unknown);
    let ahead = world.transfer(100, 1, 2_000_000);
    assert_eq!(world.submit(&ahead), Err(Refusal::NonceAhead { given: Nonce(1), next: Nonce(0) }));
    let first = world.transfer(100, 0, 2_000_000);
    let digest = world.submit(&first).unwrap();
    assert_eq!(world.submit(&first), Ok(digest));
    let second = world.submit(&ahead).unwrap();
    assert_eq!(world.offers(), [digest, second]);
    assert_eq!(world.mempool.checked(&second).unwrap().transaction(), &ahead);
    assert_eq!(world.mempool.status(&second), TransactionStatus::Pending);

    world.block(&[first]);
    assert_eq!(world.mempool.status(&digest), TransactionStatus::Included { height: Height(1) });
    assert_eq!(world.mempool.status(&second), TransactionStatus::Pending);
    assert_eq!(world.mempool.checked(&digest), None);
    assert_eq!(world.offers(), [second]);
}

#[test]
fn another_block_can_push_a_waiting_one_out() {
    let mut world = World::new(1);
    let waiting = world.transfer(100, 0, 2_000_000);
    let behind = world.transfer(100, 1, 2_000_000);
    world.submit(&waiting).unwrap();
    world.submit(&behind).unwrap();
    let other = world.transfer(100, 0, 5_000_000);
    world.block(&[other]);
    assert_eq!(world.refusal(&waiting), Refusal::Replayed { given: Nonce(0), next: Nonce(1) });
    assert_eq!(world.offers(), [behind.digest()]);
    let everything = world.transfer(100, 1, TOKEN - 5_000_000 - world.state.parameters().fee.get() * 2);
    world.block(&[everything]);
    assert_eq!(world.refusal(&behind), Refusal::Replayed { given: Nonce(1), next: Nonce(2) });
    assert!(world.mempool.is_empty());
}

#[test]
fn one_key_cannot_fill_the_queue() {
    let mut world = World::new(1);
    for nonce in 0..PER_SIGNER as u64 {
        world.submit(&world.transfer(100, nonce, 1_000_000)).unwrap();
    }
    let refused = world.submit(&world.transfer(100, PER_SIGNER as u64, 1_000_000));
    assert_eq!(refused, Err(Refusal::Queued { open: PER_SIGNER as u32 }));
}

#[test]
fn what_keeps_the_chain_alive_comes_first_then_what_pays_then_what_is_free() {
    let mut world = World::new(2);
    // A validator may say that it runs once an epoch, and has said so at the genesis.
    for _ in 0..world.state.parameters().tempo {
        world.block(&[]);
    }
    let free = world.register(7, 0);
    let paid = [world.transfer(100, 0, 1_000_000), world.transfer(101, 0, 1_000_000)];
    let vital = [world.ready(0), world.accuse(8, 3)];
    for transaction in [&free, &paid[0], &vital[0], &paid[1], &vital[1]] {
        world.submit(transaction).unwrap();
    }
    let order = [&vital[0], &vital[1], &paid[0], &paid[1], &free].map(Transaction::digest);
    assert_eq!(world.offers(), order);
    let classes = order.map(|digest| world.mempool.class(&digest).unwrap());
    assert_eq!(classes, [Class::Vital, Class::Vital, Class::Paid, Class::Paid, Class::Free]);
}

#[test]
fn nothing_overtakes_a_smaller_nonce_of_its_signer() {
    let mut world = World::new(2);
    let free = world.register(100, 0);
    let behind = world.transfer(100, 1, 1_000_000);
    let other = world.transfer(101, 0, 1_000_000);
    for transaction in [&free, &behind, &other] {
        world.submit(transaction).unwrap();
    }
    assert_eq!(world.offers(), [&other, &free, &behind].map(Transaction::digest));
    // Once nothing free stands before it, it counts as what it is.
    let newest = world.transfer(101, 1, 1_000_000);
    world.submit(&newest).unwrap();
    world.block(&[free]);
    assert_eq!(world.offers(), [&behind, &other, &newest].map(Transaction::digest));
}

#[test]
fn a_waiting_one_is_replaced_and_what_is_behind_it_tried_again() {
    let mut world = World::new(1);
    let small = world.transfer(100, 0, 1_000_000);
    let kept = world.transfer(100, 1, 2_000_000);
    let lost = world.transfer(100, 2, TOKEN / 2);
    for transaction in [&small, &kept, &lost] {
        world.submit(transaction).unwrap();
    }
    // One that could not be carried out leaves all as it was.
    let overdrawn = world.submit(&world.transfer(100, 0, 2 * TOKEN));
    assert!(matches!(overdrawn, Err(Refusal::Overdrawn { .. })));
    let large = world.transfer(100, 0, TOKEN / 2);
    world.submit(&large).unwrap();
    assert_eq!(world.offers(), [large.digest(), kept.digest()]);
    assert_eq!(world.refusal(&small), Refusal::Replayed { given: Nonce(0), next: Nonce(1) });
    assert!(matches!(world.refusal(&lost), Refusal::Overdrawn { .. }));
    assert_eq!(world.submit(&small), Ok(small.digest()));
    assert_eq!(world.mempool.status(&small.digest()), TransactionStatus::Pending);
    for amount in 3..5 {
        world.submit(&world.transfer(100, 0, amount * 1_000_000)).unwrap();
    }
    let fifth = world.submit(&world.transfer(100, 0, 6_000_000));
    assert_eq!(fifth, Err(Refusal::Queued { open: 2 }));
    // The bound is one nonce's.
    world.submit(&world.transfer(100, 1, 3_000_000)).unwrap();
}

#[test]
fn a_better_class_puts_out_the_newest_of_the_worst() {
    let mut world = World::new(4);
    world.mempool.limits.count = 4;
    let free = [world.register(7, 0), world.register(100, 0)];
    let behind = world.transfer(100, 1, 1_000_000);
    let paid = [1, 2, 3].map(|index| world.transfer(100 + index, 0, 1_000_000));
    for transaction in [&free[0], &free[1], &behind, &paid[0]] {
        world.submit(transaction).unwrap();
    }
    assert_eq!(world.submit(&world.register(8, 0)), Err(Refusal::Busy { open: 4 }));
    // A wrong signature puts nobody out.
    let mut forged = paid[1].clone();
    forged.signature = paid[0].signature.clone();
    assert_eq!(world.submit(&forged), Err(Refusal::Unsigned));
    assert_eq!(world.mempool.len(), 4);
    // What stands behind another goes first, though it pays: it counts as what it waits for.
    world.submit(&paid[1]).unwrap();
    assert_eq!(world.refusal(&behind), Refusal::Busy { open: 4 });
    world.submit(&paid[2]).unwrap();
    assert_eq!(world.refusal(&free[1]), Refusal::Busy { open: 4 });
    assert_eq!(world.offers(), [&paid[0], &paid[1], &paid[2], &free[0]].map(Transaction::digest));
    let vital = world.accuse(8, 3);
    world.submit(&vital).unwrap();
    assert_eq!(world.submit(&world.transfer(101, 1, 1_000_000)), Err(Refusal::Busy { open: 4 }));
    assert_eq!(world.offers(), [&vital, &paid[0], &paid[1], &paid[2]].map(Transaction::digest));
}

#[test]
fn bytes_are_bounded_too() {
    let mut world = World::new(2);
    let (free, paid) = (world.register(7, 0), world.transfer(100, 0, 1_000_000));
    world.mempool.limits.bytes = free.encode_size() + paid.encode_size() - 1;
    world.submit(&free).unwrap();
    world.submit(&paid).unwrap();
    assert_eq!(world.offers(), [paid.digest()]);
    assert_eq!(world.submit(&free), Err(Refusal::Busy { open: 1 }));
    let longer = world.accuse(8, 3);
    assert!(longer.encode_size() > world.mempool.limits.bytes);
    assert_eq!(world.submit(&longer), Err(Refusal::Busy { open: 1 }));
    assert_eq!(world.offers(), [paid.digest()]);
}

#[test]
fn one_accusation_of_a_key_waits() {
    let mut world = World::new(0);
    let first = world.accuse(8, 3);
    world.submit(&first).unwrap();
    assert_eq!(world.submit(&world.accuse(9, 4)), Err(Refusal::Queued { open: 1 }));
    world.block(&[first]);
    assert_eq!(world.submit(&world.accuse(9, 4)), Err(Refusal::Struck));
}

#[test]
fn a_long_queue_is_tried_again_in_turn() {
    let signers = SWEEP as u64 + 10;
    let mut world = World::new(signers);
    let waiting: Vec<Transaction> = (100..100 + signers).map(|seed| world.transfer(seed, 0, 1_000_000)).collect();
    for transaction in &waiting {
        world.mempool.submit(transaction.clone()).unwrap();
    }
    // Blocks that this queue hears nothing of, until all have expired.
    while world.state.height() < Height(50) {
        let at =
            At { height: world.state.height().next(), time: world.state.time() + 1_000, parent: Digest::from([1; 32]) };
        world.state = world.state.apply(&at, &[]).unwrap().0;
        world.header.height = at.height;
    }
    world.block(&[]);
    assert_eq!(world.mempool.len(), 10);
    assert_eq!(world.refusal(&waiting[0]), Refusal::Expired { expires: Height(50), now: Height(52) });
    // Who comes now is told the truth at once, whatever the turn is.
    let last = waiting.last().unwrap();
    assert_eq!(world.mempool.status(&last.digest()), TransactionStatus::Pending);
    let seed = 100 + signers - 1;
    let next = world.transfer(seed, 1, 1_000_000);
    assert_eq!(world.submit(&next), Err(Refusal::NonceAhead { given: Nonce(1), next: Nonce(0) }));
    assert_eq!(world.refusal(last), Refusal::Expired { expires: Height(50), now: Height(52) });
    world.block(&[]);
    assert!(world.mempool.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Submit {
        signer: u64,
        ahead: u64,
        amount: u64,
        free: bool,
    },
    /// A block with so many of those that are offered first.
    Block(usize),
    /// A block with a transaction that did not wait.
    Foreign {
        signer: u64,
        amount: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (100u64..105, 0u64..4, 1u64..900, any::<bool>())
            .prop_map(|(signer, ahead, amount, free)| Step::Submit { signer, ahead, amount, free }),
        1 => (0usize..6).prop_map(Step::Block),
        1 => (100u64..105, 1u64..900).prop_map(|(signer, amount)| Step::Foreign { signer, amount }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_waits_fits_in_the_order_in_which_it_is_offered(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new(5);
        world.mempool.limits.count = 8;
        for step in steps {
            let nonce = |world: &World, seed: u64| world.state.account(&key(seed).public_key()).unwrap().1.nonce.get();
            match step {
                Step::Submit { signer, ahead, amount, free } => {
                    let nonce = nonce(&world, signer) + ahead;
                    let transaction =
                        if free { world.register(signer, nonce) } else { world.transfer(signer, nonce, amount * 1_000_000) };
                    let outcome = world.submit(&transaction);
                    let status = world.mempool.status(&transaction.digest());
                    prop_assert_eq!(outcome.is_ok(), status == TransactionStatus::Pending);
                }
                Step::Block(count) => {
                    let offered = world.mempool.offers();
                    let block: Vec<Transaction> =
                        offered.iter().take(count).map(|checked| checked.transaction().clone()).collect();
                    world.block(&block);
                    let included = TransactionStatus::Included { height: world.state.height() };
                    for transaction in block {
                        prop_assert_eq!(world.mempool.status(&transaction.digest()), included.clone());
                    }
                }
                Step::Foreign { signer, amount } => {
                    let transfer = world.transfer(signer, nonce(&world, signer), amount * 1_000_000);
                    if world.mempool.draft.admits(&transfer).is_ok() {
                        world.block(std::slice::from_ref(&transfer));
                    }
                }
            }
            let mut draft = world.mempool.draft.clone();
            for checked in world.mempool.offers() {
                prop_assert_eq!(draft.offer_checked(&checked), Ok(()));
            }
        }
    }
}

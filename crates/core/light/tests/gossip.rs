//! Gossip against a participant: heads and transactions from strangers, honest and not, with and without a source.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

extern crate peerage_light as light;

mod chain;

use bytes::Bytes;
use chain::{Chain, sign};
use commonware_codec::Encode as _;
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::{
    Action, Amount, ChainId, Digest, Evidence, Genesis, Header, Height, Nonce, Puzzle, Query, Reply, Row, Transaction,
    Uid, Vote, query::MAX_QUERY_BYTES,
};
use light::gossip::{
    Judgement::{self, Accept, Ignore, Reject},
    compare_head,
};
use light::{Alarm, Error, Event, Participant, Source, Step};
use proptest::prelude::{any, prop, proptest};

const KEY: u64 = 42;

/// A participant that starts at the newest block of a chain of four validators.
struct World {
    chain: Chain,
    me: Participant,
    now: u64,
}

impl World {
    fn new() -> Self {
        Self::begin(1)
    }

    /// Begun from this block of two.
    fn begin(from: usize) -> Self {
        let mut chain = Chain::new(4);
        chain.step();
        let now = chain.time();
        let checkpoint = chain.checkpoint_at(from);
        let mut me = Participant::new(chain.genesis.clone(), checkpoint, PrivateKey::from_seed(KEY), now).unwrap();
        me.add_source(Source::new("node"));
        Self { chain, me, now }
    }

    /// Whose source answered, and which knows the tables of genesis.
    fn surveyed() -> Self {
        let mut world = Self::begin(0);
        world.chain.step();
        world.now = world.chain.time();
        while let Some(step) = world.me.poll(world.now) {
            let Step::Query { id, query, .. } = step else { panic!("{step:?}") };
            let reply = world.chain.reply(&query);
            world.me.handle_reply(id, reply, world.now);
        }
        assert!(world.me.tables().is_some());
        world
    }

    fn steps(&mut self, blocks: usize) {
        self.chain.steps(blocks);
        self.now = self.chain.time();
    }

    /// Hears of each of so many blocks.
    fn follows(&mut self, blocks: usize) {
        for _ in 0..blocks {
            self.steps(1);
            assert_eq!(self.hears(&self.newest()), Accept);
        }
    }

    /// The newest block.
    fn newest(&self) -> Vec<u8> {
        let (header, finalization) = self.chain.head();
        head(header, finalization)
    }

    fn hears(&mut self, bytes: &[u8]) -> Judgement {
        self.me.handle_gossiped_head(bytes, self.now)
    }

    fn hears_of(&mut self, transaction: &Transaction) -> Judgement {
        self.me.handle_gossiped_transaction(&transaction.encode(), self.now)
    }

    fn height(&self) -> Option<u64> {
        self.me.head().map(|head| head.height().get())
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.me.next_event()).collect()
    }

    /// A row by a founder (seed 2 holds uid 0, seed 3 uid 1), who keeps all to itself.
    fn row(&self, seed: u64, nonce: u64, expires: u64) -> Transaction {
        let uid = Uid(u32::try_from(seed - 2).unwrap());
        let action = Action::SetWeights { uid, row: Row::own(uid), seen: Height(0) };
        Transaction::sign(&PrivateKey::from_seed(seed), self.chain.id(), Nonce(nonce), Height(expires), action)
    }
}

fn head(header: Header, finalization: Bytes) -> Vec<u8> {
    Reply::Head { header, finalization }.encode().to_vec()
}

#[test]
fn without_a_source_heads_are_followed_from_gossip() {
    let mut world = World::new();
    // Of each epoch the last block is among them: validators who stay need no link.
    for gap in [1, 1, 5, 2, 10, 4, 6, 10, 10, 10, 10, 8] {
        world.steps(gap);
        assert_eq!(world.hears(&world.newest()), Accept);
        assert_eq!(world.height(), Some(world.chain.height()));
        let told = world.events();
        let [Event::Head { head, now }] = &told[..] else { panic!("{told:?}") };
        assert_eq!((head.height().get(), *now), (world.chain.height(), world.now));
        assert_eq!(world.hears(&world.newest()), Ignore, "it is known");
    }
    // Verified before, never seen, too low to say anything about, and the checkpoint: old, and nobody's fault.
    for height in [8, 60, 77, 65, 3, 2, 1] {
        let (header, finalization) = world.chain.at(height);
        assert_eq!(world.hears(&head(header, finalization)), Ignore, "{height}");
    }
    assert_eq!(world.height(), Some(78));
    assert!(world.events().is_empty());
}

#[test]
fn a_head_from_gossip_puts_off_the_question() {
    let mut world = World::surveyed();
    world.steps(1);
    assert_eq!(world.hears(&world.newest()), Accept);
    assert!(world.me.poll(world.now + 900).is_none(), "the next block is not there yet");
    let late = world.me.poll(world.now + 1_200);
    assert!(matches!(late, Some(Step::Query { query: Query::Head, .. })), "{late:?}");
}

#[test]
fn a_false_head_is_rejected_and_told_to_nobody() {
    let mut world = World::new();
    world.steps(1);
    let (header, finalization) = world.chain.head();
    let good = world.newest();
    let other = Genesis { name: "other".into(), ..world.chain.genesis.clone() };
    let foreign =
        sign(&ledger::namespace(&other.chain()), 0, &world.chain.keys, header.digest(), &[0, 1, 2, 3]).encode();
    let (_, before) = world.chain.at(1);
    let mut flipped = finalization.to_vec();
    let last = flipped.len() - 32;
    flipped[last] ^= 1;
    let lies = [
        ("another time", head(Header { time: header.time + 1, ..header }, finalization.clone())),
        ("ahead", head(Header { height: Height(9), ..header }, finalization)),
        ("too few", head(header.clone(), world.chain.certify_by(&header, &[0, 1]))),
        ("another chain", head(header.clone(), foreign)),
        ("another block's", head(header.clone(), before)),
        ("a bit changed", head(header.clone(), flipped.into())),
        ("no certificate", head(header.clone(), Bytes::new())),
        ("a very long one", head(header, vec![0; 9_000].into())),
        ("cut", good[..good.len() - 1].to_vec()),
        ("trailing", [&good[..], &[0]].concat()),
        ("another reply", Reply::NoSuch.encode().to_vec()),
        ("too long", [&good[..], &vec![0; MAX_QUERY_BYTES]].concat()),
        ("nothing", Vec::new()),
    ];
    for (name, lie) in lies {
        assert_eq!(world.hears(&lie), Reject, "{name}");
    }
    assert!(world.height().is_none() && world.events().is_empty());
    assert_eq!(world.hears(&good), Accept);
}

#[test]
fn a_head_of_an_epoch_to_come_is_not_judged_and_its_links_are_asked_for_once() {
    let mut world = World::surveyed();
    world.follows(1);
    let (header, finalization) = world.chain.head();
    assert!(world.me.poll(world.now + 50).is_none());
    // The sender may be ahead, and honest.
    for height in (11..).take(100) {
        let next = Header { height: Height(height), ..header.clone() };
        assert_eq!(world.hears(&head(next, finalization.clone())), Ignore);
    }
    assert_eq!(world.height(), Some(header.height.get()));
    let asked = world.me.poll(world.now + 50);
    let Some(Step::Query { id, query: Query::Epochs { from: 1, .. }, .. }) = asked else { panic!("{asked:?}") };
    assert!(world.me.poll(world.now + 50).is_none(), "one question, however many ask for it");
    // The source knows of no such epoch: nothing is asked on the word of a stranger, nor said of the source.
    world.events();
    world.me.handle_reply(id, Reply::Epochs { links: vec![] }, world.now + 50);
    assert!(world.me.poll(world.now + 900).is_none() && world.events().is_empty());
}

#[test]
fn a_head_learned_by_asking_is_passed_on_once() {
    let mut world = World::surveyed();
    assert_eq!(world.height(), Some(2));
    let (header, finalization) = world.chain.head();
    let mut forged = finalization.to_vec();
    let last = forged.len() - 32;
    forged[last] ^= 1;
    assert_eq!(world.hears(&head(header.clone(), forged.into())), Reject, "it is checked before");
    assert_eq!(world.hears(&head(header.clone(), finalization)), Accept);
    // The same block under another certificate, each of which is another message.
    for signers in [[0, 1, 2], [1, 2, 3]] {
        let finalization = world.chain.certify_by(&header, &signers);
        assert_eq!(world.hears(&head(header.clone(), finalization)), Ignore);
    }
}

#[test]
fn a_second_history_in_gossip_goes_on_to_everyone_and_stops_it() {
    let mut world = World::new();
    world.steps(1);
    assert_eq!(world.hears(&world.newest()), Accept);
    let (header, _) = world.chain.head();
    let other = Header { time: header.time + 7, ..header };
    let finalization = world.chain.certify(&other);
    world.events();
    assert_eq!(world.hears(&head(other, finalization)), Accept);
    assert!(matches!(&world.events()[..], [Event::Alarm(Alarm::Stopped(Error::Conflict { height: Height(2) }))]));
    assert!(world.me.evidence().is_some() && world.me.poll(world.now + 60_000).is_none());
    world.steps(1);
    assert_eq!(world.hears(&world.newest()), Ignore, "it believes nothing any more");
    assert_eq!(world.hears_of(&world.row(2, 0, 9)), Ignore);
}

#[test]
fn what_a_quorum_signed_is_not_the_fault_of_who_passes_it_on() {
    let mut world = World::new();
    world.steps(3);
    assert_eq!(world.hears(&world.newest()), Accept);
    let (header, _) = world.chain.head();
    let back = Header { height: Height(9), time: header.time - 1, ..header };
    let finalization = world.chain.certify(&back);
    assert_eq!(world.hears(&head(back, finalization)), Ignore);
    assert_eq!(world.height(), Some(4));
}

#[test]
fn who_was_away_for_too_long_believes_no_gossip() {
    let mut world = World::new();
    world.steps(1);
    world.now += world.chain.genesis.parameters.trust_period + 1_000;
    assert_eq!(world.hears(&world.newest()), Ignore);
    assert!(matches!(&world.events()[..], [Event::Alarm(Alarm::Stopped(Error::StaleCheckpoint { .. }))]));
}

#[test]
fn a_node_compares_heads_with_its_own() {
    let mut world = World::new();
    world.steps(3);
    let committee = world.chain.committee();
    let own = world.chain.headers[3].clone();
    let judge = |own: &Header, bytes: &[u8]| compare_head(&committee, world.chain.tempo(), Some(own), bytes);
    for height in 1..=3 {
        let (header, finalization) = world.chain.at(height);
        assert_eq!(judge(&own, &head(header, finalization)), Ignore, "it has block {height}");
    }
    assert_eq!(judge(&own, &world.newest()), Accept, "it is behind");
    assert_eq!(compare_head(&committee, world.chain.tempo(), None, &world.newest()), Accept);
    let (header, finalization) = world.chain.head();
    let forged = Header { height: Height(9), ..header };
    assert_eq!(judge(&own, &head(forged, finalization.clone())), Reject);
    assert_eq!(judge(&own, &finalization), Reject, "no head");
    let to_come = Header { height: Height(11), ..header };
    assert_eq!(judge(&own, &head(to_come, finalization.clone())), Ignore, "its engine will know");
    let second = Header { time: header.time + 7, ..header };
    assert_eq!(judge(&header, &head(second.clone(), finalization)), Reject);
    let signed = world.chain.certify(&second);
    assert_eq!(judge(&header, &head(second, signed)), Accept, "everyone should see this");
}

#[test]
fn transactions_of_registered_keys_are_passed_on_once() {
    let mut world = World::surveyed();
    let row = world.row(2, 0, 20);
    assert_eq!(world.hears_of(&row), Accept);
    assert_eq!(world.hears_of(&row), Ignore);
    let to = PrivateKey::from_seed(9).public_key();
    let id = world.chain.id();
    let pays = |amount| {
        let action = Action::Transfer { to: to.clone(), amount: Amount(amount) };
        Transaction::sign(&PrivateKey::from_seed(3), id, Nonce(0), Height(20), action)
    };
    assert_eq!(world.hears_of(&pays(5)), Accept);
    assert_eq!(world.hears_of(&pays(0)), Reject);
    // Before it has tables it cannot know who is registered.
    let mut fresh = World::new();
    assert_eq!(fresh.hears_of(&row), Ignore);
}

#[test]
fn a_false_transaction_is_rejected() {
    let mut world = World::surveyed();
    let good = world.row(2, 0, 20);
    let bytes = good.encode();
    for length in [0, 1, 50, bytes.len() - 1] {
        assert_eq!(world.me.handle_gossiped_transaction(&bytes[..length], world.now), Reject, "{length} bytes");
    }
    let long = [&bytes[..], &vec![0; MAX_QUERY_BYTES]].concat();
    assert_eq!(world.me.handle_gossiped_transaction(&long, world.now), Reject);
    let altered = Transaction { nonce: Nonce(7), ..good.clone() };
    assert_eq!(world.hears_of(&altered), Reject, "its signature");
    let foreign = Transaction { chain: ChainId(Digest::from([8; 32])), ..good.clone() };
    assert_eq!(world.hears_of(&foreign), Reject);
    let shares: Vec<(Uid, f64)> = (0..65).map(|uid| (Uid(uid), 1.0)).collect();
    let action = Action::SetWeights { uid: Uid(0), row: Row::from_shares(&shares, 65).unwrap(), seen: Height(0) };
    let wide = Transaction::sign(&PrivateKey::from_seed(2), world.chain.id(), Nonce(0), Height(20), action);
    assert_eq!(world.hears_of(&wide), Reject, "more weights than this chain has ever allowed");
    let round = Vote::Nullify { epoch: 0, view: 1, signature: good.signature.clone() };
    let evidence = Evidence { key: good.signer.clone(), first: round.clone(), second: round };
    let action = Action::Evidence { evidence: Box::new(evidence) };
    let idle = Transaction::sign(&PrivateKey::from_seed(2), world.chain.id(), Nonce(0), Height(20), action);
    assert_eq!(world.hears_of(&idle), Reject, "votes that contradict nothing");
    assert_eq!(world.hears_of(&good), Accept);
    assert!(world.events().iter().all(|event| !matches!(event, Event::Alarm(_))));
}

#[test]
fn keys_that_cost_nothing_are_not_carried() {
    let mut world = World::surveyed();
    let id = world.chain.id();
    let to = PrivateKey::from_seed(9).public_key();
    for seed in 50..60 {
        let key = PrivateKey::from_seed(seed);
        for action in [
            Action::Transfer { to: to.clone(), amount: Amount(5) },
            Action::SetWeights { uid: Uid(0), row: Row::own(Uid(0)), seen: Height(0) },
            Action::SetWeights { uid: Uid(7), row: Row::own(Uid(7)), seen: Height(0) },
        ] {
            assert_eq!(world.hears_of(&Transaction::sign(&key, id, Nonce(0), Height(20), action)), Ignore);
        }
    }
    // Nor is a row that is somebody else's.
    let action = Action::SetWeights { uid: Uid(1), row: Row::own(Uid(1)), seen: Height(0) };
    let other = Transaction::sign(&PrivateKey::from_seed(2), id, Nonce(0), Height(20), action);
    assert_eq!(world.hears_of(&other), Ignore);
}

#[test]
fn a_registration_is_carried_for_its_work() {
    let mut world = World::surveyed();
    let (id, difficulty) = (world.chain.id(), world.chain.genesis.parameters.difficulty);
    let signs = |seed: u64, recent: u64, work: u64| {
        let key = PrivateKey::from_seed(seed);
        let action = Action::Register { cold: key.public_key(), modality: 0, recent: Height(recent), work };
        Transaction::sign(&key, id, Nonce(0), Height(20), action)
    };
    let puzzle = |world: &World, seed: u64, recent: u64| Puzzle {
        chain: id,
        key: PrivateKey::from_seed(seed).public_key(),
        recent: world.chain.headers[recent as usize].digest(),
        difficulty,
    };
    let of_50 = puzzle(&world, 50, 2);
    let work = of_50.search(0, 1 << 20).unwrap();
    let idle = (0..).find(|work| !of_50.check(*work)).unwrap();
    assert_eq!(world.hears_of(&signs(50, 2, idle)), Reject);
    assert_eq!(world.hears_of(&signs(51, 2, work)), Reject, "it is another's work");
    assert_eq!(world.hears_of(&signs(50, 2, work)), Accept);
    assert_eq!(world.hears_of(&signs(50, 7, work)), Ignore, "on a block that is not known here");
    let of_founder = puzzle(&world, 2, 2).search(0, 1 << 20).unwrap();
    assert_eq!(world.hears_of(&signs(2, 2, of_founder)), Ignore, "it is registered");
    // When the block is no longer recent, the work is worth nothing.
    let of_52 = puzzle(&world, 52, 2).search(0, 1 << 20).unwrap();
    world.follows(40);
    let late = Transaction::sign(
        &PrivateKey::from_seed(52),
        id,
        Nonce(0),
        Height(60),
        Action::Register { cold: PrivateKey::from_seed(52).public_key(), modality: 0, recent: Height(2), work: of_52 },
    );
    assert_eq!(world.hears_of(&late), Ignore);
}

#[test]
fn one_key_cannot_fill_the_gossip() {
    let mut world = World::surveyed();
    for nonce in 0..16 {
        let row = world.row(2, nonce, 20);
        assert_eq!(world.hears_of(&row), Accept, "{nonce}");
    }
    assert_eq!(world.hears_of(&world.row(2, 16, 20)), Ignore);
    assert_eq!(world.hears_of(&world.row(3, 0, 20)), Accept, "others have their own share");
    // What is over makes room; what was over before it came, or waits for longer than it may, is not carried at all.
    world.follows(20);
    let head = world.chain.height();
    assert_eq!(world.hears_of(&world.row(2, 17, head)), Ignore);
    assert_eq!(world.hears_of(&world.row(2, 17, head + 2 * world.chain.genesis.parameters.expiry + 1)), Ignore);
    assert_eq!(world.hears_of(&world.row(2, 17, head + 1)), Accept);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_rejected(mut bytes in prop::collection::vec(any::<u8>(), 1..400), version in any::<bool>()) {
        if version {
            bytes[0] = 1;
        }
        let mut world = World::new();
        assert_eq!(world.hears(&bytes), Reject);
        assert_eq!(world.me.handle_gossiped_transaction(&bytes, world.now), Reject);
    }
}

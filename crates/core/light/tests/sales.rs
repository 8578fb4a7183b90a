//! Purchases from the buyer's order to the seller's credit, and every way to be paid for nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

extern crate peerage_light as light;

mod chain;
mod world;

use bytes::Bytes;
use chain::Chain;
use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::{Action, Amount, ChainId, Digest, Height, Nonce, Reply, Transaction, Uid};
use light::{CLAIM_MS, Deed, Event, Follower, Goods, Options, Participant, SKEW_MS, Signer, Source, Step};
use protocol::exchange::{Claim, Unpaid};
use world::{World, honest};

/// Of the account that holds all balance at the beginning.
const RICH: u64 = 1;
/// Hot key of the seller, uid 0.
const SELLER: u64 = 2;
/// Peer ids, as bytes.
const BUYER: &[u8] = b"the buyer";
const OTHER: &[u8] = b"another peer";
const PRICE: u64 = 8_192_000;
const GOODS: Goods = Goods { uid: Uid(0), generation: 0, price: PRICE };

/// A chain on which a buyer and a seller have been for a while.
struct Market {
    world: World,
    seller: Follower,
}

impl Market {
    fn new() -> Self {
        let world = World::of(Chain::new(4), RICH, honest());
        let mut market = Self { seller: follower(&world), world };
        market.run(SKEW_MS / 1_000 + 3);
        market
    }

    fn run(&mut self, blocks: u64) {
        for _ in 0..blocks {
            let height = self.world.chain.height();
            self.world.run(2, |world| world.chain.height() > height);
            follow(&mut self.seller, &mut self.world);
        }
    }

    /// Buys for `amount` and gives what is handed out.
    fn buy(&mut self, amount: u64, nonce: u8) -> Claim {
        let seller = PrivateKey::from_seed(SELLER).public_key();
        let before = self.world.events.len();
        self.world.me.purchase(Signer::Hot, &seller, Amount(amount), BUYER, [nonce; 32]).unwrap();
        self.world.run(20, |world| world.events[before..].iter().any(|event| matches!(event, Event::Bought { .. })));
        follow(&mut self.seller, &mut self.world);
        let bought = self.world.events[before..].iter().find_map(|event| match event {
            Event::Bought { seller: of, claim, .. } if *of == seller => Some((**claim).clone()),
            _ => None,
        });
        bought.unwrap()
    }

    fn claim(&mut self, claim: &Claim) -> Result<u64, Unpaid> {
        self.seller.claim(claim, BUYER, &GOODS, self.world.now)
    }
}

/// Somebody who begins to follow the chain now.
fn follower(world: &World) -> Follower {
    let checkpoint = world.chain.checkpoint_at((world.chain.height() / 10 * 10) as usize);
    let mut seller = Follower::new(world.chain.genesis.clone(), checkpoint, Options::default(), world.now).unwrap();
    seller.add_source(Source::new("node"));
    seller
}

fn follow(follower: &mut Follower, world: &mut World) {
    follower.hint();
    while let Some(step) = follower.poll(world.now) {
        if let Step::Query { id, query, .. } = step {
            let reply = world.chain.reply(&query);
            follower.handle_reply(id, reply, world.now);
        }
    }
}

/// The headers of a claim with their certificate, changed.
fn with_headers(claim: &Claim, change: impl FnOnce(&mut Vec<ledger::Header>, &mut Bytes)) -> Claim {
    let Ok(Reply::Headers { mut headers, mut finalization }) = Reply::decode(Copying(&claim.headers)) else { panic!() };
    change(&mut headers, &mut finalization);
    Claim { headers: Reply::Headers { headers, finalization }.encode().into(), ..claim.clone() }
}

fn height_of(claim: &Claim) -> usize {
    let Ok(Reply::Headers { headers, .. }) = Reply::decode(Copying(&claim.headers)) else { panic!() };
    headers[0].height.get() as usize
}

#[test]
fn what_was_bought_is_credited_once() {
    let mut market = Market::new();
    assert!(market.seller.sells());
    let claim = market.buy(3 * PRICE + 8_005, 1);
    assert_eq!(market.claim(&claim), Ok(3 * 1_024 + 1));
    assert_eq!(market.claim(&claim), Err(Unpaid::Again));
    let other = market.buy(PRICE, 2);
    assert_eq!(market.claim(&other), Ok(1_024));
    assert_eq!(market.claim(&claim), Err(Unpaid::Again));
    assert_eq!(market.world.included(Deed::of(&purchase(1))).len(), 2);
    let paid = market.world.chain.state().account(&PrivateKey::from_seed(SELLER).public_key()).unwrap().1.balance;
    assert_eq!(paid, Amount(4 * PRICE + 8_005));
}

fn purchase(amount: u64) -> Action {
    Action::Purchase { uid: Uid(0), generation: 0, amount: Amount(amount), order: Digest([0; 32]) }
}

#[test]
fn a_seller_that_forgot_credits_nothing_from_before() {
    let mut market = Market::new();
    let claim = market.buy(PRICE, 1);
    assert_eq!(market.claim(&claim), Ok(1_024));
    market.seller = follower(&market.world);
    follow(&mut market.seller, &mut market.world);
    assert!(!market.seller.sells(), "it names no price yet");
    assert_eq!(market.claim(&claim), Err(Unpaid::TooOld { seconds: 600 }));
    market.run(SKEW_MS / 1_000 + 1);
    assert!(market.seller.sells());
    assert_eq!(market.claim(&claim), Err(Unpaid::TooOld { seconds: 600 }));
    let claim = market.buy(PRICE, 2);
    assert_eq!(market.claim(&claim), Ok(1_024));
}

#[test]
fn a_claim_that_comes_late_or_early_is_refused() {
    let mut market = Market::new();
    let claim = market.buy(PRICE, 1);
    let time = market.world.chain.headers[height_of(&claim)].time;
    let at = |market: &mut Market, now| market.seller.claim(&claim, BUYER, &GOODS, now);
    assert_eq!(at(&mut market, time - SKEW_MS - 1), Err(Unpaid::NotYet));
    assert_eq!(at(&mut market, time + CLAIM_MS), Err(Unpaid::TooOld { seconds: 600 }));
}

#[test]
fn who_was_not_paid_credits_nothing() {
    let mut market = Market::new();
    let claim = market.buy(PRICE, 1);
    let now = market.world.now;
    for goods in [Goods { uid: Uid(1), ..GOODS }, Goods { generation: 1, ..GOODS }] {
        assert_eq!(market.seller.claim(&claim, BUYER, &goods, now), Err(Unpaid::OtherSeller));
    }
    let free = Goods { price: 0, ..GOODS };
    assert_eq!(market.seller.claim(&claim, BUYER, &free, now), Err(Unpaid::NotForSale));
    let dear = Goods { price: PRICE * 1_024 + 1, ..GOODS };
    assert_eq!(market.seller.claim(&claim, BUYER, &dear, now), Err(Unpaid::TooLittle { least: PRICE + 1 }));
    assert_eq!(market.claim(&claim), Ok(1_024), "what was refused can be claimed");
}

#[test]
fn who_did_not_pay_is_credited_nothing() {
    let mut market = Market::new();
    let claim = market.buy(PRICE, 1);
    let now = market.world.now;
    assert_eq!(market.seller.claim(&claim, OTHER, &GOODS, now), Err(Unpaid::OtherBuyer));
    let guess = Claim { nonce: [9; 32], ..claim };
    assert_eq!(market.claim(&guess), Err(Unpaid::OtherBuyer));
}

#[test]
fn what_is_no_purchase_of_this_chain_is_refused() {
    let mut market = Market::new();
    let claim = market.buy(PRICE, 1);
    let key = PrivateKey::from_seed(RICH);
    let sign = |chain, action| Transaction::sign(&key, chain, Nonce(9), Height(99), action).encode().to_vec();
    let order = light::order(market.world.chain.id(), BUYER, &claim.nonce);
    let elsewhere = ChainId(Digest([3; 32]));
    for transaction in [
        vec![],
        claim.transaction[1..].to_vec(),
        [&claim.transaction[..], &[0]].concat(),
        sign(market.world.chain.id(), Action::Transfer { to: key.public_key(), amount: Amount(PRICE) }),
        sign(elsewhere, Action::Purchase { uid: Uid(0), generation: 0, amount: Amount(PRICE), order }),
    ] {
        assert_eq!(market.claim(&Claim { transaction, ..claim.clone() }), Err(Unpaid::NoPurchase));
    }
}

#[test]
fn a_purchase_in_no_block_is_refused() {
    let mut market = Market::new();
    let claim = market.buy(PRICE, 1);
    let id = market.world.chain.id();
    let order = light::order(id, BUYER, &claim.nonce);
    let action = Action::Purchase { uid: Uid(0), generation: 0, amount: Amount(1_000 * PRICE), order };
    let unpaid = Transaction::sign(&PrivateKey::from_seed(RICH), id, Nonce(1), Height(99), action);
    let forged = Claim { transaction: unpaid.encode().to_vec(), ..claim };
    assert_eq!(market.claim(&forged), Err(Unpaid::Proof));
}

#[test]
fn a_proof_of_another_place_or_block_is_refused() {
    let mut market = Market::new();
    let claim = market.buy(PRICE, 1);
    assert_eq!(market.claim(&Claim { index: claim.index + 1, ..claim.clone() }), Err(Unpaid::Proof));
    for place in [0, claim.proof.len() / 2, claim.proof.len() - 1] {
        let mut proof = claim.proof.clone();
        proof[place] ^= 1;
        assert_eq!(market.claim(&Claim { proof, ..claim.clone() }), Err(Unpaid::Proof));
    }
    for headers in [vec![], claim.headers[1..].to_vec(), Reply::NoSuch.encode().to_vec()] {
        assert_eq!(market.claim(&Claim { headers, ..claim.clone() }), Err(Unpaid::Proof));
    }
    let (header, certificate) = market.world.chain.at(height_of(&claim) as u64 - 1);
    let before = with_headers(&claim, |headers, finalization| (*headers, *finalization) = (vec![header], certificate));
    assert_eq!(market.claim(&before), Err(Unpaid::Proof));
    let none = with_headers(&claim, |headers, _| headers.clear());
    assert_eq!(market.claim(&none), Err(Unpaid::Proof));
    assert_eq!(market.claim(&claim), Ok(1_024));
}

/// Two bits of each byte of what is shown: nothing else is credited than what was paid, and that once.
#[test]
fn a_claim_with_any_byte_changed_is_refused() {
    let mut market = Market::new();
    let claim = market.buy(PRICE, 1);
    let honest = claim.to_bytes();
    let (mut parsed, mut credited) = (0, 0);
    for at in 0..honest.len() {
        for bit in [1, 0x80] {
            let mut bytes = honest.clone();
            bytes[at] ^= bit;
            let Ok(changed) = Claim::from_bytes(&bytes) else { continue };
            parsed += 1;
            if let Ok(positions) = market.claim(&changed) {
                assert_eq!(positions, 1_024);
                credited += 1;
            }
        }
    }
    assert!(parsed > honest.len() && credited == 0, "{parsed} of {} parsed, {credited} credited", 2 * honest.len());
    assert!(!market.seller.stopped());
    assert_eq!(market.claim(&claim), Ok(1_024));
}

#[test]
fn a_block_that_no_quorum_signed_is_not_final() {
    let mut market = Market::new();
    let claim = market.buy(PRICE, 1);
    let id = market.world.chain.id();
    // A block of its own, in which a larger purchase stands.
    let order = light::order(id, BUYER, &claim.nonce);
    let action = Action::Purchase { uid: Uid(0), generation: 0, amount: Amount(1_000 * PRICE), order };
    let unpaid = Transaction::sign(&PrivateKey::from_seed(RICH), id, Nonce(1), Height(99), action);
    let body = ledger::Body { transactions: vec![unpaid.clone()] };
    let forge = |market: &Market, signers: &[usize]| {
        let mut own = market.world.chain.headers[height_of(&claim)].clone();
        own.transactions = body.root();
        let certificate = market.world.chain.certify_by(&own, signers);
        let claim = Claim {
            transaction: unpaid.encode().to_vec(),
            index: 0,
            proof: body.prove(0).unwrap().to_vec(),
            ..claim.clone()
        };
        with_headers(&claim, |headers, finalization| (*headers, *finalization) = (vec![own], certificate))
    };
    assert_eq!(market.claim(&forge(&market, &[])), Err(Unpaid::Proof));
    let two = forge(&market, &[0, 1]);
    assert_eq!(market.claim(&two), Err(Unpaid::Proof), "two of four are no quorum");
    let stolen = with_headers(&two, |_, certificate| *certificate = market.world.chain.at(height_of(&claim) as u64).1);
    assert_eq!(market.claim(&stolen), Err(Unpaid::Proof), "the certificate is of another block");
    assert!(!market.seller.stopped());
    // A quorum that signs two histories is believed by nobody any more.
    let both = forge(&market, &[0, 1, 2]);
    assert_eq!(market.claim(&both), Err(Unpaid::Proof));
    assert!(market.seller.stopped() && market.seller.evidence().is_some());
    assert_eq!(market.claim(&claim), Err(Unpaid::NotYet));
}

#[test]
fn a_block_is_final_by_the_certificate_of_one_that_follows() {
    let mut market = Market::new();
    let claim = market.buy(PRICE, 1);
    market.run(2);
    let height = height_of(&claim);
    let (headers, certificate) =
        (market.world.chain.headers[height..height + 3].to_vec(), market.world.chain.finalizations[height + 2].clone());
    let later =
        with_headers(&claim, |all, finalization| (*all, *finalization) = (headers.clone(), certificate.clone()));
    let gap = with_headers(&later, |all, _| *all = vec![all[0].clone(), all[2].clone()]);
    assert_eq!(market.claim(&gap), Err(Unpaid::Proof));
    assert_eq!(market.claim(&later), Ok(1_024));
    assert_eq!(market.claim(&claim), Err(Unpaid::Again), "another proof is no other purchase");
}

#[test]
fn validators_that_are_not_known_yet_are_waited_for() {
    let mut market = Market::new();
    let mut late = market.seller;
    market.seller = follower(&market.world);
    while market.world.chain.height() % 10 != 1 {
        market.run(1);
    }
    let claim = market.buy(PRICE, 1);
    let now = market.world.now;
    assert_eq!(late.claim(&claim, BUYER, &GOODS, now), Err(Unpaid::NotYet));
    follow(&mut late, &mut market.world);
    assert_eq!(late.claim(&claim, BUYER, &GOODS, now), Ok(1_024));
}

#[test]
fn a_participant_credits_what_paid_its_own_place() {
    let mut market = Market::new();
    let claim = market.buy(PRICE, 1);
    let place = |seed, market: &Market| {
        let chain = &market.world.chain;
        let key = PrivateKey::from_seed(seed);
        Participant::new(chain.genesis.clone(), chain.checkpoint(), key, chain.headers[0].time).unwrap()
    };
    for (seed, price, credited) in [
        (SELLER, PRICE, Ok(1_024)),
        (SELLER, 0, Err(Unpaid::NotForSale)),
        (SELLER + 1, PRICE, Err(Unpaid::OtherSeller)),
        (RICH, PRICE, Err(Unpaid::NotYet)),
    ] {
        let mut seller = place(seed, &market);
        seller.add_source(Source::new("node"));
        while let Some(step) = seller.poll(market.world.now) {
            if let Step::Query { id, query, .. } = step {
                let reply = market.world.chain.reply(&query);
                seller.handle_reply(id, reply, market.world.now);
            }
        }
        assert_eq!(seller.claim(&claim, BUYER, price, market.world.now), credited, "seed {seed}");
    }
}

#[test]
fn what_cannot_be_bought_is_said_before_it_is_signed() {
    let mut world = World::of(Chain::new(4), RICH, honest());
    let seller = PrivateKey::from_seed(SELLER).public_key();
    let early = world.me.purchase(Signer::Hot, &seller, Amount(1), BUYER, [1; 32]);
    assert!(early.unwrap_err().contains("not verified yet"));
    world.run(5, |world| world.me.tables().is_some());
    let stranger = PrivateKey::from_seed(77).public_key();
    let nobody = world.me.purchase(Signer::Hot, &stranger, Amount(1), BUYER, [1; 32]);
    assert!(nobody.unwrap_err().contains("not on the verified tables"));
    let nothing = world.me.purchase(Signer::Hot, &seller, Amount::ZERO, BUYER, [1; 32]);
    assert!(nothing.unwrap_err().contains("for nothing"));
}

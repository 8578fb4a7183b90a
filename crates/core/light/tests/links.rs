//! Validators that change with every epoch: clients that follow them by links, sources that leave some out or forge them,
//! and validators that have left and sign on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

extern crate peerage_light as light;

mod chain;

use bytes::Bytes;
use chain::{BEGIN, Chain};
use ledger::query::{Link, MAX_LINKS};
use ledger::{Digest, Header, Height, header::validators_digest};
use light::{Accepted, Client, Committee, Error, epochs};
use proptest::prelude::*;
use std::sync::LazyLock;

/// Twenty-four epochs of three blocks, and one block more.
static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
    let mut chain = Chain::rotating(3);
    chain.steps(73);
    chain
});

fn client(chain: &Chain) -> Client {
    Client::new(&chain.genesis, chain.checkpoint(), BEGIN).unwrap()
}

/// A client that followed as many links.
fn at_epoch(chain: &Chain, epoch: u64) -> Client {
    let mut client = client(chain);
    client.accept_links(&chain.links(1, epoch), chain.time()).unwrap();
    assert_eq!((client.epoch(), client.height().get()), (epoch, epoch * chain.tempo()));
    client
}

/// Everyone's place in the set of this epoch.
fn all(chain: &Chain, epoch: u64) -> Vec<usize> {
    (0..chain.keys_of(epoch).len()).collect()
}

/// What comes of `links`; a refusal leaves no trace.
fn refused(client: &mut Client, links: &[Link]) -> Error {
    let before = (client.epoch(), client.height(), client.awaits_link());
    let error = client.accept_links(links, CHAIN.time()).unwrap_err();
    assert_eq!(before, (client.epoch(), client.height(), client.awaits_link()), "{error}");
    assert!(client.evidence().is_none() && !error.fatal(), "{error}");
    error
}

#[test]
fn validators_change_and_are_followed_link_by_link() {
    let chain = &*CHAIN;
    let sets: Vec<_> = (0..=24).map(|epoch| validators_digest(&chain.validators_of(epoch))).collect();
    assert_eq!(sets.windows(2).filter(|pair| pair[0] == pair[1]).count(), 5, "every fifth set stays");
    let mut client = client(chain);
    for number in 1..=24 {
        client.accept_links(&chain.links(number, number), chain.time()).unwrap();
        let head = client.head().unwrap();
        assert_eq!((client.epoch(), head.height().get()), (number, 3 * number));
        assert_eq!(head.verdict().validators as usize, chain.keys_of(number - 1).len());
    }
    let (header, finalization) = chain.head();
    assert!(matches!(client.accept(header, &finalization, chain.time()), Ok(Accepted::New(_))));
    // What was followed before is compared, and nothing new.
    client.accept_links(&chain.links(1, 24), chain.time()).unwrap();
    assert_eq!((client.epoch(), client.height().get()), (24, 73));
}

#[test]
fn a_head_is_taken_in_the_epoch_whose_validators_are_known_and_in_no_later_one() {
    let chain = &*CHAIN;
    let mut client = at_epoch(chain, 5);
    let mut accept = |height| {
        let (header, finalization) = chain.at(height);
        client.accept(header, &finalization, chain.time()).map(|_| client.awaits_link())
    };
    assert_eq!(accept(19), Err(Error::NeedsLinks { from: 6, to: 6 }));
    assert_eq!(accept(73), Err(Error::NeedsLinks { from: 6, to: 24 }));
    assert_eq!(accept(16), Ok(false));
    // The last block of the epoch is a head like others; who comes next, nobody has said yet.
    assert_eq!(accept(18), Ok(true));
    assert_eq!(accept(19), Err(Error::NeedsLinks { from: 6, to: 6 }));
    client.accept_links(&chain.links(6, 6), chain.time()).unwrap();
    assert!(!client.awaits_link());
    let (header, finalization) = chain.at(19);
    assert!(matches!(client.accept(header, &finalization, chain.time()), Ok(Accepted::New(_))));
    assert!(!Error::NeedsLinks { from: 6, to: 6 }.blames_sender());
}

#[test]
fn validators_who_stay_need_no_link() {
    let chain = &*CHAIN;
    // Epoch 4 has the validators of epoch 3.
    let mut client = at_epoch(chain, 3);
    for height in [12, 13] {
        let (header, finalization) = chain.at(height);
        assert!(matches!(client.accept(header, &finalization, chain.time()), Ok(Accepted::New(_))));
        assert_eq!((client.epoch(), client.awaits_link()), (4, false));
    }
    // Unless that block was missed: then nothing says that they stay.
    let (header, finalization) = chain.at(13);
    let error = at_epoch(chain, 3).accept(header, &finalization, chain.time()).unwrap_err();
    assert_eq!(error, Error::NeedsLinks { from: 4, to: 4 });
}

#[test]
fn a_link_at_a_height_that_ends_no_epoch_is_refused() {
    let mut client = at_epoch(&CHAIN, 2);
    for height in [0, 7, 8, 10] {
        let (header, finalization) = CHAIN.at(height);
        let validators = CHAIN.validators_of(epochs::after(Height(height), 3));
        let error = refused(&mut client, &[Link { header, finalization, validators }]);
        assert_eq!(error, Error::NoEpochEnd { height: Height(height), tempo: 3 });
    }
}

#[test]
fn a_link_that_was_left_out_is_missed() {
    let mut client = at_epoch(&CHAIN, 2);
    assert_eq!(refused(&mut client, &CHAIN.links(4, 9)), Error::MissingLink { expected: 3, got: 4 });
    let mut links = CHAIN.links(3, 9);
    links.remove(2);
    let error = client.accept_links(&links, CHAIN.time()).unwrap_err();
    assert_eq!(error, Error::MissingLink { expected: 5, got: 6 });
    assert_eq!(client.epoch(), 4, "those before hold");
}

#[test]
fn keys_that_the_header_does_not_elect_are_refused() {
    let mut client = at_epoch(&CHAIN, 2);
    let link = CHAIN.link(3);
    let elected = link.header.validators;
    let twice = [&link.validators[..], &link.validators[..1]].concat();
    for validators in [CHAIN.validators_of(2), link.validators[1..].to_vec(), twice, vec![]] {
        let got = validators_digest(&validators);
        let error = refused(&mut client, &[Link { validators, ..link.clone() }]);
        assert_eq!(error, Error::WrongKeys { height: Height(9), elected, got });
        assert!(error.blames_sender());
    }
}

#[test]
fn too_many_links_are_refused_unread() {
    let links = vec![CHAIN.link(1); MAX_LINKS + 1];
    assert!(matches!(refused(&mut client(&CHAIN), &links), Error::Oversized { what: "links", .. }));
}

#[test]
fn who_was_elected_by_nobody_elects_nobody() {
    let mut client = at_epoch(&CHAIN, 2);
    let link = CHAIN.link(3);
    // The set of another epoch certifies an election of its own choice.
    for epoch in [0, 1, 3, 9] {
        let header = Header { validators: validators_digest(&CHAIN.validators_of(9)), ..link.header.clone() };
        for named in [2, epoch] {
            let finalization = forge(&CHAIN, epoch, named, &header);
            let link = Link { finalization, validators: CHAIN.validators_of(9), header: header.clone() };
            let error = refused(&mut client, &[link]);
            assert!(of_no_validator(&error), "{error}");
        }
    }
    client.accept_links(&[link], CHAIN.time()).unwrap();
}

/// Whether a certificate was refused because others than the validators in office made it.
fn of_no_validator(error: &Error) -> bool {
    matches!(
        error,
        // A larger set's has more bytes than one of those in office can have.
        Error::Oversized { what: "certificate", .. }
            | Error::Malformed { what: "certificate", .. }
            | Error::OtherEpoch { .. }
            | Error::WrongCommittee { .. }
            | Error::BadSignature { .. }
    )
}

/// A certificate of `header` by all of an epoch's validators, who name another epoch.
fn forge(chain: &Chain, epoch: u64, named: u64, header: &Header) -> Bytes {
    use commonware_codec::Encode;
    let namespace = ledger::namespace(&chain.id());
    chain::sign(&namespace, named, &chain.keys_of(epoch), header.digest(), &all(chain, epoch)).encode()
}

#[test]
fn validators_who_have_left_count_for_nothing() {
    let chain = &*CHAIN;
    let mut client = at_epoch(chain, 7);
    let (header, honest) = chain.at(23);
    for left in [0, 1, 5, 6] {
        // A head of now, under the name of the epoch and under their own.
        for (named, height) in [(7, 23), (left, 23), (7, 24)] {
            let header = Header { height: Height(height), ..header.clone() };
            let error = client.accept(header.clone(), &forge(chain, left, named, &header), chain.time()).unwrap_err();
            assert!(of_no_validator(&error), "{error}");
        }
        // A head of an epoch to come.
        let later = Header { height: Height(40), ..header.clone() };
        let error = client.accept(later.clone(), &forge(chain, left, 13, &later), chain.time()).unwrap_err();
        assert_eq!(error, Error::NeedsLinks { from: 8, to: 13 });
        // A block of their own time that never was.
        if left < 6 {
            let (old, _) = chain.at(3 * left + 1);
            let old = Header { time: old.time + 1, ..old };
            let error = client.accept(old.clone(), &chain.certify(&old), chain.time()).unwrap_err();
            assert!(matches!(error, Error::NonMonotonicHeight { .. }), "{error}");
        }
    }
    assert!(client.evidence().is_none() && client.height() == Height(21));
    assert!(matches!(client.accept(header, &honest, chain.time()), Ok(Accepted::New(_))));
}

#[test]
fn two_ends_of_one_epoch_are_evidence_and_the_end() {
    let chain = &*CHAIN;
    let keys = chain.validators_of(20);
    let (header, finalization) = chain.at(9);
    let other = Header { validators: validators_digest(&keys), ..header };
    let second = Link { header: other.clone(), finalization: chain.certify(&other), validators: keys };
    let committee = Committee::new(chain.id(), 2, &chain.validators_of(2)).unwrap();
    let contradicts = |mut client: Client| {
        let error = client.accept_links(std::slice::from_ref(&second), chain.time()).unwrap_err();
        assert_eq!(error, Error::Conflict { height: Height(9) });
        let evidence = client.evidence().unwrap();
        assert_eq!((&evidence.first.0, &evidence.second.0), (&header, &other));
        for (header, certificate) in [&evidence.first, &evidence.second] {
            committee.verify(header.digest(), certificate).unwrap();
        }
        assert!(matches!(client.accept_links(&chain.links(4, 4), chain.time()), Err(Error::Conflict { .. })));
    };
    // After the head alone, after the link, and after a block of the next epoch.
    let mut head = at_epoch(chain, 2);
    head.accept(header.clone(), &finalization, chain.time()).unwrap();
    contradicts(head);
    contradicts(at_epoch(chain, 3));
    let mut beyond = at_epoch(chain, 3);
    let (next, certificate) = chain.at(10);
    beyond.accept(next, &certificate, chain.time()).unwrap();
    contradicts(beyond);
}

#[test]
fn validators_who_elect_a_set_that_cannot_be_stop_it() {
    let chain = &*CHAIN;
    let header = Header { validators: validators_digest(&[]), ..chain.at(9).0 };
    let link = Link { finalization: chain.certify(&header), validators: vec![], header };
    let error = at_epoch(chain, 2).accept_links(&[link], chain.time()).unwrap_err();
    assert!(matches!(error, Error::BadValidators { size: 0, .. }) && error.fatal(), "{error}");
}

#[test]
fn who_was_away_for_longer_than_the_trust_period_follows_no_links() {
    let chain = &*CHAIN;
    let mut client = at_epoch(chain, 2);
    let late = chain.at(6).0.time + chain.genesis.parameters.trust_period + 1;
    assert!(matches!(client.accept_links(&chain.links(3, 24), late), Err(Error::StaleCheckpoint { .. })));
    client.accept_links(&chain.links(3, 24), late - 1).unwrap();
}

/// One way to forge a link.
#[derive(Clone, Copy, Debug)]
enum Lie {
    Time,
    Root,
    Context,
    Height(u64),
    Key(usize),
    OtherSet(u64),
    Elects(u64),
    Few,
    Byte(usize, u8),
    Cut(usize),
}

fn lies() -> impl Strategy<Value = Lie> {
    prop_oneof![
        Just(Lie::Time),
        Just(Lie::Root),
        Just(Lie::Context),
        (1u64..7).prop_map(Lie::Height),
        (0usize..7).prop_map(Lie::Key),
        (0u64..24).prop_map(Lie::OtherSet),
        (0u64..24).prop_map(Lie::Elects),
        Just(Lie::Few),
        (0usize..600, 1u8..).prop_map(|(at, flip)| Lie::Byte(at, flip)),
        (0usize..600).prop_map(Lie::Cut),
    ]
}

/// Link `number`, forged; `None` where the lie is the truth.
fn forged(chain: &Chain, number: u64, lie: Lie) -> Option<Link> {
    let honest = chain.link(number);
    let mut link = honest.clone();
    match lie {
        Lie::Time => link.header.time += 1,
        Lie::Root => link.header.roots.neurons = Digest::from([1; 32]),
        Lie::Context => link.header.context = Digest::from([2; 32]),
        Lie::Height(by) => link.header.height = link.header.height.after(by),
        Lie::Key(place) => {
            let place = place % link.validators.len();
            link.validators.remove(place);
        }
        Lie::OtherSet(epoch) if chain.keys_of(epoch).len() == chain.keys_of(number - 1).len() => {
            link.finalization = forge(chain, epoch, number - 1, &link.header);
        }
        Lie::OtherSet(epoch) => link.finalization = chain.certify_in(epoch, &link.header, &all(chain, epoch)),
        Lie::Elects(epoch) => {
            link.validators = chain.validators_of(epoch);
            link.header.validators = validators_digest(&link.validators);
        }
        Lie::Few => {
            let quorum = Committee::new(chain.id(), 0, &chain.validators_of(number - 1)).unwrap().quorum();
            link.finalization = chain.certify_by(&link.header, &(0..quorum - 1).collect::<Vec<_>>());
        }
        Lie::Byte(at, flip) => {
            let mut bytes = link.finalization.to_vec();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            link.finalization = bytes.into();
        }
        Lie::Cut(length) => link.finalization = link.finalization.slice(..length % link.finalization.len()),
    }
    (link != honest).then_some(link)
}

/// What a client is handed next.
#[derive(Clone, Debug)]
enum Hand {
    /// The head so many blocks on.
    Head(u64),
    /// So many links from the next one on, one of them forged.
    Links(u64, Option<(u64, Lie)>),
}

fn hands() -> impl Strategy<Value = Hand> {
    let lie = prop::option::weighted(0.6, (0u64..6, lies()));
    prop_oneof![(0u64..12).prop_map(Hand::Head), (0u64..6, lie).prop_map(|(count, lie)| Hand::Links(count, lie))]
}

proptest! {
    /// Late joins, heads left out, links honest and forged: what is verified is always the chain, and honest links lead to
    /// its end.
    #[test]
    fn whatever_comes_only_the_chain_is_verified(join in 0usize..70, hands in prop::collection::vec(hands(), 1..40)) {
        let (chain, now) = (&*CHAIN, CHAIN.time());
        let mut client = Client::new(&chain.genesis, chain.checkpoint_at(join), now).unwrap();
        for hand in hands {
            let (epoch, height) = (client.epoch(), client.height().get());
            match hand {
                Hand::Head(by) => {
                    let height = (height + by).clamp(1, chain.height());
                    let (header, finalization) = chain.at(height);
                    let of = epochs::of(header.height, 3);
                    match client.accept(header, &finalization, now) {
                        Ok(_) => prop_assert!(of <= epoch),
                        Err(Error::NeedsLinks { from, to }) => prop_assert!(from == epoch + 1 && to == of && of > epoch),
                        // The checkpoint itself, where it is the last of an epoch that was not followed.
                        Err(error) => prop_assert!(by == 0 && matches!(error, Error::NonMonotonicHeight { .. }), "{error}"),
                    }
                }
                Hand::Links(count, lie) => {
                    let mut links = chain.links(epoch + 1, epoch + count);
                    let false_at = lie.and_then(|(at, lie)| {
                        let at = at % (links.len().max(1) as u64);
                        let place = links.get_mut(at as usize)?;
                        *place = forged(chain, epoch + 1 + at, lie)?;
                        Some(at)
                    });
                    let outcome = client.accept_links(&links, now);
                    let followed = false_at.unwrap_or(links.len() as u64);
                    prop_assert_eq!(outcome.is_err(), false_at.is_some(), "{:?}: {:?}", lie, outcome);
                    prop_assert_eq!(client.epoch(), epoch + followed);
                }
            }
            let height = client.height();
            prop_assert_eq!(client.verified_at(height), Some(chain.at(height.get()).0.digest()));
            prop_assert!(epochs::after(height, 3) - client.epoch() <= 1 && client.epoch() <= epochs::after(height, 3));
            prop_assert!(client.evidence().is_none());
        }
        client.accept_links(&chain.links(client.epoch() + 1, u64::MAX), now).unwrap();
        let (header, finalization) = chain.head();
        prop_assert!(client.accept(header, &finalization, now).is_ok());
        prop_assert_eq!((client.epoch(), client.height()), (24, Height(73)));
    }
}

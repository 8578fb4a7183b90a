//! The client against honest and hostile heads, leaves and tables: every named error is produced here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

extern crate peerage_light as light;

mod chain;

use bytes::Bytes;
use chain::{BEGIN, Chain, genesis, sign};
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::{Digest, Genesis, Header, Height, Query, Reply, Table};
use light::tables::{self, Assembly, MAX_LEAVES};
use light::{Accepted, Client, Committee, Error, MAX_GENESIS, Verified};
use proptest::prelude::*;

fn client(chain: &Chain) -> Client {
    Client::new(&chain.genesis, chain.checkpoint(), BEGIN).unwrap()
}

/// The newest head, accepted by a fresh client.
fn verified(chain: &Chain) -> Verified {
    let (header, finalization) = chain.head();
    match client(chain).accept(header, &finalization, chain.time()).unwrap() {
        Accepted::New(head) => head,
        Accepted::Known => panic!("it was new"),
    }
}

/// The verdict on the first block of a chain of four validators, with another certificate.
fn judge(make: impl Fn(&Chain, &Header) -> Vec<u8>) -> Error {
    let mut chain = Chain::new(4);
    chain.step();
    let (header, _) = chain.head();
    let bytes = make(&chain, &header);
    let error = client(&chain).accept(header, &Bytes::from(bytes), chain.time()).unwrap_err();
    assert!(!error.fatal());
    error
}

#[test]
fn heads_are_followed_with_gaps() {
    for validators in [1, 2, 4, 7] {
        let mut chain = Chain::new(validators);
        let mut client = client(&chain);
        assert!(client.head().is_none());
        for gap in [1, 1, 5, 70] {
            chain.steps(gap);
            client.accept_links(&chain.links(1, u64::MAX), chain.time()).unwrap();
            let (header, finalization) = chain.head();
            let Ok(Accepted::New(head)) = client.accept(header.clone(), &finalization, chain.time()) else { panic!() };
            assert_eq!(head.header(), &header);
            assert_eq!(client.head().unwrap().digest(), header.digest());
            assert_eq!(head.verdict().validators as usize, validators);
            assert!(matches!(client.accept(header, &finalization, chain.time()), Ok(Accepted::Known)));
        }
    }
}

#[test]
fn a_quorum_is_enough_and_exactly_two_thirds_are_not() {
    for (validators, quorum) in [(1, 1), (2, 2), (3, 3), (4, 3), (6, 5), (7, 5), (9, 7)] {
        let mut chain = Chain::new(validators);
        chain.step();
        let (header, _) = chain.head();
        let committee = chain.committee();
        assert_eq!(committee.quorum(), quorum);
        let by = |count: usize| chain.certify_by(&header, &(0..count).collect::<Vec<_>>());
        assert_eq!(committee.verify(header.digest(), &by(quorum)).unwrap().signers as usize, quorum);
        if quorum > 1 {
            let refused = committee.verify(header.digest(), &by(quorum - 1)).unwrap_err();
            assert_eq!(refused, Error::Quorum { signers: quorum - 1, needed: quorum, validators });
        }
    }
}

#[test]
fn no_signature_at_all_is_refused() {
    let error = judge(|chain, header| chain.certify_by(header, &[]).to_vec());
    assert_eq!(error, Error::Quorum { signers: 0, needed: 3, validators: 4 });
}

#[test]
fn a_certificate_of_another_chain_is_a_bad_signature() {
    let error = judge(|chain, header| {
        let other = Genesis { name: "other".into(), ..chain.genesis.clone() };
        sign(&ledger::namespace(&other.chain()), 0, &chain.keys, header.digest(), &[0, 1, 2, 3]).encode().to_vec()
    });
    assert_eq!(error, Error::BadSignature { signer: 0 });
}

#[test]
fn a_genesis_of_another_chain_is_refused() {
    let genesis = genesis(4);
    let other = Genesis { name: "other".into(), ..genesis.clone() };
    let bytes = genesis.encode();
    assert_eq!(light::genesis(genesis.chain(), &bytes).unwrap(), genesis);
    let error = light::genesis(other.chain(), &bytes).unwrap_err();
    assert_eq!(error, Error::WrongChain { expected: other.chain().0, got: genesis.chain().0 });
    assert!(error.fatal());
    let cut = light::genesis(genesis.chain(), &bytes[..bytes.len() - 1]).unwrap_err();
    assert!(matches!(cut, Error::Truncated { what: "genesis", .. }), "{cut}");
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(light::genesis(genesis.chain(), &longer), Err(Error::Trailing { what: "genesis", extra: 1 }));
    let long = light::genesis(genesis.chain(), &vec![0; MAX_GENESIS + 1]).unwrap_err();
    assert!(matches!(long, Error::Oversized { what: "genesis", .. }));
}

#[test]
fn one_bad_signature_of_four_is_named() {
    let error = judge(|chain, header| {
        let mut bytes = chain.certify(header).to_vec();
        let last = bytes.len() - 1;
        // The scalar's low byte: the top byte would make the encoding itself invalid.
        bytes[last - 31] ^= 1;
        bytes
    });
    assert_eq!(error, Error::BadSignature { signer: 3 });
}

#[test]
fn a_notarization_is_no_finalization() {
    use commonware_consensus::simplex::{scheme::ed25519::Scheme, types::Notarize};
    use commonware_utils::ordered::Set;
    let error = judge(|chain, header| {
        let mut finalization = chain.sign(0, header.digest(), &[0, 1, 2, 3]);
        let set = Set::try_from(chain.keys.iter().map(PrivateKey::public_key).collect::<Vec<_>>()).unwrap();
        for (key, signature) in chain.keys.iter().zip(&mut finalization.certificate.signatures) {
            let scheme = Scheme::signer(&ledger::namespace(&chain.id()), set.clone(), key.clone()).unwrap();
            *signature = Notarize::sign(&scheme, finalization.proposal.clone()).unwrap().attestation.signature;
        }
        finalization.encode().to_vec()
    });
    assert_eq!(error, Error::BadSignature { signer: 0 });
}

#[test]
fn a_signer_counted_twice_is_refused() {
    let error = judge(|chain, header| {
        let mut finalization = chain.sign(0, header.digest(), &[0, 1]);
        let again = finalization.certificate.signatures[0].clone();
        finalization.certificate.signatures.push(again);
        finalization.encode().to_vec()
    });
    assert_eq!(error, Error::DuplicateSigner { signers: 2, signatures: 3 });
}

#[test]
fn truncated_at_every_length_and_trailing_bytes_are_refused() {
    let mut chain = Chain::new(4);
    chain.step();
    let (header, finalization) = chain.head();
    let committee = chain.committee();
    for length in 0..finalization.len() {
        let error = committee.verify(header.digest(), &finalization[..length]).unwrap_err();
        assert_eq!(error, Error::Truncated { what: "certificate", bytes: length });
    }
    let few = chain.certify_by(&header, &[0, 1, 2]);
    let longer = [&few[..], &[0, 0]].concat();
    assert_eq!(committee.verify(header.digest(), &longer), Err(Error::Trailing { what: "certificate", extra: 2 }));
}

#[test]
fn an_oversized_certificate_is_refused_unread() {
    let error = judge(|chain, _| vec![0; chain.committee().max_bytes() + 1]);
    assert!(matches!(error, Error::Oversized { what: "certificate", .. }), "{error}");
}

#[test]
fn a_certificate_of_another_block_is_refused() {
    let error = judge(|chain, _| chain.sign(0, Digest::from([9; 32]), &[0, 1, 2, 3]).encode().to_vec());
    assert!(matches!(error, Error::OtherBlock { signed, .. } if signed == Digest::from([9; 32])));
}

#[test]
fn a_certificate_of_another_epoch_is_refused() {
    // By the epoch that they name votes convict whoever contradicts itself.
    let error = judge(|chain, header| chain.sign(7, header.digest(), &[0, 1, 2, 3]).encode().to_vec());
    assert_eq!(error, Error::OtherEpoch { signed: 7, epoch: 0 });
}

#[test]
fn a_certificate_for_fewer_validators_is_refused() {
    let error = judge(|chain, header| {
        sign(&ledger::namespace(&chain.id()), 0, &chain.keys[..3], header.digest(), &[0, 1, 2]).encode().to_vec()
    });
    assert_eq!(error, Error::WrongCommittee { got: 3, validators: 4 });
}

#[test]
fn validators_do_not_change_inside_an_epoch() {
    let mut chain = Chain::new(4);
    chain.step();
    let (header, _) = chain.head();
    let header = Header { validators: Digest::from([1; 32]), ..header };
    let finalization = chain.certify(&header);
    let error = client(&chain).accept(header, &finalization, chain.time()).unwrap_err();
    assert!(matches!(error, Error::UnknownValidators { height: Height(1), got, .. } if got == Digest::from([1; 32])));
}

#[test]
fn validator_sets_that_cannot_be_are_refused() {
    let chain = Chain::new(1);
    let key = chain.keys[0].public_key();
    let many: Vec<_> = (0..65).map(|seed| PrivateKey::from_seed(seed).public_key()).collect();
    for (set, size) in [(vec![], 0), (vec![key.clone(), key], 2), (many, 65)] {
        let error = Committee::new(chain.id(), 0, &set).unwrap_err();
        assert!(matches!(error, Error::BadValidators { size: got, .. } if got == size));
        assert!(error.fatal());
    }
}

#[test]
fn a_stale_checkpoint_is_refused_at_the_start_and_later() {
    let mut chain = Chain::new(1);
    let limit_ms = chain.genesis.parameters.trust_period;
    let late = BEGIN + limit_ms + 1;
    let error = Client::new(&chain.genesis, chain.checkpoint(), late).unwrap_err();
    assert_eq!(error, Error::StaleCheckpoint { age_ms: limit_ms + 1, limit_ms });
    assert!(error.fatal());
    // A client that slept longer than the trust period does not go on from its old head.
    let mut client = client(&chain);
    chain.step();
    let (header, finalization) = chain.head();
    client.accept(header, &finalization, chain.time()).unwrap();
    let late = chain.time() + limit_ms + 1;
    chain.step();
    let (header, finalization) = chain.head();
    assert!(matches!(client.accept(header, &finalization, late), Err(Error::StaleCheckpoint { .. })));
}

#[test]
fn heights_and_times_that_do_not_rise_are_refused() {
    let mut chain = Chain::new(1);
    chain.steps(100);
    let mut client = client(&chain);
    client.accept_links(&chain.links(1, 9), chain.time()).unwrap();
    let (header, finalization) = chain.head();
    client.accept(header.clone(), &finalization, chain.time()).unwrap();
    let (old, certificate) = chain.at(20);
    let error = client.accept(old, &certificate, chain.time()).unwrap_err();
    assert_eq!(error, Error::NonMonotonicHeight { head: Height(100), got: Height(20) });
    assert!(!error.blames_sender());
    let same_time = Header { height: Height(102), ..header };
    let certificate = chain.certify(&same_time);
    let error = client.accept(same_time, &certificate, chain.time()).unwrap_err();
    assert_eq!(error, Error::NonMonotonicTime { head: header.time, got: header.time });
    assert_eq!(client.height(), Height(100));
}

#[test]
fn two_blocks_at_one_height_are_evidence_and_the_end() {
    let mut chain = Chain::new(4);
    chain.steps(3);
    let mut client = client(&chain);
    let (header, finalization) = chain.head();
    client.accept(header.clone(), &finalization, chain.time()).unwrap();
    let other = Header { time: header.time + 1, ..header };
    let second = chain.certify(&other);
    let error = client.accept(other.clone(), &second, chain.time()).unwrap_err();
    assert_eq!(error, Error::Conflict { height: Height(3) });
    assert!(error.fatal());
    let evidence = client.evidence().unwrap();
    assert_eq!(evidence.first, (header, finalization));
    assert_eq!(evidence.second, (other, second));
    // Evidence holds without the client that found it.
    for (header, certificate) in [&evidence.first, &evidence.second] {
        chain.committee().verify(header.digest(), certificate).unwrap();
    }
    chain.step();
    let (header, finalization) = chain.head();
    assert!(matches!(client.accept(header, &finalization, chain.time()), Err(Error::Conflict { .. })));
}

#[test]
fn a_child_of_another_block_is_evidence_too() {
    let mut chain = Chain::new(4);
    chain.steps(2);
    let mut client = client(&chain);
    let (header, finalization) = chain.at(1);
    client.accept(header, &finalization, chain.time()).unwrap();
    let (next, _) = chain.at(2);
    let stranger = Header { parent: Digest::from([5; 32]), ..next };
    let certificate = chain.certify(&stranger);
    let error = client.accept(stranger, &certificate, chain.time()).unwrap_err();
    assert_eq!(error, Error::Conflict { height: Height(2) });
    assert!(client.evidence().is_some());
}

#[test]
fn an_uncertified_second_history_is_only_refused() {
    let mut chain = Chain::new(4);
    chain.step();
    let mut client = client(&chain);
    let (header, finalization) = chain.head();
    client.accept(header.clone(), &finalization, chain.time()).unwrap();
    let other = Header { time: header.time + 1, ..header };
    let weak = chain.certify_by(&other, &[0, 1]);
    assert!(matches!(client.accept(other, &weak, chain.time()), Err(Error::Quorum { .. })));
    assert!(client.evidence().is_none());
    chain.step();
    let (header, finalization) = chain.head();
    assert!(matches!(client.accept(header, &finalization, chain.time()), Ok(Accepted::New(_))));
}

#[test]
fn another_block_than_the_checkpoint_is_refused() {
    let mut chain = Chain::new(1);
    chain.steps(5);
    let mut client = Client::new(&chain.genesis, chain.checkpoint_at(4), chain.time()).unwrap();
    let (known, finalization) = chain.at(4);
    assert!(matches!(client.accept(known.clone(), &finalization, chain.time()), Ok(Accepted::Known)));
    let other = Header { context: Digest::from([1; 32]), ..known };
    let certificate = chain.certify(&other);
    let error = client.accept(other, &certificate, chain.time()).unwrap_err();
    assert!(matches!(error, Error::NotTheCheckpoint { height: Height(4), .. }));
    assert!(error.fatal());
    let (child, _) = chain.at(5);
    let orphan = Header { parent: Digest::from([1; 32]), ..child };
    let certificate = chain.certify(&orphan);
    assert!(matches!(client.accept(orphan, &certificate, chain.time()), Err(Error::NotTheCheckpoint { .. })));
}

#[test]
fn a_chain_of_headers_must_link() {
    let mut chain = Chain::new(4);
    chain.steps(9);
    let finalization = chain.head().1;
    let now = chain.time();
    let links = chain.headers[1..].to_vec();
    let Ok(Accepted::New(head)) = client(&chain).accept_chain(&links, &finalization, now) else { panic!() };
    assert_eq!(head.height(), Height(9));
    let refused = |headers: &[Header]| client(&chain).accept_chain(headers, &finalization, now).unwrap_err();
    assert_eq!(refused(&[]), Error::NoHeaders);
    let mut skipped = links.clone();
    skipped.remove(3);
    assert_eq!(refused(&skipped), Error::BrokenLink { height: Height(5) });
    let mut forged = links.clone();
    forged[2].roots.weights = Digest::from([3; 32]);
    assert_eq!(refused(&forged), Error::BrokenLink { height: Height(4) });
    assert!(matches!(refused(&links[..8]), Error::OtherBlock { .. }));
    let endless = vec![links[0].clone(); ledger::query::MAX_HEADERS + 1];
    assert!(matches!(refused(&endless), Error::Oversized { what: "headers", .. }));
}

#[test]
fn a_leaf_is_proven_and_nothing_else_passes_for_it() {
    let mut chain = Chain::new(1);
    chain.step();
    let head = verified(&chain);
    let query = Query::Leaf { height: head.height(), table: Table::Neurons, index: 1 };
    let Reply::Leaf { index, leaf, proof } = chain.reply(&query) else { panic!() };
    let check =
        |table, asked, got, leaf: &[u8], proof: &[u8]| tables::leaf(head.header(), table, asked, got, leaf, proof);
    check(Table::Neurons, 1, index, &leaf, &proof).unwrap();
    let wrong = check(Table::Neurons, 0, 1, &leaf, &proof).unwrap_err();
    assert_eq!(wrong, Error::WrongIndex { table: Table::Neurons, asked: 0, got: 1 });
    let root = |table| Error::WrongRoot { table, height: head.height() };
    assert_eq!(check(Table::Neurons, 0, 0, &leaf, &proof), Err(root(Table::Neurons)));
    assert_eq!(check(Table::Accounts, 1, 1, &leaf, &proof), Err(root(Table::Accounts)));
    let mut changed = leaf.to_vec();
    changed[70] ^= 1;
    assert_eq!(check(Table::Neurons, 1, 1, &changed, &proof), Err(root(Table::Neurons)));
    assert!(matches!(check(Table::Neurons, 1, 1, &leaf, &proof[1..]), Err(Error::Malformed { what: "proof", .. })));
}

#[test]
fn a_table_must_meet_its_root() {
    let mut chain = Chain::new(1);
    chain.step();
    let head = verified(&chain);
    let (height, header) = (head.height(), head.header());
    let leaves = chain.state().leaves(Table::Epoch);
    assert_eq!(leaves.len(), 3);
    let table = Table::Epoch;
    let mut assembly = Assembly::new(table);
    assert!(assembly.add(header, 3, 0, leaves[..2].to_vec()).unwrap().is_none());
    assert_eq!(assembly.next(), 2);
    let tree = assembly.add(header, 3, 2, leaves[2..].to_vec()).unwrap().unwrap();
    assert_eq!((tree.leaves(), tree.root()), (&leaves[..], header.root(table)));

    let whole = |leaves: Vec<Bytes>| Assembly::new(table).add(header, leaves.len() as u32, 0, leaves).unwrap_err();
    let wrong_root = Error::WrongRoot { table, height };
    assert_eq!(whole(leaves[..2].to_vec()), wrong_root, "one left out");
    assert_eq!(
        whole(vec![leaves[1].clone(), leaves[0].clone(), leaves[2].clone()]),
        Error::WrongRoot { table, height }
    );
    let forged = vec![leaves[0].clone(), leaves[1].clone(), Bytes::from_static(b"more stake")];
    assert_eq!(whole(forged), wrong_root);

    let piece = |total, from, count: usize| {
        let mut assembly = Assembly::new(table);
        assembly.add(header, 3, 0, leaves[..1].to_vec()).unwrap();
        assembly.add(header, total, from, leaves[..count].to_vec()).unwrap_err()
    };
    for (total, from, count) in [(3, 0, 2), (4, 1, 1), (3, 1, 3), (3, 1, 0)] {
        assert!(matches!(piece(total, from, count), Error::BadPiece { expected: 1, .. }), "{total} {from} {count}");
    }
    let endless = Assembly::new(table).add(header, MAX_LEAVES + 1, 0, leaves.clone()).unwrap_err();
    assert!(matches!(endless, Error::Oversized { what: "table", .. }));
    let huge = vec![Bytes::from(vec![0; tables::MAX_TABLE + 1])];
    assert!(matches!(Assembly::new(table).add(header, 1, 0, huge), Err(Error::Oversized { what: "table", .. })));
}

proptest! {
    #[test]
    fn arbitrary_certificates_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut chain = Chain::new(4);
        chain.step();
        let (header, _) = chain.head();
        prop_assert!(chain.committee().verify(header.digest(), &bytes).is_err());
    }

    #[test]
    fn no_changed_byte_of_a_certificate_passes(index in 0usize..240, flip in 1u8..) {
        let mut chain = Chain::new(4);
        chain.step();
        let (header, finalization) = chain.head();
        let mut bytes = finalization.to_vec();
        let index = index % bytes.len();
        bytes[index] ^= flip;
        prop_assert!(chain.committee().verify(header.digest(), &bytes).is_err(), "byte {}", index);
    }

    #[test]
    fn arbitrary_replies_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = Reply::decode(bytes);
    }
}

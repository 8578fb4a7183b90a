//! Certificates of blocks, before the validators of their epoch.

use super::{Random, Refused, Verdicts, World, bytes::spoil};
use crate::chain;
use commonware_codec::{Copying, Decode as _, Encode as _};
use commonware_consensus::simplex::{scheme::ed25519::Scheme, types::Notarize};
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use commonware_utils::ordered::Set;
use ledger::Header;
use light::{BlockFinalization, Committee};

pub fn judge(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    for turn in 0..2_400 {
        let height = world.any(random);
        let epoch = world.epoch(height);
        let header = world.header(height);
        let committee = Committee::new(world.chain.id(), epoch, &world.chain.validators_of(epoch)).unwrap();
        let finalization = world.signed(random, &header, committee.quorum());
        let honest = finalization.encode();
        assert!(committee.verify(header.digest(), &honest).is_ok(), "the original is honest");
        let (deed, bytes) = if turn % 2 == 0 {
            let donor = world.any(random);
            spoil(random, &honest, &world.chain.at(donor).1)
        } else {
            let (deed, finalization) = forged(world, random, &header, finalization);
            (deed, finalization.encode().to_vec())
        };
        if bytes == honest {
            continue;
        }
        let verdict = committee.verify(header.digest(), &bytes).map(drop);
        // A signature has one encoding, so what is accepted is one of the certificates that the validators make.
        let made = || signers_of(&bytes, committee.len()).map(|places| world.chain.certify_by(&header, &places));
        assert!(verdict.is_err() || made().is_some_and(|made| made == bytes), "{deed}: {}", ledger::text::hex(&bytes));
        verdicts.take("certificate", deed, &verdict.map_err(Refused::from));
    }
}

/// A certificate by those who know how one is made.
fn forged(
    world: &World,
    random: &mut Random,
    header: &Header,
    mut honest: BlockFinalization,
) -> (&'static str, BlockFinalization) {
    let height = header.height.get();
    let epoch = world.epoch(height);
    let size = world.size(epoch);
    let signatures = &mut honest.certificate.signatures;
    match random.below(12) {
        0 => {
            let few = random.below(world.quorum(epoch));
            ("too few", world.signed(random, header, few))
        }
        1 => ("two thirds", world.signed(random, header, size * 2 / 3)),
        2 => {
            let place = random.below(signatures.len());
            signatures.push(signatures[place].clone());
            ("a signature twice", honest)
        }
        3 => {
            let [a, b] = [random.below(signatures.len()), random.below(signatures.len())];
            signatures.swap(a, b);
            ("signatures swapped", honest)
        }
        4 => {
            let [from, to] = [random.below(signatures.len()), random.below(signatures.len())];
            signatures[to] = signatures[from].clone();
            ("one signs for another", honest)
        }
        5 => {
            signatures.pop();
            ("a signature left out", honest)
        }
        6 => ("other chain", world.signed_elsewhere(epoch, header)),
        7 => ("strangers", world.signed_by_strangers(epoch, header)),
        8 => {
            let other = world.any(random);
            let header = world.header(other);
            let quorum = world.quorum(world.epoch(other));
            ("other block", world.signed(random, &header, quorum))
        }
        9 => {
            let all: Vec<usize> = (0..size).collect();
            let keys = world.chain.keys_of(epoch);
            let namespace = ledger::namespace(&world.chain.id());
            ("other epoch", chain::sign(&namespace, epoch + 1 + random.next() % 3, &keys, header.digest(), &all))
        }
        10 => {
            // Validators of another epoch, who name this one.
            let keys = world.chain.keys_of(random.within(0, 6));
            let all: Vec<usize> = (0..keys.len()).collect();
            let namespace = ledger::namespace(&world.chain.id());
            ("other validators", chain::sign(&namespace, epoch, &keys, header.digest(), &all))
        }
        _ => {
            let keys = world.chain.keys_of(epoch);
            let set = Set::try_from(keys.iter().map(PrivateKey::public_key).collect::<Vec<_>>()).unwrap();
            let places: Vec<usize> = honest.certificate.signers.iter().map(|place| place.get() as usize).collect();
            for (place, signature) in places.into_iter().zip(signatures) {
                let key = keys[place].clone();
                let scheme = Scheme::signer(&ledger::namespace(&world.chain.id()), set.clone(), key).unwrap();
                *signature = Notarize::sign(&scheme, honest.proposal.clone()).unwrap().attestation.signature;
            }
            ("notarization", honest)
        }
    }
}

/// Who signed, by the bitmap of a certificate that was accepted.
fn signers_of(bytes: &[u8], validators: usize) -> Option<Vec<usize>> {
    let read = BlockFinalization::decode_cfg(Copying(bytes), &validators).ok()?;
    Some(read.certificate.signers.iter().map(|place| place.get() as usize).collect())
}

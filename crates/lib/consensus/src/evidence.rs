//! What the engine reports of a validator that breaks its word, as the ledger convicts it.
//!
//! The engine reports what it has not verified; whoever takes this must check it ([`Evidence::check`]), as the ledger does.

use bytes::Bytes;
use commonware_codec::{Decode, Encode, Read};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{Activity, Attributable, Finalize, Notarize, Nullify, Proposal};
use commonware_cryptography::certificate::Attestation;
use commonware_utils::ordered::Set;
use ledger::{Digest, Evidence, PublicKey, Signature, Vote};

/// The evidence in what the engine reports of an epoch with these validators; `None` where it reports no fault of one of
/// them.
pub fn evidence(activity: &Activity<Scheme, Digest>, validators: &Set<PublicKey>) -> Option<Evidence> {
    let (signer, first, second) = match activity {
        Activity::ConflictingNotarize(fault) => {
            let (first, second) = votes(fault.encode())?;
            (fault.signer(), notarize(&first)?, notarize(&second)?)
        }
        Activity::ConflictingFinalize(fault) => {
            let (first, second) = votes(fault.encode())?;
            (fault.signer(), finalize(&first)?, finalize(&second)?)
        }
        Activity::NullifyFinalize(fault) => {
            let (first, second) = votes(fault.encode())?;
            (fault.signer(), nullify(&first)?, finalize(&second)?)
        }
        _ => return None,
    };
    let key = validators.get(usize::from(signer))?.clone();
    Some(Evidence { key, first, second })
}

/// The two votes of a fault, whose fields the engine keeps to itself: its encoding is the one vote and then the other.
fn votes<A: Read<Cfg = ()>, B: Read<Cfg = ()>>(fault: Bytes) -> Option<(A, B)> {
    Decode::decode_cfg(fault, &((), ())).ok()
}

fn notarize(vote: &Notarize<Scheme, Digest>) -> Option<Vote> {
    Some(Vote::Notarize { proposal: proposal(&vote.proposal), signature: signature(&vote.attestation)? })
}

fn finalize(vote: &Finalize<Scheme, Digest>) -> Option<Vote> {
    Some(Vote::Finalize { proposal: proposal(&vote.proposal), signature: signature(&vote.attestation)? })
}

fn nullify(vote: &Nullify<Scheme>) -> Option<Vote> {
    let (epoch, view) = (vote.round.epoch().get(), vote.round.view().get());
    Some(Vote::Nullify { epoch, view, signature: signature(&vote.attestation)? })
}

fn proposal(proposal: &Proposal<Digest>) -> ledger::Proposal {
    ledger::Proposal {
        epoch: proposal.round.epoch().get(),
        view: proposal.round.view().get(),
        parent: proposal.parent.get(),
        payload: proposal.payload,
    }
}

fn signature(attestation: &Attestation<Scheme>) -> Option<Signature> {
    attestation.signature.get().cloned()
}

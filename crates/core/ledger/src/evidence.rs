//! Evidence: two votes of one consensus key that no honest validator gives both.
//!
//! A validator of the engine (Simplex) gives at most one notarize and one finalize vote in a round, and never finalizes a
//! round that it nullified. The votes are the engine's own, and its signatures are checked here without it: a vote is over
//! the codec's bytes of the proposal or of the round, under the chain's namespace ([`crate::namespace`]) and a suffix.
//!
//! A hostile accuser could make up votes (their signatures fail), pair votes of two rounds or of no conflict, or name the
//! votes of another key or chain: each is refused by name. Whether the key may still be convicted is the state's to say.

use crate::codec::{choice, message};
use crate::header::namespace;
use crate::types::ChainId;
use crate::{Digest, PublicKey, Signature};
use commonware_codec::Write;
use commonware_codec::varint::UInt;
use commonware_cryptography::Verifier;

/// What a vote is about: a block in a round of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Epoch of the round, as the engine counts, from 0.
    pub epoch: u64,
    /// View of the round.
    pub view: u64,
    /// View of the parent.
    pub parent: u64,
    /// Digest of the block.
    pub payload: Digest,
}

message!(Proposal { epoch, view, parent, payload });

/// A signed vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vote {
    /// For this block in its round.
    Notarize {
        /// The block.
        proposal: Proposal,
        /// Signature of the proposal.
        signature: Signature,
    },
    /// For no block in this round.
    Nullify {
        /// Epoch of the round.
        epoch: u64,
        /// View of the round.
        view: u64,
        /// Signature of the round.
        signature: Signature,
    },
    /// That this block of its round is final.
    Finalize {
        /// The block.
        proposal: Proposal,
        /// Signature of the proposal.
        signature: Signature,
    },
}

choice!(Vote {
    0 => Notarize { proposal, signature },
    1 => Nullify { epoch, view, signature },
    2 => Finalize { proposal, signature },
});

/// Two votes of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The consensus key.
    pub key: PublicKey,
    /// One vote.
    pub first: Vote,
    /// The other.
    pub second: Vote,
}

message!(Evidence { key, first, second });

/// Why two votes convict nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// They are of different rounds.
    #[error("the votes are of two rounds")]
    Rounds,
    /// An honest validator may give both.
    #[error("the votes do not contradict each other")]
    NoConflict,
    /// One of them was not signed by the key on this chain.
    #[error("a vote was not signed by the key on this chain")]
    Unsigned,
}

choice!(EvidenceError { 0 => Rounds {}, 1 => NoConflict {}, 2 => Unsigned {} });

impl Proposal {
    /// As the engine encodes it.
    fn signed(&self) -> Vec<u8> {
        let mut bytes = round(self.epoch, self.view);
        UInt(self.parent).write(&mut bytes);
        self.payload.write(&mut bytes);
        bytes
    }
}

/// A round as the engine encodes it.
fn round(epoch: u64, view: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    UInt(epoch).write(&mut bytes);
    UInt(view).write(&mut bytes);
    bytes
}

impl Vote {
    /// Epoch and view.
    pub const fn round(&self) -> (u64, u64) {
        match self {
            Self::Notarize { proposal, .. } | Self::Finalize { proposal, .. } => (proposal.epoch, proposal.view),
            Self::Nullify { epoch, view, .. } => (*epoch, *view),
        }
    }

    /// Whether `key` gave it on the chain of this namespace.
    fn verify(&self, key: &PublicKey, namespace: &[u8]) -> bool {
        let (suffix, bytes, signature) = match self {
            Self::Notarize { proposal, signature } => (NOTARIZE, proposal.signed(), signature),
            Self::Nullify { epoch, view, signature } => (NULLIFY, round(*epoch, *view), signature),
            Self::Finalize { proposal, signature } => (FINALIZE, proposal.signed(), signature),
        };
        key.verify(&[namespace, suffix].concat(), &bytes, signature)
    }
}

impl Evidence {
    /// Epoch of the votes as the engine counts: epoch e is that of the heights e·tempo + 1 to (e + 1)·tempo.
    pub const fn epoch(&self) -> u64 {
        self.first.round().0
    }

    /// Whether the key signed two votes on this chain that contradict each other.
    pub fn check(&self, chain: &ChainId) -> Result<(), EvidenceError> {
        if self.first.round() != self.second.round() {
            return Err(EvidenceError::Rounds);
        }
        let conflict = match (&self.first, &self.second) {
            (Vote::Notarize { proposal: a, .. }, Vote::Notarize { proposal: b, .. })
            | (Vote::Finalize { proposal: a, .. }, Vote::Finalize { proposal: b, .. }) => a != b,
            (Vote::Nullify { .. }, Vote::Finalize { .. }) | (Vote::Finalize { .. }, Vote::Nullify { .. }) => true,
            _ => false,
        };
        if !conflict {
            return Err(EvidenceError::NoConflict);
        }
        let namespace = namespace(chain);
        let signed = [&self.first, &self.second].into_iter().all(|vote| vote.verify(&self.key, &namespace));
        if signed { Ok(()) } else { Err(EvidenceError::Unsigned) }
    }
}

/// What follows the chain's namespace under each kind of vote.
const NOTARIZE: &[u8] = b"_NOTARIZE";
const NULLIFY: &[u8] = b"_NULLIFY";
const FINALIZE: &[u8] = b"_FINALIZE";

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::PrivateKey;
    use commonware_codec::{DecodeExt, Encode};
    use commonware_cryptography::Signer;
    use proptest::prelude::*;

    pub(crate) fn proposal(epoch: u64, view: u64, payload: u8) -> Proposal {
        Proposal { epoch, view, parent: view.saturating_sub(1), payload: Digest::from([payload; 32]) }
    }

    fn sign(key: &PrivateKey, chain: &ChainId, suffix: &[u8], bytes: &[u8]) -> Signature {
        key.sign(&[&namespace(chain), suffix].concat(), bytes)
    }

    pub(crate) fn notarize(key: &PrivateKey, chain: &ChainId, proposal: Proposal) -> Vote {
        Vote::Notarize { proposal, signature: sign(key, chain, NOTARIZE, &proposal.signed()) }
    }

    fn finalize(key: &PrivateKey, chain: &ChainId, proposal: Proposal) -> Vote {
        Vote::Finalize { proposal, signature: sign(key, chain, FINALIZE, &proposal.signed()) }
    }

    fn nullify(key: &PrivateKey, chain: &ChainId, epoch: u64, view: u64) -> Vote {
        Vote::Nullify { epoch, view, signature: sign(key, chain, NULLIFY, &round(epoch, view)) }
    }

    #[test]
    fn votes_that_contradict_each_other_convict_and_no_others() {
        let key = PrivateKey::from_seed(1);
        let chain = ChainId(Digest::from([7; 32]));
        let check = |first: &Vote, second: &Vote| {
            let evidence = Evidence { key: key.public_key(), first: first.clone(), second: second.clone() };
            assert_eq!(Evidence::decode(evidence.encode()).unwrap(), evidence);
            let turned = Evidence { first: second.clone(), second: first.clone(), ..evidence.clone() };
            assert_eq!(evidence.check(&chain), turned.check(&chain));
            evidence.check(&chain)
        };
        let notarized = [1, 2].map(|payload| notarize(&key, &chain, proposal(3, 300, payload)));
        let finalized = [1, 2].map(|payload| finalize(&key, &chain, proposal(3, 300, payload)));
        let nullified = nullify(&key, &chain, 3, 300);
        assert_eq!(check(&notarized[0], &notarized[1]), Ok(()));
        assert_eq!(check(&finalized[0], &finalized[1]), Ok(()));
        assert_eq!(check(&nullified, &finalized[0]), Ok(()));
        let other_parent = Proposal { parent: 7, ..proposal(3, 300, 1) };
        assert_eq!(check(&notarized[0], &notarize(&key, &chain, other_parent)), Ok(()));

        // What an honest validator may do: nullify what it notarized, finalize it, repeat itself.
        for (first, second) in [
            (&notarized[0], &nullified),
            (&notarized[0], &finalized[0]),
            (&notarized[0], &finalized[1]),
            (&notarized[0], &notarized[0]),
            (&finalized[1], &finalized[1]),
            (&nullified, &nullified),
        ] {
            assert_eq!(check(first, second), Err(EvidenceError::NoConflict));
        }
        for elsewhere in [proposal(3, 301, 2), proposal(4, 300, 2)] {
            let second = notarize(&key, &chain, elsewhere);
            assert_eq!(check(&notarized[0], &second), Err(EvidenceError::Rounds));
        }
    }

    #[test]
    fn votes_of_another_key_chain_or_kind_do_not_count() {
        let (key, other) = (PrivateKey::from_seed(1), PrivateKey::from_seed(2));
        let chain = ChainId(Digest::from([7; 32]));
        let fork = ChainId(Digest::from([8; 32]));
        let first = notarize(&key, &chain, proposal(0, 5, 1));
        let Vote::Finalize { signature, .. } = finalize(&key, &chain, proposal(0, 5, 2)) else { unreachable!() };
        for second in [
            notarize(&other, &chain, proposal(0, 5, 2)),
            notarize(&key, &fork, proposal(0, 5, 2)),
            Vote::Notarize { proposal: proposal(0, 5, 2), signature },
        ] {
            let evidence = Evidence { key: key.public_key(), first: first.clone(), second };
            assert_eq!(evidence.check(&chain), Err(EvidenceError::Unsigned));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Evidence::decode(bytes);
        }
    }
}

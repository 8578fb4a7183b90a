//! The certificate of a block: more than two thirds of the validators signed that it is final.
//!
//! The bytes are the codec's form of `simplex::types::Finalization` over ed25519 and SHA-256: the proposal (round,
//! parent view, payload), a bitmap of signers and one signature a signer, in the order of the set. The payload must
//! be the digest of the header, the round of the set's own epoch, the bitmap as long as the set, the quorum n − ⌊(n−1)/3⌋.
//! Votes convict whoever contradicts itself by the epoch that they name, so a vote under another name counts for nothing.
//!
//! Only finalizations are accepted: a notarization is signed under another namespace and says nothing about validity.
//!
//! Each signature is checked on its own. Checking a batch in one equation needs random coefficients that the signer
//! cannot guess; core has no randomness, and a seeded one would let a hostile sender choose signatures whose errors
//! cancel. A set has at most 64 keys, so the difference is a few milliseconds a head.
//!
//! A hostile sender could try: another chain's or another block's certificate, a bitmap for another set, one
//! signature counted twice, too few signatures, a block of bytes too large to parse. Each has its own error.

use crate::Error;
use commonware_codec::{Copying, Encode as _, Read as _, ReadExt as _, ReadRangeExt as _, types::lazy::Lazy};
use commonware_consensus::simplex::{
    scheme::{Namespace, ed25519::Scheme},
    types::{Finalization, Proposal},
};
use commonware_cryptography::{
    Verifier as _,
    certificate::Signers,
    ed25519::{PublicKey, Signature},
    sha256::Digest,
};
use commonware_utils::{Faults as _, N3f1, ordered::Set};
use core::cmp::Ordering;
use ledger::{ChainId, genesis::MAX_VALIDATORS};

/// The finalization of a block of this ledger.
pub type BlockFinalization = Finalization<Scheme, Digest>;

/// The validators of one epoch of one chain: what it takes to judge a certificate.
#[derive(Clone, Debug)]
pub struct Committee {
    namespace: Vec<u8>,
    epoch: u64,
    keys: Set<PublicKey>,
    digest: Digest,
}

/// What a certificate that was accepted says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Validators that signed.
    pub signers: u32,
    /// Size of the set.
    pub validators: u32,
    /// Bytes of the certificate.
    pub bytes: u32,
}

impl Committee {
    /// The `validators` (any order) of an epoch of `chain`.
    ///
    /// # Errors
    /// [`Error::BadValidators`]: empty, a key twice, or more than [`MAX_VALIDATORS`].
    pub fn new(chain: ChainId, epoch: u64, validators: &[PublicKey]) -> Result<Self, Error> {
        let size = validators.len();
        let bad = |reason| Err(Error::BadValidators { size, reason });
        if size == 0 {
            return bad("it is empty");
        }
        if size > MAX_VALIDATORS {
            return bad("it is larger than 64");
        }
        let Ok(keys) = Set::try_from(validators) else {
            return bad("a key stands in it twice");
        };
        Ok(Self {
            namespace: Namespace::new(&ledger::namespace(&chain)).finalize,
            epoch,
            digest: ledger::header::validators_digest(validators),
            keys,
        })
    }

    /// The same validators in the epoch that follows.
    pub(crate) fn next(&self) -> Self {
        Self { epoch: self.epoch.saturating_add(1), ..self.clone() }
    }

    /// The epoch whose blocks it certifies, see [`crate::epochs`].
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The digest by which headers name this set.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The validators, ascending.
    pub fn keys(&self) -> Vec<PublicKey> {
        self.keys.iter().cloned().collect()
    }

    /// Number of validators.
    #[expect(clippy::len_without_is_empty, reason = "a committee is never empty")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Signatures that make a certificate: n − ⌊(n−1)/3⌋, so exactly two thirds are not enough.
    pub fn quorum(&self) -> usize {
        usize::try_from(N3f1::quorum(self.keys.len())).unwrap_or(usize::MAX)
    }

    /// The most bytes that an honest certificate of this set has.
    pub fn max_bytes(&self) -> usize {
        BlockFinalization::max_encode_size(u32::try_from(self.keys.len()).unwrap_or(u32::MAX))
    }

    /// Checks that `bytes` certify the block with digest `header`.
    ///
    /// # Errors
    /// In this order: [`Error::Oversized`], [`Error::Truncated`], [`Error::Trailing`], [`Error::DuplicateSigner`],
    /// [`Error::Malformed`], [`Error::OtherBlock`], [`Error::OtherEpoch`], [`Error::WrongCommittee`], [`Error::Quorum`],
    /// [`Error::BadSignature`].
    pub fn verify(&self, header: Digest, bytes: &[u8]) -> Result<Verdict, Error> {
        let limit = self.max_bytes();
        if bytes.len() > limit {
            return Err(Error::Oversized { what: WHAT, bytes: bytes.len(), limit });
        }
        let (proposal, signers, signatures) = self.read(bytes)?;
        let signed = proposal.payload;
        if signed != header {
            return Err(Error::OtherBlock { signed, header });
        }
        let signed = proposal.round.epoch().get();
        if signed != self.epoch {
            return Err(Error::OtherEpoch { signed, epoch: self.epoch });
        }
        let validators = self.keys.len();
        if signers.len() != validators {
            return Err(Error::WrongCommittee { got: signers.len(), validators });
        }
        if signers.count() < self.quorum() {
            return Err(Error::Quorum { signers: signers.count(), needed: self.quorum(), validators });
        }
        let message = proposal.encode();
        for (signer, signature) in signers.iter().zip(&signatures) {
            let signer = usize::try_from(signer.get()).unwrap_or(usize::MAX);
            let valid = match (self.keys.get(signer), signature.get()) {
                (Some(key), Some(signature)) => key.verify(&self.namespace, &message, signature),
                _ => false,
            };
            if !valid {
                return Err(Error::BadSignature { signer });
            }
        }
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(Verdict { signers: count(signers.count()), validators: count(validators), bytes: count(bytes.len()) })
    }

    /// The parts of a finalization, as its codec writes them: proposal, bitmap, one signature a set bit.
    fn read(&self, bytes: &[u8]) -> Result<Parts, Error> {
        let named = |error| Error::codec(WHAT, bytes.len(), &error);
        let validators = self.keys.len();
        let mut rest = Copying(bytes);
        let proposal = Proposal::read(&mut rest).map_err(named)?;
        let signers = Signers::read_cfg(&mut rest, &validators).map_err(named)?;
        let signatures = Vec::<Lazy<Signature>>::read_range(&mut rest, ..=validators).map_err(named)?;
        if !rest.0.is_empty() {
            return Err(Error::Trailing { what: WHAT, extra: rest.0.len() });
        }
        match signatures.len().cmp(&signers.count()) {
            Ordering::Equal => Ok((proposal, signers, signatures)),
            Ordering::Greater => Err(Error::DuplicateSigner { signers: signers.count(), signatures: signatures.len() }),
            Ordering::Less => Err(Error::Truncated { what: WHAT, bytes: bytes.len() }),
        }
    }
}

/// What a finalization is made of.
type Parts = (Proposal<Digest>, Signers, Vec<Lazy<Signature>>);

const WHAT: &str = "certificate";

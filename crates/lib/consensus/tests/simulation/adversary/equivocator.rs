//! Gives every vote twice: for the block that the others vote for, and for one that does not exist.

use crate::wire::{Mail, Tamper, VOTES};
use bytes::Bytes;
use commonware_codec::varint::UInt;
use commonware_codec::{DecodeExt, Encode, ReadExt};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{Finalize, Notarize, Proposal, Vote};
use commonware_cryptography::Signer;
use commonware_cryptography::certificate::Attestation;
use commonware_runtime::IoBuf;
use commonware_utils::Participant;
use ledger::{ChainId, Digest, PrivateKey, PublicKey};

pub struct Equivocator {
    key: PrivateKey,
    namespace: Vec<u8>,
}

impl Equivocator {
    pub fn new(key: PrivateKey, chain: &ChainId) -> Self {
        Self { key, namespace: ledger::namespace(chain) }
    }

    /// The vote for another block.
    fn other(&self, message: &IoBuf) -> Option<Vec<u8>> {
        let mut rest = Bytes::copy_from_slice(message.as_ref());
        let epoch: u64 = UInt::read(&mut rest).ok()?.into();
        let vote = match Vote::<Scheme, Digest>::decode(rest).ok()? {
            Vote::Notarize(vote) => {
                let (proposal, attestation) = self.sign(&vote.proposal, vote.attestation.signer, b"_NOTARIZE");
                Vote::<Scheme, Digest>::Notarize(Notarize { proposal, attestation })
            }
            Vote::Finalize(vote) => {
                let (proposal, attestation) = self.sign(&vote.proposal, vote.attestation.signer, b"_FINALIZE");
                Vote::Finalize(Finalize { proposal, attestation })
            }
            Vote::Nullify(_) => return None,
        };
        Some([UInt(epoch).encode(), vote.encode()].concat())
    }

    fn sign(
        &self,
        proposal: &Proposal<Digest>,
        signer: Participant,
        suffix: &[u8],
    ) -> (Proposal<Digest>, Attestation<Scheme>) {
        let payload = Digest::from([13; 32]);
        let proposal = Proposal::new(proposal.round, proposal.parent, payload);
        let signature = self.key.sign(&[&self.namespace, suffix].concat(), &proposal.encode());
        (proposal, Attestation { signer, signature: signature.into() })
    }
}

impl Tamper for Equivocator {
    fn send(&self, channel: u64, to: Vec<PublicKey>, message: IoBuf) -> Mail {
        let second = (channel == VOTES).then(|| self.other(&message)).flatten().map(IoBuf::from);
        [Some(message), second].into_iter().flatten().map(|message| (to.clone(), message)).collect()
    }
}

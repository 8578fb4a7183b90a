//! Transactions: what a key may ask of the ledger, and its signature.
//!
//! The signature covers the chain, so a transaction of another chain is refused; the nonce, so it counts once; and the
//! last height at which it counts, so it cannot be kept for later. A decoded transaction is *not* verified:
//! [`Checked::new`] and `State::check` do that.

use crate::codec::{Item, choice, take_version};
use crate::evidence::Evidence;
use crate::hash::{Domain, tagged};
use crate::refusal::Refusal;
use crate::row::Row;
use crate::types::{Amount, ChainId, Height, Nonce, Uid};
use crate::{Digest, PrivateKey, PublicKey, Signature};
use bytes::{BufMut, Bytes, BytesMut};
use commonware_codec::{Buf, Encode, EncodeSize, Error as CodecError, Read, ReadExt, Write};
use commonware_cryptography::{Signer, Verifier};
use commonware_utils::union_unique;
use std::net::SocketAddr;

/// Version of the encoding, its first byte.
pub const VERSION: u8 = 3;

/// Signed domain, before the bytes of the transaction.
const SIGNED: &[u8] = b"PEERAGE_TRANSACTION";

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The signer becomes the hot key of a new neuron.
    Register {
        /// Key that owns the stake; may be the hot key itself.
        cold: PublicKey,
        /// What the peer learns from; 0 is text.
        modality: u8,
        /// Height of the block in the proof of work, at most [`crate::work::RECENT`] back.
        recent: Height,
        /// Solution of the [`crate::work::Puzzle`].
        work: u64,
    },
    /// The signer, hot key of `uid`, replaces its row.
    SetWeights {
        /// Own uid.
        uid: Uid,
        /// The new row.
        row: Row,
        /// Height of the tables that it was made from: it names the peers that stood there.
        seen: Height,
    },
    /// The signer becomes the hot key of a new neuron and pays the subscription for it, instead of work. Who sponsors another
    /// transfers it the price.
    Subscribe {
        /// Key that owns the stake; may be the hot key itself.
        cold: PublicKey,
        /// What the peer learns from; 0 is text.
        modality: u8,
    },
    /// Balance of the signer becomes stake of a peer whose cold key it is.
    Stake {
        /// The peer.
        uid: Uid,
        /// How much, above zero.
        amount: Amount,
    },
    /// Stake of a peer whose cold key the signer is becomes balance after the unbonding time.
    Unstake {
        /// The peer.
        uid: Uid,
        /// How much, above zero.
        amount: Amount,
    },
    /// The peer, whose cold key the signer is, gives up its place once its immunity is over; its stake unbonds.
    Leave {
        /// The peer.
        uid: Uid,
    },
    /// Moves balance to another account, which is opened if need be.
    Transfer {
        /// Who receives.
        to: PublicKey,
        /// How much, above zero.
        amount: Amount,
    },
    /// The signer, cold key of `uid`, names a key that would validate, backed by the stake of the peer. Named again, it gets
    /// the new address, and no longer counts as resigned.
    Candidate {
        /// The peer.
        uid: Uid,
        /// The consensus key.
        key: PublicKey,
        /// Where other validators reach it.
        address: SocketAddr,
    },
    /// The signer, a consensus key that was named, runs and is reached at this address. It is free, once an epoch.
    Ready {
        /// Where other validators reach it.
        address: SocketAddr,
    },
    /// The signer, the consensus key itself or the cold key that named it, takes it back.
    Resign {
        /// The consensus key.
        key: PublicKey,
    },
    /// Convicts a consensus key of two votes that contradict each other. Anyone may sign it, and it is free.
    Evidence {
        /// The votes.
        evidence: Box<Evidence>,
    },
    /// Prepays the owner of a peer for answers.
    Purchase {
        /// The peer.
        uid: Uid,
        /// Generation of the uid that was dealt with: not another owner of it is paid.
        generation: u32,
        /// How much, above zero.
        amount: Amount,
        /// Names what was agreed on, so that the seller finds it. The ledger does not look at it.
        order: Digest,
    },
    /// The signer, cold key of `uid`, replaces its hot key: the old one signs for the peer no more. Row, stake, emission and
    /// immunity stay.
    Rekey {
        /// The peer.
        uid: Uid,
        /// The new hot key, of no present peer.
        hot: PublicKey,
    },
}

choice!(Action {
    0 => Register { cold, modality, recent, work },
    1 => SetWeights { uid, row, seen },
    2 => Transfer { to, amount },
    3 => Subscribe { cold, modality },
    4 => Stake { uid, amount },
    5 => Unstake { uid, amount },
    6 => Leave { uid },
    7 => Candidate { uid, key, address },
    8 => Ready { address },
    9 => Resign { key },
    10 => Evidence { evidence },
    11 => Purchase { uid, generation, amount, order },
    12 => Rekey { uid, hot },
});

impl Action {
    /// The name a person reads.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Register { .. } => "Register",
            Self::SetWeights { .. } => "SetWeights",
            Self::Transfer { .. } => "Transfer",
            Self::Subscribe { .. } => "Subscribe",
            Self::Stake { .. } => "Stake",
            Self::Unstake { .. } => "Unstake",
            Self::Leave { .. } => "Leave",
            Self::Candidate { .. } => "Candidate",
            Self::Ready { .. } => "Ready",
            Self::Resign { .. } => "Resign",
            Self::Evidence { .. } => "Evidence",
            Self::Purchase { .. } => "Purchase",
            Self::Rekey { .. } => "Rekey",
        }
    }
}

/// An action, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Chain it is meant for.
    pub chain: ChainId,
    /// Who signs.
    pub signer: PublicKey,
    /// The signer's transactions before this one.
    pub nonce: Nonce,
    /// Last height at which it may be included.
    pub expires: Height,
    /// What is asked.
    pub action: Action,
    /// Signature of all of the above.
    pub signature: Signature,
}

/// An action that is not signed yet, for a key that is held elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned {
    /// Chain it is meant for.
    pub chain: ChainId,
    /// Who is to sign.
    pub signer: PublicKey,
    /// The signer's transactions before this one.
    pub nonce: Nonce,
    /// Last height at which it may be included.
    pub expires: Height,
    /// What is asked.
    pub action: Action,
}

impl Unsigned {
    /// The exact bytes that an ed25519 key signs.
    pub fn message(&self) -> Bytes {
        union_unique(SIGNED, &signed_bytes(&self.chain, &self.signer, self.nonce, self.expires, &self.action)).into()
    }

    /// With its signature, which is verified, or refused with [`Refusal::Unsigned`].
    pub fn signed(self, signature: Signature) -> Result<Checked, Refusal> {
        let Self { chain, signer, nonce, expires, action } = self;
        Checked::new(Transaction { chain, signer, nonce, expires, action, signature })
    }
}

impl Transaction {
    /// Signs `action` with `key`.
    pub fn sign(key: &PrivateKey, chain: ChainId, nonce: Nonce, expires: Height, action: Action) -> Self {
        let signer = key.public_key();
        let signature = key.sign(SIGNED, &signed_bytes(&chain, &signer, nonce, expires, &action));
        Self { chain, signer, nonce, expires, action, signature }
    }

    /// Whether the signer signed exactly this.
    pub fn verify_signature(&self) -> bool {
        let bytes = signed_bytes(&self.chain, &self.signer, self.nonce, self.expires, &self.action);
        self.signer.verify(SIGNED, &bytes, &self.signature)
    }

    /// The name of the transaction: hash of its bytes, signature included.
    pub fn digest(&self) -> Digest {
        tagged(Domain::Transaction, [&self.encode(), &[], &[]])
    }
}

/// A transaction whose signature was verified, so that nobody need do it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked(Transaction);

impl Checked {
    /// Verifies the signature, or refuses with [`Refusal::Unsigned`].
    pub fn new(transaction: Transaction) -> Result<Self, Refusal> {
        if transaction.verify_signature() { Ok(Self(transaction)) } else { Err(Refusal::Unsigned) }
    }

    /// The transaction.
    pub const fn transaction(&self) -> &Transaction {
        &self.0
    }

    /// The transaction, whose signature nobody knows about any more.
    pub fn into_transaction(self) -> Transaction {
        self.0
    }
}

/// Everything but the signature.
fn signed_bytes(chain: &ChainId, signer: &PublicKey, nonce: Nonce, expires: Height, action: &Action) -> BytesMut {
    let mut bytes = BytesMut::with_capacity(1 + 32 + 32 + 8 + 8 + action.encode_size());
    write_signed(chain, signer, nonce, expires, action, &mut bytes);
    bytes
}

fn write_signed(
    chain: &ChainId,
    signer: &PublicKey,
    nonce: Nonce,
    expires: Height,
    action: &Action,
    buf: &mut impl BufMut,
) {
    VERSION.write(buf);
    chain.write(buf);
    signer.write(buf);
    nonce.write(buf);
    expires.write(buf);
    action.write(buf);
}

impl Write for Transaction {
    fn write(&self, buf: &mut impl BufMut) {
        write_signed(&self.chain, &self.signer, self.nonce, self.expires, &self.action, buf);
        self.signature.write(buf);
    }
}

impl EncodeSize for Transaction {
    fn encode_size(&self) -> usize {
        1 + 32 + 32 + 8 + 8 + self.action.encode_size() + 64
    }
}

impl Read for Transaction {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        take_version(buf, VERSION, "transaction")?;
        Ok(Self {
            chain: ChainId::read(buf)?,
            signer: PublicKey::read(buf)?,
            nonce: Nonce::read(buf)?,
            expires: Height::read(buf)?,
            action: Action::read(buf)?,
            signature: Signature::read(buf)?,
        })
    }
}

crate::codec::plain_fields!(Transaction);

impl Item for Transaction {
    const MOST: usize = crate::block::MAX_TRANSACTIONS;
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_codec::DecodeExt;
    use proptest::prelude::*;

    fn transfer() -> Transaction {
        let key = PrivateKey::from_seed(1);
        let to = PrivateKey::from_seed(2).public_key();
        let chain = ChainId(Digest::from([7; 32]));
        Transaction::sign(&key, chain, Nonce(3), Height(9), Action::Transfer { to, amount: Amount(5) })
    }

    #[test]
    fn the_signature_covers_every_field() {
        let good = transfer();
        let other = PrivateKey::from_seed(3).public_key();
        let changed = [
            Transaction { chain: ChainId(Digest::from([8; 32])), ..good.clone() },
            Transaction { signer: other.clone(), ..good.clone() },
            Transaction { nonce: Nonce(4), ..good.clone() },
            Transaction { expires: Height(10), ..good.clone() },
            Transaction { action: Action::Transfer { to: other, amount: Amount(5) }, ..good.clone() },
            Transaction {
                action: Action::SetWeights { uid: Uid(0), row: Row::own(Uid(0)), seen: Height(0) },
                ..good.clone()
            },
        ];
        for wrong in changed {
            assert_ne!(wrong.digest(), good.digest());
            assert_eq!(Checked::new(wrong), Err(Refusal::Unsigned));
        }
        assert_eq!(Checked::new(good.clone()).unwrap().into_transaction(), good);
    }

    #[test]
    fn a_key_held_elsewhere_signs_the_same_bytes() {
        let good = transfer();
        let Transaction { chain, signer, nonce, expires, action, signature } = good.clone();
        let unsigned = Unsigned { chain, signer, nonce, expires, action };
        let prefix = [&[SIGNED.len() as u8], SIGNED, &[VERSION]].concat();
        assert!(unsigned.message().starts_with(&prefix));
        assert_eq!(unsigned.clone().signed(signature).unwrap().into_transaction(), good);
        let other = PrivateKey::from_seed(3).sign(SIGNED, b"something else");
        assert_eq!(unsigned.signed(other), Err(Refusal::Unsigned));
    }

    #[test]
    fn trailing_truncated_and_unknown_versions_are_refused() {
        let bytes = transfer().encode();
        assert_eq!(Transaction::decode(bytes.clone()).unwrap(), transfer());
        for length in 0..bytes.len() {
            assert!(Transaction::decode(bytes.slice(..length)).is_err(), "{length} bytes");
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert!(matches!(Transaction::decode(longer), Err(CodecError::ExtraData(1))));
        let mut newer = bytes.to_vec();
        newer[0] = VERSION + 1;
        assert!(matches!(Transaction::decode(newer), Err(CodecError::Invalid("transaction", _))));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Transaction::decode(bytes);
        }
    }
}

//! What a block carries beside its header: transactions, in order.
//!
//! A body is bounded twice, by count and by bytes, so that the largest message between validators is known beforehand.

use crate::Digest;
use crate::codec::Field;
use crate::transaction::Transaction;
use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, Decode, Encode, EncodeSize, Error as CodecError, Read, Write};
use commonware_cryptography::Sha256;
use commonware_storage::bmt;

/// Most transactions of a block.
pub const MAX_TRANSACTIONS: usize = 4_096;

/// Most bytes of a body.
pub const MAX_BYTES: usize = 1 << 20;

/// The transactions of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// In the order in which they are applied.
    pub transactions: Vec<Transaction>,
}

impl Body {
    /// The root over the digests of the transactions, committed in the header.
    pub fn root(&self) -> Digest {
        self.tree().root()
    }

    /// The proof that the transaction at `index` stands there, for [`verify_inclusion`]; `None` where there is none.
    pub fn prove(&self, index: u32) -> Option<Bytes> {
        self.transactions.get(index as usize)?;
        Some(self.tree().proof(index).ok()?.encode())
    }

    fn tree(&self) -> bmt::Tree<Digest> {
        let mut tree = bmt::Builder::<Sha256>::new(self.transactions.len());
        for transaction in &self.transactions {
            tree.add(&transaction.digest());
        }
        tree.build()
    }

    /// Whether one more transaction fits.
    pub fn fits(&self, bytes_so_far: usize, next: &Transaction) -> bool {
        self.transactions.len() < MAX_TRANSACTIONS && bytes_so_far + next.encode_size() + 5 <= MAX_BYTES
    }
}

/// Why a proof does not show what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InclusionError {
    /// Its bytes are truncated, too long or malformed.
    #[error("the proof for index {index} is malformed")]
    Malformed {
        /// The index.
        index: u32,
    },
    /// The index is not below the number of leaves it claims.
    #[error("index {index} is out of range: the proof speaks of {leaves} leaves")]
    WrongIndex {
        /// The index asked for.
        index: u32,
        /// Leaves claimed.
        leaves: u32,
    },
    /// It leads to another root.
    #[error("index {index} does not belong to the root {root}")]
    WrongRoot {
        /// The index.
        index: u32,
        /// Root it should lead to.
        root: Digest,
    },
}

/// Checks that the transaction of this digest is the one at `index` of the block whose header commits to `root`.
pub fn verify_inclusion(root: &Digest, index: u32, digest: &Digest, proof: &[u8]) -> Result<(), InclusionError> {
    let proof = bmt::Proof::<Digest>::decode_cfg(Bytes::copy_from_slice(proof), &1)
        .map_err(|_| InclusionError::Malformed { index })?;
    proof.verify_element_inclusion::<Sha256>(digest, index, root).map_err(|error| match error {
        bmt::Error::InvalidPosition(_) => InclusionError::WrongIndex { index, leaves: proof.leaf_count },
        bmt::Error::InvalidProof(..) => InclusionError::WrongRoot { index, root: *root },
        _ => InclusionError::Malformed { index },
    })
}

impl Write for Body {
    fn write(&self, buf: &mut impl BufMut) {
        self.transactions.put(buf);
    }
}

impl EncodeSize for Body {
    fn encode_size(&self) -> usize {
        self.transactions.size()
    }
}

impl Read for Body {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let body = Self { transactions: Vec::take(buf)? };
        let bytes = body.encode_size();
        if bytes > MAX_BYTES { Err(CodecError::InvalidLength(bytes)) } else { Ok(body) }
    }
}

crate::codec::plain_fields!(Body);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::LIMIT;
    use crate::{Action, Amount, ChainId, Height, Nonce, PrivateKey, Row, Score, Uid};
    use commonware_codec::{DecodeExt, Encode};
    use commonware_cryptography::Signer;

    fn transaction(nonce: u64, action: Action) -> Transaction {
        let chain = ChainId(Digest::from([0; 32]));
        Transaction::sign(&PrivateKey::from_seed(1), chain, Nonce(nonce), Height(1), action)
    }

    #[test]
    fn order_and_content_are_committed() {
        let to = PrivateKey::from_seed(2).public_key();
        let [a, b] = [1, 2].map(|amount| transaction(0, Action::Transfer { to: to.clone(), amount: Amount(amount) }));
        let ab = Body { transactions: vec![a.clone(), b.clone()] };
        let ba = Body { transactions: vec![b, a.clone()] };
        let only = Body { transactions: vec![a] };
        assert_eq!(Body::decode(ab.encode()).unwrap(), ab);
        assert_ne!(ab.root(), ba.root());
        assert_ne!(ab.root(), only.root());
        assert_ne!(only.root(), Body::default().root());
    }

    #[test]
    fn a_transaction_is_proven_where_it_stands_and_nowhere_else() {
        let to = PrivateKey::from_seed(2).public_key();
        let transfer = |nonce| transaction(nonce, Action::Transfer { to: to.clone(), amount: Amount(1) });
        let body = Body { transactions: (0..5).map(transfer).collect() };
        let root = body.root();
        let digests: Vec<Digest> = body.transactions.iter().map(Transaction::digest).collect();
        for (index, digest) in (0..).zip(&digests) {
            let proof = body.prove(index).unwrap();
            assert_eq!(verify_inclusion(&root, index, digest, &proof), Ok(()));
        }
        let proof = body.prove(3).unwrap();
        let wrong = Err(InclusionError::WrongRoot { index: 3, root });
        assert_eq!(verify_inclusion(&root, 3, &digests[2], &proof), wrong);
        let elsewhere = Body::default().root();
        let wrong = Err(InclusionError::WrongRoot { index: 3, root: elsewhere });
        assert_eq!(verify_inclusion(&elsewhere, 3, &digests[3], &proof), wrong);
        let wrong = Err(InclusionError::WrongIndex { index: 5, leaves: 5 });
        assert_eq!(verify_inclusion(&root, 5, &digests[3], &proof), wrong);
        let wrong = Err(InclusionError::Malformed { index: 3 });
        assert_eq!(verify_inclusion(&root, 3, &digests[3], &proof[1..]), wrong);
        assert_eq!((body.prove(5), Body::default().prove(0)), (None, None));
    }

    #[test]
    fn a_body_over_the_byte_limit_is_refused() {
        let mut entries: Vec<(Uid, Score)> = (0..LIMIT as u32).map(|uid| (Uid(uid), Score(60))).collect();
        entries[0].1 = Score(65_535 - 60 * (LIMIT as u16 - 1));
        let long = transaction(0, Action::SetWeights { uid: Uid(0), row: Row::new(entries).unwrap(), seen: Height(0) });
        let count = MAX_BYTES / long.encode_size() + 1;
        let body = Body { transactions: vec![long; count] };
        assert!(matches!(Body::decode(body.encode()), Err(CodecError::InvalidLength(_))));
    }
}

//! Tables, their leaves, their roots and their proofs.
//!
//! A table is a list of leaves by index; its root is a binary Merkle tree over them (`commonware_storage::bmt`), which
//! commits to their number and order and not to their history. A proof shows that a leaf stands at an index. It cannot
//! show absence: "none of the n leaves is yours" takes the whole table, whose root a client computes with [`root_of`].

use crate::block::{InclusionError, verify_inclusion};
use crate::codec::{Item, choice, message};
use crate::hash::{Domain, tagged};
use crate::merkle::Merkle;
use crate::row::Row;
use crate::types::{Amount, Height, Nonce, Uid};
use crate::{Digest, Key, PublicKey};
use bytes::Bytes;
use commonware_codec::Decode;
use commonware_cryptography::Sha256;
use commonware_storage::bmt;
use core::fmt;
use std::net::SocketAddr;

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Balances and nonces, in order of opening: [`AccountLeaf`].
    Accounts,
    /// Peers by uid: [`NeuronLeaf`].
    Neurons,
    /// Rows by uid: [`WeightsLeaf`].
    Weights,
    /// What each holds in others, by uid: [`BondsLeaf`]. Empty where the mechanism has no bonds.
    Bonds,
    /// [`EpochLeaf`]: totals at index 0, the standing of uid u at index u + 1.
    Epoch,
    /// Who would validate, in ascending order of their keys: [`CandidateLeaf`].
    Candidates,
}

choice!(Table { 0 => Accounts {}, 1 => Neurons {}, 2 => Weights {}, 3 => Epoch {}, 4 => Bonds {}, 5 => Candidates {} });

impl Table {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Accounts, Self::Neurons, Self::Weights, Self::Bonds, Self::Epoch, Self::Candidates];

    /// The name a person reads.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Neurons => "neurons",
            Self::Weights => "weights",
            Self::Bonds => "bonds",
            Self::Epoch => "epoch",
            Self::Candidates => "candidates",
        }
    }

    const fn tag(self) -> u8 {
        match self {
            Self::Accounts => 0,
            Self::Neurons => 1,
            Self::Weights => 2,
            Self::Epoch => 3,
            Self::Bonds => 4,
            Self::Candidates => 5,
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLeaf {
    /// Whose.
    pub key: Key,
    /// What it holds.
    pub balance: Amount,
    /// Its transactions so far.
    pub nonce: Nonce,
    /// Stake that was taken out and is not balance yet, soonest first.
    pub unbonding: Vec<Unbonding>,
}

message!(AccountLeaf { key, balance, nonce, unbonding });

/// Stake on its way back to a balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbonding {
    /// From the end of the epoch at or after this height on it is balance.
    pub due: Height,
    /// How much.
    pub amount: Amount,
}

message!(Unbonding { due, amount });

impl Item for Unbonding {
    const MOST: usize = 64;
}

/// One peer.
#[derive(Clone, Debug, PartialEq)]
pub struct NeuronLeaf {
    /// Key that signs rows.
    pub hot: Key,
    /// Key that owns the stake.
    pub cold: Key,
    /// What it learns from; 0 is text.
    pub modality: u8,
    /// Stake s_i.
    pub stake: Amount,
    /// Scaling a_i, from 0 to 1.
    pub scaling: f64,
    /// Height up to which emission was accrued into `pending`.
    pub accrued: Height,
    /// Emission accrued and not yet released by an update of the row.
    pub pending: Amount,
    /// When it registered.
    pub registered: Height,
    /// How often the uid had another owner before.
    pub generation: u32,
    /// Whether the peer has left: the keys are those of the last owner, and the next to register takes the place.
    pub vacant: bool,
}

message!(NeuronLeaf { hot, cold, modality, stake, scaling, accrued, pending, registered, generation, vacant });

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightsLeaf {
    /// The row.
    pub row: Row,
    /// Updates so far; 0 is the self-loop that a new uid starts with.
    pub version: u64,
    /// Height of the last update.
    pub updated: Height,
}

message!(WeightsLeaf { row, version, updated });

/// What one peer holds in others for having weighed them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BondsLeaf {
    /// (uid, bond), uids ascending, bonds above 0 in shares of the scaled stake, added up over the epochs.
    pub held: Vec<(Uid, f64)>,
}

message!(BondsLeaf { held });

impl Item for (Uid, f64) {
    const MOST: usize = crate::row::LIMIT;
}

/// One consensus key that would validate, and the peer whose stake backs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateLeaf {
    /// Key that signs votes.
    pub key: PublicKey,
    /// The peer that backs it.
    pub uid: Uid,
    /// Generation of the uid when it was named: another owner of the uid does not back it.
    pub generation: u32,
    /// Cold key of that peer.
    pub cold: Key,
    /// Where other validators reach it, as it last said.
    pub address: SocketAddr,
    /// When it was named.
    pub since: Height,
    /// When it last said that it runs; below `since`, never.
    pub ready: Height,
    /// When it resigned or its peer left; it stands here for the unbonding time from then on.
    pub until: Option<Height>,
    /// Whether it was convicted of conflicting votes: it never validates again.
    pub struck: bool,
}

message!(CandidateLeaf { key, uid, generation, cold, address, since, ready, until, struck });

/// A leaf of the epoch table.
#[derive(Clone, Debug, PartialEq)]
pub enum EpochLeaf {
    /// Index 0.
    Totals(Totals),
    /// Index uid + 1.
    Standing(Standing),
}

choice!(EpochLeaf { 0 => Totals { 0: totals }, 1 => Standing { 0: standing } });

/// What the last epoch found about one peer; zeros before its first epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// R_i.
    pub rank: f64,
    /// t_i, before the logistic.
    pub trust: f64,
    /// I_i.
    pub incentive: f64,
    /// D_i; 0 without bonds.
    pub dividend: f64,
    /// Paid into its stake.
    pub paid: Amount,
}

message!(Standing { rank, trust, incentive, dividend, paid });

/// Figures of the whole chain: of its last epoch where said, else as of now.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// Epochs so far.
    pub number: u64,
    /// Height of the last epoch's block.
    pub height: Height,
    /// Loss L at the last epoch; 0 where it was not defined.
    pub loss: f64,
    /// Stake over which the last epoch was computed.
    pub stake: Amount,
    /// Paid out at the last epoch.
    pub paid: Amount,
    /// Released and not yet paid, now.
    pub pool: Amount,
    /// Emission released so far, now.
    pub minted: Amount,
    /// Emission τ a year, now.
    pub tau: f64,
    /// Weights that every row must have, now.
    pub min_weights: u32,
    /// Expected hashes of a registration, now.
    pub difficulty: u64,
    /// Registrations since the last epoch.
    pub registered: u32,
}

message!(Totals { number, height, loss, stake, paid, pool, minted, tau, min_weights, difficulty, registered });

/// Why a leaf or a proof is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The proof's bytes are truncated, too long or malformed.
    #[error("a proof for leaf {index} of {table} is malformed")]
    Malformed {
        /// The table.
        table: Table,
        /// The index.
        index: u32,
    },
    /// The index is not below the number of leaves the proof claims.
    #[error("leaf {index} of {table} is out of range: the proof speaks of {leaves} leaves")]
    WrongIndex {
        /// The table.
        table: Table,
        /// The index asked for.
        index: u32,
        /// Leaves claimed.
        leaves: u32,
    },
    /// Leaf and proof lead to another root.
    #[error("leaf {index} of {table} does not belong to the root {root}")]
    WrongRoot {
        /// The table.
        table: Table,
        /// The index.
        index: u32,
        /// Root it should lead to.
        root: Digest,
    },
}

/// The tree over the leaves of a table; keep it where many proofs are asked of one state.
#[derive(Debug)]
pub struct Tree {
    table: Table,
    tree: Merkle,
    leaves: Vec<Bytes>,
}

impl From<Tree> for Merkle {
    fn from(tree: Tree) -> Self {
        tree.tree
    }
}

/// A leaf with its proof, both encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The encoded leaf.
    pub leaf: Bytes,
    /// The encoded proof.
    pub proof: Bytes,
}

impl Tree {
    /// The tree over `leaves`, in order.
    pub fn new(table: Table, leaves: Vec<Bytes>) -> Self {
        let digests: Vec<Digest> = leaves.iter().map(|leaf| leaf_digest(table, leaf)).collect();
        Self::over(table, Merkle::new(&digests), leaves)
    }

    /// A tree that stands over these leaves already.
    pub(crate) const fn over(table: Table, tree: Merkle, leaves: Vec<Bytes>) -> Self {
        Self { table, tree, leaves }
    }

    /// The table.
    pub const fn table(&self) -> Table {
        self.table
    }

    /// The root.
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    /// The encoded leaves, in order.
    pub fn leaves(&self) -> &[Bytes] {
        &self.leaves
    }

    /// The leaf at `index` and its proof; `None` where there is no such leaf.
    pub fn prove(&self, index: u32) -> Option<Proven> {
        let leaf = self.leaves.get(index as usize)?.clone();
        Some(Proven { leaf, proof: self.tree.prove(index)? })
    }
}

/// The root of a table with these encoded leaves.
pub fn root_of<'a>(table: Table, leaves: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let leaves = leaves.into_iter();
    let mut builder = bmt::Builder::<Sha256>::new(leaves.size_hint().0);
    for leaf in leaves {
        builder.add(&leaf_digest(table, leaf));
    }
    builder.build().root()
}

/// Checks that `leaf` stands at `index` of the table with this root.
pub fn verify_leaf(table: Table, root: &Digest, index: u32, leaf: &[u8], proof: &[u8]) -> Result<(), ProofError> {
    verify_inclusion(root, index, &leaf_digest(table, leaf), proof).map_err(|error| match error {
        InclusionError::Malformed { index } => ProofError::Malformed { table, index },
        InclusionError::WrongIndex { index, leaves } => ProofError::WrongIndex { table, index, leaves },
        InclusionError::WrongRoot { index, root } => ProofError::WrongRoot { table, index, root },
    })
}

/// Number of leaves a proof speaks of: committed to by the root, so true once [`verify_leaf`] accepted it.
pub fn leaf_count(proof: &[u8]) -> Option<u32> {
    bmt::Proof::<Digest>::decode_cfg(Bytes::copy_from_slice(proof), &1).ok().map(|proof| proof.leaf_count)
}

pub(crate) fn leaf_digest(table: Table, leaf: &[u8]) -> Digest {
    tagged(Domain::Leaf, [&[table.tag()], leaf, &[]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaves(count: usize) -> Vec<Bytes> {
        (0..count).map(|index| Bytes::from(format!("leaf {index}"))).collect()
    }

    #[test]
    fn each_wrong_proof_is_named() {
        let tree = Tree::new(Table::Weights, leaves(5));
        let proven = tree.prove(3).unwrap();
        let root = tree.root();
        let check =
            |table, root: &Digest, index, leaf: &[u8], proof: &[u8]| verify_leaf(table, root, index, leaf, proof);
        check(Table::Weights, &root, 3, &proven.leaf, &proven.proof).unwrap();
        assert!(tree.prove(5).is_none());
        assert_eq!(leaf_count(&proven.proof), Some(5));

        let wrong_root = check(Table::Weights, &root, 2, &proven.leaf, &proven.proof);
        assert_eq!(wrong_root, Err(ProofError::WrongRoot { table: Table::Weights, index: 2, root }));
        assert!(matches!(
            check(Table::Neurons, &root, 3, &proven.leaf, &proven.proof),
            Err(ProofError::WrongRoot { .. })
        ));
        assert!(matches!(check(Table::Weights, &root, 3, b"other", &proven.proof), Err(ProofError::WrongRoot { .. })));
        let wrong_index = check(Table::Weights, &root, 5, &proven.leaf, &proven.proof);
        assert_eq!(wrong_index, Err(ProofError::WrongIndex { table: Table::Weights, index: 5, leaves: 5 }));
        for length in 0..proven.proof.len() {
            let cut = check(Table::Weights, &root, 3, &proven.leaf, &proven.proof[..length]);
            assert_eq!(cut, Err(ProofError::Malformed { table: Table::Weights, index: 3 }), "{length} bytes");
        }
        let longer = [&proven.proof[..], &[0]].concat();
        assert!(matches!(check(Table::Weights, &root, 3, &proven.leaf, &longer), Err(ProofError::Malformed { .. })));
    }

    #[test]
    fn an_empty_table_has_a_root_and_no_leaf() {
        let tree = Tree::new(Table::Accounts, Vec::new());
        assert_eq!(tree.root(), root_of(Table::Accounts, []));
        assert!(tree.prove(0).is_none());
    }

    proptest! {
        #[test]
        fn every_leaf_of_every_table_is_provable(count in 1usize..70) {
            let tree = Tree::new(Table::Neurons, leaves(count));
            prop_assert_eq!(tree.root(), root_of(Table::Neurons, tree.leaves().iter().map(|leaf| &leaf[..])));
            for index in 0..count as u32 {
                let proven = tree.prove(index).unwrap();
                prop_assert!(verify_leaf(Table::Neurons, &tree.root(), index, &proven.leaf, &proven.proof).is_ok());
            }
        }

        #[test]
        fn arbitrary_proofs_never_panic(index in any::<u32>(), proof in prop::collection::vec(any::<u8>(), 0..200)) {
            let root = Digest::from([0; 32]);
            prop_assert!(verify_leaf(Table::Neurons, &root, index, b"", &proof).is_err());
        }
    }
}

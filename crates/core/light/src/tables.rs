//! Leaves and whole tables against the roots of one verified header, and the tables of an epoch's end.
//!
//! A leaf proves presence: "index i of table T at this block is these bytes". Absence is not provable by a leaf, only
//! by a whole table that hashes to its root and lacks the entry.
//!
//! A hostile source could try: a leaf of another index, table or block, a proof that does not end at the root, a table with an entry
//! changed, left out or doubled, a total that never ends. Sizes are bounded before anything is kept.

use crate::Error;
use crate::own::Position;
use bytes::Bytes;
use commonware_cryptography::ed25519::PublicKey;
use ledger::table::{ProofError, Tree, verify_leaf};
use ledger::{Column, Header, Height, Key, Kind, NeuronLeaf, State, Table, Uid, WeightsLeaf};

/// Checks that `leaf` is leaf `asked` of `table` at the block of this verified header.
///
/// # Errors
/// [`Error::WrongIndex`], [`Error::WrongRoot`], [`Error::Malformed`] for a proof that is none.
pub fn leaf(header: &Header, table: Table, asked: u32, got: u32, leaf: &[u8], proof: &[u8]) -> Result<(), Error> {
    if asked != got {
        return Err(Error::WrongIndex { table, asked, got });
    }
    verify_leaf(table, &header.root(table), got, leaf, proof).map_err(|error| match error {
        ProofError::WrongIndex { index, .. } => Error::WrongIndex { table, asked, got: index },
        ProofError::WrongRoot { .. } => Error::WrongRoot { table, height: header.height },
        ProofError::Malformed { .. } => Error::Malformed { what: "proof", reason: error.to_string() },
    })
}

/// A table while its pieces come in.
#[derive(Clone, Debug)]
pub struct Assembly {
    table: Table,
    total: Option<u32>,
    leaves: Vec<Bytes>,
    bytes: usize,
}

impl Assembly {
    /// No piece yet.
    pub const fn new(table: Table) -> Self {
        Self { table, total: None, leaves: Vec::new(), bytes: 0 }
    }

    /// Index of the first leaf that is missing: what to ask for next.
    pub fn next(&self) -> u32 {
        u32::try_from(self.leaves.len()).unwrap_or(u32::MAX)
    }

    /// Adds a piece; gives the tree over all leaves once the last one is there and they hash to its root in the verified `header`.
    ///
    /// # Errors
    /// [`Error::BadPiece`], [`Error::Oversized`], [`Error::WrongRoot`].
    pub fn add(&mut self, header: &Header, total: u32, from: u32, leaves: Vec<Bytes>) -> Result<Option<Tree>, Error> {
        let table = self.table;
        let expected = self.next();
        let got = leaves.len();
        let end = usize::try_from(from).unwrap_or(usize::MAX).saturating_add(got);
        let fits = from == expected
            && end <= usize::try_from(total).unwrap_or(usize::MAX)
            && self.total.is_none_or(|known| known == total)
            && (got > 0 || total == 0);
        if !fits {
            return Err(Error::BadPiece { table, from, got, total, expected });
        }
        if total > MAX_LEAVES {
            return Err(Error::Oversized {
                what: WHAT,
                bytes: usize::try_from(total).unwrap_or(usize::MAX),
                limit: usize::try_from(MAX_LEAVES).unwrap_or(usize::MAX),
            });
        }
        self.bytes = self.bytes.saturating_add(leaves.iter().map(Bytes::len).sum());
        if self.bytes > MAX_TABLE {
            return Err(Error::Oversized { what: WHAT, bytes: self.bytes, limit: MAX_TABLE });
        }
        self.total = Some(total);
        self.leaves.extend(leaves);
        if self.next() < total {
            return Ok(None);
        }
        let tree = Tree::new(table, core::mem::take(&mut self.leaves));
        if tree.root() != header.root(table) {
            return Err(Error::WrongRoot { table, height: header.height });
        }
        Ok(Some(tree))
    }
}

/// All tables as they stand after the last block of an epoch, or at genesis: each met its root in a verified header.
#[derive(Clone, Debug)]
pub struct Tables(State);

impl Tables {
    pub(crate) const fn new(state: State) -> Self {
        Self(state)
    }

    /// The block.
    pub const fn height(&self) -> Height {
        self.0.height()
    }

    /// All of them.
    pub const fn state(&self) -> &State {
        &self.0
    }

    /// The peers, by uid.
    pub const fn neurons(&self) -> &Column<NeuronLeaf> {
        self.0.neurons()
    }

    /// The uid of `key`.
    pub fn uid(&self, key: &PublicKey) -> Option<Uid> {
        self.0.uid(key)
    }

    /// The peer with this uid.
    pub fn neuron(&self, uid: Uid) -> Option<&NeuronLeaf> {
        self.0.neurons().get(uid.index())
    }

    /// The row of this uid, with its version.
    pub fn row(&self, uid: Uid) -> Option<&WeightsLeaf> {
        self.0.weights().get(uid.index())
    }

    /// What the asks of others weigh at `key`: s_i·w_ij of each peer i, as a share of the largest, for those above 0.
    ///
    /// w_ij is unknown where `key` is not registered, and where i has not set its row since `key` registered. For it
    /// stands an equal share, 1/n: what a peer gives that makes no difference between the n. So a newcomer answers by
    /// stake, and a peer that has weighed `key` and given it nothing is behind one that has not weighed it yet.
    pub fn askers(&self, key: &PublicKey) -> Vec<(Key, f64)> {
        let me = self.uid(key);
        let since = me.and_then(|uid| self.neuron(uid)).map(|neuron| neuron.registered);
        let weigh = |(neuron, weights): (&NeuronLeaf, &WeightsLeaf)| {
            let knows = |since| weights.version > 0 && weights.updated > since;
            let share = match (me, since) {
                (Some(me), Some(since)) if knows(since) => weights.row.share(me),
                _ => 1.0 / self.neurons().len() as f64,
            };
            (neuron.hot, neuron.stake.get() as f64 * share)
        };
        let mut askers: Vec<_> = self.neurons().iter().zip(self.0.weights()).map(weigh).collect();
        askers.retain(|(asker, weight)| asker != key && *weight > 0.0);
        let largest = askers.iter().fold(0.0, |largest: f64, (_, weight)| largest.max(*weight));
        askers.into_iter().map(|(asker, weight)| (asker, weight / largest)).collect()
    }

    /// What the model of `key` multiplies the answers of each peer with: the soft competitive masks m_ij
    /// ([`mechanism::competitive::masks`]), in \[0, 1\]. `None` on a chain without them, and for one that is not registered.
    pub fn masks(&self, key: &PublicKey) -> Option<Vec<(Key, f64)>> {
        if self.0.parameters().mechanism != Kind::Competitive {
            return None;
        }
        let masks = Position::new(&self.0, self.uid(key)?).and_then(|position| position.masks()).ok()?;
        let there = self.neurons().iter().zip(masks).filter(|(neuron, _)| !neuron.vacant);
        Some(there.map(|(neuron, mask)| (neuron.hot, mask)).collect())
    }
}

/// What is said to be too long where a table is.
pub(crate) const WHAT: &str = "table";

/// Most leaves in a table: sixteen times the default number of peers. Above, a client proves its own row alone.
pub const MAX_LEAVES: u32 = 65_536;

/// Most bytes in a table: 65,536 rows of 64 entries.
pub const MAX_TABLE: usize = 32 << 20;

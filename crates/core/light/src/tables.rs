//! Leaves and whole tables against the roots of one verified header.
//!
//! A leaf proves presence: "index i of table T at this block is these bytes". Absence is not provable by a leaf, only
//! by a whole table that hashes to its root and lacks the entry.
//!
//! A hostile source could try: a leaf of another index, table or block, a proof that does not end at the root, a table with an entry
//! changed, left out or doubled, a total that never ends. Sizes are bounded before anything is kept.

use crate::{Error, Verified};
use bytes::Bytes;
use ledger::Table;
use ledger::table::{ProofError, root_of, verify_leaf};

/// Checks that `leaf` is leaf `asked` of `table` at the verified block.
///
/// # Errors
/// [`Error::WrongIndex`], [`Error::WrongRoot`], [`Error::Malformed`] for a proof that is none.
pub fn leaf(verified: &Verified, table: Table, asked: u32, got: u32, leaf: &[u8], proof: &[u8]) -> Result<(), Error> {
    if asked != got {
        return Err(Error::WrongIndex { table, asked, got });
    }
    verify_leaf(table, &verified.header().root(table), got, leaf, proof).map_err(|error| match error {
        ProofError::WrongIndex { index, .. } => Error::WrongIndex { table, asked, got: index },
        ProofError::WrongRoot { .. } => Error::WrongRoot { table, height: verified.height() },
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

    /// Adds a piece; gives all leaves once the last one is there and they hash to the root of `verified`.
    ///
    /// # Errors
    /// [`Error::BadPiece`], [`Error::Oversized`], [`Error::WrongRoot`].
    pub fn add(
        &mut self,
        verified: &Verified,
        total: u32,
        from: u32,
        leaves: Vec<Bytes>,
    ) -> Result<Option<Vec<Bytes>>, Error> {
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
                what: "table",
                bytes: usize::try_from(total).unwrap_or(usize::MAX),
                limit: usize::try_from(MAX_LEAVES).unwrap_or(usize::MAX),
            });
        }
        self.bytes = self.bytes.saturating_add(leaves.iter().map(Bytes::len).sum());
        if self.bytes > MAX_TABLE {
            return Err(Error::Oversized { what: "table", bytes: self.bytes, limit: MAX_TABLE });
        }
        self.total = Some(total);
        self.leaves.extend(leaves);
        if self.next() < total {
            return Ok(None);
        }
        let leaves = core::mem::take(&mut self.leaves);
        if root_of(table, leaves.iter().map(|leaf| &leaf[..])) != verified.header().root(table) {
            return Err(Error::WrongRoot { table, height: verified.height() });
        }
        Ok(Some(leaves))
    }
}

/// Most leaves in a table: sixteen times the default number of peers. Above, a client proves its own row alone.
pub const MAX_LEAVES: u32 = 65_536;

/// Most bytes in a table: 65,536 rows of 64 entries.
pub const MAX_TABLE: usize = 32 << 20;

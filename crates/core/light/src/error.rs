//! Why bytes, a header or a table were refused: one variant for each name in "Names for bad input" of the ledger's
//! specification, with the numbers of both sides.

use commonware_cryptography::sha256::Digest;
use ledger::{Height, Table};

/// Why something from outside was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The genesis is that of another chain.
    #[error("wrong chain: this genesis belongs to chain {got}, expected {expected}")]
    WrongChain {
        /// The chain that the client was built for.
        expected: Digest,
        /// The chain that was handed in.
        got: Digest,
    },
    /// The header names another validator set for the next block than the one in office; sets change with the last
    /// block of an epoch only.
    #[error("block {height} names validators {got} for the next block, but {known} are in office")]
    UnknownValidators {
        /// Height of the header.
        height: Height,
        /// Digest of the set in office.
        known: Digest,
        /// Digest in the header.
        got: Digest,
    },
    /// The block is of an epoch whose validators are not known yet: ask for the links.
    #[error("the validators of epoch {to} are not known yet: links {from} to {to} are missing")]
    NeedsLinks {
        /// Number of the first link that is missing.
        from: u64,
        /// Number of the last one.
        to: u64,
    },
    /// The header of a link is not the last of an epoch.
    #[error("no epoch ends with block {height}: one ends every {tempo} blocks")]
    NoEpochEnd {
        /// Height of the header.
        height: Height,
        /// Blocks of an epoch.
        tempo: u64,
    },
    /// A link was left out before this one.
    #[error("link {expected} is missing before link {got}")]
    MissingLink {
        /// Number of the link that comes next.
        expected: u64,
        /// Number of the one handed in.
        got: u64,
    },
    /// The keys of a link are not those that its header commits to.
    #[error("the keys of a link are {got}, the header at {height} elects {elected}")]
    WrongKeys {
        /// Height of the header.
        height: Height,
        /// Digest of the set in the header.
        elected: Digest,
        /// Digest of the keys.
        got: Digest,
    },
    /// A validator set is empty, has a key twice or is larger than allowed.
    #[error("a validator set of {size} keys is not usable: {reason}")]
    BadValidators {
        /// Keys given.
        size: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// The bytes end too early.
    #[error("{what}: truncated after {bytes} bytes")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Bytes there were.
        bytes: usize,
    },
    /// Bytes are left over.
    #[error("{what}: {extra} trailing bytes")]
    Trailing {
        /// What was being read.
        what: &'static str,
        /// Bytes left over.
        extra: usize,
    },
    /// The bytes are longer than any honest message.
    #[error("{what}: {bytes} bytes, at most {limit} are allowed")]
    Oversized {
        /// What was being read.
        what: &'static str,
        /// Bytes there were.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The bytes are no such value.
    #[error("{what}: malformed: {reason}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// The codec's reason.
        reason: String,
    },
    /// The certificate is about another block.
    #[error("the certificate signs block {signed}, not {header}")]
    OtherBlock {
        /// Digest under the signatures.
        signed: Digest,
        /// Digest of the header.
        header: Digest,
    },
    /// The certificate names another epoch than the one that its validators are in office for.
    #[error("the certificate is of epoch {signed}, its validators are those of epoch {epoch}")]
    OtherEpoch {
        /// Epoch under the signatures.
        signed: u64,
        /// Epoch of the validators.
        epoch: u64,
    },
    /// The signer bitmap is not as long as the validator set.
    #[error("the certificate is for {got} validators, the set has {validators}")]
    WrongCommittee {
        /// Length of the bitmap.
        got: usize,
        /// Size of the set.
        validators: usize,
    },
    /// Too few validators signed: more than two thirds are needed.
    #[error("quorum not met: {signers} of {validators} validators signed, {needed} are needed")]
    Quorum {
        /// Validators that signed.
        signers: usize,
        /// Validators needed.
        needed: usize,
        /// Size of the set.
        validators: usize,
    },
    /// More signatures than signers: one validator's vote is counted twice.
    #[error("duplicate signer: {signatures} signatures for {signers} signers")]
    DuplicateSigner {
        /// Bits set in the bitmap.
        signers: usize,
        /// Signatures that follow.
        signatures: usize,
    },
    /// A signature does not verify under the validator's key and this chain's name.
    #[error("the signature of validator {signer} does not verify on this chain")]
    BadSignature {
        /// Index in the ordered validator set.
        signer: usize,
    },
    /// The checkpoint is older than the trust period: its validators may have left with their stake.
    #[error("stale checkpoint: {age_ms} ms old, trusted for {limit_ms} ms; reload the page for a new one")]
    StaleCheckpoint {
        /// Age, ms.
        age_ms: u64,
        /// Trust period, ms.
        limit_ms: u64,
    },
    /// The header at the checkpoint's height is not the checkpoint.
    #[error("block {height} is {got}, the checkpoint says {expected}")]
    NotTheCheckpoint {
        /// Height of the checkpoint.
        height: Height,
        /// Digest of the checkpoint.
        expected: Digest,
        /// Digest handed in.
        got: Digest,
    },
    /// The header is below the verified head.
    #[error("height does not rise: {got} after {head}")]
    NonMonotonicHeight {
        /// The verified head.
        head: Height,
        /// Height handed in.
        got: Height,
    },
    /// The header's time is not after that of a lower block.
    #[error("time does not rise: {got} ms after {head} ms")]
    NonMonotonicTime {
        /// Time of the verified head, ms since 1970.
        head: u64,
        /// Time handed in, ms since 1970.
        got: u64,
    },
    /// A header in a chain of headers does not name the one before as its parent, or skips a height.
    #[error("block {height} does not follow the one before it")]
    BrokenLink {
        /// Height of the header.
        height: Height,
    },
    /// A chain of headers without a header.
    #[error("no header in the reply")]
    NoHeaders,
    /// Two certified blocks at one height: more than a third of the validators signed both.
    #[error("two finalized blocks at height {height}: the validators of this chain broke their word")]
    Conflict {
        /// The height.
        height: Height,
    },
    /// A leaf or a table does not hash to the root in the verified header.
    #[error("wrong root: the {table} table handed in is not that of block {height}")]
    WrongRoot {
        /// The table.
        table: Table,
        /// Height of the header that holds the root.
        height: Height,
    },
    /// The leaf is another than the one asked for.
    #[error("wrong index: leaf {got} of {table}, asked for {asked}")]
    WrongIndex {
        /// The table.
        table: Table,
        /// Index asked for.
        asked: u32,
        /// Index handed in.
        got: u32,
    },
    /// A piece of a table is empty, out of order or larger than the table.
    #[error(
        "a piece of the {table} table does not fit: {got} leaves from {from}, total {total}, expected from {expected}"
    )]
    BadPiece {
        /// The table.
        table: Table,
        /// First index of the piece.
        from: u32,
        /// Leaves in the piece.
        got: usize,
        /// Size of the table as claimed.
        total: u32,
        /// First index expected.
        expected: u32,
    },
    /// The transactions are not those that the header commits to.
    #[error("wrong transactions: block {height} commits to others")]
    WrongBody {
        /// Height of the block.
        height: Height,
    },
    /// Tables that met their roots do not make a state together with what else the headers say.
    #[error("the tables of block {height} make no state: {reason}")]
    WrongTables {
        /// Height of the block.
        height: Height,
        /// What does not fit.
        reason: String,
    },
    /// A transaction is not at the place in its block where it is said to be.
    #[error("transaction {index} of block {height} is another than the one asked for")]
    NotIncluded {
        /// Height of the block.
        height: Height,
        /// Its place.
        index: u32,
    },
    /// The reply is no answer to what was asked.
    #[error("the reply does not answer the query")]
    WrongReply,
}

impl Error {
    /// Whether the client must stop: going on would mean to trust what was just refuted.
    pub const fn fatal(&self) -> bool {
        matches!(
            self,
            Self::Conflict { .. }
                | Self::WrongChain { .. }
                | Self::StaleCheckpoint { .. }
                | Self::BadValidators { .. }
                | Self::NotTheCheckpoint { .. }
        )
    }

    /// Whether the sender is at fault, rather than late or asked at a bad time.
    pub const fn blames_sender(&self) -> bool {
        !matches!(self, Self::NonMonotonicHeight { .. } | Self::NeedsLinks { .. } | Self::StaleCheckpoint { .. })
    }

    /// The codec's refusal of `bytes` bytes of a `what`, named.
    pub(crate) fn codec(what: &'static str, bytes: usize, error: &commonware_codec::Error) -> Self {
        match error {
            commonware_codec::Error::EndOfBuffer => Self::Truncated { what, bytes },
            commonware_codec::Error::ExtraData(extra) => Self::Trailing { what, extra: *extra },
            // The codec cuts a length of 64 bits to a word before it tells it, so a tab would say another than a node.
            commonware_codec::Error::InvalidLength(_) => Self::Malformed { what, reason: OUTSIDE.into() },
            other => Self::Malformed { what, reason: other.to_string() },
        }
    }
}

/// Of a length that cannot be.
const OUTSIDE: &str = "a length outside the allowed range";

//! What a client asks a source of the ledger, and what the source replies.
//!
//! Nothing in a [`Reply`] is believed: headers need a certificate, leaves a proof, tables a root that is met. `Refused`,
//! `Status` and `Unavailable` are the source's word only. Every message is bounded before it is read.

use crate::block::Body;
use crate::codec::{Item, choice, take_version};
use crate::header::Header;
use crate::refusal::Refusal;
use crate::table::Table;
use crate::transaction::Transaction;
use crate::types::Height;
use crate::{Digest, PublicKey};
use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, EncodeSize, Error as CodecError, Read, Write};

/// Version of queries and replies, their first byte.
pub const VERSION: u8 = 3;

/// Most headers of one reply.
pub const MAX_HEADERS: usize = 1_024;

/// Most bytes of leaves in one reply; where a table is longer, ask on from the next index.
pub const MAX_TABLE_BYTES: usize = 512 * 1024;

/// Most bytes of an encoded query.
pub const MAX_QUERY_BYTES: usize = 16 * 1024;

/// Most links of one reply.
pub const MAX_LINKS: usize = 256;

/// Most blocks of one reply.
pub const MAX_BLOCKS: usize = 64;

/// Most bytes of an encoded reply: a block of the largest size with its certificate, or as many links as fit.
pub const MAX_REPLY_BYTES: usize = (1 << 20) + 256 * 1024;

/// A source keeps the tables of at least this many of the newest final heights.
pub const KEPT_HEIGHTS: usize = 64;

/// A question to a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// The newest final header. Answered by [`Reply::Head`].
    Head,
    /// Headers from a height on, up to the next one that has a certificate of its own at or after `from + limit − 1`
    /// where that fits, else up to the newest with one. Answered by [`Reply::Headers`].
    Headers {
        /// First height wanted.
        from: Height,
        /// Most headers wanted.
        limit: u32,
    },
    /// One leaf with its proof. Answered by [`Reply::Leaf`] or [`Reply::NoSuch`].
    Leaf {
        /// Height of the table.
        height: Height,
        /// The table.
        table: Table,
        /// The index.
        index: u32,
    },
    /// The account of a key. Answered by [`Reply::Leaf`] or [`Reply::NoSuch`].
    Account {
        /// Height of the table.
        height: Height,
        /// Whose.
        key: PublicKey,
    },
    /// Leaves of a table from an index on. Answered by [`Reply::Table`].
    Table {
        /// Height of the table.
        height: Height,
        /// The table.
        table: Table,
        /// First index wanted.
        from: u32,
    },
    /// Hands in a transaction. Answered by [`Reply::Accepted`] or [`Reply::Refused`].
    Submit {
        /// The transaction.
        transaction: Transaction,
    },
    /// Where a transaction stands. Answered by [`Reply::Status`].
    Status {
        /// Digest of the transaction.
        digest: Digest,
    },
    /// How the set of validators went on, from an epoch on. Answered by [`Reply::Epochs`].
    Epochs {
        /// Number of the first epoch wanted, from 1.
        from: u64,
        /// Most links wanted; [`MAX_LINKS`] at most are given.
        limit: u32,
    },
    /// Leaves of the epoch table as it stood at the end of an epoch, from an index on. Answered by [`Reply::Table`].
    History {
        /// Number of the epoch, from 1.
        epoch: u64,
        /// First index wanted.
        from: u32,
    },
    /// Where a final transaction stands, with its proof. Answered by [`Reply::Inclusion`] or [`Reply::NoSuch`].
    Inclusion {
        /// Digest of the transaction.
        digest: Digest,
    },
    /// Final blocks from a height on. Answered by [`Reply::Blocks`].
    Blocks {
        /// First height wanted.
        from: Height,
        /// Most blocks wanted; [`MAX_BLOCKS`] at most are given.
        limit: u32,
    },
    /// How the chain began. Answered by [`Reply::Genesis`].
    Genesis,
    /// The neuron of a hot key. Answered by [`Reply::Leaf`] or [`Reply::NoSuch`].
    Neuron {
        /// Height of the table.
        height: Height,
        /// Whose.
        key: PublicKey,
    },
    /// The transactions of a final block. Answered by [`Reply::Body`].
    Body {
        /// Height of the block.
        height: Height,
    },
}

/// A source's reply. [`Reply::Unavailable`] may come for any query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The newest final header that has a certificate.
    Head {
        /// The header.
        header: Header,
        /// Its encoded finalization.
        finalization: Bytes,
    },
    /// Consecutive headers, ascending.
    Headers {
        /// The headers.
        headers: Vec<Header>,
        /// The encoded finalization of the last one.
        finalization: Bytes,
    },
    /// A leaf with its proof.
    Leaf {
        /// Its index.
        index: u32,
        /// The encoded leaf.
        leaf: Bytes,
        /// The encoded proof.
        proof: Bytes,
    },
    /// There is no such leaf or account at that height, says the source.
    NoSuch,
    /// Part of a table.
    Table {
        /// Leaves of the whole table.
        total: u32,
        /// Index of the first leaf here.
        from: u32,
        /// Encoded leaves, as many as fit.
        leaves: Vec<Bytes>,
    },
    /// The transaction waits to be included.
    Accepted {
        /// Its digest.
        digest: Digest,
    },
    /// The transaction was refused.
    Refused {
        /// Why, and what to do.
        refusal: Refusal,
    },
    /// Where a transaction stands.
    Status(TransactionStatus),
    /// The source cannot answer now.
    Unavailable {
        /// Why, at most 200 bytes.
        reason: String,
    },
    /// One link for each of consecutive epochs, ascending.
    Epochs {
        /// The links, as many as fit.
        links: Vec<Link>,
    },
    /// A transaction is in a block.
    Inclusion {
        /// Height of the block.
        height: Height,
        /// Its place in the block.
        index: u32,
        /// The encoded proof, for [`crate::block::verify_inclusion`].
        proof: Bytes,
    },
    /// Consecutive final blocks, ascending.
    Blocks {
        /// The blocks, as many as fit, and at least one.
        blocks: Vec<Certified>,
    },
    /// How the chain began.
    Genesis {
        /// The encoded [`crate::Genesis`].
        bytes: Bytes,
    },
    /// The transactions of a block.
    Body {
        /// In the order in which they were applied.
        body: Body,
    },
}

impl Reply {
    /// As much of a table of `total` leaves as fits into one reply: `leaves` are those from index `from` on.
    pub fn part(total: usize, from: u32, leaves: impl Iterator<Item = Bytes>) -> Self {
        if from as usize > total {
            return Self::NoSuch;
        }
        let mut bytes = 0;
        let fits = |leaf: &Bytes| {
            bytes += leaf.len() + 5;
            bytes <= MAX_TABLE_BYTES
        };
        let leaves = leaves.take(<Bytes as Item>::MOST).take_while(fits).collect();
        Self::Table { total: u32::try_from(total).unwrap_or(u32::MAX), from, leaves }
    }
}

/// A final block with its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// The engine's encoding of the block.
    pub block: Bytes,
    /// Its encoded finalization; empty where it is final by a later block's alone.
    pub finalization: Bytes,
}

crate::codec::message!(Certified { block, finalization });

impl Item for Certified {
    const MOST: usize = MAX_BLOCKS;
}

/// From one set of validators to the next: the last block of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its header, which commits to `validators`.
    pub header: Header,
    /// Its encoded finalization, by the validators of the epoch that it ends.
    pub finalization: Bytes,
    /// Who validates the next epoch, ascending.
    pub validators: Vec<PublicKey>,
}

crate::codec::message!(Link { header, finalization, validators });

impl Item for Link {
    const MOST: usize = MAX_LINKS;
}

/// Where a transaction stands, says the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionStatus {
    /// Never seen, or forgotten.
    Unknown,
    /// Waits to be included.
    Pending,
    /// Final at a height.
    Included {
        /// The height.
        height: Height,
    },
    /// Dropped before it was included.
    Refused {
        /// Why, and what to do.
        refusal: Refusal,
    },
}

choice!(TransactionStatus {
    0 => Unknown {},
    1 => Pending {},
    2 => Included { height },
    3 => Refused { refusal },
});

impl Item for Bytes {
    const MOST: usize = 65_536;
}

/// The message after its version byte.
mod inner {
    use super::{Query, Reply};
    use bytes::BufMut;
    use commonware_codec::{Buf, Error};

    /// A message without its version byte.
    pub(super) trait Message: Sized {
        fn put(&self, buf: &mut impl BufMut);
        fn size(&self) -> usize;
        fn take(buf: &mut impl Buf) -> Result<Self, Error>;
    }

    macro_rules! message {
        ($type:ident { $($tag:literal => $variant:ident { $($field:tt $(: $bind:ident)?),* }),* $(,)? }) => {
            impl Message for $type {
                fn put(&self, buf: &mut impl BufMut) {
                    match self {
                        $( Self::$variant { $($field $(: $bind)?),* } => {
                            crate::codec::Field::put(&($tag as u8), buf);
                            $( crate::codec::put_bound!(buf, $field $($bind)?); )*
                        } )*
                    }
                }
                fn size(&self) -> usize {
                    match self {
                        $( Self::$variant { $($field $(: $bind)?),* } => {
                            1 $( + crate::codec::size_bound!($field $($bind)?) )*
                        } )*
                    }
                }
                fn take(buf: &mut impl Buf) -> Result<Self, Error> {
                    match <u8 as crate::codec::Field>::take(buf)? {
                        $( $tag => Ok(Self::$variant { $( $field: crate::codec::Field::take(buf)? ),* }), )*
                        other => Err(Error::InvalidEnum(other)),
                    }
                }
            }
        };
    }

    message!(Query {
        0 => Head {},
        1 => Headers { from, limit },
        2 => Leaf { height, table, index },
        3 => Account { height, key },
        4 => Table { height, table, from },
        5 => Submit { transaction },
        6 => Status { digest },
        7 => Epochs { from, limit },
        8 => History { epoch, from },
        9 => Inclusion { digest },
        10 => Blocks { from, limit },
        11 => Genesis {},
        12 => Neuron { height, key },
        13 => Body { height },
    });

    message!(Reply {
        0 => Head { header, finalization },
        1 => Headers { headers, finalization },
        2 => Leaf { index, leaf, proof },
        3 => NoSuch {},
        4 => Table { total, from, leaves },
        5 => Accepted { digest },
        6 => Refused { refusal },
        7 => Status { 0: status },
        8 => Unavailable { reason },
        9 => Epochs { links },
        10 => Inclusion { height, index, proof },
        11 => Blocks { blocks },
        12 => Genesis { bytes },
        13 => Body { body },
    });
}

use inner::Message as _;

macro_rules! versioned {
    ($type:ident, $name:literal) => {
        impl Write for $type {
            fn write(&self, buf: &mut impl BufMut) {
                VERSION.write(buf);
                self.put(buf);
            }
        }

        impl EncodeSize for $type {
            fn encode_size(&self) -> usize {
                1 + self.size()
            }
        }

        impl Read for $type {
            type Cfg = ();
            fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
                take_version(buf, VERSION, $name)?;
                Self::take(buf)
            }
        }
    };
}

versioned!(Query, "query");
versioned!(Reply, "reply");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Amount, ChainId, Nonce, PrivateKey};
    use commonware_codec::{DecodeExt, Encode};
    use commonware_cryptography::Signer;
    use proptest::prelude::*;

    #[test]
    fn queries_and_replies_survive_the_codec() {
        let key = PrivateKey::from_seed(1);
        let digest = Digest::from([9; 32]);
        let action = Action::Transfer { to: key.public_key(), amount: Amount(1) };
        let transaction = Transaction::sign(&key, ChainId(digest), Nonce(0), Height(5), action);
        let queries = [
            Query::Head,
            Query::Headers { from: Height(3), limit: 7 },
            Query::Leaf { height: Height(3), table: Table::Weights, index: 2 },
            Query::Account { height: Height(3), key: key.public_key() },
            Query::Table { height: Height(3), table: Table::Epoch, from: 0 },
            Query::Submit { transaction: transaction.clone() },
            Query::Status { digest },
            Query::Epochs { from: 1, limit: 256 },
            Query::History { epoch: 2, from: 3 },
            Query::Inclusion { digest },
            Query::Blocks { from: Height(3), limit: 64 },
            Query::Genesis,
            Query::Neuron { height: Height(3), key: key.public_key() },
            Query::Body { height: Height(3) },
        ];
        for query in queries {
            let bytes = query.encode();
            assert!(bytes.len() <= MAX_QUERY_BYTES);
            assert_eq!(Query::decode(bytes).unwrap(), query);
        }
        let header = crate::Genesis::example().header().unwrap();
        let finalization = Bytes::from_static(b"certificate");
        let validators = vec![key.public_key()];
        let replies = [
            Reply::Head { header: header.clone(), finalization: finalization.clone() },
            Reply::Headers { headers: vec![header.clone(); 3], finalization: finalization.clone() },
            Reply::Epochs { links: vec![Link { header, finalization: finalization.clone(), validators }; 2] },
            Reply::Inclusion { height: Height(3), index: 1, proof: Bytes::from_static(b"proof") },
            Reply::Blocks { blocks: vec![Certified { block: Bytes::from_static(b"block"), finalization }; 2] },
            Reply::Genesis { bytes: Bytes::from_static(b"genesis") },
            Reply::Body { body: Body { transactions: vec![transaction] } },
            Reply::Leaf { index: 1, leaf: Bytes::from_static(b"leaf"), proof: Bytes::from_static(b"proof") },
            Reply::NoSuch,
            Reply::Table { total: 2, from: 1, leaves: vec![Bytes::from_static(b"leaf")] },
            Reply::Accepted { digest },
            Reply::Refused { refusal: Refusal::Full { most: 4096 } },
            Reply::Status(TransactionStatus::Included { height: Height(8) }),
            Reply::Unavailable { reason: "not kept".into() },
        ];
        for reply in replies {
            let bytes = reply.encode();
            assert_eq!(Reply::decode(bytes.clone()).unwrap(), reply);
            for length in 0..bytes.len() {
                assert!(Reply::decode(bytes.slice(..length)).is_err(), "{reply:?} cut to {length}");
            }
            assert!(Reply::decode([&bytes[..], &[0]].concat()).is_err(), "trailing byte");
        }
    }

    #[test]
    fn a_long_table_comes_in_parts_that_make_the_whole() {
        let leaves: Vec<Bytes> = (0..4_000u32).map(|index| Bytes::from(vec![index as u8; 300])).collect();
        let part = |from: usize| Reply::part(leaves.len(), from as u32, leaves.iter().skip(from).cloned());
        let mut got = Vec::new();
        let mut parts = 0;
        while got.len() < leaves.len() {
            let reply = part(got.len());
            assert!(reply.encode().len() <= MAX_REPLY_BYTES);
            let Reply::Table { total, from, leaves } = reply else { unreachable!() };
            assert_eq!((total, from as usize), (4_000, got.len()));
            assert!(!leaves.is_empty());
            got.extend(leaves);
            parts += 1;
        }
        assert_eq!((&got, parts), (&leaves, 3));
        assert_eq!(part(4_001), Reply::NoSuch);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 1..300)) {
            bytes[0] = VERSION;
            let _ = Query::decode(bytes.clone());
            let _ = Reply::decode(bytes);
        }
    }
}

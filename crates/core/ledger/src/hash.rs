//! SHA-256 with a domain tag for every use, so that bytes of one kind can never pass for another.

use commonware_cryptography::{Hasher, Sha256, sha256::Digest};

/// What is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Genesis bytes: the chain id.
    Chain,
    /// A header: the digest of its block.
    Header,
    /// The engine's context, as committed in a header.
    Context,
    /// A signed transaction.
    Transaction,
    /// A leaf of a table.
    Leaf,
    /// A set of validators.
    Validators,
    /// Chain, key and block of a proof of work.
    Puzzle,
    /// One attempt at a proof of work.
    Attempt,
    /// The contents of a snapshot file.
    Snapshot,
    /// The number of an epoch: from whose hash its trust sources are drawn.
    Sources,
    /// What a buyer and a seller agreed on: the order of a purchase.
    Order,
}

impl Domain {
    /// The tag: 24 bytes, so that no tag is the beginning of another.
    const fn tag(self) -> &'static [u8; 24] {
        match self {
            Self::Chain => b"peerage/chain/1\0\0\0\0\0\0\0\0\0",
            Self::Header => b"peerage/header/1\0\0\0\0\0\0\0\0",
            Self::Context => b"peerage/context/1\0\0\0\0\0\0\0",
            Self::Transaction => b"peerage/transaction/1\0\0\0",
            Self::Leaf => b"peerage/leaf/1\0\0\0\0\0\0\0\0\0\0",
            Self::Validators => b"peerage/validators/1\0\0\0\0",
            Self::Puzzle => b"peerage/puzzle/1\0\0\0\0\0\0\0\0",
            Self::Attempt => b"peerage/attempt/1\0\0\0\0\0\0\0",
            Self::Snapshot => b"peerage/snapshot/1\0\0\0\0\0\0",
            Self::Sources => b"peerage/sources/1\0\0\0\0\0\0\0",
            Self::Order => b"peerage/order/1\0\0\0\0\0\0\0\0\0",
        }
    }
}

/// The hash of `parts`, one after the other, in `domain`. The parts' lengths are not hashed: all but one of them must have
/// a fixed length.
pub fn tagged(domain: Domain, parts: [&[u8]; 3]) -> Digest {
    let [a, b, c] = parts;
    Sha256::hash(&[domain.tag(), a, b, c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_do_not_collide() {
        let domains = [
            Domain::Chain,
            Domain::Header,
            Domain::Context,
            Domain::Transaction,
            Domain::Leaf,
            Domain::Validators,
            Domain::Puzzle,
            Domain::Attempt,
            Domain::Snapshot,
            Domain::Sources,
            Domain::Order,
        ];
        for (index, a) in domains.iter().enumerate() {
            for b in domains.iter().skip(index + 1) {
                assert_ne!(tagged(*a, [b"x", b"", b""]), tagged(*b, [b"x", b"", b""]));
            }
        }
    }
}

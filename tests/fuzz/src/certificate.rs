//! A certificate of a block: what was not signed by enough of its validators is refused, however like it looks.
//!
//! The validators' signatures are known, so whatever is accepted must be one of the few certificates that they make.

use crate::chain::Chain;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// A chain of one block by four validators, and all certificates of it.
static HONEST: LazyLock<(Chain, BTreeSet<Vec<u8>>)> = LazyLock::new(|| {
    let mut chain = Chain::new(4);
    chain.step();
    let (header, _) = chain.head();
    let sets = [&[0, 1, 2, 3][..], &[0, 1, 2], &[0, 1, 3], &[0, 2, 3], &[1, 2, 3]];
    let certificates = sets.map(|signers| chain.certify_by(&header, signers).to_vec());
    (chain, BTreeSet::from(certificates))
});

/// See the module.
pub fn run(bytes: &[u8]) {
    let (chain, certificates) = &*HONEST;
    let accepted = chain.committee().verify(chain.head().0.digest(), bytes);
    assert_eq!(accepted.is_ok(), certificates.contains(bytes), "{accepted:?}");
}

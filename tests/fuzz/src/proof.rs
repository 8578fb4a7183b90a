//! Proofs of leaves of the ledger's tables, with anything done to them: what is accepted stands there.

use crate::chain::Chain;
use crate::{Changes, change};
use arbitrary::Arbitrary;
use ledger::Table;
use ledger::table::{leaf_count, verify_leaf};
use std::sync::LazyLock;

/// Which proof, and what is done to it.
#[derive(Arbitrary, Debug)]
struct Input {
    table: u8,
    index: u8,
    claimed: (u8, u32),
    leaf: Changes,
    proof: Changes,
    other: Option<Vec<u8>>,
}

/// A chain after two epochs.
static HONEST: LazyLock<Chain> = LazyLock::new(|| {
    let mut chain = Chain::electing(4);
    chain.steps(9);
    chain
});

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(Input { table, index, claimed, leaf, proof, other }) = crate::input(bytes) else { return };
    let state = HONEST.state();
    let of = |number: u8| Table::ALL[usize::from(number) % Table::ALL.len()];
    let table = of(table);
    let leaves = state.leaves(table);
    if leaves.is_empty() {
        return;
    }
    let index = u32::from(index) % u32::try_from(leaves.len()).expect("few");
    let honest = state.prove(table, index).expect("it stands there");
    let claimed = (of(claimed.0), if claimed.1 % 4 == 0 { claimed.1 / 4 } else { index });
    let leaf = change(honest.leaf.to_vec(), &leaf);
    let proof = other.unwrap_or_else(|| change(honest.proof.to_vec(), &proof));
    let verdict = verify_leaf(claimed.0, &state.roots().of(claimed.0), claimed.1, &leaf, &proof);
    let there = state.leaves(claimed.0);
    if verdict.is_ok() {
        assert_eq!(there.get(claimed.1 as usize).map(|bytes| &bytes[..]), Some(&leaf[..]), "it does not stand there");
        assert_eq!(leaf_count(&proof), u32::try_from(there.len()).ok());
    } else {
        let untouched = claimed == (table, index) && leaf == honest.leaf && proof == honest.proof;
        assert!(!untouched, "an honest proof is refused: {verdict:?}");
    }
}

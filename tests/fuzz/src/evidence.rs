//! Evidence against a validator: one encoding, and it convicts either way round or not at all.

use ledger::{ChainId, Digest, Evidence};

/// The chain of the seeds.
const CHAIN: ChainId = ChainId(Digest([7; 32]));

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(evidence) = crate::read::<Evidence>(bytes) else { return };
    let turned = Evidence { first: evidence.second.clone(), second: evidence.first.clone(), ..evidence.clone() };
    let verdict = evidence.check(&CHAIN);
    assert_eq!(verdict, turned.check(&CHAIN));
    if verdict.is_ok() {
        assert_eq!(evidence.first.round(), evidence.second.round());
        assert_ne!(evidence.first, evidence.second);
        assert!(evidence.check(&ChainId(Digest([8; 32]))).is_err(), "convicted on a chain where it did not vote");
    }
}

//! A block as validators and sources send it, and its transactions alone: one encoding, one digest.

use commonware_codec::EncodeSize;
use commonware_consensus::BoundedBlock;
use consensus::Block;
use ledger::Body;
use ledger::block::verify_inclusion;

/// See the module.
pub fn run(bytes: &[u8]) {
    if let Some(block) = crate::read::<Block>(bytes) {
        assert!(block.encode_size() <= Block::max_encode_size(&()));
        assert_eq!(block.header().transactions, block.body().root());
    }
    if let Some(body) = crate::read::<Body>(bytes) {
        let mut size = 0;
        for (index, transaction) in (0..).zip(&body.transactions) {
            assert!(body.transactions.len() <= ledger::block::MAX_TRANSACTIONS);
            size += transaction.encode_size();
            let proof = body.prove(index).expect("each has a place");
            verify_inclusion(&body.root(), index, &transaction.digest(), &proof).expect("and a proof of it");
            assert!(verify_inclusion(&body.root(), index + 1, &transaction.digest(), &proof).is_err());
        }
        assert!(size <= ledger::block::MAX_BYTES);
    }
}

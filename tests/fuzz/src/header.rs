//! A header: every string of its length has at most one meaning, and no two of them have one digest.

use commonware_codec::FixedSize;
use ledger::Header;

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(header) = crate::read::<Header>(bytes) else { return };
    assert_eq!(bytes.len(), Header::SIZE);
    let mut other = bytes.to_vec();
    other[Header::SIZE - 1] ^= 1;
    let other = crate::read::<Header>(&other).expect("a digest stands last, and any will do");
    assert_ne!(other.digest(), header.digest());
}

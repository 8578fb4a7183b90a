//! What the targets of the ledger's decoders share.

use commonware_codec::{DecodeExt, Encode};

/// What these bytes are, if anything. It is written as the same bytes again, as many as it says.
pub fn read<T: DecodeExt<()> + Encode>(bytes: &[u8]) -> Option<T> {
    let value = T::decode(bytes.to_vec()).ok()?;
    assert_eq!(value.encode_size(), bytes.len());
    assert!(value.encode() == bytes, "another encoding of the same");
    Some(value)
}

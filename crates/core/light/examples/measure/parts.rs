//! Several pieces of bytes as one: each behind its length.

use bytes::Bytes;

/// All pieces, one behind the other.
pub fn join(parts: impl IntoIterator<Item = Bytes>) -> Vec<u8> {
    let mut all = Vec::new();
    for part in parts {
        all.extend_from_slice(&(part.len() as u32).to_be_bytes());
        all.extend_from_slice(&part);
    }
    all
}

/// The pieces.
pub fn split(bytes: &[u8]) -> Vec<Bytes> {
    let all = Bytes::copy_from_slice(bytes);
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(length) = all.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        parts.push(all.slice(at + 4..at + 4 + length));
        at += 4 + length;
    }
    parts
}

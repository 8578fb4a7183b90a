//! The record that binds a peer id to a key, in any bytes, at any time: it holds where its owner signed it, and for no longer.

use commonware_cryptography::Signer;
use ledger::{Digest, PrivateKey};
use protocol::{limits, record::Record};
use std::sync::LazyLock;

/// The chain of the honest record.
const CHAIN: Digest = Digest([7; 32]);
/// When it ends, ms.
const EXPIRES: u64 = 1_000_000_000;

/// An honest record.
pub static HONEST: LazyLock<Record> = LazyLock::new(|| {
    let key = PrivateKey::from_seed(1);
    Record::sign(&key, CHAIN, vec![1, 2, 3], vec!["/ip4/192.0.2.1/tcp/1/ws".into()], EXPIRES).expect("it is short")
});

/// The first eight bytes are the time.
pub fn run(bytes: &[u8]) {
    let Some((now, bytes)) = bytes.split_first_chunk() else { return };
    let now = u64::from_le_bytes(*now);
    let Ok(record) = Record::from_bytes(bytes) else { return };
    assert_eq!(record.to_bytes(), bytes);
    let lasts = now < EXPIRES && EXPIRES - now <= limits::RECORD_LIFETIME_MS;
    assert_eq!(record.verify(CHAIN, now).is_ok(), record == *HONEST && lasts);
    assert!(record.verify(Digest([8; 32]), now).is_err(), "on a chain that it was not signed for");
}

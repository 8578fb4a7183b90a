//! Bytes a peer in the tables that a light client fetches once an epoch, and of a header: what docs/performance.md ("A crowd")
//! multiplies with the number of peers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

use commonware_codec::{EncodeSize, FixedSize};
use commonware_cryptography::Signer;
use peerage_ledger::table::{AccountLeaf, EpochLeaf, NeuronLeaf, Standing, WeightsLeaf};
use peerage_ledger::{Amount, Header, Height, Key, Nonce, PrivateKey, Row, Score, Uid};

fn key() -> Key {
    Key::from(&PrivateKey::from_seed(1).public_key())
}

#[test]
fn a_peer_costs_so_many_bytes_an_epoch() {
    let neuron = NeuronLeaf {
        hot: key(),
        cold: key(),
        modality: 0,
        stake: Amount(1 << 40),
        scaling: 0.5,
        accrued: Height(1 << 24),
        pending: Amount(1 << 30),
        registered: Height(1 << 24),
        generation: 1,
        vacant: false,
    };
    let row = |count: u32| {
        let first = Score(65_535 - 1_000 * (count as u16 - 1));
        Row::new((0..count).map(|at| (Uid(1_000 * at), if at == 0 { first } else { Score(1_000) })).collect()).unwrap()
    };
    let weights = |count| WeightsLeaf { row: row(count), version: 1 << 20, updated: Height(1 << 24) };
    let account = AccountLeaf { key: key(), balance: Amount(1 << 40), nonce: Nonce(1 << 20), unbonding: Vec::new() };
    let standing = EpochLeaf::Standing(Standing { paid: Amount(1 << 40), ..Standing::default() });
    let sizes = [
        neuron.encode_size(),
        weights(16).encode_size(),
        weights(64).encode_size(),
        standing.encode_size(),
        account.encode_size(),
    ];
    assert_eq!(sizes, [110, 114, 402, 41, 49]);
    // Without the short row: what a peer of a full one costs.
    assert_eq!(sizes.iter().sum::<usize>() - 114, 602);
}

#[test]
fn a_header_has_so_many_bytes() {
    assert_eq!(Header::SIZE, 337);
}

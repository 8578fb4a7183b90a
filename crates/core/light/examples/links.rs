//! What following the validators costs: a thousand epochs whose set changes each time, from encoded replies on.
//!
//! Prints for sets of some sizes the bytes that come and the time that it takes, codec and every signature included.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a measurement takes the time, and stops where it cannot go on"
)]

extern crate peerage_light as light;

#[path = "../tests/chain/mod.rs"]
mod chain;

use bytes::Bytes;
use chain::{BEGIN, keys_from};
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::query::{Link, MAX_LINKS, MAX_TABLE_BYTES};
use ledger::{Genesis, Header, Height, Reply, header::validators_digest, namespace};
use light::{Checkpoint, Client};
use std::time::Instant;

fn main() {
    for validators in [1, 4, 21] {
        let genesis = chain::genesis(validators);
        let replies = replies(&genesis, validators);
        let bytes: usize = replies.iter().map(Bytes::len).sum();
        let header = genesis.header().unwrap();
        let checkpoint = Checkpoint {
            height: header.height,
            digest: header.digest(),
            time: header.time,
            validators: genesis.validator_keys(),
        };
        let mut client = Client::new(&genesis, checkpoint, BEGIN).unwrap();
        let start = Instant::now();
        for reply in &replies {
            let Reply::Epochs { links } = Reply::decode(reply.clone()).unwrap() else { return };
            client.accept_links(&links, BEGIN).unwrap();
        }
        let ms = start.elapsed().as_secs_f64() * 1e3;
        assert_eq!(client.epoch(), EPOCHS);
        println!(
            "{EPOCHS} epochs of {validators} validators: {bytes} bytes in {} replies, {ms:.0} ms; an epoch {:.0} bytes, {:.2} ms",
            replies.len(),
            bytes as f64 / EPOCHS as f64,
            ms / EPOCHS as f64,
        );
    }
}

/// What a source sends, in as few replies as it may.
fn replies(genesis: &Genesis, validators: usize) -> Vec<Bytes> {
    let namespace = namespace(&genesis.chain());
    let template = genesis.header().unwrap();
    let mut keys = chain::keys(validators);
    let mut replies = Vec::new();
    let mut links: Vec<Link> = Vec::new();
    let mut size = 0;
    for epoch in 0..EPOCHS {
        let next = keys_from(1_000 * (epoch + 1), validators);
        let elected: Vec<_> = next.iter().map(PrivateKey::public_key).collect();
        let header = Header {
            height: Height((epoch + 1) * genesis.parameters.tempo),
            time: template.time + epoch + 1,
            validators: validators_digest(&elected),
            ..template.clone()
        };
        // As few as are enough.
        let signers: Vec<usize> = (0..validators - (validators - 1) / 3).collect();
        let finalization = chain::sign(&namespace, epoch, &keys, header.digest(), &signers).encode();
        let link = Link { header, finalization, validators: elected };
        let one = link.encode().len();
        if links.len() == MAX_LINKS || size + one > MAX_TABLE_BYTES {
            replies.push(Reply::Epochs { links: std::mem::take(&mut links) }.encode());
            size = 0;
        }
        size += one;
        links.push(link);
        keys = next;
    }
    replies.push(Reply::Epochs { links }.encode());
    replies
}

const EPOCHS: u64 = 1_000;

//! A year of a chain whose epochs last an hour, as a source would send it: 8,760 links, four seats, one of which changes
//! hands with every epoch. Keys come from seeds and votes are signed as validators sign them; there are no blocks within an
//! epoch, which whoever follows links alone never sees.
//!
//! A native test and a browser test include this file, so that both follow the same year.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by several test binaries, which fail by panicking"
)]

use crate::chain::{self, BEGIN};
use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::query::{Link, MAX_LINKS, MAX_REPLY_BYTES};
use ledger::{Genesis, Header, Height, Parameters, Reply, header::validators_digest, namespace};
use light::{Accepted, Checkpoint, Client, Error};

/// Epochs of a year.
pub const EPOCHS: u64 = 8_760;

/// Length of an epoch, ms.
pub const HOUR: u64 = 3_600_000;

/// The chain, and what is needed to sign for it.
pub struct Year {
    genesis: Genesis,
    namespace: Vec<u8>,
    template: Header,
}

/// What following cost.
pub struct Figures {
    pub epochs: u64,
    pub replies: usize,
    pub bytes: usize,
    /// Milliseconds, decoding and every signature included.
    pub ms: f64,
}

impl Year {
    /// A chain that is followed from genesis however much later: the longest trust period that a year asks for.
    pub fn new() -> Self {
        let blocks = HOUR / 1_000;
        let genesis = chain::genesis(SEATS);
        let parameters = Parameters {
            block_time: 1_000,
            tempo: blocks,
            trust_period: (EPOCHS + 24) * HOUR,
            unbonding: (EPOCHS + 48) * blocks,
            vigil: blocks,
            ..genesis.parameters
        };
        let genesis = Genesis { parameters, ..genesis };
        genesis.check().unwrap();
        let namespace = namespace(&genesis.chain());
        let template = genesis.header().unwrap();
        Self { genesis, namespace, template }
    }

    /// Time of the newest header after so many epochs, ms.
    pub fn time(&self, epochs: u64) -> u64 {
        BEGIN + epochs * HOUR
    }

    /// A client that knows genesis alone, at the end of the year.
    pub fn client(&self) -> Client {
        let Self { genesis, template, .. } = self;
        let checkpoint = Checkpoint {
            height: template.height,
            digest: template.digest(),
            time: template.time,
            validators: genesis.validator_keys(),
        };
        Client::new(genesis, checkpoint, self.time(EPOCHS)).unwrap()
    }

    /// The link from `epoch` to the next.
    pub fn link(&self, epoch: u64) -> Link {
        let next = seats(epoch + 1);
        let validators: Vec<_> = next.iter().map(PrivateKey::public_key).collect();
        let header = Header {
            height: Height((epoch + 1) * self.genesis.parameters.tempo),
            time: self.time(epoch + 1),
            validators: validators_digest(&validators),
            ..self.template.clone()
        };
        let finalization = self.certify(epoch, &header);
        Link { header, finalization, validators }
    }

    /// As few votes as are enough, by the seats of `epoch`.
    pub fn certify(&self, epoch: u64, header: &Header) -> Bytes {
        let quorum = SEATS - (SEATS - 1) / 3;
        let signers: Vec<usize> = (0..quorum).collect();
        chain::sign(&self.namespace, epoch, &seats(epoch), header.digest(), &signers).encode()
    }

    /// The first block of `epoch`, which follows from the last link.
    pub fn first(&self, epoch: u64, last: &Link) -> Header {
        Header {
            height: last.header.height.next(),
            time: self.time(epoch) + 1_000,
            parent: last.header.digest(),
            validators: last.header.validators,
            ..self.template.clone()
        }
    }

    /// The same with its certificate.
    pub fn head(&self, epoch: u64, last: &Link) -> (Header, Bytes) {
        let header = self.first(epoch, last);
        let finalization = self.certify(epoch, &header);
        (header, finalization)
    }

    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Follows all of it, a reply at a time; `clock` gives milliseconds. A reply is made before the clock runs.
    pub fn follow(&self, clock: impl Fn() -> f64) -> Figures {
        let mut client = self.client();
        let mut figures = Figures { epochs: 0, replies: 0, bytes: 0, ms: 0.0 };
        let mut epoch = 0;
        while epoch < EPOCHS {
            let last = EPOCHS.min(epoch + MAX_LINKS as u64);
            let reply = Reply::Epochs { links: (epoch..last).map(|epoch| self.link(epoch)).collect() }.encode();
            assert!(reply.len() <= MAX_REPLY_BYTES, "{} bytes", reply.len());
            figures.replies += 1;
            figures.bytes += reply.len();
            let since = clock();
            let Reply::Epochs { links } = Reply::decode(reply).unwrap() else { panic!("another reply") };
            client.accept_links(&links, self.time(EPOCHS)).unwrap();
            figures.ms += clock() - since;
            epoch = last;
            assert_eq!(client.epoch(), epoch);
        }
        figures.epochs = client.epoch();
        self.goes_on(client);
        figures
    }

    /// After a year the seats of the newest epoch move the client, and those who left it cannot.
    fn goes_on(&self, mut client: Client) {
        assert_eq!(client.height(), Height(EPOCHS * self.genesis.parameters.tempo));
        let header = self.first(EPOCHS, &self.link(EPOCHS - 1));
        let now = header.time;
        for left in [0, EPOCHS - SEATS as u64, EPOCHS - 1] {
            let refused = client.accept(header.clone(), &self.certify(left, &header), now).unwrap_err();
            assert_eq!(refused, Error::OtherEpoch { signed: left, epoch: EPOCHS });
        }
        assert!(matches!(client.accept(header.clone(), &self.certify(EPOCHS, &header), now), Ok(Accepted::New(_))));
        let skipped = self.client().accept_links(&[self.link(0), self.link(2)], now).unwrap_err();
        assert_eq!(skipped, Error::MissingLink { expected: 2, got: 3 });
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { epochs, replies, bytes, ms } = self;
        let each = ms / *epochs as f64;
        write!(
            f,
            "{epochs} epochs of {SEATS} seats: {bytes} bytes in {replies} replies, {ms:.0} ms; an epoch {each:.3} ms"
        )
    }
}

/// Who sits in `epoch`: one leaves with each, and one comes. Those of epoch 0 are the validators of genesis.
fn seats(epoch: u64) -> Vec<PrivateKey> {
    chain::keys_from(FIRST + epoch, SEATS)
}

const SEATS: usize = 4;

/// Seed of the first key of [`chain::genesis`].
const FIRST: u64 = 100;

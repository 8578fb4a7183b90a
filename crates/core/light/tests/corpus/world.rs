//! What is honest: a chain of seven epochs of four blocks, with one to six validators that change, transactions in its blocks,
//! and another chain with the same keys.

use crate::chain::{self, Chain};
use commonware_codec::Encode as _;
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::{Action, Amount, At, Digest, Genesis, Header, Height, Nonce, Table, Transaction};
use light::{BlockFinalization, Checkpoint, Client, Evidence, epochs};

use super::Random;

/// The chain.
pub struct World {
    pub chain: Chain,
    /// That of a chain which differs in its name alone.
    pub other: Genesis,
}

impl World {
    pub fn new() -> Self {
        let mut chain = Chain::rotating(TEMPO);
        let giver = PrivateKey::from_seed(1);
        let mut nonce = 0;
        for height in 1..=NEWEST {
            // Zero to four transfers a block.
            for turn in 0..height % 5 {
                let to = PrivateKey::from_seed(500 + turn).public_key();
                let action = Action::Transfer { to, amount: Amount(ledger::types::TOKEN + height) };
                let signed = Transaction::sign(&giver, chain.id(), Nonce(nonce), Height(height + 20), action);
                chain.pool.push(signed);
                nonce += 1;
            }
            chain.step();
            assert!(chain.dropped.is_empty(), "{:?}", chain.dropped);
        }
        let other = Genesis { name: "other".into(), ..chain.genesis.clone() };
        Self { chain, other }
    }

    pub fn now(&self) -> u64 {
        self.chain.time()
    }

    pub fn header(&self, height: u64) -> Header {
        self.chain.headers[height as usize].clone()
    }

    /// The digests of all blocks, by height.
    pub fn digests(&self) -> Vec<Digest> {
        self.chain.headers.iter().map(Header::digest).collect()
    }

    pub fn epoch(&self, height: u64) -> u64 {
        epochs::of(Height(height), TEMPO)
    }

    /// A client that trusts the block at this height, and knows no other.
    pub fn client(&self, height: u64) -> Client {
        self.client_of(self.chain.checkpoint_at(height as usize))
    }

    pub fn client_of(&self, checkpoint: Checkpoint) -> Client {
        Client::new(&self.chain.genesis, checkpoint, self.now()).unwrap()
    }

    /// The end of the epoch before the one of this height: from there its validators are known.
    pub fn base(&self, height: u64) -> u64 {
        self.epoch(height) * TEMPO
    }

    /// Any block but genesis.
    pub fn any(&self, random: &mut Random) -> u64 {
        random.within(1, NEWEST)
    }

    /// A certificate of so many of the validators of the header's epoch, drawn.
    pub fn signed(&self, random: &mut Random, header: &Header, signers: usize) -> BlockFinalization {
        let epoch = self.epoch(header.height.get());
        let places = random.places(signers, self.size(epoch));
        self.chain.sign(epoch, header.digest(), &places)
    }

    /// The same by a quorum, encoded.
    pub fn certified(&self, random: &mut Random, header: &Header) -> ::bytes::Bytes {
        let quorum = self.quorum(self.epoch(header.height.get()));
        self.signed(random, header, quorum).encode()
    }

    /// Of the validators of `epoch`, under the other chain's name.
    pub fn signed_elsewhere(&self, epoch: u64, header: &Header) -> BlockFinalization {
        let keys = self.chain.keys_of(epoch);
        let all: Vec<usize> = (0..keys.len()).collect();
        chain::sign(&ledger::namespace(&self.other.chain()), epoch, &keys, header.digest(), &all)
    }

    /// Of as many keys as `epoch` has validators, none of which is one of them.
    pub fn signed_by_strangers(&self, epoch: u64, header: &Header) -> BlockFinalization {
        let keys = chain::keys_from(9_000, self.size(epoch));
        let all: Vec<usize> = (0..keys.len()).collect();
        chain::sign(&ledger::namespace(&self.chain.id()), epoch, &keys, header.digest(), &all)
    }

    /// Number of validators of `epoch`.
    pub fn size(&self, epoch: u64) -> usize {
        self.chain.keys_of(epoch).len()
    }

    pub fn quorum(&self, epoch: u64) -> usize {
        let size = self.size(epoch);
        size - (size - 1) / 3
    }

    /// The place of the block after that at `height`.
    pub fn after(&self, height: u64) -> At {
        let parent = self.header(height);
        At { height: parent.height.next(), time: parent.time + 1_000, parent: parent.digest() }
    }

    /// Another header of the same height: one of its fields is changed. Validators and height stay where `mild`.
    pub fn changed(&self, random: &mut Random, header: &Header, mild: bool) -> Header {
        let mut header = header.clone();
        let digest = Digest::from(<[u8; 32]>::try_from(random.bytes(32)).unwrap());
        match random.below(if mild { 4 } else { 7 }) {
            0 => header.context = digest,
            1 => header.transactions = digest,
            2 => match random.of(&Table::ALL) {
                Table::Accounts => header.roots.accounts = digest,
                Table::Neurons => header.roots.neurons = digest,
                Table::Weights => header.roots.weights = digest,
                Table::Bonds => header.roots.bonds = digest,
                Table::Epoch => header.roots.epoch = digest,
                Table::Candidates => header.roots.candidates = digest,
            },
            3 => header.time += random.within(1, 400),
            4 => header.parent = digest,
            5 => header.validators = digest,
            _ => header.height = Height(header.height.get() ^ random.within(1, 31)),
        }
        header
    }

    /// Whatever was handed to this client, it believes nothing but the chain, and has evidence of another history only
    /// where there is one.
    pub fn believes(&self, client: &Client, evidence: bool, deed: &str) {
        assert!(client.evidence().is_some() == evidence, "{deed}: {:?}", client.evidence().map(told));
        for (height, digest) in (0..).zip(self.digests()) {
            let known = client.verified_at(Height(height));
            assert!(known.is_none_or(|known| known == digest), "{deed}: another block {height} is believed");
        }
        assert!(client.height() <= Height(NEWEST), "{deed}: block {} does not exist", client.height());
        assert!(
            client.epoch() <= epochs::after(Height(NEWEST), TEMPO),
            "{deed}: epoch {} has not begun",
            client.epoch()
        );
    }
}

fn told(evidence: &Evidence) -> [Height; 2] {
    [evidence.first.0.height, evidence.second.0.height]
}

/// Blocks an epoch.
pub const TEMPO: u64 = 4;

/// The newest block.
pub const NEWEST: u64 = 26;

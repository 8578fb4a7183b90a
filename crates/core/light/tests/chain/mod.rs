//! A chain in memory: real states, real headers, certificates signed by keys from seeds, validators that stay or change
//! with every epoch, and a source that answers queries from the newest heights. No engine and no network; what a hostile source would send is made by hand.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "shared by several test binaries")]

use bytes::Bytes;
use commonware_codec::Encode;
use commonware_consensus::{
    simplex::{
        scheme::ed25519::Scheme,
        types::{Finalize, Proposal},
    },
    types::{Epoch, Round, View},
};
use commonware_cryptography::{
    Signer as _,
    certificate::{Signers, ed25519::Certificate},
    ed25519::{PrivateKey, PublicKey},
};
use commonware_utils::ordered::Set;
use ledger::{
    At, Body, ChainId, Digest, Genesis, Header, Height, Parameters, Query, Refusal, Reply, Seat, State, Table,
    Transaction, TransactionStatus, Uid, header,
    query::{Link, MAX_LINKS},
};
use light::{BlockFinalization, Checkpoint, Committee, epochs};
use std::collections::BTreeMap;

/// When the chain begins, ms.
pub const BEGIN: u64 = 1_700_000_000_000;

/// Its validators' keys come from these seeds on, those of a chain that rotates from later ones too.
const VALIDATORS: u64 = 100;

/// The chain, its pool of transactions, and all its states.
pub struct Chain {
    pub genesis: Genesis,
    /// Who validates in epoch 0, and in all where nothing else is said; ordered by public key.
    pub keys: Vec<PrivateKey>,
    /// Who validates in a later epoch. The header says so; the ledger, which knows of no votes, does not.
    elect: fn(u64) -> Option<Vec<PrivateKey>>,
    /// Whether the ledger elects them, among those who say each epoch that they run.
    elects: bool,
    pub states: Vec<State>,
    pub headers: Vec<Header>,
    pub bodies: Vec<Body>,
    pub finalizations: Vec<Bytes>,
    pub pool: Vec<Transaction>,
    pub included: BTreeMap<Digest, Height>,
    /// Why transactions that were handed in never came into a block.
    pub dropped: Vec<Refusal>,
}

/// A genesis with `validators` validators, two founders (seeds 2 and 3) and cheap work.
pub fn genesis(validators: usize) -> Genesis {
    Genesis {
        time: BEGIN,
        parameters: Parameters { difficulty: 512, ..Parameters::dev() },
        validators: keys(validators).iter().map(seat).collect(),
        ..Genesis::example()
    }
}

/// Every validator is backed by the first founder.
fn seat(key: &PrivateKey) -> Seat {
    Seat { key: key.public_key(), founder: Uid(0), address: ([127, 0, 0, 1], 0).into() }
}

pub fn keys(validators: usize) -> Vec<PrivateKey> {
    keys_from(VALIDATORS, validators)
}

pub fn keys_from(seed: u64, validators: usize) -> Vec<PrivateKey> {
    let mut keys: Vec<PrivateKey> = (seed..).take(validators).map(PrivateKey::from_seed).collect();
    keys.sort_by_key(PrivateKey::public_key);
    keys
}

/// One to seven validators, some of them those of the epoch before; every fifth set stays for two epochs.
fn rotation(epoch: u64) -> Option<Vec<PrivateKey>> {
    let epoch = if epoch % 5 == 4 { epoch - 1 } else { epoch };
    (epoch > 0).then(|| keys_from(VALIDATORS + 2 * epoch, 1 + (epoch * 5 % 7) as usize))
}

impl Chain {
    pub fn new(validators: usize) -> Self {
        Self::of(genesis(validators))
    }

    /// The chain of `genesis`, whose validators have the keys of [`genesis`].
    pub fn of(genesis: Genesis) -> Self {
        let keys = keys(genesis.validators.len());
        let (states, headers) = (vec![genesis.state().unwrap()], vec![genesis.header().unwrap()]);
        Self {
            genesis,
            keys,
            elect: |_| None,
            elects: false,
            states,
            headers,
            bodies: vec![Body::default()],
            finalizations: vec![Bytes::new()],
            pool: Vec::new(),
            included: BTreeMap::new(),
            dropped: Vec::new(),
        }
    }

    /// A chain whose validators change with every epoch of `tempo` blocks; it begins with four.
    pub fn rotating(tempo: u64) -> Self {
        let genesis = genesis(4);
        let parameters = Parameters { tempo, ..genesis.parameters };
        Self { elect: rotation, ..Self::of(Genesis { parameters, ..genesis }) }
    }

    /// A chain of seven validators of whom others say with every epoch of `tempo` blocks that they run, and are elected.
    pub fn electing(tempo: u64) -> Self {
        let genesis = genesis(7);
        let parameters = Parameters { tempo, vigil: tempo, ..genesis.parameters };
        Self { elects: true, ..Self::of(Genesis { parameters, ..genesis }) }
    }

    /// The chain of `genesis` whose validators all reckon by other rules than it says.
    pub fn ruled_by(genesis: Genesis, rules: Parameters) -> Self {
        let mut chain = Self::of(genesis);
        chain.states = vec![chain.states[0].ruled_by(rules)];
        chain
    }

    /// Whether headers elect whom the ledger did not.
    pub fn pretends(&self) -> bool {
        (self.elect)(1).is_some()
    }

    /// Those who are to validate in the next epoch say that they run.
    fn say_ready(&mut self, height: Height) {
        if !self.elects || height.get() % self.tempo() != 1 {
            return;
        }
        let epoch = epochs::of(height, self.tempo()) + 1;
        let ready = (0..7).filter(|index| (epoch + index) % 7 < 3 + epoch % 3);
        for index in ready {
            let key = &self.keys[index as usize];
            let nonce = self.state().account(&key.public_key()).map_or(ledger::Nonce(0), |(_, account)| account.nonce);
            let action = ledger::Action::Ready { address: ([127, 0, 0, 1], 1).into() };
            self.pool.push(Transaction::sign(key, self.id(), nonce, height.after(20), action));
        }
    }

    pub fn id(&self) -> ChainId {
        self.genesis.chain()
    }

    pub fn tempo(&self) -> u64 {
        self.genesis.parameters.tempo
    }

    /// Who validates in `epoch`, ordered by public key.
    pub fn keys_of(&self, epoch: u64) -> Vec<PrivateKey> {
        if self.elects {
            let elected = self.states[(epoch * self.tempo()) as usize].validators();
            return self.keys.iter().filter(|key| elected.contains(&key.public_key())).cloned().collect();
        }
        (self.elect)(epoch).unwrap_or_else(|| self.keys.clone())
    }

    pub fn validators_of(&self, epoch: u64) -> Vec<PublicKey> {
        self.keys_of(epoch).iter().map(PrivateKey::public_key).collect()
    }

    /// Of the epoch that the newest block belongs to.
    pub fn committee(&self) -> Committee {
        let epoch = epochs::of(Height(self.height()), self.tempo());
        Committee::new(self.id(), epoch, &self.validators_of(epoch)).unwrap()
    }

    /// The end of ledger epoch `number`, from 1.
    pub fn link(&self, number: u64) -> Link {
        let (header, finalization) = self.at(number * self.tempo());
        Link { header, finalization, validators: self.validators_of(number) }
    }

    /// The links of these epochs, as far as they have ended.
    pub fn links(&self, from: u64, to: u64) -> Vec<Link> {
        let last = self.height() / self.tempo();
        (from..=to.min(last)).map(|number| self.link(number)).collect()
    }

    /// The genesis as a checkpoint.
    pub fn checkpoint(&self) -> Checkpoint {
        self.checkpoint_at(0)
    }

    pub fn checkpoint_at(&self, height: usize) -> Checkpoint {
        let header = &self.headers[height];
        Checkpoint {
            height: header.height,
            digest: header.digest(),
            time: header.time,
            validators: self.validators_of(epochs::after(header.height, self.tempo())),
        }
    }

    pub fn height(&self) -> u64 {
        self.headers.len() as u64 - 1
    }

    pub fn head(&self) -> (Header, Bytes) {
        self.at(self.height())
    }

    pub fn at(&self, height: u64) -> (Header, Bytes) {
        (self.headers[height as usize].clone(), self.finalizations[height as usize].clone())
    }

    pub fn state(&self) -> &State {
        self.states.last().unwrap()
    }

    /// The time of the newest block.
    pub fn time(&self) -> u64 {
        self.headers.last().unwrap().time
    }

    /// One block from the pool, one block time later.
    pub fn step(&mut self) {
        let header = self.block(self.genesis.parameters.block_time);
        let finalization = self.certify(&header);
        self.headers.push(header);
        self.finalizations.push(finalization);
    }

    pub fn steps(&mut self, blocks: usize) {
        for _ in 0..blocks {
            self.step();
        }
    }

    /// Builds the next block `after` ms after the last; its state is kept, its header is not.
    fn block(&mut self, after: u64) -> Header {
        let parent = self.headers.last().unwrap();
        let at = At { height: parent.height.next(), time: parent.time + after, parent: parent.digest() };
        self.say_ready(at.height);
        let mut draft = self.state().draft(at).unwrap();
        let mut transactions = Vec::new();
        for transaction in std::mem::take(&mut self.pool) {
            match draft.offer(&transaction) {
                Ok(()) => {
                    self.included.insert(transaction.digest(), at.height);
                    transactions.push(transaction);
                }
                Err(refusal) => self.dropped.push(refusal),
            }
        }
        let (state, _) = draft.finish();
        let roots = state.roots();
        let body = Body { transactions };
        self.states.push(state);
        self.bodies.push(body.clone());
        Header {
            version: header::VERSION,
            context: Digest::from([7; 32]),
            parent: at.parent,
            height: at.height,
            time: at.time,
            transactions: body.root(),
            roots,
            validators: header::validators_digest(&self.validators_of(epochs::after(at.height, self.tempo()))),
        }
    }

    /// A certificate of every validator of the block's epoch.
    pub fn certify(&self, header: &Header) -> Bytes {
        self.certify_by(header, &(0..self.keys_of(self.epoch_of(header)).len()).collect::<Vec<_>>())
    }

    /// A certificate of these validators, by their place in the ordered set; too few make a well-formed one too.
    pub fn certify_by(&self, header: &Header, signers: &[usize]) -> Bytes {
        self.certify_in(self.epoch_of(header), header, signers)
    }

    /// A certificate of validators of `epoch`, whatever epoch the block belongs to.
    pub fn certify_in(&self, epoch: u64, header: &Header, signers: &[usize]) -> Bytes {
        self.sign(epoch, header.digest(), signers).encode()
    }

    /// A finalization of anything by validators of `epoch`.
    pub fn sign(&self, epoch: u64, digest: Digest, signers: &[usize]) -> BlockFinalization {
        sign(&ledger::namespace(&self.id()), epoch, &self.keys_of(epoch), digest, signers)
    }

    fn epoch_of(&self, header: &Header) -> u64 {
        epochs::of(header.height, self.tempo())
    }

    /// What an honest source replies.
    pub fn reply(&mut self, query: &Query) -> Reply {
        match query {
            Query::Head if self.height() == 0 => Reply::Unavailable { reason: "no block yet".into() },
            Query::Head => {
                let (header, finalization) = self.head();
                Reply::Head { header, finalization }
            }
            Query::Headers { from, limit } => {
                let from = from.get() as usize;
                let to = (from + *limit as usize).min(self.headers.len());
                let headers = self.headers[from.min(to)..to].to_vec();
                Reply::Headers { headers, finalization: self.finalizations[to - 1].clone() }
            }
            Query::Leaf { height, table, index } => self.leaf(*height, *table, Some(*index)),
            Query::Account { height, key } => {
                let index = self.states[height.get() as usize].account(key).map(|(index, _)| index);
                self.leaf(*height, Table::Accounts, index)
            }
            Query::Neuron { height, key } => {
                let uid = self.states[height.get() as usize].uid(key);
                self.leaf(*height, Table::Neurons, uid.map(Uid::get))
            }
            Query::Table { height, table, from } => {
                let leaves = self.states[height.get() as usize].leaves(*table);
                let total = leaves.len() as u32;
                // Pieces of three, so that a table takes several.
                let leaves = leaves.into_iter().skip(*from as usize).take(3).collect();
                Reply::Table { total, from: *from, leaves }
            }
            Query::Body { height } => Reply::Body { body: self.bodies[height.get() as usize].clone() },
            Query::Inclusion { digest } => match self.included.get(digest) {
                None => Reply::Unavailable { reason: "in no block".into() },
                Some(height) => {
                    let body = &self.bodies[height.get() as usize];
                    let index = body.transactions.iter().position(|one| one.digest() == *digest).unwrap() as u32;
                    Reply::Inclusion { height: *height, index, proof: body.prove(index).unwrap() }
                }
            },
            Query::Genesis => Reply::Genesis { bytes: self.genesis.encode() },
            Query::Submit { transaction } => {
                let digest = transaction.digest();
                if self.pool.contains(transaction) || self.included.contains_key(&digest) {
                    return Reply::Accepted { digest };
                }
                let parent = self.headers.last().unwrap();
                let at = At { height: parent.height.next(), time: parent.time + 1, parent: parent.digest() };
                match self.state().check(transaction, &at) {
                    Ok(()) => {
                        self.pool.push(transaction.clone());
                        Reply::Accepted { digest }
                    }
                    Err(refusal) => Reply::Refused { refusal },
                }
            }
            Query::Status { digest } => Reply::Status(match self.included.get(digest) {
                Some(height) => TransactionStatus::Included { height: *height },
                None => TransactionStatus::Unknown,
            }),
            Query::Epochs { from, limit } => {
                let limit = u64::from(*limit).clamp(1, MAX_LINKS as u64);
                Reply::Epochs { links: self.links(*from, from.saturating_add(limit - 1)) }
            }
            Query::History { epoch, from } => match self.states.get((epoch * self.tempo()) as usize) {
                Some(state) => state.part(Table::Epoch, *from),
                None => Reply::Unavailable { reason: "it did not end".into() },
            },
            Query::Blocks { .. } => Reply::Unavailable { reason: "this source keeps no blocks".into() },
        }
    }

    fn leaf(&self, height: Height, table: Table, index: Option<u32>) -> Reply {
        let state = &self.states[height.get() as usize];
        match index.and_then(|index| Some((index, state.prove(table, index)?))) {
            Some((index, proven)) => Reply::Leaf { index, leaf: proven.leaf, proof: proven.proof },
            None => Reply::NoSuch,
        }
    }
}

/// A finalization of `digest` in `epoch` under `namespace` by some of `keys` (ordered by public key).
pub fn sign(namespace: &[u8], epoch: u64, keys: &[PrivateKey], digest: Digest, signers: &[usize]) -> BlockFinalization {
    let set: Set<PublicKey> = Set::try_from(keys.iter().map(PrivateKey::public_key).collect::<Vec<_>>()).unwrap();
    let proposal = Proposal::new(Round::new(Epoch::new(epoch), View::new(9)), View::new(8), digest);
    let (indexes, signatures) = signers
        .iter()
        .map(|&index| {
            let scheme = Scheme::signer(namespace, set.clone(), keys[index].clone()).unwrap();
            let vote = Finalize::sign(&scheme, proposal.clone()).unwrap();
            (vote.attestation.signer, vote.attestation.signature)
        })
        .unzip::<_, _, Vec<_>, Vec<_>>();
    let signers = Signers::new(keys.len() as u32, indexes).unwrap();
    BlockFinalization { proposal, certificate: Certificate { signers, signatures } }
}

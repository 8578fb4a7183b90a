//! Founders of a chain without an engine: a real genesis, real states, rows that are signed and applied; and worlds drawn from a
//! seed.

#![allow(dead_code, clippy::unwrap_used, reason = "shared by several test binaries; a test fails by panicking")]

use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::{
    Action, Amount, At, Digest, Genesis, Height, Kind, Nonce, Parameters, PublicKey, Row, State, Transaction, Uid,
    economy,
};
use mechanism::epoch::Epoch;
use mechanism::rows::Rows;
use mechanism::world::World;

/// A chain and the keys of its founders, uid by uid.
pub struct Founders {
    pub genesis: Genesis,
    pub keys: Vec<PrivateKey>,
    pub state: State,
}

/// splitmix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// From 0 to 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Rules under which rows cost nothing and may be set in every block.
pub fn rules(kind: Kind) -> Parameters {
    kind.fit(&Parameters { interval: 1, fee: Amount::ZERO, ..Parameters::dev() })
}

pub fn key(peer: usize) -> PrivateKey {
    PrivateKey::from_seed(1_000 + peer as u64)
}

impl Founders {
    /// A chain of founders with these stakes, in base units.
    pub fn new(mut parameters: Parameters, stakes: &[u64]) -> Self {
        let keys: Vec<PrivateKey> = (0..stakes.len()).map(key).collect();
        let founders = keys.iter().zip(stakes).map(|(key, stake)| (key.public_key(), Amount(*stake))).collect();
        let seed = |seed| PrivateKey::from_seed(seed).public_key();
        parameters.vigil = parameters.vigil.max(parameters.tempo);
        parameters.seat = Amount::ZERO;
        let genesis = Genesis { parameters, ..Genesis::dev(1_700_000_000_000, seed(0), seed(1), Amount(1), founders) };
        let state = genesis.state().unwrap();
        Self { genesis, keys, state }
    }

    /// Founders with random stakes and sparse random rows, some blocks into the first epoch with them. Everyone keeps a self-loop.
    pub fn drawn(parameters: Parameters, peers: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let stakes: Vec<u64> = (0..peers).map(|_| 1_000_000_000 + random.below(20_000_000_000)).collect();
        let mut founders = Self::new(parameters, &stakes);
        // Rows of self-loops make no majority: on a chain that scales stake, it is scaled down a little.
        founders.end_epoch();
        let rows: Vec<Row> = (0..peers).map(|own| drawn_row(own, peers, &mut random)).collect();
        founders.set_all(&rows);
        founders
    }

    pub fn key(&self, uid: usize) -> PublicKey {
        self.keys[uid].public_key()
    }

    pub fn transaction(&self, signer: &PrivateKey, action: Action) -> Transaction {
        let nonce = self.state.account(&signer.public_key()).map_or(Nonce(0), |(_, account)| account.nonce);
        let expires = self.state.height().after(10);
        Transaction::sign(signer, self.state.chain(), nonce, expires, action)
    }

    pub fn set(&self, uid: usize, row: Row) -> Transaction {
        let action = Action::SetWeights { uid: Uid::new(uid as u32), row, seen: self.state.height() };
        self.transaction(&self.keys[uid], action)
    }

    pub fn set_all(&mut self, rows: &[Row]) {
        let transactions: Vec<Transaction> =
            rows.iter().enumerate().map(|(uid, row)| self.set(uid, row.clone())).collect();
        self.block(&transactions);
    }

    /// A block of these; none may be refused.
    pub fn block(&mut self, transactions: &[Transaction]) {
        let (height, time) = (self.state.height().next(), self.state.time() + 1_000);
        let parent = Digest::from([height.get() as u8; 32]);
        self.state = self.state.apply(&At { height, time, parent }, transactions).unwrap().0;
    }

    pub fn end_epoch(&mut self) {
        while self.state.height() == Height(0) || !self.ends() {
            self.block(&[]);
        }
    }

    /// Whether the newest block ended an epoch.
    fn ends(&self) -> bool {
        self.state.height().get().is_multiple_of(self.state.parameters().tempo)
    }

    /// Blocks until the next one ends an epoch.
    pub fn before_the_end(&mut self) {
        while !self.state.height().next().get().is_multiple_of(self.state.parameters().tempo) {
            self.block(&[]);
        }
    }

    /// W as the mechanism sees it, dense.
    pub fn matrix(&self) -> Vec<Vec<f64>> {
        let peers = self.state.neurons().len() as u32;
        let row = |leaf: &ledger::WeightsLeaf| (0..peers).map(|uid| leaf.row.share(Uid::new(uid))).collect();
        self.state.weights().iter().map(row).collect()
    }

    /// What the epoch that comes would say at other weights and scaling, by way of the mechanism alone.
    pub fn epoch(&self, matrix: &[Vec<f64>], scaling: &[f64]) -> Epoch {
        let parameters = self.state.parameters();
        let peers = economy::present(self.state.neurons());
        let mechanism = economy::mechanism(parameters, peers, self.state.totals().number + 1);
        let memory = economy::memory(self.state.bonds(), self.state.totals());
        self.with(matrix, scaling, |world| mechanism.evaluate(world, &memory).unwrap())
    }

    /// Calls `ask` with the market at these weights and scaling.
    pub fn with<T>(&self, matrix: &[Vec<f64>], scaling: &[f64], ask: impl FnOnce(&World<'_>) -> T) -> T {
        let stakes: Vec<f64> = self.state.neurons().iter().map(|neuron| neuron.stake.get() as f64).collect();
        let whole: f64 = stakes.iter().sum();
        let stake: Vec<f64> = stakes.iter().map(|stake| stake / whole * self.state.parameters().rho).collect();
        let row = |row: &Vec<f64>| (0u32..).zip(row.clone()).filter(|&(_, w)| w > 0.0).collect::<Vec<_>>();
        let weights = Rows::new(matrix.len(), matrix.iter().map(row)).unwrap();
        ask(&World { stake: &stake, scaling, weights: &weights })
    }

    pub fn scaling(&self) -> Vec<f64> {
        self.state.neurons().iter().map(|neuron| neuron.scaling).collect()
    }
}

/// A row with about half of the peers in it, its own among them.
pub fn drawn_row(own: usize, peers: usize, random: &mut Random) -> Row {
    let shares: Vec<(Uid, f64)> = (0..peers)
        .map(|peer| (Uid::new(peer as u32), random.share()))
        .filter(|(uid, share)| uid.index() == own || *share > 0.5)
        .map(|(uid, share)| (uid, 0.1 + share))
        .collect();
    Row::from_shares(&shares, 64).unwrap()
}

pub fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * (1.0 + expected.abs()), "{found} and {expected}");
}

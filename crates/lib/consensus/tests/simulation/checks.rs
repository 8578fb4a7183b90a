//! What must hold of a chain, restated: nothing here asks the engine or the ledger whether it is right.

use commonware_codec::DecodeExt;
use commonware_cryptography::{Digestible, Hasher, Sha256};
use ledger::{
    AccountLeaf, Digest, EpochLeaf, Event, Genesis, Header, Height, NeuronLeaf, Nonce, PublicKey, Query, Reply, State,
    Table,
};
use peerage_consensus::{Block, LedgerHandle};
use std::collections::{BTreeMap, BTreeSet};

/// All that was ever final anywhere.
pub struct Record {
    blocks: BTreeMap<u64, Block>,
    /// The next height of each node that was not looked at.
    next: BTreeMap<usize, u64>,
}

/// What a whole chain did.
#[derive(Debug, Default)]
pub struct Deeds {
    pub blocks: u64,
    pub epochs: u64,
    /// Ends of epochs with which the set changed.
    pub rotations: u64,
    /// Transactions by the name of their action.
    pub actions: BTreeMap<&'static str, usize>,
    /// Convicted keys, and what burned.
    pub struck: BTreeMap<PublicKey, u64>,
    /// Digest of all heads.
    pub heads: Option<Digest>,
    /// The state after the last block.
    pub end: Option<State>,
}

impl Record {
    pub const fn new() -> Self {
        Self { blocks: BTreeMap::new(), next: BTreeMap::new() }
    }

    /// Height of the newest block that was final anywhere.
    pub fn height(&self) -> u64 {
        self.blocks.last_key_value().map_or(0, |(height, _)| *height)
    }

    /// All blocks, from the first on.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.values()
    }

    /// A node starts again: all that it has is looked at once more.
    pub fn forget(&mut self, node: usize) {
        self.next.remove(&node);
    }

    /// Looks at what became final at a node since it was last looked at. No two nodes may have two blocks at a height, and none
    /// another state than its header says. A node that begins `anywhere` lacks what was before.
    pub async fn observe(&mut self, node: usize, anywhere: bool, ledger: &LedgerHandle) {
        let Some(state) = ledger.state() else { return };
        for height in self.next.get(&node).copied().unwrap_or(1)..=state.height().get() {
            match ledger.query(Query::Blocks { from: Height(height), limit: 1 }).await {
                Reply::Blocks { blocks } => {
                    let block = Block::decode(blocks[0].block.clone()).expect("a block");
                    let known = self.blocks.entry(height).or_insert_with(|| block.clone());
                    assert_eq!(known.digest(), block.digest(), "node {node} has another block at height {height}");
                }
                reply => assert!(anywhere, "node {node} lacks the block of height {height}: {reply:?}"),
            }
            self.next.insert(node, height + 1);
        }
        if let Some(block) = self.blocks.get(&state.height().get()) {
            assert_eq!(roots(&state), given(block.header()), "roots of node {node} at height {}", state.height());
        }
    }

    /// Follows all blocks from genesis, and adds up what may not be lost or done twice.
    pub fn audit(&self, genesis: &Genesis) -> Deeds {
        let mut state = genesis.state().expect("a genesis");
        let mut parent = genesis.header().expect("a genesis").digest();
        let mut deeds = Deeds { blocks: self.height(), ..Deeds::default() };
        let mut minted = 0u128;
        let mut included = BTreeSet::new();
        let mut nonces: BTreeMap<PublicKey, u64> = BTreeMap::new();
        let mut heads = Vec::new();
        for (height, block) in &self.blocks {
            let header = block.header();
            assert_eq!((header.height, header.parent), (state.height().next(), parent), "a gap before height {height}");
            assert!(header.time >= state.time() + genesis.parameters.block_time, "too soon at height {height}");
            for transaction in &block.body().transactions {
                assert!(included.insert(transaction.digest()), "twice, at height {height}: {transaction:?}");
                let next = nonces.entry(transaction.signer.clone()).or_default();
                assert_eq!(transaction.nonce, Nonce(*next), "a gap at height {height}: {transaction:?}");
                assert!(transaction.expires >= header.height, "expired at height {height}: {transaction:?}");
                *next += 1;
                *deeds.actions.entry(transaction.action.name()).or_default() += 1;
            }
            let (after, events) = state.apply(&block.at(), &block.body().transactions).expect("a final block applies");
            assert_eq!(roots(&after), given(header), "roots of height {height}");
            for event in events {
                match event {
                    Event::WeightsSet { released, .. } => minted += u128::from(released.get()),
                    Event::Epoch { .. } => deeds.epochs += 1,
                    Event::Elected { .. } => deeds.rotations += 1,
                    Event::Struck { key, burned, .. } => {
                        // The end of an epoch pays the pool out at once.
                        let pool = state.totals().pool.get() + burned.get();
                        let closes = height.is_multiple_of(genesis.parameters.tempo);
                        assert!(closes || after.totals().pool.get() >= pool, "burned, but not into the pool");
                        deeds.struck.insert(key, burned.get());
                    }
                    _ => {}
                }
            }
            assert_eq!(supply(&after), genesis.supply() + minted, "supply at height {height}");
            state = after;
            parent = block.digest();
            heads.extend_from_slice(&parent);
        }
        deeds.heads = Some(Sha256::hash(&[&heads]));
        deeds.end = Some(state);
        deeds
    }
}

/// Balances, stake, unbonding stake and pool, from the leaves of the tables.
fn supply(state: &State) -> u128 {
    let sum = |amounts: &mut dyn Iterator<Item = u64>| amounts.map(u128::from).sum::<u128>();
    let accounts: Vec<AccountLeaf> = leaves(state, Table::Accounts);
    let neurons: Vec<NeuronLeaf> = leaves(state, Table::Neurons);
    let epoch: Vec<EpochLeaf> = leaves(state, Table::Epoch);
    let Some(EpochLeaf::Totals(totals)) = epoch.first() else { panic!("no totals") };
    let unbonding = accounts.iter().flat_map(|account| &account.unbonding);
    sum(&mut accounts.iter().map(|account| account.balance.get()))
        + sum(&mut unbonding.map(|one| one.amount.get()))
        + sum(&mut neurons.iter().map(|neuron| neuron.stake.get()))
        + u128::from(totals.pool.get())
}

fn leaves<T: DecodeExt<()>>(state: &State, table: Table) -> Vec<T> {
    state.leaves(table).into_iter().map(|leaf| T::decode(leaf).expect("a leaf")).collect()
}

/// The roots of all tables, from their leaves.
fn roots(state: &State) -> Vec<Digest> {
    let root = |table| {
        let leaves = state.leaves(table);
        ledger::table::root_of(table, leaves.iter().map(|leaf| &leaf[..]))
    };
    Table::ALL.into_iter().map(root).collect()
}

/// The roots that a header gives.
fn given(header: &Header) -> Vec<Digest> {
    Table::ALL.into_iter().map(|table| header.root(table)).collect()
}

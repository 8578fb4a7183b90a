//! The state of the ledger and its transition function.
//!
//! [`State::apply`] is pure and total: no clock, no randomness, no I/O, and for every block a new state or a typed error.
//! Amounts are conserved to the last unit: balances + stake + unbonding + pool = genesis + minted, always, where `minted`
//! grows only by what updates of rows release ([`Totals::minted`](crate::table::Totals)). A registration costs work, a
//! sponsored one its subscription, most else a fee; both amounts join the pool, and so does the stake of a convict.
//!
//! A state is kept as plain tables in the order of uids or keys; two states with equal tables have equal roots whatever
//! their history. It shares with the one before it what the block between them left as it was ([`Column`]), its trees too:
//! a copy is a few pointers, and roots cost what changed.

mod assemble;
mod candidates;
mod draft;
mod epoch;
mod index;
mod places;
mod snapshot;
#[cfg(test)]
mod tests;
mod trees;

pub use assemble::AssembleError;
pub use draft::Draft;
pub use snapshot::SNAPSHOT_VERSION;

use crate::column::Column;
use crate::genesis::Genesis;
use crate::header::Roots;
use crate::key::Named;
use crate::parameters::Parameters;
use crate::query::{Query, Reply};
use crate::refusal::Refusal;
use crate::row::Row;
use crate::table::{AccountLeaf, BondsLeaf, CandidateLeaf, NeuronLeaf, Proven, Standing, Table};
use crate::table::{Totals, Tree, WeightsLeaf};
use crate::transaction::Transaction;
use crate::types::{Amount, ChainId, Height, Nonce, Uid};
use crate::{Digest, PublicKey};
use bytes::Bytes;
use index::Index;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use trees::Trees;

/// All that is written down after a block.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    chain: ChainId,
    parameters: Arc<Parameters>,
    validators: Arc<Vec<PublicKey>>,
    /// Balances and stake at genesis.
    begun_with: Amount,
    height: Height,
    time: u64,
    accounts: Column<AccountLeaf>,
    neurons: Column<NeuronLeaf>,
    weights: Column<WeightsLeaf>,
    /// By uid, where the mechanism has bonds; else none.
    bonds: Column<BondsLeaf>,
    standings: Column<Standing>,
    /// In ascending order of their keys.
    candidates: Arc<Vec<CandidateLeaf>>,
    totals: Totals,
    /// Digests of the newest blocks before this one, the parent last.
    recent: VecDeque<Digest>,
    /// Index of each key's account.
    account_of: Index<u32>,
    /// Uid of each hot key.
    uid_of: Index<Uid>,
    /// Over all tables, as of the block.
    trees: Trees,
}

/// Where a block stands: what the transition function is told beside the transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Height of the block.
    pub height: Height,
    /// Time in its header, ms.
    pub time: u64,
    /// Digest of its parent.
    pub parent: Digest,
}

/// What a block did, for those who watch.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A neuron was registered.
    Registered {
        /// Its uid.
        uid: Uid,
        /// Its hot key.
        key: PublicKey,
    },
    /// A row was replaced.
    WeightsSet {
        /// Whose.
        uid: Uid,
        /// Number of the update.
        version: u64,
        /// Emission released into the pool.
        released: Amount,
    },
    /// Balance moved.
    Transferred {
        /// From this key.
        from: PublicKey,
        /// To this key.
        to: PublicKey,
        /// How much.
        amount: Amount,
    },
    /// Stake was put in, or taken out to unbond.
    Staked {
        /// Whose.
        uid: Uid,
        /// How much was put in.
        added: Amount,
        /// How much was taken out.
        taken: Amount,
    },
    /// A peer lost its place.
    Left {
        /// Which.
        uid: Uid,
        /// Whether another took it, and not the peer gave it up.
        replaced: bool,
        /// Stake that unbonds.
        stake: Amount,
    },
    /// A peer got another hot key.
    Rekeyed {
        /// The peer.
        uid: Uid,
        /// The new key.
        key: PublicKey,
    },
    /// A peer named a consensus key that would validate, or named it again.
    Named {
        /// The peer.
        uid: Uid,
        /// The key.
        key: PublicKey,
    },
    /// A consensus key said that it runs.
    Ready {
        /// The key.
        key: PublicKey,
        /// Where it is reached.
        address: SocketAddr,
    },
    /// A consensus key was taken back.
    Resigned {
        /// The key.
        key: PublicKey,
    },
    /// A consensus key was convicted of conflicting votes.
    Struck {
        /// The peer that backed it.
        uid: Uid,
        /// The key.
        key: PublicKey,
        /// Stake that burned into the pool.
        burned: Amount,
    },
    /// Others validate from the next block on.
    Elected {
        /// Their keys, ascending.
        validators: Vec<PublicKey>,
    },
    /// The owner of a peer was prepaid for answers.
    Purchased {
        /// Who paid.
        from: PublicKey,
        /// The peer.
        uid: Uid,
        /// How much.
        amount: Amount,
        /// What for.
        order: Digest,
    },
    /// An epoch ended with the block.
    Epoch {
        /// Its number, from 1.
        number: u64,
        /// Loss L.
        loss: f64,
        /// Paid into stake.
        paid: Amount,
        /// Left in the pool.
        pool: Amount,
    },
}

/// Why a block cannot follow a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// It has another height.
    #[error("a block of height {given} cannot follow height {height}")]
    Height {
        /// Height of the state.
        height: Height,
        /// Height of the block.
        given: Height,
    },
    /// Its time is not after the parent's.
    #[error("a block of time {given} cannot follow time {time}")]
    Time {
        /// Time of the state, ms.
        time: u64,
        /// Time of the block, ms.
        given: u64,
    },
    /// One of its transactions is refused.
    #[error("transaction {index}: {refusal}")]
    Transaction {
        /// Which one.
        index: usize,
        /// Why.
        refusal: Refusal,
    },
}

impl State {
    /// The state before the first block of a checked genesis.
    pub(crate) fn begin(genesis: &Genesis) -> Self {
        let account = |(key, balance): &(PublicKey, Amount)| AccountLeaf {
            key: key.into(),
            balance: *balance,
            nonce: Nonce(0),
            unbonding: Vec::new(),
        };
        let accounts: Column<AccountLeaf> = genesis.accounts.iter().map(account).collect();
        let neuron = |founder: &crate::Founder| NeuronLeaf {
            hot: (&founder.key).into(),
            cold: (&founder.key).into(),
            modality: founder.modality,
            stake: founder.stake,
            scaling: 1.0,
            accrued: Height(0),
            pending: Amount::ZERO,
            registered: Height(0),
            generation: 0,
            vacant: false,
        };
        let neurons: Column<NeuronLeaf> = genesis.neurons.iter().map(neuron).collect();
        #[expect(clippy::cast_possible_truncation, reason = "a checked genesis has at most 2^20 neurons")]
        let own = |uid: usize| WeightsLeaf { row: Row::own(Uid(uid as u32)), version: 0, updated: Height(0) };
        let candidate = |seat: &crate::Seat| CandidateLeaf {
            key: seat.key.clone(),
            uid: seat.founder,
            generation: 0,
            cold: neurons.get(seat.founder.index()).map_or_else(|| (&seat.key).into(), |founder| founder.cold),
            address: seat.address,
            since: Height(0),
            ready: Height(0),
            until: None,
            struck: false,
        };
        let mut candidates: Vec<CandidateLeaf> = genesis.validators.iter().map(candidate).collect();
        tiny_sort::stable::sort_by(&mut candidates, |a, b| a.key.cmp(&b.key));
        let (account_of, uid_of) = indexes(&accounts, &neurons);
        let mut state = Self {
            chain: genesis.chain(),
            parameters: Arc::new(genesis.parameters.clone()),
            validators: Arc::new(genesis.validator_keys()),
            begun_with: begun_with(genesis),
            height: Height(0),
            time: genesis.time,
            weights: (0..neurons.len()).map(own).collect(),
            bonds: Column::default(),
            standings: neurons.iter().map(|_| Standing::default()).collect(),
            candidates: Arc::new(candidates),
            totals: Totals {
                number: 0,
                height: Height(0),
                loss: 0.0,
                stake: Amount(neurons.iter().map(|neuron| neuron.stake.get()).sum()),
                paid: Amount::ZERO,
                pool: Amount::ZERO,
                minted: Amount::ZERO,
                tau: genesis.parameters.begins_with_tau(),
                min_weights: 1,
                difficulty: genesis.parameters.difficulty,
                registered: 0,
            },
            accounts,
            neurons,
            recent: VecDeque::new(),
            account_of,
            uid_of,
            trees: Trees::default(),
        };
        state.seal();
        state
    }

    /// The state after a block, and what it did.
    pub fn apply(&self, at: &At, transactions: &[Transaction]) -> Result<(Self, Vec<Event>), ApplyError> {
        let mut draft = self.draft(*at)?;
        for (index, transaction) in transactions.iter().enumerate() {
            draft.offer(transaction).map_err(|refusal| ApplyError::Transaction { index, refusal })?;
        }
        Ok(draft.finish())
    }

    /// Begins the block that follows, to which transactions can be offered one by one.
    pub fn draft(&self, at: At) -> Result<Draft, ApplyError> {
        if at.height != self.height.next() {
            return Err(ApplyError::Height { height: self.height, given: at.height });
        }
        if at.time <= self.time {
            return Err(ApplyError::Time { time: self.time, given: at.time });
        }
        Ok(Draft::new(self.clone(), at))
    }

    /// Whether a transaction could be the first of the block that follows.
    pub fn check(&self, transaction: &Transaction, at: &At) -> Result<(), Refusal> {
        draft::check(self, transaction, at).map(|_| ())
    }

    /// The same tables under other rules: how a chain goes on whose rules were changed, and what an adversary of a test reckons
    /// with. Those who keep the old rules find other roots from the first block on that the change makes a difference to.
    #[must_use]
    pub fn ruled_by(&self, parameters: Parameters) -> Self {
        Self { parameters: Arc::new(parameters), ..self.clone() }
    }

    /// The chain.
    pub const fn chain(&self) -> ChainId {
        self.chain
    }

    /// The numbers that rule.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Who validates the next block, ascending.
    pub fn validators(&self) -> &[PublicKey] {
        &self.validators
    }

    /// Height of the block after which this is the state.
    pub const fn height(&self) -> Height {
        self.height
    }

    /// Time of that block, ms.
    pub const fn time(&self) -> u64 {
        self.time
    }

    /// All accounts, in order of opening.
    pub const fn accounts(&self) -> &Column<AccountLeaf> {
        &self.accounts
    }

    /// All neurons by uid.
    pub const fn neurons(&self) -> &Column<NeuronLeaf> {
        &self.neurons
    }

    /// All rows by uid.
    pub const fn weights(&self) -> &Column<WeightsLeaf> {
        &self.weights
    }

    /// All bonds by holder; none where the mechanism has no bonds, or before its first epoch.
    pub const fn bonds(&self) -> &Column<BondsLeaf> {
        &self.bonds
    }

    /// What the last epoch found, by uid.
    pub const fn standings(&self) -> &Column<Standing> {
        &self.standings
    }

    /// Who would validate, in ascending order of their keys.
    pub fn candidates(&self) -> &[CandidateLeaf] {
        &self.candidates
    }

    /// Figures of the whole chain.
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The account of a key and its index.
    pub fn account(&self, key: impl Named) -> Option<(u32, &AccountLeaf)> {
        let index = self.account_of.get(&key.key())?;
        Some((index, self.accounts.get(index as usize)?))
    }

    /// The uid of a hot key.
    pub fn uid(&self, key: impl Named) -> Option<Uid> {
        self.uid_of.get(&key.key())
    }

    /// Balances, stake, unbonding stake and pool together. Equals what genesis began with and what was minted since.
    pub fn supply(&self) -> u128 {
        let balances: u128 = self.accounts.iter().map(|account| u128::from(account.balance.get())).sum();
        let stake: u128 = self.neurons.iter().map(|neuron| u128::from(neuron.stake.get())).sum();
        let unbonding: u128 =
            self.accounts.iter().flat_map(|account| &account.unbonding).map(|one| u128::from(one.amount.get())).sum();
        balances + stake + unbonding + u128::from(self.totals.pool.get())
    }

    /// What genesis began with and what was minted since.
    pub fn issued(&self) -> u128 {
        u128::from(self.begun_with.get()) + u128::from(self.totals.minted.get())
    }

    /// The encoded leaves of a table, in order.
    pub fn leaves(&self, table: Table) -> Vec<Bytes> {
        (0..self.count(table)).filter_map(|index| self.leaf(table, index)).collect()
    }

    /// The reply to a question for one leaf of the tables: [`Query::Leaf`], [`Query::Account`], [`Query::Neuron`]; `None` to any other
    /// question. The height that it names is for the caller to compare.
    pub fn reply(&self, query: &Query) -> Option<Reply> {
        let (table, index) = match query {
            Query::Leaf { table, index, .. } => (*table, Some(*index)),
            Query::Account { key, .. } => (Table::Accounts, self.account(key).map(|(index, _)| index)),
            Query::Neuron { key, .. } => (Table::Neurons, self.uid(key).map(Uid::get)),
            _ => return None,
        };
        let proven = index.and_then(|index| Some((index, self.prove(table, index)?)));
        Some(proven.map_or(Reply::NoSuch, |(index, Proven { leaf, proof })| Reply::Leaf { index, leaf, proof }))
    }

    /// As much of a table as fits into one reply, from index `from` on.
    pub fn part(&self, table: Table, from: u32) -> Reply {
        let total = self.count(table);
        Reply::part(total, from, (from as usize..total).filter_map(|index| self.leaf(table, index)))
    }

    /// The tree of a table, for many proofs.
    pub fn tree(&self, table: Table) -> Tree {
        Tree::over(table, self.trees.of(table).clone(), self.leaves(table))
    }

    /// One leaf with its proof; `None` where there is no such leaf.
    pub fn prove(&self, table: Table, index: u32) -> Option<Proven> {
        let leaf = self.leaf(table, index as usize)?;
        Some(Proven { leaf, proof: self.trees.of(table).prove(index)? })
    }

    /// The roots of all tables.
    pub fn roots(&self) -> Roots {
        self.trees.roots()
    }

    /// Whether tables that somebody else wrote fit each other, as those of every chain do.
    fn fits(&self) -> bool {
        let peers = self.neurons.len();
        peers == self.weights.len()
            && peers == self.standings.len()
            && self.bonds.len() <= peers
            && self.candidates.is_sorted_by(|a, b| a.key < b.key)
            && self.candidates.iter().all(|leaf| leaf.uid.index() < peers)
            && self.account_of.len() == self.accounts.len()
            && self.uid_of.len() == self.neurons.iter().filter(|neuron| !neuron.vacant).count()
            && self.neurons.iter().all(|neuron| (0.0..=1.0).contains(&neuron.scaling))
    }

    /// The digest of an earlier block, as far back as [`crate::work::RECENT`].
    fn digest_at(&self, height: Height) -> Option<Digest> {
        let back = usize::try_from(self.height.since(height)).ok()?;
        self.recent.len().checked_sub(back).and_then(|index| self.recent.get(index)).copied()
    }
}

/// Balances and stake of a checked genesis.
fn begun_with(genesis: &Genesis) -> Amount {
    #[expect(clippy::cast_possible_truncation, reason = "a checked genesis has at most 2^62 base units")]
    let begun_with = Amount(genesis.supply() as u64);
    begun_with
}

fn indexes(accounts: &Column<AccountLeaf>, neurons: &Column<NeuronLeaf>) -> (Index<u32>, Index<Uid>) {
    let account_of = accounts.iter().zip(0..).map(|(account, index)| (account.key, index)).collect();
    let here = neurons.iter().zip(0..).filter(|(neuron, _)| !neuron.vacant);
    let uid_of = here.map(|(neuron, uid)| (neuron.hot, Uid(uid))).collect();
    (account_of, uid_of)
}

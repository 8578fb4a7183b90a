//! The ledger's tables as JSON.
//!
//! Keys, digests, leaves and proofs are lower-case hexadecimal. Amounts are base units (10⁹ a token) in strings of digits,
//! since they reach 2⁶² and a JSON number keeps 2⁵³; heights, times (ms since the Unix epoch), uids and counts are numbers.
//! The names are those of the ledger's own types.

use bytes::Bytes;
use commonware_codec::DecodeExt;
use ledger::{
    AccountLeaf, Amount, CandidateLeaf, EpochLeaf, Header, Height, NeuronLeaf, Standing, Table, Totals, WeightsLeaf,
    table::BondsLeaf, text,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A block's header.
#[derive(Serialize, ToSchema)]
#[schema(as = Header)]
pub struct HeaderView {
    /// Digest of the block.
    pub digest: String,
    /// Version of the protocol.
    pub version: u8,
    /// Height.
    pub height: u64,
    /// When it was proposed, ms since the Unix epoch.
    pub time: u64,
    /// Digest of the parent.
    pub parent: String,
    /// Hash of the engine's context.
    pub context: String,
    /// Root over the transactions.
    pub transactions: String,
    /// The root of each table.
    pub roots: BTreeMap<String, String>,
    /// Commitment to the validators of the next block.
    pub validators: String,
    /// The encoded header: its hash is the digest.
    pub bytes: String,
}

impl From<&Header> for HeaderView {
    fn from(header: &Header) -> Self {
        Self {
            digest: text::encode(&header.digest()),
            version: header.version,
            height: header.height.get(),
            time: header.time,
            parent: text::encode(&header.parent),
            context: text::encode(&header.context),
            transactions: text::encode(&header.transactions),
            roots: Table::ALL.iter().map(|table| (table.to_string(), text::encode(&header.root(*table)))).collect(),
            validators: text::encode(&header.validators),
            bytes: text::encode(header),
        }
    }
}

/// An account.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountView {
    /// Its key.
    pub key: String,
    /// What it holds, base units.
    pub balance: String,
    /// Its transactions so far: the nonce of the next.
    pub nonce: u64,
    /// Stake that was taken out and is not balance yet.
    pub unbonding: Vec<UnbondingView>,
}

/// Stake on its way back to a balance.
#[derive(Serialize, ToSchema)]
#[schema(as = Unbonding)]
pub struct UnbondingView {
    /// It is balance from the end of the epoch at or after this height on.
    due: u64,
    /// How much, base units.
    amount: String,
}

impl From<AccountLeaf> for AccountView {
    fn from(leaf: AccountLeaf) -> Self {
        let unbonding = leaf.unbonding.iter();
        Self {
            key: text::encode(&leaf.key),
            balance: units(leaf.balance),
            nonce: leaf.nonce.get(),
            unbonding: unbonding.map(|one| UnbondingView { due: one.due.get(), amount: units(one.amount) }).collect(),
        }
    }
}

/// A peer.
#[derive(Serialize, ToSchema)]
#[schema(as = Neuron)]
pub struct NeuronView {
    /// Key that signs rows.
    pub hot: String,
    /// Key that owns the stake.
    pub cold: String,
    /// What it learns from; 0 is text.
    pub modality: u8,
    /// Its stake, base units.
    pub stake: String,
    /// Scaling of its stake, from 0 to 1.
    pub scaling: f64,
    /// Height up to which its emission was accrued.
    pub accrued: u64,
    /// Emission accrued and not yet released, base units.
    pub pending: String,
    /// Height at which it registered.
    pub registered: u64,
    /// Owners of the uid before.
    pub generation: u32,
    /// Whether it has left.
    pub vacant: bool,
}

impl From<NeuronLeaf> for NeuronView {
    fn from(leaf: NeuronLeaf) -> Self {
        Self {
            hot: text::encode(&leaf.hot),
            cold: text::encode(&leaf.cold),
            modality: leaf.modality,
            stake: units(leaf.stake),
            scaling: leaf.scaling,
            accrued: leaf.accrued.get(),
            pending: units(leaf.pending),
            registered: leaf.registered.get(),
            generation: leaf.generation,
            vacant: leaf.vacant,
        }
    }
}

/// The row of a peer.
#[derive(Serialize, ToSchema)]
#[schema(as = Row)]
pub struct RowView {
    /// Updates so far.
    pub version: u64,
    /// Height of the last update.
    pub updated: u64,
    /// Scores by uid, in parts of 65,535.
    pub scores: BTreeMap<u32, u16>,
}

impl From<WeightsLeaf> for RowView {
    fn from(leaf: WeightsLeaf) -> Self {
        let scores = leaf.row.entries().iter().map(|(uid, score)| (uid.get(), score.get())).collect();
        Self { version: leaf.version, updated: leaf.updated.get(), scores }
    }
}

/// What a peer holds in others.
#[derive(Serialize, ToSchema)]
#[schema(as = Bonds)]
pub struct BondsView {
    /// Bonds by uid, shares of the scaled stake added up over the epochs.
    held: BTreeMap<u32, f64>,
}

impl From<BondsLeaf> for BondsView {
    fn from(leaf: BondsLeaf) -> Self {
        Self { held: leaf.held.iter().map(|(uid, bond)| (uid.get(), *bond)).collect() }
    }
}

/// Who would validate.
#[derive(Serialize, ToSchema)]
#[schema(as = Candidate)]
pub struct CandidateView {
    /// Key that signs votes.
    key: String,
    /// The peer that backs it.
    uid: u32,
    /// Generation of the uid when it was named.
    generation: u32,
    /// Cold key of that peer.
    cold: String,
    /// Where other validators reach it.
    address: String,
    /// Height at which it was named.
    since: u64,
    /// Height at which it last said that it runs.
    ready: u64,
    /// Height at which it resigned or its peer left.
    until: Option<u64>,
    /// Whether it was convicted of conflicting votes.
    struck: bool,
}

impl From<CandidateLeaf> for CandidateView {
    fn from(leaf: CandidateLeaf) -> Self {
        Self {
            key: text::encode(&leaf.key),
            uid: leaf.uid.get(),
            generation: leaf.generation,
            cold: text::encode(&leaf.cold),
            address: leaf.address.to_string(),
            since: leaf.since.get(),
            ready: leaf.ready.get(),
            until: leaf.until.map(Height::get),
            struck: leaf.struck,
        }
    }
}

/// What the last epoch found about a peer.
#[derive(Serialize, ToSchema)]
#[schema(as = Standing)]
pub struct StandingView {
    /// Its rank.
    pub rank: f64,
    /// Its trust, before the logistic.
    pub trust: f64,
    /// Its incentive.
    pub incentive: f64,
    /// Its dividend; 0 without bonds.
    pub dividend: f64,
    /// Paid into its stake, base units.
    pub paid: String,
}

impl From<Standing> for StandingView {
    fn from(leaf: Standing) -> Self {
        let Standing { rank, trust, incentive, dividend, paid } = leaf;
        Self { rank, trust, incentive, dividend, paid: units(paid) }
    }
}

/// Figures of the whole chain: of an epoch where said, else as of the height of the table.
#[derive(Serialize, ToSchema)]
#[schema(as = Totals)]
pub struct TotalsView {
    /// Epochs so far.
    number: u64,
    /// Height of the epoch's block.
    height: u64,
    /// Loss at the epoch; 0 where it was not defined.
    loss: f64,
    /// Stake over which the epoch was computed, base units.
    stake: String,
    /// Paid out at the epoch, base units.
    paid: String,
    /// Released and not yet paid, base units.
    pool: String,
    /// Emission released so far, base units.
    minted: String,
    /// Emission a year, share of the scaled stake.
    tau: f64,
    /// Weights that every row must have.
    min_weights: u32,
    /// Expected hashes of a registration.
    difficulty: u64,
    /// Registrations since the epoch.
    registered: u32,
}

impl TryFrom<EpochLeaf> for StandingView {
    type Error = WrongIndex;

    fn try_from(leaf: EpochLeaf) -> Result<Self, WrongIndex> {
        match leaf {
            EpochLeaf::Standing(standing) => Ok(standing.into()),
            EpochLeaf::Totals(_) => Err(WrongIndex),
        }
    }
}

impl From<Totals> for TotalsView {
    fn from(leaf: Totals) -> Self {
        Self {
            number: leaf.number,
            height: leaf.height.get(),
            loss: leaf.loss,
            stake: units(leaf.stake),
            paid: units(leaf.paid),
            pool: units(leaf.pool),
            minted: units(leaf.minted),
            tau: leaf.tau,
            min_weights: leaf.min_weights,
            difficulty: leaf.difficulty,
            registered: leaf.registered,
        }
    }
}

impl TryFrom<EpochLeaf> for TotalsView {
    type Error = WrongIndex;

    fn try_from(leaf: EpochLeaf) -> Result<Self, WrongIndex> {
        match leaf {
            EpochLeaf::Totals(totals) => Ok(totals.into()),
            EpochLeaf::Standing(_) => Err(WrongIndex),
        }
    }
}

/// Totals stand at index 0 of the epoch table, standings at all others.
pub struct WrongIndex;

/// A leaf of a table with its proof against the table's root in the header of the height.
#[derive(Serialize, ToSchema)]
pub struct Proven<T> {
    /// Its index in the table.
    pub index: u32,
    /// What it says.
    pub value: T,
    /// The encoded leaf.
    pub leaf: String,
    /// The encoded proof.
    pub proof: String,
}

/// An encoded leaf of `table` as JSON; `None` for what is no leaf.
pub fn leaf(table: Table, bytes: &Bytes) -> Option<Value> {
    match table {
        Table::Accounts => json::<AccountLeaf, AccountView>(bytes),
        Table::Neurons => json::<NeuronLeaf, NeuronView>(bytes),
        Table::Weights => json::<WeightsLeaf, RowView>(bytes),
        Table::Bonds => json::<BondsLeaf, BondsView>(bytes),
        Table::Candidates => json::<CandidateLeaf, CandidateView>(bytes),
        Table::Epoch => json::<EpochLeaf, TotalsView>(bytes).or_else(|| json::<EpochLeaf, StandingView>(bytes)),
    }
}

fn json<Leaf: DecodeExt<()>, View: TryFrom<Leaf> + Serialize>(bytes: &Bytes) -> Option<Value> {
    serde_json::to_value(View::try_from(Leaf::decode(bytes.clone()).ok()?).ok()?).ok()
}

fn units(amount: Amount) -> String {
    amount.to_string()
}

//! Commands to the auditor and events from it: ledger, keys, signatures.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// From the page to the auditor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Command {
    /// First command: the text of `/bootstrap.json`, the seed of the hot key kept from an earlier visit (hex, 32
    /// bytes; absent: make one), the libp2p peer id to bind to it, and the public key of the cold key, which owns the
    /// stake (absent: the hot key does).
    Start { bootstrap: String, seed: Option<String>, peer: String, cold: Option<String> },
    /// What the own peer represents, by the number of [`crate::exchange::Modality`]; of a bridge the first. Before `Join`; text
    /// where it is not said.
    Modality { modality: u8 },
    /// Take part: register where needed and sign rows. Before this the auditor only verifies.
    Join,
    /// A peer that answers queries came or went; its name is its peer id.
    Source { name: String, up: bool },
    /// Reply to [`Event::Query`] `id`: an encoded `Reply` of the ledger crate.
    Reply { id: u32, bytes: ByteBuf },
    /// The query `id` got no reply, and why.
    Failed { id: u32, reason: String },
    /// Somebody else's query, an encoded `Query` of the ledger crate; answered by `Served` with the same id.
    Serve { id: u32, bytes: ByteBuf },
    /// A connection says there may be a newer head: ask for it now.
    Hint,
    /// Somebody passes this around; answered by `Judged` with the same id.
    Gossip { id: u32, topic: Topic, bytes: ByteBuf },
    /// What each neighbour was worth lately: (hot key, smoothed score ≥ 0), the own key among them.
    Scores { scores: Vec<(String, f64)> },
    /// What the own row follows from now on.
    Policy { policy: Policy },
    /// A transaction that a person wants.
    Ask { intent: Intent },
    /// The cold key's signature that `Sign` `id` asked for, 64 bytes.
    Signed { id: u32, signature: ByteBuf },
    /// The cold key did not sign `id`, and why.
    Unsigned { id: u32, reason: String },
    /// A neighbour of this peer id shows a purchase, an encoded [`crate::exchange::Request::Claim`], where 1,024 positions cost
    /// `price` base units; answered by `Claimed` with the same id.
    Claim { id: u32, peer: String, price: String, bytes: ByteBuf },
    /// Hold the proof of work, or go on with it.
    Work { paused: bool },
    /// Stop signing; verification goes on.
    Leave,
}

/// What the own row follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Policy {
    /// The learned scores.
    #[default]
    Scores,
    /// The gradient of the own payoff, where what others took counts `alpha`.
    Payoff { alpha: f64 },
    /// What a person asks for by [`Intent::Weights`].
    Hand,
    /// Nothing: no row is signed.
    Never,
}

/// A transaction that a person wants. Keys are hex, amounts base units as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Intent {
    /// A step towards this row: (uid, share), shares of any sum.
    Weights { row: Vec<(u32, f64)> },
    /// Tokens to another account.
    Transfer { from: Signer, to: String, amount: String },
    /// Pays the registration of another hot key.
    Sponsor { key: String },
    /// Pays the own registration in place of a proof of work.
    Subscribe,
    /// More stake on a peer.
    Stake { uid: u32, amount: String },
    /// Less stake on a peer; it is paid out after the unbonding time.
    Unstake { uid: u32, amount: String },
    /// Gives up the place of a peer.
    Leave { uid: u32 },
    /// Another hot key for a peer.
    Rekey { uid: u32, hot: String },
    /// Answers of the peer with the hot key `seller`, to be asked from this tab; [`Event::Bought`] once it is final.
    Purchase { from: Signer, seller: String, amount: String },
}

/// Which of the two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Signer {
    /// The key of this tab.
    Hot,
    /// The key that owns the stake.
    Cold,
}

/// From the auditor to the page. What is absent is `null`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// The module is loaded and waits for `Start`.
    Loaded,
    /// Keys are ready: the seed to keep, the hot key, the chain id, and the signed record that binds the peer id to
    /// the key (an encoded [`crate::record::Record`], to show in every Hello; renewed by the same event before it ends).
    Identity { seed: String, key: String, chain: String, record: ByteBuf },
    /// An encoded `Query` of the ledger crate to put to this source; answered by `Reply` or `Failed` with the same id.
    Query { id: u32, source: String, bytes: ByteBuf },
    /// The answer to `Serve` `id`: an encoded `Reply` of the ledger crate.
    Served { id: u32, bytes: ByteBuf },
    /// The cold key's signature over exactly these bytes is wanted, for a transaction that does this; answered by
    /// `Signed` or `Unsigned` with the same id.
    Sign { id: u32, message: ByteBuf, action: String },
    /// What `Gossip` `id` is worth.
    Judged { id: u32, judgement: Judgement },
    /// An encoded own `Transaction` of the ledger crate for everyone connected: no source took it, or one hides it.
    Publish { bytes: ByteBuf },
    /// A head was verified.
    Head(Head),
    /// An epoch was recomputed here, in `millis`, from `bytes` of verified tables and blocks.
    Audit { epoch: u64, height: u64, outcome: Outcome, millis: f64, bytes: u64 },
    /// Own standing, from verified tables; after each epoch and each own update.
    Own(Own),
    /// The own row that comes next, and what it changes.
    Proposal(Proposal),
    /// Everyone on the ledger, from the verified neuron table: (uid, hot key, stake in base units as text).
    Neurons { neurons: Vec<(u32, String, String)> },
    /// What asks of others weigh here, from the verified tables: (hot key, stake times the weight given to the own key, as
    /// a share of the largest such product). Who is not named weighs nothing.
    Askers { askers: Vec<(String, f64)> },
    /// What the own model is to multiply the answers of others with, by hot key, from the verified tables of a chain with masks.
    Masks { masks: Vec<(String, f64)> },
    /// Searching the proof of work of the registration: hashes tried, expected number, per second.
    Working { tried: u64, expected: f64, rate: f64, paused: bool },
    /// Where an own transaction stands.
    Transaction { digest: String, action: String, signer: Signer, state: TransactionState },
    /// An own purchase is final: an encoded [`crate::exchange::Request::Claim`] to put to the neighbour with the hot key `seller`.
    Bought { digest: String, seller: String, bytes: ByteBuf },
    /// Whether purchases that come into blocks from now on can be claimed here: only then is a price to be named in Hello. Said at
    /// the start, and at each change.
    Selling { sells: bool },
    /// The answer to `Claim` `id` of `peer`: the positions that were paid for, and an encoded
    /// [`crate::exchange::Response`]; `positions` is absent where it is a refusal.
    Claimed { id: u32, peer: String, positions: Option<u64>, bytes: ByteBuf },
    /// A source lied and is not asked any more while there are others.
    Dropped { source: String, reason: String },
    /// What is kept for the next visit, and where.
    Kept { bytes: u64, epochs: u64, place: Place },
    /// What was kept has been verified again: up to this block, over so many epochs; whether the tables were there too.
    Restored { height: u64, epochs: u64, tables: bool },
    /// What was kept on this shelf is damaged; it is fetched and kept anew.
    Damaged { shelf: String, reason: String },
    /// Something was refused: a lying source, a wrong chain, a stale checkpoint. `fatal` stops the auditor; `stale`: it
    /// takes a newer bootstrap to go on.
    Alarm { message: String, fatal: bool, stale: bool },
}

/// Where a tab keeps what it verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// Files of this browser, for the next visit.
    Opfs,
    /// Nowhere but here: another tab has the files, or the browser has none.
    Memory,
}

/// What the recomputation of an epoch found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// Every table is as it must be.
    Sound { peers: u32, transactions: u32 },
    /// The first figure that differs: in which table, of which peer, what the chain says and what it must be.
    Wrong { table: Option<String>, uid: Option<u32>, figure: String, chain: String, own: String },
    /// It was not recomputed, and why.
    NotAudited { reason: String },
}

/// What gossip is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Topic {
    /// A newer final block: an encoded `Reply::Head` of the ledger crate.
    Heads,
    /// An encoded `Transaction` of the ledger crate that waits for a block.
    Transactions,
}

/// What gossip is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Judgement {
    /// New and verified: pass it on.
    Accept,
    /// Old, known, or not to be judged here.
    Ignore,
    /// False.
    Reject,
}

/// A verified head of the chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Height of the block.
    pub height: u64,
    /// Its digest.
    pub digest: String,
    /// Time in its header, ms.
    pub time: u64,
    /// Milliseconds between that time and its verification here.
    pub lag: i64,
    /// Signers of the certificate and size of the validator set.
    pub signers: u32,
    /// Size of the validator set.
    pub validators: u32,
    /// Bytes of the certificate.
    pub certificate_bytes: u32,
    /// What was checked, in words, in order.
    pub checked: Vec<String>,
}

/// Own standing on the ledger. Amounts are base units as text, since JavaScript numbers cannot hold a `u64`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Own {
    /// Own uid; `None` while not registered.
    pub uid: Option<u32>,
    /// Height of the tables this was computed from.
    pub height: u64,
    /// Stake.
    pub stake: String,
    /// Balance of the account.
    pub balance: String,
    /// Place by stake, 1 is the largest, and number of peers.
    pub place: u32,
    /// Number of peers.
    pub peers: u32,
    /// Rank R_i, share of 1; `null` where it is not defined, as are the next ones.
    pub rank: Option<f64>,
    /// Trust before the logistic, t_i.
    pub trust: Option<f64>,
    /// Scaling a_i.
    pub scaling: f64,
    /// Loss of the chain, L.
    pub loss: Option<f64>,
    /// ∂L/∂a_i, or why there is none.
    pub scaling_gradient: Gradient,
    /// ∂s*_i/∂w_ib of the soft stake clipping, by uid b, or why there is none.
    pub clipping_gradient: RowGradient,
    /// Whether that is advice only: the chain does not rank clipped stake.
    pub advisory: bool,
    /// Own row as verified on the ledger: (uid, score of 65,535).
    pub row: Vec<(u32, u16)>,
    /// Version of the row, counts own updates.
    pub version: u64,
    /// What was unstaked and is not paid out yet: (block it is due at, amount).
    pub unbonding: Vec<(u64, String)>,
    /// Own stake after clipping, as a share of the whole stake, or why there is none.
    pub clipped: Gradient,
    /// Of what the own peer is paid, by the entries of the own row, or why there is none.
    pub paid_gradient: RowGradient,
    /// Of the own payoff, likewise.
    pub payoff_gradient: RowGradient,
    /// What a person should know to read these.
    pub hint: Option<String>,
}

/// The own row that comes next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// What it follows.
    pub policy: Policy,
    /// Whether it was signed; else it waits for the next epoch, or for a person.
    pub signed: bool,
    /// Length of the step, ‖ΔW_i‖₂.
    pub length: f64,
    /// ε, below which the chain wants it; a first row is exempt.
    pub epsilon: f64,
    /// The new row: (uid, score of 65,535).
    pub row: Vec<(u32, u16)>,
    /// The row on the ledger, likewise.
    pub from: Vec<(u32, u16)>,
    /// Figures with the row on the ledger.
    pub before: Figures,
    /// Figures with the new row, all else equal.
    pub after: Figures,
}

/// What an epoch would make of the own peer; `null` where it is not defined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Rank R_i, share of 1.
    pub rank: Option<f64>,
    /// Trust before the logistic, t_i.
    pub trust: Option<f64>,
    /// Stake after clipping, as a share of the whole stake.
    pub clipped: Option<f64>,
    /// Loss of the chain, L.
    pub loss: Option<f64>,
    /// Share of what is paid.
    pub paid: Option<f64>,
}

/// A number, or the reason why it does not exist.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Gradient {
    /// The value.
    Defined { value: f64 },
    /// Why not.
    NotDefined { reason: String },
}

/// One number an entry of the own row, or the reason why they do not exist.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum RowGradient {
    /// (uid, value).
    Defined { values: Vec<(u32, f64)> },
    /// Why not.
    NotDefined { reason: String },
}

/// Where an own transaction stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum TransactionState {
    /// Signed and handed to a source.
    Pending,
    /// Its effect was seen on the verified ledger at this height.
    Included { height: u64 },
    /// Proven to be in the block at this height, at this place.
    Final { height: u64, index: u32 },
    /// Refused, and what to do.
    Refused { reason: String },
}

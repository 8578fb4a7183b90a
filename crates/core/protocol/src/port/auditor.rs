//! Commands to the auditor and events from it: ledger, keys, signatures.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// From the page to the auditor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Command {
    /// First command: the text of `/bootstrap.json`, the seed of the hot key kept from an earlier visit (hex, 32
    /// bytes; absent: make one) and the libp2p peer id to bind to it.
    Start { bootstrap: String, seed: Option<String>, peer: String },
    /// Take part: register where needed and sign rows. Before this the auditor only verifies.
    Join,
    /// Reply to [`Event::Query`] `id`: an encoded `Reply` of the ledger crate.
    Reply { id: u32, bytes: ByteBuf },
    /// The query `id` got no reply, and why.
    Failed { id: u32, reason: String },
    /// A connection says there may be a newer head: ask for it now.
    Hint,
    /// Somebody passes this around; answered by `Judged` with the same id.
    Gossip { id: u32, topic: Topic, bytes: ByteBuf },
    /// What each neighbour was worth lately: (hot key, smoothed Fisher score ≥ 0), the own key among them.
    Scores { scores: Vec<(String, f64)> },
    /// Stop signing; verification goes on.
    Leave,
}

/// From the auditor to the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// The module is loaded and waits for `Start`.
    Loaded,
    /// Keys are ready: the seed to keep, the hot key, the chain id, and the signed record that binds the peer id to
    /// the key (an encoded [`crate::record::Record`], to show in every Hello; renewed by the same event before it ends).
    Identity { seed: String, key: String, chain: String, record: ByteBuf },
    /// An encoded `Query` of the ledger crate to put to any source; answered by `Reply` or `Failed` with the same id.
    Query { id: u32, bytes: ByteBuf },
    /// What `Gossip` `id` is worth.
    Judged { id: u32, judgement: Judgement },
    /// An encoded own `Transaction` of the ledger crate for everyone connected: no source took it, or one hides it.
    Publish { bytes: ByteBuf },
    /// A head was verified.
    Head(Head),
    /// Own standing, from verified tables; after each epoch and each own update.
    Own(Own),
    /// Everyone on the ledger, from the verified neuron table: (uid, hot key, stake in base units as text).
    Neurons { neurons: Vec<(u32, String, String)> },
    /// What asks of others weigh here, from the verified tables: (hot key, stake times the weight given to the own key, as
    /// a share of the largest such product). Who is not named weighs nothing.
    Askers { askers: Vec<(String, f64)> },
    /// Searching the proof of work of the registration: hashes tried, expected number, per second.
    Working { tried: u64, expected: f64, rate: f64 },
    /// Where an own transaction stands.
    Transaction { digest: String, action: String, state: TransactionState },
    /// Something was refused: a lying source, a wrong chain, a stale checkpoint. `fatal` stops the auditor.
    Alarm { message: String, fatal: bool },
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
    /// Rank R_i, share of 1.
    pub rank: f64,
    /// Trust before the logistic, t_i.
    pub trust: f64,
    /// Scaling a_i.
    pub scaling: f64,
    /// Loss of the chain, L.
    pub loss: f64,
    /// ∂L/∂a_i, or why there is none.
    pub scaling_gradient: Gradient,
    /// ∂s*_i/∂w_ib of the soft stake clipping, by uid b, or why there is none.
    pub clipping_gradient: RowGradient,
    /// Own row as verified on the ledger: (uid, score of 65,535).
    pub row: Vec<(u32, u16)>,
    /// Version of the row, counts own updates.
    pub version: u64,
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
    /// Seen on the verified ledger at this height.
    Included { height: u64 },
    /// Refused, and what to do.
    Refused { reason: String },
}

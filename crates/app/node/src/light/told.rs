//! What `peerage light` tells: a line for people, or a JSON object a line for programs.
//!
//! Names and forms are those of the API: keys and digests are lower-case hexadecimal, amounts base units in strings of
//! digits, times ms since the Unix epoch. docs/operations.md lists every object.

use crate::{
    api::views::{AccountView, NeuronView, RowView, StandingView},
    genesis::amount_text,
    say,
};
use ledger::{AccountLeaf, Height, NeuronLeaf, PublicKey, Standing, Uid, WeightsLeaf, text};
use light::audit::{self, Difference};
use light::{Evidence, Verified};
use serde::Serialize;

/// Something to tell.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Told {
    /// Where verification begins; the first that is told.
    Begin {
        /// The chain.
        chain: String,
        /// Its name.
        name: String,
        /// The block that is trusted.
        height: u64,
        /// Its digest.
        digest: String,
        /// Its time.
        time: u64,
        /// The source that is trusted with it, if not the command line names it.
        trusts: Option<String>,
        /// Who is asked.
        sources: Vec<String>,
    },
    /// Validators of epochs that a source proved.
    Links {
        /// First of the epochs.
        from: u64,
        /// Last of them.
        to: u64,
        /// Who sent them.
        source: String,
    },
    /// A block was verified.
    Head {
        /// Its height.
        height: u64,
        /// Its digest.
        digest: String,
        /// Its time.
        time: u64,
        /// Epochs that were over with it.
        epochs: u64,
        /// Validators that signed.
        signers: u32,
        /// Validators of its epoch.
        validators: u32,
    },
    /// The end of an epoch was computed again.
    Audit {
        /// The epoch, from 1.
        epoch: u64,
        /// The block that ended it.
        height: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// An account was proven, or a source says that there is none.
    Account {
        /// Whose.
        key: String,
        /// As of this block.
        height: u64,
        /// The account.
        account: Option<AccountView>,
    },
    /// A peer was proven, or a source says that there is none.
    Peer {
        /// Its hot key.
        key: String,
        /// As of this block.
        height: u64,
        /// Its number.
        uid: Option<u32>,
        /// The peer.
        peer: Option<NeuronView>,
    },
    /// The row of a peer was proven.
    Row {
        /// Whose.
        uid: u32,
        /// As of this block.
        height: u64,
        /// The row.
        row: Option<RowView>,
    },
    /// What the last epoch found about a peer was proven.
    Standing {
        /// About whom.
        uid: u32,
        /// As of this block.
        height: u64,
        /// What it found.
        standing: Option<StandingView>,
    },
    /// What was kept in the folder was verified again.
    Restored {
        /// The newest block of it.
        height: u64,
        /// Epochs whose validators it proves.
        epochs: u64,
        /// Whether the tables of the last epoch were among it.
        tables: bool,
    },
    /// A source lied and is asked no more.
    Dropped {
        /// Which.
        source: String,
        /// Its lie.
        reason: String,
    },
    /// Something is wrong, and it goes on.
    Alarm {
        /// What.
        message: String,
    },
    /// Two histories, each signed by a quorum: proof against the validators.
    Evidence {
        /// What was verified first.
        first: Signed,
        /// What contradicts it.
        second: Signed,
    },
}

/// What came of computing an epoch again.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Outcome {
    /// All tables are what they must be.
    Sound {
        /// Peers.
        peers: u32,
        /// Transactions of the last block.
        transactions: u32,
    },
    /// The validators signed something else.
    Wrong {
        /// The table.
        table: Option<String>,
        /// The peer.
        uid: Option<u32>,
        /// What differs.
        figure: String,
        /// What the chain says.
        chain: String,
        /// What it must be.
        own: String,
    },
    /// It was not computed.
    NotAudited {
        /// Why.
        reason: String,
    },
}

/// A header with its certificate.
#[derive(Serialize)]
pub struct Signed {
    /// The encoded header.
    header: String,
    /// Its encoded finalization.
    finalization: String,
}

impl From<&audit::Outcome> for Outcome {
    fn from(outcome: &audit::Outcome) -> Self {
        match outcome {
            audit::Outcome::Sound { peers, transactions } => Self::Sound { peers: *peers, transactions: *transactions },
            audit::Outcome::Wrong(Difference { table, uid, figure, chain, own, .. }) => Self::Wrong {
                table: table.map(|table| table.to_string()),
                uid: uid.map(Uid::get),
                figure: figure.clone(),
                chain: chain.clone(),
                own: own.clone(),
            },
            audit::Outcome::NotAudited(reason) => Self::NotAudited { reason: reason.clone() },
        }
    }
}

impl Told {
    /// Of a verified block.
    pub fn head(head: &Verified, epochs: u64) -> Self {
        let verdict = head.verdict();
        Self::Head {
            height: head.height().get(),
            digest: text::hex(&head.digest()),
            time: head.header().time,
            epochs,
            signers: verdict.signers,
            validators: verdict.validators,
        }
    }

    /// Of an account.
    pub fn account(key: &PublicKey, at: Height, leaf: Option<AccountLeaf>) -> Self {
        Self::Account { key: text::encode(key), height: at.get(), account: leaf.map(AccountView::from) }
    }

    /// Of a peer.
    pub fn peer(key: &PublicKey, at: Height, found: Option<(Uid, NeuronLeaf)>) -> Self {
        let (uid, peer) = found.map(|(uid, leaf)| (uid.get(), NeuronView::from(leaf))).unzip();
        Self::Peer { key: text::encode(key), height: at.get(), uid, peer }
    }

    /// Of a row.
    pub fn row(uid: Uid, at: Height, leaf: Option<WeightsLeaf>) -> Self {
        Self::Row { uid: uid.get(), height: at.get(), row: leaf.map(RowView::from) }
    }

    /// Of what an epoch found.
    pub fn standing(uid: Uid, at: Height, leaf: Option<Standing>) -> Self {
        Self::Standing { uid: uid.get(), height: at.get(), standing: leaf.map(StandingView::from) }
    }

    /// Of two histories.
    pub fn evidence(evidence: &Evidence) -> Self {
        let signed = |(header, finalization): &(ledger::Header, bytes::Bytes)| Signed {
            header: text::encode(header),
            finalization: text::hex(finalization),
        };
        Self::Evidence { first: signed(&evidence.first), second: signed(&evidence.second) }
    }

    /// Prints it.
    pub fn tell(&self, json: bool) {
        if !json {
            return self.say();
        }
        match serde_json::to_string(self) {
            Ok(line) => say::line(line),
            Err(error) => say::aside(error),
        }
    }

    fn say(&self) {
        match self {
            Self::Begin { chain, name, height, digest, trusts, sources, .. } => {
                say::line(format_args!("Chain     {name} ({})", brief(chain)));
                let whose = trusts.as_ref().map_or_else(String::new, |source| format!(", as {source} says"));
                say::line(format_args!("Begins    after block {height} ({}){whose}", brief(digest)));
                say::line(format_args!("Sources   {}", sources.join(", ")));
            }
            Self::Links { from, to, source } if from == to => {
                say::line(format_args!("Links     epoch {from} from {source}"));
            }
            Self::Links { from, to, source } => {
                say::line(format_args!("Links     epochs {from} to {to} from {source}"));
            }
            Self::Head { height, digest, signers, validators, .. } => say::line(format_args!(
                "Head      block {height} ({}), signed by {signers} of {validators}",
                brief(digest)
            )),
            Self::Audit { epoch, height, outcome } => match outcome {
                Outcome::Sound { peers, transactions } => say::line(format_args!(
                    "Audit     epoch {epoch} is sound at block {height}: {peers} peers, {transactions} transactions"
                )),
                Outcome::Wrong { .. } => say::line(format_args!("Audit     epoch {epoch} is wrong at block {height}")),
                Outcome::NotAudited { reason } => {
                    say::line(format_args!("Audit     epoch {epoch} was not audited: {reason}"));
                }
            },
            Self::Account { key, height, account: Some(AccountView { balance, nonce, .. }) } => {
                say::line(format_args!("Account   {key} at block {height}: {} tokens, nonce {nonce}", tokens(balance)));
            }
            Self::Account { key, height, account: None } => {
                say::line(format_args!("Account   {key} at block {height}: {NONE}"));
            }
            Self::Peer { key, height, uid: Some(uid), peer: Some(peer) } => say::line(format_args!(
                "Peer      {key} at block {height}: uid {uid}, {} tokens of stake",
                tokens(&peer.stake)
            )),
            Self::Peer { key, height, .. } => say::line(format_args!("Peer      {key} at block {height}: {NONE}")),
            Self::Row { uid, height, row } => {
                let words = |row: &RowView| {
                    let share = |(uid, score): (&u32, &u16)| format!("{uid}: {:.3}", f64::from(*score) / WHOLE);
                    format!("version {}, {}", row.version, row.scores.iter().map(share).collect::<Vec<_>>().join(", "))
                };
                let row = row.as_ref().map_or_else(|| NONE.into(), words);
                say::line(format_args!("Row       of uid {uid} at block {height}: {row}"));
            }
            Self::Standing { uid, height, standing } => {
                let words = |StandingView { rank, trust, incentive, paid, .. }: &StandingView| {
                    format!("rank {rank:.6}, trust {trust:.6}, incentive {incentive:.6}, paid {} tokens", tokens(paid))
                };
                let found = standing.as_ref().map_or_else(|| NONE.into(), words);
                say::line(format_args!("Standing  of uid {uid} at block {height}: {found}"));
            }
            Self::Restored { height, tables: true, .. } => {
                say::line(format_args!("Restored  the tables after block {height}"));
            }
            Self::Restored { height, epochs, tables: false } => {
                say::line(format_args!("Restored  {epochs} epochs, up to block {height}"));
            }
            Self::Dropped { source, reason } => {
                say::aside(format_args!("{source} lies and is asked no more: {reason}"));
            }
            Self::Alarm { message } => say::aside(message),
            Self::Evidence { first, second } => {
                for (which, Signed { header, finalization }) in [("first", first), ("second", second)] {
                    say::line(format_args!("Evidence  {which} header {header} certificate {finalization}"));
                }
            }
        }
    }
}

/// The sentence about what the validators signed and should not have.
pub fn wrong(difference: &Difference) -> String {
    format!("the validators of this chain signed wrong economics, and nothing after it is to be trusted: {difference}")
}

fn brief(digest: &str) -> String {
    format!("{}…", digest.get(..12).unwrap_or(digest))
}

/// Base units as people read them.
fn tokens(units: &str) -> String {
    units.parse().map_or_else(|_| units.into(), |units| amount_text(ledger::Amount(units)))
}

/// Nothing proves that a leaf is not there, but a whole table.
const NONE: &str = "there is none, says a source";

/// The scores of a row, together.
const WHOLE: f64 = 65_535.0;

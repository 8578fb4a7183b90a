//! The audit of an epoch: its last block, computed again from verified tables, against what the chain wrote down.
//!
//! From the tables before the last block of an epoch, all against the roots of a verified header, and the transactions of that
//! block, against its root, the transition function of the ledger gives the tables after it: ranks, trust or consensus, incentive, dividends,
//! loss, scaling or weights demanded, bonds, what is paid, who validates next. Their roots must be those of the verified
//! header (specification: ledger, "Light client" 4). Where they are not, the chain's own table is compared leaf by leaf,
//! and the first figure that differs is named with both numbers.
//!
//! Emission between two ends of epochs is released by transactions of blocks that are not looked at. What can be said without them:
//! balances, stake, unbonding stake and pool are what genesis began with and what was minted, to the last unit; and no
//! more was minted or is pending than all stake there is could have earned in that time.
//!
//! Validators could sign tables between two audited blocks that follow from no transactions, such as a balance moved without a
//! signature; that takes whole blocks to see, which a full node looks at.

use crate::Error;
use bytes::Bytes;
use commonware_codec::{Copying, DecodeExt as _};
use ledger::header::validators_digest;
use ledger::parameters::YEAR;
use ledger::state::AssembleError;
use ledger::table::Tree;
use ledger::{
    ApplyError, At, Body, Digest, EpochLeaf, Genesis, Header, Height, NeuronLeaf, PublicKey, Standing, State, Table,
    Totals, Uid,
};
use mechanism::emission;

/// How an epoch was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Number of the epoch, from 1.
    pub epoch: u64,
    /// Height of its last block.
    pub height: Height,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every table is as computed here.
    Sound {
        /// Peers whose figures were computed.
        peers: u32,
        /// Transactions of the last block, each checked.
        transactions: u32,
    },
    /// The validators signed something else.
    Wrong(Difference),
    /// It was not computed, and why.
    NotAudited(String),
}

/// The first place where the chain differs from what was computed here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at block {height}: the chain says {figure} is {chain}, computed here it is {own}", place(*.table, *.uid))]
pub struct Difference {
    /// Height of the block.
    pub height: Height,
    /// The table, where it is one.
    pub table: Option<Table>,
    /// The peer, where it is one's.
    pub uid: Option<Uid>,
    /// Which figure.
    pub figure: String,
    /// What the chain says.
    pub chain: String,
    /// What was computed.
    pub own: String,
}

/// What is known before the last block of an epoch.
#[derive(Debug)]
pub struct Before {
    /// Header of the block before.
    pub header: Header,
    /// Digests of the blocks before that one, its parent last, as many as [`ledger::work::RECENT`] or as there are.
    pub recent: Vec<Digest>,
    /// The validators of the epoch.
    pub validators: Vec<PublicKey>,
    /// The tree over every table.
    pub trees: Vec<Tree>,
}

/// What was computed.
#[derive(Clone, Debug)]
pub struct Recomputed {
    /// The tables before the block.
    pub before: State,
    /// The tables after it.
    pub after: State,
}

/// Why nothing was computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// What was handed in is not what the headers commit to.
    #[error(transparent)]
    Input(#[from] Error),
    /// The validators signed a block that no rules allow.
    #[error(transparent)]
    Wrong(#[from] Difference),
}

/// Computes the block of `end`, a verified header, from what was before it.
///
/// # Errors
/// [`Fault::Input`] where the tables, the validators or the transactions are not those of the headers; [`Fault::Wrong`] where the rules refuse the
/// block, or the tables before it do not add up.
pub fn recompute(genesis: &Genesis, before: Before, end: &Header, body: &Body) -> Result<Recomputed, Fault> {
    let Before { header, recent, validators, trees } = before;
    if end.parent != header.digest() {
        return Err(Error::BrokenLink { height: end.height }.into());
    }
    let state =
        State::from_trees(genesis, &header, validators, recent, trees).map_err(|error| input(&header, &error))?;
    replay(state, end, body)
}

/// The same from a state that is known already.
///
/// # Errors
/// As [`recompute`].
pub fn replay(before: State, end: &Header, body: &Body) -> Result<Recomputed, Fault> {
    if body.root() != end.transactions {
        return Err(Error::WrongBody { height: end.height }.into());
    }
    adds_up(&before)?;
    let at = At { height: end.height, time: end.time, parent: end.parent };
    let (after, _) = before.apply(&at, &body.transactions).map_err(|error| refused(end.height, &error))?;
    adds_up(&after)?;
    Ok(Recomputed { before, after })
}

/// The first table whose root in the verified header is not that of the state computed; `Err` where it is the next validators that
/// differ.
///
/// # Errors
/// [`Difference`].
pub fn compare(end: &Header, after: &State) -> Result<Option<Table>, Difference> {
    let roots = after.roots();
    let differs = ORDER.into_iter().find(|table| roots.of(*table) != end.root(*table));
    let elected = validators_digest(after.validators());
    if differs.is_none() && elected != end.validators {
        let figure = "the set of the next validators".into();
        let (chain, own) = (end.validators.to_string(), elected.to_string());
        return Err(Difference { height: end.height, table: None, uid: None, figure, chain, own });
    }
    Ok(differs)
}

/// The first difference between the chain's `leaves` of a table, which met its root, and the state computed.
pub fn difference(end: &Header, after: &State, table: Table, leaves: &[Bytes]) -> Difference {
    let own = after.leaves(table);
    let at = leaves.iter().zip(&own).position(|(chain, own)| chain != own);
    let Some(index) = at else {
        return whole(end, table, "the number of entries", leaves.len().to_string(), own.len().to_string());
    };
    let number = u32::try_from(index).unwrap_or(u32::MAX);
    let uid = match table {
        Table::Neurons | Table::Weights | Table::Bonds => Some(Uid::new(number)),
        Table::Epoch => number.checked_sub(1).map(Uid::new),
        Table::Accounts | Table::Candidates => None,
    };
    let (chain_leaf, own_leaf) = (&leaves[index], &own[index]);
    let named = match table {
        Table::Epoch => figures(chain_leaf, own_leaf, of_epoch),
        Table::Neurons => figures(chain_leaf, own_leaf, of_neuron),
        _ => None,
    };
    let (figure, chain, own) = named.unwrap_or_else(|| (format!("entry {index}"), hex(chain_leaf), hex(own_leaf)));
    Difference { height: end.height, table: Some(table), uid, figure, chain, own }
}

/// A difference that is known by the root alone.
pub fn withheld(end: &Header, after: &State, table: Table) -> Difference {
    let (chain, own) = (end.root(table).to_string(), after.roots().of(table).to_string());
    whole(end, table, "the root", chain, own)
}

/// Whether no more was minted or is pending in `state` than all that `previous` held could earn since; both are of one chain, `previous`
/// the end of the epoch before.
///
/// # Errors
/// [`Difference`] with what was minted and the most that it may be.
pub fn minted(previous: &State, state: &State) -> Result<(), Difference> {
    let earned = |state: &State| {
        let pending: u128 = state.neurons().iter().map(|neuron| u128::from(neuron.pending.get())).sum();
        u128::from(state.totals().minted.get()) + pending
    };
    let blocks = state.height().since(previous.height());
    #[expect(clippy::cast_precision_loss, reason = "a bound, generous by a part in 2^50")]
    let years = blocks as f64 * state.parameters().block_time as f64 / YEAR as f64 * (1.0 + 1e-9);
    let supply = u64::try_from(state.supply()).unwrap_or(u64::MAX);
    let most =
        earned(previous).saturating_add(u128::from(emission::accrued(supply, 1.0, previous.totals().tau, years)) + 1);
    let got = earned(state);
    if got <= most {
        return Ok(());
    }
    Err(Difference {
        height: state.height(),
        table: Some(Table::Epoch),
        uid: None,
        figure: "emission released and pending".into(),
        chain: format!("{got} base units"),
        own: format!("{most} at most"),
    })
}

fn input(header: &Header, error: &AssembleError) -> Fault {
    let height = header.height;
    Fault::Input(match error {
        AssembleError::Table(table) => Error::WrongRoot { table: *table, height },
        AssembleError::Differs(_) | AssembleError::Genesis(_) | AssembleError::Misfit => {
            Error::WrongTables { height, reason: error.to_string() }
        }
    })
}

fn refused(height: Height, error: &ApplyError) -> Fault {
    let (figure, own) = match error {
        ApplyError::Transaction { index, refusal } => (format!("transaction {index}"), format!("refused: {refusal}")),
        other => ("the block".into(), format!("refused: {other}")),
    };
    Fault::Wrong(Difference { height, table: None, uid: None, figure, chain: "valid".into(), own })
}

fn adds_up(state: &State) -> Result<(), Difference> {
    let (supply, issued) = (state.supply(), state.issued());
    if supply == issued {
        return Ok(());
    }
    Err(Difference {
        height: state.height(),
        table: None,
        uid: None,
        figure: "the sum of balances, stake, unbonding stake and pool".into(),
        chain: format!("{supply} base units"),
        own: format!("{issued}, what genesis began with and what was minted"),
    })
}

fn whole(end: &Header, table: Table, figure: &str, chain: String, own: String) -> Difference {
    Difference { height: end.height, table: Some(table), uid: None, figure: figure.into(), chain, own }
}

/// The first of the figures of two leaves that differs; `None` where a leaf cannot be read.
fn figures<T: commonware_codec::Read<Cfg = ()>>(
    chain: &[u8],
    own: &[u8],
    list: impl Fn(&T) -> Vec<(&'static str, String)>,
) -> Option<(String, String, String)> {
    let read = |bytes: &[u8]| T::decode(Copying(bytes)).ok();
    let (chain, own) = (list(&read(chain)?), list(&read(own)?));
    let pair = chain.into_iter().zip(own).find(|((_, chain), (_, own))| chain != own);
    pair.map(|((figure, chain), (_, own))| (figure.to_owned(), chain, own))
}

fn of_epoch(leaf: &EpochLeaf) -> Vec<(&'static str, String)> {
    match leaf {
        EpochLeaf::Totals(totals) => {
            let Totals { number, height, loss, stake, paid, pool, minted, tau, min_weights, difficulty, registered } =
                totals;
            vec![
                ("the number of the epoch", number.to_string()),
                ("the height of the epoch", height.to_string()),
                ("the loss", loss.to_string()),
                ("the stake", stake.to_string()),
                ("what is paid", paid.to_string()),
                ("the pool", pool.to_string()),
                ("what was minted", minted.to_string()),
                ("the rate of emission", tau.to_string()),
                ("the least number of weights", min_weights.to_string()),
                ("the difficulty of a registration", difficulty.to_string()),
                ("the number of registrations", registered.to_string()),
            ]
        }
        EpochLeaf::Standing(Standing { rank, trust, incentive, dividend, paid }) => vec![
            ("rank", rank.to_string()),
            ("trust", trust.to_string()),
            ("incentive", incentive.to_string()),
            ("dividend", dividend.to_string()),
            ("what is paid", paid.to_string()),
        ],
    }
}

fn of_neuron(neuron: &NeuronLeaf) -> Vec<(&'static str, String)> {
    vec![
        ("stake", neuron.stake.to_string()),
        ("scaling", neuron.scaling.to_string()),
        ("pending emission", neuron.pending.to_string()),
        ("the height of accrual", neuron.accrued.to_string()),
        ("the hot key", neuron.hot.to_string()),
        ("the cold key", neuron.cold.to_string()),
        ("the modality", neuron.modality.to_string()),
        ("the height of registration", neuron.registered.to_string()),
        ("the generation", neuron.generation.to_string()),
        ("whether it has left", neuron.vacant.to_string()),
    ]
}

fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    let mut text = String::new();
    for byte in bytes.iter().take(SHOWN) {
        // A string takes whatever is written.
        let _ = write!(text, "{byte:02x}");
    }
    if bytes.len() > SHOWN { text + "…" } else { text }
}

fn place(table: Option<Table>, uid: Option<Uid>) -> String {
    match (table, uid) {
        (_, Some(uid)) => format!("peer {uid}"),
        (Some(table), None) => format!("the table of {table}"),
        (None, None) => "the chain".into(),
    }
}

/// In which tables a difference is looked for: where it can be named best comes first.
const ORDER: [Table; 6] =
    [Table::Epoch, Table::Neurons, Table::Weights, Table::Bonds, Table::Accounts, Table::Candidates];

/// Bytes of an entry that are shown.
const SHOWN: usize = 64;

//! What there is to read.

#![expect(unused_qualifications, reason = "the macro that describes parameters writes them")]

use super::{
    Api, ApiError,
    error::{ErrorBody, Params, Path},
    proven, unexpected,
    views::{self, AccountView, HeaderView, NeuronView, Proven, RowView, StandingView, TotalsView},
};
use crate::genesis::parameter::{self, entries};
use axum::{Json, body::Bytes, extract::State};
use ledger::{AccountLeaf, EpochLeaf, Height, NeuronLeaf, PublicKey, Query, Reply, Table, WeightsLeaf, text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use utoipa::{IntoParams, ToSchema};

type Answer<T> = Result<Json<T>, ApiError>;

/// A header and what certifies it.
#[derive(Serialize, ToSchema)]
pub struct Certified {
    /// The chain.
    chain: String,
    /// The header.
    header: HeaderView,
    /// Its encoded finalization.
    finalization: String,
}

/// The newest final block.
#[utoipa::path(get, path = "/api/head", responses(
    (status = 200, body = Certified),
    (status = 503, body = ErrorBody),
))]
pub async fn head(State(api): State<Arc<Api>>) -> Answer<Certified> {
    let head = api.head()?;
    Ok(Json(Certified {
        chain: text::encode(&api.genesis.chain().0),
        header: HeaderView::from(&head.header),
        finalization: text::hex(&head.finalization),
    }))
}

/// Which part of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Part {
    /// The first index or height wanted, 0 if not given.
    #[serde(default)]
    from: u64,
    /// How many are wanted at most, from 1 to 1,000.
    #[serde(default = "Part::usual")]
    limit: u32,
}

impl Part {
    const MOST: u32 = 1_000;

    const fn usual() -> u32 {
        100
    }

    fn limit(&self) -> Result<u32, ApiError> {
        match self.limit {
            limit @ 1..=Self::MOST => Ok(limit),
            limit => Err(ApiError::bad(format!("limit is {limit}: choose one from 1 to {}", Self::MOST))),
        }
    }

    fn index(&self) -> Result<u32, ApiError> {
        u32::try_from(self.from).map_err(|_| ApiError::bad(format!("from is {}, beyond any table", self.from)))
    }
}

/// Consecutive headers.
#[derive(Serialize, ToSchema)]
pub struct Headers {
    /// Ascending.
    headers: Vec<HeaderView>,
    /// The encoded finalization of the last one.
    finalization: String,
}

/// Headers from a height on, up to the next that has a certificate of its own.
#[utoipa::path(get, path = "/api/headers", params(Part), responses(
    (status = 200, body = Headers),
    (status = 400, body = ErrorBody),
    (status = 503, description = "there are none yet", body = ErrorBody),
))]
pub async fn headers(State(api): State<Arc<Api>>, Params(part): Params<Part>) -> Answer<Headers> {
    match api.ask(Query::Headers { from: Height(part.from), limit: part.limit()? }).await? {
        Reply::Headers { headers, finalization } => Ok(Json(Headers {
            headers: headers.iter().map(HeaderView::from).collect(),
            finalization: text::hex(&finalization),
        })),
        _ => Err(unexpected()),
    }
}

/// How the chain began.
#[derive(Serialize, ToSchema)]
pub struct Rules {
    /// The chain: the hash of its genesis.
    chain: String,
    /// Its name for people.
    name: String,
    /// When it began, ms since the Unix epoch.
    time: u64,
    /// What turns weights into stake.
    mechanism: &'static str,
    /// The numbers that rule it, by name; amounts are base units.
    #[schema(value_type = Object)]
    parameters: BTreeMap<&'static str, Value>,
    /// The encoded genesis.
    genesis: String,
}

/// The chain's name, its id, and all parameters of its genesis.
#[utoipa::path(get, path = "/api/parameters", responses((status = 200, body = Rules)))]
pub async fn parameters(State(api): State<Arc<Api>>) -> Json<Rules> {
    let genesis = &api.genesis;
    Json(Rules {
        chain: text::encode(&genesis.chain().0),
        name: genesis.name.clone(),
        time: genesis.time,
        mechanism: genesis.parameters.mechanism.name(),
        parameters: entries().map(|entry| (entry.name, number((entry.get)(&genesis.parameters)))).collect(),
        genesis: text::encode(genesis),
    })
}

/// A parameter as JSON: a number, `true` or `false`, or an amount.
fn number(value: parameter::Value) -> Value {
    match value {
        parameter::Value::Whole(value) => value.into(),
        parameter::Value::Real(value) => value.into(),
        parameter::Value::Amount(value) => value.to_string().into(),
        parameter::Value::Switch(value) => value.into(),
    }
}

/// Part of a table.
#[derive(Serialize, ToSchema)]
pub struct Rows {
    /// Height of the table.
    height: u64,
    /// Leaves of the whole table.
    total: u32,
    /// Index of the first leaf here.
    from: u32,
    /// The leaves, as many as were wanted and fit; the index after the last is where to go on.
    #[schema(value_type = Vec<Object>)]
    rows: Vec<Value>,
}

/// Peers by uid, at the newest final block.
#[utoipa::path(get, path = "/api/neurons", params(Part), responses(
    (status = 200, body = Rows),
    (status = 400, body = ErrorBody),
    (status = 404, body = ErrorBody),
    (status = 503, body = ErrorBody),
))]
pub async fn neurons(State(api): State<Arc<Api>>, Params(part): Params<Part>) -> Answer<Rows> {
    rows(&api, Table::Neurons, &part).await
}

/// Leaves of a table by index, at the newest final block.
#[utoipa::path(get, path = "/api/tables/{table}", params(
    ("table" = String, Path, description = "accounts, neurons, weights, bonds, candidates, or epoch (totals at 0, uid u at u + 1)"),
    Part,
), responses(
    (status = 200, body = Rows),
    (status = 400, body = ErrorBody),
    (status = 404, body = ErrorBody),
    (status = 503, body = ErrorBody),
))]
pub async fn table(State(api): State<Arc<Api>>, Path(name): Path<String>, Params(part): Params<Part>) -> Answer<Rows> {
    let table = Table::ALL.into_iter().find(|table| table.to_string() == name);
    let table = table.ok_or_else(|| {
        let names: Vec<String> = Table::ALL.iter().map(Table::to_string).collect();
        ApiError::missing(format!("no table is called {name}: there are {}", names.join(", ")))
    })?;
    rows(&api, table, &part).await
}

async fn rows(api: &Api, table: Table, part: &Part) -> Answer<Rows> {
    let (height, from, limit) = (api.head()?.header.height, part.index()?, part.limit()?);
    match api.ask(Query::Table { height, table, from }).await? {
        Reply::Table { total, from, leaves } => {
            Ok(Json(Rows { height: height.get(), total, from, rows: shown(table, &leaves, limit)? }))
        }
        Reply::NoSuch => Err(ApiError::missing(format!("the table {table} ends before index {from}"))),
        _ => Err(unexpected()),
    }
}

fn shown(table: Table, leaves: &[Bytes], limit: u32) -> Result<Vec<Value>, ApiError> {
    let leaves = leaves.iter().take(limit as usize);
    leaves.map(|leaf| views::leaf(table, leaf)).collect::<Option<_>>().ok_or_else(unexpected)
}

/// Part of the epoch table as it stood at the end of an epoch.
#[derive(Serialize, ToSchema)]
pub struct Past {
    /// Number of the epoch.
    epoch: u64,
    /// Leaves of the whole table.
    total: u32,
    /// Index of the first leaf here.
    from: u32,
    /// The totals at index 0, the standing of uid u at index u + 1.
    #[schema(value_type = Vec<Object>)]
    rows: Vec<Value>,
}

/// What a past epoch found.
#[utoipa::path(get, path = "/api/history/{epoch}", params(
    ("epoch" = u64, Path, description = "its number, from 1"),
    Part,
), responses(
    (status = 200, body = Past),
    (status = 400, body = ErrorBody),
    (status = 404, body = ErrorBody),
    (status = 503, description = "not kept here", body = ErrorBody),
))]
pub async fn history(State(api): State<Arc<Api>>, Path(epoch): Path<u64>, Params(part): Params<Part>) -> Answer<Past> {
    let (from, limit) = (part.index()?, part.limit()?);
    match api.ask(Query::History { epoch, from }).await? {
        Reply::Table { total, from, leaves } => {
            Ok(Json(Past { epoch, total, from, rows: shown(Table::Epoch, &leaves, limit)? }))
        }
        Reply::NoSuch => Err(ApiError::missing(format!("there is no epoch {epoch} with an index {from}"))),
        _ => Err(unexpected()),
    }
}

/// All that the ledger knows of a peer.
#[derive(Serialize, ToSchema)]
pub struct Peer {
    /// Height of the tables: the proofs are against the roots in this header.
    height: u64,
    /// Itself.
    neuron: Proven<NeuronView>,
    /// Its row.
    row: Proven<RowView>,
    /// What the last epoch found.
    standing: Proven<StandingView>,
}

/// One peer, with proofs.
#[utoipa::path(get, path = "/api/neurons/{uid}", params(("uid" = u32, Path, description = "its uid")), responses(
    (status = 200, body = Peer),
    (status = 400, body = ErrorBody),
    (status = 404, body = ErrorBody),
    (status = 503, body = ErrorBody),
))]
pub async fn neuron(State(api): State<Arc<Api>>, Path(uid): Path<u32>) -> Answer<Peer> {
    let height = api.head()?.header.height;
    let nobody = || nobody(uid);
    // The totals stand before the standing of uid 0.
    let index = uid.checked_add(1).ok_or_else(|| ApiError::missing(nobody()))?;
    Ok(Json(Peer {
        height: height.get(),
        neuron: api.leaf::<NeuronLeaf, _>(height, Table::Neurons, uid, nobody).await?,
        row: api.leaf::<WeightsLeaf, _>(height, Table::Weights, uid, nobody).await?,
        standing: api.leaf::<EpochLeaf, _>(height, Table::Epoch, index, nobody).await?,
    }))
}

/// A row and the height it was read at.
#[derive(Serialize, ToSchema)]
pub struct OneRow {
    /// Height of the table.
    height: u64,
    /// The row.
    row: Proven<RowView>,
}

/// The row of one peer, with its proof.
#[utoipa::path(get, path = "/api/rows/{uid}", params(("uid" = u32, Path, description = "whose")), responses(
    (status = 200, body = OneRow),
    (status = 400, body = ErrorBody),
    (status = 404, body = ErrorBody),
    (status = 503, body = ErrorBody),
))]
pub async fn row(State(api): State<Arc<Api>>, Path(uid): Path<u32>) -> Answer<OneRow> {
    let height = api.head()?.header.height;
    let row = api.leaf::<WeightsLeaf, _>(height, Table::Weights, uid, || nobody(uid)).await?;
    Ok(Json(OneRow { height: height.get(), row }))
}

/// An account and the height it was read at.
#[derive(Serialize, ToSchema)]
pub struct OneAccount {
    /// Height of the table.
    height: u64,
    /// The account.
    account: Proven<AccountView>,
}

/// The account of a key, with its proof.
#[utoipa::path(get, path = "/api/accounts/{key}", params(("key" = String, Path, description = "its key")), responses(
    (status = 200, body = OneAccount),
    (status = 400, body = ErrorBody),
    (status = 404, body = ErrorBody),
    (status = 503, body = ErrorBody),
))]
pub async fn account(State(api): State<Arc<Api>>, Path(key): Path<String>) -> Answer<OneAccount> {
    let key = text::decode::<PublicKey>(&key)
        .map_err(|error| ApiError::bad(format!("{error}: a key is 64 digits of lower-case hexadecimal")))?;
    let height = api.head()?.header.height;
    let missing = || "there is no account of this key: it begins with the first transfer to it".into();
    let reply = api.ask(Query::Account { height, key }).await?;
    Ok(Json(OneAccount { height: height.get(), account: proven::<AccountLeaf, _>(reply, missing)? }))
}

/// The whole chain at one height.
#[derive(Serialize, ToSchema)]
pub struct Epoch {
    /// Height of the table.
    height: u64,
    /// Its figures.
    totals: Proven<TotalsView>,
    /// Balances, stake and pool together at the newest final block, base units.
    supply: String,
    /// Who validates after the newest final block.
    validators: Vec<String>,
}

/// Totals of the last epoch and of now.
#[utoipa::path(get, path = "/api/epoch", responses(
    (status = 200, body = Epoch),
    (status = 503, body = ErrorBody),
))]
pub async fn epoch(State(api): State<Arc<Api>>) -> Answer<Epoch> {
    let height = api.head()?.header.height;
    let totals = api.leaf::<EpochLeaf, _>(height, Table::Epoch, 0, || "there was no epoch yet".into()).await?;
    let state = api.ledger.state().ok_or_else(unexpected)?;
    Ok(Json(Epoch {
        height: height.get(),
        totals,
        supply: state.supply().to_string(),
        validators: state.validators().iter().map(text::encode).collect(),
    }))
}

fn nobody(uid: u32) -> String {
    format!("uid {uid} was never taken: /api/neurons lists all")
}

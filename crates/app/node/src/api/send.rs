//! Transactions and queries that are sent here.

use super::{
    Api, ApiError,
    error::{ErrorBody, Path},
    unexpected,
};
use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use commonware_codec::{DecodeExt, Encode};
use ledger::{Digest, Query, Reply, Transaction, TransactionStatus, query::MAX_QUERY_BYTES, text};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A transaction that waits to be included.
#[derive(Serialize, ToSchema)]
pub struct Accepted {
    /// Its digest: ask /api/transactions/{digest} where it stands.
    digest: String,
}

/// Hands in a signed transaction: its encoding in hexadecimal, or its bytes as application/octet-stream.
#[utoipa::path(post, path = "/api/transactions",
    request_body(content((String = "text/plain"), (Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 202, description = "it waits to be included", body = Accepted),
        (status = 400, description = "no transaction", body = ErrorBody),
        (status = 413, body = ErrorBody),
        (status = 422, description = "refused by the ledger", body = ErrorBody),
        (status = 429, body = ErrorBody),
        (status = 503, body = ErrorBody),
    ))]
pub async fn submit(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let body = body?;
    let raw = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == OCTETS);
    let transaction = if raw { Transaction::decode(body).map_err(|error| error.to_string()) } else { from_text(&body) };
    let transaction = transaction.map_err(|reason| {
        ApiError::bad(format!(
            "no transaction ({reason}): send its encoding in lower-case hexadecimal, or its bytes as {OCTETS}"
        ))
    })?;
    match api.ask(Query::Submit { transaction }).await? {
        Reply::Accepted { digest } => Ok((StatusCode::ACCEPTED, Json(Accepted { digest: text::encode(&digest) }))),
        Reply::Refused { refusal } => Err(ApiError::refused(refusal.to_string())),
        _ => Err(unexpected()),
    }
}

fn from_text(body: &[u8]) -> Result<Transaction, String> {
    let body = str::from_utf8(body).map_err(|_| "not text")?;
    text::decode(body.trim()).map_err(|error| error.to_string())
}

/// Where a transaction stands.
#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
#[schema(as = TransactionStatus)]
pub enum Status {
    /// Never seen here, or forgotten.
    Unknown,
    /// Waits to be included.
    Pending,
    /// Final.
    Included {
        /// Height of its block.
        height: u64,
        /// Its place in the block, and the encoded proof against the root of transactions in the block's header.
        #[serde(flatten)]
        place: Option<Place>,
    },
    /// Dropped before it was included.
    Refused {
        /// Why, and what to do.
        error: String,
    },
}

/// The place of a transaction in a block.
#[derive(Serialize, ToSchema)]
pub struct Place {
    /// Its index.
    index: u32,
    /// The encoded proof.
    proof: String,
}

/// Where a transaction stands, as far as this node remembers.
#[utoipa::path(get, path = "/api/transactions/{digest}",
    params(("digest" = String, Path, description = "digest of the transaction")),
    responses((status = 200, body = Status), (status = 400, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub async fn transaction(State(api): State<Arc<Api>>, Path(digest): Path<String>) -> Result<Json<Status>, ApiError> {
    let digest = text::decode::<Digest>(&digest)
        .map_err(|error| ApiError::bad(format!("{error}: a digest is 64 digits of lower-case hexadecimal")))?;
    let Reply::Status(status) = api.ask(Query::Status { digest }).await? else { return Err(unexpected()) };
    let height = match status {
        TransactionStatus::Pending => return Ok(Json(Status::Pending)),
        TransactionStatus::Refused { refusal } => return Ok(Json(Status::Refused { error: refusal.to_string() })),
        TransactionStatus::Included { height } => Some(height.get()),
        // It may be older than what is remembered.
        TransactionStatus::Unknown => None,
    };
    Ok(Json(match (api.ask_anyhow(Query::Inclusion { digest }).await?, height) {
        (Reply::Inclusion { height, index, proof }, _) => {
            Status::Included { height: height.get(), place: Some(Place { index, proof: text::hex(&proof) }) }
        }
        (_, Some(height)) => Status::Included { height, place: None },
        (_, None) => Status::Unknown,
    }))
}

/// An encoded query, answered with an encoded reply: what a follower speaks. A reply may say that there is no answer.
#[utoipa::path(post, path = "/api/query",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 400, description = "no query", body = ErrorBody),
        (status = 413, body = ErrorBody),
        (status = 429, body = ErrorBody),
        (status = 503, body = ErrorBody),
    ))]
pub async fn query(
    State(api): State<Arc<Api>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let body = body?;
    if body.len() > MAX_QUERY_BYTES {
        return Err(ApiError::bad(format!("a query has {MAX_QUERY_BYTES} bytes at most, not {}", body.len())));
    }
    let query = Query::decode(body).map_err(|error| ApiError::bad(format!("no query of this version: {error}")))?;
    let reply = api.ask_anyhow(query).await?.encode();
    Ok(([(header::CONTENT_TYPE, OCTETS)], reply))
}

const OCTETS: &str = "application/octet-stream";

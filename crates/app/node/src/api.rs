//! `/api`: the ledger of this node as JSON for people and tools, and as its own bytes for followers.
//!
//! The routes describe themselves: `/api/openapi.json` is made of what is said at each of them. Whoever reaches the port
//! may read all of it, and hand in transactions, which the ledger judges by their signatures; there are no cookies and no
//! other writes. How often a client asks is limited ([`crate::limit`]), as are the length of what it sends, the time it
//! takes for it, and how many are answered at a time. Trees and proofs are made on threads that nothing else waits for.
//! Pages of other origins may ask too ([`crate::origin`]).
//!
//! What is said here is this node's word. Leaves come with proofs, and headers with certificates, for those who check.

mod error;
mod read;
mod send;
pub mod views;

use crate::{
    limit::{self, Clients, Limit},
    metrics::Metrics,
    origin,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::Response,
    routing::{any, get},
};
use commonware_codec::DecodeExt;
use consensus::{Head, LedgerHandle};
pub use error::ApiError;
use ledger::{Genesis, Height, Query, Reply, Table, query::MAX_QUERY_BYTES, text};
use std::{sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::Semaphore};
use tower_http::{set_header::SetResponseHeaderLayer, timeout::TimeoutLayer};
use utoipa::{
    OpenApi,
    openapi::{self, InfoBuilder, OpenApiBuilder},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use views::Proven;

/// What the routes answer from.
pub struct Api {
    ledger: LedgerHandle,
    genesis: Genesis,
    room: Arc<Semaphore>,
}

/// The routes of `/api` over `ledger`, whose chain began with `genesis`; `clients` and `metrics` may be shared.
pub fn router(ledger: LedgerHandle, genesis: Genesis, clients: Arc<Clients>, metrics: Arc<Metrics>) -> Router {
    let api = Arc::new(Api { ledger, genesis, room: Arc::new(Semaphore::new(AT_A_TIME)) });
    let (routes, document) = described();
    let document = document.to_json().unwrap_or_default();
    let document = get(async move || ([(header::CONTENT_TYPE, "application/json")], document));
    routes
        .route(DOCUMENT, document)
        .route("/api", any(unknown))
        .route("/api/{*rest}", any(unknown))
        .with_state(api)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE))
        .layer(middleware::from_fn_with_state(Limit { clients, cost: |_| 1 }, limit::admit))
        .layer(SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(origin::layer())
        .route_layer(middleware::from_fn_with_state(metrics, count))
}

/// The routes and what they say of themselves.
fn described() -> (Router<Arc<Api>>, openapi::OpenApi) {
    #[derive(OpenApi)]
    struct Empty;
    let info = InfoBuilder::new().title("Peerage").version(env!("CARGO_PKG_VERSION")).description(Some(ABOUT)).build();
    let document = OpenApiBuilder::from(Empty::openapi()).info(info).build();
    OpenApiRouter::with_openapi(document)
        .routes(routes!(read::head))
        .routes(routes!(read::headers))
        .routes(routes!(read::parameters))
        .routes(routes!(read::neurons))
        .routes(routes!(read::neuron))
        .routes(routes!(read::row))
        .routes(routes!(read::account))
        .routes(routes!(read::table))
        .routes(routes!(read::epoch))
        .routes(routes!(read::history))
        .routes(routes!(send::transaction))
        .routes(routes!(send::submit))
        .routes(routes!(send::query))
        .split_for_parts()
}

impl Api {
    /// Asks the ledger, on a thread that nothing else waits for.
    async fn ask(&self, query: Query) -> Result<Reply, ApiError> {
        match self.ask_anyhow(query).await? {
            Reply::Unavailable { reason } => Err(ApiError::unavailable(reason)),
            reply => Ok(reply),
        }
    }

    /// The same, whatever the reply.
    async fn ask_anyhow(&self, query: Query) -> Result<Reply, ApiError> {
        let seat = Arc::clone(&self.room).try_acquire_owned();
        let seat = seat.map_err(|_| ApiError::unavailable("the node is busy: ask again in a second"))?;
        let (ledger, runtime) = (self.ledger.clone(), Handle::current());
        let work = tokio::task::spawn_blocking(move || {
            let reply = runtime.block_on(ledger.query(query));
            drop(seat);
            reply
        });
        work.await.map_err(|_| ApiError::unavailable("the node is ending: ask another one"))
    }

    /// The newest final block.
    fn head(&self) -> Result<Head, ApiError> {
        self.ledger.head().ok_or_else(|| ApiError::unavailable("no block is final yet: ask again in a second"))
    }

    /// Leaf `index` of `table` at `height`; `missing` says that there is none.
    async fn leaf<Leaf, View>(
        &self,
        height: Height,
        table: Table,
        index: u32,
        missing: impl FnOnce() -> String,
    ) -> Result<Proven<View>, ApiError>
    where
        Leaf: DecodeExt<()>,
        View: TryFrom<Leaf>,
    {
        proven(self.ask(Query::Leaf { height, table, index }).await?, missing)
    }
}

/// A reply with a leaf, as it is shown.
fn proven<Leaf, View>(reply: Reply, missing: impl FnOnce() -> String) -> Result<Proven<View>, ApiError>
where
    Leaf: DecodeExt<()>,
    View: TryFrom<Leaf>,
{
    match reply {
        Reply::Leaf { index, leaf, proof } => {
            let value = Leaf::decode(leaf.clone()).ok().and_then(|leaf| leaf.try_into().ok()).ok_or_else(unexpected)?;
            Ok(Proven { index, value, leaf: text::hex(&leaf), proof: text::hex(&proof) })
        }
        Reply::NoSuch => Err(ApiError::missing(missing())),
        _ => Err(unexpected()),
    }
}

/// The ledger answered what was not asked.
fn unexpected() -> ApiError {
    ApiError::unavailable("the ledger gave another answer than was asked for: please report this as a fault")
}

async fn unknown() -> ApiError {
    ApiError::missing(format!("there is nothing here: {DOCUMENT} lists what there is"))
}

/// Counts requests by route, method and status.
pub async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let response = next.run(request).await;
    metrics.request(route, &method, response.status());
    response
}

/// Where the description lies.
const DOCUMENT: &str = "/api/openapi.json";

/// What the description begins with.
const ABOUT: &str = "The ledger of one node. Keys, digests, leaves and proofs are lower-case hexadecimal; amounts are \
    base units (10⁹ a token) in strings of digits, since a JSON number keeps no more than 2⁵³; times are milliseconds \
    since the Unix epoch. Leaves come with a proof against the root of their table in the header of the height, and \
    headers with the encoded finalization that certifies them: check them, or trust the node. Errors are \
    `{\"error\": …}` with one sentence that says what to do; 429 and 503 say in Retry-After when to ask again.";

/// Most bytes of a body: a query in hexadecimal, with room for a line end.
const MAX_BODY_BYTES: usize = 2 * MAX_QUERY_BYTES + 2;

/// Longest a request may take, with the time its body needs to arrive.
const PATIENCE: Duration = Duration::from_secs(15);

/// Most requests that the ledger works on at a time.
const AT_A_TIME: usize = 32;

#[cfg(test)]
mod tests;

//! `/metrics`: figures of this node in the text format of Prometheus, and beside them whatever the engine counts.
//!
//! Figures are looked up when they are asked for; only requests are counted as they come. Routes are patterns
//! (`/api/neurons/{uid}`), so that nobody can make up labels.

use axum::{
    Router,
    extract::State,
    http::{Method, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use consensus::LedgerHandle;
use network::{Network, Path};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::Registry,
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Where the figures come from.
pub struct Sources {
    /// Heights, totals, supply.
    pub ledger: LedgerHandle,
    /// Who is connected.
    pub network: Option<Network>,
    /// Transactions that wait.
    pub waiting: Option<Box<dyn Fn() -> usize + Send + Sync>>,
    /// More metrics in the same format, as the engine's runtime gives them.
    pub engine: Option<Box<dyn Fn() -> String + Send + Sync>>,
    /// Who is connected to which port.
    pub ports: Vec<(&'static str, network::Sources)>,
}

/// The figures.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    height: Number,
    age: Number,
    epoch: Number,
    validators: Number,
    neurons: Number,
    accounts: Number,
    supply: Number,
    pool: Number,
    waiting: Number,
    peers: Family<Over, Number>,
    connections: Family<Port, Number>,
    refused: Family<Refused, Counter>,
    memory: Number,
    files: Number,
}

type Number = Gauge<f64, AtomicU64>;

/// A kind of request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: String,
    method: String,
    status: u16,
}

/// How a peer is connected.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Over {
    path: Way,
}

/// A port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Port {
    port: Way,
}

/// Connections to a port that were not taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    port: Way,
    reason: Way,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Way(&'static str);

impl EncodeLabelValue for Way {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        EncodeLabelValue::encode(&self.0, encoder)
    }
}

impl Metrics {
    /// All at nothing.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("peerage_build", "The program", version);
        let requests = Family::default();
        let about = "Requests of the API by route, method and status";
        registry.register("peerage_http_requests", about, Family::clone(&requests));
        let peers = Family::default();
        registry.register("peerage_peers", "Peers connected, by path", Family::clone(&peers));
        let connections = Family::default();
        registry.register("peerage_connections", "Connections to a port", Family::clone(&connections));
        let refused = Family::default();
        let about =
            "Connections to a port that were not taken, since all, or all of one address, were or it came too often";
        registry.register("peerage_connections_refused", about, Family::clone(&refused));
        let mut number = |name: &str, about: &str| {
            let number = Number::default();
            registry.register(name, about, number.clone());
            number
        };
        Self {
            requests,
            peers,
            connections,
            refused,
            height: number("peerage_height", "Height of the newest final block"),
            age: number("peerage_head_age_seconds", "Time since the newest final block was proposed"),
            epoch: number("peerage_epoch", "Epochs so far"),
            validators: number("peerage_validators", "Validators of the next block"),
            neurons: number("peerage_neurons", "Uids that have an owner"),
            accounts: number("peerage_accounts", "Accounts"),
            supply: number("peerage_supply_tokens", "Balances, stake and pool together, tokens"),
            pool: number("peerage_pool_tokens", "Emission released and not yet paid, tokens"),
            waiting: number("peerage_transactions_waiting", "Transactions that wait to be included; NaN if unknown"),
            memory: number("process_resident_memory_bytes", "Memory in use"),
            files: number("process_open_fds", "Files and connections that are open"),
            registry,
        }
    }

    /// Counts a request.
    pub fn request(&self, route: String, method: &Method, status: StatusCode) {
        let kind = Request { route, method: method.to_string(), status: status.as_u16() };
        self.requests.get_or_create(&kind).inc();
    }

    /// Looks everything up, at `now` (ms since the Unix epoch), and gives it as text.
    pub async fn text(&self, sources: &Sources, now: u64) -> String {
        if let Some(head) = sources.ledger.head() {
            self.height.set(head.header.height.get() as f64);
            self.age.set(now.saturating_sub(head.header.time) as f64 / 1e3);
        }
        if let Some(state) = sources.ledger.state() {
            self.epoch.set(state.totals().number as f64);
            self.validators.set(state.validators().len() as f64);
            self.neurons.set(state.neurons().iter().filter(|neuron| !neuron.vacant).count() as f64);
            self.accounts.set(state.accounts().len() as f64);
            self.supply.set(state.supply() as f64 / TOKEN);
            self.pool.set(state.totals().pool.get() as f64 / TOKEN);
        }
        self.waiting.set(sources.waiting.as_ref().map_or(f64::NAN, |waiting| waiting() as f64));
        if let Some(network) = &sources.network
            && let Ok(snapshot) = network.snapshot().await
        {
            for (path, name) in [(Path::Websocket, "websocket"), (Path::Relayed, "relayed"), (Path::Direct, "direct")] {
                let count = snapshot.connections.iter().filter(|connection| connection.path == path).count();
                self.peers.get_or_create(&Over { path: Way(name) }).set(count as f64);
            }
        }
        for (port, connected) in &sources.ports {
            let (open, turned) = connected.tally();
            let port = Way(port);
            self.connections.get_or_create(&Port { port: port.clone() }).set(open as f64);
            for (reason, count) in turned {
                let refused = self.refused.get_or_create(&Refused { port: port.clone(), reason: Way(reason) });
                refused.inner().store(count, Ordering::Relaxed);
            }
        }
        if let Some((memory, files)) = process() {
            self.memory.set(memory);
            self.files.set(files);
        }
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        if let Some(engine) = &sources.engine {
            text.truncate(text.trim_end().trim_end_matches(END).len());
            text += &engine();
        }
        text
    }
}

/// `/metrics` alone, to be mounted where only the operator reaches it.
pub fn router(metrics: Arc<Metrics>, sources: Sources) -> Router {
    Router::new().route("/metrics", get(scrape)).with_state(Arc::new((metrics, sources)))
}

async fn scrape(State(served): State<Arc<(Arc<Metrics>, Sources)>>) -> impl IntoResponse {
    let (metrics, sources) = &*served;
    ([(header::CONTENT_TYPE, FORMAT)], metrics.text(sources, crate::resident::now()).await)
}

/// Bytes of memory and number of open files of this process, where the system tells.
fn process() -> Option<(f64, f64)> {
    let pages: f64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    let files = std::fs::read_dir("/proc/self/fd").ok()?.count();
    #[cfg(unix)]
    let page = rustix::param::page_size() as f64;
    #[cfg(not(unix))]
    let page = 4_096.0;
    Some((pages * page, files as f64))
}

/// What the text is.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the text ends with.
const END: &str = "# EOF";

/// Base units of a token.
const TOKEN: f64 = ledger::types::TOKEN as f64;

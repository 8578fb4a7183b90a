//! What every node serves: the API and its health on the site's port, its figures on a port of their own, over TLS where
//! a certificate is named. `peerage dev`, a validator and a follower all begin with [`Serving`].

use crate::{
    api, cli, health,
    limit::{self, Clients, Limit},
    metrics::{self, Metrics, Sources},
    origin, say,
    serve::Server,
    site,
    tls::Tls,
};
use anyhow::{Context, Result};
use axum::{Router, middleware};
use ledger::Genesis;
use std::{
    net::{IpAddr, TcpListener},
    sync::Arc,
};

/// What can be looked at and taken before anything runs.
pub struct Serving {
    /// The certificate, if one was named.
    pub tls: Option<Tls>,
    metrics: Option<TcpListener>,
    proxies: Vec<IpAddr>,
}

impl Serving {
    /// Reads the certificate and takes the port of the metrics.
    pub fn new(options: &cli::Serving) -> Result<Self> {
        Ok(Self {
            tls: options.tls().map(Tls::read).transpose().context("TLS cannot be served")?,
            metrics: options.metrics.map(|address| site::bind(address, "--metrics")).transpose()?,
            proxies: options.behind_proxy.clone(),
        })
    }

    /// The routes for the site's port, with the `site` where there is one, and the server of the metrics if they have a port. Follows the certificate from
    /// now on. Must be called within a tokio runtime.
    pub fn start(self, genesis: &Genesis, sources: Sources, site: Option<Router>) -> Result<(Router, Option<Server>)> {
        if let Some(tls) = self.tls {
            tokio::spawn(tls.follow());
        }
        let figures = Arc::new(Metrics::new());
        let clients = Arc::new(Clients::new(REQUESTS, BURST, &self.proxies));
        let files = Arc::new(Clients::new(FILES, FILES_AT_ONCE, &self.proxies));
        let files = Limit { clients: files, cost: site::cost };
        let pages =
            health::router(sources.ledger.clone(), genesis.parameters.block_time).merge(site.unwrap_or_default());
        let router = api::router(sources.ledger.clone(), genesis.clone(), clients, Arc::clone(&figures))
            .merge(pages.layer(middleware::from_fn_with_state(files, limit::admit)));
        let Some(listener) = self.metrics else { return Ok((router, None)) };
        say::line(format_args!("Metrics   http://{}/metrics", listener.local_addr()?));
        let looks = Limit { clients: Arc::new(Clients::new(LOOKS, LOOKS_AT_ONCE, &[])), cost: |_| 1 };
        let metrics = metrics::router(figures, sources).layer(middleware::from_fn_with_state(looks, limit::admit));
        let here = listener.local_addr()?.ip().is_loopback();
        let metrics = if here { origin::here_alone(metrics) } else { metrics };
        let bounds = network::Sources::new(limit::METRICS, &[]);
        Ok((router, Some(Server::start(listener, metrics, None, bounds)?)))
    }
}

/// Requests of the API that one client may make a second, for as long as it likes.
const REQUESTS: u32 = 20;

/// Requests of the API that one client may make at once.
const BURST: u32 = 200;

/// Files of the site that one client may ask for a second, for as long as it likes.
const FILES: u32 = 100;

/// Files of the site that one client may ask for at once: a classroom behind one address that opens the page together.
const FILES_AT_ONCE: u32 = 4_000;

/// Looks at the metrics of one client a second, for as long as it likes.
const LOOKS: u32 = 2;

/// Looks at the metrics of one client at once.
const LOOKS_AT_ONCE: u32 = 20;

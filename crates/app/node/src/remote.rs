//! Other nodes as sources of the ledger, asked over HTTP.
//!
//! A question goes to the source that answered last; where none comes in time, or only that it cannot answer, the next is
//! asked. Nothing that a source says is believed here or there: the engine checks all of it.

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode};
use consensus::Source;
use futures::{FutureExt, channel::oneshot, future::BoxFuture};
use ledger::{Query, Reply, query::MAX_REPLY_BYTES};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use ureq::{Agent, http::Uri};

/// Nodes at the addresses of their APIs. Clones share which one answers.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    agent: Agent,
    places: Vec<String>,
    /// Which answered last.
    at: AtomicUsize,
    /// Whether none did.
    silent: AtomicBool,
}

impl Remote {
    /// Nodes with these addresses: scheme and host, without a path.
    ///
    /// # Errors
    /// Where one is no address of that kind.
    pub fn new(places: &[String]) -> Result<Self> {
        let places = places.iter().map(|place| endpoint(place)).collect::<Result<Vec<_>>>()?;
        let config = Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
        Ok(Self(Arc::new(Inner {
            agent: config.new_agent(),
            places,
            at: AtomicUsize::new(0),
            silent: AtomicBool::new(false),
        })))
    }

    /// The reply of the first that gives one.
    ///
    /// # Errors
    /// Where none does: what the last that was asked did instead.
    pub fn ask_now(&self, query: &Query) -> Result<Reply> {
        let bytes = query.encode();
        let first = self.0.at.load(Ordering::Relaxed);
        let count = self.0.places.len();
        let mut last = Err(anyhow!("no node is named"));
        for step in 0..count {
            let at = (first + step) % count;
            match self.0.places.get(at).map(|place| self.post(place, &bytes)) {
                Some(Ok(Reply::Unavailable { reason })) => {
                    tracing::debug!(reason, "a source cannot answer");
                    last = Ok(Reply::Unavailable { reason });
                }
                Some(Ok(reply)) => {
                    self.0.at.store(at, Ordering::Relaxed);
                    return Ok(reply);
                }
                Some(Err(error)) => {
                    tracing::debug!("a source does not answer: {error:#}");
                    last = last.or(Err(error));
                }
                None => {}
            }
        }
        last
    }

    /// Tells in the log when all sources fall silent, and when one answers again.
    fn note(&self, outcome: &Result<Reply>) {
        let silent = outcome.is_err();
        if self.0.silent.swap(silent, Ordering::Relaxed) == silent {
            return;
        }
        match outcome {
            Ok(_) => tracing::warn!("a source answers again"),
            Err(error) => tracing::warn!("no source answers, asking on: {error:#}"),
        }
    }

    /// Asks one; told to wait it waits, once.
    fn post(&self, place: &str, query: &Bytes) -> Result<Reply> {
        let send = || self.0.agent.post(place).content_type("application/octet-stream").send(&query[..]);
        let mut response = send().with_context(|| format!("{place} does not answer"))?;
        if response.status() == 429 {
            let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            thread::sleep(Duration::from_secs(seconds.unwrap_or(1)).min(PATIENCE));
            response = send()?;
        }
        if !response.status().is_success() {
            bail!("{place} answers with status {}", response.status());
        }
        let limit = u64::try_from(MAX_REPLY_BYTES).unwrap_or(u64::MAX);
        let bytes = response.body_mut().with_config().limit(limit).read_to_vec()?;
        Reply::decode(Bytes::from(bytes)).with_context(|| format!("{place} answers with something else"))
    }
}

impl Source for Remote {
    fn ask(&self, query: Query) -> BoxFuture<'_, Option<Reply>> {
        let remote = self.clone();
        async move {
            let (give, take) = oneshot::channel();
            let ask = move || {
                let outcome = remote.ask_now(&query);
                remote.note(&outcome);
                let _ = give.send(outcome.ok());
            };
            // None of the runtime's threads: its end would wait for a source that is silent.
            thread::Builder::new().name("source".into()).spawn(ask).ok()?;
            take.await.ok().flatten()
        }
        .boxed()
    }

    fn next(&self) {
        let count = self.0.places.len();
        let at = self.0.at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |at| Some((at + 1) % count)).unwrap_or(0);
        if let Some(place) = self.0.places.get(at).filter(|_| count > 1) {
            tracing::warn!("{place} has no blocks that lead on: asking the next");
        }
    }
}

/// Where queries are answered at a node's address.
fn endpoint(place: &str) -> Result<String> {
    let wanted = || {
        format!("{place} is no address of a node: one such as https://node.example or http://10.0.0.7:8080 is wanted")
    };
    let uri: Uri = place.parse().with_context(wanted)?;
    let plain = matches!(uri.path(), "" | "/") && uri.query().is_none();
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() || !plain {
        bail!(wanted());
    }
    Ok(format!("{}/api/query", place.trim_end_matches('/')))
}

/// Longest that one answer may take.
const PATIENCE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_scheme_and_host() {
        assert_eq!(endpoint("http://10.0.0.7:8080").unwrap(), "http://10.0.0.7:8080/api/query");
        assert_eq!(endpoint("https://node.example/").unwrap(), "https://node.example/api/query");
        for wrong in ["node.example", "ftp://node.example", "https://node.example/api", "http://", ""] {
            let error = endpoint(wrong).unwrap_err();
            assert!(format!("{error:#}").contains("is no address of a node"), "{wrong}: {error:#}");
        }
    }

    #[test]
    fn the_next_is_asked_where_one_is_silent() {
        let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let alive = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = alive.local_addr().unwrap();
        let server = thread::spawn(move || {
            use std::io::{Read, Write};
            let (mut stream, _) = alive.accept().unwrap();
            let mut buffer = [0; 4_096];
            let count = stream.read(&mut buffer).unwrap();
            assert!(String::from_utf8_lossy(&buffer[..count]).starts_with("POST /api/query"));
            let body = Reply::NoSuch.encode();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(&[head.as_bytes(), &body[..]].concat()).unwrap();
        });
        let remote = Remote::new(&[format!("http://{dead}"), format!("http://{place}")]).unwrap();
        assert_eq!(remote.ask_now(&Query::Head).unwrap(), Reply::NoSuch);
        server.join().unwrap();
        assert_eq!(remote.0.at.load(Ordering::Relaxed), 1);
    }
}

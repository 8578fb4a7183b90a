//! Other nodes as sources of the ledger, asked over HTTP.
//!
//! A [`Node`] is one of them. [`Remote`] is several that stand for one another: a question goes to the one that answered
//! last; where none comes in time, or only that it cannot answer, the next is asked. Nothing that a source says is believed
//! here: the engine, or the light client, checks all of it. What a node sends is bounded before it is read.

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode, Error as CodecError};
use consensus::Source;
use futures::{FutureExt, channel::oneshot, future::BoxFuture};
use ledger::{Query, Reply, query::MAX_REPLY_BYTES};
use protocol::limits::BOOTSTRAP_BYTES;
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
    nodes: Vec<Node>,
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
        let nodes = places.iter().map(|place| Node::new(place)).collect::<Result<Vec<_>>>()?;
        Ok(Self(Arc::new(Inner { nodes, at: AtomicUsize::new(0), silent: AtomicBool::new(false) })))
    }

    /// The reply of the first that gives one.
    ///
    /// # Errors
    /// Where none does: what the last that was asked did instead.
    pub fn ask_now(&self, query: &Query) -> Result<Reply> {
        let first = self.0.at.load(Ordering::Relaxed);
        let count = self.0.nodes.len();
        let mut last = Err(anyhow!("no node is named"));
        for step in 0..count {
            let at = (first + step) % count;
            match self.0.nodes.get(at).map(|node| node.ask(query)) {
                Some(Ok(Reply::Unavailable { reason })) => {
                    tracing::debug!(reason, "a source cannot answer");
                    last = Ok(Reply::Unavailable { reason });
                }
                Some(Ok(reply)) => {
                    self.0.at.store(at, Ordering::Relaxed);
                    return Ok(reply);
                }
                Some(Err(fault)) => {
                    let error = anyhow::Error::new(fault);
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
}

/// One node, asked over connections of its own. Clones share them.
#[derive(Clone)]
pub struct Node {
    agent: Agent,
    place: String,
}

/// Why a node gave no reply.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It could not be reached, was too slow, or what it sent broke off.
    #[error("{place} does not answer")]
    Silent {
        /// Its address.
        place: String,
        /// What happened.
        source: ureq::Error,
    },
    /// It answered that it will not.
    #[error("{place} answers with status {status}")]
    Status {
        /// Its address.
        place: String,
        /// The status.
        status: u16,
    },
    /// What it sent is no reply, or longer than any.
    #[error("{place} answers with something else")]
    Malformed {
        /// Its address.
        place: String,
        /// Bytes that were read of it.
        bytes: usize,
        /// Why they are none.
        source: CodecError,
    },
}

impl Node {
    /// The node with this address: scheme and host, without a path.
    ///
    /// # Errors
    /// Where it is no address of that kind.
    pub fn new(place: &str) -> Result<Self> {
        let config = Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
        Ok(Self { agent: config.new_agent(), place: base(place)? })
    }

    /// Its address.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Its reply. Told to wait it waits, once.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn ask(&self, query: &Query) -> Result<Reply, Fault> {
        let url = format!("{}/api/query", self.place);
        let query = query.encode();
        let send = || self.agent.post(&url).content_type("application/octet-stream").send(&query[..]);
        let mut response = send().map_err(|error| self.silent(error))?;
        if response.status() == 429 {
            let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            thread::sleep(Duration::from_secs(seconds.unwrap_or(1)).min(PATIENCE));
            response = send().map_err(|error| self.silent(error))?;
        }
        let bytes = self.body(response, MAX_REPLY_BYTES)?;
        let count = bytes.len();
        Reply::decode(Bytes::from(bytes)).map_err(|error| self.malformed(count, error))
    }

    /// What it tells a page that is opened for the first time.
    ///
    /// # Errors
    /// [`Fault::Silent`] and [`Fault::Status`].
    pub fn bootstrap(&self) -> Result<Vec<u8>, Fault> {
        let response = self.agent.get(format!("{}/bootstrap.json", self.place)).call();
        self.body(response.map_err(|error| self.silent(error))?, BOOTSTRAP_BYTES)
    }

    /// What it serves beside the page at `path`, at most `limit` bytes.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn file(&self, path: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        let response = self.agent.get(format!("{}/{}", self.place, path.trim_start_matches('/'))).call();
        self.body(response.map_err(|error| self.silent(error))?, limit)
    }

    fn body(&self, mut response: ureq::http::Response<ureq::Body>, limit: usize) -> Result<Vec<u8>, Fault> {
        if !response.status().is_success() {
            return Err(Fault::Status { place: self.place.clone(), status: response.status().as_u16() });
        }
        // One more than is taken: the reader calls a body too long as soon as it has read as much as its limit.
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        response.body_mut().with_config().limit(most).read_to_vec().map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => self.malformed(limit, CodecError::InvalidLength(limit)),
            other => self.silent(other),
        })
    }

    fn malformed(&self, bytes: usize, source: CodecError) -> Fault {
        Fault::Malformed { place: self.place.clone(), bytes, source }
    }

    fn silent(&self, source: ureq::Error) -> Fault {
        Fault::Silent { place: self.place.clone(), source }
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
        let count = self.0.nodes.len();
        let at = self.0.at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |at| Some((at + 1) % count)).unwrap_or(0);
        if let Some(node) = self.0.nodes.get(at).filter(|_| count > 1) {
            tracing::warn!("{} has no blocks that lead on: asking the next", node.place());
        }
    }
}

/// A node's address, as paths are put behind it.
fn base(place: &str) -> Result<String> {
    let wanted = || {
        format!("{place} is no address of a node: one such as https://node.example or http://10.0.0.7:8080 is wanted")
    };
    let uri: Uri = place.parse().with_context(wanted)?;
    let plain = matches!(uri.path(), "" | "/") && uri.query().is_none();
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() || !plain {
        bail!(wanted());
    }
    Ok(place.trim_end_matches('/').to_owned())
}

/// Longest that one answer may take.
const PATIENCE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_scheme_and_host() {
        assert_eq!(base("http://10.0.0.7:8080").unwrap(), "http://10.0.0.7:8080");
        assert_eq!(base("https://node.example/").unwrap(), "https://node.example");
        for wrong in ["node.example", "ftp://node.example", "https://node.example/api", "http://", ""] {
            let error = base(wrong).unwrap_err();
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

    #[test]
    fn a_file_may_be_as_long_as_it_was_said_to_be_and_no_longer() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let node = Node::new(&format!("http://{}", server.local_addr().unwrap())).unwrap();
        let thread = thread::spawn(move || {
            use std::io::{Read, Write};
            for _ in 0..2 {
                let (mut stream, _) = server.accept().unwrap();
                assert!(stream.read(&mut [0; 4_096]).unwrap() > 0);
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ntext").unwrap();
            }
        });
        assert_eq!(node.file("corpus", 4).unwrap(), b"text");
        assert!(matches!(node.file("corpus", 3).unwrap_err(), Fault::Malformed { bytes: 3, .. }));
        thread.join().unwrap();
    }
}

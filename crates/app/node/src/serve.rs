//! HTTP on a port: with or without TLS, until it is told to end.
//!
//! What a hostile client could hold is bounded: places and bytes by its address ([`network::Sources`]), before TLS or a byte of
//! a request; time by deadlines, for a handshake, for saying what it wants and for taking an answer; memory by the length of
//! what it says before its body. Every answer carries the same headers ([`crate::headers`]).

use crate::{headers, tls::Tls};
use anyhow::{Error, anyhow};
use axum::Router;
use axum_server::{Handle, accept::Accept, tls_rustls::RustlsAcceptor};
use hyper_util::rt::TokioTimer;
use network::{Metered, Sources};
use std::{
    future::{Ready, ready},
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};
use tokio::{net::TcpStream, task::JoinHandle};

/// A server that runs.
pub struct Server {
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Serves `router` on `listener`, which does not block, to those whom `sources` let in. Handlers find the address of their
    /// client as `ConnectInfo`.
    ///
    /// # Errors
    /// Where the listener cannot be used.
    pub fn start(listener: TcpListener, router: Router, tls: Option<&Tls>, sources: Sources) -> io::Result<Self> {
        let handle = Handle::new();
        let service = headers::on_all(router, tls.is_some()).into_make_service_with_connect_info::<SocketAddr>();
        macro_rules! serve {
            ($server:expr) => {{
                let mut server = $server.http1_only().handle(handle.clone());
                let mut http = server.http_builder().http1();
                http.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(BUFFER);
                tokio::spawn(server.serve(service))
            }};
        }
        let server = axum_server::from_tcp(listener)?;
        let door = Door { sources };
        let task = match tls {
            Some(tls) => serve!(server.acceptor(RustlsAcceptor::new(tls.config()).acceptor(door))),
            None => serve!(server.acceptor(door)),
        };
        Ok(Self { handle, task })
    }

    /// Resolves when it has ended by itself, which it should not.
    pub async fn ended(&mut self) -> Error {
        match (&mut self.task).await {
            Ok(Err(error)) => Error::new(error).context("the site has ended"),
            Ok(Ok(())) | Err(_) => anyhow!("the site has ended{}", crate::fault::why()),
        }
    }

    /// Accepts no more, lets those end who are being answered, and breaks off what is left after `patience`.
    pub async fn stop(self, patience: Duration) {
        self.handle.graceful_shutdown(Some(patience));
        // One that has ended before has said why.
        let _ = self.task.await;
    }
}

/// Lets connections in, or closes them unread.
#[derive(Clone)]
struct Door {
    sources: Sources,
}

impl<S> Accept<TcpStream, S> for Door {
    type Stream = Metered<TcpStream>;
    type Service = S;
    type Future = Ready<io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let entered = stream.peer_addr().and_then(|from| self.sources.enter(from.ip()).map_err(io::Error::other));
        ready(entered.map(|seat| (Metered::new(stream, Some(seat), Some(STALL)), service)))
    }
}

/// Longest that a client may take nothing of its answer.
const STALL: Duration = Duration::from_secs(30);

/// Most bytes of a request before its body, and of an answer that wait to be taken.
const BUFFER: usize = 64 << 10;

/// Longest that a client may take to say what it wants, also between two requests.
const HEADERS: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::tests::{certificate, connect};
    use axum::{extract::ConnectInfo, routing::get};
    use std::sync::Arc;
    use tokio::{
        io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
        net::TcpStream,
        sync::Notify,
    };

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = crate::site::bind(([127, 0, 0, 1], 0).into(), "--port").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn sources() -> Sources {
        Sources::new(crate::limit::PAGE, &[])
    }

    async fn fetch(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn it_serves_with_and_without_tls_and_knows_its_client() {
        let place = tempfile::tempdir().unwrap();
        let (files, trusted) = certificate(place.path());
        let tls = Tls::read(files).unwrap();
        let client = async |ConnectInfo(client): ConnectInfo<SocketAddr>| format!("you are {}", client.ip());
        let router = Router::new().route("/", get(client));
        let (plain, plain_address) = listener();
        let (secure, secure_address) = listener();
        let plain = Server::start(plain, router.clone(), None, sources()).unwrap();
        let secure = Server::start(secure, router, Some(&tls), sources()).unwrap();
        let answers = [
            fetch(TcpStream::connect(plain_address).await.unwrap()).await,
            fetch(connect(secure_address, &trusted).await.unwrap()).await,
        ];
        for answer in answers {
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("you are 127.0.0.1"), "{answer}");
        }
        plain.stop(Duration::from_secs(3)).await;
        secure.stop(Duration::from_secs(3)).await;
        assert!(TcpStream::connect(plain_address).await.is_err());
    }

    #[tokio::test]
    async fn who_is_being_answered_gets_the_answer_before_the_end() {
        let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = {
            let (asked, go) = (Arc::clone(&asked), Arc::clone(&go));
            async move || {
                asked.notify_one();
                go.notified().await;
                "at last"
            }
        };
        let (listener, address) = listener();
        let server = Server::start(listener, Router::new().route("/", get(slow)), None, sources()).unwrap();
        let answer = tokio::spawn(async move { fetch(TcpStream::connect(address).await.unwrap()).await });
        asked.notified().await;
        let stop = tokio::spawn(server.stop(Duration::from_secs(60)));
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        go.notify_one();
        assert!(answer.await.unwrap().ends_with("at last"));
        stop.await.unwrap();
    }

    #[tokio::test]
    async fn one_address_takes_its_share_of_the_connections_and_another_still_gets_in() {
        let sources = Sources::new(network::Share { of_one: 2, ..crate::limit::PAGE }, &[]);
        let (listener, address) = listener();
        let router = Router::new().route("/", get(|| async { "here" }));
        let server = Server::start(listener, router, None, sources.clone()).unwrap();
        // Silent ones hold their places as well.
        let held = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        let mut third = TcpStream::connect(address).await.unwrap();
        // Closed unread, which its end may learn of when it writes.
        let _ = third.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let mut answer = Vec::new();
        let _ = third.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "{answer:?}");
        assert_eq!(sources.tally(), (2, [("full", 0), ("crowd", 1), ("haste", 0)]));
        let other = tokio::net::TcpSocket::new_v4().unwrap();
        other.bind(([127, 0, 0, 2], 0).into()).unwrap();
        assert!(fetch(other.connect(address).await.unwrap()).await.ends_with("here"));
        drop(held);
        while sources.tally().0 > 0 {
            tokio::task::yield_now().await;
        }
        assert!(fetch(TcpStream::connect(address).await.unwrap()).await.ends_with("here"));
        server.stop(Duration::from_secs(3)).await;
    }

    #[tokio::test]
    async fn what_is_said_before_a_body_is_bounded() {
        let (listener, address) = listener();
        let server = Server::start(listener, Router::new(), None, sources()).unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ").await;
        let _ = stream.write_all(&vec![b'x'; 2 * BUFFER]).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
        server.stop(Duration::from_secs(3)).await;
    }
}

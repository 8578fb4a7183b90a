//! HTTP on a port: with or without TLS, with a deadline for those who are slow to ask, until it is told to end.

use crate::tls::Tls;
use anyhow::{Error, anyhow};
use axum::Router;
use axum_server::{Handle, tls_rustls::RustlsAcceptor};
use hyper_util::rt::TokioTimer;
use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};
use tokio::task::JoinHandle;

/// A server that runs.
pub struct Server {
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Serves `router` on `listener`, which does not block. Handlers find the address of their client as `ConnectInfo`.
    ///
    /// # Errors
    /// Where the listener cannot be used.
    pub fn start(listener: TcpListener, router: Router, tls: Option<&Tls>) -> io::Result<Self> {
        let handle = Handle::new();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        macro_rules! serve {
            ($server:expr) => {{
                let mut server = $server.http1_only().handle(handle.clone());
                server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
                tokio::spawn(server.serve(service))
            }};
        }
        let server = axum_server::from_tcp(listener)?;
        let task = match tls {
            Some(tls) => serve!(server.acceptor(RustlsAcceptor::new(tls.config()))),
            None => serve!(server),
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
        let plain = Server::start(plain, router.clone(), None).unwrap();
        let secure = Server::start(secure, router, Some(&tls)).unwrap();
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
        let server = Server::start(listener, Router::new().route("/", get(slow)), None).unwrap();
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
}
